//! New tasks.

use chrono::Utc;
use toji_proto::message::HostMessage;
use toji_proto::states::{PRIO_DEFAULT, TaskState};
use toji_proto::xmlrpc::write_call;
use toji_proto::{Struct, Value, ValueExt};
use toji_scheduler::outbox;

use super::{Call, Rpc, arch_refusals};
use crate::db::{Insert, RowExt};
use crate::error;
use crate::policy::task_data;
use crate::rpc::hosts::store as hosts;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{FromArg, NameOrId};

/// How a task is to be; what is left out comes from the parent, the policies, or the defaults.
#[derive(Clone, Debug, Default)]
pub struct TaskOpts {
    /// Makes a subtask of this task, which must be open.
    pub parent: Option<i32>,
    /// A name among the subtasks of the parent; without one it does not count.
    pub label: Option<String>,
    /// A user's id; else the parent's owner, or the caller.
    pub owner: Option<i32>,
    /// The wanted channel; the policy `channel` decides.
    pub channel: Option<NameOrId>,
    /// Arches, separated by white space; else the parent's, or `noarch`.
    pub arch: Option<String>,
    /// Smaller runs first; else one better than the parent, or 20. The policy `priority` may change it.
    pub priority: Option<i32>,
    /// The host that gets the task, at once.
    pub assign: Option<i32>,
}

impl TaskOpts {
    /// Options as clients and builders give them; unknown ones do not count. Wrong types are faults (1019).
    pub async fn from_struct(call: &Call, opts: Struct) -> Rpc<Self> {
        let mut task = Self::default();
        for (name, value) in opts {
            match name.as_str() {
                "parent" => task.parent = Some(i32::from_arg(value, "parent")?),
                "label" => task.label = Some(String::from_arg(value, "label")?),
                "owner" => task.owner = Some(i32::from_arg(value, "owner")?),
                "channel" => task.channel = Some(NameOrId::from_arg(value, "channel")?),
                "arch" => task.arch = Some(arches(value)?),
                "priority" => task.priority = Some(i32::from_arg(value, "priority")?),
                "assign" => {
                    let host = NameOrId::from_arg(value, "assign")?;
                    let found = hosts::get(&call.db, &host).await?;
                    task.assign = Some(found.int("id")?);
                }
                _ => {}
            }
        }
        Ok(task)
    }
}

/// A list of arches, or one as text; nil is none.
pub fn arches(value: Value) -> Rpc<String> {
    let text = match value {
        Value::Nil => String::new(),
        Value::Array(items) => Vec::<String>::from_arg(Value::Array(items), "arch")?.join(" "),
        other => String::from_arg(other, "arch")?,
    };
    let arches = toji_proto::arch::parse_stored(&text).map_err(|why| error::generic(why.to_string()))?;
    Ok(arches.join(" "))
}

/// Makes a task and returns its id. Who may is for the caller to ask.
///
/// The method's parameters are kept as the text of an XML-RPC call. The scheduler is woken. Faults: a parent
/// that is not open or does not exist, a channel that is disabled or does not exist, no owner (1000).
pub async fn make_task(call: &mut Call, method: &str, params: &[Value], opts: TaskOpts) -> Rpc<i32> {
    let origin = Origin::of(call, &opts).await?;
    let arch = opts.arch.unwrap_or(origin.arch.clone());
    let owner = opts.owner.map_or_else(|| origin.owner(call), Ok)?;
    let label = opts.label.filter(|_| opts.parent.is_some());

    let requested = match &opts.channel {
        Some(channel) => Some(enabled_channel(call, channel).await?),
        None => None,
    };
    let mut data = Struct::from([
        ("method".into(), Value::String(method.into())),
        ("arch".into(), Value::String(arch.clone())),
        ("parent".into(), opts.parent.map_or(Value::Nil, Value::Integer)),
        ("label".into(), label.clone().map_or(Value::Nil, Value::String)),
        ("owner".into(), Value::Integer(owner)),
        ("user_id".into(), Value::Integer(owner)),
    ]);
    if let Some(channel) = &requested {
        let as_given = match &opts.channel {
            Some(NameOrId::Id(id)) => Value::Integer(*id),
            _ => Value::String(channel.name.clone()),
        };
        data.insert("req_channel".into(), as_given);
    }
    data.extend(task_data(&call.db, method, params).await?);
    let channel = channel(call, data.clone(), requested.map(|c| c.id), origin.channel).await?;
    let priority = priority(call, data, opts.priority.unwrap_or(origin.priority)).await?;

    let state = if opts.assign.is_some() { TaskState::Assigned } else { TaskState::Free };
    let id = Insert::into("task")
        .set("state", state.code())
        .set("create_time", Utc::now())
        .set("channel_id", channel)
        .set("host_id", opts.assign)
        .set("parent", opts.parent)
        .set("label", label)
        .set("owner", owner)
        .set("method", method)
        .set("request", write_call(method, params))
        .set("arch", arch.clone())
        .set("priority", priority)
        .returning_id(&call.db)
        .await?;
    if let Some(host) = opts.assign {
        outbox::tell(call.db.tx().await?, host, &HostMessage::Assigned { task_id: id }).await?;
    }
    if arch == "noarch" {
        arch_refusals::refuse(call, id, method, params, channel).await?;
    }
    call.wake_scheduler();
    Ok(id)
}

/// What a task gets from its parent, or has without one.
struct Origin {
    owner: Option<i32>,
    channel: Option<i32>,
    arch: String,
    priority: i32,
}

impl Origin {
    async fn of(call: &Call, opts: &TaskOpts) -> Rpc<Self> {
        let Some(parent) = opts.parent else {
            return Ok(Self { owner: None, channel: None, arch: "noarch".into(), priority: PRIO_DEFAULT });
        };
        let sql = "SELECT state, owner, channel_id, priority, arch FROM task WHERE id = ?";
        let row = call.db.row(sql, vec![parent.into()]).await?;
        let row = row.ok_or_else(|| error::generic(format!("Invalid parent task: {parent}")))?;
        if row.opt_int("state") != Some(TaskState::Open.code()) {
            return Err(error::generic(format!("Parent task (id {parent}) is not open")));
        }
        Ok(Self {
            owner: row.opt_int("owner"),
            channel: row.opt_int("channel_id"),
            arch: row.text("arch").into(),
            priority: row.opt_int("priority").unwrap_or(PRIO_DEFAULT).saturating_sub(1),
        })
    }

    fn owner(&self, call: &Call) -> Rpc<i32> {
        let caller = || call.identity.user().map(|session| session.user_id);
        self.owner.or_else(caller).ok_or_else(|| error::generic("task must have an owner"))
    }
}

async fn enabled_channel(call: &Call, channel: &NameOrId) -> Rpc<Named> {
    let found = lookup::find(&call.db, Table::Channel, channel).await?;
    let found = found.ok_or_else(|| error::generic(format!("No such channel: {channel}")))?;
    let enabled: Option<bool> =
        call.db.value("SELECT enabled FROM channels WHERE id = ?", vec![found.id.into()]).await?;
    if enabled == Some(true) { Ok(found) } else { Err(error::generic(format!("Channel {channel} is disabled."))) }
}

/// The channel that the policy chooses: `use NAME`, `req` (the requested one) or `parent`.
async fn channel(call: &Call, data: Struct, requested: Option<i32>, parent: Option<i32>) -> Rpc<i32> {
    let verdict = call.apply_policy("channel", data).await?;
    let Some(verdict) = verdict else {
        return Ok(lookup::get(&call.db, Table::Channel, &NameOrId::Name("default".into())).await?.id);
    };
    let mut words = verdict.action.split_whitespace();
    let chosen = match (words.next(), words.next()) {
        (Some("use"), Some(name)) => Some(enabled_channel(call, &NameOrId::Name(name.into())).await?.id),
        (Some("req"), _) => requested,
        (Some("parent"), _) => parent,
        _ => None,
    };
    chosen.ok_or_else(|| invalid("channel", &verdict.action, &verdict.rule))
}

/// The priority that the policy leaves (`stay`), sets (`set N`) or changes (`adjust +N`).
async fn priority(call: &Call, data: Struct, wanted: i32) -> Rpc<i32> {
    let Some(verdict) = call.apply_policy("priority", data).await? else { return Ok(wanted) };
    let mut words = verdict.action.split_whitespace();
    let number = |word: Option<&str>| word.and_then(|n| n.parse::<i32>().ok());
    let chosen = match words.next() {
        Some("stay") => Some(wanted),
        Some("set") => number(words.next()),
        Some("adjust") => number(words.next()).map(|n| wanted.saturating_add(n)),
        _ => None,
    };
    chosen.ok_or_else(|| invalid("priority", &verdict.action, &verdict.rule))
}

fn invalid(policy: &str, action: &str, rule: &str) -> error::Error {
    tracing::error!(policy, action, rule, "the policy chose something that cannot be");
    error::generic(format!("invalid {policy} policy"))
}

/// Refuses negative priorities, which run before others' tasks, to all but admins; adds the default.
///
/// `priority` is what clients give: the distance from the default, nil for none.
pub async fn relative_priority(call: &Call, priority: Value) -> Rpc<Option<i32>> {
    if !priority.is_true() {
        return Ok(None);
    }
    if let Value::String(text) = &priority {
        return Err(error::param(format!("Invalid type for priority: expected an integer, got {text:?}")));
    }
    let distance = i32::from_arg(priority, "priority")?;
    if distance < 0 && !call.has_perm("admin").await? {
        return Err(error::denied("only admins may create high-priority tasks"));
    }
    Ok(Some(PRIO_DEFAULT.saturating_add(distance)))
}
