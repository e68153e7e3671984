//! Uploading a file, or a piece of one, as the body of a POST.
//!
//! The query says where it goes: `filepath` (a directory below `work/`), `filename`, `offset` (bytes; −1 for
//! the end), `overwrite` (the file is cut at the offset first), `fileverify` (md5, sha256 or adler32) and
//! `volume`. The answer tells what arrived: `size`, `offset`, `fileverify` and `hexdigest` of the piece.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::BodyDataStream;
use axum::extract::Query;
use axum::http::Uri;
use futures::StreamExt;
use toji_proto::{IntoValue, Record, Value};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::Hub;
use crate::db::Db;
use crate::error::{self, Error, Rpc};
use crate::rpc::Call;
use crate::session::{Credentials, Identity, Peer};
use crate::uploads::{self, Sum, SumKind};

/// Where a piece goes, as the query says it.
struct Piece {
    directory: String,
    name: String,
    volume: Option<String>,
    offset: i64,
    overwrite: bool,
    verify: String,
}

impl Piece {
    fn from_query(uri: &Uri) -> Rpc<Self> {
        let Query(mut fields) = Query::<HashMap<String, String>>::try_from_uri(uri)
            .map_err(|e| error::param(format!("the upload's query cannot be read: {e}")))?;
        let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
        let offset = take("offset").unwrap_or_else(|| "0".into());
        Ok(Self {
            name: take("filename").ok_or_else(|| error::param("the upload has no filename"))?,
            directory: take("filepath").unwrap_or_default(),
            volume: take("volume"),
            overwrite: take("overwrite").is_some(),
            verify: take("fileverify").unwrap_or_default(),
            offset: offset
                .parse()
                .ok()
                .filter(|offset| *offset >= -1)
                .ok_or_else(|| error::param(format!("the upload's offset is no position: {offset}")))?,
        })
    }

    fn shown(&self) -> String {
        format!("{}/{}", self.directory, self.name)
    }
}

/// Takes an upload. The database is left alone while the body arrives.
pub async fn receive(
    hub: &Arc<Hub>,
    credentials: Option<Credentials>,
    peer: Peer,
    uri: &Uri,
    body: &mut BodyDataStream,
) -> Rpc<Value> {
    let db = Db::new(&hub.database, false);
    let identity = Identity::load(&db, &hub.options, credentials.as_ref(), &peer, "").await?;
    let call = Call::new(hub.clone(), db, identity, String::new(), peer);
    call.session()?;
    if hub.options.lock_out && !call.has_perm("admin").await? {
        return Err(error::offline("Server disabled for maintenance"));
    }
    let piece = Piece::from_query(uri)?;
    let kind = SumKind::from_name(&piece.verify)?;
    let path = uploads::for_writing(&call, &piece.directory, &piece.name, piece.volume.as_deref()).await?;
    call.db.rollback().await?;
    write(path, piece, kind, body).await
}

async fn write(path: PathBuf, piece: Piece, kind: Option<SumKind>, body: &mut BodyDataStream) -> Rpc<Value> {
    let shown = piece.shown();
    let failed = || Error::io(format!("cannot write the upload {shown}"));
    if let Ok(found) = path.symlink_metadata() {
        if !found.is_file() {
            return Err(error::generic(format!("destination not a file: {shown}")));
        }
        if piece.offset == 0 && !piece.overwrite {
            return Err(error::generic(format!("upload path exists: {shown}")));
        }
    }
    let locked = {
        let shown = shown.clone();
        tokio::task::spawn_blocking(move || uploads::open_locked(&path, &shown)).await??
    };
    let mut file = tokio::fs::File::from_std(locked);
    let offset = match u64::try_from(piece.offset) {
        Ok(offset) => {
            if piece.overwrite {
                file.set_len(offset).await.map_err(failed())?;
            }
            file.seek(std::io::SeekFrom::Start(offset)).await.map_err(failed())?
        }
        Err(_) => file.seek(std::io::SeekFrom::End(0)).await.map_err(failed())?,
    };
    let mut sum = kind.map(Sum::new);
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| error::generic(format!("the connection broke while {shown} was uploaded")))?;
        if let Some(sum) = &mut sum {
            sum.update(&chunk);
        }
        file.write_all(&chunk).await.map_err(failed())?;
        size += chunk.len() as u64;
    }
    file.flush().await.map_err(failed())?;
    let length = file.metadata().await.map_err(failed())?.len();
    if !piece.overwrite && length != offset + size {
        return Err(error::generic(format!(
            "Incorrect upload length for {shown} - Expected {}, actual {length}",
            offset + size
        )));
    }
    let answer = Record::new()
        .set("size", size as i64)
        .set("fileverify", piece.verify)
        .set("offset", offset as i64)
        .set_some("hexdigest", sum.map(Sum::hex));
    Ok(answer.into_value())
}
