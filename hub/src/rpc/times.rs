//! Times as clients give them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use toji_proto::{Value, ValueExt};

use super::FromArg;
use crate::error::{self, Rpc};

/// A point in time: seconds since 1970 (a number), or text such as `2026-01-31 12:00:00.5+01:00`, in which
/// everything after the date may be missing; without a zone it is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub DateTime<Utc>);

impl FromArg for Moment {
    fn from_arg(value: Value, name: &str) -> Rpc<Self> {
        let found = match &value {
            Value::String(text) => parse(text),
            other => other.as_f64().and_then(from_seconds),
        };
        found.map(Self).ok_or_else(|| error::param(format!("Invalid time for {name}: {}", value.repr())))
    }
}

impl From<Moment> for crate::db::Param {
    fn from(moment: Moment) -> Self {
        moment.0.into()
    }
}

/// What is false in Python asks for nothing.
pub fn asked(value: Value, name: &str) -> Rpc<Option<Moment>> {
    if value.is_true() { Moment::from_arg(value, name).map(Some) } else { Ok(None) }
}

/// Seconds since 1970 as a time, if it can be one.
pub fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    if !seconds.is_finite() || seconds.abs() > 1e12 {
        return None;
    }
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)
}

/// A time from its text; see `Moment`.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for zoned in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, zoned) {
            return Some(time.to_utc());
        }
    }
    for local in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, local) {
            return Some(time.and_utc());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_many_forms() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-31T00:00:00+00:00")),
            ("2026-01-31 12:00", Some("2026-01-31T12:00:00+00:00")),
            ("2026-01-31 12:00:01.5", Some("2026-01-31T12:00:01.500+00:00")),
            ("2026-01-31 12:00:00+01:00", Some("2026-01-31T11:00:00+00:00")),
            ("2026-01-31 12:00:00.25+00", Some("2026-01-31T12:00:00.250+00:00")),
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00+00:00")),
            ("rubbish", None),
            ("2026-02-30", None),
        ] {
            assert_eq!(parse(text).map(|t| t.to_rfc3339()).as_deref(), expected, "{text}");
        }
        assert!(Moment::from_arg(Value::Nil, "x").is_err());
        assert_eq!(
            from_seconds(1500000000.5).map(|t| t.to_rfc3339()).as_deref(),
            Some("2017-07-14T02:40:00.500+00:00")
        );
        assert_eq!(from_seconds(f64::NAN), None);
    }
}
