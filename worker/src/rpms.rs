//! What the worker needs to know of RPM files, read from their headers.
//!
//! Headers come from clients and from builds: nothing in them is believed before it is checked.

mod noarch;

pub use noarch::content_hash;

use std::io::Read;
use std::path::{Path, PathBuf};

use rpm::{IndexSignatureTag, IndexTag, PackageMetadata};

use crate::task::TaskError;

/// The first bytes of every RPM file.
const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];

/// Facts of one RPM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub version: String,
    pub release: String,
    pub epoch: Option<i64>,
    /// As in the file: for a source package the arch that it was made on.
    pub arch: String,
    pub source: bool,
    pub exclusive_arch: Vec<String>,
    pub exclude_arch: Vec<String>,
    pub build_archs: Vec<String>,
    /// MD5 of header and payload, hexadecimal: what the hub calls payloadhash.
    pub payload_hash: String,
    /// Seconds since 1970.
    pub build_time: i64,
    /// Bytes of the whole file.
    pub file_size: u64,
    pub packager: Option<String>,
    pub vendor: Option<String>,
    pub distribution: Option<String>,
}

/// Why a file is not the package it should be. `file` is what its submitter calls it.
#[derive(Debug, thiserror::Error)]
pub enum RpmError {
    #[error("{file} is not an RPM package: {why}")]
    NotAnRpm { file: String, why: String },
    #[error("{file} is not a source package")]
    NotSource { file: String },
    #[error("the source package is named {file}, but its header says {expected}")]
    Misnamed { file: String, expected: String },
    #[error("{file} cannot be read: {source}")]
    Io { file: String, source: std::io::Error },
}

impl From<RpmError> for TaskError {
    fn from(error: RpmError) -> Self {
        TaskError::build(error.to_string())
    }
}

impl Header {
    /// Reads the header of any RPM file.
    pub fn read(path: &Path) -> Result<Header, RpmError> {
        let file = file_name(path);
        let (metadata, file_size) = open(path)?;
        let wrong = |what: &str| RpmError::NotAnRpm { file: file.clone(), why: format!("its header has no {what}") };
        let header = &metadata.header;
        let text = |tag| header.get_entry_data_as_string(tag).ok().map(str::to_owned);
        let list = |tag| match header.get_entry_data_as_string_array(tag) {
            Ok(items) => items.into_iter().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        };
        let number = |tag| header.get_entry_data_as_u32(tag).ok().map(i64::from);
        Ok(Header {
            name: text(IndexTag::RPMTAG_NAME).ok_or_else(|| wrong("name"))?,
            version: text(IndexTag::RPMTAG_VERSION).ok_or_else(|| wrong("version"))?,
            release: text(IndexTag::RPMTAG_RELEASE).ok_or_else(|| wrong("release"))?,
            epoch: number(IndexTag::RPMTAG_EPOCH),
            arch: text(IndexTag::RPMTAG_ARCH).ok_or_else(|| wrong("arch"))?,
            source: metadata.is_source_package(),
            exclusive_arch: list(IndexTag::RPMTAG_EXCLUSIVEARCH),
            exclude_arch: list(IndexTag::RPMTAG_EXCLUDEARCH),
            build_archs: list(IndexTag::RPMTAG_BUILDARCHS),
            payload_hash: match metadata.signature.get_entry_data_as_binary(IndexSignatureTag::RPMSIGTAG_MD5) {
                Ok(md5) => hex::encode(md5),
                Err(_) => String::new(),
            },
            build_time: number(IndexTag::RPMTAG_BUILDTIME).unwrap_or(0),
            file_size,
            packager: i18n(&metadata, IndexTag::RPMTAG_PACKAGER),
            vendor: i18n(&metadata, IndexTag::RPMTAG_VENDOR),
            distribution: i18n(&metadata, IndexTag::RPMTAG_DISTRIBUTION),
        })
    }

    /// Reads the header of a source package.
    pub fn read_source(path: &Path) -> Result<Header, RpmError> {
        let header = Header::read(path)?;
        if !header.source {
            return Err(RpmError::NotSource { file: file_name(path) });
        }
        Ok(header)
    }

    /// Whether a source package is named as its header says, `NAME-VERSION-RELEASE.src.rpm`.
    pub fn check_source_name(&self, path: &Path) -> Result<(), RpmError> {
        let (file, expected) = (file_name(path), self.source_name());
        if file != expected {
            return Err(RpmError::Misnamed { file, expected });
        }
        Ok(())
    }

    pub fn source_name(&self) -> String {
        format!("{}-{}-{}.src.rpm", self.name, self.version, self.release)
    }
}

/// Whether building a source package generates further build requirements.
pub fn generates_requirements(path: &Path) -> Result<bool, RpmError> {
    let (metadata, _) = open(path)?;
    let requires = metadata.header.get_entry_data_as_string_array(IndexTag::RPMTAG_REQUIRENAME).unwrap_or_default();
    Ok(requires.contains(&"rpmlib(DynamicBuildRequires)"))
}

/// Texts that may be translated are stored either way.
fn i18n(metadata: &PackageMetadata, tag: IndexTag) -> Option<String> {
    let header = &metadata.header;
    let text = header.get_entry_data_as_string(tag).or_else(|_| header.get_entry_data_as_i18n_string(tag)).ok()?;
    Some(text.to_owned()).filter(|t| !t.is_empty())
}

fn open(path: &Path) -> Result<(PackageMetadata, u64), RpmError> {
    let file = file_name(path);
    let io = |source| RpmError::Io { file: file_name(path), source };
    let mut start = Vec::new();
    let mut reader = std::fs::File::open(path).map_err(io)?;
    let size = reader.metadata().map_err(io)?.len();
    reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io)?;
    if start.is_empty() {
        return Err(RpmError::NotAnRpm { file, why: "it is empty".into() });
    }
    if start != MAGIC {
        return Err(RpmError::NotAnRpm { file, why: "it does not begin like one".into() });
    }
    let metadata = PackageMetadata::open(path)
        .map_err(|error| RpmError::NotAnRpm { file, why: format!("its header is damaged ({error})") })?;
    Ok((metadata, size))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The packages below one folder: source packages and all others, by name.
pub fn sort_out(files: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut source, mut binary) = (Vec::new(), Vec::new());
    for path in files {
        let name = file_name(&path);
        if name.ends_with(".src.rpm") || name.ends_with(".nosrc.rpm") {
            source.push(path);
        } else if name.ends_with(".rpm") {
            binary.push(path);
        }
    }
    source.sort();
    binary.sort();
    (source, binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, arch: &str, dir: &Path) -> PathBuf {
        let built = rpm::PackageBuilder::new(name, "1.0", "MIT", arch, "a test").release("2").build().unwrap();
        built.write_to(dir).unwrap()
    }

    #[test]
    fn a_header_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = package("hello", "noarch", dir.path());
        let header = Header::read(&path).unwrap();
        assert_eq!((header.name.as_str(), header.version.as_str(), header.release.as_str()), ("hello", "1.0", "2"));
        assert_eq!((header.arch.as_str(), header.epoch, header.source), ("noarch", None, false));
        assert_eq!(header.file_size, std::fs::metadata(&path).unwrap().len());
        let error = Header::read_source(&path).unwrap_err().to_string();
        assert_eq!(error, "hello-1.0-2.noarch.rpm is not a source package");
        let error = header.check_source_name(&path).unwrap_err().to_string();
        assert!(error.contains("hello-1.0-2.src.rpm"), "{error}");
    }

    #[test]
    fn what_is_no_package_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(package("hello", "noarch", dir.path())).unwrap();
        for (name, content, why) in [
            ("empty.src.rpm", &b""[..], "it is empty"),
            ("text.src.rpm", b"hello, world", "it does not begin like one"),
            ("cut.src.rpm", &whole[..150], "its header is damaged"),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            let error = Header::read(&path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} is not an RPM package: {why}")), "{error}");
        }
    }

    #[test]
    fn equal_noarch_packages_hash_alike_whatever_their_files_hold() {
        let make = |content: &str, mode: i32| {
            let dir = tempfile::tempdir().unwrap();
            let source = dir.path().join("f");
            std::fs::write(&source, content).unwrap();
            let options = rpm::FileOptions::new("/usr/share/f").permissions(mode as u16);
            let built = rpm::PackageBuilder::new("x", "1", "MIT", "noarch", "a test")
                .with_file(&source, options)
                .unwrap()
                .build()
                .unwrap();
            content_hash(&built.write_to(dir.path()).unwrap()).unwrap()
        };
        assert_eq!(make("built on a", 0o644), make("built on b!", 0o644));
        assert_ne!(make("same", 0o644), make("same", 0o755));
    }
}
