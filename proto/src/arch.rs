//! Names of architectures.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no architecture: only letters, digits, '_' and '-' are allowed")]
pub struct ArchError(String);

/// The family under which repositories and buildroots are kept: i686 is i386, armv7hl is armhfp.
pub fn canonical(arch: &str) -> &str {
    let i_86 = arch.len() == 4 && arch.starts_with('i') && arch.ends_with("86");
    match arch {
        _ if i_86 => "i386",
        "athlon" => "i386",
        "ia32e" => "x86_64",
        "ppc64le" => "ppc64le",
        _ if arch.starts_with("ppc64") => "ppc64",
        _ if arch.starts_with("sparc64") => "sparc64",
        _ if arch.starts_with("sparc") => "sparc",
        _ if arch.starts_with("alpha") => "alpha",
        _ if arch.strip_prefix("arm").is_some_and(|rest| rest.contains('h')) => "armhfp",
        _ if arch.starts_with("arm") => "arm",
        _ => arch,
    }
}

/// Of source packages, which build nowhere and belong to no repository arch.
pub fn is_source(arch: &str) -> bool {
    matches!(arch, "src" | "nosrc")
}

pub fn is_noarch(arch: &str) -> bool {
    arch == "noarch"
}

/// A list as users write it: separated by commas or white space.
pub fn parse_list(arches: &str) -> Result<Vec<&str>, ArchError> {
    checked(arches.split(|c: char| c == ',' || c.is_whitespace()))
}

/// A list as the database has it: separated by white space only.
pub fn parse_stored(arches: &str) -> Result<Vec<&str>, ArchError> {
    checked(arches.split_whitespace())
}

fn checked<'a>(arches: impl Iterator<Item = &'a str>) -> Result<Vec<&'a str>, ArchError> {
    arches
        .filter(|arch| !arch.is_empty())
        .map(|arch| {
            let good = arch.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if good { Ok(arch) } else { Err(ArchError(arch.to_owned())) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (arch, family) in [
            ("i386", "i386"),
            ("i686", "i386"),
            ("athlon", "i386"),
            ("x86_64", "x86_64"),
            ("ia32e", "x86_64"),
            ("ppc64le", "ppc64le"),
            ("ppc64p7", "ppc64"),
            ("ppc", "ppc"),
            ("sparc64v", "sparc64"),
            ("sparcv9", "sparc"),
            ("alphaev6", "alpha"),
            ("armv7hl", "armhfp"),
            ("armv5tel", "arm"),
            ("aarch64", "aarch64"),
            ("noarch", "noarch"),
            ("é86", "é86"),
        ] {
            assert_eq!(canonical(arch), family);
        }
    }

    #[test]
    fn lists() {
        assert_eq!(parse_list("x86_64,i686  s390x,"), Ok(vec!["x86_64", "i686", "s390x"]));
        assert_eq!(parse_list(""), Ok(vec![]));
        assert_eq!(parse_list("x86_64;ls"), Err(ArchError("x86_64;ls".into())));
        assert_eq!(parse_stored("x86_64 i686\n"), Ok(vec!["x86_64", "i686"]));
        assert!(parse_stored("x86_64,i686").is_err());
    }
}
