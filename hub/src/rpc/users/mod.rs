//! Users: people, builder hosts and groups of users, with their principals and permissions.

mod edit;
mod get;
mod groups;
mod permissions;
mod principals;

pub mod store;

use crate::rpc::Method;

pub const METHODS: &[Method] = &[
    edit::CREATE_USER,
    edit::DISABLE_USER,
    edit::EDIT_USER,
    edit::ENABLE_USER,
    get::GET_USER,
    get::LIST_USERS,
    groups::ADD_GROUP_MEMBER,
    groups::DROP_GROUP_MEMBER,
    groups::GET_GROUP_MEMBERS,
    groups::GET_USER_GROUPS,
    groups::NEW_GROUP,
    permissions::EDIT_PERMISSION,
    permissions::GET_ALL_PERMS,
    permissions::GET_PERMS,
    permissions::GET_USER_PERMS,
    permissions::GET_USER_PERMS_INHERITANCE,
    permissions::GRANT_PERMISSION,
    permissions::HAS_PERM,
    permissions::REVOKE_PERMISSION,
    principals::ADD_USER_KRB_PRINCIPAL,
    principals::REMOVE_USER_KRB_PRINCIPAL,
];
