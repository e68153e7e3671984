//! Whether sources may be taken from an address.
//!
//! Two gates, each switched on by the configuration: the worker's own list (`allowed_scms`) and
//! the hub's policy `build_from_scm`. Either also says whether the repository has a `common` part
//! beside it, and which command fetches further sources.

use regex::Regex;

use super::{Scm, ScmError};
use crate::members;
use crate::value::Members;

/// Words that switch `common` off in the list.
const NO: &[&str] = &["no", "off", "false", "0"];
/// First words of a policy's answer that allow.
const ALLOW: &[&str] = &["yes", "true", "allow", "allowed"];

impl Scm {
    /// Applies the worker's list. Items are `host:path[:use_common[:source_cmd]]`, glob patterns
    /// both, the command with commas for blanks (empty: none); `!host:path` refuses. The first
    /// item that matches decides; without one the address is refused. Items with fewer than two
    /// fields are ignored with a warning.
    pub fn check_list(&mut self, allowed: &[String]) -> Result<(), ScmError> {
        for item in allowed {
            let fields: Vec<&str> = item.split(':').collect();
            let [host, path, options @ ..] = fields.as_slice() else {
                tracing::warn!(item, "allowed_scms: an item is not of the form host:path and is ignored");
                continue;
            };
            let (refuse, host) = host.strip_prefix('!').map_or((false, *host), |host| (true, host));
            if !glob(host, &self.url.host) || !glob(path, &self.url.repository) {
                continue;
            }
            if refuse {
                break;
            }
            if let Some(common) = options.first() {
                self.use_common = !NO.contains(&common.to_lowercase().as_str());
            }
            if let Some(command) = options.get(1) {
                self.source_cmd = words(command, ',');
            }
            return Ok(());
        }
        Err(self.refused("it is not in the worker's list of allowed SCMs"))
    }

    /// What the hub's policy is asked about this address.
    pub fn policy_data(&self) -> Members {
        let url = &self.url;
        members! {
            "scm_url" => &url.shown,
            "scm_scheme" => url.scheme,
            "scm_user" => url.user.clone(),
            "scm_host" => &url.host,
            "scm_repository" => &url.repository,
            "scm_module" => &url.module,
            "scm_revision" => &url.revision,
            "scm_type" => url.kind.name(),
        }
    }

    /// Applies the policy's answer: `allow [use_common] [source command | none]` or
    /// `deny [reason]`.
    pub fn check_policy(&mut self, answer: &str) -> Result<(), ScmError> {
        let (first, rest) = answer.trim().split_once(char::is_whitespace).unwrap_or((answer.trim(), ""));
        if !ALLOW.contains(&first.to_lowercase().as_str()) {
            let reason = if rest.is_empty() { "the policy build_from_scm denies it" } else { rest.trim() };
            return Err(self.refused(reason));
        }
        let mut rest: Vec<&str> = rest.split_whitespace().collect();
        self.use_common = rest.first().is_some_and(|word| word.eq_ignore_ascii_case("use_common"));
        if self.use_common {
            rest.remove(0);
        }
        match rest.first() {
            None => {}
            Some(word) if word.eq_ignore_ascii_case("none") => self.source_cmd = None,
            Some(_) => self.source_cmd = Some(rest.into_iter().map(str::to_owned).collect()),
        }
        Ok(())
    }

    fn refused(&self, reason: &str) -> ScmError {
        let place = format!("{}:{}", self.url.host, self.url.repository);
        ScmError::Refused { place, reason: reason.to_owned() }
    }
}

fn words(text: &str, separator: char) -> Option<Vec<String>> {
    if text.is_empty() {
        return None;
    }
    Some(text.split(separator).map(str::to_owned).collect())
}

/// Shell-like matching of the whole text: `*` (also over slashes), `?`, `[abc]`, `[!abc]`.
fn glob(pattern: &str, text: &str) -> bool {
    let mut regex = String::from(r"(?s)\A");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => match set(rest.as_str()) {
                Some((set, length)) => {
                    regex.push_str(&set);
                    rest = rest.as_str()[length..].chars();
                }
                None => regex.push_str(r"\["),
            },
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push_str(r"\z");
    Regex::new(&regex).is_ok_and(|regex| regex.is_match(text))
}

/// The set behind a `[` as a regular expression, and its length in the pattern.
fn set(rest: &str) -> Option<(String, usize)> {
    let negated = rest.starts_with('!');
    let body = &rest[usize::from(negated)..];
    // A bracket that stands first is a member.
    let close = body.char_indices().skip(1).find(|(_, c)| *c == ']').map(|(at, _)| at)?;
    let members = body[..close].replace('\\', r"\\").replace('[', r"\[").replace(']', r"\]");
    let members = members.replace('^', r"\^").replace('&', r"\&").replace('~', r"\~");
    let sign = if negated { "^" } else { "" };
    Some((format!("[{sign}{members}]"), usize::from(negated) + close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scm(url: &str) -> Scm {
        Scm::parse(url, false).unwrap()
    }

    fn list(items: &str, url: &str) -> Result<(bool, Option<Vec<String>>), String> {
        let items: Vec<String> = items.split_whitespace().map(str::to_owned).collect();
        let mut scm = scm(url);
        scm.check_list(&items).map_err(|e| e.to_string())?;
        Ok((scm.use_common, scm.source_cmd))
    }

    #[test]
    fn the_first_item_that_matches_decides() {
        let make = || Some(vec!["make".to_owned(), "sources".to_owned()]);
        let url = "git://scm.example.com/rpms/foo#main";
        assert_eq!(list("*:*", url), Ok((true, make())));
        assert_eq!(list("scm.example.com:/rpms/*:no", url), Ok((false, make())));
        assert_eq!(list("scm.example.com:/rpms/*:OFF:", url), Ok((false, None)));
        assert_eq!(list("scm.example.com:/rpms/*::fedpkg,sources", url).unwrap().1.unwrap(), ["fedpkg", "sources"]);
        assert_eq!(list("broken scm.ex?mple.com:/rpms/[a-f]oo", url), Ok((true, make())));
        for items in ["", "other:*", "scm.example.com:/rpms/bar", "!*:/rpms/* *:*", "*:/rpms/[!f]oo", "*.com:rpms/*"] {
            let error = list(items, url).unwrap_err();
            assert!(error.contains("scm.example.com:/rpms/foo"), "{items}: {error}");
        }
        assert_eq!(list("!*:/private/* *:*", url), Ok((true, make())));
    }

    #[test]
    fn the_policy_decides_and_sets_options() {
        let ask = |answer: &str| {
            let mut scm = scm("git://h/r#main");
            scm.check_policy(answer).map_err(|e| e.to_string()).map(|()| (scm.use_common, scm.source_cmd))
        };
        let words = |text: &str| Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(ask("allow"), Ok((false, words("make sources"))));
        assert_eq!(ask("Allow use_common"), Ok((true, words("make sources"))));
        assert_eq!(ask("allow none"), Ok((false, None)));
        assert_eq!(ask("allow use_common fedpkg sources"), Ok((true, words("fedpkg sources"))));
        assert!(ask("deny not from here").unwrap_err().contains("not from here"));
        assert!(ask("").is_err());
    }
}
