//! Which host gets which free task.
//!
//! A host is a choice for a task if it is enabled and ready, serves the task's channel and arch (noarch is
//! served by all), has not refused it, runs fewer tasks than it may, and has room: what its capacity leaves
//! must exceed the task's weight less the overcommit. Tasks choose in the order of their priority, then of
//! their age; of the choices the host with the lowest rank gets the task. The rank is the load, plus the
//! number of tasks, plus the share of all free tasks that could go there: hosts that few others can stand
//! in for are spared.
//!
//! A pass reads what is free and the hosts of the channels concerned; its cost does not grow with the tasks
//! that have ended.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::Utc;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, JsonValue,
    QueryFilter,
};
use toji_migrations::entity::{scheduler_task_runs, task};
use toji_proto::message::HostMessage;
use toji_proto::states::TaskState;

use crate::limits::Limits;
use crate::log::{self, Note};
use crate::{outbox, refusals, statement};

/// How many free tasks a pass looks at.
const MOST_TASKS: u32 = 1000;

/// Assigns the tasks, as `free_tasks` told them, to hosts. The caller holds the scheduler's lock.
pub async fn run<C: ConnectionTrait>(db: &C, tasks: &[FreeTask], limits: &Limits) -> Result<(), DbErr> {
    if tasks.is_empty() {
        return Ok(());
    }
    let refused = refusals::current(db, limits).await?;
    let mut hosts = hosts(db, tasks, limits).await?;
    let plan = plan(tasks, &mut hosts, &refused, limits);
    if plan.is_empty() { Ok(()) } else { carry_out(db, &plan, &hosts).await }
}

/// A task that waits for a host.
#[derive(Debug, FromQueryResult)]
pub struct FreeTask {
    id: i32,
    channel_id: i32,
    arch: String,
    weight: f64,
}

/// A host that is enabled and ready, with what it has to do already.
#[derive(Debug)]
struct Host {
    id: i32,
    name: String,
    /// Whether it reads messages.
    listens: bool,
    /// The channels and arches that it serves.
    bins: Vec<(i32, String)>,
    capacity: f64,
    max_jobs: f64,
    load: f64,
    jobs: f64,
    demand: f64,
}

impl Host {
    fn has_room(&self, weight: f64, limits: &Limits) -> bool {
        self.jobs < self.max_jobs && self.capacity - self.load > (weight - limits.capacity_overcommit).max(0.0)
    }

    fn rank(&self) -> f64 {
        self.load + self.jobs + self.demand
    }
}

/// The tasks that wait for a host, in the order in which they choose.
pub async fn free_tasks<C: ConnectionTrait>(db: &C) -> Result<Vec<FreeTask>, DbErr> {
    let sql = format!(
        "SELECT id, channel_id, arch, weight FROM task WHERE state = {} \
         ORDER BY priority NULLS LAST, create_time, id LIMIT {MOST_TASKS}",
        TaskState::Free.code()
    );
    FreeTask::find_by_statement(statement(db, &sql, [])).all(db).await
}

#[derive(FromQueryResult)]
struct HostRow {
    id: i32,
    name: String,
    arches: Option<String>,
    capacity: f64,
    channel_id: i32,
    data: Option<JsonValue>,
    listens: bool,
    load: Option<f64>,
    jobs: Option<i64>,
}

/// The hosts of the tasks' channels, by id.
async fn hosts<C: ConnectionTrait>(db: &C, tasks: &[FreeTask], limits: &Limits) -> Result<Vec<Host>, DbErr> {
    let channels: BTreeSet<i32> = tasks.iter().map(|t| t.channel_id).collect();
    let channels: Vec<String> = channels.iter().map(i32::to_string).collect();
    // A task that waits for its children weighs nothing, but is a task.
    let sql = format!(
        "SELECT host.id, host.name, host_config.arches, host_config.capacity, host_channels.channel_id, \
                scheduler_host_data.data, toji_workers.host_id IS NOT NULL AS listens, busy.load, busy.jobs \
         FROM host_channels \
         JOIN channels ON channels.id = host_channels.channel_id AND channels.enabled = TRUE \
         JOIN host ON host.id = host_channels.host_id AND host.ready = TRUE \
         JOIN host_config ON host_config.host_id = host.id AND host_config.active = TRUE \
              AND host_config.enabled = TRUE \
         LEFT JOIN scheduler_host_data ON scheduler_host_data.host_id = host.id \
         LEFT JOIN toji_workers ON toji_workers.host_id = host.id \
         LEFT JOIN (SELECT host_id, SUM(CASE WHEN waiting = TRUE THEN 0.0 ELSE weight END) AS load, \
                           COUNT(*) AS jobs \
                    FROM task WHERE state IN ({open}, {assigned}) AND host_id IS NOT NULL GROUP BY host_id) busy \
              ON busy.host_id = host.id \
         WHERE host_channels.active = TRUE AND host_channels.channel_id IN ({channels}) \
         ORDER BY host.id, host_channels.channel_id",
        open = TaskState::Open.code(),
        assigned = TaskState::Assigned.code(),
        channels = channels.join(", "),
    );
    let rows = HostRow::find_by_statement(statement(db, &sql, [])).all(db).await?;
    let mut hosts: Vec<Host> = Vec::new();
    for row in rows {
        let arches = row.arches.as_deref().unwrap_or("").split_whitespace().chain(["noarch"]);
        let bins = arches.map(|arch| (row.channel_id, arch.to_string()));
        match hosts.last_mut() {
            Some(host) if host.id == row.id => host.bins.extend(bins),
            _ => hosts.push(Host {
                id: row.id,
                bins: bins.collect(),
                listens: row.listens,
                capacity: row.capacity,
                max_jobs: own_max_jobs(row.data.as_ref()).unwrap_or(f64::from(limits.max_jobs)),
                load: row.load.unwrap_or(0.0),
                jobs: row.jobs.unwrap_or(0) as f64,
                demand: 0.0,
                name: row.name,
            }),
        }
    }
    Ok(hosts)
}

/// The `maxjobs` of a host's data; 0 and what is no number leave it to the hub.
fn own_max_jobs(data: Option<&JsonValue>) -> Option<f64> {
    data?.get("maxjobs")?.as_f64().filter(|n| *n != 0.0)
}

/// The tasks that get a host now, each with the host's index, in the order of the choosing.
fn plan(tasks: &[FreeTask], hosts: &mut [Host], refused: &HashSet<(i32, i32)>, limits: &Limits) -> Vec<(i32, usize)> {
    let mut bins: HashMap<(i32, &str), Vec<usize>> = HashMap::new();
    let served: Vec<_> = hosts.iter().map(|h| h.bins.clone()).collect();
    for (i, served) in served.iter().enumerate() {
        for (channel, arch) in served {
            bins.entry((*channel, arch)).or_default().push(i);
        }
    }
    let choices: Vec<Vec<usize>> = tasks
        .iter()
        .map(|task| {
            let bin = bins.get(&(task.channel_id, task.arch.as_str())).map_or(&[][..], Vec::as_slice);
            let fits =
                |i: &usize| hosts[*i].has_room(task.weight, limits) && !refused.contains(&(task.id, hosts[*i].id));
            bin.iter().copied().filter(fits).collect()
        })
        .collect();
    for (task, choices) in tasks.iter().zip(&choices) {
        for &i in choices {
            hosts[i].demand += task.weight / choices.len() as f64;
        }
    }
    let all: f64 = hosts.iter().map(|h| h.demand).sum();
    if all > 0.0 {
        hosts.iter_mut().for_each(|h| h.demand /= all);
    }
    let mut plan = Vec::new();
    for (task, choices) in tasks.iter().zip(choices) {
        let free = choices.into_iter().filter(|&i| hosts[i].has_room(task.weight, limits));
        if let Some(best) = free.min_by(|&a, &b| hosts[a].rank().total_cmp(&hosts[b].rank())) {
            plan.push((task.id, best));
            hosts[best].load += task.weight;
            hosts[best].jobs += 1.0;
        }
    }
    plan
}

/// Writes the assignments, and the messages that tell of them.
async fn carry_out<C: ConnectionTrait>(db: &C, plan: &[(i32, usize)], hosts: &[Host]) -> Result<(), DbErr> {
    let free = lock_free(db, plan.iter().map(|(task, _)| *task)).await?;
    let done: Vec<_> = plan.iter().filter(|(task, _)| free.contains_key(task)).map(|(t, h)| (*t, &hosts[*h])).collect();
    let mut by_host: HashMap<i32, Vec<i32>> = HashMap::new();
    for (task, host) in &done {
        by_host.entry(host.id).or_default().push(*task);
    }
    for (host, tasks) in by_host {
        task::Entity::update_many()
            .col_expr(task::Column::State, Expr::value(TaskState::Assigned.code()))
            .col_expr(task::Column::HostId, Expr::value(host))
            .filter(task::Column::Id.is_in(tasks))
            .filter(task::Column::State.eq(TaskState::Free.code()))
            .filter(task::Column::HostId.is_null())
            .exec(db)
            .await?;
    }
    end_runs(db, free.into_iter().filter(|(_, ran)| *ran).map(|(task, _)| task)).await?;
    let pairs: Vec<_> = done.iter().map(|(task, host)| (*task, host.id)).collect();
    insert_runs(db, &pairs).await?;
    let notes: Vec<_> = pairs
        .iter()
        .map(|(task, host)| Note { task: Some(*task), host: Some(*host), text: "Assigning task" })
        .collect();
    log::notes(db, &notes).await?;
    let messages: Vec<_> = done
        .iter()
        .filter(|(_, host)| host.listens)
        .map(|(task, host)| (host.name.as_str(), HostMessage::Assigned { task_id: *task }))
        .collect();
    outbox::send(db, &messages).await
}

/// Locks those of the tasks that are still free, and tells of each whether a run of it goes on. One that somebody
/// is changing right now is left out rather than waited for: they wake the scheduler if there is something to
/// place.
async fn lock_free<C: ConnectionTrait>(db: &C, tasks: impl Iterator<Item = i32>) -> Result<HashMap<i32, bool>, DbErr> {
    let ids: Vec<String> = tasks.map(|id| id.to_string()).collect();
    let lock = if db.get_database_backend() == DbBackend::Postgres { " FOR UPDATE OF task SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT id, EXISTS (SELECT 1 FROM scheduler_task_runs run WHERE run.task_id = task.id AND run.active = TRUE) \
         FROM task WHERE id IN ({}) AND state = {} AND host_id IS NULL ORDER BY id{lock}",
        ids.join(", "),
        TaskState::Free.code()
    );
    let rows = db.query_all_raw(statement(db, &sql, [])).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Notes that the scheduler put the tasks on the hosts; earlier runs of them are over.
pub async fn begin_runs<C: ConnectionTrait>(db: &C, runs: &[(i32, i32)]) -> Result<(), DbErr> {
    end_runs(db, runs.iter().map(|(task, _)| *task)).await?;
    insert_runs(db, runs).await
}

async fn insert_runs<C: ConnectionTrait>(db: &C, runs: &[(i32, i32)]) -> Result<(), DbErr> {
    if runs.is_empty() {
        return Ok(());
    }
    let now = Utc::now();
    let rows = runs.iter().map(|(task, host)| scheduler_task_runs::ActiveModel {
        task_id: Set(*task),
        host_id: Set(*host),
        active: Set(true),
        create_time: Set(now),
        ..Default::default()
    });
    scheduler_task_runs::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// Notes that the present runs of the tasks are over.
pub async fn end_runs<C: ConnectionTrait>(db: &C, tasks: impl IntoIterator<Item = i32>) -> Result<(), DbErr> {
    let tasks: Vec<i32> = tasks.into_iter().collect();
    if tasks.is_empty() {
        return Ok(());
    }
    scheduler_task_runs::Entity::update_many()
        .col_expr(scheduler_task_runs::Column::Active, Expr::value(false))
        .filter(scheduler_task_runs::Column::TaskId.is_in(tasks))
        .filter(scheduler_task_runs::Column::Active.eq(true))
        .exec(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(id: i32, arches: &[&str], capacity: f64) -> Host {
        Host {
            id,
            name: format!("host{id}"),
            listens: true,
            bins: arches.iter().chain(&["noarch"]).map(|a| (1, a.to_string())).collect(),
            capacity,
            max_jobs: 15.0,
            load: 0.0,
            jobs: 0.0,
            demand: 0.0,
        }
    }

    fn task(id: i32, arch: &str, weight: f64) -> FreeTask {
        FreeTask { id, channel_id: 1, arch: arch.into(), weight }
    }

    /// The plan with host ids.
    fn planned(tasks: &[FreeTask], mut hosts: Vec<Host>, refused: &[(i32, i32)]) -> Vec<(i32, i32)> {
        let refused = refused.iter().copied().collect();
        let plan = plan(tasks, &mut hosts, &refused, &Limits::default());
        plan.into_iter().map(|(task, i)| (task, hosts[i].id)).collect()
    }

    #[test]
    fn arch_decides_and_noarch_goes_anywhere() {
        let tasks = [task(1, "i386", 1.0), task(2, "i686", 1.0), task(3, "noarch", 1.0)];
        assert_eq!(planned(&tasks, vec![host(1, &["i686"], 9.0)], &[]), [(2, 1), (3, 1)]);
    }

    #[test]
    fn what_is_left_must_exceed_the_weight_less_five() {
        let fits = |weight| planned(&[task(1, "noarch", weight)], vec![host(1, &[], 2.0)], &[]).len();
        assert_eq!((fits(6.99), fits(7.0)), (1, 0));
        let mut full = host(1, &[], 2.0);
        full.load = 2.0;
        assert_eq!(planned(&[task(1, "noarch", 0.1)], vec![full], &[]), []);
    }

    #[test]
    fn a_task_that_fits_nowhere_holds_up_none() {
        let tasks = [task(1, "noarch", 50.0), task(2, "noarch", 1.0)];
        assert_eq!(planned(&tasks, vec![host(1, &[], 2.0)], &[]), [(2, 1)]);
    }

    #[test]
    fn hosts_that_only_one_kind_of_task_can_use_are_spared() {
        let tasks = [task(1, "x86_64", 1.0), task(2, "i686", 1.0)];
        let hosts = vec![host(1, &["x86_64", "i686"], 9.0), host(2, &["x86_64"], 9.0)];
        assert_eq!(planned(&tasks, hosts, &[]), [(1, 2), (2, 1)]);
    }

    #[test]
    fn load_is_spread_and_refusals_hold() {
        let tasks = [task(1, "noarch", 1.0), task(2, "noarch", 1.0), task(3, "noarch", 1.0)];
        let hosts = || vec![host(1, &[], 9.0), host(2, &[], 9.0)];
        assert_eq!(planned(&tasks, hosts(), &[]), [(1, 1), (2, 2), (3, 1)]);
        assert_eq!(planned(&tasks, hosts(), &[(1, 1), (2, 1), (3, 1)]), [(1, 2), (2, 2), (3, 2)]);
    }

    #[test]
    fn the_number_of_tasks_is_limited() {
        let mut small = host(1, &[], 100.0);
        small.max_jobs = own_max_jobs(Some(&serde_json::json!({"maxjobs": 1}))).unwrap();
        assert_eq!(planned(&[task(1, "noarch", 1.0), task(2, "noarch", 1.0)], vec![small], &[]), [(1, 1)]);
        assert_eq!(own_max_jobs(Some(&serde_json::json!({"maxjobs": 0}))), None);
        assert_eq!(own_max_jobs(Some(&serde_json::json!({"maxjobs": "many"}))), None);
    }
}
