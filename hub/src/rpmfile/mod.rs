//! RPM files as the hub reads them: never more than their headers.
//!
//! A file is a lead of 96 bytes, the signature header padded to 8 bytes, the main header, and the payload.
//! All of it comes from clients and builders: sizes are checked against the file before anything is read.

mod key;
mod noarch;
mod splice;

pub mod tags;

pub use key::key_id;
pub use noarch::differences;
pub use splice::{checksums, write_spliced};

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rpm::{IndexData, IndexSignatureTag, IndexTag, PackageMetadata};
use toji_proto::nvr::{Nvr, Nvra};

use crate::error::{self, Error, Rpc};

const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 3] = [0x8e, 0xad, 0xe8];
/// What precedes a header's index: magic, reserved bytes, number of entries, bytes of data.
const HEADER_START: usize = 16;
/// librpm reads no larger ones either.
const MAX_HEADER: u64 = 256 << 20;

/// The signature tags that hold a key's signature, in the order in which stock hubs look for one.
const SIGNATURES: [IndexSignatureTag; 4] = [
    IndexSignatureTag::RPMSIGTAG_GPG,
    IndexSignatureTag::RPMSIGTAG_PGP,
    IndexSignatureTag::RPMSIGTAG_DSA,
    IndexSignatureTag::RPMSIGTAG_RSA,
];

/// The headers of an RPM file.
pub struct RpmFile {
    pub path: PathBuf,
    /// Bytes of the whole file.
    pub size: u64,
    /// The signature header as it stands in the file, with its padding.
    pub signature: Vec<u8>,
    pub metadata: PackageMetadata,
}

/// What the hub keeps of a package.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The arch of a source package is `src`.
    pub nvra: Nvra,
    pub epoch: Option<i32>,
    pub source: bool,
    /// Seconds since 1970.
    pub build_time: i64,
    /// The file name of the source package that it was built from.
    pub source_rpm: Option<String>,
    /// MD5 of header and payload, as the signature header has it: what clients know as `payloadhash`.
    pub payload_hash: String,
}

impl RpmFile {
    /// Reads the headers. A general fault if the file is missing or no RPM.
    pub async fn open(path: &Path) -> Rpc<Self> {
        let owned = path.to_path_buf();
        let read = tokio::task::spawn_blocking(move || Self::read(&owned)).await;
        // The parser may stumble over a malicious header; it does so on a thread of its own.
        read.unwrap_or_else(|_| Err(no_rpm(path, "its header is damaged")))
    }

    fn read(path: &Path) -> Rpc<Self> {
        let failed = || Error::io(format!("cannot read {}", path.display()));
        let mut file = match File::open(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(error::generic(format!("No such file: {}", path.display())));
            }
            other => other.map_err(failed())?,
        };
        let size = file.metadata().map_err(failed())?.len();
        let mut start = vec![0; LEAD];
        if size < LEAD as u64 || file.read_exact(&mut start).is_err() || start[..4] != LEAD_MAGIC {
            return Err(no_rpm(path, "it does not begin like one"));
        }
        let signature = read_header(&mut file, size, true).map_err(|why| no_rpm(path, why))?;
        let main = read_header(&mut file, size, false).map_err(|why| no_rpm(path, why))?;
        let metadata = parse(&start, &signature, &main).map_err(|why| no_rpm(path, &why))?;
        Ok(Self { path: path.to_path_buf(), size, signature, metadata })
    }

    /// The same package with another signature header: a general fault if that is none.
    pub fn with_signature(&self, signature: Vec<u8>) -> Rpc<Self> {
        let invalid = |why: &str| error::generic(format!("not a signature header: {why}"));
        let mut rest = signature.as_slice();
        let whole = read_header(&mut rest, signature.len() as u64, true).map_err(invalid)?;
        if whole.len() != signature.len() {
            return Err(invalid("more bytes follow it"));
        }
        let mut written = Vec::new();
        self.metadata.write(&mut written).map_err(|e| error::internal(e.to_string()))?;
        let main = &written[LEAD + self.signature.len()..];
        let metadata = std::panic::catch_unwind(|| parse(&written[..LEAD], &signature, main))
            .unwrap_or_else(|_| Err("it is damaged".into()))
            .map_err(|why| invalid(&why))?;
        Ok(Self { path: self.path.clone(), size: self.size, signature, metadata })
    }

    /// The id of the key that signed it; empty if none did.
    ///
    /// A signature that names no key is a general fault.
    pub fn signing_key(&self) -> Rpc<String> {
        for tag in SIGNATURES {
            match self.metadata.signature.entry(tag) {
                Ok(IndexData::Bin(packet)) if !packet.is_empty() => {
                    let shown = self.path.display();
                    return key_id(&packet).map_err(|why| error::generic(format!("signature of {shown}: {why}")));
                }
                _ => {}
            }
        }
        Ok(String::new())
    }

    pub fn payload_hash(&self) -> String {
        match self.metadata.signature.entry(IndexSignatureTag::RPMSIGTAG_MD5) {
            Ok(IndexData::Bin(md5)) => hex::encode(md5),
            _ => String::new(),
        }
    }

    pub fn facts(&self) -> Rpc<Facts> {
        let header = &self.metadata.header;
        let wrong = |what: &str| no_rpm(&self.path, &format!("its header has no {what}"));
        let text = |tag| header.get_entry_data_as_string(tag).ok().map(str::to_string);
        let needed = |tag, what| text(tag).filter(|t| !t.is_empty()).ok_or_else(|| wrong(what));
        let number = |tag| header.get_entry_data_as_u32(tag).ok();
        let source = self.metadata.is_source_package();
        let nvr = Nvr {
            name: needed(IndexTag::RPMTAG_NAME, "name")?,
            version: needed(IndexTag::RPMTAG_VERSION, "version")?,
            release: needed(IndexTag::RPMTAG_RELEASE, "release")?,
            epoch: None,
        };
        let epoch = match number(IndexTag::RPMTAG_EPOCH) {
            Some(epoch) => Some(i32::try_from(epoch).map_err(|_| no_rpm(&self.path, "its epoch is too large"))?),
            None => None,
        };
        let arch = if source { "src".into() } else { needed(IndexTag::RPMTAG_ARCH, "arch")? };
        Ok(Facts {
            nvra: Nvra { nvr, arch, location: None },
            epoch,
            source,
            build_time: number(IndexTag::RPMTAG_BUILDTIME).map_or(0, i64::from),
            source_rpm: text(IndexTag::RPMTAG_SOURCERPM),
            payload_hash: self.payload_hash(),
        })
    }
}

fn parse(lead: &[u8], signature: &[u8], main: &[u8]) -> Result<PackageMetadata, String> {
    let mut all = lead.chain(signature).chain(main);
    PackageMetadata::parse(&mut all).map_err(|e| format!("its header is damaged ({e})"))
}

/// The bytes of the header that follows, with the padding that a signature header has.
fn read_header(file: &mut impl Read, size: u64, padded: bool) -> Result<Vec<u8>, &'static str> {
    let mut bytes = vec![0; HEADER_START];
    file.read_exact(&mut bytes).map_err(|_| "a header is missing")?;
    if bytes[..3] != HEADER_MAGIC {
        return Err("a header does not begin like one");
    }
    let number = |at: usize| u64::from(u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
    let mut rest = number(8) * 16 + number(12);
    if padded {
        rest = rest.next_multiple_of(8);
    }
    if rest > MAX_HEADER || rest > size {
        return Err("a header is larger than the file");
    }
    bytes.resize(HEADER_START + rest as usize, 0);
    file.read_exact(&mut bytes[HEADER_START..]).map_err(|_| "a header is cut off")?;
    Ok(bytes)
}

fn no_rpm(path: &Path, why: &str) -> Error {
    error::generic(format!("{} is not an RPM package: {why}", path.display()))
}
