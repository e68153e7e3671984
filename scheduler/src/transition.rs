//! How a task changes its state.
//!
//! Each change reads the task's row with a lock and writes it with the state and the host that it read as
//! conditions. So of two that want to change a task one comes second and is refused; above all, a host that
//! a task was taken from cannot end it any more.
//!
//! Hosts hear of it through the outbox, in the same transaction: of a task that is taken away
//! (`Cancelled`), and of an awaited child that has ended (`Wake`).

use chrono::Utc;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, UpdateMany};
use toji_migrations::entity::task;
use toji_proto::message::HostMessage;
use toji_proto::states::TaskState;

use crate::outbox;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: i32,
    pub state: TaskState,
    /// The host that it is assigned to, open on, or was open on when it ended.
    pub host: Option<i32>,
    pub parent: Option<i32>,
    /// Whether the parent waits for it.
    pub awaited: bool,
}

impl Standing {
    /// Whether this host runs it.
    pub fn is_open_on(&self, host: i32) -> bool {
        self.state == TaskState::Open && self.host == Some(host)
    }

    /// The host that is responsible for it.
    fn responsible(&self) -> Option<i32> {
        self.host.filter(|_| self.state.is_on_host())
    }
}

/// How a task stands, locked until the end of the transaction; `None` if there is no such task.
pub async fn standing<C: ConnectionTrait>(db: &C, id: i32) -> Result<Option<Standing>, DbErr> {
    use task::Column::{Awaited, HostId, Parent, State};
    type Row = (Option<i32>, Option<i32>, Option<i32>, Option<bool>);
    let select = task::Entity::find_by_id(id).select_only().columns([State, HostId, Parent, Awaited]).lock_exclusive();
    let Some((state, host, parent, awaited)) = select.into_tuple::<Row>().one(db).await? else { return Ok(None) };
    let code = state.unwrap_or(-1);
    let state =
        TaskState::from_code(code).ok_or_else(|| DbErr::Custom(format!("task {id} has the unknown state {code}")))?;
    Ok(Some(Standing { id, state, host, parent, awaited: awaited == Some(true) }))
}

/// Opens the task on the host, if it is free or assigned to it. False if it is neither.
pub async fn open<C: ConnectionTrait>(db: &C, task: &Standing, host: i32) -> Result<bool, DbErr> {
    let ours = match task.state {
        TaskState::Free => task.host.is_none(),
        TaskState::Assigned => task.host == Some(host),
        _ => false,
    };
    if !ours {
        return Ok(false);
    }
    let update = change(task, TaskState::Open)
        .col_expr(task::Column::HostId, Expr::value(host))
        .col_expr(task::Column::StartTime, Expr::value(Utc::now()));
    apply(db, update).await
}

/// Assigns a free task to the host. One that is assigned to it already stays so; false for any other.
pub async fn assign<C: ConnectionTrait>(db: &C, task: &Standing, host: i32) -> Result<bool, DbErr> {
    match task.state {
        TaskState::Free if task.host.is_none() => place(db, task, host).await,
        TaskState::Assigned => Ok(task.host == Some(host)),
        _ => Ok(false),
    }
}

/// Assigns the task to the host whatever its state; a host that has it loses it.
pub async fn seize<C: ConnectionTrait>(db: &C, task: &Standing, host: i32) -> Result<bool, DbErr> {
    if let Some(loser) = task.responsible()
        && (loser != host || task.state == TaskState::Open)
    {
        outbox::tell(db, loser, &HostMessage::Cancelled { task_id: task.id }).await?;
    }
    place(db, task, host).await
}

async fn place<C: ConnectionTrait>(db: &C, task: &Standing, host: i32) -> Result<bool, DbErr> {
    let update = change(task, TaskState::Assigned).col_expr(task::Column::HostId, Expr::value(host));
    let placed = apply(db, update).await?;
    if placed {
        outbox::tell(db, host, &HostMessage::Assigned { task_id: task.id }).await?;
    }
    Ok(placed)
}

/// Takes the task from its host, for any host to take. False if it has ended or is free already.
pub async fn free<C: ConnectionTrait>(db: &C, task: &Standing) -> Result<bool, DbErr> {
    if !task.state.is_on_host() {
        return Ok(false);
    }
    let update = change(task, TaskState::Free).col_expr(task::Column::HostId, Expr::value(None::<i32>));
    let freed = apply(db, update).await?;
    if freed && let Some(loser) = task.host {
        outbox::tell(db, loser, &HostMessage::Cancelled { task_id: task.id }).await?;
    }
    Ok(freed)
}

/// Ends an open task as closed or failed, with its result as XML-RPC text. False if it is not open on the host.
pub async fn finish<C: ConnectionTrait>(
    db: &C,
    task: &Standing,
    host: i32,
    end: TaskState,
    result: &str,
) -> Result<bool, DbErr> {
    if !task.is_open_on(host) {
        return Ok(false);
    }
    let update = change(task, end)
        .col_expr(task::Column::Result, Expr::value(result))
        .col_expr(task::Column::CompletionTime, Expr::value(Utc::now()));
    let ended = apply(db, update).await?;
    if ended {
        wake_parent(db, task).await?;
    }
    Ok(ended)
}

/// Cancels the task. False if it has ended.
pub async fn cancel<C: ConnectionTrait>(db: &C, task: &Standing) -> Result<bool, DbErr> {
    if task.state.is_finished() {
        return Ok(false);
    }
    let update = change(task, TaskState::Canceled).col_expr(task::Column::CompletionTime, Expr::value(Utc::now()));
    let cancelled = apply(db, update).await?;
    if cancelled {
        if let Some(host) = task.responsible() {
            outbox::tell(db, host, &HostMessage::Cancelled { task_id: task.id }).await?;
        }
        wake_parent(db, task).await?;
    }
    Ok(cancelled)
}

/// Tells the host of a parent that waits for the task that it has ended.
async fn wake_parent<C: ConnectionTrait>(db: &C, task: &Standing) -> Result<(), DbErr> {
    let Some(parent) = task.parent.filter(|_| task.awaited) else { return Ok(()) };
    let host = task::Entity::find_by_id(parent)
        .select_only()
        .column(task::Column::HostId)
        .filter(task::Column::State.eq(TaskState::Open.code()))
        .into_tuple::<Option<i32>>()
        .one(db)
        .await?;
    match host.flatten() {
        Some(host) => outbox::tell(db, host, &HostMessage::Wake { task_id: parent }).await,
        None => Ok(()),
    }
}

/// An update to the state, on the condition that the task still stands as it was read.
fn change(task: &Standing, to: TaskState) -> UpdateMany<task::Entity> {
    let update = task::Entity::update_many()
        .col_expr(task::Column::State, Expr::value(to.code()))
        .filter(task::Column::Id.eq(task.id))
        .filter(task::Column::State.eq(task.state.code()));
    match task.host {
        Some(host) => update.filter(task::Column::HostId.eq(host)),
        None => update.filter(task::Column::HostId.is_null()),
    }
}

async fn apply<C: ConnectionTrait>(db: &C, update: UpdateMany<task::Entity>) -> Result<bool, DbErr> {
    Ok(update.exec(db).await?.rows_affected > 0)
}
