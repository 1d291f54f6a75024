//! What the benches read: records as text, generated and of the fixtures, and the rows of some.

use crate::events;
use criterion::Throughput;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use trailsink::extract::{Envelope, Rows};
use trailsink::json::minify;

/// Some 18 MB of records: more than the caches hold, as in any large input.
pub const RECORDS: usize = 10_000;

/// Generated records.
pub fn generated(count: usize, shuffle_keys: bool) -> Vec<String> {
    lines(count, &events::Options { shuffle_keys, envelope: false, ..events::Options::default() })
}

/// Generated events as EventBridge sends them.
pub fn enveloped(count: usize) -> Vec<String> {
    lines(count, &events::Options::default())
}

fn lines(count: usize, options: &events::Options) -> Vec<String> {
    let line = |n| {
        let mut text = String::new();
        events::append_event(&mut text, n, options);
        text
    };
    (0..count as u64).map(line).collect()
}

/// The records of the fixtures, over and over.
pub fn of_fixtures(count: usize) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut files: Vec<_> = ["eventbridge", "records"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("fixtures"))
        .map(|entry| entry.expect("a fixture").path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "gz"))
        .collect();
    files.sort_unstable();
    let mut found = Vec::new();
    for file in files {
        gather(&fs::read_to_string(file).expect("a fixture"), &mut found);
    }
    found.into_iter().cycle().take(count).collect()
}

/// Adds the records in a text, as AWS sends them: without white space between their values.
fn gather(text: &str, found: &mut Vec<String>) {
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.expect("fixtures are JSON").get();
        if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(value) {
            elements.iter().for_each(|element| gather(element.get(), found));
            continue;
        }
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).expect("fixtures are objects");
        let wrapped =
            ["detail", "Records", "Events", "CloudTrailEvent", "body"].into_iter().find_map(|name| members.get(name));
        match wrapped.map(|inside| (inside.get(), serde_json::from_str::<String>(inside.get()))) {
            Some((_, Ok(text))) => gather(&text, found),
            Some((inside, Err(_))) => gather(inside, found),
            None => {
                let mut record = String::new();
                minify(value, &mut record);
                found.push(record);
            }
        }
    }
}

/// Reads all records as rows; `take` is called whenever `convert` would take what there is.
pub fn read(records: &[String], rows: &mut Rows, mut take: impl FnMut(&mut Rows)) {
    // One of the fixtures has its time from there.
    let envelope = Envelope { time: Some("2026-10-04T09:01:05Z"), ..Envelope::default() };
    for record in records {
        rows.read(record, 0).expect("JSON");
        rows.commit(record, &envelope).expect("a record");
        if rows.is_full() {
            take(rows);
        }
    }
    take(rows);
}

/// The records' rows, packed, all of one partition.
pub fn packed(records: &[String]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    read(records, &mut Rows::new(), |rows| chunks.push(rows.take_packed()));
    chunks
}

/// How much a bench does: events, and bytes of their JSON.
pub fn amount(records: &[String]) -> Throughput {
    let bytes = records.iter().map(|record| record.len() as u64).sum();
    Throughput::ElementsAndBytes { elements: records.len() as u64, bytes }
}
