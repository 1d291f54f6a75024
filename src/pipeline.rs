//! The flow as a whole: inputs -> runs of rows -> sorted rows of each partition -> Parquet objects -> store.

use crate::batch::{Batch, gather_column};
use crate::duplicates::Duplicates;
use crate::encode::{BLOCK_BYTES, BLOCK_ROWS, Encoder, name};
use crate::error::Error;
use crate::gather::{Gathered, Partitions, RejectedLines, Worker};
use crate::input::{Input, Progress, Units};
use crate::log::{LogEvents, log_row};
use crate::partition::Layout;
use crate::rejected;
use crate::run::{Block, Merge};
use crate::store::Store;
use crate::time::date;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::NamedTempFile;

/// Bytes of rows that all workers together hold before they spill.
const GATHER_BYTES: usize = 64 << 20;
/// Bytes of rows that a worker may hold in any case: smaller runs would be too many to merge.
const MIN_GATHER_BYTES: usize = 8 << 20;
/// Spilled runs that all workers together keep at about: each is an open file, and 1,024 is a usual limit.
const OPEN_RUNS: usize = 256;
/// Rows after which a file ends if enough rows for another are left: about 200 MB of Parquet.
const MAX_FILE_ROWS: usize = 32 * 4 * BLOCK_ROWS;
/// Rows that must be left for another file.
const MIN_FILE_ROWS: usize = 50_000;

/// Rejected lines that a person is shown.
const EXAMPLES: usize = 5;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Partition columns.
    pub layout: Layout,
    /// Which events are logged.
    pub log_events: LogEvents,
    /// How many threads work.
    pub threads: usize,
}

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
    /// Partitions written to that hold files of other runs too.
    #[serde(skip)]
    pub shared_partitions: usize,
    /// The first few of the rejected lines, for a person: where, which reason, what is wrong.
    #[serde(skip)]
    pub examples: Vec<String>,
    /// Why files could not be written.
    #[serde(skip)]
    pub failures: Vec<Error>,
}

/// One Parquet file.
#[derive(Debug, Serialize)]
pub struct FileWritten {
    /// Where it is.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
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
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|error| Error::Usage(format!("cannot start {} threads: {error}", options.threads)))?;
    let partitions = Partitions::default();
    let mut gathered = match pool.install(|| gather(inputs, options, &partitions, progress)) {
        Ok(gathered) => gathered,
        Err(error) => return Ok(Summary { failures: vec![error], ..Summary::default() }),
    };
    let rows: u64 = gathered.partition_rows.iter().sum();
    let mut summary = Summary {
        records_in: rows + gathered.filtered + gathered.rejected.count(),
        filtered: gathered.filtered,
        ..Summary::default()
    };
    let rejected_lines = std::mem::take(&mut gathered.rejected);
    let output = Output {
        store,
        options,
        paths: partitions.into_keys().iter().map(|key| key.path(&options.layout)).collect(),
        rows: gathered.partition_rows,
        done: Mutex::default(),
        encoding: AtomicUsize::new(0),
    };
    let written = Merge::of(gathered.runs).and_then(|merge| pool.install(|| output.write_all(merge)));
    let mut done = output.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (partition, files) in &done.by_partition {
        let names = store.list(&format!("events/{}", output.paths[*partition]))?;
        let there = names.iter().filter(|name| name.ends_with(".parquet")).count();
        summary.shared_partitions += usize::from(there > *files);
    }
    match written {
        Ok(duplicates) => summary.duplicates = duplicates,
        Err(error) => done.failures.push(error),
    }
    if let Err(error) = write_rejected(rejected_lines, store, &mut summary) {
        done.failures.push(error);
    }
    done.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    summary.rows_written = done.files.iter().map(|file| file.rows).sum();
    summary.files = done.files;
    summary.failures = done.failures;
    if summary.failures.is_empty() && summary.records_in != summary.accounted() {
        let message = format!("{} records came in and {} are accounted for", summary.records_in, summary.accounted());
        summary.failures.push(Error::Bug(message));
    }
    Ok(summary)
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
    let open_runs = (OPEN_RUNS / options.threads).clamp(4, 64);
    let work = |_| {
        let mut worker = Worker::new(&options.layout, partitions, progress, budget, open_runs);
        loop {
            let unit = units.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(unit) = unit else { return worker.finish() };
            let name = &inputs[unit.input as usize].name;
            worker.read(unit, name)?;
        }
    };
    (0..options.threads).into_par_iter().map(work).try_reduce(Gathered::default, |a, b| Ok(a.merge(b)))
}

/// What has been written.
#[derive(Default)]
struct Done {
    files: Vec<FileWritten>,
    /// Of each partition written to how many files.
    by_partition: HashMap<usize, usize>,
    failures: Vec<Error>,
}

struct Output<'a> {
    store: &'a dyn Store,
    options: &'a Options,
    /// Path of each partition.
    paths: Vec<String>,
    /// Rows of each partition, duplicates included.
    rows: Vec<u64>,
    done: Mutex<Done>,
    /// Files that other threads are encoding.
    encoding: AtomicUsize,
}

type FileEncoder = Encoder<BufWriter<NamedTempFile>>;

/// The partition whose rows are coming.
struct Open {
    partition: usize,
    block: Block,
    encoder: Option<FileEncoder>,
    /// Rows that are still to come, duplicates included.
    left: u64,
    /// A file of it could not be written: its rows are passed over.
    failed: bool,
}

impl Output<'_> {
    /// Writes all partitions one after the other; gives the number of duplicates. A partition of one block is encoded by
    /// another thread while the next is merged; the columns of a larger one are spread over all threads.
    fn write_all(&self, mut merge: Merge) -> Result<u64, Error> {
        let mut duplicates = 0;
        let mut known = Duplicates::default();
        rayon::scope(|scope| {
            let mut open: Option<Open> = None;
            while let Some((batch, row)) = merge.next()? {
                let partition = batch.partition(row) as usize;
                if open.as_ref().is_none_or(|open| open.partition != partition)
                    && let Some(done) = open.replace(self.open(partition))
                {
                    self.close(done, scope);
                }
                let Some(open) = &mut open else { continue };
                open.left = open.left.saturating_sub(1);
                if known.is_duplicate(&batch, row)? {
                    duplicates += 1;
                    continue;
                }
                self.push(open, &batch, row);
            }
            if let Some(done) = open {
                self.close(done, scope);
            }
            Ok(duplicates)
        })
    }

    fn open(&self, partition: usize) -> Open {
        Open { partition, block: Block::default(), encoder: None, left: self.rows[partition], failed: false }
    }

    fn push(&self, open: &mut Open, batch: &Arc<Batch>, row: usize) {
        let full = open.block.rows() >= BLOCK_ROWS || open.block.bytes() + batch.bytes(row) > BLOCK_BYTES;
        if full && open.block.rows() > 0 {
            // This row is one of those left for another file.
            self.write_block(open, open.left + 1);
        }
        open.block.push(batch, row);
    }

    /// Writes the gathered block; ends the file where it is long enough and `left` rows are enough for another.
    fn write_block(&self, open: &mut Open, left: u64) {
        let block = std::mem::take(&mut open.block);
        if open.failed {
            return;
        }
        let written = self.encode(open.encoder.take(), &block, open.partition, true).and_then(|encoder| {
            let long = encoder.rows() >= MAX_FILE_ROWS && encoder.is_between_groups();
            if long && left >= MIN_FILE_ROWS as u64 {
                self.put(encoder, open.partition)?;
            } else {
                open.encoder = Some(encoder);
            }
            Ok(())
        });
        if let Err(error) = written {
            open.failed = true;
            self.fail(error);
        }
    }

    fn close<'s>(&'s self, mut open: Open, scope: &rayon::Scope<'s>) {
        if open.failed {
            return;
        }
        let mut work = move || {
            let block = std::mem::take(&mut open.block);
            let parallel = open.encoder.is_some();
            let encoder = if block.rows() > 0 || open.encoder.is_none() {
                self.encode(open.encoder.take(), &block, open.partition, parallel)
            } else {
                open.encoder.take().ok_or_else(|| Error::Bug("no file is open".to_owned()))
            };
            if let Err(error) = encoder.and_then(|encoder| self.put(encoder, open.partition)) {
                self.fail(error);
            }
        };
        // More than two files a thread in flight would only cost memory: then this thread does it itself.
        if self.options.threads > 1 && self.encoding.load(Ordering::Relaxed) < 2 * self.options.threads {
            self.encoding.fetch_add(1, Ordering::Relaxed);
            scope.spawn(move |_| {
                work();
                self.encoding.fetch_sub(1, Ordering::Relaxed);
            });
        } else {
            work();
        }
    }

    fn encode(
        &self,
        encoder: Option<FileEncoder>,
        block: &Block,
        partition: usize,
        parallel: bool,
    ) -> Result<FileEncoder, Error> {
        let mut encoder = match encoder {
            Some(encoder) => encoder,
            None => Encoder::new(BufWriter::new(self.store.stage()?), self.rows[partition] as usize)?,
        };
        let (batches, rows) = block.places();
        encoder.write(rows.len(), parallel && self.options.threads > 1, |column| {
            Ok(gather_column(batches, column, rows)?)
        })?;
        if self.options.log_events != LogEvents::None {
            for (batch, row) in rows {
                log_row(batches[*batch].columns().columns(), *row, self.options.log_events);
            }
        }
        Ok(encoder)
    }

    fn put(&self, encoder: FileEncoder, partition: usize) -> Result<(), Error> {
        let encoded = encoder.finish()?;
        let key = format!("events/{}/{}.parquet", self.paths[partition], encoded.name);
        let address = self.store.address(&key);
        let staged = encoded.inner.into_inner().map_err(|error| Error::store(&address, error.into_error()))?;
        let bytes = staged.as_file().metadata().map_err(|error| Error::store(&address, error))?.len();
        self.store.put(&key, staged)?;
        let file = FileWritten { path: address, rows: encoded.rows as u64, bytes };
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.files.push(file);
        *done.by_partition.entry(partition).or_default() += 1;
        Ok(())
    }

    fn fail(&self, error: Error) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).failures.push(error);
    }
}

/// Writes one file of rejected lines a day; the summary says which, and how many lines they hold.
fn write_rejected(mut lines: RejectedLines, store: &dyn Store, summary: &mut Summary) -> Result<(), Error> {
    let mut open: Option<RejectedFile> = None;
    lines.each(|day, line| {
        if open.as_ref().is_none_or(|open| open.day != day) {
            let file = BufWriter::new(store.stage()?);
            let next = RejectedFile { day, file, hash: blake3::Hasher::new(), lines: 0 };
            if let Some(done) = open.replace(next) {
                done.put(store, summary)?;
            }
        }
        if summary.examples.len() < EXAMPLES {
            summary.examples.extend(rejected::in_words(line));
        }
        if let Some(open) = &mut open {
            open.hash.update(line);
            open.lines += 1;
            open.file.write_all(line).map_err(|error| Error::store("a file of rejected lines", error))?;
        }
        Ok(())
    })?;
    open.map_or(Ok(()), |done| done.put(store, summary))
}

/// A file of rejected lines being written.
struct RejectedFile {
    day: Option<i32>,
    file: BufWriter<NamedTempFile>,
    hash: blake3::Hasher,
    lines: u64,
}

impl RejectedFile {
    fn put(self, store: &dyn Store, summary: &mut Summary) -> Result<(), Error> {
        let day = self.day.map_or_else(|| "unknown".to_owned(), date);
        let key = format!("rejected/reject_date={day}/{}.jsonl", name(&self.hash));
        let address = store.address(&key);
        let staged = self.file.into_inner().map_err(|error| Error::store(&address, error.into_error()))?;
        store.put(&key, staged)?;
        summary.rejected += self.lines;
        summary.rejected_files.push(address);
        Ok(())
    }
}
