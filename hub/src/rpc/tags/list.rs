//! `listTags`.

use toji_hub_macros::rpc;
use toji_proto::Value;

use super::{Call, Rpc};
use crate::db::{QueryOpts, Select, like};
use crate::error;
use crate::rpc::NameOrId;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::lookup::{self, Table};

/// Tags: structs with `id, name, arches, locked, maven_support, maven_include_all` and, with `perms`,
/// `perm_id` and `perm`.
///
/// `pattern` is a glob for names, upper or lower case. `build` asks for the tags that a build is tagged with;
/// `package` for those whose own package list has an entry for a package, and adds `owner_id, owner_name,
/// blocked, extra_arches`.
///
/// Faults: a build or package that does not exist, both of them given (1000).
#[rpc("listTags(build=None, package=None, perms=True, queryOpts=None, pattern=None)", read)]
pub async fn list_tags(
    call: &mut Call,
    build: Option<BuildRef>,
    package: Option<NameOrId>,
    perms: bool,
    query_opts: Option<QueryOpts>,
    pattern: Option<String>,
) -> Rpc<Value> {
    if build.is_some() && package.is_some() {
        return Err(error::generic("Tags can be listed for a build or for a package, not for both"));
    }
    let db = &call.db;
    let mut select = Select::from("tag_config").join("tag ON tag.id = tag_config.tag_id").columns(&[
        ("tag.id", "id"),
        ("tag.name", "name"),
        ("tag_config.arches", "arches"),
        ("tag_config.locked", "locked"),
        ("tag_config.maven_support", "maven_support"),
        ("tag_config.maven_include_all", "maven_include_all"),
    ]);
    if perms {
        select = select
            .join("LEFT JOIN permissions ON permissions.id = tag_config.perm_id")
            .columns(&[("tag_config.perm_id", "perm_id"), ("permissions.name", "perm")]);
    }
    if let Some(build) = build {
        let build = builds::get(db, &build).await?.id;
        select = select
            .join("tag_listing ON tag_listing.tag_id = tag.id AND tag_listing.active = TRUE")
            .clause("tag_listing.build_id = ?", [build.into()]);
    }
    if let Some(package) = package {
        let found = lookup::find(db, Table::Package, &package).await?;
        let id = found.ok_or_else(|| error::generic(format!("No such package: {package}")))?.id;
        select = select
            .join("tag_packages ON tag_packages.tag_id = tag.id AND tag_packages.active = TRUE")
            .join(
                "tag_package_owners ON tag_package_owners.tag_id = tag_packages.tag_id \
                 AND tag_package_owners.package_id = tag_packages.package_id AND tag_package_owners.active = TRUE",
            )
            .join("users ON users.id = tag_package_owners.owner")
            .columns(&[
                ("users.id", "owner_id"),
                ("users.name", "owner_name"),
                ("tag_packages.blocked", "blocked"),
                ("tag_packages.extra_arches", "extra_arches"),
            ])
            .clause("tag_packages.package_id = ?", [id.into()]);
    }
    if let Some(pattern) = pattern {
        let (clause, params) = like::glob("tag.name", &pattern);
        select = select.clause(&clause, params);
    }
    select.at_event("tag_config", None).order("id").opts(query_opts).answer(db).await
}
