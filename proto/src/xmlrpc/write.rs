//! Writing calls, responses and faults the way stock peers write them.

use std::collections::btree_map;
use std::fmt::Write;
use std::vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Value;
use super::decode::is_xml_char;
use super::double::python_float;

const HEAD: &str = "<?xml version='1.0'?>\n";
const RESPONSE: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n";
const RESPONSE_END: &str = "</param>\n</params>\n</methodResponse>\n";
const ARRAY: &str = "<value><array><data>\n";
const ARRAY_END: &str = "</data></array></value>\n";
const STRUCT: &str = "<value><struct>\n";
const STRUCT_END: &str = "</struct></value>\n";
const MEMBER_END: &str = "</member>\n";

/// About how large the pieces of a streamed response are.
const CHUNK: usize = 64 * 1024;
/// Bytes that make one base64 line of 76 characters.
const BASE64_LINE: usize = 57;

pub fn write_call(method: &str, params: &[Value]) -> String {
    let mut out = format!("{HEAD}<methodCall>\n<methodName>");
    text(&mut out, method);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        value(&mut out, param);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    out
}

pub fn write_response(result: &Value) -> String {
    let mut out = RESPONSE.to_owned();
    value(&mut out, result);
    out.push_str(RESPONSE_END);
    out
}

pub fn write_fault(code: i32, message: &str) -> String {
    let mut out = format!("{HEAD}<methodResponse>\n<fault>\n{STRUCT}");
    member(&mut out, "faultCode");
    scalar(&mut out, &Value::Integer(code));
    out.push_str(MEMBER_END);
    member(&mut out, "faultString");
    out.push_str("<value><string>");
    text(&mut out, message);
    out.push_str("</string></value>\n");
    out.push_str(MEMBER_END);
    out.push_str(STRUCT_END);
    out.push_str("</fault>\n</methodResponse>\n");
    out
}

/// A response in pieces of about 64 KB, so that an answer of many megabytes is sent while it is
/// written. What was written is freed at once. A single string is never split.
pub struct ResponseChunks {
    state: State,
    around: Vec<Around>,
}

enum State {
    Start(Value),
    Inside,
    Done,
}

enum Around {
    Array(vec::IntoIter<Value>),
    Struct(btree_map::IntoIter<String, Value>),
    /// Stands above a struct while the container in one of its members is written.
    Member,
}

impl ResponseChunks {
    pub fn new(value: Value) -> Self {
        ResponseChunks { state: State::Start(value), around: Vec::new() }
    }

    fn put(&mut self, out: &mut String, value: Value) {
        match value {
            Value::Array(items) => {
                out.push_str(ARRAY);
                self.around.push(Around::Array(items.into_iter()));
            }
            Value::Struct(members) => {
                out.push_str(STRUCT);
                self.around.push(Around::Struct(members.into_iter()));
            }
            other => scalar(out, &other),
        }
    }

    /// Writes one item, or one end; false when nothing is left.
    fn step(&mut self, out: &mut String) -> bool {
        let end = match self.around.last_mut() {
            None => return false,
            Some(Around::Array(items)) => match items.next() {
                Some(item) => {
                    self.put(out, item);
                    return true;
                }
                None => ARRAY_END,
            },
            Some(Around::Struct(members)) => match members.next() {
                Some((name, value)) => {
                    member(out, &name);
                    self.around.push(Around::Member);
                    self.put(out, value);
                    return true;
                }
                None => STRUCT_END,
            },
            Some(Around::Member) => MEMBER_END,
        };
        out.push_str(end);
        self.around.pop();
        true
    }
}

impl Iterator for ResponseChunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut out = String::new();
        match std::mem::replace(&mut self.state, State::Inside) {
            State::Done => {
                self.state = State::Done;
                return None;
            }
            State::Start(value) => {
                out.push_str(RESPONSE);
                self.put(&mut out, value);
            }
            State::Inside => out.reserve(CHUNK + CHUNK / 8),
        }
        while out.len() < CHUNK {
            if !self.step(&mut out) {
                out.push_str(RESPONSE_END);
                self.state = State::Done;
                break;
            }
        }
        Some(out.into_bytes())
    }
}

fn value(out: &mut String, v: &Value) {
    match v {
        Value::Array(items) => {
            out.push_str(ARRAY);
            items.iter().for_each(|item| value(out, item));
            out.push_str(ARRAY_END);
        }
        Value::Struct(members) => {
            out.push_str(STRUCT);
            for (name, v) in members {
                member(out, name);
                value(out, v);
                out.push_str(MEMBER_END);
            }
            out.push_str(STRUCT_END);
        }
        _ => scalar(out, v),
    }
}

/// Opens a member and writes its name; its value and end follow.
fn member(out: &mut String, name: &str) {
    out.push_str("<member>\n<name>");
    text(out, name);
    out.push_str("</name>\n");
}

fn scalar(out: &mut String, v: &Value) {
    match v {
        Value::Integer(n) => integer(out, i64::from(*n)),
        Value::Long(n) => integer(out, *n),
        Value::Boolean(true) => out.push_str("<value><boolean>1</boolean></value>\n"),
        Value::Boolean(false) => out.push_str("<value><boolean>0</boolean></value>\n"),
        Value::Double(x) => {
            out.push_str("<value><double>");
            out.push_str(&python_float(*x));
            out.push_str("</double></value>\n");
        }
        Value::String(s) => {
            out.push_str("<value><string>");
            text(out, s);
            out.push_str("</string></value>\n");
        }
        Value::DateTime(t) => {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "<value><dateTime.iso8601>{t}</dateTime.iso8601></value>");
        }
        Value::Base64(bytes) => {
            out.push_str("<value><base64>\n");
            for line in bytes.chunks(BASE64_LINE) {
                STANDARD.encode_string(line, out);
                out.push('\n');
            }
            out.push_str("</base64></value>\n");
        }
        _ => out.push_str("<value><nil/></value>\n"),
    }
}

/// `int` within 32 bits and `i8` beyond, whichever variant holds the number.
fn integer(out: &mut String, n: i64) {
    let kind = if i32::try_from(n).is_ok() { "int" } else { "i8" };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<value><{kind}>{n}</{kind}></value>");
}

/// Text with markup escaped. Characters that XML cannot carry become U+FFFD: a name or a log line
/// with a stray control character must not make a whole answer unreadable. A carriage return goes
/// by number, else the reader would take it for a line end.
fn text(out: &mut String, s: &str) {
    let mut plain = 0;
    for (at, byte) in s.bytes().enumerate() {
        let (instead, length) = match byte {
            b'&' => ("&amp;", 1),
            b'<' => ("&lt;", 1),
            b'>' => ("&gt;", 1),
            b'\r' => ("&#13;", 1),
            b'\t' | b'\n' => continue,
            0..0x20 => ("\u{FFFD}", 1),
            0xEF if s[at..].chars().next().is_some_and(|c| !is_xml_char(c)) => ("\u{FFFD}", 3),
            _ => continue,
        };
        out.push_str(&s[plain..at]);
        out.push_str(instead);
        plain = at + length;
    }
    out.push_str(&s[plain..]);
}
