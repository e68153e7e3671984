//! What RPMs contain and ask for.

use rpm::{IndexData, IndexTag};
use toji_hub_macros::rpc;
use toji_proto::states::DependencyType;
use toji_proto::{IntoValue, Value, ValueExt, value};

use super::file;
use super::store::RpmRef;
use crate::db::{QueryOpts, Row};
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpmfile::{RpmFile, tags};

/// In the order of the answers.
const KINDS: [DependencyType; 8] = [
    DependencyType::Requires,
    DependencyType::Provides,
    DependencyType::Conflicts,
    DependencyType::Obsoletes,
    DependencyType::Suggests,
    DependencyType::Enhances,
    DependencyType::Supplements,
    DependencyType::Recommends,
];

/// The relations of an RPM to others: structs with `name`, `version`, `flags` (as in RPM) and `type` (0
/// requires, 1 provides, 2 obsoletes, 3 conflicts, 4 suggests, 5 enhances, 6 supplements, 7 recommends), those
/// of one type if asked for; with `asList`, lists in this order.
///
/// An RPM that does not exist, is external, or has no file any more has none; with `strict` that is a fault.
#[rpc("getRPMDeps(rpmID, depType=None, queryOpts=None, strict=False)", read)]
pub async fn get_rpm_deps(
    call: &mut Call,
    rpm: RpmRef,
    dep_type: Value,
    opts: Option<QueryOpts>,
    strict: bool,
) -> Rpc<Value> {
    let mut rows = Vec::new();
    if let Some((_, file)) = file::of_rpm(call, &rpm, strict).await? {
        for kind in KINDS {
            if dep_type.is_nil() || dep_type.as_i64() == Some(kind.code().into()) {
                for (name, version, flags) in tags::dependencies(&file, kind.name()).unwrap_or_default() {
                    rows.push(Row::from([
                        ("name".into(), value!(name)),
                        ("version".into(), value!(version)),
                        ("flags".into(), value!(flags)),
                        ("type".into(), value!(kind)),
                    ]));
                }
            }
        }
    }
    opts.unwrap_or_default().apply_to_columns(rows, &["name", "version", "flags", "type"])
}

const FILE_COLUMNS: [&str; 9] = ["name", "digest", "size", "flags", "digest_algo", "user", "group", "mtime", "mode"];

/// The files in an RPM: structs with `name`, `digest` (also as `md5`), `digest_algo`, `size` (bytes), `flags`,
/// `user`, `group`, `mtime` (seconds since 1970) and `mode`; with `asList`, lists of name, digest, size, flags,
/// digest_algo, user, group, mtime and mode.
///
/// An RPM that does not exist, is external, or has no file any more has none.
#[rpc("listRPMFiles(rpmID, queryOpts=None)", read)]
pub async fn list_rpm_files(call: &mut Call, rpm: RpmRef, opts: Option<QueryOpts>) -> Rpc<Value> {
    let rows = match file::of_rpm(call, &rpm, false).await? {
        Some((_, file)) => files(&file),
        None => vec![],
    };
    opts.unwrap_or_default().apply_to_columns(rows, &FILE_COLUMNS)
}

/// One file of an RPM, as `listRPMFiles` has it, with `rpm_id`.
///
/// An empty struct if there is no such file, or RPM, or the RPM has no file (any more); with `strict` that is
/// a fault.
#[rpc("getRPMFile(rpmID, filename, strict=False)", read)]
pub async fn get_rpm_file(call: &mut Call, rpm: RpmRef, filename: String, strict: bool) -> Rpc<Row> {
    let Some((entry, file)) = file::of_rpm(call, &rpm, strict).await? else { return Ok(Row::new()) };
    let found = files(&file).into_iter().find(|row| row.get("name").and_then(ValueExt::as_str) == Some(&filename));
    match found {
        Some(mut row) => {
            row.insert("rpm_id".into(), Value::Integer(entry.id));
            Ok(row)
        }
        None if strict => Err(error::generic(format!("No file: {filename} found in RPM: {rpm}"))),
        None => Ok(Row::new()),
    }
}

fn files(file: &RpmFile) -> Vec<Row> {
    let column = |name: &str| match tags::field(file, name) {
        Some(Value::Array(items)) => items,
        _ => vec![],
    };
    let names = tags::file_names(file);
    let columns =
        ["filemd5s", "longfilesizes", "fileflags", "fileusername", "filegroupname", "filemtimes", "filemodes"];
    let columns = columns.map(column);
    let algorithm = digest_algorithm(file);
    let row = |(i, name): (usize, String)| {
        let [digest, size, flags, user, group, mtime, mode] =
            columns.each_ref().map(|column| column.get(i).cloned().unwrap_or(Value::Nil));
        Row::from([
            ("name".into(), name.into_value()),
            ("md5".into(), digest.clone()),
            ("digest".into(), digest),
            ("digest_algo".into(), algorithm.into_value()),
            ("size".into(), size),
            ("flags".into(), flags),
            ("user".into(), user),
            ("group".into(), group),
            ("mtime".into(), mtime),
            ("mode".into(), mode),
        ])
    };
    names.into_iter().enumerate().map(row).collect()
}

/// The name of the digests' algorithm, by OpenPGP's numbers.
fn digest_algorithm(file: &RpmFile) -> &'static str {
    match file.metadata.header.entry(IndexTag::RPMTAG_FILEDIGESTALGO) {
        Ok(IndexData::Int32(numbers)) => match numbers.first() {
            None | Some(1) => "md5",
            Some(2) => "sha1",
            Some(3) => "ripemd160",
            Some(5) => "md2",
            Some(6) => "tiger192",
            Some(7) => "haval-5-160",
            Some(8) => "sha256",
            Some(9) => "sha384",
            Some(10) => "sha512",
            Some(11) => "sha224",
            Some(_) => "unknown",
        },
        _ => "md5",
    }
}
