//! What a repository holds besides its tag's packages.
//!
//! Four things can be on or off: `src` (source packages among the others), `separate_src` (source packages as an
//! arch of their own), `debuginfo` and `maven`. A tag has defaults for them, from the hub's options and its own
//! settings; whoever asks for a repository may want others. Only real differences from the defaults make a
//! repository *custom*: it serves nobody who did not ask for them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toji_proto::{Value, ValueExt};

use crate::error::{self, Rpc};
use crate::options::Options;
use crate::policy::Glob;
use crate::rpc::tags::store::Tag;

/// The names of the options.
pub const NAMES: [&str; 4] = ["debuginfo", "maven", "separate_src", "src"];

/// Some or all of the options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoOpts(BTreeMap<&'static str, bool>);

impl RepoOpts {
    /// Options as somebody asks for them: a struct, nil for none. A member that is nil does not count.
    ///
    /// Faults: anything else, unknown names (1019).
    pub fn asked(given: &Value) -> Rpc<Self> {
        let members = match given {
            Value::Nil => return Ok(Self::default()),
            Value::Struct(members) => members,
            other => return Err(error::param(format!("Repo options must be a struct, not {}", other.repr()))),
        };
        if let Some(name) = members.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(error::param(format!("Invalid repo option: {name}")));
        }
        Ok(Self::known(given))
    }

    /// Those of the options that can be understood.
    pub fn known(given: &Value) -> Self {
        let member = |name: &&'static str| Some((*name, given.get(name).filter(|v| !v.is_nil())?.is_true()));
        Self(NAMES.iter().filter_map(member).collect())
    }

    /// What a tag's repositories hold if nobody asks for anything else.
    pub fn of_tag(options: &Options, tag: &Tag) -> Self {
        let named = |globs: &str| globs.split_whitespace().any(|glob| Glob::new(glob).matches(&tag.name));
        let mut opts = BTreeMap::from([
            ("debuginfo", named(&options.debuginfo_tags)),
            ("maven", false),
            ("separate_src", named(&options.separate_source_tags)),
            ("src", named(&options.source_tags)),
        ]);
        let settings = tag.settings();
        match (settings.get("repo.opts"), settings.get("with_debuginfo")) {
            (Some(own), _) => opts.extend(Self::known(own).0),
            // What tags had before there was `repo.opts`.
            (None, Some(debuginfo)) => drop(opts.insert("debuginfo", debuginfo.is_true())),
            (None, None) => {}
        }
        if !options.enable_maven {
            opts.insert("maven", false);
        } else if tag.maven_support {
            opts.insert("maven", true);
        }
        Self(opts)
    }

    /// The tag's options with those changed that somebody asks for, and the real changes among them.
    pub fn resolve(options: &Options, tag: &Tag, asked: &Self) -> (Self, Self) {
        let mut opts = Self::of_tag(options, tag);
        let custom =
            Self(asked.0.iter().filter(|(name, on)| opts.0.get(*name) != Some(on)).map(|(n, on)| (*n, *on)).collect());
        opts.0.extend(&custom.0);
        (opts, custom)
    }

    /// Whether it is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.0.get(name) == Some(&true)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of the other's options are among these.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, on)| self.0.get(name) == Some(on))
    }

    pub fn json(&self) -> Json {
        Json::Object(self.0.iter().map(|(name, on)| ((*name).to_owned(), Json::Bool(*on))).collect())
    }

    pub fn value(&self) -> Value {
        Value::Struct(self.0.iter().map(|(name, on)| ((*name).to_owned(), Value::Boolean(*on))).collect())
    }
}

#[cfg(test)]
mod tests {
    use toji_proto::value;

    use super::*;
    use crate::rpc::tags::store::Extra;

    fn tag(extra: Option<(&str, Value)>) -> Tag {
        Tag {
            id: 1,
            name: "f40-build".into(),
            perm_id: None,
            perm: None,
            arches: None,
            locked: false,
            maven_support: true,
            maven_include_all: false,
            extra: extra.into_iter().map(|(key, value)| (key.to_owned(), Extra::Set(value))).collect(),
            query_event: None,
            revoke_event: None,
        }
    }

    #[test]
    fn defaults_come_from_the_hub_and_the_tag() {
        let mut options = Options { source_tags: "x f4*".into(), ..Options::default() };
        let on = |opts: &RepoOpts| NAMES.into_iter().filter(|name| opts.is_on(name)).collect::<Vec<_>>();
        assert_eq!(on(&RepoOpts::of_tag(&options, &tag(None))), ["src"]);
        options.enable_maven = true;
        let own = value!({ "src": false, "debuginfo": 1, "nonsense": true });
        assert_eq!(on(&RepoOpts::of_tag(&options, &tag(Some(("repo.opts", own))))), ["debuginfo", "maven"]);
        let old = tag(Some(("with_debuginfo", value!(true))));
        assert_eq!(on(&RepoOpts::of_tag(&options, &old)), ["debuginfo", "maven", "src"]);
    }

    #[test]
    fn only_differences_are_custom() {
        let asked = RepoOpts::asked(&value!({ "src": true, "debuginfo": false, "maven": Value::Nil })).unwrap();
        let (opts, custom) = RepoOpts::resolve(&Options::default(), &tag(None), &asked);
        assert_eq!(custom.value(), value!({ "src": true }));
        assert!(opts.holds(&asked) && !asked.holds(&opts));
        assert!(RepoOpts::asked(&value!({ "sources": true })).is_err());
        assert!(RepoOpts::asked(&value!(["src"])).is_err());
        assert!(RepoOpts::asked(&Value::Nil).unwrap().is_empty());
    }
}
