//! New hosts.

use toji_hub_macros::rpc;
use toji_proto::arch;
use toji_proto::states::{UserStatus, UserType};
use toji_proto::{Value, ValueExt};

use crate::db::{Insert, Update};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::lookup::{self, Table};
use crate::rpc::users::store::{self as users, UserRef};
use crate::rpc::{Call, FromArg, NameOrId};

use super::store;

/// Adds a host, enabled and in the channel `default`, with its user. Returns the host's id.
///
/// The user may exist already as a host's, or with `force` as a person's, which becomes a host's. A new one gets
/// `krb_principal`, or one by the hub's option `HostPrincipalFormat`. Faults: a name that is in use or breaks the
/// naming rules, an arch that is none.
#[rpc("addHost(hostname, arches, krb_principal=None, force=False)", write, perm = "host")]
pub async fn add_host(
    call: &mut Call,
    hostname: Value,
    arches: Vec<String>,
    krb_principal: Value,
    force: bool,
) -> Rpc<i32> {
    let name = names::text("Name", hostname)?;
    names::check_host(&call.hub.options, &name)?;
    let arches = arches.join(" ");
    let arches = arch::parse_stored(&arches).map_err(|e| error::generic(e.to_string()))?.join(" ");
    if store::find(&call.db, &NameOrId::Name(name.clone()), None).await?.is_some() {
        return Err(error::generic(format!("host already exists: {name}")));
    }
    let channel = lookup::get(&call.db, Table::Channel, &NameOrId::Name("default".into())).await?;
    let user = host_user(call, &name, krb_principal, force).await?;
    let host = Insert::into("host").set("user_id", user).set("name", name).returning_id(&call.db).await?;
    call.open_version(Insert::into("host_config").set("host_id", host).set("arches", arches)).await?;
    call.open_version(Insert::into("host_channels").set("host_id", host).set("channel_id", channel.id)).await?;
    Ok(host)
}

/// The user of a new host: one that fits, or a new one.
async fn host_user(call: &Call, name: &str, krb_principal: Value, force: bool) -> Rpc<i32> {
    let principal = match krb_principal.is_true() {
        true => Some(String::from_arg(krb_principal.clone(), "krb_principal")?),
        false => None,
    };
    let who = UserRef::Fields { id: None, name: Some(name.into()), principal: principal.clone() };
    let Some(user) = users::find(call, &who).await? else {
        if users::find_by_name(&call.db, name).await?.is_some() {
            return Err(error::generic(format!("user {name} already exists, without the principal")));
        }
        let format = call.hub.options.host_principal_format.as_deref().filter(|_| krb_principal == Value::Nil);
        let principal = principal.or_else(|| format.map(|f| f.replace("%s", name)));
        if let Some(principal) = &principal {
            names::check_principal(&call.hub.options, principal)?;
        }
        return users::create(call, name, UserType::Host, UserStatus::Normal, principal.as_deref()).await;
    };
    if user.user_type != Some(UserType::Host.code()) {
        if !force || user.user_type != Some(UserType::Normal.code()) {
            return Err(error::generic(format!("user {name} already exists and it is not a host")));
        }
        let update = Update::table("users").set("usertype", UserType::Host.code());
        update.clause("id = ?", [user.id.into()]).run(&call.db).await?;
    }
    Ok(user.id)
}
