//! The fixtures of `events/` against the rows that were written down for them by hand.

use crate::engine::{Found, read, repository};
use crate::reference::{self, Cell};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

#[test]
fn rows_are_those_expected() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for entry in walkdir::WalkDir::new(repository("events")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_dir() {
            continue;
        }
        let relative = entry.path().strip_prefix(repository("events")).unwrap();
        let collected = read(&content(entry.path()));
        if !collected.rejected.is_empty() {
            wrong.push(format!("{}: rejected {:?}", relative.display(), collected.codes()));
        }
        let Some(expected) = expected(relative) else {
            wrong.push(format!("{}: nothing is expected of it", relative.display()));
            continue;
        };
        if expected.len() != collected.found.len() {
            wrong.push(format!("{}: {} rows instead of {}", relative.display(), collected.found.len(), expected.len()));
        }
        for (found, expected) in collected.found.iter().zip(&expected) {
            rows += 1;
            compare(found, expected).unwrap_or_else(|message| wrong.push(format!("{}: {message}", relative.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 60, "{rows}");
}

/// The content of a file, decompressed if need be.
fn content(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut content = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut content).unwrap();
    content
}

/// What is expected of a file of `events/`: `tests/expected/`, the same path, ending in `.json`.
fn expected(relative: &Path) -> Option<Vec<Value>> {
    let name = relative.to_str().unwrap().trim_end_matches(".gz");
    let path = repository("tests/expected").join(name).with_extension("json");
    Some(serde_json::from_str::<Value>(&fs::read_to_string(path).ok()?).unwrap().as_array().unwrap().clone())
}

fn compare(found: &Found, expected: &Value) -> Result<(), String> {
    let id = expected["event_id"].as_str().unwrap_or("no id");
    if !found.partition.starts_with(expected["partition"].as_str().unwrap()) {
        return Err(format!("{id}: partition {}", found.partition));
    }
    let row = expected["row"].as_object().unwrap();
    let names: std::collections::BTreeSet<&str> =
        row.keys().map(String::as_str).chain(found.row.keys().copied()).collect();
    let wrong: BTreeMap<&str, String> = names
        .into_iter()
        .filter(|name| !agrees(found.row.get(name), row.get(*name)))
        .map(|name| (name, format!("{:?} instead of {:?}", found.row.get(name), row.get(name))))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{id}: {wrong:?}")) }
}

fn agrees(cell: Option<&Cell>, expected: Option<&Value>) -> bool {
    let (Some(cell), Some(expected)) = (cell, expected) else { return cell.is_none() && expected.is_none() };
    match cell {
        Cell::Text(text) => expected == text,
        Cell::Bool(bool) => expected == bool,
        Cell::Int(n) => expected == n,
        Cell::Time(ms) => expected.as_str().and_then(reference::millis) == Some(*ms),
        Cell::List(list) => *expected == serde_json::to_value(list).unwrap(),
        Cell::Json(json) => reference::equal(json, &expected.to_string()),
    }
}
