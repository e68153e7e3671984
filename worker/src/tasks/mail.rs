//! Sending the mails of the notification tasks.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::config::WorkerConfig;
use crate::task::TaskError;

/// A mail in the making.
pub struct Mail {
    pub recipients: Vec<String>,
    pub subject: String,
    /// `X-Koji-…` headers by name; for the filters of those who get many.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Mail {
    /// Sends the mail, unless the configuration says that none are sent. Tells what was done.
    pub async fn send(self, config: &WorkerConfig) -> Result<String, TaskError> {
        let host = config.smtphost.as_deref().filter(|host| !host.is_empty() && !config.disable_notifications);
        let Some(host) = host else {
            return Ok("no mail sent: notifications are switched off on this host".into());
        };
        let told = self.recipients.join(", ");
        let message = self.message(&config.from_addr)?;
        let (name, port) = split_port(host)?;
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(name);
        if let Some(port) = port {
            transport = transport.port(port);
        }
        if let (Some(user), Some(password)) = (&config.smtp_user, &config.smtp_pass) {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        let sent = transport.build().send(message).await;
        sent.map_err(|error| TaskError::generic(format!("the mail server {host} did not take the mail: {error}")))?;
        Ok(format!("sent to {told}"))
    }

    fn message(self, from: &str) -> Result<Message, TaskError> {
        let from: Mailbox =
            from.parse().map_err(|error| TaskError::generic(format!("worker setting from_addr: {error}")))?;
        let to: Mailboxes = self
            .recipients
            .iter()
            .map(|recipient| {
                recipient
                    .parse::<Mailbox>()
                    .map_err(|error| TaskError::generic(format!("recipient {recipient:?}: {error}")))
            })
            .collect::<Result<_, _>>()?;
        let mut builder: MessageBuilder = Message::builder()
            .from(from)
            .mailbox(lettre::message::header::To::from(to))
            .subject(one_line(&self.subject));
        for (name, value) in self.headers {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, one_line(&value)));
        }
        let message = builder.header(ContentType::TEXT_PLAIN).body(self.body);
        message.map_err(|error| TaskError::generic(format!("the mail cannot be written: {error}")))
    }
}

/// What stands in a header must not begin another one.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn split_port(host: &str) -> Result<(&str, Option<u16>), TaskError> {
    match host.rsplit_once(':') {
        // More colons make an IPv6 address without a port.
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
            let port = port.parse().map_err(|_| TaskError::generic(format!("worker setting smtphost: {host:?}")))?;
            Ok((name, Some(port)))
        }
        _ => Ok((host, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(recipients: &[&str]) -> Mail {
        Mail {
            recipients: recipients.iter().map(|recipient| (*recipient).to_owned()).collect(),
            subject: "grün\r\nBcc: all@example.com".into(),
            headers: vec![("X-Koji-Tag", "f40\nX-Evil: yes".into())],
            body: "hello\n".into(),
        }
    }

    #[test]
    fn headers_cannot_be_smuggled_in() {
        let message = mail(&["a@example.com", "B <b@example.com>"]).message("Koji <k@example.com>").unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(text.contains("X-Koji-Tag: f40 X-Evil: yes\r\n"), "{text}");
        assert!(!text.contains("\nX-Evil") && !text.contains("\nBcc"), "{text}");
        assert!(text.contains("To: a@example.com, B <b@example.com>"), "{text}");
        assert!(mail(&["no address"]).message("k@example.com").is_err());
    }

    #[tokio::test]
    async fn nothing_is_sent_without_a_server() {
        let config = WorkerConfig::default();
        assert!(mail(&["a@example.com"]).send(&config).await.unwrap().contains("switched off"));
        let off = WorkerConfig { smtphost: Some("127.0.0.1:1".into()), disable_notifications: true, ..config };
        assert!(mail(&["a@example.com"]).send(&off).await.unwrap().contains("switched off"));
        let dead = WorkerConfig { disable_notifications: false, ..off };
        assert!(mail(&["a@example.com"]).send(&dead).await.unwrap_err().to_string().contains("127.0.0.1:1"));
    }

    #[test]
    fn ports() {
        assert_eq!(split_port("mail").unwrap(), ("mail", None));
        assert_eq!(split_port("mail:25").unwrap(), ("mail", Some(25)));
        assert_eq!(split_port("[::1]:25").unwrap(), ("[::1]", Some(25)));
        assert_eq!(split_port("::1").unwrap(), ("::1", None));
        assert!(split_port("mail:x").is_err());
    }
}
