//! The flow as a whole: inputs -> runs of rows -> sorted rows of each partition -> Parquet objects -> store.

use crate::batch::{Batch, gather_column};
use crate::deliveries::Missing;
use crate::duplicates::Duplicates;
use crate::encode::{BLOCK_BYTES, BLOCK_ROWS, Encoder, name};
use crate::error::Error;
use crate::extract::OwnWrites;
use crate::gather::{Gathered, Partitions, RejectedLines, Worker};
use crate::input::{Input, Progress, Units};
use crate::log::{LogEvents, log_row};
use crate::partition::Layout;
use crate::rejected;
use crate::run::{Block, Merge};
use crate::store::{Staged, Store};
use crate::time::date;
use crate::unknown::Unknown;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::Span;

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
    /// Writes that make no rows, so that this program does not feed on its own.
    pub own_writes: Option<OwnWrites>,
    /// When work that is not finished is given up.
    pub deadline: Option<Instant>,
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
        Ok(gathered) => write(gathered, partitions, store, options, &pool).map(|(summary, _)| summary),
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
    let (summary, seen) = write(gathered, partitions, store, options, &pool)?;
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

/// What was seen while rows were written.
struct Seen {
    missing: Missing,
    unknown: Unknown,
    oldest: Option<i64>,
}

/// Writes all that was gathered, and waits until it is durable.
fn write(
    mut gathered: Gathered,
    partitions: Partitions,
    store: &dyn Store,
    options: &Options,
    pool: &rayon::ThreadPool,
) -> Result<(Summary, Seen), Error> {
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
        done: Arc::default(),
        encoding: AtomicUsize::new(0),
        span: Span::current(),
    };
    let written = Merge::of(gathered.runs).and_then(|merge| pool.install(|| output.write_all(merge)));
    match written {
        Ok(duplicates) => summary.duplicates = duplicates,
        Err(error) => {
            // No telling which rows are missing.
            let mut done = lock(&output.done);
            done.missing.partitions.extend(0..output.paths.len() as u32);
            done.failures.push(error);
        }
    }
    let days = rejected_lines.days();
    if let Err(error) = output.write_rejected(rejected_lines, &mut summary.examples) {
        let mut done = lock(&output.done);
        done.missing.days.extend(days);
        done.failures.push(error);
    }
    store.flush();
    let mut done = std::mem::take(&mut *lock(&output.done));
    // A put that never told how it ended is missing too.
    std::mem::take(&mut done.under_way).into_iter().for_each(|object| done.miss(object));
    for file in done.files {
        *summary.partitions.entry(output.paths[file.0 as usize].clone()).or_default() += 1;
        summary.files.push(file.1);
    }
    summary.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    summary.rows_written = summary.files.iter().map(|file| file.rows).sum();
    summary.rejected = done.rejected_lines;
    summary.rejected_files = done.rejected_files;
    summary.rejected_files.sort_unstable();
    summary.failures = done.failures;
    if summary.failures.is_empty() && summary.records_in != summary.accounted() {
        let message = format!("{} records came in and {} are accounted for", summary.records_in, summary.accounted());
        summary.failures.push(Error::Bug(message));
    }
    Ok((summary, Seen { missing: done.missing, unknown: done.unknown, oldest: done.oldest }))
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

/// An object of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// Rows of a partition.
    Rows(u32),
    /// Rejected lines of a day.
    Rejected(Option<i32>),
}

/// What has been written.
#[derive(Default)]
struct Done {
    /// Partition and file.
    files: Vec<(u32, FileWritten)>,
    rejected_lines: u64,
    rejected_files: Vec<String>,
    /// Puts that have not told yet how they ended.
    under_way: Vec<Object>,
    missing: Missing,
    failures: Vec<Error>,
    unknown: Unknown,
    oldest: Option<i64>,
}

impl Done {
    fn miss(&mut self, object: Object) {
        match object {
            Object::Rows(partition) => _ = self.missing.partitions.insert(partition),
            Object::Rejected(day) => _ = self.missing.days.insert(day),
        }
    }
}

fn lock(done: &Mutex<Done>) -> MutexGuard<'_, Done> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Output<'a> {
    store: &'a dyn Store,
    options: &'a Options,
    /// Path of each partition.
    paths: Vec<String>,
    /// Rows of each partition, duplicates included.
    rows: Vec<u64>,
    done: Arc<Mutex<Done>>,
    /// Files that other threads are encoding.
    encoding: AtomicUsize,
    /// What log lines of any thread belong to.
    span: Span,
}

type FileEncoder = Encoder<BufWriter<Staged>>;

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
                self.put_rows(encoder, open.partition)?;
            } else {
                open.encoder = Some(encoder);
            }
            Ok(())
        });
        if let Err(error) = written {
            open.failed = true;
            self.fail(Object::Rows(open.partition as u32), error);
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
            if let Err(error) = encoder.and_then(|encoder| self.put_rows(encoder, open.partition)) {
                self.fail(Object::Rows(open.partition as u32), error);
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
        if self.options.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::Deadline(self.store.address(&format!("events/{}", self.paths[partition]))));
        }
        let mut encoder = match encoder {
            Some(encoder) => encoder,
            None => Encoder::new(BufWriter::new(self.store.stage()?), self.rows[partition] as usize)?,
        };
        let (batches, rows) = block.places();
        encoder.write(rows.len(), parallel && self.options.threads > 1, |column| {
            Ok(gather_column(batches, column, rows)?)
        })?;
        self.look(batches, rows);
        Ok(encoder)
    }

    /// Logs rows that go into a file, and keeps what is worth telling of them.
    fn look(&self, batches: &[Arc<Batch>], rows: &[(usize, usize)]) {
        let _line = self.span.enter();
        if self.options.log_events != LogEvents::None {
            for (batch, row) in rows {
                log_row(batches[*batch].columns().columns(), *row, self.options.log_events);
            }
        }
        let mut unknown = Unknown::default();
        for (batch, row) in rows {
            unknown.look(batches[*batch].columns().columns(), *row);
        }
        let oldest = rows.iter().map(|(batch, row)| batches[*batch].time(*row)).min();
        let mut done = lock(&self.done);
        done.unknown.merge(unknown);
        done.oldest = done.oldest.into_iter().chain(oldest).min();
    }

    fn put_rows(&self, encoder: FileEncoder, partition: usize) -> Result<(), Error> {
        let encoded = encoder.finish()?;
        let key = format!("events/{}/{}.parquet", self.paths[partition], encoded.name);
        let path = self.store.address(&key);
        let staged = encoded.inner.into_inner().map_err(|error| Error::store(&path, error.into_error()))?;
        let bytes = staged.size().map_err(|error| Error::store(&path, error))?;
        let file = FileWritten { path, rows: encoded.rows as u64, bytes };
        let partition = partition as u32;
        self.put(&key, staged, Object::Rows(partition), move |done| done.files.push((partition, file)));
        Ok(())
    }

    /// Puts an object; `written` notes it when it is durable.
    fn put(&self, key: &str, staged: Staged, object: Object, written: impl FnOnce(&mut Done) + Send + 'static) {
        lock(&self.done).under_way.push(object);
        let done = self.done.clone();
        let ended = move |put: Result<_, Error>| {
            let mut done = lock(&done);
            if let Some(at) = done.under_way.iter().position(|known| *known == object) {
                done.under_way.swap_remove(at);
            }
            match put {
                Ok(_) => written(&mut done),
                Err(error) => {
                    done.miss(object);
                    done.failures.push(error);
                }
            }
        };
        let _lines = self.span.enter();
        self.store.put(key, staged, Box::new(ended));
    }

    fn fail(&self, object: Object, error: Error) {
        let mut done = lock(&self.done);
        done.miss(object);
        done.failures.push(error);
    }

    /// Writes one file of rejected lines a day, and keeps the first few for a person.
    fn write_rejected(&self, mut lines: RejectedLines, examples: &mut Vec<String>) -> Result<(), Error> {
        let mut open: Option<RejectedFile> = None;
        let each = lines.each(|day, line| {
            if open.as_ref().is_none_or(|open| open.day != day) {
                let file = BufWriter::new(self.store.stage()?);
                let next = RejectedFile { day, file, hash: blake3::Hasher::new(), lines: 0 };
                if let Some(done) = open.replace(next) {
                    done.put(self)?;
                }
            }
            if examples.len() < EXAMPLES {
                examples.extend(rejected::in_words(line));
            }
            if let Some(open) = &mut open {
                open.hash.update(line);
                open.lines += 1;
                open.file.write_all(line).map_err(|error| Error::store("a file of rejected lines", error))?;
            }
            Ok(())
        });
        each.and_then(|()| open.map_or(Ok(()), |done| done.put(self)))
    }
}

/// A file of rejected lines being written.
struct RejectedFile {
    day: Option<i32>,
    file: BufWriter<Staged>,
    hash: blake3::Hasher,
    lines: u64,
}

impl RejectedFile {
    fn put(self, output: &Output<'_>) -> Result<(), Error> {
        let day = self.day.map_or_else(|| "unknown".to_owned(), date);
        let key = format!("rejected/reject_date={day}/{}.jsonl", name(&self.hash));
        let path = output.store.address(&key);
        let staged = self.file.into_inner().map_err(|error| Error::store(&path, error.into_error()))?;
        output.put(&key, staged, Object::Rejected(self.day), move |done| {
            done.rejected_lines += self.lines;
            done.rejected_files.push(path);
        });
        Ok(())
    }
}
