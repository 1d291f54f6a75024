//! The engine against the slow reference, on hostile records and real ones: rows, partitions, restored records, counts.

use crate::engine::{Collected, read, read_in_windows, shared_data};
use crate::hostile;
use crate::reference::{self, Cell, Envelope, Row};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Cases of each property: the same in every run, so that a change is what makes a difference. PROPTEST_CASES asks for
/// another number of them, and PROPTEST_RNG_SEED for others.
fn config() -> ProptestConfig {
    let given = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    let rng_seed = proptest::test_runner::RngSeed::Fixed(given.unwrap_or(2026));
    ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(cases(2000)) }
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
        // On one line: over many, a line of it that is an object of its own would be taken for a neighbour.
        prop_assert_eq!(read(record.replace(['\n', '\r'], " ").as_bytes()).codes(), vec!["too_deep"]);
    }

    #[test]
    fn windows_make_no_difference(
        // More than the 8 KB by which an input is told, and damage in the midst of it.
        records in prop::collection::vec(hostile::record(), 8..20),
        broken in hostile::broken(),
        place in 0usize..8,
        step in 500usize..20_000,
        form in 0u8..3,
    ) {
        let (before, after) = records.split_at(place);
        let pieces = before.iter().map(|r| r.as_bytes()).chain([broken.as_slice()]).chain(after.iter().map(|r| r.as_bytes()));
        let pieces: Vec<&[u8]> = pieces.collect();
        let (open, between, close): (&[u8], &[u8], &[u8]) = match form {
            0 => (b"", b"\n", b"\n"),
            1 => (b"{\"Records\":[", b",", b"]}"),
            _ => (b"[", b" ,\n ", b"]\n"),
        };
        let payload = [open, &pieces.join(between), close].concat();
        let (whole, windows) = (read(&payload), read_in_windows(&payload, step));
        let restored = |c: &Collected| c.found.iter().map(|found| found.restored.clone()).collect::<Vec<_>>();
        let pieces = |c: &Collected| -> Vec<(String, String)> {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            c.codes().into_iter().zip(c.rejected.iter().map(|(_, piece)| text(piece))).collect()
        };
        prop_assert_eq!(pieces(&whole), pieces(&windows));
        prop_assert_eq!(restored(&whole), restored(&windows));
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
        // The spoiled line is there too: as rejected pieces that are pieces of it, or as what it is by itself.
        let count = |c: &Collected| c.found.len() + c.rejected.len() + c.filtered;
        let own = usize::from(count(&read(&line(&broken))) > 0);
        prop_assert!(count(&together) >= alone.iter().map(count).sum::<usize>() + own, "nothing is said of it");
    }
}

#[test]
fn wrapped_instance_profiles_agree() {
    for (profile, expected) in [
        (r#"{"name":"x","arn":"a"}"#, Some("x")),
        (r#"{"items":[{"name":"x"},{"name":"y"}]}"#, Some("x")),
        (r#"{"Item":{"Arn":"a"}}"#, Some("a")),
        (r#"{"items":{"item":[{"value":{"name":"x"}}]}}"#, Some("x")),
        (r#"[{"name":"","arn":"a"},{"name":"n"}]"#, Some("a")),
        (r#"{"items":{"arn":"a"},"name":"x"}"#, Some("a")),
        (r#"{"arn":"a","items":{"name":"x"}}"#, Some("a")),
        (r#"{"items":{},"name":"x"}"#, Some("x")),
        (r#"{"id":1,"items":{"name":"x"}},"more":{"iamInstanceProfile":{"name":"y"}}"#, None),
        (r#"{"items":{"iamInstanceProfile":{"name":"x"}}}"#, None),
    ] {
        let record = format!(
            r#"{{"eventTime":"2026-10-04T09:01:05Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","requestParameters":{{"iamInstanceProfile":{profile}}}}}"#
        );
        let collected = read(record.as_bytes());
        check(&collected, &record, None).unwrap_or_else(|message| panic!("{message} of {profile}"));
        let expected = expected.map(|text| Cell::Text(text.to_owned()));
        assert_eq!(collected.found[0].row.get("ec2_iam_instance_profile"), expected.as_ref(), "{profile}");
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
