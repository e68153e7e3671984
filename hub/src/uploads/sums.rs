//! The checksums that uploads are verified with.

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::error::{self, Rpc};

/// Which checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumKind {
    Md5,
    Adler32,
    Sha256,
}

impl SumKind {
    /// By the name on the wire; an empty one means none is wanted.
    pub fn from_name(name: &str) -> Rpc<Option<Self>> {
        match name {
            "" => Ok(None),
            "md5" => Ok(Some(Self::Md5)),
            "adler32" => Ok(Some(Self::Adler32)),
            "sha256" => Ok(Some(Self::Sha256)),
            other => Err(error::generic(format!("Unsupported verify type: {other}"))),
        }
    }

    /// The checksum of these bytes, in hexadecimal.
    pub fn of(self, data: &[u8]) -> String {
        let mut sum = Sum::new(self);
        sum.update(data);
        sum.hex()
    }
}

/// A checksum in the making.
pub enum Sum {
    Md5(Md5),
    Adler32(simd_adler32::Adler32),
    Sha256(Sha256),
}

impl Sum {
    pub fn new(kind: SumKind) -> Self {
        match kind {
            SumKind::Md5 => Self::Md5(Md5::new()),
            SumKind::Adler32 => Self::Adler32(simd_adler32::Adler32::new()),
            SumKind::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Md5(sum) => sum.update(data),
            Self::Adler32(sum) => sum.write(data),
            Self::Sha256(sum) => sum.update(data),
        }
    }

    pub fn hex(self) -> String {
        match self {
            Self::Md5(sum) => hex::encode(sum.finalize()),
            Self::Adler32(sum) => format!("{:08x}", sum.finish()),
            Self::Sha256(sum) => hex::encode(sum.finalize()),
        }
    }
}
