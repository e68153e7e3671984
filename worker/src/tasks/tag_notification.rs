//! `tagNotification`: tells people that a build was tagged, untagged or moved, or was not.

use async_trait::async_trait;

use super::mail::Mail;
use crate::args;
use crate::task::{Handler, Task, TaskError};
use crate::value::{Lookup, Value, ValueExt};

pub struct TagNotification;

#[async_trait]
impl Handler for TagNotification {
    fn methods(&self) -> &'static [&'static str] {
        &["tagNotification"]
    }

    fn weight(&self, _: &Task) -> f64 {
        0.1
    }

    async fn run(&self, task: &Task) -> Result<Value, TaskError> {
        let args = task.args()?;
        let recipients = recipients(args.need("recipients")?)?;
        let success = args.flag("is_successful");
        if recipients.is_empty() || (success && args.flag("ignore_success")) {
            return Ok(Value::Nil);
        }
        let strict = || crate::members! { "strict" => true };
        let build = task.hub.call_named("getBuild", args![args.need("build_info")?], strict()).await?;
        let user = task.hub.call_named("getUser", args![args.need("user_info")?], strict()).await?;
        let into = tag_name(task, args.get("tag_info")).await?;
        let from = tag_name(task, args.get("from_info")).await?;
        let facts = Facts {
            nvr: text(&build, "nvr"),
            package: text(&build, "package_name"),
            draft: build.get_flag("draft"),
            user: text(&user, "name"),
            into,
            from,
            failure: (!success)
                .then(|| args.opt_str("failure_msg"))
                .transpose()?
                .map(|why| why.unwrap_or_default().to_owned()),
        };
        let told = facts.mail(recipients).send(&task.config).await?;
        Ok(Value::String(told))
    }
}

struct Facts {
    nvr: String,
    package: String,
    draft: bool,
    user: String,
    into: Option<String>,
    from: Option<String>,
    /// Why it failed, if it did.
    failure: Option<String>,
}

impl Facts {
    fn mail(self, recipients: Vec<String>) -> Mail {
        let verb = match (&self.from, &self.into) {
            (Some(_), Some(_)) => "moved",
            (Some(_), None) => "untagged",
            _ => "tagged",
        };
        let mut action = verb.to_owned();
        if let Some(from) = &self.from {
            action.push_str(&format!(" from {from}"));
        }
        if let Some(into) = &self.into {
            action.push_str(&format!(" into {into}"));
        }
        let (result, status) = match &self.failure {
            None => ("successfully", "complete"),
            Some(_) => ("unsuccessfully", "failed"),
        };
        let subject = format!("{} {result} {action} by {}", self.nvr, self.user);
        let mut headers = vec![
            ("X-Koji-Package", self.package.clone()),
            ("X-Koji-NVR", self.nvr.clone()),
            ("X-Koji-Draft", python_bool(self.draft)),
            ("X-Koji-User", self.user.clone()),
            ("X-Koji-Status", status.to_owned()),
        ];
        let mut body = format!("{subject}\n\nBuild:   {}\nUser:    {}\nStatus:  {status}\n", self.nvr, self.user);
        for (label, tag) in [("From:    ", &self.from), ("Into:    ", &self.into)] {
            if let Some(tag) = tag {
                headers.push(("X-Koji-Tag", tag.clone()));
                body.push_str(&format!("{label}{tag}\n"));
            }
        }
        if let Some(why) = &self.failure {
            body.push_str(&format!("\nReason:\n    {why}\n"));
        }
        Mail { recipients, subject, headers, body }
    }
}

/// As the mail filters of people who had a stock builder expect it.
pub(super) fn python_bool(value: bool) -> String {
    if value { "True".to_owned() } else { "False".to_owned() }
}

pub(super) fn recipients(list: &Value) -> Result<Vec<String>, TaskError> {
    let wrong = || TaskError::parameter("recipients must be a list of mail addresses");
    list.as_array().ok_or_else(wrong)?.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

fn text(value: &Value, member: &str) -> String {
    value.get_str(member).unwrap_or("?").to_owned()
}

async fn tag_name(task: &Task, tag: Option<&Value>) -> Result<Option<String>, TaskError> {
    let Some(tag) = tag.filter(|tag| tag.is_true()) else { return Ok(None) };
    let info = task.hub.call("getTag", args![tag]).await?;
    // A tag that is deleted by now is told by its id.
    Ok(Some(
        info.get_str("name").map_or_else(|| tag.as_i64().map_or("?".into(), |id| format!("tag {id}")), str::to_owned),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(from: Option<&str>, into: Option<&str>, failure: Option<&str>) -> Facts {
        Facts {
            nvr: "x-1-1".into(),
            package: "x".into(),
            draft: false,
            user: "ann".into(),
            into: into.map(str::to_owned),
            from: from.map(str::to_owned),
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn the_subject_says_it_all() {
        let subject = |facts: Facts| facts.mail(vec![]).subject;
        assert_eq!(subject(facts(None, Some("f40"), None)), "x-1-1 successfully tagged into f40 by ann");
        assert_eq!(subject(facts(Some("a"), Some("b"), None)), "x-1-1 successfully moved from a into b by ann");
        assert_eq!(subject(facts(Some("a"), None, Some("no"))), "x-1-1 unsuccessfully untagged from a by ann");
    }

    #[test]
    fn failures_are_explained() {
        let mail = facts(None, Some("f40"), Some("the tag is locked")).mail(vec![]);
        assert!(mail.body.contains("the tag is locked"));
        assert!(mail.headers.contains(&("X-Koji-Status", "failed".into())));
        assert!(mail.headers.contains(&("X-Koji-Tag", "f40".into())));
    }
}
