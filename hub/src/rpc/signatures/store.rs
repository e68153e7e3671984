//! The signatures of RPMs, and the checksums of their signed copies.

use md5::{Digest, Md5};
use toji_proto::paths;
use toji_proto::states::ChecksumType;

use crate::db::{Db, Insert, Row};
use crate::error::{self, Rpc};
use crate::files;
use crate::rpc::Call;
use crate::rpc::builds::store::Build;
use crate::rpc::rpms::store::RpmEntry;
use crate::rpmfile::RpmFile;

/// Keeps the signature header of `file`, which is (or would be) the RPM's; no key is the empty one.
///
/// Faults: it belongs to another RPM; the key's signature is there already.
pub async fn add(call: &mut Call, rpm: &RpmEntry, build: &Build, file: &RpmFile) -> Rpc<()> {
    let (nvra, found) = (&rpm.nvra, file.payload_hash());
    if found != rpm.payload_hash {
        return Err(error::generic(format!("wrong md5 for {nvra}: {found}")));
    }
    let key = file.signing_key()?;
    if hash(&call.db, rpm.id, &key).await?.is_some() {
        return Err(error::generic(format!("Signature already exists for package {nvra}, key {key}")));
    }
    Insert::into("rpmsigs")
        .set("rpm_id", rpm.id)
        .set("sigkey", key.clone())
        .set("sighash", hex::encode(Md5::digest(&file.signature)))
        .run(&call.db)
        .await?;
    let path = call.hub.tree.build(&build.place())?.join(paths::signature_header(nvra, &key)?);
    files::write(call, &path, file.signature.clone()).await
}

/// The hash of a key's signature header, if it is there.
pub async fn hash(db: &Db, rpm_id: i32, key: &str) -> Rpc<Option<String>> {
    db.value("SELECT sighash FROM rpmsigs WHERE rpm_id = ? AND sigkey = ?", vec![rpm_id.into(), key.into()]).await
}

/// Keeps checksums that were computed; one that is known must be the same.
pub async fn keep_checksums(call: &Call, rpm_id: i32, key: &str, sums: Vec<(ChecksumType, String)>) -> Rpc<()> {
    for (kind, sum) in sums {
        let sql = "SELECT checksum FROM rpm_checksum WHERE rpm_id = ? AND sigkey = ? AND checksum_type = ?";
        let params = vec![rpm_id.into(), key.into(), i16_code(kind).into()];
        match call.db.value::<String>(sql, params).await? {
            Some(known) if known == sum => {}
            Some(known) => {
                return Err(error::generic(format!(
                    "the {} checksum of RPM {rpm_id} with key {key} was {known} and is {sum} now",
                    kind.name()
                )));
            }
            None => {
                // The same file under another RPM's id (a draft's) keeps its first entry.
                let sql = "INSERT INTO rpm_checksum (rpm_id, sigkey, checksum, checksum_type) VALUES (?, ?, ?, ?) \
                     ON CONFLICT DO NOTHING";
                call.db.execute(sql, vec![rpm_id.into(), key.into(), sum.into(), i16_code(kind).into()]).await?;
            }
        }
    }
    Ok(())
}

/// The stored checksums of these kinds: rows with `sigkey`, `checksum`, `checksum_type`.
pub async fn checksums(db: &Db, rpm_id: i32) -> Rpc<Vec<Row>> {
    let sql = "SELECT sigkey, checksum, checksum_type FROM rpm_checksum WHERE rpm_id = ? \
         ORDER BY sigkey, checksum_type";
    db.rows(sql, vec![rpm_id.into()]).await
}

/// Forgets a key's signature and the checksums of its copy.
pub async fn forget(db: &Db, rpm_id: i32, key: &str) -> Rpc<()> {
    for table in ["rpmsigs", "rpm_checksum"] {
        let sql = format!("DELETE FROM {table} WHERE rpm_id = ? AND sigkey = ?");
        db.execute(&sql, vec![rpm_id.into(), key.into()]).await?;
    }
    Ok(())
}

/// The column is a small integer.
fn i16_code(kind: ChecksumType) -> i16 {
    kind.code() as i16
}
