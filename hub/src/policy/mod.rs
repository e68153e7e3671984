//! Policies: what is allowed, and choices such as a task's channel, in the stock hub's
//! policy language.
//!
//! A [`PolicySet`] is parsed once, when the hub starts; text that cannot be understood
//! keeps it from starting. Evaluating one asks its [`Facts`] only what the tests need, in
//! the order of the rules. The action is a plain string: permission-like policies
//! (`allow`, `deny reason`) go through [`PolicySet::check`] or [`PolicySet::assert`],
//! what others say (`use channel`, `stay`, a volume) is for their callers to read.

mod database;
mod defaults;
mod evaluate;
mod facts;
mod glob;
mod rules;
mod subject;
mod task_data;
mod test;

use std::collections::BTreeMap;

use crate::error::{self, Rpc};
use crate::options::Options;

pub use database::CallFacts;
use evaluate::Evaluation;
pub use facts::{Build, Buildroot, Facts, Tag, TagTime, User};
pub use glob::Glob;
use subject::Subject;
pub use task_data::task_data;

/// A line of a policy that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("policy {policy}, line {line}: {reason}: {text:?}")]
pub struct PolicyError {
    pub policy: String,
    /// Counted from 1 within the policy.
    pub line: usize,
    pub text: String,
    pub reason: String,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What stands after the `::` or `!!`.
    pub action: String,
    /// The rule that applied, outer ones first.
    pub rule: String,
}

/// Whether something is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// Why; may be empty.
    pub reason: String,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
}

impl Decision {
    fn new(allowed: bool, reason: &str, rule: Option<String>) -> Self {
        Decision { allowed, reason: reason.to_owned(), rule }
    }
}

/// All policies of the hub.
#[derive(Debug)]
pub struct PolicySet {
    policies: BTreeMap<String, Vec<rules::Rule>>,
    missing_ok: bool,
    verbose: bool,
}

impl PolicySet {
    /// Parses the configured policies and, where none is configured, the default ones.
    pub fn new(configured: &BTreeMap<String, String>, options: &Options) -> Result<PolicySet, PolicyError> {
        let mut policies = BTreeMap::new();
        for (name, text) in configured {
            policies.insert(name.clone(), rules::parse(name, text)?);
        }
        for (name, text) in defaults::DEFAULTS {
            if !configured.contains_key(*name) {
                policies.insert((*name).to_owned(), rules::parse(name, text)?);
            }
        }
        Ok(PolicySet {
            policies,
            missing_ok: options.missing_policy_ok,
            verbose: options.verbose_policy || options.koji_debug,
        })
    }

    /// Whether there is such a policy.
    pub fn contains(&self, name: &str) -> bool {
        self.policies.contains_key(name)
    }

    /// The verdict of a policy, `None` if no rule applies. Fault 1000 if there is no such policy.
    pub async fn apply(&self, name: &str, facts: &dyn Facts) -> Rpc<Option<Verdict>> {
        let verdict = Evaluation::new(self, facts).policy(name).await?;
        tracing::debug!(policy = name, ?verdict, "policy applied");
        Ok(verdict)
    }

    /// Whether a policy of `allow` and `deny` allows.
    ///
    /// `default` is the action if no rule applies. Of an action, the first word counts and
    /// the rest is the reason; one that is neither `allow` nor `deny` forbids. A missing
    /// policy allows, unless the option MissingPolicyOk is off. With `force`, an admin
    /// may do what the policy forbids.
    pub async fn check(&self, name: &str, facts: &dyn Facts, default: &str, force: bool) -> Rpc<Decision> {
        let decision = self.decide(name, facts, default).await?;
        if decision.allowed || !force {
            return Ok(decision);
        }
        match (Subject { facts }).admin().await? {
            Some(user) => {
                tracing::info!(policy = name, user = user.name, reason = decision.reason, "policy overridden by force");
                Ok(Decision::new(true, "overriden by force", decision.rule))
            }
            None => Ok(decision),
        }
    }

    async fn decide(&self, name: &str, facts: &dyn Facts, default: &str) -> Rpc<Decision> {
        if !self.contains(name) {
            return Ok(Decision::new(self.missing_ok, "missing policy", None));
        }
        let verdict = self.apply(name, facts).await?;
        let (action, reason) = match &verdict {
            Some(verdict) => match verdict.action.split_once(char::is_whitespace) {
                Some((action, reason)) => (action.to_lowercase(), reason.trim_start()),
                None => (verdict.action.to_lowercase(), ""),
            },
            None => (default.to_owned(), "not covered by policy"),
        };
        let rule = verdict.as_ref().map(|verdict| verdict.rule.clone());
        Ok(match action.as_str() {
            "allow" => Decision::new(true, reason, rule),
            "deny" => Decision::new(false, reason, rule),
            _ => {
                tracing::error!(policy = name, action, ?rule, "the action is neither allow nor deny");
                Decision::new(false, "error in policy", rule)
            }
        })
    }

    /// Faults (1004, with the reason) unless the policy allows; see [`PolicySet::check`].
    pub async fn assert(&self, name: &str, facts: &dyn Facts, default: &str, force: bool) -> Rpc<()> {
        let decision = self.check(name, facts, default, force).await?;
        if decision.allowed { Ok(()) } else { Err(self.violation(name, &decision)) }
    }

    /// The fault for something that a policy does not allow.
    pub fn violation(&self, name: &str, decision: &Decision) -> error::Error {
        let mut text = format!("policy violation ({name})");
        if !decision.reason.is_empty() {
            text += &format!(": {}", decision.reason);
        }
        if self.verbose {
            text += &format!(" [rule: {}]", decision.rule.as_deref().unwrap_or_default());
        }
        error::denied(text)
    }
}

#[cfg(test)]
mod tests;
