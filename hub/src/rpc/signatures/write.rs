//! Signed copies.

use std::path::PathBuf;

use toji_hub_macros::rpc;
use toji_proto::paths;
use toji_proto::states::ChecksumType;

use super::{checksums, store};
use crate::error::{self, Error, Rpc};
use crate::files;
use crate::rpc::Call;
use crate::rpc::builds::store::Build;
use crate::rpc::rpms::store::{self as rpms, RpmEntry, RpmRef};
use crate::rpmfile;

/// Writes the copy of an RPM that carries a key's signature, and keeps its checksums.
///
/// One that is there stays, unless `force`. Faults (1000): no such RPM, or an external one; the key's
/// signature is not there.
#[rpc("writeSignedRPM(an_rpm, sigkey, force=False)", write, perm = "sign")]
pub async fn write_signed_rpm(call: &mut Call, an_rpm: RpmRef, sigkey: String, force: bool) -> Rpc<()> {
    write(call, &an_rpm, &sigkey, force).await
}

/// Writes the copy of an RPM that carries a key's signature; see `writeSignedRPM`.
#[rpc("host.writeSignedRPM(an_rpm, sigkey, force=False)", write, host)]
pub async fn host_write_signed_rpm(call: &mut Call, an_rpm: RpmRef, sigkey: String, force: bool) -> Rpc<()> {
    write(call, &an_rpm, &sigkey, force).await
}

async fn write(call: &mut Call, rpm: &RpmRef, key: &str, force: bool) -> Rpc<()> {
    let key = key.to_lowercase();
    let kinds = checksums::default_kinds(call)?;
    let (rpm, build) = rpms::get_internal(&call.db, rpm).await?;
    let path = rpm.path(call, &build)?;
    if !tokio::fs::metadata(&path).await.is_ok_and(|found| found.is_file()) {
        return Err(error::generic(format!("No such file: {}", path.display())));
    }
    if store::hash(&call.db, rpm.id, &key).await?.is_none() {
        return Err(error::generic(format!("No cached signature for package {}, key {key}", rpm.nvra)));
    }
    let signed = signed_path(call, &rpm, &build, &key)?;
    if force || !tokio::fs::try_exists(&signed).await.unwrap_or(false) {
        let header = header_of(call, &rpm, &build, &key).await?;
        files::write_with(call, &signed, move |out| rpmfile::write_spliced(&path, &header, out)).await?;
    }
    let sums = tokio::task::spawn_blocking(move || rpmfile::checksums(&signed, None, &kinds)).await??;
    store::keep_checksums(call, rpm.id, &key, sums).await
}

/// Where the copy with a key's signature lies, if there is one.
pub fn signed_path(call: &Call, rpm: &RpmEntry, build: &Build, key: &str) -> Rpc<PathBuf> {
    let folder = call.hub.tree.build(&build.place())?;
    // The unsigned copy lies one directory higher, as its header does.
    let below = match key {
        "" => PathBuf::from("data/signed").join(paths::rpm(&rpm.nvra)?),
        key => paths::signed_rpm(&rpm.nvra, key)?,
    };
    Ok(folder.join(below))
}

/// A key's stored signature header.
pub async fn header_of(call: &Call, rpm: &RpmEntry, build: &Build, key: &str) -> Rpc<Vec<u8>> {
    let path = call.hub.tree.build(&build.place())?.join(paths::signature_header(&rpm.nvra, key)?);
    tokio::fs::read(&path).await.map_err(Error::io(format!("the signature header of {}, key {key}", rpm.nvra)))
}

/// The checksums of the copy with a key's signature, whether or not it has been written.
pub async fn sums_of_copy(
    call: &Call,
    rpm: &RpmEntry,
    build: &Build,
    key: &str,
    kinds: Vec<ChecksumType>,
) -> Rpc<Vec<(ChecksumType, String)>> {
    let signed = signed_path(call, rpm, build, key)?;
    if tokio::fs::try_exists(&signed).await.unwrap_or(false) {
        return tokio::task::spawn_blocking(move || rpmfile::checksums(&signed, None, &kinds)).await?;
    }
    let path = rpm.path(call, build)?;
    let header = header_of(call, rpm, build, key).await?;
    tokio::task::spawn_blocking(move || rpmfile::checksums(&path, Some(&header), &kinds)).await?
}
