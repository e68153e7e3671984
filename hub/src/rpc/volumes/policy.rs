//! Which volume the policy `volume` chooses.

use toji_proto::Struct;
use toji_proto::states::DEFAULT_VOLUME;

use crate::db::RowExt;
use crate::error::{self, Rpc};
use crate::policy::task_data;
use crate::rpc::lookup::{self, Named, Table};
use crate::rpc::{Call, NameOrId, tasks};

/// The volume for what the data describe; nothing if no rule applies or the policy names none that exists.
///
/// With `strict` that is a fault (1000), and so is a failing policy; otherwise it is logged.
pub async fn chosen(call: &Call, data: Struct, strict: bool) -> Rpc<Option<Named>> {
    let verdict = match call.apply_policy("volume", data).await {
        Err(e) if strict => return Err(e),
        Err(e) => {
            tracing::error!(error = %e, "the volume policy failed");
            None
        }
        Ok(verdict) => verdict,
    };
    let Some(verdict) = verdict else {
        return if strict { Err(error::generic("No volume policy match")) } else { Ok(None) };
    };
    let found = lookup::find(&call.db, Table::Volume, &NameOrId::Name(verdict.action.clone())).await?;
    if found.is_none() {
        let text = format!("Policy returned no such volume: {}", verdict.action);
        if strict {
            return Err(error::generic(text));
        }
        tracing::error!("{text}");
    }
    Ok(found)
}

/// The same, or else the default volume.
pub async fn chosen_or_default(call: &Call, data: Struct) -> Rpc<Named> {
    match chosen(call, data, false).await? {
        Some(volume) => Ok(volume),
        None => lookup::get(&call.db, Table::Volume, &NameOrId::Name(DEFAULT_VOLUME.into())).await,
    }
}

/// Adds what a build's task tells.
pub async fn add_task(call: &Call, data: &mut Struct, task_id: Option<i32>) -> Rpc<()> {
    let Some(task_id) = task_id else { return Ok(()) };
    let task = tasks::store::get(&call.db, task_id).await?;
    let params = tasks::store::parameters(&task)?;
    data.extend(task_data(&call.db, task.text("method"), &params).await?);
    Ok(())
}
