//! `massTag`.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use super::{Call, Rpc, store};
use crate::error;
use crate::rpc::builds::store::{self as builds, BuildRef};
use crate::rpc::tags::store::{self as tags, When};
use crate::rpc::{FromArg, NameOrId};

/// Tags builds (a list) in the order given, past locks, permissions, package list and policy. Each gets an
/// event of its own; those that are tagged already become the last tagged. All of them or none.
///
/// Faults: a tag or build that does not exist (1000), a build that is not complete (1003).
#[rpc("massTag(tag, builds)", write, perm = "tag")]
pub async fn mass_tag(call: &mut Call, tag: NameOrId, builds: Value) -> Rpc<()> {
    let Value::Array(builds) = builds else {
        return Err(error::generic(format!("builds must be a list, not {}", builds.repr())));
    };
    let tag = tags::get(&call.db, &tag, When::Now).await?;
    let user_id = call.user_id()?;
    for build in builds {
        let build = builds::get(&call.db, &BuildRef::from_arg(build, "builds")?).await?;
        store::tag(call, &tag, &build, user_id, true).await?;
        call.forget_event();
    }
    Ok(())
}
