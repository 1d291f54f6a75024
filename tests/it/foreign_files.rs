//! `cat` on files of a lake that another engine wrote, and on what is no file at all.

use crate::bad_input::record;
use crate::engine::{cat, command, convert};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::tempdir;

/// A Parquet file as an engine may write it that is not this program.
fn foreign_file(path: &Path, times: ArrayRef, parameters: Option<&str>) {
    let nothing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    let parameters: ArrayRef = Arc::new(StringArray::from(vec![parameters]));
    let columns = [("event_time", times), ("request_parameters", parameters), ("unmapped", nothing)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, values)| (name, values, true))).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn cat_says_what_it_cannot_restore_and_goes_on() {
    let folder = tempdir().unwrap();
    let lake = folder.path().join("lake");
    let file = folder.path().join("a.json");
    fs::write(&file, record(1)).unwrap();
    convert(&lake, &[], &[&file]);
    const MS: i64 = 1_791_104_465_000;
    let ms = |ms: i64| Arc::new(TimestampMillisecondArray::from(vec![ms]).with_timezone("UTC")) as ArrayRef;
    let good = folder.path().join("good.parquet");
    foreign_file(&good, ms(MS), Some(r#"{"a":1}"#));
    assert_eq!(cat(&good), [r#"{"eventTime":"2026-10-04T09:01:05Z","requestParameters":{"a":1}}"#]);

    let events = lake.join("events");
    let us = Arc::new(TimestampMicrosecondArray::from(vec![MS * 1000]).with_timezone("UTC"));
    foreign_file(&events.join("a.parquet"), us, None);
    foreign_file(&events.join("b.parquet"), ms(1 << 62), None);
    foreign_file(&events.join("c.parquet"), ms(MS), Some("not json"));
    std::os::unix::fs::symlink("nowhere", events.join("d.parquet")).unwrap();
    std::os::unix::fs::symlink("..", events.join("aloop")).unwrap();
    let output = command().arg("cat").arg(&lake).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 5, "{errors}");
    for said in ["milliseconds", "no time of a record", "request_parameters column is no JSON", "d.parquet", "aloop"] {
        assert!(errors.contains(said), "{said} in {errors}");
    }
    // Each says which file.
    assert!(["a.parquet", "b.parquet", "c.parquet"].iter().all(|file| errors.contains(file)), "{errors}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
}
