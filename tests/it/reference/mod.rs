//! The slow, obviously right reading of one record: the oracle that the engine is compared with.
//!
//! Written from the words of the contract (quoted in the comments), without code of the engine. It
//! keeps a tree of the record, takes every column from it on its own, and may be wasteful. Size
//! limits, compression and the wrappings around records are not its subject.

#![allow(clippy::unwrap_used, reason = "a panic fails a test")]

mod derived;
mod ec2;
mod json;
mod members;
mod partition;
mod restore;
mod s3;
#[cfg(test)]
mod tests;
mod time;

pub use json::{Kind, MAX_DEPTH, Member, Value, compact, parse};
pub use partition::partition;
pub use restore::{equal, restore, same};
pub use time::millis;

use derived::{needles, outcome, resource_lists, roles_and_keys};
use ec2::ec2;
use members::wire_columns;
use s3::s3;
use std::collections::BTreeMap;

/// A value that is not NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Bool(bool),
    Int(i64),
    /// Milliseconds since 1970, UTC.
    Time(i64),
    List(Vec<Option<String>>),
    Json(String),
}

/// The columns that are not NULL, by name.
pub type Row = BTreeMap<&'static str, Cell>;

/// What a row or a partition takes from the EventBridge event around a record.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    pub id: Option<String>,
    pub detail_type: Option<String>,
    pub time: Option<String>,
    pub account: Option<String>,
}

/// The columns of one record, or the code under which it is rejected.
pub fn row(record_text: &str, envelope: Option<&Envelope>) -> Result<Row, &'static str> {
    let text = compact(record_text)?;
    let record = parse(&text);
    let Kind::Object(members) = &record.kind else {
        return Err("not_an_object");
    };
    let mut row = Row::new();
    let mut unmapped = wire_columns(members, &mut Vec::new(), &mut row);
    accept(&record, &row)?;
    event_time(&record, envelope, &mut row, &mut unmapped)?;
    if !unmapped.is_empty() {
        let object = format!("{{{}}}", unmapped.join(","));
        row.insert("unmapped", Cell::Json(object));
    }
    if let Some(envelope) = envelope {
        put_text(&mut row, "bridge_event_id", envelope.id.clone());
        put_text(&mut row, "bridge_detail_type", envelope.detail_type.clone());
    }
    outcome(&record, &mut row);
    resource_lists(&record, &mut row);
    needles(&record, &mut row);
    roles_and_keys(&record, &mut row);
    s3(&record, &mut row);
    ec2(&record, &mut row);
    Ok(row)
}

fn put_text(row: &mut Row, column: &'static str, text: Option<String>) {
    row.extend(text.map(|t| (column, Cell::Text(t))));
}

/// "List columns other than resource_*: the values in document order, each once, empty strings left
/// out; NULL if none."
fn put_list(row: &mut Row, column: &'static str, values: Vec<String>) {
    let mut once: Vec<Option<String>> = Vec::new();
    for value in values.into_iter().filter(|v| !v.is_empty()).map(Some) {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    if !once.is_empty() {
        row.insert(column, Cell::List(once));
    }
}

/// A text column, "" for NULL.
fn text_of<'r>(row: &'r Row, column: &str) -> &'r str {
    match row.get(column) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

/// What is no CloudTrail record, whatever its time.
fn accept(record: &Value, row: &Row) -> Result<(), &'static str> {
    let is = |column: &str, text: &str| text_of(row, column) == text;
    if is("event_category", "Aggregated") || is("event_type", "AwsAggregatedEvent") {
        return Err("aggregated_event");
    }
    #[rustfmt::skip]
    let signs = [
        "eventVersion", "eventTime", "eventName", "eventSource", "eventID", "userIdentity",
        "eventType", "requestParameters",
    ];
    let unlike = signs.iter().all(|s| record.at(&[s]).is_none());
    // An S3 notification also has eventTime, eventName and eventSource.
    if is("event_source", "aws:s3") || unlike { Err("not_cloudtrail") } else { Ok(()) }
}

/// "a readable `eventTime` between 2006-01-01 and 2100-01-01"; "Only if eventTime is absent or null
/// the envelope's `time` counts."
fn event_time(
    record: &Value,
    envelope: Option<&Envelope>,
    row: &mut Row,
    unmapped: &mut Vec<String>,
) -> Result<(), &'static str> {
    if record.at(&["eventTime"]).is_none() {
        let time = envelope.and_then(|e| e.time.as_deref());
        let ms = millis(time.ok_or("missing_event_time")?);
        row.extend(ms.map(|ms| ("event_time", Cell::Time(ms))));
        // "a null in it takes a member away": the record had none.
        unmapped.push("\"eventTime\":null".to_string());
    }
    let range = millis("2006-01-01T00:00:00Z").unwrap()..millis("2100-01-01T00:00:00Z").unwrap();
    match row.get("event_time") {
        Some(Cell::Time(ms)) if range.contains(ms) => Ok(()),
        Some(_) => Err("time_out_of_range"),
        None => Err("invalid_event_time"),
    }
}
