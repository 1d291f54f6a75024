//! The engine in process, and the program as a process, for the other modules.

use crate::reference::Cell;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use trailsink::columns::{COLUMNS, Kind};
use trailsink::extract::Rows;
use trailsink::partition::{Layout, PartitionKey};
use trailsink::payload::{Piece, Sink, Stream};
use trailsink::rejected::{Code, Rejection};
use trailsink::restore;

/// What came of a payload.
#[derive(Default)]
pub struct Collected {
    rows: Rows,
    keys: Vec<PartitionKey>,
    /// Of each row its values, its record restored, and its partition by all four columns.
    pub found: Vec<Found>,
    pub rejected: Vec<(Code, Vec<u8>)>,
    pub filtered: usize,
}

/// One row.
#[derive(Debug)]
pub struct Found {
    pub row: BTreeMap<&'static str, Cell>,
    pub restored: String,
    pub partition: String,
}

impl Sink for Collected {
    fn rows(&mut self) -> &mut Rows {
        &mut self.rows
    }

    fn row(&mut self, key: PartitionKey) {
        self.keys.push(key);
        if self.rows.is_full() {
            self.take();
        }
    }

    fn rejected(&mut self, rejection: Rejection, piece: Piece<'_>) {
        self.rejected.push((rejection.code, piece.bytes.to_vec()));
    }

    fn filtered(&mut self) {
        self.filtered += 1;
    }

    fn pieces(&self) -> u64 {
        (self.keys.len() + self.found.len() + self.rejected.len() + self.filtered) as u64
    }
}

impl Collected {
    fn take(&mut self) {
        let rows = self.rows.len();
        let columns = self.rows.take();
        let layout: Layout = "category,event_date,account_id,region".parse().unwrap();
        for (row, key) in (0..rows).zip(self.keys.drain(..)) {
            let mut restored = Vec::new();
            restore::record(&columns, row, &mut restored).unwrap();
            self.found.push(Found {
                row: cells(&columns, row),
                restored: String::from_utf8(restored).unwrap(),
                partition: key.path(&layout),
            });
        }
    }

    /// Names of the codes, in order.
    pub fn codes(&self) -> Vec<String> {
        self.rejected.iter().map(|(code, _)| code_name(*code)).collect()
    }
}

/// A code as it stands in a rejected line.
pub fn code_name(code: Code) -> String {
    serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
}

/// Reads a payload whole.
pub fn read(payload: &[u8]) -> Collected {
    let mut collected = Collected::default();
    let done = Stream::default().advance(payload, true, &mut collected);
    assert_eq!(done, payload.len(), "not all of the payload was read");
    collected.take();
    collected
}

/// Reads a payload in windows that grow by `step` bytes at a time, as from a slow pipe.
pub fn read_in_windows(payload: &[u8], step: usize) -> Collected {
    let mut collected = Collected::default();
    let mut stream = Stream::default();
    let (mut start, mut end) = (0, 0);
    while end < payload.len() {
        end = (end + step).min(payload.len());
        start += stream.advance(&payload[start..end], false, &mut collected);
    }
    stream.advance(&payload[start..], true, &mut collected);
    collected.take();
    collected
}

/// The values of a row that are not NULL.
pub fn cells(columns: &[ArrayRef], row: usize) -> BTreeMap<&'static str, Cell> {
    let there = COLUMNS.iter().zip(columns).filter(|(_, values)| values.is_valid(row));
    there.map(|(column, values)| (column.name, cell(values, row, column.kind))).collect()
}

fn cell(values: &ArrayRef, row: usize, kind: Kind) -> Cell {
    match values.data_type() {
        DataType::Utf8 if kind == Kind::Json => Cell::Json(values.as_string::<i32>().value(row).to_owned()),
        DataType::Utf8 => Cell::Text(values.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Cell::Bool(values.as_boolean().value(row)),
        DataType::Int64 => Cell::Int(values.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => Cell::Time(values.as_primitive::<TimestampMillisecondType>().value(row)),
        _ => {
            let list = values.as_list::<i32>().value(row);
            Cell::List(list.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
        }
    }
}

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Real records that lie beside the repository or where TRAILSINK_SHARED_DATA says; None, said so, where there are none.
pub fn shared_data() -> Option<PathBuf> {
    let given = std::env::var_os("TRAILSINK_SHARED_DATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| repository("../shared/data"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no real records in {}; set TRAILSINK_SHARED_DATA", folder.display());
    None
}

/// Runs the program, without any settings from the environment.
pub fn trailsink(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

/// The program, without any settings from the environment.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trailsink"));
    for name in ["TRAILSINK_TO", "TRAILSINK_PARTITION_BY", "TRAILSINK_LOG_EVENTS", "TRAILSINK_THREADS"] {
        command.env_remove(name);
    }
    command
}

/// Memory that no conversion of the tests may pass, whatever its input. Most of it is constant: batches, pages, windows.
const MAX_MEMORY: u64 = 450 << 20;

/// Converts paths into a lake with further arguments; gives the summary and the exit status. Checks what holds for every
/// run: the counts balance, and memory is bounded.
pub fn convert(lake: &Path, arguments: &[&str], paths: &[&Path]) -> (serde_json::Value, i32) {
    let mut command = command();
    command.args(["convert", "--summary", "json", "--to"]).arg(lake).args(arguments).args(paths);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let peak = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(now) = peak_memory(&status) {
            peak = now;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    let peak = peak.join().unwrap();
    assert!(peak < MAX_MEMORY, "{} MB of memory", peak >> 20);
    let errors = String::from_utf8_lossy(&output.stderr);
    let summary: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no summary: {errors}"));
    let count = |name: &str| summary[name].as_u64().unwrap();
    if output.status.code() == Some(0) || errors.is_empty() {
        let accounted = count("rows_written") + count("duplicates") + count("filtered") + count("rejected");
        assert_eq!(count("records_in"), accounted, "counts do not balance");
    }
    (summary, output.status.code().unwrap())
}

/// The peak of a process's memory so far, in bytes; None when it has ended, or where there is no such file.
fn peak_memory(status: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// What `cat` prints of a lake, line by line.
pub fn cat(lake: &Path) -> Vec<String> {
    let output = trailsink(&["cat", lake.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every file below a folder with its content, by relative path.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}
