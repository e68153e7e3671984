//! Values as JSON: extras of tags and builds are stored as JSON text and sent as values.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::value::int;
use crate::xmlrpc::Value;

/// A value from JSON. Integers beyond 64 bits, which XML-RPC cannot carry, become doubles.
pub fn from_json(json: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Boolean(b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => int(n),
            None => Value::Double(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::String(s),
        Json::Array(items) => Value::Array(items.into_iter().map(from_json).collect()),
        Json::Object(members) => Value::Struct(members.into_iter().map(|(name, v)| (name, from_json(v))).collect()),
    }
}

/// JSON from a value. Dates and base64 become their text; a double that is no number becomes null.
pub fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Boolean(b) => Json::Bool(*b),
        Value::Integer(n) => Json::from(*n),
        Value::Long(n) => Json::from(*n),
        Value::Double(x) => Json::from(*x),
        Value::String(s) => Json::String(s.clone()),
        Value::DateTime(t) => Json::String(t.to_string()),
        Value::Base64(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Struct(members) => Json::Object(members.iter().map(|(name, v)| (name.clone(), to_json(v))).collect()),
        _ => Json::Null,
    }
}

/// Reads stored JSON text. What nests deeper than 128 is refused; the error shows a position and no
/// text.
pub fn from_json_text(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).map(from_json)
}

/// JSON text as stock hubs store it: ASCII, with a space after commas and colons.
pub fn to_json_text(value: &Value) -> String {
    let mut out = Vec::new();
    // Neither a Vec nor a JSON value can fail to be written.
    let _ = to_json(value).serialize(&mut Serializer::with_formatter(&mut out, Stock));
    String::from_utf8(out).unwrap_or_default()
}

struct Stock;

impl Formatter for Stock {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, w: &mut W, text: &str) -> io::Result<()> {
        for c in text.chars() {
            if c.is_ascii() {
                w.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(w, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn text_round_trips() {
        for (value, text) in [
            (value!({ "a": 1, "b": value!([true, Value::Nil]) }), r#"{"a": 1, "b": [true, null]}"#),
            (value!("é\u{1F600}\n\""), r#""\u00e9\ud83d\ude00\n\"""#),
            (value!(1_i64 << 40), "1099511627776"),
            (value!(1.5), "1.5"),
        ] {
            assert_eq!(to_json_text(&value), text);
            assert_eq!(from_json_text(text).unwrap(), value);
        }
        assert_eq!(from_json_text("18446744073709551615").unwrap(), Value::Double(18446744073709551615.0));
        assert!(from_json_text("{").is_err());
    }
}
