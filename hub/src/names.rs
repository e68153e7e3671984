//! The naming rules of a site: how long names may be and what they may consist of.
//!
//! The rules are options: `MaxNameLengthInternal`, `RegexNameInternal` for names of tags, packages, hosts and
//! the like, `RegexUserName` for users and their principals. A broken rule is a general fault that quotes the
//! name. Lengths are counted in characters.

use toji_proto::{Value, ValueExt};

use crate::error::{self, Rpc};
use crate::options::{NamePattern, Options};

/// Refuses what cannot be the name of a tag, package, channel, permission and the like.
pub fn check_internal(options: &Options, name: &str) -> Rpc<()> {
    check(options, &options.regex_name_internal, "RegexNameInternal", "Name", name)
}

/// Refuses what cannot be the name of a user.
pub fn check_user(options: &Options, name: &str) -> Rpc<()> {
    check(options, &options.regex_user_name, "RegexUserName", "Name", name)
}

/// Refuses what cannot be a Kerberos principal; the realm is another question.
pub fn check_principal(options: &Options, principal: &str) -> Rpc<()> {
    check(options, &options.regex_user_name, "RegexUserName", "Kerberos principal", principal)
}

/// A host's name is also its user's: it must pass both rules.
pub fn check_host(options: &Options, name: &str) -> Rpc<()> {
    check_internal(options, name)?;
    check_user(options, name)
}

/// The text of an argument that is to become a name. Anything else is a general fault, as a bad name is.
pub fn text(what: &str, value: Value) -> Rpc<String> {
    match value {
        Value::String(name) => Ok(name),
        other => Err(error::generic(format!("{what} should be a string, not {}", other.repr()))),
    }
}

fn check(options: &Options, pattern: &NamePattern, option: &str, kind: &str, name: &str) -> Rpc<()> {
    let longest = options.max_name_length_internal as usize;
    if longest != 0 && name.chars().count() > longest {
        return Err(error::generic(format!("{kind} {name} is too long: at most {longest} characters are allowed")));
    }
    if !pattern.allows(name) {
        let pattern = pattern.as_str();
        return Err(error::generic(format!("{kind} {name} does not match {option} ({pattern})")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_name_has_its_rule() {
        let options = Options::default();
        assert!(check_internal(&options, "gcc-c++").is_ok());
        assert!(check_internal(&options, "a@b").is_err());
        assert!(check_user(&options, "a@b").is_ok());
        assert!(check_user(&options, "a+b").is_err());
        assert!(check_principal(&options, "compile/node1@EXAMPLE.COM").is_ok());
        assert!(check_host(&options, "node-1.example.com").is_ok());
        assert!(check_host(&options, "a+b").is_err() && check_host(&options, "a@b").is_err());
        assert!(check_internal(&options, "").is_err());
        assert!(check_internal(&options, "line\n").is_err());
    }

    #[test]
    fn length_counts_characters() {
        let mut options = Options::default();
        assert!(check_internal(&options, &"x".repeat(256)).is_ok());
        assert!(check_internal(&options, &"x".repeat(257)).is_err());
        options.max_name_length_internal = 0;
        assert!(check_internal(&options, &"x".repeat(1000)).is_ok());
    }
}
