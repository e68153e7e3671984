//! Changing hosts.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use crate::error::{self, Rpc};
use crate::rpc::{Call, FromArg, NameOrId, Struct};

use super::store;

/// Changes `arches` (text, with spaces between), `capacity`, `description` and `comment` of a host, those that
/// are given. Returns whether anything changed.
#[rpc("editHost(hostInfo, **kw)", write, perm = "host")]
pub async fn edit_host(call: &mut Call, host: NameOrId, mut kw: Struct) -> Rpc<bool> {
    let mut config = store::get(&call.db, &host).await?;
    let mut changed = false;
    for field in ["arches", "capacity", "description", "comment"] {
        let Some(value) = kw.remove(field).filter(|value| !same(value, config.get(field))) else { continue };
        let value = match field {
            "capacity" => Value::Double(capacity(&value)?),
            _ => Value::String(String::from_arg(value, field)?),
        };
        config.insert(field.into(), value);
        changed = true;
    }
    if changed {
        store::change_config(call, &config).await?;
        call.wake_scheduler();
    }
    Ok(changed)
}

/// Whether a value says what is there already: numbers count by value, whatever their type.
fn same(value: &Value, present: Option<&Value>) -> bool {
    let Some(present) = present else { return false };
    value == present || (value.as_f64().is_some() && value.as_f64() == present.as_f64())
}

fn capacity(value: &Value) -> Rpc<f64> {
    let number = value.as_f64().filter(|n| n.is_finite() && *n > 1.0);
    number.ok_or_else(|| error::param(format!("capacity must be a number greater than 1, not {}", value.repr())))
}

/// Lets a host get tasks again.
#[rpc("enableHost(hostname)", write, perm = "host")]
pub async fn enable_host(call: &mut Call, host: NameOrId) -> Rpc<()> {
    set_enabled(call, &host, true).await
}

/// Keeps new tasks from a host; those that it has go on.
#[rpc("disableHost(hostname)", write, perm = "host")]
pub async fn disable_host(call: &mut Call, host: NameOrId) -> Rpc<()> {
    set_enabled(call, &host, false).await
}

async fn set_enabled(call: &mut Call, host: &NameOrId, enabled: bool) -> Rpc<()> {
    let mut config = store::get(&call.db, host).await?;
    config.insert("enabled".into(), Value::Boolean(enabled));
    store::change_config(call, &config).await?;
    call.wake_scheduler();
    Ok(())
}
