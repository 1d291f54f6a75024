//! Any bytes, as a record and as a payload. As a record: the engine says the same as the slow reference, and the row gives the record
//! back. As a payload: nothing panics, all of it is read, and each row that comes of it is that of the record it gives back.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::cell::RefCell;
use trailsink_fuzz::edits::edit;
use trailsink_fuzz::engine::{Found, cells, code_name, read};
use trailsink_fuzz::extract::{Envelope, Rows};
use trailsink_fuzz::grammar::{Verdict, json_text};
use trailsink_fuzz::partition::{Layout, PartitionKey};
use trailsink_fuzz::reference::{self, Cell, Row};
use trailsink_fuzz::{restore, verdict};

thread_local! {
    /// Kept from record to record, as in the program: what one leaves behind must not matter to the next.
    static ROWS: RefCell<Rows> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let record = text.trim_start_matches([' ', '\t', '\n', '\r']);
        if record.starts_with('{') {
            ROWS.with_borrow_mut(|rows| check_record(record, rows));
        }
    }
    for found in read(data).found {
        if reference::row(&found.restored, None).is_err() {
            // Its time is that of the event around it.
            continue;
        }
        let again = extract(&found.restored, &mut Rows::new()).unwrap_or_else(|code| panic!("{code}: {}", found.restored));
        assert!(reference::same(&found.restored, &again.restored), "{} and then {}", found.restored, again.restored);
        compare(members(found.row), members(again.row));
    }
});

/// A row without what depends on the order of members, which is that of the table where a record is restored, and without what is
/// not of the record.
fn members(mut row: Row) -> Row {
    row.retain(|name, cell| {
        let ordered = matches!(cell, Cell::List(_)) || name.starts_with("ec2_");
        !ordered && !name.starts_with("bridge_")
    });
    row
}

/// The row of a record that is JSON, else the code under which it is rejected.
fn extract(record: &str, rows: &mut Rows) -> Result<Found, String> {
    let end = rows.read(record, 0).unwrap_or_else(|error| panic!("{error:?}: {record}"));
    assert_eq!(end, record.trim_end().len(), "the end of the record");
    let committed = rows.commit(record, &Envelope::default());
    let key: PartitionKey = match committed {
        Ok(committed) => committed.expect("no writes are one's own"),
        Err(rejection) => return Err(code_name(rejection.code)),
    };
    let columns = rows.take();
    let mut restored = Vec::new();
    restore::record(&columns, 0, &mut restored).expect("a row is restored");
    let layout: Layout = "category,event_date,account_id,region".parse().expect("a layout");
    let restored = String::from_utf8(restored).expect("UTF-8");
    Ok(Found { row: cells(&columns, 0), restored, partition: key.path(&layout) })
}

/// Holds the engine to the grammar and to the reference.
fn check_record(record: &str, rows: &mut Rows) {
    let expected = json_text(record.as_bytes());
    assert_eq!(verdict(record, rows.read(record, 0)), expected, "the extraction and the grammar");
    if expected != Verdict::Taken {
        return;
    }
    let found = extract(record, rows);
    match (reference::row(record, None), found) {
        (Ok(row), Ok(found)) => {
            assert!(reference::same(record, &found.restored), "restored to {}", found.restored);
            let partition = reference::partition(&row, None);
            let partition = format!(
                "category={}/event_date={}/account_id={}/region={}",
                partition.category, partition.event_date, partition.account_id, partition.region
            );
            assert_eq!(partition, found.partition);
            compare(row, found.row);
        }
        (Err(expected), Err(found)) if expected == found => {}
        // Wrappings are not the reference's subject.
        (_, Err(found)) if found == "not_cloudtrail" && record.contains("aws:sqs") => {}
        (expected, found) => panic!("{found:?} instead of {expected:?}"),
    }
}

/// unmapped is compared as JSON.
fn compare(mut expected: Row, mut row: Row) {
    match (expected.remove("unmapped"), row.remove("unmapped")) {
        (None, None) => {}
        (Some(Cell::Json(a)), Some(Cell::Json(b))) if reference::equal(&a, &b) => {}
        (a, b) => panic!("unmapped {b:?} instead of {a:?}"),
    }
    assert_eq!(row, expected);
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let edited = edit(&data[..size], seed);
    let size = edited.len().min(max_size);
    data[..size].copy_from_slice(&edited[..size]);
    size
});
