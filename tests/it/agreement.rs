//! The engine against the slow reference, on hostile records and real ones: rows, partitions, restored records, counts.

use crate::engine::{Collected, read, read_in_windows, shared_data};
use crate::hostile;
use crate::reference::{self, Cell, Envelope, Row};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Cases of each property; PROPTEST_CASES asks for more.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases(2000)) }
}

fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}

/// Compares what came of one record with what the reference says.
fn check(collected: &Collected, record: &str, envelope: Option<&Envelope>) -> Result<(), String> {
    match (reference::row(record, envelope), collected.found.as_slice(), collected.codes().as_slice()) {
        (Ok(mut expected), [found], []) => {
            let partition = reference::partition(&expected, envelope);
            let partition = format!(
                "category={}/event_date={}/account_id={}/region={}",
                partition.category, partition.event_date, partition.account_id, partition.region
            );
            if partition != found.partition {
                return Err(format!("partition {} instead of {partition}", found.partition));
            }
            if !reference::same(record, &found.restored) {
                return Err(format!("restored to {}", found.restored));
            }
            let mut row = found.row.clone();
            compare_unmapped(&mut expected, &mut row)?;
            compare_rows(&expected, &row)
        }
        (Err(code), [], [found]) if code == found => Ok(()),
        (expected, rows, codes) => {
            Err(format!("{} rows and {codes:?} instead of {:?}", rows.len(), expected.map(|row| row.len())))
        }
    }
}

/// unmapped is compared as JSON.
fn compare_unmapped(expected: &mut Row, row: &mut Row) -> Result<(), String> {
    match (expected.remove("unmapped"), row.remove("unmapped")) {
        (None, None) => Ok(()),
        (Some(Cell::Json(a)), Some(Cell::Json(b))) if reference::equal(&a, &b) => Ok(()),
        (a, b) => Err(format!("unmapped {b:?} instead of {a:?}")),
    }
}

fn compare_rows(expected: &Row, row: &Row) -> Result<(), String> {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(row.keys()).collect();
    for name in names {
        if expected.get(name) != row.get(name) {
            return Err(format!("{name}: {:?} instead of {:?}", row.get(name), expected.get(name)));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bare_records_agree(record in hostile::record()) {
        check(&read(record.as_bytes()), &record, None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn events_agree(bridged in hostile::bridged()) {
        check(&read(bridged.event.as_bytes()), &bridged.record, Some(&bridged.envelope)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn too_deep_is_too_deep(record in hostile::too_deep()) {
        prop_assert_eq!(read(record.as_bytes()).codes(), vec!["too_deep"]);
    }

    #[test]
    fn windows_make_no_difference(
        records in prop::collection::vec(hostile::record(), 1..6),
        broken in hostile::broken(),
        step in 1usize..20_000,
        form in 0u8..3,
    ) {
        let mut payload = match form {
            0 => records.join("\n").into_bytes(),
            1 => format!("{{\"Records\":[{}]}}", records.join(",")).into_bytes(),
            _ => format!("[{}]\n", records.join(" ,\n ")).into_bytes(),
        };
        payload.extend_from_slice(b"\n");
        payload.extend_from_slice(&broken);
        let (whole, pieces) = (read(&payload), read_in_windows(&payload, step));
        let restored = |c: &Collected| c.found.iter().map(|found| found.restored.clone()).collect::<Vec<_>>();
        prop_assert_eq!(restored(&whole), restored(&pieces));
        prop_assert_eq!(&whole.rejected, &pieces.rejected);
    }

    #[test]
    fn spoiled_lines_cost_only_themselves(
        good in prop::collection::vec(hostile::record(), 2),
        broken in hostile::broken(),
    ) {
        // On one line each: what a log of lines is.
        let line = |text: &[u8]| text.iter().map(|b| if *b == b'\n' { b' ' } else { *b }).collect::<Vec<u8>>();
        let good: Vec<Vec<u8>> = good.iter().map(|record| line(record.trim().as_bytes())).collect();
        let alone: Vec<Collected> = good.iter().map(|record| read(record)).collect();
        let payload = [good[0].clone(), line(&broken), good[1].clone()].join(&b'\n');
        let together = read(&payload);
        for single in &alone {
            for found in &single.found {
                prop_assert!(together.found.iter().any(|other| other.restored == found.restored), "lost {}", found.restored);
            }
        }
        // Nothing of the spoiled line is lost either: rows and rejected pieces together hold its bytes or its records.
        prop_assert!(together.found.len() + together.rejected.len() + together.filtered >= 2);
    }
}

#[test]
fn real_records_agree() {
    let Some(folder) = shared_data() else { return };
    let mut files: Vec<_> =
        std::fs::read_dir(folder.join("cloudtrail")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut records, mut accepted, mut rejected) = (0, 0, BTreeMap::<String, u32>::new());
    let mut mismatches = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "ndjson")) {
        for (number, record) in std::fs::read_to_string(file).unwrap().lines().enumerate() {
            let collected = read(record.as_bytes());
            records += 1;
            accepted += collected.found.len();
            for code in collected.codes() {
                *rejected.entry(code).or_default() += 1;
            }
            if let Err(message) = check(&collected, record, None) {
                mismatches.push(format!("{}:{}: {message}", file.display(), number + 1));
            }
        }
    }
    println!("{records} real records: {accepted} rows, rejected {rejected:?}, {} mismatches", mismatches.len());
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    assert!(accepted > 2000 && accepted + rejected.values().sum::<u32>() as usize == records);
}
