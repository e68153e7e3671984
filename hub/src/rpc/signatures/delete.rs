//! Signatures go, or get another key's name.

use toji_hub_macros::rpc;
use toji_proto::paths;

use super::{store, write};
use crate::db::Update;
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::Call;
use crate::rpc::rpms::store::{self as rpms, RpmRef};

/// Deletes an RPM's signature by a key, or all of them, with signed copies and checksums.
///
/// The headers stay beside their place as `….sig.HASH.save`. For emergencies: who relied on a copy finds it
/// gone. Faults (1000): neither key nor `all_sigs`; no such RPM, or an external one; nothing to delete.
#[rpc("deleteRPMSig(rpminfo, sigkey=None, all_sigs=False)", write, perm = "admin")]
pub async fn delete_rpm_sig(call: &mut Call, rpminfo: RpmRef, sigkey: Option<String>, all_sigs: bool) -> Rpc<()> {
    let only = match sigkey.filter(|key| !key.is_empty()) {
        _ if all_sigs => None,
        Some(key) => Some(key.to_lowercase()),
        None => return Err(error::generic("No signature specified")),
    };
    let (rpm, build) = rpms::get_internal(&call.db, &rpminfo).await?;
    let found = call
        .db
        .rows("SELECT sigkey, sighash FROM rpmsigs WHERE rpm_id = ? ORDER BY sigkey", vec![rpm.id.into()])
        .await?;
    let text = |row: &crate::db::Row, column: &str| crate::db::RowExt::text(row, column).to_string();
    let mut doomed: Vec<_> = found.iter().map(|row| (text(row, "sigkey"), text(row, "sighash"))).collect();
    doomed.retain(|(key, _)| only.as_ref().is_none_or(|only| only == key));
    if doomed.is_empty() {
        return Err(error::generic(format!("{} has no matching signatures to delete", rpm.nvra)));
    }
    let folder = call.hub.tree.build(&build.place())?;
    for (key, hash) in doomed {
        store::forget(&call.db, rpm.id, &key).await?;
        let header = folder.join(paths::signature_header(&rpm.nvra, &key)?);
        let mut kept = header.clone().into_os_string();
        kept.push(format!(".{hash}.save"));
        let signed = write::signed_path(call, &rpm, &build, &key)?;
        files::remove(call, signed);
        // A header of that hash has that content: one that was kept before may be replaced.
        files::rename_after_commit(call, header, kept.into());
    }
    Ok(())
}

/// Gives an RPM's signature by one key to another, with header, signed copy and checksums.
///
/// Faults (1000): no such RPM, or an external one; no signature by the old key, one by the new key; a key
/// that cannot be part of a path.
#[rpc("renameRPMSig(rpminfo, oldkey, newkey)", write, unlisted, perm = "admin")]
pub async fn rename_rpm_sig(call: &mut Call, rpminfo: RpmRef, oldkey: String, newkey: String) -> Rpc<()> {
    let (old, new) = (oldkey.to_lowercase(), newkey.to_lowercase());
    if new.is_empty() || new.starts_with('.') {
        return Err(error::generic(format!("not a key: {newkey:?}")));
    }
    let (rpm, build) = rpms::get_internal(&call.db, &rpminfo).await?;
    let nvra = rpm.nvra.to_string();
    if store::hash(&call.db, rpm.id, &old).await?.is_none() {
        return Err(error::generic(format!("{nvra} has no signature with key {oldkey}")));
    }
    if store::hash(&call.db, rpm.id, &new).await?.is_some() {
        return Err(error::generic(format!("{nvra} already has a signature with key {newkey}")));
    }
    for table in ["rpmsigs", "rpm_checksum"] {
        Update::table(table)
            .set("sigkey", new.clone())
            .clause("rpm_id = ? AND sigkey = ?", [rpm.id.into(), old.clone().into()])
            .run(&call.db)
            .await?;
    }
    let folder = call.hub.tree.build(&build.place())?;
    let header = |key: &str| Ok::<_, error::Error>(folder.join(paths::signature_header(&rpm.nvra, key)?));
    let moves = [
        (header(&old)?, header(&new)?),
        (write::signed_path(call, &rpm, &build, &old)?, write::signed_path(call, &rpm, &build, &new)?),
    ];
    for (from, to) in moves {
        if tokio::fs::try_exists(&from).await.unwrap_or(false) {
            files::rename(call, from, to).await?;
        }
    }
    Ok(())
}
