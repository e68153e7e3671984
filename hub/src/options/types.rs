//! How an option's text becomes its value, one implementation per type.

use regex::Regex;
use serde_json::Value;

use super::OptionsError;

/// A type an option can have.
pub(super) trait OptionType: Sized {
    /// What the documentation calls it.
    const KIND: &'static str;
    /// Reads the text of a configuration file; the error says what was expected.
    fn parse(text: &str) -> Result<Self, String>;
    /// The value as `showOpts` tells it.
    fn show(&self) -> Value;
}

impl OptionType for bool {
    const KIND: &'static str = "boolean";

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Ok(true),
            "0" | "no" | "false" | "off" => Ok(false),
            _ => Err(format!("expected on/off, yes/no, true/false or 1/0, not {text:?}")),
        }
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }
}

impl OptionType for u32 {
    const KIND: &'static str = "integer";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("expected a whole number from 0 to {}, not {text:?}", u32::MAX))
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }
}

impl OptionType for String {
    const KIND: &'static str = "string";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// `None` stands for "not set": there is no text for it.
impl<T: OptionType> OptionType for Option<T> {
    const KIND: &'static str = T::KIND;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::show)
    }
}

/// A regular expression that names must match from their first character on. An empty
/// one allows every name.
#[derive(Clone, Debug)]
pub struct NamePattern {
    text: String,
    regex: Option<Regex>,
}

impl NamePattern {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let regex = match text {
            "" => None,
            _ => Some(Regex::new(&format!("^(?:{text})")).map_err(|why| why.to_string())?),
        };
        Ok(NamePattern { text: text.to_owned(), regex })
    }

    pub fn allows(&self, name: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(name))
    }

    /// The expression as configured, for messages.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl OptionType for NamePattern {
    const KIND: &'static str = "regular expression";

    fn parse(text: &str) -> Result<Self, String> {
        NamePattern::new(text)
    }

    fn show(&self) -> Value {
        Value::from(self.text.as_str())
    }
}

/// The text of a value from toji's own configuration: a string, number or boolean.
pub(super) fn text_of(origin: &str, name: &str, value: &Value) -> Result<String, OptionsError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(OptionsError::Value {
            origin: origin.into(),
            name: name.into(),
            reason: format!("expected a string, number or boolean, not {value}"),
        }),
    }
}
