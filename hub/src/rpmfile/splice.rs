//! Signed copies: the same file with another signature header.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest, Sha256};
use toji_proto::states::ChecksumType;

use super::{LEAD, read_header};
use crate::error::{self, Error, Rpc};

/// Checksums of several kinds at once.
pub struct Sums(Vec<(ChecksumType, Box<dyn DynDigest + Send>)>);

impl Sums {
    fn new(kinds: &[ChecksumType]) -> Self {
        Self(
            kinds
                .iter()
                .map(|kind| {
                    let sum: Box<dyn DynDigest + Send> = match kind {
                        ChecksumType::Md5 => Box::new(Md5::new()),
                        ChecksumType::Sha1 => Box::new(Sha1::new()),
                        ChecksumType::Sha256 => Box::new(Sha256::new()),
                    };
                    (*kind, sum)
                })
                .collect(),
        )
    }

    fn finish(self) -> Vec<(ChecksumType, String)> {
        self.0.into_iter().map(|(kind, sum)| (kind, hex::encode(sum.finalize()))).collect()
    }
}

impl Write for Sums {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.iter_mut().for_each(|(_, sum)| sum.update(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The checksums of a file or, with a signature header, of the package with that one instead of its own.
pub fn checksums(path: &Path, signature: Option<&[u8]>, kinds: &[ChecksumType]) -> Rpc<Vec<(ChecksumType, String)>> {
    let mut sums = Sums::new(kinds);
    match signature {
        Some(signature) => splice(path, signature, &mut sums)?,
        None => {
            let failed = || Error::io(format!("cannot read {}", path.display()));
            std::io::copy(&mut File::open(path).map_err(failed())?, &mut sums).map_err(failed())?;
        }
    }
    Ok(sums.finish())
}

/// Writes the package with another signature header.
pub fn write_spliced(path: &Path, signature: &[u8], out: &mut impl Write) -> Rpc<()> {
    splice(path, signature, out)
}

fn splice(path: &Path, signature: &[u8], out: &mut impl Write) -> Rpc<()> {
    let failed = || Error::io(format!("cannot copy {}", path.display()));
    let mut file = File::open(path).map_err(failed())?;
    let size = file.metadata().map_err(failed())?.len();
    let mut lead = vec![0; LEAD];
    file.read_exact(&mut lead).map_err(failed())?;
    let own = read_header(&mut file, size, true)
        .map_err(|why| error::generic(format!("{} is not an RPM package: {why}", path.display())))?;
    file.seek(SeekFrom::Start((LEAD + own.len()) as u64)).map_err(failed())?;
    out.write_all(&lead).map_err(failed())?;
    out.write_all(signature).map_err(failed())?;
    std::io::copy(&mut file, out).map_err(failed())?;
    Ok(())
}
