//! The text of a policy, read into rules.
//!
//! A line is `test … && test … :: action`, or `… !! action` for the case that the tests
//! do not all hold. Where the action is `{`, the lines up to the `}` that stands alone
//! are rules of their own, tried when the outer tests hold. `#` begins a comment.

use super::PolicyError;
use super::test::Test;

/// Tests, and what follows when they hold.
#[derive(Debug)]
pub(super) struct Rule {
    /// The line up to its action, as it is quoted to users.
    pub text: String,
    pub tests: Vec<Test>,
    /// Written with `!!`: applies when not all tests hold.
    pub negated: bool,
    pub then: Then,
}

#[derive(Debug)]
pub(super) enum Then {
    Action(String),
    Rules(Vec<Rule>),
}

pub(super) fn parse(policy: &str, text: &str) -> Result<Vec<Rule>, PolicyError> {
    let mut rules = Vec::new();
    // Rules around the ones being read; each lacks its own inner rules until its brace closes.
    let mut outer: Vec<(usize, Vec<Rule>)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let error = |reason: String| PolicyError {
            policy: policy.to_owned(),
            line: number,
            text: line.trim().to_owned(),
            reason,
        };
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        if content == "}" {
            let (_, mut around) = outer.pop().ok_or_else(|| error("there is no { to close".into()))?;
            if let Some(Rule { then, .. }) = around.last_mut() {
                *then = Then::Rules(std::mem::take(&mut rules));
            }
            rules = around;
            continue;
        }
        let rule = parse_line(content).map_err(error)?;
        let opens = matches!(&rule.then, Then::Action(action) if action == "{");
        rules.push(rule);
        if opens {
            outer.push((number, std::mem::take(&mut rules)));
        }
    }
    match outer.pop() {
        Some((line, around)) => Err(PolicyError {
            policy: policy.to_owned(),
            line,
            text: around.last().map(|rule| rule.text.clone()).unwrap_or_default(),
            reason: "its { is never closed".into(),
        }),
        None => Ok(rules),
    }
}

fn parse_line(line: &str) -> Result<Rule, String> {
    let (at, negated) = match (line.rfind("::"), line.rfind("!!")) {
        (Some(at), _) => (at, false),
        (None, Some(at)) => (at, true),
        (None, None) => return Err("expected `tests :: action` or `tests !! action`".into()),
    };
    let action = line[at + 2..].trim();
    if action.is_empty() {
        return Err("there is no action".into());
    }
    let tests = line[..at].split("&&").map(Test::parse).collect::<Result<_, _>>()?;
    Ok(Rule { text: line[..at + 2].to_owned(), tests, negated, then: Then::Action(action.to_owned()) })
}
