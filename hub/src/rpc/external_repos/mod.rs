//! External repositories: package repositories elsewhere that repositories of tags are merged with.
//!
//! A name and its id (`external_repo`) are for ever; the repository exists while it has a URL in force
//! (`external_repo_config`). Deleting it revokes that and takes it off its tags; creating one of the same name
//! brings the id back. The URL, the tags it is on (`tag_external_repos`) and what is known of its state
//! (`external_repo_data`) keep their history; the name does not.
//!
//! A repository's URL may hold `$arch`. It always ends with a slash.

mod create;
mod data;
mod delete;
mod edit;
mod get;
mod tag_get;
mod tag_write;

pub mod store;

use super::{Call, Method, Rpc};

pub const METHODS: &[Method] = &[
    create::CREATE_EXTERNAL_REPO,
    data::GET_EXTERNAL_REPO_DATA,
    data::SET_EXTERNAL_REPO_DATA,
    delete::DELETE_EXTERNAL_REPO,
    edit::EDIT_EXTERNAL_REPO,
    get::GET_EXTERNAL_REPO,
    get::LIST_EXTERNAL_REPOS,
    tag_get::GET_EXTERNAL_REPO_LIST,
    tag_get::GET_TAG_EXTERNAL_REPOS,
    tag_write::ADD_EXTERNAL_REPO_TO_TAG,
    tag_write::EDIT_TAG_EXTERNAL_REPO,
    tag_write::REMOVE_EXTERNAL_REPO_FROM_TAG,
];
