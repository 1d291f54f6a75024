//! What a person types and sees.

use crate::bad_input::record;
use crate::engine::{command, files, repository, trailsink};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs;
use std::process::Command;
use tempfile::tempdir;

#[test]
fn wrong_usage_is_said_in_one_line() {
    for arguments in [
        &[] as &[&str],
        &["convert"],
        &["convert", "--threads", "0", "x"],
        &["convert", "--threads", "100000", "x"],
        &["convert", "--to", "", "x"],
        &["convert", "--partition-by", "category", "x"],
        &["convert", "--partition-by", "bucket,event_date", "x"],
        &["convert", "--log-events", "some", "x"],
        &["convert", "--nonsense", "x"],
        &["convert", "--to", "s4://bucket", "x"],
        &["frobnicate"],
        &["schema", "--format", "xml"],
        &["cat"],
    ] {
        let output = trailsink(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty());
    }
    let output = trailsink(&[]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("subcommand"));
}

#[test]
fn flag_variable_and_help_are_one() {
    let help = String::from_utf8(trailsink(&["convert", "--help"]).stdout).unwrap();
    for name in ["TO", "PARTITION_BY", "LOG_EVENTS", "THREADS"] {
        assert!(help.contains(&format!("TRAILSINK_{name}")), "{name} in {help}");
        assert!(help.contains(&format!("--{}", name.to_lowercase().replace('_', "-"))));
    }
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.json"), record(1)).unwrap();
    let output = command()
        .current_dir(folder.path())
        .env("TRAILSINK_TO", "elsewhere")
        .env("TRAILSINK_PARTITION_BY", "event_date,region")
        .env("TRAILSINK_THREADS", "1")
        .env("TRAILSINK_LOG_EVENTS", "all")
        .args(["convert", "a.json"])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(folder.path().join("elsewhere/events/event_date=2026-10-04/region=eu-west-1").is_dir());
    assert!(String::from_utf8(output.stderr).unwrap().contains(r#""message":"event""#));
}

#[test]
fn the_summary_says_what_was_written_and_what_to_type_next() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.json"), format!("{}\n{{\n", record(1))).unwrap();
    let output = command().current_dir(folder.path()).args(["convert", "a.json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "2 records in: 1 rows written, 0 duplicates, 0 filtered, 1 rejected",
        "lake/rejected/",
        "trailsink cat lake\n",
        "duckdb",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // The summary as JSON has standard output for itself.
    let output =
        command().current_dir(folder.path()).args(["convert", "--summary", "json", "a.json"]).output().unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["records_in", "rows_written", "duplicates", "filtered", "rejected"] {
        assert!(summary[name].is_u64(), "{name}");
    }
    let path = summary["files"][0]["path"].as_str().unwrap();
    let length = fs::metadata(folder.path().join(path)).unwrap().len();
    assert_eq!(summary["files"][0]["bytes"].as_u64(), Some(length));
    assert_eq!(summary["rejected_files"].as_array().unwrap().len(), 1);
}

#[test]
fn events_are_logged_as_json_lines_that_values_cannot_forge() {
    let folder = tempdir().unwrap();
    let forged = record(1).replace("GetObject", "x\\n{\\\"level\\\":\\\"ERROR\\\"}\\u001b[31m");
    let failed =
        record(2).replacen('{', r#"{"errorCode":"AccessDenied","requestParameters":{"bucketName":"b","key":"k"},"#, 1);
    fs::write(folder.path().join("a.jsonl"), format!("{forged}\n{failed}")).unwrap();
    let lines = |which: &str| {
        let output =
            command().current_dir(folder.path()).args(["convert", "--log-events", which, "a.jsonl"]).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        errors.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let all = lines("all");
    assert_eq!(all.len(), 2);
    for line in &all {
        assert!(
            line["timestamp"].as_str().unwrap().ends_with('Z') && line["level"] == "INFO" && line["message"] == "event"
        );
    }
    let errors = lines("errors");
    assert_eq!(errors.len(), 1);
    for (name, value) in [("event_id", "id-2"), ("outcome", "denied"), ("s3_bucket_name", "b"), ("s3_object_key", "k")]
    {
        assert_eq!(errors[0][name], value);
    }
    assert!(lines("none").is_empty());
}

#[test]
fn cat_tells_what_is_no_file_of_a_lake_and_stops_when_no_one_reads() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    fs::write(&file, "PAR1 nonsense PAR1").unwrap();
    let output = trailsink(&["cat", file.to_str().unwrap()]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("cannot read") && errors.contains("a.parquet"), "{errors}");
    fs::write(folder.path().join("b.jsonl"), (0..5000).map(record).collect::<Vec<_>>().join("\n")).unwrap();
    let program = env!("CARGO_BIN_EXE_trailsink");
    let script = format!(
        "{program} convert --to lake b.jsonl >/dev/null && {program} cat lake | head -n 1 && echo ${{PIPESTATUS[0]}}"
    );
    let output = Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn cat_gives_the_other_files_where_the_parquet_reader_panics() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), (0..100).map(record).collect::<Vec<_>>().join("\n")).unwrap();
    let status = command().current_dir(folder.path()).args(["convert", "a.jsonl"]).status().unwrap();
    assert!(status.success());
    let (name, mut bytes) = files(&folder.path().join("lake")).into_iter().next().unwrap();
    let good = folder.path().join("lake").join(name);
    let reader = SerializedFileReader::new(fs::File::open(&good).unwrap()).unwrap();
    let column = reader.metadata().row_group(0).column(0);
    // In the footer: fields 6 and 7 of the first column, its sizes, and the field that follows them. The lowest bit is the sign.
    let sizes = [column.uncompressed_size(), column.compressed_size()].map(zigzag);
    let footer = [&[0x16], &sizes[0][..], &[0x16], &sizes[1][..], &[0x26]].concat();
    let at = bytes.windows(footer.len()).rposition(|window| window == footer).unwrap();
    bytes[at + 2 + sizes[0].len()] ^= 1;
    let broken = folder.path().join("broken.parquet");
    fs::write(&broken, bytes).unwrap();
    let output = trailsink(&["cat", broken.to_str().unwrap(), good.to_str().unwrap()]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("broken.parquet: damaged in a way"), "{errors}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 100);
}

/// A number in Thrift's compact form.
fn zigzag(number: i64) -> Vec<u8> {
    let mut rest = (number << 1) as u64;
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

#[test]
fn a_terminal_sees_a_progress_bar() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), (0..60_000).map(record).collect::<Vec<_>>().join("\n")).unwrap();
    // `script` gives the program a terminal.
    let line = format!("{} convert a.jsonl", env!("CARGO_BIN_EXE_trailsink"));
    let Ok(output) = Command::new("script").current_dir(folder.path()).args(["-qec", &line, "/dev/null"]).output()
    else {
        println!("skipped: the command `script` of util-linux gives the program a terminal");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("events/s") && shown.contains(" of "), "{shown}");
    let output = command().current_dir(folder.path()).args(["convert", "a.jsonl"]).output().unwrap();
    assert!(output.stderr.is_empty(), "no bar where there is no terminal");
}

#[test]
fn what_is_there_twice_or_passed_over_is_said() {
    let folder = tempdir().unwrap();
    let run = || {
        let output = command().current_dir(folder.path()).args(["convert", "--to", "lake", "."]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(folder.path().join("a.json"), record(1)).unwrap();
    assert!(!run().contains("note:") && !run().contains("note:"));
    fs::write(folder.path().join("b.json"), record(2)).unwrap();
    fs::write(folder.path().join("c.txt"), record(3)).unwrap();
    let text = run();
    assert!(text.contains("note: 1 partitions hold files of other runs too"), "{text}");
    assert!(text.contains("1 files passed over"), "{text}");
}

#[test]
fn a_log_that_no_one_reads_costs_nothing() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), (0..3000).map(record).collect::<Vec<_>>().join("\n")).unwrap();
    let script = format!("{} convert --log-events all a.jsonl 2>/dev/full", env!("CARGO_BIN_EXE_trailsink"));
    let output = Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("3000 rows written"));
}

#[test]
fn the_fixtures_convert_as_the_readme_says() {
    let folder = tempdir().unwrap();
    let output = command().current_dir(folder.path()).arg("convert").arg(repository("events")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains(" 0 rejected"));
}
