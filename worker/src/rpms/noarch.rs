//! Whether a noarch package came out the same on several arches.

use std::path::Path;

use rpm::{Dependency, IndexTag};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{RpmError, file_name, open};

/// Texts that must agree.
const TEXTS: &[IndexTag] = &[
    IndexTag::RPMTAG_NAME,
    IndexTag::RPMTAG_SUMMARY,
    IndexTag::RPMTAG_DESCRIPTION,
    IndexTag::RPMTAG_GROUP,
    IndexTag::RPMTAG_LICENSE,
    IndexTag::RPMTAG_URL,
    IndexTag::RPMTAG_PREIN,
    IndexTag::RPMTAG_POSTIN,
    IndexTag::RPMTAG_PREUN,
    IndexTag::RPMTAG_POSTUN,
];

/// A hash of all that must not depend on where a noarch package was built: its texts, dependencies
/// and files; but not their sizes, digests and times, which differ when a date is built in. The
/// hub compares in detail only packages whose hashes differ.
pub fn content_hash(path: &Path) -> Result<String, RpmError> {
    let (metadata, _) = open(path)?;
    let damaged = |error: rpm::Error| RpmError::NotAnRpm { file: file_name(path), why: error.to_string() };
    let header = &metadata.header;
    let text = |tag: IndexTag| {
        let plain = header.get_entry_data_as_string(tag);
        plain.or_else(|_| header.get_entry_data_as_i18n_string(tag)).ok()
    };
    let texts: Vec<Option<&str>> = TEXTS.iter().map(|tag| text(*tag)).collect();
    let own = format!(
        "{}-{}",
        text(IndexTag::RPMTAG_VERSION).unwrap_or_default(),
        text(IndexTag::RPMTAG_RELEASE).unwrap_or_default()
    );
    let name = text(IndexTag::RPMTAG_NAME).unwrap_or_default();
    let mut provides = metadata.get_provides().map_err(damaged)?;
    provides.retain(|p| !(p.name == name && p.version == own));

    let mut files = Vec::new();
    for entry in metadata.get_file_entries().map_err(damaged)? {
        files.push(json!([
            entry.path(),
            entry.mode().raw_mode(),
            entry.user(),
            entry.group(),
            entry.flags().bits(),
            entry.rdev(),
            entry.linkto(),
            entry.caps(),
        ]));
    }
    files.sort_by_key(Value::to_string);
    let facts = json!({
        "texts": texts,
        "requires": listed(metadata.get_requires().map_err(damaged)?),
        "provides": listed(provides),
        "conflicts": listed(metadata.get_conflicts().map_err(damaged)?),
        "obsoletes": listed(metadata.get_obsoletes().map_err(damaged)?),
        "files": files,
    });
    Ok(hex::encode(Sha256::digest(facts.to_string())))
}

fn listed(dependencies: Vec<Dependency>) -> Vec<(String, u32, String)> {
    let mut all: Vec<_> = dependencies.into_iter().map(|d| (d.name, d.flags.bits(), d.version)).collect();
    all.sort();
    all
}
