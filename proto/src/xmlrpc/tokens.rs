//! A document as a flat run of tokens: comments and processing instructions are gone, references
//! resolved, line ends normalised, and everything outside the root element checked.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::decode::is_xml_char;
use super::read::ReadError;

/// How many attributes an element may have.
const MAX_ATTRIBUTES: usize = 100;

pub(super) enum Token<'a> {
    /// An element begins; its name without a prefix.
    Open(Name<'a>),
    /// The innermost open element ends.
    Close,
    /// A piece of text; adjacent pieces belong together.
    Text(Cow<'a, str>),
    /// The document ended, well-formed.
    End,
}

/// The start of an element, kept whole because its name borrows from it.
pub(super) struct Name<'a>(BytesStart<'a>);

impl Name<'_> {
    pub(super) fn local(&self) -> &str {
        self.0.local_name().into_inner()
    }
}

pub(super) struct Tokens<'a> {
    reader: Reader<&'a [u8]>,
    /// Elements open now; their names are checked by the reader.
    depth: usize,
    /// Whether anything, and whether the root element, was seen.
    begun: bool,
    rooted: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Tokens { reader, depth: 0, begun: false, rooted: false }
    }

    pub(super) fn malformed(&self, what: &'static str) -> ReadError {
        ReadError::Malformed { what, at: self.position() }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position()
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, ReadError> {
        loop {
            let event = self
                .reader
                .read_event()
                .map_err(|_| ReadError::Malformed { what: "not well-formed XML", at: self.reader.error_position() })?;
            let first = !std::mem::replace(&mut self.begun, true);
            match event {
                Event::Start(start) => return self.open(start),
                Event::End(_) => {
                    self.depth -= 1;
                    return Ok(Token::Close);
                }
                Event::Text(text) => {
                    let text = text.xml10_content();
                    if self.depth > 0 {
                        return Ok(Token::Text(text));
                    }
                    if !is_space(&text) {
                        return Err(self.malformed("text outside the root element"));
                    }
                }
                Event::CData(text) if self.depth > 0 => {
                    return Ok(Token::Text(text.xml10_content()));
                }
                Event::GeneralRef(reference) if self.depth > 0 => {
                    let c = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c).filter(|c| is_xml_char(*c)),
                        Ok(None) => predefined(&reference),
                        Err(_) => None,
                    };
                    let c = c.ok_or_else(|| self.malformed("an undeclared entity or impossible character"))?;
                    return Ok(Token::Text(Cow::Owned(c.to_string())));
                }
                Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.malformed("text outside the root element"));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(_) if first => {}
                Event::Decl(_) => {
                    return Err(self.malformed("a declaration that is not at the start"));
                }
                // A doctype that only names the root is harmless; one that declares anything is not read.
                Event::DocType(text) if !self.rooted && !text.contains('[') => {}
                Event::DocType(_) => {
                    return Err(self.malformed("a document type with declarations"));
                }
                // An element is open for ever, or there was none.
                Event::Eof if self.depth > 0 || !self.rooted => {
                    return Err(self.malformed("an early end"));
                }
                Event::Eof => return Ok(Token::End),
                Event::Empty(_) => return Err(self.malformed("not well-formed XML")),
            }
        }
    }

    fn open(&mut self, start: BytesStart<'a>) -> Result<Token<'a>, ReadError> {
        if self.depth == 0 && std::mem::replace(&mut self.rooted, true) {
            return Err(self.malformed("a second root element"));
        }
        // They mean nothing here. Each is compared with all before it, so many would take for ever.
        if start.attributes().enumerate().any(|(i, a)| i >= MAX_ATTRIBUTES || a.is_err()) {
            return Err(self.malformed("a malformed attribute, or too many"));
        }
        self.depth += 1;
        Ok(Token::Open(Name(start)))
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// XML's white space.
pub(super) fn is_space(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}
