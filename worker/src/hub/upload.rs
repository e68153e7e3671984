//! Files to the hub, by raw POST in parts.
//!
//! Every part is checked on arrival; what the hub has in the end is compared with what was read.
//! Writing a part truncates the file behind it (`overwrite`), so a part can be sent twice and an
//! upload can begin again at any point.

use std::path::Path;

use bytes::Bytes;
use toji_proto::FaultCode;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};

use super::http::Message;
use super::{HubError, Session};
use crate::args;
use crate::value::Lookup;

/// Bytes in one request.
const PART: usize = 1 << 20;
/// How often an upload is begun anew, at the point up to which the hub has it right.
const RESTARTS: u32 = 5;
const LOCKED: i32 = FaultCode::Lock.code();

impl Session {
    /// Uploads a local file as `dir/name` below the hub's `work/`.
    pub async fn upload(&self, path: &Path, dir: &str, name: &str) -> Result<(), HubError> {
        let mut start = Position::default();
        for attempt in 0.. {
            let error = match self.upload_from(path, dir, name, start).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // A lock is the hub still busy with a connection that broke.
            let passing = matches!(error, HubError::Corrupt { .. }) || error.code() == Some(LOCKED);
            if !passing || attempt >= RESTARTS {
                return Err(error);
            }
            tracing::warn!(%error, dir, name, "resuming upload");
            self.inner.http.pause(attempt + 1).await;
            start = self.resume_point(path, dir, name).await?;
        }
        unreachable!("the loop ends by returning")
    }

    /// Sends one part. The hub's file ends behind it.
    pub async fn upload_part(&self, dir: &str, name: &str, offset: u64, data: Bytes) -> Result<(), HubError> {
        let digest = adler32_hex(adler32(1, &data));
        let size = data.len();
        let query = vec![
            ("filename", name.to_owned()),
            ("filepath", dir.to_owned()),
            ("fileverify", "adler32".to_owned()),
            ("offset", offset.to_string()),
            ("overwrite", "1".to_owned()),
        ];
        let answer = self.exchange("rawUpload", &Message::Upload { query, data }).await?;
        let arrived = answer.get_int("size");
        if arrived != i64::try_from(size).ok() || answer.get_str("hexdigest") != Some(&digest) {
            return Err(corrupt(dir, name, format!("the part at {offset} arrived damaged: {answer:?}")));
        }
        Ok(())
    }

    async fn upload_from(&self, path: &Path, dir: &str, name: &str, start: Position) -> Result<(), HubError> {
        let mut file = File::open(path).await.map_err(HubError::file(path))?;
        file.seek(SeekFrom::Start(start.offset)).await.map_err(HubError::file(path))?;
        let Position { mut offset, mut sum } = start;
        loop {
            let data = read_part(&mut file).await.map_err(HubError::file(path))?;
            // An empty file takes one empty part.
            if data.is_empty() && offset > 0 {
                break;
            }
            sum = adler32(sum, &data);
            let size = data.len();
            self.upload_part(dir, name, offset, data).await?;
            offset += size as u64;
            if size == 0 {
                break;
            }
        }
        let found = self.call("checkUpload", args![dir, name, "adler32"]).await?;
        let whole = found.get_int("size") == i64::try_from(offset).ok()
            && found.get_str("hexdigest") == Some(&adler32_hex(sum));
        if whole { Ok(()) } else { Err(corrupt(dir, name, format!("{offset} bytes were sent, the hub has {found:?}"))) }
    }

    /// The length up to which the hub's file equals the local one.
    async fn resume_point(&self, path: &Path, dir: &str, name: &str) -> Result<Position, HubError> {
        let found = match self.call("checkUpload", args![dir, name, "adler32"]).await {
            Ok(found) => found,
            Err(HubError::Fault { .. }) => return Ok(Position::default()),
            Err(error) => return Err(error),
        };
        let Some(size) = found.get_int("size").and_then(|size| u64::try_from(size).ok()) else {
            return Ok(Position::default());
        };
        let mut file = File::open(path).await.map_err(HubError::file(path))?.take(size);
        let mut here = Position::default();
        let mut buffer = vec![0; PART];
        loop {
            let count = file.read(&mut buffer).await.map_err(HubError::file(path))?;
            if count == 0 {
                break;
            }
            here.sum = adler32(here.sum, &buffer[..count]);
            here.offset += count as u64;
        }
        let same = here.offset == size && found.get_str("hexdigest") == Some(&adler32_hex(here.sum));
        Ok(if same { here } else { Position::default() })
    }
}

/// How much was sent, and the checksum of it.
#[derive(Clone, Copy)]
struct Position {
    offset: u64,
    sum: u32,
}

impl Default for Position {
    fn default() -> Self {
        Position { offset: 0, sum: 1 }
    }
}

async fn read_part(file: &mut File) -> std::io::Result<Bytes> {
    let mut data = Vec::with_capacity(PART);
    file.take(PART as u64).read_to_end(&mut data).await?;
    Ok(data.into())
}

fn corrupt(dir: &str, name: &str, reason: String) -> HubError {
    HubError::Corrupt { what: format!("upload of {dir}/{name}"), reason }
}

/// Continues an Adler-32 checksum (RFC 1950); an empty one is 1.
pub fn adler32(sum: u32, data: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (mut a, mut b) = (sum & 0xffff, sum >> 16);
    // 5552 bytes are the most that cannot overflow 32 bits before the modulus is taken.
    for block in data.chunks(5552) {
        for &byte in block {
            a += u32::from(byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

fn adler32_hex(sum: u32) -> String {
    format!("{sum:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adler32_as_everyone_computes_it() {
        assert_eq!(adler32(1, b""), 1);
        assert_eq!(adler32(1, b"Wikipedia"), 0x11E6_0398);
        let long = vec![0xff; 1 << 20];
        assert_eq!(adler32(adler32(1, &long[..7]), &long[7..]), adler32(1, &long));
        assert_eq!(adler32(1, &long), adler32_slow(&long));
    }

    fn adler32_slow(data: &[u8]) -> u32 {
        let (mut a, mut b) = (1u64, 0u64);
        for &byte in data {
            a = (a + u64::from(byte)) % 65521;
            b = (b + a) % 65521;
        }
        (b << 16 | a) as u32
    }
}
