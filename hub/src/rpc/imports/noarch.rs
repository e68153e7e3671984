//! Noarch packages that several arches built alike count once.

use std::collections::HashMap;

use crate::error::{self, Error, Rpc};
use crate::rpc::Call;
use crate::rpmfile::{self, RpmFile};

use super::uploaded;

/// The given uploads without repetitions of a noarch package: the first one is kept.
///
/// Build fault (1005) if another differs in more than its files' contents, sizes and times.
pub async fn without_duplicates(call: &Call, uploads: Vec<String>) -> Rpc<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    let mut noarch: HashMap<String, (String, Option<RpmFile>)> = HashMap::new();
    for upload in uploads {
        let name = upload.rsplit('/').next().unwrap_or_default().to_string();
        if !name.ends_with(".noarch.rpm") {
            kept.push(upload);
            continue;
        }
        let Some((first, read)) = noarch.get_mut(&name) else {
            noarch.insert(name, (upload.clone(), None));
            kept.push(upload);
            continue;
        };
        if read.is_none() {
            *read = Some(RpmFile::open(&uploaded(call, first)?).await?);
        }
        let other = RpmFile::open(&uploaded(call, &upload)?).await?;
        let differences = match read {
            Some(first) => rpmfile::differences(first, &other)?,
            None => vec![],
        };
        if !differences.is_empty() {
            return Err(differs(&name, &differences));
        }
    }
    Ok(kept)
}

fn differs(name: &str, differences: &[String]) -> Error {
    let shown = differences[..differences.len().min(50)].join("\n");
    error::build(format!("The noarch package {name} came out differently on several arches:\n{shown}"))
}
