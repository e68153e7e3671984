//! What is installed in a root, as the hub wants to know it.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::Context;
use super::settings::Settings;
use crate::args;
use crate::command::Command;
use crate::hub::Session;
use crate::members;
use crate::sandbox::Sandbox;
use crate::task::TaskError;
use crate::topdir::{TopDir, repo_path};
use crate::value::{Lookup, Members, Value, ValueExt};

/// Packages in a database that are none.
const NO_PACKAGES: &[&str] = &["buildsys-build", "gpg-pubkey"];
/// Where a root's package database may be.
const DATABASES: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// One line per package; tabs are in no field.
const FORMAT: &str =
    "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\t%{SIGMD5}\\t%{SIZE}\\t%{LONGSIZE}\\t%{BUILDTIME}\\n";
/// The longest list of origins that is read.
const ORIGINS_LIMIT: u64 = 1 << 30;

/// One package in a root.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    pub name: String,
    pub version: String,
    pub release: String,
    pub epoch: Option<i64>,
    pub arch: String,
    pub payload_hash: String,
    pub size: u64,
    pub build_time: i64,
    /// The external repository (stock `getExternalRepoList` row) that it came from.
    pub origin: Option<Value>,
    /// Its id at the hub, for packages of the hub's own.
    pub id: Option<i64>,
}

impl Installed {
    fn nvra(&self) -> String {
        format!("{}-{}-{}.{}", self.name, self.version, self.release, self.arch)
    }

    fn parse(line: &str) -> Option<Installed> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, version, release, epoch, arch, md5, size, long_size, build_time] = fields.as_slice() else {
            return None;
        };
        Some(Installed {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            release: (*release).to_owned(),
            epoch: epoch.parse().ok(),
            arch: (*arch).to_owned(),
            payload_hash: (*md5).to_owned(),
            size: size.parse().or_else(|_| long_size.parse()).ok()?,
            build_time: build_time.parse().ok()?,
            origin: None,
            id: None,
        })
    }

    /// The struct that `host.setBuildRootList` takes.
    pub fn into_value(self) -> Value {
        let mut row: Members = members! {
            "name" => self.name, "version" => self.version, "release" => self.release, "epoch" => self.epoch,
            "arch" => self.arch, "payloadhash" => self.payload_hash, "size" => self.size,
            "buildtime" => self.build_time,
        };
        if let Some(origin) = self.origin {
            row.insert("location".to_owned(), origin.get("external_repo_id").cloned().unwrap_or(Value::Nil));
            row.insert("external_repo".to_owned(), origin);
        }
        if let Some(id) = self.id {
            row.insert("id".to_owned(), crate::value::IntoValue::into_value(id));
        }
        Value::Struct(row)
    }
}

/// Everything installed below `root`.
pub async fn installed(root: &Path, context: &Context) -> Result<Vec<Installed>, TaskError> {
    // A link between the two places would, from outside, lead into the host.
    let real = |place: &&&str| root.join(place).symlink_metadata().is_ok_and(|kind| kind.is_dir());
    let place = DATABASES.iter().find(real);
    let place = place.ok_or_else(|| TaskError::buildroot("the root has no package database"))?;
    let database = root.join(place);
    let sandbox = Sandbox::Tool { writable: vec![context.workdir.clone(), database.clone()], network: false };
    let command = Command::new("rpm", sandbox).arg("--dbpath").arg(&database).args(["-qa", "--qf", FORMAT]);
    let text = command.output(&context.cancel).await?;
    let mut all = Vec::new();
    for line in text.lines() {
        let package = Installed::parse(line);
        let package = package.ok_or_else(|| TaskError::buildroot(format!("rpm tells of a package: {line}")))?;
        if !NO_PACKAGES.contains(&package.name.as_str()) {
            all.push(package);
        }
    }
    all.sort_by_key(Installed::nvra);
    Ok(all)
}

/// Finds out which packages came from external repositories. The repository's list of origins
/// (`pkgorigins`) says so for each of its packages.
pub async fn find_origins(
    installed: &mut [Installed],
    hub: &Session,
    topdir: &TopDir,
    repo: &Value,
    settings: &Settings,
) -> Result<(), TaskError> {
    let event = repo.get("create_event").cloned().unwrap_or(Value::Nil);
    let tag = repo.get("tag_id").cloned().unwrap_or(Value::Nil);
    let external = hub.call_named("getExternalRepoList", args![tag], members! { "event" => event }).await?;
    let external = external.as_array().unwrap_or_default();
    if external.is_empty() {
        return Ok(());
    }
    let by_url: HashMap<String, &Value> =
        external.iter().filter_map(|row| Some((row.get_str("url")?.replace("$arch", &settings.arch), row))).collect();
    let base = format!("{}/{}", repo_path(&settings.tag, settings.repo_id), settings.arch);
    let missing = || TaskError::buildroot(format!("{base} does not tell the origins of its packages"));
    let index = topdir.text(&format!("{base}/repodata/repomd.xml")).await?.ok_or_else(missing)?;
    let place = locations(&index).into_iter().find(|(kind, _)| kind == "origin");
    let place = place.ok_or_else(missing)?.1;
    let packed = topdir.read(&format!("{base}/{place}")).await?.ok_or_else(missing)?;
    let mut text = String::new();
    let unpacked = MultiGzDecoder::new(packed.as_slice()).take(ORIGINS_LIMIT).read_to_string(&mut text);
    unpacked.map_err(|error| TaskError::buildroot(format!("{base}/{place}: {error}")))?;
    let origins = parse_origins(&text);
    let own = format!("/repo_{}_premerge/", settings.repo_id);
    for package in installed {
        let nvra = package.nvra();
        let origin = origins.get(nvra.as_str());
        let origin = origin.ok_or_else(|| TaskError::build(format!("the repository does not hold {nvra}")))?;
        if let Some(row) = by_url.get(*origin) {
            package.origin = Some((*row).clone());
        } else if !(origin.starts_with("file://") && origin.ends_with(&own)) {
            return Err(TaskError::build(format!("{nvra} comes from an unknown repository, {origin}")));
        }
    }
    Ok(())
}

/// Lines of `NAME-[EPOCH:]VERSION-RELEASE.ARCH` (the epoch may also stand first), white space, and
/// a repository's address; by package without epoch.
fn parse_origins(text: &str) -> HashMap<String, &str> {
    let mut origins = HashMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(package), Some(url)) = (words.next(), words.next()) {
            origins.insert(without_epoch(package), url);
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

/// Finds the hub's ids of its own packages in the list that the repository was made from, and
/// makes sure that they are the very same packages.
pub async fn find_ids(
    installed: &mut [Installed],
    hub: &Session,
    topdir: &TopDir,
    repo: &Value,
    settings: &Settings,
) -> Result<(), TaskError> {
    let path = format!("{}/{}/rpmlist.jsonl", repo_path(&settings.tag, settings.repo_id), settings.arch);
    let rows: Vec<Value> = match topdir.text(&path).await? {
        Some(text) => {
            let rows: Result<Vec<_>, _> = text.lines().map(serde_json::from_str::<Listed>).collect();
            rows.map_err(|error| TaskError::buildroot(format!("{path}: {error}")))?
                .into_iter()
                .map(Listed::into_value)
                .collect()
        }
        // A repository of an older hub. Only drafts need an id: their names are not unique.
        None => {
            let event = repo.get("create_event").cloned().unwrap_or(Value::Nil);
            let tag = repo.get("tag_id").cloned().unwrap_or(Value::Nil);
            let named = members! { "event" => event, "latest" => true, "draft" => true };
            let answer = hub.call_named("listTaggedRPMS", args![tag], named).await?;
            let lists = answer.as_array().unwrap_or_default();
            lists.first().and_then(ValueExt::as_array).unwrap_or_default().to_vec()
        }
    };
    let field = |row: &Value, name: &str| row.get_str(name).unwrap_or_default().to_owned();
    let by_nvra: HashMap<String, &Value> = rows
        .iter()
        .map(|row| {
            let [n, v, r, a] = ["name", "version", "release", "arch"].map(|name| field(row, name));
            (format!("{n}-{v}-{r}.{a}"), row)
        })
        .collect();
    for package in installed.iter_mut().filter(|package| package.origin.is_none()) {
        let nvra = package.nvra();
        let Some(row) = by_nvra.get(&nvra) else { continue };
        let (known, found) = (row.get_str("payloadhash").unwrap_or_default(), &package.payload_hash);
        if known != found {
            let why = format!("{nvra} in the root is not the package of the repository: {found} is not {known}");
            return Err(TaskError::buildroot(why));
        }
        package.id = row.get_int("id");
    }
    Ok(())
}

/// A line of `rpmlist.jsonl`, as far as it matters here.
#[derive(serde::Deserialize)]
struct Listed {
    id: i64,
    name: String,
    version: String,
    release: String,
    arch: String,
    payloadhash: String,
}

impl Listed {
    fn into_value(self) -> Value {
        let Listed { id, name, version, release, arch, payloadhash } = self;
        Value::Struct(members! {
            "id" => id, "name" => name, "version" => version, "release" => release, "arch" => arch,
            "payloadhash" => payloadhash,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_rpm() {
        let line = "bash\t5.2\t1\t(none)\tx86_64\t0123\t7\t7\t1700000000";
        let bash = Installed::parse(line).unwrap();
        assert_eq!((bash.nvra().as_str(), bash.epoch, bash.size), ("bash-5.2-1.x86_64", None, 7));
        let huge = Installed::parse("h\t1\t1\t2\tnoarch\t0\t(none)\t5000000000\t1").unwrap();
        assert_eq!((huge.epoch, huge.size), (Some(2), 5_000_000_000));
        assert_eq!(Installed::parse("bash\t5.2"), None);
    }

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

    #[test]
    fn the_struct_for_the_hub() {
        let mut package = Installed::parse("a\t1\t2\t(none)\tnoarch\tff\t3\t3\t4").unwrap();
        let plain = package.clone().into_value();
        assert!(plain.get("location").is_none() && plain.get("epoch").is_some_and(ValueExt::is_nil));
        package.origin = Some(Value::Struct(members! { "external_repo_id" => 9, "url" => "http://x/" }));
        let external = package.into_value();
        assert_eq!(external.get_int("location"), Some(9));
        assert_eq!(external.get_str("payloadhash"), Some("ff"));
    }
}
