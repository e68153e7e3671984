//! Telling those who want to know that a build was tagged or untagged.

use std::collections::BTreeSet;

use toji_proto::states::BuildState;
use toji_proto::{IntoValue, Value, ValueExt, value};

use super::{Call, Rpc};
use crate::rpc::builds::store::Build;
use crate::rpc::notifications::recipients;
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::tasks::store::{TaskOpts, make_task};
use crate::rpc::{FromArg, NameOrId};

/// What to tell. The values reach the task as they are, for it looks them up again.
pub struct Tagging<'a> {
    pub succeeded: bool,
    pub tag: Value,
    pub from: Value,
    pub build: &'a Build,
    /// The build as it was named.
    pub build_named: Value,
    pub user_id: Option<i32>,
    /// Success is nothing to tell of.
    pub ignore_success: bool,
    pub failure: Value,
}

impl<'a> Tagging<'a> {
    /// A build that was tagged, or untagged.
    pub fn done(tag: Option<i32>, from: Option<i32>, build: &'a Build, user_id: i32) -> Self {
        Self {
            succeeded: true,
            tag: tag.into_value(),
            from: from.into_value(),
            build,
            build_named: value!(build.id),
            user_id: Some(user_id),
            ignore_success: false,
            failure: value!(""),
        }
    }
}

/// Makes a task that mails everybody concerned, unless notifications are off or nobody wants to know.
pub async fn tell(call: &mut Call, tagging: &Tagging<'_>) -> Rpc<()> {
    if call.hub.options.disable_notifications || (tagging.succeeded && tagging.ignore_success) {
        return Ok(());
    }
    let state = if tagging.succeeded { BuildState::Complete } else { BuildState::Failed };
    let mut told = BTreeSet::new();
    for tag in [&tagging.tag, &tagging.from] {
        if let Some(tag_id) = present(call, tag).await? {
            told.extend(recipients::of_build(call, tagging.build, Some(tag_id), state).await?);
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    let params = [
        told.into_iter().collect::<Vec<_>>().into_value(),
        tagging.succeeded.into_value(),
        tagging.tag.clone(),
        tagging.from.clone(),
        tagging.build_named.clone(),
        tagging.user_id.into_value(),
        tagging.ignore_success.into_value(),
        tagging.failure.clone(),
    ];
    make_task(call, "tagNotification", &params, TaskOpts::default()).await?;
    Ok(())
}

async fn present(call: &Call, tag: &Value) -> Rpc<Option<i32>> {
    if !tag.is_true() {
        return Ok(None);
    }
    let tag = NameOrId::from_arg(tag.clone(), "tag")?;
    Ok(tags::find(&call.db, &tag, When::Now).await?.map(|tag| tag.id))
}
