//! Buildroots in the database.
//!
//! A standard one is made by a host for a task, from a repository: INIT → WAITING or BUILDING → EXPIRED. An
//! external one is what a content generator tells of its own.

use toji_proto::states::{BuildrootState, BuildrootType};

use crate::db::{Db, Kind, Row, RowExt, Select};
use crate::error::{self, Rpc};
use crate::rpc::{Call, tasks};

/// A buildroot, as far as its rules need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buildroot {
    pub id: i32,
    /// What a standard one has besides.
    pub standard: Option<Standard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    pub host_id: i32,
    pub repo_id: i32,
    pub task_id: Option<i32>,
    pub state: BuildrootState,
}

/// Buildroots as clients see them.
pub fn select() -> Select {
    Select::from("buildroot")
        .join("LEFT JOIN standard_buildroot ON standard_buildroot.buildroot_id = buildroot.id")
        .join("LEFT JOIN content_generator ON content_generator.id = buildroot.cg_id")
        .join("LEFT JOIN host ON host.id = standard_buildroot.host_id")
        .join("LEFT JOIN repo ON repo.id = standard_buildroot.repo_id")
        .join("LEFT JOIN tag ON tag.id = repo.tag_id")
        .join("LEFT JOIN events AS create_events ON create_events.id = standard_buildroot.create_event")
        .join("LEFT JOIN events AS retire_events ON retire_events.id = standard_buildroot.retire_event")
        .join("LEFT JOIN events AS repo_create ON repo_create.id = repo.create_event")
        .columns(&[
            ("buildroot.id", "id"),
            ("buildroot.br_type", "br_type"),
            ("buildroot.cg_id", "cg_id"),
            ("content_generator.name", "cg_name"),
            ("buildroot.cg_version", "cg_version"),
            ("buildroot.container_arch", "container_arch"),
            ("buildroot.container_arch", "arch"),
            ("buildroot.container_type", "container_type"),
            ("buildroot.host_os", "host_os"),
            ("buildroot.host_arch", "host_arch"),
            ("standard_buildroot.state", "state"),
            ("standard_buildroot.task_id", "task_id"),
            ("host.id", "host_id"),
            ("host.name", "host_name"),
            ("repo.id", "repo_id"),
            ("repo.state", "repo_state"),
            ("tag.id", "tag_id"),
            ("tag.name", "tag_name"),
            ("create_events.id", "create_event_id"),
            ("create_events.time", "create_event_time"),
            ("retire_events.id", "retire_event_id"),
            ("retire_events.time", "retire_event_time"),
            ("repo_create.id", "repo_create_event_id"),
            ("repo_create.time", "repo_create_event_time"),
        ])
        .column_as("buildroot.extra", "extra", Kind::Json)
        .epoch("create_events.time", "create_ts")
        .epoch("retire_events.time", "retire_ts")
        .order("id")
}

/// A buildroot as clients see it.
pub async fn find(db: &Db, id: i32) -> Rpc<Option<Row>> {
    select().clause("buildroot.id = ?", [id.into()]).one(db).await
}

/// The buildroot; a general fault if there is none.
pub async fn get(db: &Db, id: i32) -> Rpc<Buildroot> {
    let row = Select::from("buildroot")
        .join("LEFT JOIN standard_buildroot ON standard_buildroot.buildroot_id = buildroot.id")
        .columns(&[
            ("buildroot.br_type", "br_type"),
            ("standard_buildroot.host_id", "host_id"),
            ("standard_buildroot.repo_id", "repo_id"),
            ("standard_buildroot.task_id", "task_id"),
            ("standard_buildroot.state", "state"),
        ])
        .clause("buildroot.id = ?", [id.into()])
        .one(db)
        .await?;
    let row = row.ok_or_else(|| error::generic(format!("no buildroot with ID: {id}")))?;
    if row.int("br_type")? != BuildrootType::Standard.code() {
        return Ok(Buildroot { id, standard: None });
    }
    let state = row.opt_int("state").and_then(BuildrootState::from_code);
    let standard = Standard {
        host_id: row.int("host_id")?,
        repo_id: row.int("repo_id")?,
        task_id: row.opt_int("task_id"),
        state: state.ok_or_else(|| error::internal(format!("buildroot {id} has no state")))?,
    };
    Ok(Buildroot { id, standard: Some(standard) })
}

/// The standard buildroot, which must be the calling host's and, if a task is given, that task's, which the
/// host must have open (1004).
pub async fn get_own(call: &Call, id: i32, task_id: Option<i32>) -> Rpc<(Buildroot, Standard)> {
    let host = call.assert_host().await?;
    if let Some(task) = task_id {
        tasks::store::assert_host(call, task, host).await?;
    }
    let buildroot = get(&call.db, id).await?;
    let standard = buildroot.standard.ok_or_else(|| error::generic(format!("Not a standard buildroot: {id}")))?;
    if standard.host_id != host {
        return Err(error::denied(format!("Host {host} not owner of buildroot {id}")));
    }
    match task_id {
        Some(task) if standard.task_id != Some(task) => {
            Err(error::denied(format!("Task {task} does not have lock on buildroot {id}")))
        }
        _ => Ok((buildroot, standard)),
    }
}

impl Buildroot {
    /// Refuses a standard buildroot in another state.
    pub fn assert_state(&self, wanted: BuildrootState) -> Rpc<()> {
        match self.standard {
            Some(Standard { state, .. }) if state != wanted => {
                Err(error::generic(format!("buildroot {} in wrong state {state}", self.id)))
            }
            _ => Ok(()),
        }
    }
}
