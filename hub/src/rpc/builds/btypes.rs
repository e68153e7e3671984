//! The types that builds can have.

use toji_hub_macros::rpc;
use toji_proto::{Struct, Value};

use crate::db::{Insert, QueryOpts, Select};
use crate::error::{self, Rpc};
use crate::names;
use crate::rpc::{Call, FromArg};

/// The build types: structs with `id` and `name`; `query` may ask for one `name` or `id`.
#[rpc("listBTypes(query=None, queryOpts=None)", read)]
pub async fn list_btypes(call: &mut Call, query: Option<Struct>, opts: Option<QueryOpts>) -> Rpc<Value> {
    let query = query.unwrap_or_default();
    let mut select = Select::from("btype").columns(&[("id", "id"), ("name", "name")]).order("id").opts(opts);
    if let Some(name) = query.get("name") {
        select = select.clause("name = ?", [Option::<String>::from_arg(name.clone(), "name")?.into()]);
    }
    if let Some(id) = query.get("id") {
        select = select.clause("id = ?", [Option::<i32>::from_arg(id.clone(), "id")?.into()]);
    }
    select.answer(&call.db).await
}

/// Adds a build type. Faults: one of that name exists.
#[rpc("addBType(name)", write, perm = "admin")]
pub async fn add_btype(call: &mut Call, name: Value) -> Rpc<()> {
    let name = names::text("name", name)?;
    names::check_internal(&call.hub.options, &name)?;
    if call.db.exists("SELECT 1 FROM btype WHERE name = ?", vec![name.clone().into()]).await? {
        return Err(error::generic(format!("btype already exists: {name}")));
    }
    Insert::into("btype").set("name", name).run(&call.db).await
}
