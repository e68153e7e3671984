//! What the scheduler tells a host through the queue.
//!
//! A message only wakes: the database holds the truth and hosts also poll, so a message may come
//! twice, late or never. On the wire it is one JSON object,
//! `{"version":1,"kind":"assigned","task_id":42}`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version that is written and the only one that is read.
pub const VERSION: u32 = 1;

/// Why a host should look at one of its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HostMessage {
    /// The task was placed on this host and waits to be opened.
    Assigned { task_id: i32 },
    /// The task was cancelled or taken away: stop its work.
    Cancelled { task_id: i32 },
    /// The children that the task awaited have finished.
    Wake { task_id: i32 },
}

/// Why bytes from the queue are no message for us.
#[derive(Debug, Error)]
pub enum MessageError {
    #[error("not a host message: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("host message of version {0}, this program reads version {VERSION}")]
    Version(u32),
    #[error("unknown kind of host message: {0:?}")]
    UnknownKind(String),
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    message: &'a HostMessage,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    kind: String,
}

impl HostMessage {
    /// The id of the task that the message is about.
    pub fn task_id(&self) -> i32 {
        match *self {
            Self::Assigned { task_id } | Self::Cancelled { task_id } | Self::Wake { task_id } => task_id,
        }
    }

    pub fn to_json(&self) -> String {
        let written = Written { version: VERSION, message: self };
        serde_json::to_string(&written).expect("a struct of strings and integers is always JSON")
    }

    /// Reads what `to_json` wrote; members that this version does not know are ignored.
    pub fn from_json(bytes: &[u8]) -> Result<Self, MessageError> {
        let head: Head = serde_json::from_slice(bytes)?;
        if head.version != VERSION {
            return Err(MessageError::Version(head.version));
        }
        match head.kind.as_str() {
            "assigned" | "cancelled" | "wake" => Ok(serde_json::from_slice(bytes)?),
            _ => Err(MessageError::UnknownKind(head.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for message in [
            HostMessage::Assigned { task_id: 1 },
            HostMessage::Cancelled { task_id: 2 },
            HostMessage::Wake { task_id: 3 },
        ] {
            assert_eq!(HostMessage::from_json(message.to_json().as_bytes()).unwrap(), message);
        }
        let text = HostMessage::Assigned { task_id: 42 }.to_json();
        assert_eq!(text, r#"{"version":1,"kind":"assigned","task_id":42}"#);
    }

    #[test]
    fn each_kind_of_wrong_message_has_its_error() {
        let error = |text: &str| HostMessage::from_json(text.as_bytes()).unwrap_err();
        assert!(matches!(error(r#"{"version":2,"kind":"assigned","task_id":1}"#), MessageError::Version(2)));
        assert!(matches!(error(r#"{"version":1,"kind":"dance"}"#), MessageError::UnknownKind(kind) if kind == "dance"));
        assert!(matches!(error(r#"{"version":1,"kind":"wake"}"#), MessageError::Malformed(_)));
        assert!(matches!(error(r#"{"version":1,"kind":"wake","task_id":1e99}"#), MessageError::Malformed(_)));
        assert!(matches!(error("\u{0}"), MessageError::Malformed(_)));
    }

    #[test]
    fn members_from_the_future_are_ignored() {
        let text = r#"{"version":1,"kind":"wake","task_id":3,"because":"of you"}"#;
        assert_eq!(HostMessage::from_json(text.as_bytes()).unwrap(), HostMessage::Wake { task_id: 3 });
    }
}
