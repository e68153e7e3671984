//! The Maven artifacts of a tag, as a Maven repository of links to the builds' files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::Utc;
use md5::{Digest, Md5};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sha1::Sha1;
use toji_proto::paths::{self, BuildPlace, Tree};

use super::Rpc;
use crate::db::{Db, Row, RowExt};
use crate::error::Error;
use crate::files;
use crate::rpc::tagging::list_maven;
use crate::rpc::tagging::listing::Listing;

/// An artifact with all its files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    pub group: String,
    pub name: String,
    pub version: String,
    /// Where its files are, below the top of the file tree.
    pub files: PathBuf,
}

/// The artifacts of a tag and what it inherits from, as of an event.
pub async fn artifacts(db: &Db, tag_id: i32, event: i32) -> Rpc<Vec<Artifact>> {
    let listing = Listing { event: Some(event), inherit: true, ..Listing::of(tag_id) };
    let archives = list_maven::archives(db, &listing).await?;
    let artifacts: BTreeSet<Artifact> = archives.iter().map(artifact).collect::<Rpc<_>>()?;
    Ok(artifacts.into_iter().collect())
}

fn artifact(row: &Row) -> Rpc<Artifact> {
    let place = BuildPlace {
        name: row.text("build_name"),
        version: row.text("build_version"),
        release: row.text("build_release"),
        volume: row.opt_text("volume_name"),
    };
    let (group, name, version) = (row.text("group_id"), row.text("artifact_id"), row.text("version"));
    let files = Tree::new("").build_type(&place, "maven")?.join(paths::maven_dir(group, name, version)?);
    Ok(Artifact { group: group.into(), name: name.into(), version: version.into(), files })
}

/// Writes the Maven repository below the repository's directory: links to the artifacts, and a list of the versions
/// beside those of each.
pub fn write(artifacts: &[Artifact], directory: &Path, top: &Path) -> Rpc<()> {
    let failed = || Error::io(format!("cannot write the Maven repository in {}", directory.display()));
    let maven = directory.join("maven");
    let mut versions: BTreeMap<PathBuf, Vec<&Artifact>> = BTreeMap::new();
    for artifact in artifacts {
        let place = maven.join(paths::maven_dir(&artifact.group, &artifact.name, &artifact.version)?);
        let parent = place.parent().unwrap_or(&maven).to_path_buf();
        std::fs::create_dir_all(&parent).map_err(failed())?;
        let target = files::relative(&parent, &top.join(&artifact.files));
        std::os::unix::fs::symlink(target, &place).map_err(failed())?;
        versions.entry(parent).or_default().push(artifact);
    }
    for (directory, artifacts) in versions {
        let document = metadata(artifacts).map_err(failed())?;
        for (name, content) in [
            ("maven-metadata.xml", document.clone()),
            ("maven-metadata.xml.md5", hex::encode(Md5::digest(&document)).into_bytes()),
            ("maven-metadata.xml.sha1", hex::encode(Sha1::digest(&document)).into_bytes()),
        ] {
            std::fs::write(directory.join(name), content).map_err(failed())?;
        }
    }
    Ok(())
}

/// The versions of an artifact, the latest last.
fn metadata(mut artifacts: Vec<&Artifact>) -> std::io::Result<Vec<u8>> {
    artifacts.sort_by(|a, b| rpm_version::rpm_evr_compare(&a.version, &b.version));
    let Some(latest) = artifacts.last().copied() else { return Ok(Vec::new()) };
    let now = Utc::now().format("%Y%m%d%H%M%S").to_string();
    let text = |xml: &mut Writer<Vec<u8>>, name: &str, content: &str| {
        xml.create_element(name).write_text_content(BytesText::new(content)).map(drop)
    };
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", None, None)))?;
    xml.create_element("metadata").write_inner_content(|xml| {
        text(xml, "groupId", &latest.group)?;
        text(xml, "artifactId", &latest.name)?;
        xml.create_element("versioning").write_inner_content(|xml| {
            text(xml, "latest", &latest.version)?;
            text(xml, "release", &latest.version)?;
            xml.create_element("versions").write_inner_content(|xml| {
                artifacts.iter().try_for_each(|artifact| text(xml, "version", &artifact.version))
            })?;
            text(xml, "lastUpdated", &now)
        })?;
        Ok(())
    })?;
    let mut document = xml.into_inner();
    document.push(b'\n');
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_version_comes_last() {
        let artifact = |version: &str| Artifact {
            group: "org.x".into(),
            name: "lib".into(),
            version: version.into(),
            files: PathBuf::new(),
        };
        let all = [artifact("1.10"), artifact("1.9"), artifact("1.2-3")];
        let document = String::from_utf8(metadata(all.iter().collect()).unwrap()).unwrap();
        let versions: Vec<_> = document.lines().filter_map(|line| line.trim().strip_prefix("<version>")).collect();
        assert_eq!(versions, ["1.2-3</version>", "1.9</version>", "1.10</version>"]);
        assert!(document.contains("<latest>1.10</latest>"));
    }
}
