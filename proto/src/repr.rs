use std::fmt::{self, Display, Formatter, Write};

use crate::xmlrpc::{Value, python_float};

/// Shows a value as Python writes it. Stock messages and labels look like that.
pub struct Repr<'a>(pub(crate) &'a Value);

impl Display for Repr<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Integer(n) => write!(f, "{n}"),
            Value::Long(n) => write!(f, "{n}"),
            Value::Boolean(b) => f.write_str(if *b { "True" } else { "False" }),
            Value::Double(x) => f.write_str(&python_float(*x)),
            Value::String(s) => quoted(f, s),
            Value::DateTime(t) => write!(f, "DateTime('{t}')"),
            Value::Base64(bytes) => {
                f.write_str("b'")?;
                bytes.iter().try_for_each(|b| match b {
                    b'\'' | b'\\' => write!(f, "\\{}", char::from(*b)),
                    0x20..0x7F => f.write_char(char::from(*b)),
                    _ => write!(f, "\\x{b:02x}"),
                })?;
                f.write_char('\'')
            }
            Value::Array(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    Repr(item).fmt(f)?;
                }
                f.write_char(']')
            }
            Value::Struct(members) => {
                f.write_char('{')?;
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    quoted(f, name)?;
                    write!(f, ": {}", Repr(value))?;
                }
                f.write_char('}')
            }
            _ => f.write_str("None"),
        }
    }
}

fn quoted(f: &mut Formatter<'_>, s: &str) -> fmt::Result {
    let quote = if s.contains('\'') && !s.contains('"') { '"' } else { '\'' };
    f.write_char(quote)?;
    for c in s.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use crate::{Value, ValueExt, value};

    #[test]
    fn looks_like_python() {
        for (value, text) in [
            (value!("x"), "'x'"),
            (value!("it's"), "\"it's\""),
            (value!("'\""), "'\\'\"'"),
            (value!("a\n\u{1}é\\"), "'a\\n\\x01é\\\\'"),
            (Value::Nil, "None"),
            (value!(true), "True"),
            (value!(1e16), "1e+16"),
            (value!([1, value!([]), 2.0]), "[1, [], 2.0]"),
            (value!({ "a": 1, "b": value!({}) }), "{'a': 1, 'b': {}}"),
            (value!(vec![0_u8, b'a']), "b'\\x00a'"),
        ] {
            assert_eq!(value.repr().to_string(), text);
        }
    }
}
