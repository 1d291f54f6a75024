//! The flow as a whole: inputs -> runs of rows -> sorted rows of each partition -> Parquet objects -> store.

use crate::error::Error;
use crate::gather::{Gathered, Partitions, Worker};
use crate::input::{Input, Progress, Units};
use crate::output::{FileWritten, Output, Seen};
use crate::store::Store;
use crate::unknown::Unknown;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use crate::output::Options;

/// Bytes of rows that all workers together hold at first before they spill. Of 100,000 events (170 MB of rows) `convert` takes as long
/// with 16 MB as with 64, and less memory: each page of it is one that the machine has to find and to clear.
const GATHER_BYTES: usize = 16 << 20;
/// Bytes of rows that a worker may hold in any case: smaller runs would be too many to merge.
const MIN_GATHER_BYTES: usize = 4 << 20;
/// Spilled runs that all workers together keep at about: each is an open file, and 1,024 is a usual limit.
const OPEN_RUNS: usize = 256;

/// What happened. `records_in = rows_written + duplicates + filtered + rejected`, unless files could not be written.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Records found, pieces of garbage included.
    pub records_in: u64,
    /// Rows that are durable in the lake now.
    pub rows_written: u64,
    /// Records that were there already in the same file.
    pub duplicates: u64,
    /// Records known and meant to be skipped.
    pub filtered: u64,
    /// Records rejected, each kept with its reason.
    pub rejected: u64,
    /// Parquet files.
    pub files: Vec<FileWritten>,
    /// Files of rejected lines.
    pub rejected_files: Vec<String>,
    /// Partitions written to, by path, and how many files each got.
    #[serde(skip)]
    pub partitions: BTreeMap<String, usize>,
    /// The first few of the rejected lines, for a person: where, which reason, what is wrong.
    #[serde(skip)]
    pub examples: Vec<String>,
    /// Why files could not be written.
    #[serde(skip)]
    pub failures: Vec<Error>,
}

/// What came of one delivery to the function.
#[derive(Debug)]
pub struct Delivered {
    /// What happened.
    pub summary: Summary,
    /// How many SQS messages it was made of; none if it was no SQS event.
    pub messages: usize,
    /// Ids of the messages that must come again; None if all of the delivery must.
    pub to_come_again: Option<Vec<String>>,
    /// What the table does not know.
    pub unknown: Unknown,
    /// Earliest time of an event, in milliseconds since 1970.
    pub oldest: Option<i64>,
}

impl Delivered {
    /// Nothing is known of it but why: all of it must come again.
    pub fn failed(error: Error) -> Self {
        let summary = Summary { failures: vec![error], ..Summary::default() };
        Delivered { summary, messages: 0, to_come_again: None, unknown: Unknown::default(), oldest: None }
    }
}

/// Converts inputs into files of a lake.
///
/// # Errors
/// If nothing can be done at all: no threads, no room for temporary files. A file that cannot be written does not keep
/// the others from being written: see [`Summary::failures`].
pub fn convert(
    inputs: &[Input],
    store: &dyn Store,
    options: &Options,
    progress: &Arc<Progress>,
) -> Result<Summary, Error> {
    let pool = pool(options)?;
    let partitions = Partitions::default();
    match pool.install(|| gather(inputs, options, &partitions, progress)) {
        Ok(gathered) => Ok(write(gathered, partitions, store, options, &pool).0),
        Err(error) => Ok(Summary { failures: vec![error], ..Summary::default() }),
    }
}

/// Writes what was delivered to the function: an event, or an array of them in whatever wrapping.
///
/// # Errors
/// If nothing of it could be written: all of it must come again.
pub fn deliver(payload: &[u8], store: &dyn Store, options: &Options) -> Result<Delivered, Error> {
    let pool = pool(options)?;
    let partitions = Partitions::default();
    let progress = Progress::default();
    let mut worker =
        Worker::new(&options.layout, &partitions, &progress, GATHER_BYTES, OPEN_RUNS, options.own_writes.clone());
    worker.read_delivery(payload, DELIVERY)?;
    let mut gathered = worker.finish()?;
    let deliveries = gathered.deliveries.take().unwrap_or_default();
    let (summary, seen) = write(gathered, partitions, store, options, &pool);
    Ok(Delivered {
        messages: deliveries.messages(),
        to_come_again: deliveries.to_come_again(&seen.missing),
        unknown: seen.unknown,
        oldest: seen.oldest,
        summary,
    })
}

/// What rejected lines call an event that came by itself. The same each time it comes again.
const DELIVERY: &str = "invocation";

fn pool(options: &Options) -> Result<rayon::ThreadPool, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    pool.map_err(|error| Error::Usage(format!("cannot start {} threads: {error}", options.threads)))
}

/// Writes all that was gathered, and waits until it is durable.
fn write(
    mut gathered: Gathered,
    partitions: Partitions,
    store: &dyn Store,
    options: &Options,
    pool: &rayon::ThreadPool,
) -> (Summary, Seen) {
    let rows: u64 = gathered.partition_rows.iter().sum();
    let mut summary = Summary {
        records_in: rows + gathered.filtered + gathered.rejected.count(),
        filtered: gathered.filtered,
        ..Summary::default()
    };
    let rejected_lines = std::mem::take(&mut gathered.rejected);
    let paths = partitions.into_keys().iter().map(|key| key.path(&options.layout)).collect();
    let output = Output::new(store, options, paths, gathered.partition_rows);
    summary.duplicates = pool.install(|| output.write_rows(gathered.runs));
    summary.examples = output.write_rejected(rejected_lines);
    let done = output.finish();
    for (partition, file) in done.files {
        *summary.partitions.entry(partition).or_default() += 1;
        summary.files.push(file);
    }
    summary.rows_written = summary.files.iter().map(|file| file.rows).sum();
    summary.rejected = done.rejected_lines;
    summary.rejected_files = done.rejected_files;
    summary.failures = done.failures;
    if summary.failures.is_empty() && summary.records_in != summary.accounted() {
        let message = format!("{} records came in and {} are accounted for", summary.records_in, summary.accounted());
        summary.failures.push(Error::Bug(message));
    }
    (summary, done.seen)
}

impl Summary {
    /// Records that are accounted for.
    pub fn accounted(&self) -> u64 {
        self.rows_written + self.duplicates + self.filtered + self.rejected
    }
}

/// Every thread takes units until there are none.
fn gather(
    inputs: &[Input],
    options: &Options,
    partitions: &Partitions,
    progress: &Arc<Progress>,
) -> Result<Gathered, Error> {
    let units = Mutex::new(Units::new(inputs, progress.clone()));
    let budget = (GATHER_BYTES / options.threads).max(MIN_GATHER_BYTES);
    let open_runs = (OPEN_RUNS / options.threads).clamp(4, 128);
    let work = |_| {
        let mut worker = Worker::new(&options.layout, partitions, progress, budget, open_runs, None);
        loop {
            let unit = units.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(unit) = unit else { return worker.finish() };
            let name = &inputs[unit.input as usize].name;
            worker.read(unit, name)?;
        }
    };
    (0..options.threads).into_par_iter().map(work).try_reduce(Gathered::default, |a, b| Ok(a.merge(b)))
}
