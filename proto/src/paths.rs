//! Where files lie below the top directory. Clients and builders download by these paths, so they
//! are as fixed as the database.
//!
//! Every name that becomes part of a path is checked: no name can lead out of its directory.

use std::path::{Path, PathBuf};

use crate::nvr::Nvra;
use crate::states::DEFAULT_VOLUME;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be part of a path: {why}")]
pub struct PathError {
    name: String,
    why: &'static str,
}

type Result<T> = std::result::Result<T, PathError>;

/// The name of one file or directory: not empty, not `.` or `..`, no slash, no control characters.
pub fn component(name: &str) -> Result<&str> {
    let why = match name {
        "" => "it is empty",
        "." | ".." => "it names another directory",
        _ if name.contains('/') => "it has a slash",
        _ if name.chars().any(char::is_control) => "it has a control character",
        _ if name.len() > 255 => "it is longer than 255 bytes",
        _ => return Ok(name),
    };
    Err(PathError { name: name.chars().take(80).collect(), why })
}

/// A path of such names, relative to where it is used.
pub fn relative(path: &str) -> Result<&Path> {
    if path.starts_with('/') {
        return Err(PathError { name: path.chars().take(80).collect(), why: "it is absolute" });
    }
    path.split('/').try_for_each(|name| component(name).map(drop))?;
    Ok(Path::new(path))
}

/// A build, as far as its place depends on it.
#[derive(Debug, Clone, Copy)]
pub struct BuildPlace<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub release: &'a str,
    /// Nothing is the default volume.
    pub volume: Option<&'a str>,
}

/// The tree below the top directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    top: PathBuf,
}

impl Tree {
    pub fn new(top: impl Into<PathBuf>) -> Self {
        Tree { top: top.into() }
    }

    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The top directory itself for the default volume, `vol/NAME` for others.
    pub fn volume(&self, volume: Option<&str>) -> Result<PathBuf> {
        match volume {
            None | Some(DEFAULT_VOLUME) => Ok(self.top.clone()),
            Some(name) => Ok(self.top.join("vol").join(component(name)?)),
        }
    }

    pub fn build(&self, build: &BuildPlace<'_>) -> Result<PathBuf> {
        Ok(self
            .volume(build.volume)?
            .join("packages")
            .join(component(build.name)?)
            .join(component(build.version)?)
            .join(component(build.release)?))
    }

    pub fn build_logs(&self, build: &BuildPlace<'_>) -> Result<PathBuf> {
        Ok(self.build(build)?.join("data/logs"))
    }

    /// Where a build's files of one type lie (maven, win, image, or what a generator defines).
    pub fn build_type(&self, build: &BuildPlace<'_>, kind: &str) -> Result<PathBuf> {
        let build = self.build(build)?;
        Ok(match kind {
            "maven" => build.join("maven"),
            "win" => build.join("win"),
            "image" => build.join("images"),
            other => build.join("files").join(component(other)?),
        })
    }

    pub fn repo(&self, tag: &str, repo_id: i64) -> Result<PathBuf> {
        Ok(self.top.join("repos").join(component(tag)?).join(repo_id.to_string()))
    }

    /// What the repositories of a tag share.
    pub fn repo_cache(&self, tag: &str) -> Result<PathBuf> {
        Ok(self.top.join("repos").join(component(tag)?).join("cache"))
    }

    pub fn dist_repo(&self, tag: &str, repo_id: i64, volume: Option<&str>) -> Result<PathBuf> {
        Ok(self.volume(volume)?.join("repos-dist").join(component(tag)?).join(repo_id.to_string()))
    }

    /// Uploads and results of tasks.
    pub fn work(&self, volume: Option<&str>) -> Result<PathBuf> {
        Ok(self.volume(volume)?.join("work"))
    }

    /// The results of one task.
    pub fn task(&self, task_id: i64, volume: Option<&str>) -> Result<PathBuf> {
        Ok(self.work(volume)?.join(task_dir(task_id)))
    }

    pub fn scratch(&self) -> PathBuf {
        self.top.join("scratch")
    }
}

/// A task's directory, below a work directory: spread by the id's last four digits, unpadded.
pub fn task_dir(task_id: i64) -> String {
    format!("tasks/{}/{}", task_id.rem_euclid(10_000), task_id)
}

/// A package's file, below its build's directory.
pub fn rpm(rpm: &Nvra) -> Result<PathBuf> {
    let file = format!("{rpm}.rpm");
    Ok(Path::new(component(&rpm.arch)?).join(component(&file)?))
}

/// The copy that carries one key's signature, below the build's directory.
pub fn signed_rpm(nvra: &Nvra, key: &str) -> Result<PathBuf> {
    Ok(Path::new("data/signed").join(component(key)?).join(rpm(nvra)?))
}

/// One key's signature header, below the build's directory. An unsigned package's key is empty, so
/// its header lies one directory higher.
pub fn signature_header(nvra: &Nvra, key: &str) -> Result<PathBuf> {
    let mut path = PathBuf::from("data/sigcache");
    if !key.is_empty() {
        path.push(component(key)?);
    }
    path.push(rpm(nvra)?);
    path.as_mut_os_string().push(".sig");
    Ok(path)
}

/// An artifact's directory in a Maven repository; the group's dots become slashes.
pub fn maven_dir(group: &str, artifact: &str, version: &str) -> Result<PathBuf> {
    let mut path = PathBuf::new();
    for part in group.split('.').chain([artifact, version]) {
        path.push(component(part)?);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASH: BuildPlace<'_> = BuildPlace { name: "bash", version: "5", release: "1", volume: None };

    #[test]
    fn the_tree_is_the_stock_one() {
        let tree = Tree::new("/mnt/koji");
        let shown = |path: Result<PathBuf>| path.unwrap().display().to_string();
        let on_v = BuildPlace { volume: Some("v"), ..BASH };
        let nvra = Nvra::parse("bash-libs-5-1.x86_64").unwrap();
        for (path, expected) in [
            (tree.build(&BASH), "/mnt/koji/packages/bash/5/1"),
            (tree.build(&BuildPlace { volume: Some("DEFAULT"), ..BASH }), "/mnt/koji/packages/bash/5/1"),
            (tree.build(&on_v), "/mnt/koji/vol/v/packages/bash/5/1"),
            (tree.build_logs(&BASH), "/mnt/koji/packages/bash/5/1/data/logs"),
            (tree.build_type(&BASH, "image"), "/mnt/koji/packages/bash/5/1/images"),
            (tree.build_type(&BASH, "x"), "/mnt/koji/packages/bash/5/1/files/x"),
            (tree.repo("f40", 7), "/mnt/koji/repos/f40/7"),
            (tree.repo_cache("f40"), "/mnt/koji/repos/f40/cache"),
            (tree.dist_repo("f40", 7, Some("v")), "/mnt/koji/vol/v/repos-dist/f40/7"),
            (tree.task(123_045, None), "/mnt/koji/work/tasks/3045/123045"),
            (tree.task(20_007, None), "/mnt/koji/work/tasks/7/20007"),
            (Ok(tree.scratch()), "/mnt/koji/scratch"),
            (rpm(&nvra), "x86_64/bash-libs-5-1.x86_64.rpm"),
            (signed_rpm(&nvra, "ab12"), "data/signed/ab12/x86_64/bash-libs-5-1.x86_64.rpm"),
            (signature_header(&nvra, "ab12"), "data/sigcache/ab12/x86_64/bash-libs-5-1.x86_64.rpm.sig"),
            (signature_header(&nvra, ""), "data/sigcache/x86_64/bash-libs-5-1.x86_64.rpm.sig"),
            (maven_dir("org.apache", "x", "1"), "org/apache/x/1"),
        ] {
            assert_eq!(shown(path), expected);
        }
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        let tree = Tree::new("/mnt/koji");
        for name in ["", ".", "..", "a/b", "/etc", "a\0b", "a\nb", &"x".repeat(300)] {
            assert!(component(name).is_err(), "{name:?}");
            assert!(tree.build(&BuildPlace { version: name, ..BASH }).is_err(), "{name:?}");
            assert!(tree.repo(name, 1).is_err(), "{name:?}");
        }
        for path in ["/etc/passwd", "../x", "a/../b", "a//b", "a/", ""] {
            assert!(relative(path).is_err(), "{path:?}");
        }
        assert_eq!(relative("a/b.c"), Ok(Path::new("a/b.c")));
        assert!(maven_dir("a..b", "x", "1").is_err());
        assert_eq!(component("../x").unwrap_err().to_string(), "\"../x\" cannot be part of a path: it has a slash",);
    }
}
