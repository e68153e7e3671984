//! Noarch packages that several arches built must be the same: only one of them is kept.

use std::collections::BTreeMap;

use super::source::with_head;
use crate::rpms::content_hash;
use crate::task::{Task, TaskError};

/// Compares the noarch packages of equal name in a list of paths below the hub's `work/`.
pub async fn compare(task: &Task, rpms: &[String]) -> Result<(), TaskError> {
    for (name, paths) in duplicates(rpms) {
        let mut first: Option<(&str, String)> = None;
        for path in paths {
            let hash = with_head(task, path, content_hash).await?;
            match &first {
                None => first = Some((path, hash)),
                Some((_, wanted)) if *wanted == hash => {}
                Some((other, _)) => {
                    return Err(TaskError::build(format!(
                        "{name} came out differently on two arches: compare {other} with {path}"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// The noarch packages that are there more than once.
fn duplicates(rpms: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in rpms.iter().filter(|path| path.ends_with(".noarch.rpm")) {
        let name = path.rsplit('/').next().unwrap_or(path);
        by_name.entry(name).or_default().push(path);
    }
    by_name.retain(|_, paths| paths.len() > 1);
    by_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_noarch_packages_of_one_name_are_compared() {
        let rpms = [
            "a/x-1-1.noarch.rpm",
            "b/x-1-1.noarch.rpm",
            "a/y-1-1.x86_64.rpm",
            "b/y-1-1.x86_64.rpm",
            "a/z-1-1.noarch.rpm",
        ];
        let rpms: Vec<String> = rpms.iter().map(|path| (*path).to_owned()).collect();
        let found = duplicates(&rpms);
        assert_eq!(found.keys().collect::<Vec<_>>(), [&"x-1-1.noarch.rpm"]);
        assert_eq!(found["x-1-1.noarch.rpm"], ["a/x-1-1.noarch.rpm", "b/x-1-1.noarch.rpm"]);
    }
}
