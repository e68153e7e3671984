//! The files inside archives.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use chrono::NaiveDate;
use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt, value};

use super::store;
use crate::db::{QueryOpts, Row, RowExt};
use crate::error::{self, Error, Rpc};
use crate::rpc::Call;
use crate::rpc::builds::store as builds;

/// An archive with more files is not listed: nobody reads it, and it may be made to hurt.
const MAX_FILES: usize = 1_000_000;

/// The files in a zip or tar archive, in its order: structs with `archive_id`, `name`, `size` (bytes) and `mtime`
/// (seconds since 1970), of a tar archive also `mode`, `user` and `group`.
///
/// Of another file type, or if the file is gone with its build, an empty list; the former is a fault with
/// `strict`. Faults (1000): no such archive; one that cannot be read.
#[rpc("listArchiveFiles(archive_id, queryOpts=None, strict=False)", read)]
pub async fn list_archive_files(call: &mut Call, archive_id: i32, opts: Option<QueryOpts>, strict: bool) -> Rpc<Value> {
    let files = files(call, archive_id, strict).await?;
    QueryOpts { as_list: false, ..opts.unwrap_or_default() }.apply(files)
}

/// One file in an archive, as `listArchiveFiles` has it. Nil if there is none of that name; a fault with
/// `strict`, as is an archive that has no list of files.
#[rpc("getArchiveFile(archive_id, filename, strict=False)", read)]
pub async fn get_archive_file(call: &mut Call, archive_id: i32, filename: String, strict: bool) -> Rpc<Option<Row>> {
    let mut files = files(call, archive_id, strict).await?.into_iter();
    match files.find(|file| file.get("name").and_then(ValueExt::as_str) == Some(&filename)) {
        None if strict => Err(error::generic(format!("No such file: {filename} in archive {archive_id}"))),
        found => Ok(found),
    }
}

async fn files(call: &Call, archive_id: i32, strict: bool) -> Rpc<Vec<Row>> {
    let archive = store::get(&call.db, archive_id).await?;
    let build = builds::get(&call.db, &archive.int("build_id")?.into()).await?;
    let list = match archive.opt_text("compression_type") {
        Some("zip") => zipped,
        Some("tar") => tarred,
        _ if strict => {
            return Err(error::generic(format!("Unsupported archive type: {}", archive.text("type_name"))));
        }
        _ => return Ok(vec![]),
    };
    let path = store::path(call, &build, &archive)?;
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return Ok(vec![]);
    }
    let mut files = tokio::task::spawn_blocking(move || list(&path)).await??;
    for file in &mut files {
        file.insert("archive_id".into(), Value::Integer(archive_id));
    }
    Ok(files)
}

fn zipped(path: &Path) -> Rpc<Vec<Row>> {
    let damaged = |e: zip::result::ZipError| error::generic(format!("{} cannot be read: {e}", path.display()));
    let mut archive = zip::ZipArchive::new(BufReader::new(open(path)?)).map_err(damaged)?;
    if archive.len() > MAX_FILES {
        return Err(too_many(path));
    }
    (0..archive.len())
        .map(|i| {
            let file = archive.by_index_raw(i).map_err(damaged)?;
            let time = file.last_modified().and_then(|t| {
                NaiveDate::from_ymd_opt(t.year().into(), t.month().into(), t.day().into())?.and_hms_opt(
                    t.hour().into(),
                    t.minute().into(),
                    t.second().into(),
                )
            });
            Ok(Row::from([
                ("name".into(), value!(file.name().map_err(damaged)?.into_owned())),
                ("size".into(), size(file.size())),
                ("mtime".into(), value!(time.map_or(0, |t| t.and_utc().timestamp()))),
            ]))
        })
        .collect()
}

fn tarred(path: &Path) -> Rpc<Vec<Row>> {
    let failed = || Error::io(format!("{} cannot be read", path.display()));
    let mut start = Vec::new();
    open(path)?.take(6).read_to_end(&mut start).map_err(failed())?;
    let file = BufReader::new(open(path)?);
    let unpacked: Box<dyn Read> = match start.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(file)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(liblzma::read::XzDecoder::new_multi_decoder(file)),
        _ => Box::new(file),
    };
    let mut files = Vec::new();
    for entry in tar::Archive::new(unpacked).entries().map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let header = entry.header();
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_end_matches('/').to_string();
        files.push(Row::from([
            ("name".into(), value!(name)),
            ("size".into(), size(entry.size())),
            ("mtime".into(), size(header.mtime().unwrap_or(0))),
            ("mode".into(), value!(header.mode().unwrap_or(0) & 0o7777)),
            ("user".into(), value!(text(header.username_bytes()))),
            ("group".into(), value!(text(header.groupname_bytes()))),
        ]));
        if files.len() > MAX_FILES {
            return Err(too_many(path));
        }
    }
    Ok(files)
}

fn open(path: &Path) -> Rpc<File> {
    File::open(path).map_err(Error::io(format!("{} cannot be read", path.display())))
}

fn size(n: u64) -> Value {
    toji_proto::value::int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn too_many(path: &Path) -> Error {
    error::generic(format!("{} has more than {MAX_FILES} files", path.display()))
}
