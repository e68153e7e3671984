//! Which keys signed what.

use toji_hub_macros::rpc;
use toji_proto::{Value, ValueExt};

use crate::db::{QueryOpts, Select};
use crate::error::Rpc;
use crate::rpc::rpms::store::{self as rpms, RpmRef};
use crate::rpc::{Call, FromArg};

/// Signatures: structs with `rpm_id`, `sigkey` (lower case; empty for unsigned) and `sighash`.
///
/// An RPM that does not exist has none.
#[rpc("queryRPMSigs(rpm_id=None, sigkey=None, queryOpts=None)", read)]
pub async fn query_rpm_sigs(
    call: &mut Call,
    rpm: Value,
    sigkey: Option<String>,
    opts: Option<QueryOpts>,
) -> Rpc<Value> {
    let mut select = Select::from("rpmsigs").columns(&[
        ("rpmsigs.rpm_id", "rpm_id"),
        ("rpmsigs.sigkey", "sigkey"),
        ("rpmsigs.sighash", "sighash"),
    ]);
    if !rpm.is_nil() {
        let found = rpms::find(&call.db, &RpmRef::from_arg(rpm, "rpm_id")?).await?;
        let Some(found) = found else { return Ok(Value::Array(vec![])) };
        select = select.clause("rpmsigs.rpm_id = ?", [found.id.into()]);
    }
    select
        .clause_if("rpmsigs.sigkey = ?", sigkey.map(|key| key.to_lowercase()))
        .order("rpm_id,sigkey")
        .opts(opts)
        .answer(&call.db)
        .await
}
