//! What differs between two builds of one noarch package.

use std::collections::BTreeMap;

use rpm::{Dependency, IndexData, IndexTag};

use super::RpmFile;
use crate::error::{self, Rpc};

const TEXTS: &[(IndexTag, &str)] = &[
    (IndexTag::RPMTAG_NAME, "name"),
    (IndexTag::RPMTAG_SUMMARY, "summary"),
    (IndexTag::RPMTAG_DESCRIPTION, "description"),
    (IndexTag::RPMTAG_GROUP, "group"),
    (IndexTag::RPMTAG_LICENSE, "license"),
    (IndexTag::RPMTAG_URL, "url"),
    (IndexTag::RPMTAG_PREIN, "script before installation"),
    (IndexTag::RPMTAG_POSTIN, "script after installation"),
    (IndexTag::RPMTAG_PREUN, "script before removal"),
    (IndexTag::RPMTAG_POSTUN, "script after removal"),
];

/// What differs and must not depend on where the packages were built: texts, dependencies and files, but not
/// the files' sizes, contents and times, which differ when a date is built in. One line each.
pub fn differences(one: &RpmFile, other: &RpmFile) -> Rpc<Vec<String>> {
    let mut found = Vec::new();
    for (tag, name) in TEXTS {
        if text(one, *tag) != text(other, *tag) {
            found.push(name.to_string());
        }
    }
    compare(&mut found, dependencies(one)?, dependencies(other)?);
    compare(&mut found, files(one)?, files(other)?);
    Ok(found)
}

fn text(file: &RpmFile, tag: IndexTag) -> Option<Vec<String>> {
    match file.metadata.header.entry(tag).ok()? {
        IndexData::StringTag(text) => Some(vec![text]),
        IndexData::StringArray(texts) | IndexData::I18NString(texts) => Some(texts),
        _ => None,
    }
}

fn compare(found: &mut Vec<String>, one: BTreeMap<String, String>, other: BTreeMap<String, String>) {
    for (name, what) in &one {
        match other.get(name) {
            None => found.push(format!("missing: {name}")),
            Some(instead) if instead != what => found.push(format!("{name}: {what} or {instead}")),
            Some(_) => {}
        }
    }
    found.extend(other.keys().filter(|name| !one.contains_key(*name)).map(|name| format!("added: {name}")));
}

fn dependencies(file: &RpmFile) -> Rpc<BTreeMap<String, String>> {
    let metadata = &file.metadata;
    let damaged = |e: rpm::Error| error::generic(format!("{}: {e}", file.path.display()));
    let facts = file.facts()?;
    let own = format!("{}-{}", facts.nvra.nvr.version, facts.nvra.nvr.release);
    let mut provides = metadata.get_provides().map_err(damaged)?;
    provides.retain(|p| p.name != facts.nvra.nvr.name || p.version != own);
    let mut all = BTreeMap::new();
    for (kind, dependencies) in [
        ("requires", metadata.get_requires().map_err(damaged)?),
        ("provides", provides),
        ("conflicts", metadata.get_conflicts().map_err(damaged)?),
        ("obsoletes", metadata.get_obsoletes().map_err(damaged)?),
    ] {
        for Dependency { name, flags, version, .. } in dependencies {
            all.insert(format!("{kind} {name} {version} ({:#x})", flags.bits()), String::new());
        }
    }
    Ok(all)
}

/// Each file's attributes by path.
fn files(file: &RpmFile) -> Rpc<BTreeMap<String, String>> {
    let damaged = |e: rpm::Error| error::generic(format!("{}: {e}", file.path.display()));
    let entries = file.metadata.get_file_entries().map_err(damaged)?;
    let verified = match file.metadata.header.entry(IndexTag::RPMTAG_FILEVERIFYFLAGS) {
        Ok(IndexData::Int32(flags)) => flags,
        _ => vec![],
    };
    Ok(entries
        .iter()
        .enumerate()
        .map(|(i, f)| {
            let what = format!(
                "mode {:o}, user {}, group {}, flags {:#x}, device {}, link to {}, verified {:#x}",
                f.mode().raw_mode(),
                f.user(),
                f.group(),
                f.flags().bits(),
                f.rdev(),
                f.linkto().unwrap_or_default(),
                verified.get(i).copied().unwrap_or_default(),
            );
            (f.path().display().to_string(), what)
        })
        .collect())
}
