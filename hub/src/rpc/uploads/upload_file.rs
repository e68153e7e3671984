//! Uploading a file in calls, chunk by chunk, and looking at what was uploaded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use toji_hub_macros::rpc;
use toji_proto::{Record, Value};

use crate::error::{self, Error, Rpc};
use crate::rpc::{Call, FromArg};
use crate::uploads::{self, Sum, SumKind};

/// Clients break lines and leave padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// One chunk, as the call describes it.
struct Chunk {
    data: Vec<u8>,
    /// Of this chunk; of the whole file in the last one.
    size: i64,
    sum: Option<(SumKind, String)>,
    /// Where it belongs; −1 marks the last chunk, which goes to the end.
    offset: i64,
}

/// Uploads a chunk of a file into the hub's work area.
///
/// `path` is a directory below `work/`; `size` and `md5sum` (or `checksum`, a pair of kind and hexadecimal
/// digest; kinds md5, sha256, adler32) describe the chunk, or with `offset` −1 the whole file, which ends
/// there; `data` is base64. Numbers may come as text.
///
/// Returns whether size and checksum were right. Faults: a name or a directory that is refused or somebody
/// else's, a file that is there already (but `.log` files may start again).
#[rpc("uploadFile(path, name, size, md5sum, offset, data, volume=None, checksum=None)", read, login)]
pub async fn upload_file(
    call: &mut Call,
    path: String,
    name: String,
    size: i64,
    md5sum: Value,
    offset: i64,
    data: String,
    volume: Option<String>,
    checksum: Value,
) -> Rpc<bool> {
    let compact: String = data.split_ascii_whitespace().collect();
    let data = BASE64.decode(compact).map_err(|_| error::param(format!("{name}: the data is not base64")))?;
    let sum = parse_sum(if checksum == Value::Nil { md5sum } else { checksum })?;
    let chunk = Chunk { data, size, sum, offset };
    if offset < -1 {
        return Err(error::param(format!("{name}: the offset must not be negative: {offset}")));
    }
    if offset != -1 && !chunk.is_right() {
        return Ok(false);
    }
    let place = uploads::for_writing(call, &path, &name, volume.as_deref()).await?;
    let shown = format!("{path}/{name}");
    tokio::task::spawn_blocking(move || chunk.write(&place, &shown)).await?
}

fn parse_sum(value: Value) -> Rpc<Option<(SumKind, String)>> {
    let (kind, digest) = match value {
        Value::Nil => return Ok(None),
        Value::String(digest) => ("md5".to_string(), digest),
        pair => match <[String; 2]>::try_from(Vec::from_arg(pair, "checksum")?) {
            Ok([kind, digest]) => (kind, digest),
            Err(_) => return Err(error::param("checksum must be a pair of kind and digest")),
        },
    };
    Ok(SumKind::from_name(&kind)?.map(|kind| (kind, digest)))
}

impl Chunk {
    fn is_right(&self) -> bool {
        self.size == self.data.len() as i64
            && self.sum.as_ref().is_none_or(|(kind, digest)| kind.of(&self.data) == *digest)
    }

    fn write(self, path: &Path, shown: &str) -> Rpc<bool> {
        match path.symlink_metadata() {
            Ok(found) if !found.is_file() => return Err(error::generic(format!("destination not a file: {shown}"))),
            Ok(_) if self.offset == 0 && !shown.ends_with(".log") => {
                return Err(error::generic(format!("file already exists: {shown}")));
            }
            _ => {}
        }
        let mut file = uploads::open_locked(path, shown)?;
        self.write_to(&mut file).map_err(Error::io(format!("cannot write the upload {shown}")))
    }

    fn write_to(self, file: &mut File) -> std::io::Result<bool> {
        let Self { data, size, sum, offset } = self;
        if offset != -1 {
            if offset == 0 {
                file.set_len(0)?;
            }
            file.write_all_at(&data, offset.unsigned_abs())?;
            return Ok(true);
        }
        if size == data.len() as i64 {
            file.set_len(0)?;
        }
        file.seek(SeekFrom::End(0))?;
        file.write_all(&data)?;
        file.set_len(size.max(0).unsigned_abs())?;
        let Some((kind, digest)) = sum else { return Ok(true) };
        file.rewind()?;
        Ok(sum_of(file, kind)?.1 == digest)
    }
}

/// The length and checksum of what is left to read.
fn sum_of(file: &mut File, kind: SumKind) -> std::io::Result<(u64, String)> {
    let mut sum = Sum::new(kind);
    let mut length = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((length, sum.hex()));
        }
        length += n as u64;
        sum.update(&buffer[..n]);
    }
}

/// What is known of an uploaded file.
///
/// Returns `size` (bytes) and `mtime` (seconds since 1970), with `verify` (md5, sha256, adler32) also
/// `hexdigest` and `sumlength`, of the last `tail` bytes if given; nil if there is no such file.
#[rpc("checkUpload(path, name, verify=None, tail=None, volume=None)", read)]
pub async fn check_upload(
    call: &mut Call,
    path: String,
    name: String,
    verify: Option<String>,
    tail: Option<i64>,
    volume: Option<String>,
) -> Rpc<Option<Record>> {
    let place = uploads::existing(call, &path, &name, volume.as_deref()).await?;
    let kind = SumKind::from_name(verify.as_deref().unwrap_or(""))?;
    let shown = format!("{path}/{name}");
    tokio::task::spawn_blocking(move || look_at(&place, kind, tail, &shown)).await?
}

fn look_at(path: &Path, kind: Option<SumKind>, tail: Option<i64>, shown: &str) -> Rpc<Option<Record>> {
    let failed = || Error::io(format!("cannot read the upload {shown}"));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(failed()(e)),
    };
    let about = file.metadata().map_err(failed())?;
    if !about.is_file() {
        return Err(error::generic(format!("Not a regular file: {shown}")));
    }
    file.try_lock_shared().map_err(|_| error::lock(format!("somebody is writing {shown}")))?;
    let mtime = about.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let mut answer = Record::new().set("size", about.len() as i64).set("mtime", mtime.as_secs_f64());
    if let Some(kind) = kind {
        if let Some(tail) = tail {
            let tail = u64::try_from(tail).map_err(|_| error::generic(format!("Invalid tail value: {tail}")))?;
            file.seek(SeekFrom::Start(about.len().saturating_sub(tail))).map_err(failed())?;
        }
        let (length, digest) = sum_of(&mut file, kind).map_err(failed())?;
        answer = answer.set("sumlength", length as i64).set("hexdigest", digest);
    }
    Ok(Some(answer))
}
