//! Packages, and the package lists of tags.
//!
//! A package is a name with an id. A tag's package list (`tag_packages`, and `tag_package_owners` for who owns
//! the entries) says which packages' builds may be tagged with it; an entry may also block its package. Lists
//! are inherited: the first entry in the order of inheritance counts, filters on the way permitting. Both
//! tables keep their history.
//!
//! Changes are up to the policy `package_list`, which gets `tag`, `action`, `package` and `force`.

mod add;
mod get;
mod list;
mod remove;
mod unblock;

pub mod store;

use super::{Call, Method, Rpc};

pub use add::{Addition, add};

pub const METHODS: &[Method] = &[
    add::PACKAGE_LIST_ADD,
    add::PACKAGE_LIST_BLOCK,
    add::PACKAGE_LIST_SET_ARCHES,
    add::PACKAGE_LIST_SET_OWNER,
    get::CHECK_TAG_PACKAGE,
    get::GET_PACKAGE,
    get::GET_PACKAGE_CONFIG,
    get::GET_PACKAGE_ID,
    list::LIST_PACKAGES,
    list::LIST_PACKAGES_SIMPLE,
    remove::PACKAGE_LIST_REMOVE,
    unblock::PACKAGE_LIST_UNBLOCK,
];

/// Refuses (1004) what the policy `package_list` does not allow the caller; admins may force it.
async fn assert_policy(call: &Call, tag_id: i32, action: &str, package: &super::NameOrId, force: bool) -> Rpc<()> {
    use toji_proto::{Value, value};
    call.session()?;
    let package = match package {
        super::NameOrId::Id(id) => value!(*id),
        super::NameOrId::Name(name) => value!(name),
    };
    let data = value!({ "tag": tag_id, "action": action, "package": package, "force": force });
    let Value::Struct(data) = data else { return Ok(()) };
    call.assert_policy("package_list", data, force).await
}
