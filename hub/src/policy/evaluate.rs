//! Trying rules: tests in order, only as far as needed, the first action wins.

use futures::future::BoxFuture;
use toji_proto::{Value, ValueExt};

use super::facts::Facts;
use super::glob::{Glob, any_matches};
use super::rules::{Rule, Then};
use super::subject::{Subject, is_sidetag, printed, unusable};
use super::test::{Comparison, Test};
use super::{PolicySet, Verdict};
use crate::error::{self, Rpc};

/// One evaluation of a policy and the policies it refers to.
pub(super) struct Evaluation<'a> {
    set: &'a PolicySet,
    subject: Subject<'a>,
    /// The policies being evaluated, to notice one that depends on itself.
    running: Vec<&'a str>,
}

impl<'a> Evaluation<'a> {
    pub fn new(set: &'a PolicySet, facts: &'a dyn Facts) -> Self {
        Evaluation { set, subject: Subject { facts }, running: Vec::new() }
    }

    /// The verdict of a policy, `None` if no rule applies. Boxed, for a test may evaluate another policy.
    pub fn policy<'b>(&'b mut self, name: &'b str) -> BoxFuture<'b, Rpc<Option<Verdict>>> {
        Box::pin(async move {
            let Some((name, rules)) = self.set.policies.get_key_value(name) else {
                return Err(error::generic(format!("no such policy: {name}")));
            };
            if self.running.contains(&name.as_str()) {
                return Err(error::generic(format!("policy {name} depends on itself")));
            }
            self.running.push(name);
            let mut path = Vec::new();
            let action = self.first_action(rules, &mut path).await;
            self.running.pop();
            Ok(action?
                .map(|action| Verdict { action: action.to_owned(), rule: format!("{} {action}", path.join(" ... ")) }))
        })
    }

    /// The action of the first rule that applies; `path` gets the rules that led there.
    fn first_action<'b>(
        &'b mut self,
        rules: &'a [Rule],
        path: &'b mut Vec<&'a str>,
    ) -> BoxFuture<'b, Rpc<Option<&'a str>>> {
        Box::pin(async move {
            for rule in rules {
                if self.all_hold(&rule.tests).await? == rule.negated {
                    continue;
                }
                path.push(&rule.text);
                match &rule.then {
                    Then::Action(action) => return Ok(Some(action.as_str())),
                    Then::Rules(inner) => {
                        if let Some(action) = self.first_action(inner, path).await? {
                            return Ok(Some(action));
                        }
                    }
                }
                path.pop();
            }
            Ok(None)
        })
    }

    async fn all_hold(&mut self, tests: &'a [Test]) -> Rpc<bool> {
        for test in tests {
            if !self.holds(test).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn holds(&mut self, test: &'a Test) -> Rpc<bool> {
        let about = self.subject;
        Ok(match test {
            Test::True => true,
            Test::False => false,
            Test::Has(field) => about.field(field).is_some(),
            Test::Bool(field) => about.field(field).is_some_and(ValueExt::is_true),
            Test::Match(field, globs) => match about.field(field) {
                Some(value) => text_matches(field, value, globs)?,
                None => false,
            },
            Test::MatchAny(field, globs) => {
                about.elements(field).iter().flat_map(printed).any(|item| any_matches(globs, &item))
            }
            Test::MatchAll(field, globs) => {
                let elements = about.elements(field);
                !elements.is_empty()
                    && elements.iter().all(|item| printed(item).is_some_and(|item| any_matches(globs, &item)))
            }
            Test::Compare(field, comparison, number) => match about.field(field) {
                Some(value) => compares(field, value, *comparison, *number)?,
                None => false,
            },
            Test::Policy(name) => {
                let verdict = self.policy(name).await?;
                verdict.is_some_and(|v| matches!(v.action.to_lowercase().as_str(), "yes" | "true" | "allow"))
            }

            Test::User(globs) => about.user().await?.is_some_and(|user| any_matches(globs, &user.name)),
            Test::UserInGroup(globs) => match about.user().await? {
                Some(user) => about.facts.user_groups(user.id).await?.values().any(|group| any_matches(globs, group)),
                None => false,
            },
            Test::HasPerm(globs) => match about.user().await? {
                Some(user) => about.facts.user_permissions(user.id).await?.iter().any(|perm| any_matches(globs, perm)),
                None => false,
            },
            Test::IsBuildOwner => {
                let build = about.present_build().await?;
                match about.user().await? {
                    Some(user) if user.id == build.owner_id => true,
                    Some(user) => about.facts.user_groups(user.id).await?.contains_key(&build.owner_id),
                    None => false,
                }
            }

            Test::Package(globs) => any_matches(globs, &about.package().await?.name),
            Test::IsNewPackage => about.package().await?.is_new,
            Test::Version(globs) => match about.field("version") {
                Some(version) => text_matches("version", version, globs)?,
                None => any_matches(globs, &about.required_build("version").await?.version),
            },
            Test::Release(globs) => match about.field("release") {
                Some(release) => text_matches("release", release, globs)?,
                None => any_matches(globs, &about.required_build("release").await?.release),
            },
            Test::Volume(globs) => match about.field("volume") {
                Some(volume) => about.facts.volume_name(volume).await?.is_some_and(|name| any_matches(globs, &name)),
                None if about.field("build").is_some() => any_matches(globs, &about.present_build().await?.volume),
                None => false,
            },
            Test::Source(globs) => match about.field("source") {
                Some(source) => text_matches("source", source, globs)?,
                None => about.build_source().await?.is_some_and(|source| any_matches(globs, &source)),
            },
            Test::BuildType(globs) => about.build_types().await?.iter().any(|kind| any_matches(globs, kind)),
            Test::Imported => {
                let build = about.required_build("build").await?;
                about.facts.build_buildroots(build.id).await?.contains(&None)
            }
            Test::IsDraft => match about.field("draft") {
                Some(draft) => draft.is_true(),
                None => about.field("build").is_some() && about.present_build().await?.draft,
            },
            Test::CgMatchAny(globs) => {
                about.content_generators().await?.iter().flatten().any(|name| any_matches(globs, name))
            }
            Test::CgMatchAll(globs) => {
                let generators = about.content_generators().await?;
                !generators.is_empty()
                    && generators.iter().all(|name| name.as_ref().is_some_and(|name| any_matches(globs, name)))
            }

            Test::Tag(field, globs) => about.tag_in(field).await?.is_some_and(|tag| any_matches(globs, &tag.name)),
            Test::HasTag(globs) => match about.field("build") {
                Some(_) => {
                    let build = about.required_build("build").await?;
                    about.facts.build_tags(build.id).await?.iter().any(|tag| any_matches(globs, tag))
                }
                None => false,
            },
            Test::BuildTag(globs) => about.build_tags().await?.iter().any(|tag| any_matches(globs, &tag.name)),
            Test::BuildTagInheritsFrom(globs) => {
                for tag in about.build_tags().await? {
                    let ancestors = about.facts.tag_ancestors(tag.id, tag.event).await?;
                    if ancestors.iter().any(|name| any_matches(globs, name)) {
                        return Ok(true);
                    }
                }
                false
            }
            Test::IsSidetag => match about.tag_in("tag").await? {
                Some(tag) => is_sidetag(&tag),
                None => return Err(unusable("is_sidetag needs an existing tag".into())),
            },
            Test::IsSidetagOwner(fields) => about.owns_sidetags(fields).await?,
        })
    }
}

/// Nil matches nothing; what is neither text nor nil cannot be matched.
fn text_matches(field: &str, value: &Value, globs: &[Glob]) -> Rpc<bool> {
    match value {
        Value::String(text) => Ok(any_matches(globs, text)),
        Value::Nil => Ok(false),
        _ => Err(unusable(format!("policy data {field} is not text"))),
    }
}

/// What is no number is unequal to all of them, and has no place in their order.
fn compares(field: &str, value: &Value, comparison: Comparison, number: f64) -> Rpc<bool> {
    let own = match value {
        Value::Integer(own) => f64::from(*own),
        // Far beyond any id or count, where the comparison may be off by rounding.
        Value::Long(own) => *own as f64,
        Value::Double(own) => *own,
        Value::Boolean(own) => f64::from(u8::from(*own)),
        _ => {
            return match comparison {
                Comparison::Equal => Ok(false),
                Comparison::Unequal => Ok(true),
                _ => Err(unusable(format!("policy data {field} is not a number"))),
            };
        }
    };
    Ok(comparison.holds(own, number))
}
