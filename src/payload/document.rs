//! One JSON value -> what it is. The usual forms are told by their first key and read in one pass; a value that turns out
//! to be something else is looked at again, with all its keys known.

use super::stream::Lines;
use super::{Origin, Piece, Sink, Stream};
use crate::extract::Envelope;
use crate::json::{self, ErrorKind, MAX_RECORD, Quoted, Reader, unescape};
use crate::partition::PartitionKey;
use crate::rejected::{Code, Rejection};
use crate::time::{DAY, MAX_TIME, MIN_TIME, parse_time};
use std::borrow::Cow;

/// How much of a text a document took.
pub enum Taken {
    /// All up to this byte.
    Whole(usize),
    /// It is a container whose elements begin at this byte.
    Container(usize),
}

/// Messages within messages that are followed, e.g. a record in an SQS body.
const MAX_WRAPPINGS: usize = 4;

/// The message that a text was the body of.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Its id, where it was an SQS message.
    pub id: Option<String>,
    /// Day since 1970 it was sent.
    pub day: Option<i32>,
    /// How many wrappings lie around it.
    pub depth: usize,
    /// Line of the input that the outermost wrapping begins in.
    pub line: u64,
}

/// Members of containers whose arrays hold documents.
const CONTAINERS: [&str; 2] = ["Records", "Events"];

/// Whether a member of a container is one whose array holds documents.
pub fn holds_elements(text: &str, key: Quoted) -> bool {
    CONTAINERS.contains(&&*name(text, key))
}

/// First keys of EventBridge events.
const BRIDGE_KEYS: [&str; 8] = ["version", "id", "detail-type", "source", "account", "time", "region", "detail"];

/// Members that only records have: an object with one of them is no container.
const RECORD_KEYS: [&str; 5] = ["eventTime", "eventVersion", "eventName", "eventID", "userIdentity"];

/// Whether a member is one that only records have.
pub fn is_of_record(text: &str, key: Quoted) -> bool {
    RECORD_KEYS.contains(&&*name(text, key))
}

/// A document's place in a text.
pub struct Place<'a, 'l, 'w> {
    /// The text.
    pub text: &'a str,
    /// Where the document begins in it.
    pub at: usize,
    /// Where the text begins in the window that lines are counted in.
    pub base: usize,
    /// The message that the text lies in.
    pub message: &'a Message,
    /// Lines of the window.
    pub lines: &'l mut Lines<'w>,
    /// Whether a document that ends too early may come again with more of the input.
    pub may_grow: bool,
}

/// Reads the document at a place; whatever it holds is given to the sink.
///
/// # Errors
/// Where it is not JSON, or ends too early.
pub fn read(place: &mut Place<'_, '_, '_>, sink: &mut impl Sink) -> json::Result<Taken> {
    let mut reader = Reader::new(place.text, place.at);
    if reader.peek() != b'{' {
        reader.skip(0)?;
        place.reject(Rejection::new(Code::NotAnObject, "a JSON value that is no object"), reader.at, None, sink);
        return Ok(Taken::Whole(reader.at));
    }
    let mut inside = reader.clone();
    inside.at += 1;
    if inside.first(b'}')? {
        let first = inside.key()?;
        let key = name(place.text, first);
        if holds_elements(place.text, first) && inside.peek() == b'[' {
            return Ok(Taken::Container(inside.at + 1));
        }
        if BRIDGE_KEYS.contains(&&*key) {
            match place.bridge(sink) {
                Ok(Some(end)) => return Ok(Taken::Whole(end)),
                Ok(None) => {}
                Err(error) => return place.container_or(error),
            }
        }
    }
    place.record(sink)
}

impl<'a> Place<'a, '_, '_> {
    /// A bare record, unless it has members of something else or nothing of a record.
    fn record(&mut self, sink: &mut impl Sink) -> json::Result<Taken> {
        let end = match sink.rows().read(self.text, self.at) {
            Ok(end) => end,
            Err(error) => return self.container_or(error),
        };
        if sink.rows().looks_wrapped() {
            return self.anything(end, sink);
        }
        if self.is_too_large(end - self.at, end, None, sink) {
            return Ok(Taken::Whole(end));
        }
        match sink.rows().commit(self.text, &Envelope::default()) {
            Err(rejection) if rejection.code == Code::NotCloudtrail => return self.anything(end, sink),
            committed => self.committed(committed, end, None, sink),
        }
        Ok(Taken::Whole(end))
    }

    /// What is no JSON as a whole may still be a container: that is taken apart even where something in it, or after it, is
    /// spoiled or too far away.
    fn container_or(&self, error: json::Error) -> json::Result<Taken> {
        if error.kind == ErrorKind::Truncated && self.may_grow {
            return Err(error);
        }
        self.find_container().map(Taken::Container).ok_or(error)
    }

    /// An EventBridge event: gives its end, or None if it turns out to be none.
    fn bridge(&mut self, sink: &mut impl Sink) -> json::Result<Option<usize>> {
        let mut reader = Reader::new(self.text, self.at + 1);
        let (mut id, mut detail_type, mut time, mut account) = (None, None, None, None);
        let (mut detail, mut length) = (None, 0);
        let mut more = reader.first(b'}')?;
        while more {
            let key = reader.key()?;
            let value = reader.peek();
            let place = match &*name(self.text, key) {
                "id" => Some(&mut id),
                "detail-type" => Some(&mut detail_type),
                "time" => Some(&mut time),
                "account" => Some(&mut account),
                "detail" => {
                    detail = Some(value == b'{');
                    if value == b'{' {
                        let start = reader.at;
                        reader.at = sink.rows().read(self.text, start)?;
                        length = reader.at - start;
                        more = reader.next(b'}')?;
                        continue;
                    }
                    None
                }
                _ => None,
            };
            match place {
                Some(place) if value == b'"' => *place = decode(self.text, reader.string()?),
                Some(place) => {
                    *place = None;
                    reader.skip(1)?;
                }
                None => reader.skip(1)?,
            }
            more = reader.next(b'}')?;
        }
        let end = reader.at;
        let (Some(detail_type), Some(is_object)) = (detail_type, detail) else { return Ok(None) };
        let day = time.as_deref().and_then(parse_time).and_then(|(ms, _)| day(ms));
        if self.is_too_large(length, end, day, sink) {
            return Ok(Some(end));
        }
        if !detail_type.ends_with("via CloudTrail") {
            let message = "an EventBridge event whose detail-type does not end in 'via CloudTrail'";
            self.reject(Rejection::new(Code::NotCloudtrail, message), end, day, sink);
        } else if !is_object {
            self.reject(Rejection::new(Code::NotAnObject, "the detail of the event is no object"), end, day, sink);
        } else {
            let envelope = Envelope {
                id: id.as_deref(),
                detail_type: Some(&detail_type),
                time: time.as_deref(),
                account: account.as_deref(),
                log_file: None,
            };
            let committed = sink.rows().commit(self.text, &envelope);
            self.committed(committed, end, day, sink);
        }
        Ok(Some(end))
    }

    /// Where the elements of the first `Records` or `Events` array at the top begin, if no member of a record
    /// stands before it.
    fn find_container(&self) -> Option<usize> {
        let mut reader = Reader::new(self.text, self.at + 1);
        let mut more = reader.first(b'}').ok()?;
        while more {
            let key = reader.key().ok()?;
            let name = name(self.text, key);
            if RECORD_KEYS.contains(&&*name) || name == "detail" {
                return None;
            }
            if CONTAINERS.contains(&&*name) && reader.peek() == b'[' {
                return Some(reader.at + 1);
            }
            reader.skip(1).ok()?;
            more = reader.next(b'}').ok()?;
        }
        None
    }

    /// An object that ends at `end` and is JSON: decided by all its members.
    fn anything(&mut self, end: usize, sink: &mut impl Sink) -> json::Result<Taken> {
        let members = Members::read(self.text, self.at)?;
        let is_record = RECORD_KEYS.iter().any(|key| members.get(key).is_some());
        if members.string("detail-type").is_some()
            && members.get("detail").is_some()
            && let Some(end) = self.bridge(sink)?
        {
            return Ok(Taken::Whole(end));
        }
        if members.get("s3").is_some() && members.string("eventSource").as_deref() == Some("aws:s3") {
            let message = "an S3 notification: it names log files; give the files themselves";
            self.reject(Rejection::new(Code::NotCloudtrail, message), end, None, sink);
        } else if is_record {
            // Wrapping or not by the names of unknown members, it is a record.
            if self.is_too_large(end - self.at, end, None, sink) {
                return Ok(Taken::Whole(end));
            }
            sink.rows().read(self.text, self.at)?;
            let committed = sink.rows().commit(self.text, &Envelope::default());
            self.committed(committed, end, None, sink);
        } else if let Some(inside) = self.find_container() {
            return Ok(Taken::Container(inside));
        } else if members.get("body").is_some() || members.string("eventSource").as_deref() == Some("aws:sqs") {
            self.sqs_message(&members, sink);
        } else if let Some(event) = members.string("CloudTrailEvent") {
            self.inside(
                &event,
                Message { id: self.message.id.clone(), day: self.message.day, ..Message::default() },
                sink,
            );
        } else if members.string("Event").as_deref() == Some("s3:TestEvent")
            || (members.get("digestS3Object").is_some() && members.get("digestStartTime").is_some())
        {
            sink.filtered();
        } else {
            let message = "an object that is neither a CloudTrail record nor anything known to hold some";
            self.reject(Rejection::new(Code::NotCloudtrail, message), end, None, sink);
        }
        Ok(Taken::Whole(end))
    }

    /// What came of a record that was read.
    fn committed(
        &mut self,
        committed: Result<Option<PartitionKey>, Rejection>,
        end: usize,
        day: Option<i32>,
        sink: &mut impl Sink,
    ) {
        match committed {
            Ok(Some(key)) => sink.row(key),
            Ok(None) => sink.filtered(),
            Err(rejection) => self.reject(rejection, end, day, sink),
        }
    }

    /// An SQS message. Rejected of it is its body alone: what SQS writes beside it (receipt handle, receive count) is other each
    /// time the message is delivered, and none of it comes from the sender.
    fn sqs_message(&mut self, members: &Members<'a>, sink: &mut impl Sink) {
        let sent = members.get("attributes").and_then(|attributes| {
            let attributes = Members::read(self.text, attributes).ok()?;
            day(attributes.string("SentTimestamp")?.parse().ok()?)
        });
        // A message within a message often lacks the time; that of the outer one is known.
        let day = sent.or(self.message.day);
        let message = Message { id: members.string("messageId").map(Cow::into_owned), day, ..Message::default() };
        let outermost = self.message.depth == 0;
        if outermost {
            sink.message_begins(message.id.as_deref());
        }
        match members.string("body") {
            Some(body) => self.inside(&body, message, sink),
            None => {
                let rejection = Rejection::new(Code::InvalidJson, "an SQS message without a body that is a string");
                self.reject_text(rejection, members.literal("body"), &message, sink);
            }
        }
        if outermost {
            sink.message_ends();
        }
    }

    /// What a string member holds is a payload again.
    fn inside(&mut self, text: &str, mut message: Message, sink: &mut impl Sink) {
        message.depth = self.message.depth + 1;
        message.line = self.line();
        if message.depth > MAX_WRAPPINGS {
            let rejection = Rejection::new(Code::TooDeep, format!("more than {MAX_WRAPPINGS} wrappings around it"));
            return self.reject_text(rejection, text, &message, sink);
        }
        if text.trim().is_empty() {
            // No text at all is no payload without records but a spoiled message.
            let rejection = Rejection::new(Code::InvalidJson, "an empty text where an event should be");
            return self.reject_text(rejection, text, &message, sink);
        }
        let pieces = sink.pieces();
        Stream::of_message(message.clone()).advance(text.as_bytes(), true, sink);
        if sink.pieces() == pieces {
            // An empty list of records: were it passed over, nothing would say what became of the message.
            let rejection = Rejection::new(Code::NotCloudtrail, "a message that holds no record");
            self.reject_text(rejection, text, &message, sink);
        }
    }

    /// Rejects the document up to `end` if the record in it is too long.
    fn is_too_large(&mut self, record: usize, end: usize, day: Option<i32>, sink: &mut impl Sink) -> bool {
        let too_large = record > MAX_RECORD;
        if too_large {
            self.reject(Rejection::too_large(), end, day, sink);
        }
        too_large
    }

    /// Rejects the document up to `end`.
    fn reject(&mut self, rejection: Rejection, end: usize, day: Option<i32>, sink: &mut impl Sink) {
        let bytes = self.text.get(self.at..end).unwrap_or_default().as_bytes();
        let origin = self.message.origin(self.line());
        let day = self.message.day.or(day);
        sink.rejected(rejection, Piece { bytes, total: bytes.len() as u64, origin, day });
    }

    /// Rejects a text that a message in it holds.
    fn reject_text(&mut self, rejection: Rejection, text: &str, message: &Message, sink: &mut impl Sink) {
        let origin = message.origin(self.line());
        let piece = Piece { bytes: text.as_bytes(), total: text.len() as u64, origin, day: message.day };
        sink.rejected(rejection, piece);
    }

    fn line(&mut self) -> u64 {
        self.lines.line(self.base + self.at)
    }
}

impl Message {
    /// Where a piece on this line of the text came from.
    pub fn origin(&self, line: u64) -> Origin<'_> {
        match &self.id {
            Some(id) => Origin::Message(id),
            None if self.depth > 0 => Origin::Line(self.line),
            None => Origin::Line(line),
        }
    }
}

/// Day since 1970 of a time, where it can be that of an event.
fn day(ms: i64) -> Option<i32> {
    (MIN_TIME..MAX_TIME).contains(&ms).then(|| i32::try_from(ms.div_euclid(DAY)).unwrap_or_default())
}

/// The text of a string; None where a lone surrogate makes it no text.
fn decode(text: &str, quoted: Quoted) -> Option<Cow<'_, str>> {
    let inside = text.get(quoted.start..quoted.end)?;
    if !quoted.escaped {
        return Some(Cow::Borrowed(inside));
    }
    let mut out = String::new();
    unescape(inside, &mut out).then_some(Cow::Owned(out))
}

/// A name with its escapes undone; one with a lone surrogate equals no name that is looked for, and stays as it is.
fn name(text: &str, key: Quoted) -> Cow<'_, str> {
    let inside = text.get(key.start..key.end).unwrap_or_default();
    decode(text, key).unwrap_or(Cow::Borrowed(inside))
}

/// The members of an object: of a repeated name the last, none that are null.
struct Members<'a> {
    text: &'a str,
    /// Name and byte at which the value begins.
    places: Vec<(Cow<'a, str>, usize)>,
}

impl<'a> Members<'a> {
    /// Only names that decide something are kept: an object may have many.
    const NAMES: [&'static str; 17] = [
        "detail-type",
        "detail",
        "s3",
        "eventSource",
        "eventTime",
        "eventVersion",
        "eventName",
        "eventID",
        "userIdentity",
        "messageId",
        "body",
        "attributes",
        "SentTimestamp",
        "CloudTrailEvent",
        "Event",
        "digestS3Object",
        "digestStartTime",
    ];

    fn read(text: &'a str, at: usize) -> json::Result<Self> {
        let mut reader = Reader::new(text, at);
        let mut places: Vec<(Cow<'a, str>, usize)> = Vec::new();
        reader.expect(b'{')?;
        let mut more = reader.first(b'}')?;
        while more {
            let key = reader.key()?;
            let null = reader.peek() == b'n';
            let start = reader.at;
            reader.skip(1)?;
            if let Some(name) = decode(text, key)
                && Self::NAMES.contains(&&*name)
            {
                places.retain(|(known, _)| *known != name);
                if !null {
                    places.push((name, start));
                }
            }
            more = reader.next(b'}')?;
        }
        Ok(Members { text, places })
    }

    /// Where the value of a member begins.
    fn get(&self, name: &str) -> Option<usize> {
        self.places.iter().find(|(known, _)| known == name).map(|(_, at)| *at)
    }

    /// A member's value as it stands there; nothing if it is null or not there.
    fn literal(&self, name: &str) -> &'a str {
        let Some(start) = self.get(name) else { return "" };
        let mut reader = Reader::new(self.text, start);
        // All of it has been read before.
        let end = reader.skip(1).map_or(start, |()| reader.at);
        self.text.get(start..end).unwrap_or_default()
    }

    /// The text of a member that is a string.
    fn string(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut reader = Reader::new(self.text, self.get(name)?);
        if reader.peek() != b'"' {
            return None;
        }
        decode(self.text, reader.string().ok()?)
    }
}
