//! Finding a repository that holds what a build needs, and waiting for one.
//!
//! The hub decides when to make a repository; we only request one, again if the one that came does
//! not hold what was asked for, because tags change while repositories are made.

use std::time::Duration;

use toji_proto::nvr::Nvr;
use tokio::time::Instant;

use crate::args;
use crate::hub::Session;
use crate::task::TaskError;
use crate::value::{Lookup, Value, ValueExt};

/// What a repository must hold.
pub struct RepoWatch<'a> {
    hub: &'a Session,
    tag_id: i32,
    tag_name: String,
    nvrs: Vec<String>,
    /// The event at or after which it was made, if that matters.
    min_event: Option<i64>,
    /// The event that the hub chose for our request.
    requested_event: Option<i64>,
}

/// How often to look, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub pause: Duration,
    pub timeout: Duration,
}

impl<'a> RepoWatch<'a> {
    pub async fn new(
        hub: &'a Session,
        tag: &Value,
        nvrs: &[String],
        min_event: Option<i64>,
    ) -> Result<RepoWatch<'a>, TaskError> {
        for nvr in nvrs {
            Nvr::parse(nvr).map_err(|error| TaskError::parameter(format!("build to wait for: {error}")))?;
        }
        let info = hub.call_named("getTag", args![tag], crate::members! { "strict" => true }).await?;
        let (Some(tag_id), Some(tag_name)) = (info.get_id("id"), info.get_str("name")) else {
            return Err(TaskError::generic(format!("the hub's answer about the tag lacks its id: {info:?}")));
        };
        let tag_name = tag_name.to_owned();
        Ok(RepoWatch { hub, tag_id, tag_name, nvrs: nvrs.to_vec(), min_event, requested_event: None })
    }

    /// Wants everything that is in the tag by now.
    pub async fn need_current(&mut self) -> Result<(), TaskError> {
        self.min_event = self.hub.call("tagLastChangeEvent", args![self.tag_id]).await?.as_i64();
        Ok(())
    }

    /// A repository that exists already. Otherwise one is requested.
    pub async fn available(&mut self) -> Result<Option<Value>, TaskError> {
        if !self.builds_tagged(None).await? {
            return Ok(None);
        }
        let answer = self.request().await?;
        match answer.get("repo") {
            Some(repo) if self.fits(repo).await? => return Ok(Some(repo.clone())),
            _ => {}
        }
        self.requested_event = answer.get("request").and_then(|request| request.get_int("min_event"));
        Ok(None)
    }

    /// The request of a `waitrepo` task that goes on where this watch ends.
    pub fn task_args(&self) -> Vec<Value> {
        args![&self.tag_name, Value::Nil, self.nvrs.clone(), self.min_event.or(self.requested_event)]
    }

    /// Waits until there is a repository that fits.
    pub async fn wait(&mut self, patience: Patience) -> Result<Value, TaskError> {
        let deadline = Instant::now() + patience.timeout;
        loop {
            if !self.nvrs.is_empty() {
                self.wait_for_builds(patience, deadline).await?;
                self.need_current().await?;
            }
            let answer = self.request().await?;
            let repo = match (answer.get("repo"), answer.get("request")) {
                (Some(repo), _) if !repo.is_nil() => repo.clone(),
                (_, Some(request)) if !request.is_nil() => {
                    self.min_event = self.min_event.or(request.get_int("min_event"));
                    self.wait_for_request(request, patience, deadline).await?
                }
                _ => return Err(TaskError::generic(format!("the hub took no request for a repository: {answer:?}"))),
            };
            if self.fits(&repo).await? {
                return Ok(repo);
            }
            tracing::info!(
                tag = self.tag_name,
                repo = repo.get_int("id"),
                "the new repository does not fit, once more"
            );
            self.need_current().await?;
            self.rest(patience, deadline, "a fitting repository").await?;
        }
    }

    async fn request(&self) -> Result<Value, TaskError> {
        let named = match self.min_event {
            Some(event) => crate::members! { "min_event" => event },
            None => crate::members! {},
        };
        Ok(self.hub.call_named("repo.request", args![self.tag_id], named).await?)
    }

    async fn wait_for_builds(&self, patience: Patience, deadline: Instant) -> Result<(), TaskError> {
        while !self.builds_tagged(None).await? {
            let what = format!("{} in the tag", self.nvrs.join(", "));
            self.rest(patience, deadline, &what).await?;
        }
        Ok(())
    }

    async fn wait_for_request(
        &self,
        request: &Value,
        patience: Patience,
        deadline: Instant,
    ) -> Result<Value, TaskError> {
        let id = request.get_id("id").ok_or_else(|| TaskError::generic("a repository request without an id"))?;
        loop {
            let answer = self.hub.call("repo.checkRequest", args![id]).await?;
            if let Some(repo) = answer.get("repo").filter(|repo| !repo.is_nil()) {
                return Ok(repo.clone());
            }
            let request = answer.get("request").unwrap_or(&Value::Nil);
            if !request.get_flag("active") {
                let task = request.get_int("task_id");
                let after = task.map(|task| format!(" after task {task}")).unwrap_or_default();
                return Err(TaskError::generic(format!(
                    "the hub gave up making a repository for {}{after} (request {id})",
                    self.tag_name
                )));
            }
            self.rest(patience, deadline, "a new repository").await?;
        }
    }

    async fn rest(&self, patience: Patience, deadline: Instant, what: &str) -> Result<(), TaskError> {
        if Instant::now() >= deadline {
            let minutes = patience.timeout.as_secs() / 60;
            return Err(TaskError::generic(format!(
                "waited {minutes} minutes in vain for {what} (tag {})",
                self.tag_name
            )));
        }
        tokio::time::sleep(patience.pause).await;
        Ok(())
    }

    async fn fits(&self, repo: &Value) -> Result<bool, TaskError> {
        if repo.get_id("tag_id") != Some(self.tag_id) {
            return Ok(false);
        }
        let event = repo.get_int("create_event");
        if event < self.min_event {
            return Ok(false);
        }
        self.builds_tagged(event).await
    }

    /// Whether all of the builds are in the tag (at an event), directly or inherited.
    async fn builds_tagged(&self, event: Option<i64>) -> Result<bool, TaskError> {
        for nvr in &self.nvrs {
            let name = Nvr::parse(nvr).map_err(|error| TaskError::parameter(error.to_string()))?.name;
            let named = crate::members! { "event" => event, "inherit" => true, "package" => name };
            let builds = self.hub.call_named("listTagged", args![self.tag_id], named).await?;
            let found = builds.as_array().unwrap_or_default().iter().any(|build| build.get_str("nvr") == Some(nvr));
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
