//! `newRepo`.

use toji_hub_macros::rpc;
use toji_proto::tasks::NAMED;
use toji_proto::{Struct, Value};

use super::{Call, Rpc};
use crate::error;
use crate::rpc::tags::store as tags;
use crate::rpc::tasks::store::{TaskOpts, make_task};
use crate::rpc::{FromArg, NameOrId};

/// The priority of tasks that make repositories.
const PRIORITY: i32 = 15;
/// The channel of hosts that can.
const CHANNEL: &str = "createrepo";

/// Makes a task that makes a repository of a tag, as it is or at an event; returns its id. For those with the
/// permission `repo` or `regen-repo`; `repo.request` is for everybody.
///
/// Faults: the call is switched off, no permission (1004), a tag that does not exist at that event (1000).
#[rpc("newRepo(tag, event=None, src=False, debuginfo=False, separate_src=False)", write)]
pub async fn new_repo(
    call: &mut Call,
    tag: Value,
    event: Value,
    src: bool,
    debuginfo: bool,
    separate_src: bool,
) -> Rpc<i32> {
    if !call.hub.options.allow_new_repo {
        return Err(error::denied("newRepo is switched off here: use repo.request"));
    }
    if !call.has_perm("repo").await? {
        call.assert_perm("regen-repo").await?;
    }
    let named = NameOrId::from_arg(tag.clone(), "tag")?;
    tags::get(&call.db, &named, tags::When::from_arg(event.clone(), "event")?).await?;
    let flags = [("src", src), ("debuginfo", debuginfo), ("separate_src", separate_src)];
    let mut opts: Struct =
        flags.iter().filter(|(_, on)| *on).map(|(name, _)| ((*name).to_owned(), Value::Boolean(true))).collect();
    if event != Value::Nil {
        opts.insert("event".into(), event);
    }
    let mut params = vec![tag];
    if !opts.is_empty() {
        opts.insert(NAMED.into(), Value::Boolean(true));
        params.push(Value::Struct(opts));
    }
    make_task(call, "newRepo", &params, task_opts(None)).await
}

/// How a task that makes a repository is to be.
pub fn task_opts(owner: Option<i32>) -> TaskOpts {
    TaskOpts { owner, priority: Some(PRIORITY), channel: Some(NameOrId::Name(CHANNEL.into())), ..TaskOpts::default() }
}
