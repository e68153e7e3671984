//! What a repository holds and where each of its packages came from.
//!
//! The hub keeps packages of its own by id and those of external repositories by the repository
//! they came from. Which is which is written down beside the repository: `pkgorigins` names the
//! origin of every package, `rpmlist.jsonl` the hub's own ones.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::packages::Installed;
use super::settings::Settings;
use crate::args;
use crate::hub::Session;
use crate::members;
use crate::task::TaskError;
use crate::topdir::{TopDir, repo_path};
use crate::value::{Lookup, Value, ValueExt};

/// The longest list of origins that is read.
const ORIGINS_LIMIT: u64 = 1 << 30;

/// A repository, as far as it tells its packages apart.
pub struct Contents {
    /// External repositories (stock `getExternalRepoList` rows) by address.
    external: HashMap<String, Value>,
    /// Addresses by package; empty if there are no external repositories.
    origins: HashMap<String, String>,
    /// How the address ends under which the hub's own packages were merged.
    own: String,
    /// The hub's own packages.
    known: HashMap<String, Known>,
}

/// A line of `rpmlist.jsonl`, as far as it matters here.
#[derive(Deserialize)]
struct Known {
    id: i64,
    name: String,
    version: String,
    release: String,
    arch: String,
    payloadhash: String,
}

impl Known {
    fn of(row: &Value) -> Option<Known> {
        let text = |name: &str| row.get_str(name).map(str::to_owned);
        Some(Known {
            id: row.get_int("id")?,
            name: text("name")?,
            version: text("version")?,
            release: text("release")?,
            arch: text("arch")?,
            payloadhash: text("payloadhash")?,
        })
    }
}

impl Contents {
    pub async fn load(
        hub: &Session,
        topdir: &TopDir,
        repo: &Value,
        settings: &Settings,
    ) -> Result<Contents, TaskError> {
        let event = repo.get("create_event").cloned().unwrap_or(Value::Nil);
        let tag = repo.get("tag_id").cloned().unwrap_or(Value::Nil);
        let base = format!("{}/{}", repo_path(&settings.tag, settings.repo_id), settings.arch);
        let rows = hub.call_named("getExternalRepoList", args![&tag], members! { "event" => &event }).await?;
        let rows = rows.as_array().unwrap_or_default();
        let by_url = |row: &Value| Some((row.get_str("url")?.replace("$arch", &settings.arch), row.clone()));
        let external: HashMap<String, Value> = rows.iter().filter_map(by_url).collect();
        let origins = if external.is_empty() { HashMap::new() } else { load_origins(topdir, &base).await? };
        let path = format!("{base}/rpmlist.jsonl");
        let known: Vec<Known> = match topdir.text(&path).await? {
            Some(text) => {
                let rows: Result<_, _> = text.lines().map(serde_json::from_str).collect();
                rows.map_err(|error| TaskError::buildroot(format!("{path}: {error}")))?
            }
            // A repository of an older hub. Only drafts need an id: their names are not unique.
            None => {
                let named = members! { "event" => event, "latest" => true, "draft" => true };
                let answer = hub.call_named("listTaggedRPMS", args![tag], named).await?;
                let packages = answer.as_array().and_then(|lists| lists.first()?.as_array()).unwrap_or_default();
                packages.iter().filter_map(Known::of).collect()
            }
        };
        let by_name = |known: Known| {
            let Known { name, version, release, arch, .. } = &known;
            (format!("{name}-{version}-{release}.{arch}"), known)
        };
        Ok(Contents {
            external,
            origins,
            own: format!("/repo_{}_premerge/", settings.repo_id),
            known: known.into_iter().map(by_name).collect(),
        })
    }

    /// Notes where an installed package came from: the external repository, or the hub's id of it.
    pub fn identify(&self, package: &mut Installed) -> Result<(), TaskError> {
        let nvra = package.nvra();
        if !self.external.is_empty() {
            let origin = self.origins.get(&nvra);
            let origin = origin.ok_or_else(|| TaskError::build(format!("the repository does not hold {nvra}")))?;
            if let Some(row) = self.external.get(origin) {
                package.origin = Some(row.clone());
                return Ok(());
            }
            if !(origin.starts_with("file://") && origin.ends_with(&self.own)) {
                return Err(TaskError::build(format!("{nvra} comes from an unknown repository, {origin}")));
            }
        }
        let Some(known) = self.known.get(&nvra) else { return Ok(()) };
        let (wanted, found) = (&known.payloadhash, &package.payload_hash);
        if wanted != found {
            let why = format!("{nvra} in the root is not the package of the repository: {found} is not {wanted}");
            return Err(TaskError::buildroot(why));
        }
        package.id = Some(known.id);
        Ok(())
    }
}

async fn load_origins(topdir: &TopDir, base: &str) -> Result<HashMap<String, String>, TaskError> {
    let missing = || TaskError::buildroot(format!("{base} does not tell the origins of its packages"));
    let index = topdir.text(&format!("{base}/repodata/repomd.xml")).await?.ok_or_else(missing)?;
    let place = locations(&index).into_iter().find(|(kind, _)| kind == "origin");
    let place = place.ok_or_else(missing)?.1;
    let packed = topdir.read(&format!("{base}/{place}")).await?.ok_or_else(missing)?;
    let mut text = String::new();
    let unpacked = MultiGzDecoder::new(packed.as_slice()).take(ORIGINS_LIMIT).read_to_string(&mut text);
    unpacked.map_err(|error| TaskError::buildroot(format!("{base}/{place}: {error}")))?;
    Ok(parse_origins(&text))
}

/// Lines of `NAME-[EPOCH:]VERSION-RELEASE.ARCH` (the epoch may also stand first), white space, and
/// a repository's address; by package without epoch.
fn parse_origins(text: &str) -> HashMap<String, String> {
    let mut origins = HashMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(package), Some(url)) = (words.next(), words.next()) {
            origins.insert(without_epoch(package), url.to_owned());
        }
    }
    origins
}

fn without_epoch(package: &str) -> String {
    let Some((before, after)) = package.split_once(':') else { return package.to_owned() };
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    format!("{}{after}", &before[..before.len() - digits])
}

/// Where a repository keeps which kind of data, from its `repomd.xml`. Places outside of it and
/// everything behind an error are left out.
pub fn locations(index: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(index);
    let (mut found, mut kind) = (Vec::new(), String::new());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let attribute = |name: &str| tag.try_get_attribute(name).ok().flatten().map(|a| a.value.into_owned());
                match tag.local_name().as_ref() {
                    "data" => kind = attribute("type").unwrap_or_default(),
                    "location" => {
                        found.extend(attribute("href").filter(|href| is_plain(href)).map(|href| (kind.clone(), href)))
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a path stays where it begins.
fn is_plain(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_with_and_without_epochs() {
        let text = "bash-5.2-1.x86_64\tfile:///a/\n1:perl-5-2.noarch http://b/\nvim-2:9-1.x86_64 http://c/\nbroken\n";
        let origins = parse_origins(text);
        assert_eq!(origins["bash-5.2-1.x86_64"], "file:///a/");
        assert_eq!(origins["perl-5-2.noarch"], "http://b/");
        assert_eq!(origins["vim-9-1.x86_64"], "http://c/");
        assert_eq!(origins.len(), 3);
    }

    #[test]
    fn the_place_of_origins() {
        let index = |href: &str| {
            format!(
                "<repomd><data type=\"primary\"><location href=\"repodata/p.xml\"/></data>\
                 <data type=\"origin\"><location href=\"{href}\"/></data></repomd>"
            )
        };
        let pair = |kind: &str, place: &str| (kind.to_owned(), place.to_owned());
        let primary = pair("primary", "repodata/p.xml");
        assert_eq!(locations(&index("repodata/o.gz")), [primary.clone(), pair("origin", "repodata/o.gz")]);
        assert_eq!(locations(&index("../../../secret")), [primary]);
        assert_eq!(locations("<repomd/>"), []);
    }
}
