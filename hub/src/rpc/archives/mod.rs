//! Archives: everything in builds that is no RPM, and the types it may have.

mod contents;
mod get;
mod import;
mod list;
mod types;

pub mod pom;
pub mod store;

use super::Method;

pub use import::{Content, NewArchive, add, place};
pub use list::of_type;
pub use types::of_file as type_of_file;

pub const METHODS: &[Method] = &[
    contents::GET_ARCHIVE_FILE,
    contents::LIST_ARCHIVE_FILES,
    get::GET_ARCHIVE,
    get::GET_IMAGE_ARCHIVE,
    get::GET_MAVEN_ARCHIVE,
    get::GET_WIN_ARCHIVE,
    import::HOST_IMPORT_ARCHIVE,
    import::IMPORT_ARCHIVE,
    list::LIST_ARCHIVES,
    types::ADD_ARCHIVE_TYPE,
    types::GET_ARCHIVE_TYPE,
    types::GET_ARCHIVE_TYPES,
];
