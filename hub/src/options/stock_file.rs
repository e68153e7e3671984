//! Reading a stock `hub.conf`: sections of `name = value`, where indented lines carry
//! a value on and lines that begin with `#` or `;` are comments.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;

use super::OptionsError;

/// What a stock file says. Names are lower case, as the stock hub reads them too.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub hub: BTreeMap<String, String>,
    pub policy: BTreeMap<String, String>,
}

pub(super) fn read(path: &Path) -> Result<Sections, OptionsError> {
    let broken = |reason: String| OptionsError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|why| broken(why.to_string()))?;
    let mut sections = Sections::default();
    for (section, entries) in parser().read(text).map_err(broken)? {
        let entries = entries
            .into_iter()
            .map(|(name, value)| match value {
                Some(value) => Ok((name, value.trim_start().to_owned())),
                None => Err(broken(format!("[{section}] {name:?} is neither `name = value` nor indented"))),
            })
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        match section.as_str() {
            "hub" => sections.hub.extend(entries),
            "policy" => sections.policy.extend(entries),
            // The stock plugin's file, whose options are the hub's own here.
            "sidetag" => {
                let options = entries.into_iter();
                sections.hub.extend(options.map(|(name, value)| (format!("sidetag{}", name.replace('_', "")), value)));
            }
            _ => tracing::warn!("{}: unknown section [{section}] is ignored", path.display()),
        }
    }
    Ok(sections)
}

fn parser() -> Ini {
    let mut rules = Ini::new().defaults();
    rules.multiline = true;
    rules.enable_inline_comments = false;
    Ini::new_from_defaults(rules)
}

/// The `*.conf` files of a folder in name order; none if there is no such folder.
pub(super) fn config_files(folder: &Path) -> Result<Vec<PathBuf>, OptionsError> {
    let broken = |why: std::io::Error| OptionsError::File { path: folder.to_owned(), reason: why.to_string() };
    let entries = match std::fs::read_dir(folder) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(broken)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(broken)?.path();
        if path.extension().is_some_and(|extension| extension == "conf") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
