//! RPMs as builders list them: many at once.

use std::collections::{BTreeMap, HashMap};

use toji_proto::{Struct, Value, ValueExt};

use super::external::ExternalRpm;
use super::store::{self, RpmEntry, RpmRef};
use crate::error::{self, Rpc};
use crate::rpc::lookup::{self, Table};
use crate::rpc::{Call, FromArg, NameOrId};

/// The ids of RPMs, each a struct as for `getRPM`. Those with a `location` come from that external repository
/// and are entered if they are not known.
///
/// Faults (1000): an RPM, or repository, that does not exist; an external RPM with another hash.
pub async fn ids(call: &mut Call, rpms: &[Struct]) -> Rpc<Vec<i32>> {
    let mut known = known(call, rpms).await?;
    let mut repos: HashMap<String, i32> = HashMap::new();
    let mut ids = Vec::with_capacity(rpms.len());
    for info in rpms {
        let location = info.get("location").filter(|location| location.is_true());
        let Some(location) = location else {
            let entry = known.get(&name_of(info)).and_then(|all| store::preferred(all.iter()));
            ids.push(match entry {
                Some(entry) => entry.id,
                None => {
                    let info = Value::Struct(info.clone());
                    let found = store::find(&call.db, &RpmRef::from_arg(info.clone(), "rpm")?).await?;
                    found.ok_or_else(|| error::generic(format!("No such rpm: {}", info.repr())))?.id
                }
            });
            continue;
        };
        let location = NameOrId::from_arg(location.clone(), "location")?;
        let repo = match repos.get(&location.to_string()) {
            Some(repo) => *repo,
            None => {
                let repo = lookup::get(&call.db, Table::ExternalRepo, &location).await?.id;
                repos.insert(location.to_string(), repo);
                repo
            }
        };
        let rpm = ExternalRpm::from_struct(info)?;
        let entries = known.entry(name_of(info)).or_default();
        match entries.iter().find(|entry| entry.external_repo_id == repo) {
            Some(entry) => {
                rpm.check_same(entry)?;
                ids.push(entry.id);
            }
            None => {
                let id = rpm.insert(call, repo).await?;
                entries.push(store::get(&call.db, &id.into()).await?);
                ids.push(id);
            }
        }
    }
    Ok(ids)
}

/// What the database knows under the listed names, in one query.
async fn known(call: &Call, rpms: &[Struct]) -> Rpc<BTreeMap<String, Vec<RpmEntry>>> {
    let mut names: Vec<String> = rpms.iter().map(name_of).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut known: BTreeMap<String, Vec<RpmEntry>> = BTreeMap::new();
    for entry in store::with_files(&call.db, &names).await? {
        known.entry(format!("{}.rpm", entry.nvra)).or_default().push(entry);
    }
    Ok(known)
}

/// The name of its file; empty if it is named otherwise.
fn name_of(info: &Struct) -> String {
    let part = |name: &str| info.get(name).and_then(ValueExt::as_str);
    match (info.contains_key("id"), part("name"), part("version"), part("release"), part("arch")) {
        (false, Some(n), Some(v), Some(r), Some(a)) => format!("{n}-{v}-{r}.{a}.rpm"),
        _ => String::new(),
    }
}
