//! Names of builds (`name-version-release`) and of packages (`name-version-release.arch`).

use std::fmt::{self, Display, Formatter};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("'{0}' is no name-version-release")]
    Nvr(String),
    #[error("'{0}' is no name-version-release.arch")]
    Nvra(String),
    #[error("'{character}' is not allowed in the {field} of '{name}'")]
    Character { character: char, field: &'static str, name: String },
    #[error("'{0}' is no draft's release")]
    Draft(String),
}

/// A build's name. Version and release have no dash; the name may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nvr {
    pub name: String,
    pub version: String,
    pub release: String,
    /// As written before a colon (`2:bash-5-1`); not part of the displayed name.
    pub epoch: Option<String>,
}

/// A package's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nvra {
    pub nvr: Nvr,
    pub arch: String,
    /// Where an external package comes from: what follows an `@`.
    pub location: Option<String>,
}

impl Nvr {
    /// Splits at the last two dashes.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let invalid = || NameError::Nvr(text.to_owned());
        let (rest, release) = text.rsplit_once('-').ok_or_else(invalid)?;
        let (name, version) = rest.rsplit_once('-').ok_or_else(invalid)?;
        if version.is_empty() || release.is_empty() {
            return Err(invalid());
        }
        let (epoch, name) = match name.split_once(':') {
            Some((epoch, name)) => (Some(epoch.to_owned()), name),
            None => (None, name),
        };
        Ok(Nvr { name: name.to_owned(), version: version.to_owned(), release: release.to_owned(), epoch })
    }

    /// Whether the parts, which may not come from [`Nvr::parse`], can be joined and split again.
    pub fn check(&self) -> Result<(), NameError> {
        for (field, part) in [("version", &self.version), ("release", &self.release)] {
            self.refuse('-', field, part)?;
        }
        Ok(())
    }

    fn refuse(&self, character: char, field: &'static str, part: &str) -> Result<(), NameError> {
        match part.contains(character) {
            true => Err(NameError::Character { character, field, name: self.to_string() }),
            false => Ok(()),
        }
    }
}

impl Display for Nvr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.name, self.version, self.release)
    }
}

impl Nvra {
    /// Splits `name-version-release.arch`, with or without `.rpm` and `@location`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let invalid = || NameError::Nvra(text.to_owned());
        let (rest, location) = match text.split_once('@') {
            Some((rest, location)) => (rest, Some(location)),
            None => (text, None),
        };
        let (nvr, arch) = rest.strip_suffix(".rpm").unwrap_or(rest).rsplit_once('.').ok_or_else(invalid)?;
        if arch.is_empty() {
            return Err(invalid());
        }
        Ok(Nvra {
            nvr: Nvr::parse(nvr).map_err(|_| invalid())?,
            arch: arch.to_owned(),
            location: location.filter(|l| !l.is_empty()).map(str::to_owned),
        })
    }

    /// A source package. `nosrc` is none here: stock answers so.
    pub fn is_source(&self) -> bool {
        self.arch == "src"
    }

    /// See [`Nvr::check`].
    pub fn check(&self) -> Result<(), NameError> {
        self.nvr.check()?;
        self.nvr.refuse('.', "arch", &self.arch)
    }
}

impl Display for Nvra {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.nvr, self.arch)
    }
}

/// A package of debugging data, by its name.
pub fn is_debuginfo(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.ends_with("-debugsource") || name.contains("-debuginfo-")
}

/// The release that a draft build carries until it is promoted to `release`.
pub fn draft_release(release: &str, build_id: i64) -> String {
    format!("{release},draft_{build_id}")
}

/// The release that a draft is to be promoted to.
pub fn target_release(draft: &str) -> Result<&str, NameError> {
    match draft.split_once(',') {
        Some((release, mark)) if mark.starts_with("draft_") => Ok(release),
        _ => Err(NameError::Draft(draft.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_at_the_last_dashes() {
        for (text, parts) in [
            ("bash-5.1-2.fc40", Some(("bash", "5.1", "2.fc40", None))),
            ("a-b-c-1-2", Some(("a-b-c", "1", "2", None))),
            ("2:bash-5-1", Some(("bash", "5", "1", Some("2")))),
            ("-1-1", Some(("", "1", "1", None))),
            ("bash", None),
            ("bash-1", None),
            ("bash-1-", None),
            ("bash--1", None),
            ("", None),
        ] {
            let nvr = Nvr::parse(text).ok();
            let got =
                nvr.as_ref().map(|n| (n.name.as_str(), n.version.as_str(), n.release.as_str(), n.epoch.as_deref()));
            assert_eq!(got, parts, "{text}");
        }
    }

    #[test]
    fn packages_have_an_arch() {
        for (text, shown, source, location) in [
            ("bash-5-1.x86_64.rpm", "bash-5-1.x86_64", false, None),
            ("bash-5-1.src", "bash-5-1.src", true, None),
            ("bash-5-1.fc40.noarch@ext", "bash-5-1.fc40.noarch", false, Some("ext")),
        ] {
            let nvra = Nvra::parse(text).unwrap();
            assert_eq!((nvra.to_string().as_str(), nvra.is_source()), (shown, source));
            assert_eq!(nvra.location.as_deref(), location);
        }
        for text in ["bash-5-1", "bash-5-1.", "bash.x86_64", "", "@x"] {
            assert_eq!(Nvra::parse(text), Err(NameError::Nvra(text.to_owned())));
        }
    }

    #[test]
    fn parts_from_elsewhere_are_checked() {
        let mut nvra = Nvra::parse("a-1-2.x86_64").unwrap();
        assert_eq!(nvra.check(), Ok(()));
        nvra.arch = "x.y".into();
        assert!(nvra.check().is_err());
        nvra.nvr.release = "1-2".into();
        assert!(nvra.nvr.check().is_err());
    }

    #[test]
    fn drafts_name_their_target() {
        assert_eq!(draft_release("1.fc40", 7), "1.fc40,draft_7");
        assert_eq!(target_release("1.fc40,draft_7"), Ok("1.fc40"));
        assert!(target_release("1.fc40").is_err());
    }
}
