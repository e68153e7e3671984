//! The wire signature of a method, in Python's notation: `getTag(tagInfo, strict=False, event=None)`.

use toji_proto::Value;

/// A parsed signature.
pub struct Signature {
    /// The method's name on the wire.
    pub name: String,
    /// What stands between the parentheses.
    pub text: String,
    pub parameters: Vec<Parameter>,
}

pub enum Parameter {
    Plain {
        name: String,
        default: Option<Value>,
    },
    /// `*args`
    Rest {
        name: String,
    },
    /// `**opts`
    Named {
        name: String,
    },
}

impl Signature {
    /// Parses a signature as our own declarations write it.
    ///
    /// # Panics
    /// On a malformed one; a unit test parses all of them.
    pub fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('(').expect("a signature has parentheses");
        let inner = rest.strip_suffix(')').expect("a signature ends with a parenthesis");
        let parameters = inner.split(',').map(str::trim).filter(|p| !p.is_empty()).map(parameter).collect();
        Self { name: name.to_string(), text: inner.to_string(), parameters }
    }
}

impl Parameter {
    pub fn name(&self) -> &str {
        match self {
            Self::Plain { name, .. } | Self::Rest { name } | Self::Named { name } => name,
        }
    }
}

fn parameter(text: &str) -> Parameter {
    if let Some(name) = text.strip_prefix("**") {
        Parameter::Named { name: name.into() }
    } else if let Some(name) = text.strip_prefix('*') {
        Parameter::Rest { name: name.into() }
    } else if let Some((name, default)) = text.split_once('=') {
        Parameter::Plain { name: name.into(), default: Some(literal(default)) }
    } else {
        Parameter::Plain { name: text.into(), default: None }
    }
}

fn literal(text: &str) -> Value {
    match text {
        "None" => Value::Nil,
        "True" => Value::Boolean(true),
        "False" => Value::Boolean(false),
        quoted if quoted.starts_with('\'') => Value::String(quoted.trim_matches('\'').into()),
        number => Value::Integer(number.parse().expect("a default is None, True, False, 'text' or a number")),
    }
}
