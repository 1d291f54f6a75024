//! The same input gives the same keys with the same bytes, whatever the threads and whatever had to be spilled; and a
//! record that comes twice is one row.

use crate::bad_input::record;
use crate::engine::{cat, command, convert, files, read};
use crate::{hostile, reference};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use tempfile::tempdir;
use trailsink::extract::{Envelope, Rows};
use trailsink::packed::PackedRow;
use trailsink::run::{Merge, Run};

/// Events of the benches.
#[path = "../../benches/events/mod.rs"]
mod events;

fn generated(n: u64, options: &events::Options) -> String {
    let mut text = String::new();
    for i in 0..n {
        events::append_event(&mut text, i, options);
        text.push('\n');
    }
    text
}

#[test]
fn threads_make_no_difference() {
    let folder = tempdir().unwrap();
    // 24 MB in one file, so that it is cut; more in small files, some broken lines, some records twice.
    let large = generated(13_000, &events::Options::default());
    fs::write(folder.path().join("large.jsonl"), &large).unwrap();
    for i in 0..20 {
        let mut small =
            generated(50, &events::Options { seed: 100 + i, shuffle_keys: true, ..events::Options::default() });
        writeln!(small, "broken line {i}\n{{\"cut\":").unwrap();
        small.extend(large.lines().skip(usize::try_from(i).unwrap() * 100).take(30).flat_map(|line| [line, "\n"]));
        fs::write(folder.path().join(format!("small-{i:02}.json")), small).unwrap();
    }
    let lake = |threads: &str| {
        let lake = tempdir().unwrap();
        let (summary, status) = convert(lake.path(), &["--threads", threads], &[folder.path()]);
        assert_eq!(status, 1);
        assert_eq!(summary["rejected"], 40);
        assert_eq!(summary["duplicates"], 600);
        assert_eq!(summary["rows_written"], 14_000);
        files(lake.path())
    };
    let one = lake("1");
    assert_eq!(one, lake("2"));
    assert_eq!(one, lake("16"));
}

#[test]
fn many_partitions_are_written_within_bounds() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let (accounts, regions, days) = (60, 4, 30);
    let mut text = String::new();
    for n in 0..2 * accounts * regions * days {
        // A stride that no count divides: neighbours in the file are far apart in the lake.
        let k = n * 7919 % (accounts * regions * days);
        let line = record(n)
            .replace("111122223333", &format!("{:012}", 100_000 + k % accounts))
            .replace("eu-west-1", &format!("eu-west-{}", k / accounts % regions))
            .replace("2026-10-04", &format!("2026-09-{:02}", k / accounts / regions + 1));
        writeln!(text, "{line}").unwrap();
    }
    fs::write(&file, &text).unwrap();
    let by = ["--partition-by", "account_id,region,event_date", "--threads"];
    let run = |threads: &str| {
        let lake = tempdir().unwrap();
        let (summary, status) = convert(lake.path(), &[by[0], by[1], by[2], threads], &[&file]);
        assert_eq!((status, summary["rows_written"].as_u64()), (0, Some(14_400)));
        files(lake.path())
    };
    let two = run("2");
    assert_eq!(two.len(), 7200);
    assert_eq!(two, run("1"));
    assert!(
        two.keys()
            .any(|key| key.starts_with("events/account_id=000000100007/region=eu-west-3/event_date=2026-09-30/v1-"))
    );
}

#[test]
fn duplicates_are_records_of_the_same_content() {
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join("a.jsonl"), folder.path().join("lake"));
    let one = record(1);
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&one).unwrap()).unwrap();
    let wrapped = |id: &str| {
        format!(
            r#"{{"version":"0","id":"{id}","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","account":"111122223333","time":"2026-10-04T09:01:05Z","region":"eu-west-1","resources":[],"detail":{one}}}"#
        )
    };
    let unknown = |members: &str| one.replacen('{', &format!("{{{members},"), 1);
    let nameless = one.replace(r#","eventID":"id-1""#, "");
    let lines = [
        one.clone(),
        pretty,
        wrapped("a"),
        wrapped("b"),
        one.replace("GetObject", "Get\\u004fbject"),
        one.replacen('{', r#"{"errorCode":null,"#, 1),
        // The same id, but something else: all are kept.
        unknown(r#""x":{"a":1,"b":2}"#),
        unknown(r#""x":{"a":1,"b":3}"#),
        // The same as the first of these in another order.
        unknown(r#""x":{"b":2,"a":1}"#),
        // Without an id no two are the same.
        nameless.clone(),
        nameless,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let (summary, status) = convert(&lake, &[], &[&file]);
    assert_eq!((status, &summary["rows_written"], &summary["duplicates"]), (0, &5.into(), &6.into()));
    let restored = cat(&lake);
    assert_eq!(restored.iter().filter(|line| line.contains(r#""b":3"#)).count(), 1);
    assert_eq!(restored.iter().filter(|line| !line.contains("eventID")).count(), 2);
}

#[test]
fn hostile_records_come_back_from_the_lake() {
    let mut runner = TestRunner::deterministic();
    let mut text = String::new();
    let mut expected: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut accepted = 0;
    let strategy = hostile::record();
    for _ in 0..1500 {
        let record = strategy.new_tree(&mut runner).unwrap().current();
        for found in read(record.as_bytes()).found {
            assert!(reference::same(&record, &found.restored));
            *expected.entry(content(&found.restored)).or_default() += 1;
            accepted += 1;
        }
        text.push_str(&record);
        text.push('\n');
    }
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join("a.json"), folder.path().join("lake"));
    fs::write(&file, text).unwrap();
    let (summary, _) = convert(&lake, &[], &[&file]);
    assert_eq!(summary["rows_written"].as_u64().unwrap() + summary["duplicates"].as_u64().unwrap(), accepted);
    let mut found: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for line in cat(&lake) {
        *found.entry(content(&line)).or_default() += 1;
    }
    for (record, count) in &found {
        assert!(
            expected.get(record).is_some_and(|wanted| wanted >= count),
            "not sent: {}",
            String::from_utf8_lossy(record)
        );
    }
    for (record, count) in &expected {
        let there = found.get(record).copied().unwrap_or(0);
        let text = String::from_utf8_lossy(record);
        assert!(there == *count || (there >= 1 && text.contains("eventID")), "lost: {text}");
    }
}

/// Equal for records that count as the same, and so may be duplicates.
fn content(record: &str) -> Vec<u8> {
    let mut content = Vec::new();
    trailsink::json::canonical(&trailsink::json::Tree::parse(record).unwrap(), &mut content);
    content
}

#[test]
fn standard_input_and_gzip_are_read_like_files() {
    let folder = tempdir().unwrap();
    let text = generated(300, &events::Options::default());
    fs::write(folder.path().join("a.jsonl"), &text).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    let compressed = gzip.finish().unwrap();
    let of = |content: &[u8]| {
        let lake = tempdir().unwrap();
        let mut child = command();
        child.args(["convert", "--to"]).arg(lake.path()).arg("-").stdin(std::process::Stdio::piped());
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), content).unwrap();
        assert!(child.wait().unwrap().success());
        files(lake.path())
    };
    let lake = tempdir().unwrap();
    convert(lake.path(), &[], &[folder.path()]);
    let expected = files(lake.path());
    assert!(!expected.is_empty());
    assert_eq!(of(text.as_bytes()), expected);
    assert_eq!(of(&compressed), expected);
}

#[test]
fn more_runs_than_are_merged_at_a_time_come_out_in_order() {
    let options = events::Options { envelope: false, ..events::Options::default() };
    let mut rows = Rows::new();
    let mut runs = Vec::new();
    for n in 0..1000 {
        let mut record = String::new();
        events::append_event(&mut record, n, &options);
        rows.read(&record, 0).unwrap();
        rows.commit(&record, &Envelope::default()).unwrap().unwrap();
        rows.set_partition((n % 3) as u32);
        if n % 5 == 4 {
            let run = Run::sort(vec![rows.take_packed()]);
            // Some in memory, some on disk: 200 in all, 128 at a time.
            runs.push(if n % 2 == 0 { run } else { run.spill().unwrap() });
        }
    }
    let mut merge = Merge::of(runs).unwrap();
    let mut last: Vec<u8> = Vec::new();
    let mut count = 0;
    while let Some(row) = merge.peek() {
        if let Some(last) = PackedRow::at(&last, 0) {
            assert!(last.compare(row).is_le());
        }
        last = row.bytes().to_vec();
        count += 1;
        merge.advance().unwrap();
    }
    assert_eq!(count, 1000);
}

#[test]
fn duplicates_have_no_say_in_where_a_file_is_cut() {
    let folder = tempdir().unwrap();
    // Some 20 MB: more than a block takes.
    let long = |n: usize| record(n).replace("GetObject", &format!("GetObject\",\"x\":\"{}", "a".repeat(60_000)));
    let once: String = (0..350).map(|n| long(n) + "\n").collect();
    let keys = [once.clone(), once.lines().map(|line| format!("{line}\n{line}\n")).collect()].map(|content| {
        let (file, lake) = (folder.path().join("a.jsonl"), folder.path().join("lake"));
        fs::write(&file, content).unwrap();
        let (summary, _) = convert(&lake, &[], &[&file]);
        assert_eq!(summary["rows_written"], 350);
        let found = files(&lake);
        fs::remove_dir_all(&lake).unwrap();
        found
    });
    assert!(keys[0] == keys[1], "{:?} {:?}", keys[0].keys(), keys[1].keys());
}
