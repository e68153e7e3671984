//! The tests a rule may make, and how each is written.

use super::glob::Glob;

/// One test with its arguments. Those with globs hold if one of the globs matches.
#[derive(Debug)]
pub(super) enum Test {
    /// `true`, `all`
    True,
    /// `false`, `none`
    False,
    /// `has FIELD`: the data has the field, whatever its value.
    Has(String),
    /// `bool FIELD`, `skip_tag`, `is_child_task`: the field's value is true in Python's sense.
    Bool(String),
    /// `match FIELD GLOB…`, `target GLOB…`, `method GLOB…`, `operation GLOB…`, `vm_name GLOB…`
    Match(String, Vec<Glob>),
    /// `match_any FIELD GLOB…`: an element of the field's list matches.
    MatchAny(String, Vec<Glob>),
    /// `match_all FIELD GLOB…`: every element of the field's list matches, and there is one.
    MatchAll(String, Vec<Glob>),
    /// `compare FIELD OP NUMBER`
    Compare(String, Comparison, f64),
    /// `policy NAME`: that policy's action is yes, true or allow.
    Policy(String),

    /// `user GLOB…`: the user's name.
    User(Vec<Glob>),
    /// `user_in_group GLOB…`: the name of one of the user's groups.
    UserInGroup(Vec<Glob>),
    /// `has_perm GLOB…`: one of the user's permissions, be it through a group.
    HasPerm(Vec<Glob>),
    /// `is_build_owner`: the user, or one of the user's groups, owns the build.
    IsBuildOwner,

    /// `package GLOB…`
    Package(Vec<Glob>),
    /// `is_new_package`: there is no package of that name yet.
    IsNewPackage,
    /// `version GLOB…`
    Version(Vec<Glob>),
    /// `release GLOB…`
    Release(Vec<Glob>),
    /// `volume GLOB…`: the volume in the data or of the build.
    Volume(Vec<Glob>),
    /// `source GLOB…`: the source in the data, of the build, or of the build's task.
    Source(Vec<Glob>),
    /// `buildtype GLOB…`: one of the build's types.
    BuildType(Vec<Glob>),
    /// `imported`: a part of the build has no buildroot.
    Imported,
    /// `is_draft`
    IsDraft,
    /// `cg_match_any GLOB…`: one of the build's content generators.
    CgMatchAny(Vec<Glob>),
    /// `cg_match_all GLOB…`: every part of the build is from a matching content generator.
    CgMatchAll(Vec<Glob>),

    /// `tag GLOB…`, `fromtag GLOB…`: the name of the tag in that field.
    Tag(&'static str, Vec<Glob>),
    /// `hastag GLOB…`: one of the build's present tags.
    HasTag(Vec<Glob>),
    /// `buildtag GLOB…`: the tag, or one of the tags, that the build is made from.
    BuildTag(Vec<Glob>),
    /// `buildtag_inherits_from GLOB…`: a tag that a build tag inherits from.
    BuildTagInheritsFrom(Vec<Glob>),
    /// `is_sidetag`
    IsSidetag,
    /// `is_sidetag_owner [tag|fromtag|both]`: those are side tags of the user, or the user is admin.
    IsSidetagOwner(&'static [&'static str]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Equal,
    Unequal,
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<" => Self::Less,
            ">" => Self::Greater,
            "<=" => Self::LessOrEqual,
            ">=" => Self::GreaterOrEqual,
            "=" => Self::Equal,
            "!=" => Self::Unequal,
            _ => return None,
        })
    }

    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::Greater => left > right,
            Self::LessOrEqual => left <= right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

impl Test {
    /// Reads `name argument…`; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Test, String> {
        let mut words = text.split_whitespace();
        let name = words.next().ok_or("a test is missing")?;
        let mut arguments = Arguments { test: name, words };
        let arguments = &mut arguments;
        Ok(match name {
            "true" | "all" => Test::True,
            "false" | "none" => Test::False,
            "has" => Test::Has(arguments.word("a field")?),
            "bool" => Test::Bool(arguments.word("a field")?),
            "skip_tag" => Test::Bool("skip_tag".into()),
            "is_child_task" => Test::Bool("parent".into()),
            "match" => Test::Match(arguments.word("a field")?, arguments.globs()),
            "match_any" => Test::MatchAny(arguments.word("a field")?, arguments.globs()),
            "match_all" => Test::MatchAll(arguments.word("a field")?, arguments.globs()),
            "target" | "method" | "operation" | "vm_name" => Test::Match(name.into(), arguments.globs()),
            "compare" => arguments.comparison()?,
            "policy" => Test::Policy(arguments.word("the name of a policy")?),
            "user" => Test::User(arguments.globs()),
            "user_in_group" => Test::UserInGroup(arguments.globs()),
            "has_perm" => Test::HasPerm(arguments.globs()),
            "is_build_owner" => Test::IsBuildOwner,
            "package" => Test::Package(arguments.globs()),
            "is_new_package" => Test::IsNewPackage,
            "version" => Test::Version(arguments.globs()),
            "release" => Test::Release(arguments.globs()),
            "volume" => Test::Volume(arguments.globs()),
            "source" => Test::Source(arguments.globs()),
            "buildtype" => Test::BuildType(arguments.globs()),
            "imported" => Test::Imported,
            "is_draft" => Test::IsDraft,
            "cg_match_any" => Test::CgMatchAny(arguments.globs()),
            "cg_match_all" => Test::CgMatchAll(arguments.globs()),
            "tag" => Test::Tag("tag", arguments.globs()),
            "fromtag" => Test::Tag("fromtag", arguments.globs()),
            "hastag" => Test::HasTag(arguments.globs()),
            "buildtag" => Test::BuildTag(arguments.globs()),
            "buildtag_inherits_from" => Test::BuildTagInheritsFrom(arguments.globs()),
            "is_sidetag" => Test::IsSidetag,
            "is_sidetag_owner" => Test::IsSidetagOwner(arguments.sidetag_fields()?),
            _ => return Err(format!("there is no test {name}")),
        })
    }
}

/// The words after a test's name.
struct Arguments<'a> {
    test: &'a str,
    words: std::str::SplitWhitespace<'a>,
}

impl Arguments<'_> {
    fn word(&mut self, what: &str) -> Result<String, String> {
        self.words.next().map(str::to_owned).ok_or_else(|| format!("{} needs {what}", self.test))
    }

    fn globs(&mut self) -> Vec<Glob> {
        self.words.by_ref().map(Glob::new).collect()
    }

    fn comparison(&mut self) -> Result<Test, String> {
        let field = self.word("a field")?;
        let operator = self.word("an operator")?;
        let comparison = Comparison::parse(&operator).ok_or_else(|| format!("there is no comparison {operator}"))?;
        let number = self.word("a number")?;
        let value = number.parse().map_err(|_| format!("{number} is not a number"))?;
        match self.words.next() {
            Some(extra) => Err(format!("compare takes nothing more, but there is {extra}")),
            None => Ok(Test::Compare(field, comparison, value)),
        }
    }

    fn sidetag_fields(&mut self) -> Result<&'static [&'static str], String> {
        let fields: &'static [&'static str] = match self.words.next() {
            None | Some("tag") => &["tag"],
            Some("fromtag") => &["fromtag"],
            Some("both") => &["tag", "fromtag"],
            Some(other) => return Err(format!("{} takes tag, fromtag or both, not {other}", self.test)),
        };
        match self.words.next() {
            Some(extra) => Err(format!("{} takes one word, but there is also {extra}", self.test)),
            None => Ok(fields),
        }
    }
}
