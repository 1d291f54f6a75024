//! Bad input: each ends in a clear message and exit status, with all good records written that could be.

use crate::engine::{cat, command, convert, files, read, read_in_windows, repository};
use crate::reference::Cell;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::tempdir;
use trailsink::extract::Rows;
use trailsink::partition::PartitionKey;
use trailsink::payload::{Piece, Sink, Stream};
use trailsink::rejected::Rejection;

/// A small record with an id of its own.
pub fn record(n: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","eventTime":"2026-10-04T09:01:05Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","eventID":"id-{n}","eventCategory":"Data","recipientAccountId":"111122223333"}}"#
    )
}

/// The lines of rejected files of a lake, as (reason, source, payload).
fn rejected(lake: &Path) -> Vec<(String, String, String)> {
    let lines = files(&lake.join("rejected")).into_values().flat_map(|file| {
        let text = String::from_utf8(file).unwrap();
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>()
    });
    let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines.map(|line| (text(&line, "reason"), text(&line, "source"), text(&line, "payload"))).collect()
}

/// Converts one file of the given content; gives rows, rejected (reason, source, payload), exit status.
fn convert_one(name: &str, content: &[u8]) -> (u64, Vec<(String, String, String)>, i32) {
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join(name), folder.path().join("lake"));
    fs::write(&file, content).unwrap();
    let (summary, status) = convert(&lake, &[], &[&file]);
    (
        summary["rows_written"].as_u64().unwrap(),
        if lake.join("rejected").exists() { rejected(&lake) } else { vec![] },
        status,
    )
}

#[test]
fn every_hostile_file_is_taken_as_expected() {
    let folder = repository("tests/hostile");
    let expected: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in expected.as_object().unwrap() {
        let lake = tempdir().unwrap();
        let (summary, status) = convert(lake.path(), &[], &[&folder.join(name)]);
        let rejected = if summary["rejected"] == 0 { Vec::new() } else { rejected(lake.path()) };
        let rows = summary["rows_written"].as_u64().unwrap();
        let count = |name: &str| (summary[name].as_u64().unwrap(), expected[name].as_u64().unwrap_or(0));
        let others = [count("filtered"), count("duplicates")].iter().all(|(found, wanted)| found == wanted);
        let codes: Vec<&str> = rejected.iter().map(|(reason, ..)| reason.as_str()).collect();
        let wanted: Vec<&str> =
            expected["rejected"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        if !others
            || rows != expected["rows"].as_u64().unwrap()
            || codes != wanted
            || status != i32::from(!wanted.is_empty())
        {
            wrong.push(format!("{name}: {rows} rows, {codes:?}, status {status} instead of {expected}; {summary}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unlisted = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let unlisted: Vec<String> =
        unlisted.filter(|name| name != "expected.json" && expected.get(name).is_none()).collect();
    assert!(unlisted.is_empty(), "no expectation for {unlisted:?}");
}

#[test]
fn nothing_to_do_is_said_and_is_no_failure() {
    let folder = tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let lake = folder.path().join("lake");
    let run = |path: &Path| {
        let output = command().args(["convert", "--to"]).arg(&lake).arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&empty).contains("no input found"));
    let file = folder.path().join("empty.json");
    fs::write(&file, "").unwrap();
    assert!(run(&file).contains("holds no records"));
    assert!(files(&lake).is_empty(), "{:?}", files(&lake).keys());
}

#[test]
fn a_truncated_gzip_gives_all_it_holds() {
    let records: Vec<String> = (0..2000).map(record).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(format!("{{\"Records\":[{}]}}", records.join(",")).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let (rows, rejected, status) = convert_one("a.json.gz", &whole[..whole.len() / 2]);
    assert!(rows > 800, "{rows}");
    assert_eq!((rejected.len(), rejected[0].0.as_str(), status), (1, "truncated", 1));
    assert!(
        records[usize::try_from(rows).unwrap()].starts_with(&rejected[0].2),
        "the piece is what was read of the next record"
    );
    // Spoiled in the middle: what was good before stays good.
    let mut spoiled = whole.clone();
    let middle = spoiled.len() / 2;
    spoiled[middle..middle + 64].fill(0xff);
    let (rows, rejected, status) = convert_one("a.json.gz", &spoiled);
    assert!(rows > 100 && !rejected.is_empty() && status == 1, "{rows} {}", rejected.len());
}

#[test]
fn a_truncated_line_costs_only_itself_wherever_it_is_cut() {
    let (a, b, c) = (record(1), record(2), record(3));
    for cut in 1..b.len() {
        let (rows, rejected, status) = {
            let collected = read(format!("{a}\n{}\n{c}\n", &b[..cut]).as_bytes());
            (collected.found.len(), collected.rejected.clone(), collected.codes())
        };
        assert_eq!((rows, rejected.len()), (2, 1), "cut at {cut}: {status:?}");
        assert_eq!(String::from_utf8_lossy(&rejected[0].1), b[..cut].trim_end(), "cut at {cut}");
    }
    let (rows, rejected, status) = convert_one("a.jsonl", format!("{a}\n{}\n{c}\n", &b[..60]).as_bytes());
    assert_eq!((rows, rejected.len(), status), (2, 1, 1));
    assert_eq!((rejected[0].0.as_str(), rejected[0].1.as_str()), ("truncated", "a.jsonl:2"));
}

#[test]
fn a_spoiled_element_costs_only_itself() {
    let records: Vec<String> = (0..5).map(record).collect();
    for (bad, code) in [
        ("{\"eventTime\":tru}", "invalid_json"),
        ("{\"a\":\"\u{1}\"}", "invalid_json"),
        ("[1,2]", "not_an_object"),
        ("7", "not_an_object"),
        ("{\"eventVersion\":\"1.0\",\"x\":\"unclosed}", "truncated"),
    ] {
        let payload = format!("{{\"Records\":[{},{bad},{}]}}", records[..2].join(","), records[2..].join(","));
        let collected = read(payload.as_bytes());
        assert_eq!(collected.found.len(), 5, "{bad}: {:?}", collected.codes());
        assert_eq!(collected.codes(), [code], "{bad}");
        assert_eq!(String::from_utf8_lossy(&collected.rejected[0].1), bad);
    }
    let mut payload = format!("{{\"Records\":[{},{{\"eventName\":\"", records[0]).into_bytes();
    payload.push(0xff);
    payload.extend_from_slice(format!("\"}},{}]}}", records[1]).as_bytes());
    let collected = read(&payload);
    assert_eq!((collected.found.len(), collected.codes()), (2, vec!["invalid_utf8".to_owned()]));
}

#[test]
fn containers_are_read_to_their_end_whatever_is_in_them() {
    let (a, b) = (record(1), record(2));
    let many: Vec<String> = (10..3000).map(record).collect();
    let many = many.join(",");
    for (payload, rows, codes) in [
        (format!(r#"{{"Records":[{a}],"Records":[{b}]}}"#), 2, &[] as &[&str]),
        (format!(r#"{{"Events":[],"x":1,"Records":[{a}]}}"#), 1, &[]),
        (format!(r#"{{"Records":[{a},{{"a":[}},{many}]}}"#), 2991, &["invalid_json"]),
        (format!(r#"{{"Records":[{a}}},{many}]}}"#), 2991, &["invalid_json"]),
        (format!(r#"[{a} {b},{many}]"#), 2992, &["invalid_json"]),
        (format!(r#"{{"version":"0","Records":[{a},{{"a":tru}},{b}]}}"#), 2, &["invalid_json"]),
        (format!("{{\0bad\n{a}\n"), 1, &["invalid_json"]),
        (format!("caf\u{e9} header\n{a}\n"), 1, &["invalid_json"]),
        (format!("{a},\n{b},\n{a},\n"), 3, &["invalid_json"]),
    ] {
        let collected = read(payload.as_bytes());
        let start = &payload[..payload.len().min(60)];
        assert_eq!(
            (collected.found.len(), collected.codes()),
            (rows, codes.iter().map(|c| c.to_string()).collect()),
            "{start}"
        );
        let pieces = crate::engine::read_in_windows(payload.as_bytes(), 10_000);
        assert_eq!((pieces.found.len(), pieces.codes()), (rows, collected.codes()), "{start} in windows");
    }
    let mut stray = b"caf\xe9 header\n".to_vec();
    stray.extend_from_slice(a.as_bytes());
    let collected = read(&stray);
    assert_eq!((collected.found.len(), collected.codes()), (1, vec!["invalid_utf8".to_owned()]));
}

/// Makes rows and rejects pieces, and only counts them.
#[derive(Default)]
struct Counted {
    rows: Rows,
    pieces: u64,
}

impl Sink for Counted {
    fn rows(&mut self) -> &mut Rows {
        &mut self.rows
    }

    fn row(&mut self, _: PartitionKey) {
        self.pieces += 1;
        if self.rows.is_full() {
            self.rows.take();
        }
    }

    fn rejected(&mut self, _: Rejection, _: Piece<'_>) {
        self.pieces += 1;
    }

    fn filtered(&mut self) {
        self.pieces += 1;
    }

    fn pieces(&self) -> u64 {
        self.pieces
    }
}

/// Seconds that this thread has had of a processor; where that cannot be read, seconds since it was begun.
fn processor_time(begun: Instant) -> f64 {
    let file = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = file.and_then(|file| file.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| begun.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

/// Seconds from a payload to its columns; as often as it takes to tell, where time is counted in ticks.
fn time(payload: &[u8]) -> f64 {
    let begun = Instant::now();
    let before = processor_time(begun);
    for runs in 1.. {
        let mut counted = Counted::default();
        Stream::default().advance(payload, true, &mut counted);
        counted.rows.take();
        assert!(counted.pieces > 0);
        let spent = processor_time(begun) - before;
        if spent > 0.15 {
            return spent / f64::from(runs);
        }
    }
    unreachable!()
}

/// A record with members of its own.
fn record_of(members: &str) -> Vec<u8> {
    format!("{{\"eventVersion\":\"1.11\",\"eventTime\":\"2026-10-04T09:01:05Z\",{members}}}\n").into_bytes()
}

/// Members beside each other.
fn members(count: usize, member: impl Fn(usize) -> String) -> String {
    (0..count).map(member).collect::<Vec<_>>().join(",")
}

/// Input that is made to take long: name, how many times what ordinary input takes a byte it may take, and what makes it of a size.
type Hostile = (&'static str, f64, fn(usize) -> Vec<u8>);

/// With bounds for the dev profile, in which this crate is not optimised; of the shipped one `benches/hostile.rs` says more.
const HOSTILE: &[Hostile] = &[
    ("open brackets", 3.0, |size| b"[".repeat(size)),
    ("one key", 9.0, |size| record_of(&members(size / 10, |n| format!("\"key\":\"{n}\"")))),
    ("one key that is known", 3.0, |size| record_of(&members(size / 10, |n| format!("\"eventName\":\"{n}\"")))),
    ("many keys", 4.5, |size| record_of(&members(size / 10, |n| format!("\"key{n}\":\"{n}\"")))),
    ("many keys in a request", 3.0, |size| {
        let members = members(size / 10, |n| format!("\"key{n}\":\"{n}\""));
        record_of(&format!("\"requestParameters\":{{{members}}}"))
    }),
    ("escapes in a column", 3.0, |size| record_of(&format!("\"userAgent\":\"{}\"", "\\n".repeat(size / 2)))),
    ("escapes in a request", 3.0, |size| {
        record_of(&format!("\"requestParameters\":{{\"a\":\"{}\"}}", "\\u0041".repeat(size / 6)))
    }),
    ("escapes in a name", 3.0, |size| record_of(&format!("\"{}\":1", "\\n".repeat(size / 2)))),
    // Of many small pieces each costs what a piece costs: what is excluded here is time that grows with the square.
    ("short lines before a byte that is not UTF-8", 10.0, |size| [&b"x\n".repeat(size / 4)[..], b"\xff"].concat()),
    ("lines that are too deep", 3.0, |size| format!("{{\"a\":{}\n", "[".repeat(140)).repeat(size / 200).into_bytes()),
    ("elements that are not closed", 60.0, |size| [b"[", &b"{\"eventVersion\":[[,".repeat(size / 30)[..]].concat()),
    ("commas", 6.0, |size| b",".repeat(size / 2)),
];

#[test]
fn time_grows_with_the_bytes_of_hostile_input() {
    let events = fs::read_dir(repository("events/eventbridge")).unwrap().filter_map(|file| {
        let event: serde_json::Value = serde_json::from_str(&fs::read_to_string(file.unwrap().path()).ok()?).ok()?;
        Some(event.to_string() + "\n")
    });
    let ordinary = events.collect::<String>().repeat(5).into_bytes();
    assert!(ordinary.len() > 500_000);
    for (name, bound, input) in HOSTILE {
        let (half, whole) = (input(150_000), input(300_000));
        // Of several turns the best: what else the machine does can only add to it.
        let (mut usual, mut half_time, mut whole_time) = (f64::MAX, f64::MAX, f64::MAX);
        let (mut ratio, mut growth) = (0.0, 0.0);
        let holds = (0..10).any(|_| {
            usual = usual.min(time(&ordinary) / ordinary.len() as f64);
            (half_time, whole_time) = (half_time.min(time(&half)), whole_time.min(time(&whole)));
            ratio = whole_time / whole.len() as f64 / usual;
            growth = 2.0 * (whole_time / whole.len() as f64) / (half_time / half.len() as f64);
            ratio < *bound && growth < 2.3
        });
        println!("{name}: {ratio:.2} times ordinary input per byte, {growth:.2} times as long for twice of it");
        assert!(holds, "{name}: {ratio:.2} times ordinary input per byte, {growth:.2} times as long for twice of it");
    }
}

/// Measured: 16 MB for the least input and 16 bytes a byte for many keys, of which each is noted.
#[test]
fn memory_grows_with_the_bytes_of_hostile_input() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    for (name, _, input) in HOSTILE {
        let payload = input(if name.starts_with("escapes in a column") { 10_000_000 } else { 1_000_000 });
        fs::write(&file, &payload).unwrap();
        let mut command = command();
        command.args(["convert", "--to"]).arg(folder.path().join(name)).arg(&file);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let kilobytes =
                status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
            peak = peak.max(kilobytes.unwrap_or(0_usize) << 10);
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("{name}: {} kB of input, {} MB of memory", payload.len() >> 10, peak >> 20);
        assert!(peak < (32 << 20) + 24 * payload.len(), "{name}: {} MB of memory", peak >> 20);
    }
}

#[test]
fn a_line_of_100_mb_is_too_large_and_held_by_no_one() {
    let mut content = record(1).into_bytes();
    content.push(b'\n');
    let begin = content.len();
    content.extend_from_slice(b"{\"eventName\":\"");
    content.resize(begin + 100_000_000, b'x');
    content.extend_from_slice(b"\"}\n");
    let length = content.len() - begin - 1;
    content.extend_from_slice(record(2).as_bytes());
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join("a.jsonl"), folder.path().join("lake"));
    fs::write(&file, &content).unwrap();
    let (summary, status) = convert(&lake, &[], &[&file]);
    assert_eq!((summary["rows_written"].as_u64(), summary["rejected"].as_u64(), status), (Some(2), Some(1), 1));
    let line = files(&lake.join("rejected")).into_values().next().unwrap();
    let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((line["reason"].as_str(), line["payload_bytes"].as_u64()), (Some("too_large"), Some(length as u64)));
    assert_eq!(line["payload"].as_str().unwrap().len(), 1 << 20);
    // Garbage of that length, too.
    let collected = read(&vec![b'y'; 40_000_000]);
    assert_eq!(collected.codes(), ["invalid_json"]);
}

#[test]
fn nesting_of_10_000_levels_is_too_deep() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let good = record(1);
        let line = format!("{{\"eventTime\":\"2026-10-04T09:01:05Z\",\"x\":{deep}}}");
        let collected =
            read(format!("{{\n  \"x\": {}\n}}\n{good}\n", deep.replace(open, &format!("{open}\n  "))).as_bytes());
        assert_eq!((collected.found.len(), collected.codes()), (1, vec!["too_deep".to_owned()]), "over many lines");
        let collected = read(format!("{line}\n{good}\n").as_bytes());
        assert_eq!((collected.found.len(), collected.codes()), (1, vec!["too_deep".to_owned()]));
        let collected = read(format!("{{\"Records\":[{good},{line},{deep}]}}").as_bytes());
        assert_eq!((collected.found.len(), collected.codes()), (1, vec!["too_deep".to_owned(), "too_deep".to_owned()]));
    }
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_written() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("good.json"), record(1)).unwrap();
    // Root may read anything, so a link to nowhere stands for a file that cannot be read.
    std::os::unix::fs::symlink("/nonexistent/file", input.join("bad.json")).unwrap();
    let lake = folder.path().join("lake");
    let missing = folder.path().join("missing.json");
    let (summary, status) = convert(&lake, &[], &[&input, &missing]);
    assert_eq!((summary["rows_written"].as_u64(), summary["rejected"].as_u64(), status), (Some(1), Some(2), 1));
    let mut sources: Vec<(String, String)> =
        rejected(&lake).into_iter().map(|(reason, source, _)| (reason, source)).collect();
    sources.sort();
    assert_eq!(sources[0].0, "unreadable");
    assert!(sources[0].1.starts_with("bad.json") && sources[1].1.starts_with("missing.json"), "{sources:?}");
}

#[test]
fn a_lake_that_cannot_be_written_is_said_at_once() {
    let folder = tempdir().unwrap();
    let (file, in_the_way) = (folder.path().join("a.json"), folder.path().join("file"));
    fs::write(&file, record(1)).unwrap();
    fs::write(&in_the_way, "").unwrap();
    for lake in [in_the_way.join("lake"), in_the_way.clone(), Path::new("/proc/nowhere").to_owned()] {
        let output = command().args(["convert", "--to"]).arg(&lake).arg(&file).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("cannot write") && errors.lines().count() == 1, "{errors}");
    }
}

#[test]
fn a_full_disk_leaves_only_whole_files() {
    let folder = tempdir().unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: a file system of 1 MB can only be mounted as root");
        return;
    }
    let file = folder.path().join("a.jsonl");
    // Some twenty partitions of 150 kB each: not all fit.
    let days = (1..=20).flat_map(|day| {
        (0..2000).map(move |n| {
            let noise = blake3::hash(format!("{day} {n}").as_bytes()).to_hex();
            record(n)
                .replace("2026-10-04", &format!("2026-10-{day:02}"))
                .replace("\"id-", &format!("\"{noise}{noise}-"))
        })
    });
    fs::write(&file, days.collect::<Vec<_>>().join("\n")).unwrap();
    let lake = small.join("lake");
    let output = command().args(["convert", "--to"]).arg(&lake).arg(&file).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let left = files(&lake);
    let whole = lake.exists() && cat(&lake).len() >= 2000;
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("make room"), "{errors}");
    assert!(left.keys().all(|name| name.ends_with(".parquet")), "{:?}", left.keys());
    assert!(!left.is_empty() && whole, "what fits is there and can be read");
}

#[test]
fn values_from_events_do_not_get_into_paths() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.json");
    let hostile = record(1)
        .replace("eu-west-1", "../../etc")
        .replace("111122223333", "../../etc")
        .replace("\"Data\"", "\"../../etc\"");
    fs::write(&file, hostile).unwrap();
    let lake = folder.path().join("lake");
    convert(&lake, &["--partition-by", "region,account_id,category,event_date"], &[&file]);
    let all = files(folder.path());
    let parquet: Vec<&String> = all.keys().filter(|name| name.ends_with(".parquet")).collect();
    assert_eq!(parquet.len(), 1);
    assert!(
        parquet[0]
            .starts_with("lake/events/region=unknown/account_id=unknown/category=other/event_date=2026-10-04/v1-")
    );
    assert_eq!(all.len(), 2);
}

#[test]
fn converting_a_folder_beside_its_own_lake_twice_changes_nothing() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.json"), format!("{}\nbroken\n", record(1))).unwrap();
    let run = || {
        let output = command().current_dir(folder.path()).args(["convert", "--summary", "json", "."]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (summary, files(folder.path()))
    };
    let first = run();
    assert_eq!(first.0["records_in"], 2);
    assert_eq!(first.0["rows_written"], 1);
    assert_eq!(run(), first);
}

#[test]
fn a_killed_run_leaves_no_half_file_and_the_next_one_clears_up() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.jsonl");
    let lines = (0..40_000).map(|n| record(n).replace("-04T", &format!("-{:02}T", n % 28 + 1)));
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let clean = folder.path().join("clean");
    convert(&clean, &[], &[&file]);
    let expected = files(&clean);
    let lake = folder.path().join("lake");
    for wait in [5, 20, 50, 100, 150, 200, 300, 400, 600, 800] {
        let mut child = command()
            .args(["convert", "--to"])
            .arg(&lake)
            .arg(&file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        if !lake.exists() {
            continue;
        }
        for (name, content) in files(&lake) {
            if name.ends_with(".parquet") {
                assert_eq!(Some(&content), expected.get(&name), "{name} after {wait} ms");
            } else {
                assert!(name.starts_with("_trailsink_staging/"), "{name}");
            }
        }
    }
    convert(&lake, &[], &[&file]);
    assert_eq!(files(&lake), expected);
}

#[test]
fn members_of_a_record_after_a_container_are_rejected_and_not_dropped() {
    let own = r#""eventTime":"2026-10-04T09:01:05Z","eventName":"X" , "eventID":"e""#;
    for (elements, rows) in [("", 0), (record(1).as_str(), 1)] {
        let (written, rejected, status) =
            convert_one("a.json", format!("{{\"Records\":[{elements}],\"n\":1, {own} }}\n").as_bytes());
        assert_eq!((written, status), (rows, 1));
        assert_eq!(rejected, [("not_cloudtrail".to_owned(), "a.json:1".to_owned(), own.to_owned())]);
    }
    // However it comes.
    let elements: Vec<String> = (0..60).map(record).collect();
    let payload =
        format!("{{\"Records\":[{}],{own},\"more\":\"{}\"}}{}", elements.join(","), "x".repeat(900), record(60));
    for step in [1, 100, 5000] {
        let found = read_in_windows(payload.as_bytes(), step);
        assert_eq!((found.found.len(), found.codes()), (61, vec!["not_cloudtrail".to_owned()]), "{step}");
        assert!(found.rejected[0].1.starts_with(own.as_bytes()) && found.rejected[0].1.ends_with(b"xxx\""));
    }
    // Where its own members come first it is a record, whatever else it has.
    let (written, rejected, status) = convert_one("a.json", format!("{{{own},\"Records\":[]}}").as_bytes());
    assert_eq!((written, rejected.len(), status), (1, 0, 0));
}

#[test]
fn a_record_of_16_mb_is_taken_and_a_longer_one_is_not_whatever_is_around_it() {
    let padded = |length: usize, more: &str| {
        let head = format!(r#"{{"eventTime":"2026-10-04T09:01:05Z"{more},"x":""#);
        format!(r#"{head}{}"}}"#, "a".repeat(length - head.len() - 2))
    };
    let bridged = |record: String| format!(r#"{{"id":"x","detail-type":"a via CloudTrail","detail":{record}}}"#);
    const LIMIT: usize = 16 << 20;
    for (content, rows) in [
        (padded(LIMIT, ""), 1),
        (padded(LIMIT + 1, ""), 0),
        (bridged(padded(LIMIT, "")), 1),
        (bridged(padded(LIMIT + 1, "")), 0),
        // A name that wrappings have.
        (padded(LIMIT, r#","body":1"#), 1),
        (padded(LIMIT + 1, r#","body":1"#), 0),
    ] {
        let (written, rejected, _) = convert_one("a.json", content.as_bytes());
        assert_eq!(written, rows, "{}", &content[..60]);
        assert!(rows == 1 || rejected[0].0 == "too_large");
    }
}

#[test]
fn a_link_that_leads_nowhere_is_passed_over_by_its_name() {
    let folder = tempdir().unwrap();
    let (inputs, lake) = (folder.path().join("in"), folder.path().join("lake"));
    fs::create_dir(&inputs).unwrap();
    fs::write(inputs.join("a.json"), record(1)).unwrap();
    std::os::unix::fs::symlink("nowhere", inputs.join("foo.txt")).unwrap();
    std::os::unix::fs::symlink("foo", inputs.join("foo")).unwrap();
    let (summary, status) = convert(&lake, &[], &[&inputs]);
    assert_eq!((summary["rows_written"].as_u64(), summary["rejected"].as_u64(), status), (Some(1), Some(0), 0));
    std::os::unix::fs::symlink("nowhere", inputs.join("b.json")).unwrap();
    let (summary, status) = convert(&lake, &[], &[&inputs]);
    assert_eq!((summary["rejected"].as_u64(), status), (Some(1), 1));
}

#[test]
fn the_same_record_in_envelopes_of_other_times_is_a_duplicate() {
    let event = |time: &str, name: &str| {
        format!(
            r#"{{"id":"b{time}","detail-type":"AWS API Call via CloudTrail","time":"2026-10-{time}Z","detail":{{"eventID":"d1","eventName":"{name}"}}}}"#
        )
    };
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join("a.jsonl"), folder.path().join("lake"));
    let (first, next) = ([("01", "X"), ("02", "X"), ("03", "Y"), ("04", "X")], [("05", "X"), ("06", "X")]);
    let of_day = |day: &str, events: &[(&str, &str)]| -> Vec<String> {
        events.iter().map(|(second, name)| event(&format!("{day}T09:01:{second}"), name)).collect()
    };
    // Of the next day it is a row of another file.
    let events = [of_day("04", &first), of_day("05", &next)].concat();
    fs::write(&file, events.join("\n")).unwrap();
    let (summary, status) = convert(&lake, &[], &[&file]);
    assert_eq!((summary["rows_written"].as_u64(), summary["duplicates"].as_u64(), status), (Some(3), Some(3), 0));
    let mut records = cat(&lake);
    records.sort();
    let [x, y] = [r#"{"eventID":"d1","eventName":"X"}"#, r#"{"eventID":"d1","eventName":"Y"}"#];
    assert_eq!(records, [x, x, y]);
}

#[test]
fn what_is_rejected_within_a_message_has_the_day_of_the_outermost_that_has_one() {
    let inner = serde_json::json!({"Records": [{"messageId": "i", "body": "{", "eventSource": "aws:sqs"}]});
    let outer = serde_json::json!({"Records": [{
        "messageId": "o", "body": inner.to_string(), "eventSource": "aws:sqs",
        "attributes": {"SentTimestamp": "1791446400000"},
    }]});
    let folder = tempdir().unwrap();
    let (file, lake) = (folder.path().join("a.json"), folder.path().join("lake"));
    fs::write(&file, outer.to_string()).unwrap();
    convert(&lake, &[], &[&file]);
    let names: Vec<String> = files(&lake.join("rejected")).into_keys().collect();
    assert!(names.len() == 1 && names[0].starts_with("reject_date=2026-10-08/"), "{names:?}");
}

#[test]
fn a_long_target_costs_a_rule_no_other_target() {
    let targets = ["1.1.1.1/32", &"x".repeat(520), "2.2.2.2/32"].map(|cidr| format!(r#"{{"cidrIp":"{cidr}"}}"#));
    let record = format!(
        r#"{{"eventTime":"2026-10-04T09:01:05Z","eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{{"ipPermissions":{{"items":[{{"ipProtocol":"tcp","fromPort":1,"toPort":2,"ipRanges":{{"items":[{}]}}}}]}}}}}}"#,
        targets.join(",")
    );
    let rules = ["tcp 1-2 1.1.1.1/32", "tcp 1-2 2.2.2.2/32"].map(|rule| Some(rule.to_owned()));
    assert_eq!(read(record.as_bytes()).found[0].row.get("ec2_ip_rules"), Some(&Cell::List(rules.to_vec())));
}
