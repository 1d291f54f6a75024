//! What is not accepted: why, and the line that keeps it.

use base64::Engine;
use serde::Serialize;
use std::borrow::Cow;

/// Reason codes. Their names are the contract with whoever reads `rejected/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON.
    InvalidJson,
    /// JSON that ends too early.
    Truncated,
    /// Larger than a record may be.
    TooLarge,
    /// Nested deeper than a record may be.
    TooDeep,
    /// JSON, but no object.
    NotAnObject,
    /// An object, but no CloudTrail record.
    NotCloudtrail,
    /// A record without a time.
    MissingEventTime,
    /// A record whose time cannot be read.
    InvalidEventTime,
    /// A record from before 2006 or after 2099.
    TimeOutOfRange,
    /// A summary of several events.
    AggregatedEvent,
    /// An input that could not be read.
    Unreadable,
}

/// Why something is rejected, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The code.
    pub code: Code,
    /// What is wrong, for a person.
    pub message: Cow<'static, str>,
}

impl Rejection {
    /// A code with its message.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Rejection { code, message: message.into() }
    }

    /// Larger than a record may be.
    pub fn too_large() -> Self {
        Rejection::new(Code::TooLarge, format!("larger than {} MB", crate::json::MAX_RECORD >> 20))
    }
}

impl Rejection {
    /// Text that is not JSON that we take; its `at` is the byte of the piece, from 0.
    pub fn of_json(error: crate::json::Error) -> Self {
        use crate::json::{ErrorKind, MAX_DEPTH};
        match error.kind {
            ErrorKind::Truncated => Rejection::new(Code::Truncated, "not whole: the text ends inside a value"),
            ErrorKind::Invalid => {
                Rejection::new(Code::InvalidJson, format!("not JSON: see byte {} of the payload", error.at + 1))
            }
            ErrorKind::TooDeep => Rejection::new(Code::TooDeep, format!("nested deeper than {MAX_DEPTH} levels")),
        }
    }
}

/// Of an input past this many bytes only as many are kept.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// The rejected line, without its line break.
pub fn line(rejection: &Rejection, source: &str, payload: &[u8], payload_bytes: u64) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        reason: Code,
        message: &'a str,
        source: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload_base64: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload_bytes: Option<u64>,
    }
    let cut = payload_bytes > MAX_PAYLOAD as u64;
    let kept = &payload[..payload.len().min(MAX_PAYLOAD)];
    // A cut can fall inside a character: that is not a reason for base64.
    let text = match std::str::from_utf8(kept) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => std::str::from_utf8(&kept[..error.valid_up_to()]).ok(),
        Err(_) => None,
    };
    let line = Line {
        reason: rejection.code,
        message: &rejection.message,
        source,
        payload: text,
        payload_base64: text.is_none().then(|| base64::engine::general_purpose::STANDARD.encode(kept)),
        payload_bytes: cut.then_some(payload_bytes),
    };
    // Strings and numbers always serialize.
    serde_json::to_string(&line).unwrap_or_default()
}

/// A rejected line for a person: where, which reason, what is wrong. Nothing of it can steer a terminal.
pub fn in_words(line: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Line {
        reason: String,
        message: String,
        source: String,
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let text = format!("{}: {} ({})", line.source, line.message, line.reason);
    Some(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_input() {
        let rejection = Rejection::new(Code::InvalidJson, "not JSON");
        assert_eq!(
            line(&rejection, "a.json:3", b"{\"x\n", 4),
            r#"{"reason":"invalid_json","message":"not JSON","source":"a.json:3","payload":"{\"x\n"}"#
        );
        let utf8 = Rejection::new(Code::InvalidUtf8, "m");
        assert_eq!(
            line(&utf8, "s", &[0xff, 0xfe], 2),
            r#"{"reason":"invalid_utf8","message":"m","source":"s","payload_base64":"//4="}"#
        );
        let large = "é".repeat(MAX_PAYLOAD);
        let mut payload = b"x".to_vec();
        payload.extend_from_slice(large.as_bytes());
        let line = line(&rejection, "s", &payload[..MAX_PAYLOAD], payload.len() as u64);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["payload_bytes"], payload.len());
        assert_eq!(value["payload"].as_str().unwrap().len(), MAX_PAYLOAD - 1);
    }
}
