//! A signature that was made elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use toji_hub_macros::rpc;

use super::store;
use crate::error::{self, Rpc};
use crate::rpc::Call;
use crate::rpc::rpms::store::{self as rpms, RpmRef};
use crate::rpmfile::RpmFile;

/// Keeps the signature header `data` (base64) of an RPM.
///
/// Faults (1000): no such RPM, or an external one; no signature header, or another RPM's; the key's
/// signature is there already.
#[rpc("addRPMSig(an_rpm, data)", write, perm = "sign")]
pub async fn add_rpm_sig(call: &mut Call, an_rpm: RpmRef, data: String) -> Rpc<()> {
    let compact: String = data.chars().filter(|c| !c.is_whitespace()).collect();
    let header = STANDARD.decode(compact).map_err(|e| error::generic(format!("the signature is no base64: {e}")))?;
    let (rpm, build) = rpms::get_internal(&call.db, &an_rpm).await?;
    let file = RpmFile::open(&rpm.path(call, &build)?).await?.with_signature(header)?;
    store::add(call, &rpm, &build, &file).await
}
