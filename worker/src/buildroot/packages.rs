//! What is installed in a root, as the hub wants to know it.

use std::path::Path;

use super::Context;
use crate::command::Command;
use crate::members;
use crate::sandbox::Sandbox;
use crate::task::TaskError;
use crate::value::{Members, Value, ValueExt};

/// Packages in a database that are none.
const NO_PACKAGES: &[&str] = &["buildsys-build", "gpg-pubkey"];
/// Where a root's package database may be.
const DATABASES: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// One line per package; tabs are in no field.
const FORMAT: &str =
    "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\t%{SIGMD5}\\t%{SIZE}\\t%{LONGSIZE}\\t%{BUILDTIME}\\n";

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
    pub fn nvra(&self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Lookup;

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
