//! Builds by what is known of them.

use toji_hub_macros::rpc;
use toji_proto::states::BuildState;
use toji_proto::{Struct, Value, ValueExt};

use super::store;
use crate::db::{Param, QueryOpts, Select, like};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, FromArg, NameOrId, times};

/// The builds for which all of what is given holds, as structs like `getBuild`'s, without `id`, `cg_id` and
/// `cg_name`.
///
/// `taskID` -1 means any task. `prefix` (of the package) and the globs `pattern` (of the name-version-release)
/// and `source` ignore case. The times are seconds since 1970 or text; `…Before` and `…After` exclude the
/// time itself. `type` `maven` and `win` add the type's columns and look at `typeInfo` (`group_id`,
/// `artifact_id`, `version`; `platform`). A package, user or generator that does not exist has no builds; an
/// unknown type is a fault.
#[rpc(
    "listBuilds(packageID=None, userID=None, taskID=None, prefix=None, state=None, volumeID=None, source=None, createdBefore=None, createdAfter=None, completeBefore=None, completeAfter=None, type=None, typeInfo=None, queryOpts=None, pattern=None, cgID=None, draft=None, promotedBefore=None, promotedAfter=None, promoter=None)",
    read
)]
pub async fn list_builds(
    call: &mut Call,
    package: Option<NameOrId>,
    user: Option<UserRef>,
    task: Option<i32>,
    prefix: Option<String>,
    state: Option<i32>,
    volume: Option<i32>,
    source: Option<String>,
    created_before: Value,
    created_after: Value,
    complete_before: Value,
    complete_after: Value,
    kind: Option<String>,
    type_info: Option<Struct>,
    opts: Option<QueryOpts>,
    pattern: Option<String>,
    cg: Value,
    draft: Option<bool>,
    promoted_before: Value,
    promoted_after: Value,
    promoter: Option<UserRef>,
) -> Rpc<Value> {
    let nothing = || Ok(Value::Array(vec![]));
    let mut select = store::select();
    if let Some(package) = package {
        let Some(package) = lookup::find(&call.db, Table::Package, &package).await? else { return nothing() };
        select = select.clause("build.pkg_id = ?", [package.id.into()]);
    }
    for (column, user) in [("build.owner", user), ("build.promoter", promoter)] {
        let Some(user) = user else { continue };
        let Some(user) = users::find(call, &user).await? else { return nothing() };
        select = select.clause(&format!("{column} = ?"), [user.id.into()]);
    }
    if cg.is_true() {
        let cg = NameOrId::from_arg(cg, "cgID")?;
        let Some(cg) = lookup::find(&call.db, Table::ContentGenerator, &cg).await? else { return nothing() };
        select = select.clause("build.cg_id = ?", [cg.id.into()]);
    }
    select = match task {
        Some(-1) => select.clause("build.task_id IS NOT NULL", []),
        task => select.clause_if("build.task_id = ?", task),
    };
    select = select.clause_if("build.volume_id = ?", volume).clause_if("build.state = ?", state);
    select = match draft {
        Some(draft) => select.clause("build.draft = ?", [draft.into()]),
        None => select,
    };
    let nvr = "package.name || '-' || build.version || '-' || build.release";
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    for (clause, params) in [
        source.map(|s| like::glob("build.source", &s)),
        given(prefix).map(|p| like::prefix("package.name", &p)),
        given(pattern).map(|p| like::glob(nvr, &p)),
    ]
    .into_iter()
    .flatten()
    {
        select = select.clause(&clause, params);
    }
    for (clause, time, name) in [
        ("events.time < ?", created_before, "createdBefore"),
        ("events.time > ?", created_after, "createdAfter"),
        ("build.completion_time < ?", complete_before, "completeBefore"),
        ("build.completion_time > ?", complete_after, "completeAfter"),
        ("build.promotion_time < ?", promoted_before, "promotedBefore"),
        ("build.promotion_time > ?", promoted_after, "promotedAfter"),
    ] {
        select = select.clause_if(clause, times::asked(time, name)?);
    }
    if let Some(kind) = kind {
        select = of_type(call, select, &kind, &type_info.unwrap_or_default()).await?;
    }
    select.order("build_id").opts(opts).answer(&call.db).await
}

async fn of_type(call: &Call, select: Select, kind: &str, info: &Struct) -> Rpc<Select> {
    let mut asked: Vec<(&str, Param)> = vec![];
    let mut ask = |column, key: &str| -> Rpc<()> {
        if let Some(value) = info.get(key) {
            asked.push((column, Option::<String>::from_arg(value.clone(), key)?.into()));
        }
        Ok(())
    };
    let mut select = match kind {
        "maven" => {
            ask("maven_builds.group_id = ?", "group_id")?;
            ask("maven_builds.artifact_id = ?", "artifact_id")?;
            ask("maven_builds.version = ?", "version")?;
            select.join("maven_builds ON maven_builds.build_id = build.id").columns(&[
                ("maven_builds.group_id", "maven_group_id"),
                ("maven_builds.artifact_id", "maven_artifact_id"),
                ("maven_builds.version", "maven_version"),
            ])
        }
        "win" => {
            ask("win_builds.platform = ?", "platform")?;
            if !info.is_empty() && !info.contains_key("platform") {
                return Err(error::param("typeInfo of a win build has platform and nothing else"));
            }
            select.join("win_builds ON win_builds.build_id = build.id").column("win_builds.platform", "platform")
        }
        "image" => select.join("image_builds ON image_builds.build_id = build.id"),
        other => {
            let btype = lookup::find(&call.db, Table::BuildType, &NameOrId::Name(other.into())).await?;
            let btype = btype.ok_or_else(|| error::generic(format!("unsupported build type: {other}")))?;
            select.join_with(
                "build_types ON build_types.build_id = build.id AND build_types.btype_id = ?",
                vec![btype.id.into()],
            )
        }
    };
    for (clause, value) in asked {
        select = select.clause(clause, [value]);
    }
    Ok(select)
}

/// Complete builds that no tag has: structs with `id`, `name`, `version` and `release`.
///
/// `name` asks for those of one package, `draft` for drafts or for regular builds.
#[rpc("untaggedBuilds(name=None, queryOpts=None, draft=None)", read)]
pub async fn untagged_builds(
    call: &mut Call,
    name: Option<String>,
    opts: Option<QueryOpts>,
    draft: Option<bool>,
) -> Rpc<Value> {
    Select::from("build")
        .join("package ON package.id = build.pkg_id")
        .columns(&[
            ("build.id", "id"),
            ("package.name", "name"),
            ("build.version", "version"),
            ("build.release", "release"),
        ])
        .clause("NOT EXISTS (SELECT 1 FROM tag_listing WHERE build_id = build.id AND active = TRUE)", [])
        .clause("build.state = ?", [BuildState::Complete.code().into()])
        .clause_if("package.name = ?", name)
        .clause_if("build.draft = ?", draft)
        .order("id")
        .opts(opts)
        .answer(&call.db)
        .await
}
