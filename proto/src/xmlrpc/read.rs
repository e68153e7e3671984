//! Reading calls and responses from hostile peers: as tolerant about values as the stock reader,
//! and strict about XML.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::datetime::parse_datetime;
use super::decode::decode;
use super::tokens::{Name, Token, Tokens, is_space};
use super::{Fault, Value};
use crate::value::{Struct, ValueExt, int};

/// How many arrays and structs may lie in each other.
pub const MAX_DEPTH: usize = 400;

const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

#[derive(Debug, PartialEq)]
pub struct MethodCall {
    /// Empty when the document names no method, which no method can be called.
    pub method: String,
    pub params: Vec<Value>,
}

/// Why a document could not be read. Never shows any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not XML, or not XML-RPC; HTTP answers 400.
    #[error("malformed XML-RPC at byte {at}: {what}")]
    Malformed { what: &'static str, at: u64 },
    /// Sound XML-RPC with a value that cannot be held; a call with it is answered by a fault.
    #[error("impossible value at byte {at}: {what}")]
    Value { what: &'static str, at: u64 },
}

/// Reads a call in the encoding that it declares.
pub fn read_call(body: &[u8]) -> Result<MethodCall, ReadError> {
    read_call_text(&decoded(body)?)
}

/// Reads a call that was stored as text, whatever encoding it once declared.
pub fn read_call_text(text: &str) -> Result<MethodCall, ReadError> {
    let mut doc = Document(Tokens::new(text));
    // A response sent as a call is a call without a method: stock hubs answer it with a fault. So are bare
    // parameters, which Python's library sends where the method's name is empty.
    if doc.root(&["methodCall", "methodResponse", "params"])?.local() == "params" {
        let params = doc.params()?;
        doc.end()?;
        return Ok(MethodCall { method: String::new(), params });
    }
    let mut method = None;
    let mut params = None;
    while let Some(name) = doc.open_or_close()? {
        match name.local() {
            "methodName" if method.is_none() => method = Some(doc.text()?.into_owned()),
            "params" if params.is_none() => params = Some(doc.params()?),
            _ => return Err(doc.0.malformed("an unexpected element in the call")),
        }
    }
    doc.end()?;
    if method.is_none() && params.is_none() {
        return Err(doc.0.malformed("neither a method nor parameters"));
    }
    Ok(MethodCall { method: method.unwrap_or_default(), params: params.unwrap_or_default() })
}

/// Reads a response in the encoding that it declares: its one value, or its fault.
pub fn read_response(body: &[u8]) -> Result<Result<Value, Fault>, ReadError> {
    read_response_text(&decoded(body)?)
}

/// Reads a response that was stored as text, such as a task's result.
pub fn read_response_text(text: &str) -> Result<Result<Value, Fault>, ReadError> {
    let mut doc = Document(Tokens::new(text));
    doc.root(&["methodResponse"])?;
    let name = doc.open()?;
    let response = match name.local() {
        "params" => {
            let one: Result<[Value; 1], _> = doc.params()?.try_into();
            let [value] = one.map_err(|_| doc.0.malformed("a response without exactly one value"))?;
            Ok(value)
        }
        "fault" => {
            doc.expect("value")?;
            let fault = doc.value()?;
            doc.close()?;
            Err(read_fault(&fault).ok_or_else(|| doc.0.malformed("a fault without code and text"))?)
        }
        _ => return Err(doc.0.malformed("an unexpected element in the response")),
    };
    doc.close()?;
    doc.end()?;
    Ok(response)
}

fn decoded(body: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    decode(body).map_err(|what| ReadError::Malformed { what, at: 0 })
}

fn read_fault(value: &Value) -> Option<Fault> {
    let code = value.get("faultCode")?.as_i64()?;
    let text = value.get("faultString")?.as_str()?;
    Some(Fault::new(i32::try_from(code).ok()?, text.to_owned()))
}

/// The grammar, over tokens. Each method that reads an element is called after its start and
/// returns after its end.
struct Document<'a>(Tokens<'a>);

impl<'a> Document<'a> {
    fn root(&mut self, names: &[&str]) -> Result<Name<'a>, ReadError> {
        match self.0.next()? {
            Token::Open(name) if names.contains(&name.local()) => Ok(name),
            _ => Err(self.0.malformed("not the expected root element")),
        }
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.0.next()? {
            Token::End => Ok(()),
            _ => Err(self.0.malformed("something after the end")),
        }
    }

    /// The next child's start, or nothing at the end of the element; between them only white space.
    fn open_or_close(&mut self) -> Result<Option<Name<'a>>, ReadError> {
        loop {
            match self.0.next()? {
                Token::Open(name) => return Ok(Some(name)),
                Token::Close => return Ok(None),
                Token::Text(text) if is_space(&text) => {}
                Token::Text(_) | Token::End => {
                    return Err(self.0.malformed("text between elements"));
                }
            }
        }
    }

    fn open(&mut self) -> Result<Name<'a>, ReadError> {
        self.open_or_close()?.ok_or_else(|| self.0.malformed("a missing element"))
    }

    fn expect(&mut self, name: &str) -> Result<(), ReadError> {
        if self.open()?.local() == name { Ok(()) } else { Err(self.0.malformed("an unexpected element")) }
    }

    fn close(&mut self) -> Result<(), ReadError> {
        match self.open_or_close()? {
            None => Ok(()),
            Some(_) => Err(self.0.malformed("an unexpected element")),
        }
    }

    /// Text up to the next start or end of an element.
    fn text_piece(&mut self) -> Result<(Cow<'a, str>, Option<Name<'a>>), ReadError> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.0.next()? {
                Token::Text(piece) if text.is_empty() => text = piece,
                Token::Text(piece) => text.to_mut().push_str(&piece),
                Token::Open(name) => return Ok((text, Some(name))),
                Token::Close => return Ok((text, None)),
                Token::End => return Err(self.0.malformed("an early end")),
            }
        }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        match self.text_piece()? {
            (text, None) => Ok(text),
            (_, Some(_)) => Err(self.0.malformed("an element inside text")),
        }
    }

    fn params(&mut self) -> Result<Vec<Value>, ReadError> {
        let mut params = Vec::new();
        while let Some(name) = self.open_or_close()? {
            if name.local() != "param" {
                return Err(self.0.malformed("an unexpected element among the parameters"));
            }
            self.expect("value")?;
            params.push(self.value()?);
            self.close()?;
        }
        Ok(params)
    }

    /// A value of any depth, without recursion: the containers around the current place lie on a
    /// stack of our own.
    fn value(&mut self) -> Result<Value, ReadError> {
        let mut around: Vec<Container> = Vec::new();
        'inside: loop {
            let mut whole = match self.begin_value()? {
                Begun::Whole(value) => Some(value),
                Begun::Container(_) if around.len() >= MAX_DEPTH => {
                    return Err(self.0.malformed("values nested too deep"));
                }
                Begun::Container(container) => {
                    around.push(container);
                    None
                }
            };
            while let Some(container) = around.last_mut() {
                if let Some(value) = whole.take() {
                    container.add(value);
                }
                if self.next_in(container)? {
                    continue 'inside;
                }
                whole = around.pop().map(Container::finish);
            }
            // The stack is empty only after a whole value.
            return whole.ok_or_else(|| self.0.malformed("a missing value"));
        }
    }

    fn begin_value(&mut self) -> Result<Begun, ReadError> {
        let (text, name) = self.text_piece()?;
        let Some(name) = name else {
            return Ok(Begun::Whole(Value::String(text.into_owned())));
        };
        if !is_space(&text) {
            return Err(self.0.malformed("text beside a typed value"));
        }
        let value = match name.local() {
            "struct" => return Ok(Begun::Container(Container::Struct(BTreeMap::new(), None))),
            "array" => match self.open_or_close()? {
                Some(name) if name.local() == "data" => {
                    return Ok(Begun::Container(Container::Array(Vec::new())));
                }
                Some(_) => return Err(self.0.malformed("an unexpected element in an array")),
                None => Value::Array(Vec::new()),
            },
            kind => {
                let text = self.text()?;
                self.scalar(kind, text)?
            }
        };
        self.close()?;
        Ok(Begun::Whole(value))
    }

    fn scalar(&self, kind: &str, text: Cow<'_, str>) -> Result<Value, ReadError> {
        let bad = |what| self.0.malformed(what);
        Ok(match kind {
            "string" => Value::String(text.into_owned()),
            "int" | "i1" | "i2" | "i4" | "i8" | "biginteger" => int(self.integer(&text)?),
            "boolean" => match &*text {
                "0" => Value::Boolean(false),
                "1" => Value::Boolean(true),
                _ => return Err(bad("a boolean that is neither 0 nor 1")),
            },
            "double" | "float" => Value::Double(text.trim().parse().map_err(|_| bad("a double that is no number"))?),
            "nil" if is_space(&text) => Value::Nil,
            "base64" => {
                let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
                Value::Base64(BASE64.decode(packed).map_err(|_| bad("base64 that is none"))?)
            }
            // Stock hubs take any text: whoever wants a date refuses it and names it.
            "dateTime.iso8601" => parse_datetime(&text).map_or_else(|| Value::String(text.into()), Value::DateTime),
            _ => return Err(bad("a value of unknown type")),
        })
    }

    fn integer(&self, text: &str) -> Result<i64, ReadError> {
        let text = text.trim();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.0.malformed("an integer that is no number"));
        }
        let at = self.0.position();
        text.parse().map_err(|_| ReadError::Value { what: "an integer beyond 64 bits", at })
    }

    /// Goes on inside a container: true at the start of its next value, false after its end.
    fn next_in(&mut self, container: &mut Container) -> Result<bool, ReadError> {
        match container {
            Container::Array(_) => {
                if let Some(name) = self.open_or_close()? {
                    return match name.local() {
                        "value" => Ok(true),
                        _ => Err(self.0.malformed("an unexpected element in an array")),
                    };
                }
                self.close()?; // the array, around its data
            }
            Container::Struct(members, name) => {
                if !members.is_empty() {
                    self.close()?; // the member whose value was just added
                }
                if let Some(member) = self.open_or_close()? {
                    if member.local() != "member" {
                        return Err(self.0.malformed("an unexpected element in a struct"));
                    }
                    self.expect("name")?;
                    *name = Some(self.text()?.into_owned());
                    self.expect("value")?;
                    return Ok(true);
                }
            }
        }
        self.close()?; // the value, around the container
        Ok(false)
    }
}

enum Begun {
    Whole(Value),
    Container(Container),
}

enum Container {
    Array(Vec<Value>),
    /// The members, and the name of the one being read.
    Struct(Struct, Option<String>),
}

impl Container {
    fn add(&mut self, value: Value) {
        match self {
            Container::Array(items) => items.push(value),
            // Of members with one name the last counts.
            Container::Struct(members, name) => {
                members.insert(name.take().unwrap_or_default(), value);
            }
        }
    }

    fn finish(self) -> Value {
        match self {
            Container::Array(items) => Value::Array(items),
            Container::Struct(members, _) => Value::Struct(members),
        }
    }
}
