//! From the bytes of a document to text, by its byte order mark or its declaration.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How far into a document its declaration may reach.
const DECLARATION: usize = 256;

/// Decodes a document; the error says what was wrong with its encoding.
pub(super) fn decode(body: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let text = match Encoding::for_bom(body) {
        Some((encoding, mark)) => strict(encoding, &body[mark..])?,
        None => by_declaration(body)?,
    };
    if text.chars().all(is_xml_char) { Ok(text) } else { Err("a character that XML cannot carry") }
}

/// XML 1.0's `Char`: everything but most control characters and the two non-characters.
pub(super) fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        c if c < ' ' => false,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}

fn by_declaration(body: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let Some(label) = declared_encoding(body) else {
        return strict(UTF_8, body);
    };
    // The web's registry reads both of these as windows-1252, which they are not.
    if [&b"us-ascii"[..], b"ascii"].iter().any(|n| label.eq_ignore_ascii_case(n)) {
        return match body.is_ascii() {
            true => strict(UTF_8, body),
            false => Err("text outside its declared encoding"),
        };
    }
    if [&b"iso-8859-1"[..], b"latin-1", b"latin1"].iter().any(|n| label.eq_ignore_ascii_case(n)) {
        return Ok(encoding_rs::mem::decode_latin1(body));
    }
    let encoding = Encoding::for_label(label).ok_or("an unknown encoding")?;
    // The declaration could be read as ASCII, so an encoding that is no superset of it is a lie.
    if !encoding.is_ascii_compatible() || [UTF_16LE, UTF_16BE].contains(&encoding) {
        return Err("an encoding that contradicts its declaration");
    }
    strict(encoding, body)
}

fn strict<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, &'static str> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or("text outside its encoding")
}

/// The label in `<?xml … encoding="label"?>`.
fn declared_encoding(body: &[u8]) -> Option<&[u8]> {
    let rest = body.get(..body.len().min(DECLARATION))?.strip_prefix(b"<?xml")?;
    let declaration = &rest[..find(rest, b"?>")?];
    let value = &declaration[find(declaration, b"encoding")? + b"encoding".len()..];
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quote = *value.first().filter(|q| matches!(q, b'"' | b'\''))?;
    let end = value[1..].iter().position(|b| *b == quote)?;
    Some(&value[1..=end])
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}
