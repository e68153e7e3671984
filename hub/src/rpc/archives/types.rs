//! File types, which the extension of an archive's name tells.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use crate::db::{Db, Insert, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, FromArg};

/// The file types: structs with `id`, `name`, `description`, `extensions` (separated by spaces) and
/// `compression_type` (`zip`, `tar` or nil).
#[rpc("getArchiveTypes()", read)]
pub async fn get_archive_types(call: &mut Call) -> Rpc<Vec<Row>> {
    all(&call.db).await
}

/// A file type by id, or else by name, or else by a file's name: the longest extension that is known counts,
/// upper or lower case.
///
/// Nil if there is none; a fault with `strict`. A fault also if nothing is asked for.
#[rpc("getArchiveType(filename=None, type_name=None, type_id=None, strict=False)", read)]
pub async fn get_archive_type(
    call: &mut Call,
    filename: Value,
    type_name: Value,
    type_id: Value,
    strict: bool,
) -> Rpc<Option<Row>> {
    let types = all(&call.db).await?;
    let (found, shown) = if type_id.is_true() {
        let id = i32::from_arg(type_id, "type_id")?;
        (types.into_iter().find(|t| t.opt_int("id") == Some(id)), id.to_string())
    } else if type_name.is_true() {
        let name = String::from_arg(type_name, "type_name")?;
        (types.into_iter().find(|t| t.text("name") == name), name)
    } else if filename.is_true() {
        let name = String::from_arg(filename, "filename")?;
        (by_name(types, &name), name)
    } else {
        return Err(error::generic("one of filename, type_name, or type_id must be specified"));
    };
    match found {
        None if strict => Err(error::generic(format!("no such archive type: {shown}"))),
        found => Ok(found),
    }
}

/// The type of a file, if its name tells one.
pub async fn of_file(db: &Db, name: &str) -> Rpc<Option<Row>> {
    Ok(by_name(all(db).await?, name))
}

fn by_name(types: Vec<Row>, name: &str) -> Option<Row> {
    let name = name.to_lowercase();
    let parts: Vec<&str> = name.split('.').collect();
    (0..parts.len()).find_map(|start| {
        let extension = parts[start..].join(".");
        types.iter().find(|t| has_extension(t, &extension)).cloned()
    })
}

fn has_extension(archive_type: &Row, extension: &str) -> bool {
    archive_type.text("extensions").split_whitespace().any(|known| known.to_lowercase() == extension)
}

async fn all(db: &Db) -> Rpc<Vec<Row>> {
    let columns = ["id", "name", "description", "extensions", "compression_type"].map(|column| (column, column));
    Select::from("archivetypes").columns(&columns).order("id").all(db).await
}

/// Adds a file type; `extensions` are letters, digits and dots, separated by single spaces.
///
/// Faults (1000): the name, or an extension, is taken; an odd extension; another compression than `zip` and
/// `tar`.
#[rpc("addArchiveType(name, description, extensions, compression_type=None)", write, perm = "admin")]
pub async fn add_archive_type(
    call: &mut Call,
    name: Value,
    description: String,
    extensions: String,
    compression: Option<String>,
) -> Rpc<()> {
    let name = names::text("name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    if let Some(compression) = compression.as_deref().filter(|c| !matches!(*c, "zip" | "tar")) {
        return Err(error::generic(format!("Unsupported compression type {compression}")));
    }
    let types = all(&call.db).await?;
    if types.iter().any(|t| t.text("name") == name) {
        return Err(error::generic(format!("archivetype {name} already exists")));
    }
    for extension in extensions.split(' ') {
        let plain = extension.replace('.', "");
        if plain.is_empty() || !plain.chars().all(char::is_alphanumeric) {
            return Err(error::generic(format!("not a file extension: {extension:?}")));
        }
        if types.iter().any(|t| has_extension(t, &extension.to_lowercase())) {
            return Err(error::generic(format!("file extension {extension} already exists")));
        }
    }
    Insert::into("archivetypes")
        .set("name", name)
        .set("description", description)
        .set("extensions", extensions)
        .set("compression_type", compression)
        .run(&call.db)
        .await
}
