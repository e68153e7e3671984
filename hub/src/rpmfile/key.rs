//! The key that made an OpenPGP signature.

/// The short id, 8 hexadecimal digits, of the key that made a signature packet.
pub fn key_id(packet: &[u8]) -> Result<String, &'static str> {
    let body = signature_body(packet).ok_or("not an OpenPGP signature")?;
    let id = match body.first() {
        Some(3) => body.get(11..15),
        Some(4) => issuer(body),
        _ => return Err("an OpenPGP signature of unknown version"),
    };
    id.map(hex::encode).ok_or("an OpenPGP signature that names no key")
}

/// What follows the packet's header, if it is a signature.
fn signature_body(packet: &[u8]) -> Option<&[u8]> {
    const SIGNATURE: u8 = 2;
    let first = *packet.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (tag, start) = if first & 0x40 != 0 {
        let length = match *packet.get(1)? {
            0..192 => 1,
            192..224 => 2,
            255 => 5,
            // Partial lengths are for data, not for signatures.
            _ => return None,
        };
        (first & 0x3f, 1 + length)
    } else {
        let length = match first & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => 0,
        };
        ((first >> 2) & 0xf, 1 + length)
    };
    if tag == SIGNATURE { packet.get(start..) } else { None }
}

/// The last 4 bytes of the issuer's id, from the subpackets of a version 4 signature.
fn issuer(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body.get(4..)?;
    // The hashed subpackets, then the unhashed ones.
    for _ in 0..2 {
        let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
        let mut subpackets = rest.get(2..2 + length)?;
        rest = &rest[2 + length..];
        while !subpackets.is_empty() {
            let (kind, content, after) = subpacket(subpackets)?;
            const ISSUER: u8 = 16;
            if kind & 0x7f == ISSUER && content.len() == 8 {
                return Some(&content[4..]);
            }
            subpackets = after;
        }
    }
    None
}

/// The first subpacket's kind and content, and what follows it.
fn subpacket(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, start): (usize, usize) = match *bytes.first()? {
        n @ 0..192 => (usize::from(n), 1),
        n @ 192..255 => (((usize::from(n) - 192) << 8) + usize::from(*bytes.get(1)?) + 192, 2),
        255 => (u32::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?, *bytes.get(3)?, *bytes.get(4)?]) as usize, 5),
    };
    let end = start.checked_add(length)?;
    let content = bytes.get(start..end)?;
    Some((*content.first()?, &content[1..], &bytes[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_found_in_both_versions() {
        let mut v3 = vec![0x88, 15, 3, 5, 0];
        v3.extend([0; 4]);
        v3.extend([1, 2, 3, 4, 0xaa, 0xbb, 0xcc, 0xdd]);
        assert_eq!(key_id(&v3).as_deref(), Ok("aabbccdd"));
        let mut v4 = vec![0xc2, 30, 4, 0, 1, 8, 0, 6, 5, 2, 1, 1, 1, 1, 0, 10, 9, 16];
        v4.extend([1, 2, 3, 4, 0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(key_id(&v4).as_deref(), Ok("deadbeef"));
        for end in 0..v4.len() {
            assert!(key_id(&v4[..end]).is_err(), "cut off at {end}");
        }
        assert!(key_id(b"nonsense").is_err());
    }
}
