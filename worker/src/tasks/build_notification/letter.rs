//! The text of the mail.

use std::collections::BTreeSet;
use std::fmt::Write;

use toji_proto::states::{BuildState, TaskState};

use super::tree::{FileKind, Member, kind};
use crate::tasks::mail::Mail;
use crate::tasks::tag_notification::python_bool;
use crate::value::{Lookup, Value};

/// All that the mail tells.
pub struct Letter<'a> {
    pub id: i32,
    pub state: BuildState,
    /// The stock build struct.
    pub build: &'a Value,
    pub tag: Option<&'a str>,
    pub weburl: &'a str,
    /// Base of the hub's file tree.
    pub files: &'a str,
    pub changes: Vec<String>,
    pub canceled_by: Option<String>,
    pub tasks: Vec<Member>,
}

impl Letter<'_> {
    pub fn mail(&self, recipients: Vec<String>) -> Mail {
        let (nvr, owner) = (self.nvr(), self.text("owner_name"));
        let status = self.state.name().to_lowercase();
        let tag = self.tag.unwrap_or("None");
        Mail {
            recipients,
            subject: format!("Package: {nvr} Tag: {tag} Status: {status} Built by: {owner}"),
            headers: vec![
                ("X-Koji-Tag", tag.to_owned()),
                ("X-Koji-Package", self.text("package_name").to_owned()),
                ("X-Koji-Builder", owner.to_owned()),
                ("X-Koji-Status", status.clone()),
                ("X-Koji-Draft", python_bool(self.build.get_flag("draft"))),
            ],
            body: self.body(&status),
        }
    }

    fn body(&self, status: &str) -> String {
        let mut out = String::new();
        let mut row = |label: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "{label:<10}{value}");
            }
        };
        row("Package:", &self.nvr());
        row("Tag:", self.tag.unwrap_or(""));
        row("Status:", status);
        row("Owner:", self.text("owner_name"));
        row("Canceled:", &self.canceled_by.as_ref().map(|user| format!("by {user}")).unwrap_or_default());
        row("Build:", &self.page("buildinfo?buildID", self.id));
        if let Some(task) = self.build.get_id("task_id") {
            row("Task:", &self.page("taskinfo?taskID", task));
        }
        row("Started:", self.text("creation_time"));
        row("Finished:", self.text("completion_time"));
        self.failures(&mut out);
        self.sources(&mut out);
        for state in [TaskState::Failed, TaskState::Canceled, TaskState::Closed] {
            self.tasks_of(state, &mut out);
        }
        if !self.changes.is_empty() {
            let _ = write!(out, "\nChangelog\n=========\n\n{}\n", self.changes.join("\n\n"));
        }
        out
    }

    fn failures(&self, out: &mut String) {
        if self.state != BuildState::Failed {
            return;
        }
        let failed: Vec<&Member> = self.tasks.iter().filter(|task| task.state == TaskState::Failed).collect();
        let hosts: BTreeSet<String> = failed
            .iter()
            .filter(|task| task.method != "build")
            .filter_map(|task| Some(format!("{} ({})", task.host.as_deref()?, task.arch)))
            .collect();
        let reason = failed.iter().find_map(|task| task.failure.as_deref()).unwrap_or("unknown");
        if !hosts.is_empty() {
            let _ = write!(out, "\nFailed on {}\n", hosts.into_iter().collect::<Vec<_>>().join(", "));
        }
        let _ = write!(out, "\nReason:\n    {}\n", reason.replace('\n', "\n    "));
    }

    fn sources(&self, out: &mut String) {
        let sources: BTreeSet<&str> = self
            .tasks
            .iter()
            .flat_map(|task| &task.files)
            .map(|(name, _)| name.as_str())
            .filter(|name| kind(name) == FileKind::Source)
            .collect();
        if !sources.is_empty() {
            let _ = write!(out, "\nSource packages: {}\n", sources.into_iter().collect::<Vec<_>>().join(" "));
        }
    }

    fn tasks_of(&self, state: TaskState, out: &mut String) {
        let mut tasks = self.tasks.iter().filter(|task| task.state == state).peekable();
        if tasks.peek().is_none() {
            return;
        }
        let title = format!("Tasks {}", state.name().to_lowercase());
        let _ = write!(out, "\n{title}\n{}\n", "=".repeat(title.len()));
        for task in tasks {
            let arch = if task.label.is_empty() { &task.arch } else { &task.label };
            let host = task.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
            let _ = write!(out, "\n{} {} ({arch}){host}\n", task.id, task.method);
            for wanted in [FileKind::Log, FileKind::Package, FileKind::Other] {
                for (name, volume) in task.files.iter().filter(|(name, _)| kind(name) == wanted) {
                    let _ = writeln!(out, "    {}", self.link(task, name, volume, wanted));
                }
            }
        }
    }

    /// Files of a complete build have moved from its tasks' folders into its own.
    fn link(&self, task: &Member, name: &str, volume: &str, kind: FileKind) -> String {
        let moved = self.state == BuildState::Complete && task.method == "buildArch";
        match kind {
            FileKind::Log if moved => format!("{}/data/logs/{}/{name}", self.folder(), task.label),
            FileKind::Package if moved => {
                let arch = name.trim_end_matches(".rpm").rsplit('.').next().unwrap_or(&task.label);
                format!("{}/{arch}/{name}", self.folder())
            }
            _ if self.weburl.is_empty() => {
                format!("{}/work/tasks/{}/{}/{name}", self.files, task.id % 10_000, task.id)
            }
            _ => format!("{}/getfile?taskID={}&name={name}&volume={volume}", self.weburl, task.id),
        }
    }

    fn folder(&self) -> String {
        let volume = match self.build.get_str("volume_name") {
            None | Some("DEFAULT") => String::new(),
            Some(volume) => format!("/vol/{volume}"),
        };
        let (name, version, release) = (self.text("package_name"), self.text("version"), self.text("release"));
        format!("{}{volume}/packages/{name}/{version}/{release}", self.files)
    }

    fn nvr(&self) -> String {
        let epoch = self.build.get_int("epoch").map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let (name, version, release) = (self.text("package_name"), self.text("version"), self.text("release"));
        format!("{epoch}{name}-{version}-{release}")
    }

    fn page(&self, page: &str, id: i32) -> String {
        if self.weburl.is_empty() { id.to_string() } else { format!("{}/{page}={id}", self.weburl) }
    }

    fn text(&self, member: &str) -> &str {
        self.build.get_str(member).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members;

    fn build() -> Value {
        Value::Struct(members! {
            "id" => 7, "task_id" => 10_003, "package_name" => "hello", "version" => "1", "release" => "2",
            "epoch" => 3, "owner_name" => "ann", "creation_time" => "2026-01-01 00:00:00",
        })
    }

    fn letter(build: &Value, state: BuildState, task_state: TaskState) -> Letter<'_> {
        let member = Member {
            id: 10_004,
            method: "buildArch".into(),
            arch: "x86_64".into(),
            label: "x86_64".into(),
            host: Some("host1".into()),
            state: task_state,
            failure: (task_state == TaskState::Failed).then(|| "it does not compile".into()),
            files: vec![("build.log".into(), "DEFAULT".into()), ("hello-1-2.noarch.rpm".into(), "DEFAULT".into())],
        };
        Letter {
            id: 7,
            state,
            build,
            tag: Some("f40"),
            weburl: "http://web",
            files: "http://files",
            changes: vec!["* 2026-01-01 Ann\n- better".into()],
            canceled_by: None,
            tasks: vec![member],
        }
    }

    #[test]
    fn a_complete_build_says_where_its_files_are() {
        let build = build();
        let mail = letter(&build, BuildState::Complete, TaskState::Closed).mail(vec![]);
        assert_eq!(mail.subject, "Package: 3:hello-1-2 Tag: f40 Status: complete Built by: ann");
        assert!(mail.headers.contains(&("X-Koji-Status", "complete".into())));
        for line in [
            "http://files/packages/hello/1/2/data/logs/x86_64/build.log",
            "http://files/packages/hello/1/2/noarch/hello-1-2.noarch.rpm",
            "http://web/buildinfo?buildID=7",
            "- better",
        ] {
            assert!(mail.body.contains(line), "{line} in\n{}", mail.body);
        }
        assert!(!mail.body.contains("Reason"));
    }

    #[test]
    fn a_failed_build_says_why_and_where_to_look() {
        let build = build();
        let mail = letter(&build, BuildState::Failed, TaskState::Failed).mail(vec![]);
        for line in [
            "Failed on host1 (x86_64)",
            "    it does not compile",
            "http://web/getfile?taskID=10004&name=build.log&volume=DEFAULT",
        ] {
            assert!(mail.body.contains(line), "{line} in\n{}", mail.body);
        }
    }
}
