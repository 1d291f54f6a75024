//! Sorted rows -> Parquet objects, rejected lines -> objects of lines; what became of each.

use crate::columns::index_of;
use crate::deliveries::Missing;
use crate::duplicates::Duplicates;
use crate::encode::{BLOCK_BYTES, BLOCK_ROWS, Encoder, name};
use crate::error::Error;
use crate::extract::OwnWrites;
use crate::filling::Filling;
use crate::gather::RejectedLines;
use crate::log::{LogEvents, log_row};
use crate::packed::{self, PackedRow};
use crate::partition::Layout;
use crate::rejected;
use crate::run::{Merge, Run};
use crate::store::{Staged, Store};
use crate::time::date;
use crate::unknown::Unknown;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::Span;

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

/// An object of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// Rows of a partition.
    Rows(u32),
    /// Rejected lines of a day.
    Rejected(Option<i32>),
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

/// What has been written.
#[derive(Default)]
pub struct Done {
    /// Path of the partition, and file; by the paths of the files.
    pub files: Vec<(String, FileWritten)>,
    /// Rejected lines in files.
    pub rejected_lines: u64,
    /// Files of rejected lines.
    pub rejected_files: Vec<String>,
    /// What could not be done.
    pub failures: Vec<Error>,
    /// What was seen.
    pub seen: Seen,
    /// Puts that have not told yet how they ended.
    under_way: Vec<Object>,
}

/// What was seen while it was written.
#[derive(Default)]
pub struct Seen {
    /// What did not get into the lake.
    pub missing: Missing,
    /// What the table does not know.
    pub unknown: Unknown,
    /// Earliest time of an event, in milliseconds since 1970.
    pub oldest: Option<i64>,
}

impl Done {
    fn miss(&mut self, object: Object) {
        match object {
            Object::Rows(partition) => _ = self.seen.missing.partitions.insert(partition),
            Object::Rejected(day) => _ = self.seen.missing.days.insert(day),
        }
    }
}

fn lock(done: &Mutex<Done>) -> MutexGuard<'_, Done> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where rows and rejected lines go.
pub struct Output<'a> {
    store: &'a dyn Store,
    options: &'a Options,
    /// Path of each partition.
    paths: Vec<String>,
    /// Rows of each partition, duplicates included.
    rows: Vec<u64>,
    done: Arc<Mutex<Done>>,
    /// Files that other threads are encoding.
    encoding: AtomicUsize,
    /// Columns that can be filled again, with room for as much as they held.
    fillings: Mutex<Vec<Filling>>,
    /// What log lines of any thread belong to.
    span: Span,
}

type FileEncoder = Encoder<BufWriter<Staged>>;

/// Rows that are written together.
#[derive(Default)]
struct Block {
    packed: Vec<u8>,
    rows: usize,
}

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

impl<'a> Output<'a> {
    /// Nothing is written yet; `paths` and `rows` are those of the partitions by their numbers, duplicates included.
    pub fn new(store: &'a dyn Store, options: &'a Options, paths: Vec<String>, rows: Vec<u64>) -> Self {
        let (done, encoding) = (Arc::default(), AtomicUsize::new(0));
        Output { store, options, paths, rows, done, encoding, fillings: Mutex::default(), span: Span::current() }
    }

    /// Writes sorted runs of rows; gives the number of duplicates.
    pub fn write_rows(&self, runs: Vec<Run>) -> u64 {
        Merge::of(runs).and_then(|merge| self.write_all(merge)).unwrap_or_else(|error| {
            // No telling which rows are missing.
            let mut done = lock(&self.done);
            done.seen.missing.partitions.extend(0..self.paths.len() as u32);
            done.failures.push(error);
            0
        })
    }

    /// Writes one file of rejected lines a day; gives the first few of the lines in words.
    pub fn write_rejected(&self, lines: RejectedLines) -> Vec<String> {
        let (days, mut examples) = (lines.days(), Vec::new());
        if let Err(error) = self.write_lines(lines, &mut examples) {
            let mut done = lock(&self.done);
            done.seen.missing.days.extend(days);
            done.failures.push(error);
        }
        examples
    }

    /// Waits until all is durable; gives what became of it.
    pub fn finish(self) -> Done {
        self.store.flush();
        let mut done = std::mem::take(&mut *lock(&self.done));
        // A put that never told how it ended is missing too.
        std::mem::take(&mut done.under_way).into_iter().for_each(|object| done.miss(object));
        done.files.sort_unstable_by(|a, b| a.1.path.cmp(&b.1.path));
        done.rejected_files.sort_unstable();
        done
    }

    /// Writes all partitions one after the other; gives the number of duplicates. A partition of one block is encoded by
    /// another thread while the next is merged; the columns of a larger one are spread over all threads.
    fn write_all(&self, mut merge: Merge) -> Result<u64, Error> {
        let mut duplicates = 0;
        let mut known = Duplicates::default();
        rayon::scope(|scope| {
            let mut open: Option<Open> = None;
            while let Some(row) = merge.peek() {
                let partition = row.partition() as usize;
                if open.as_ref().is_none_or(|open| open.partition != partition)
                    && let Some(done) = open.replace(self.open(partition))
                {
                    self.close(done, scope);
                }
                if let Some(open) = &mut open {
                    open.left = open.left.saturating_sub(1);
                    if known.is_duplicate(row)? {
                        duplicates += 1;
                    } else {
                        self.push(open, row);
                    }
                }
                merge.advance()?;
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

    fn push(&self, open: &mut Open, row: PackedRow<'_>) {
        let block = &open.block;
        if block.rows >= BLOCK_ROWS || (block.rows > 0 && block.packed.len() + row.bytes().len() > BLOCK_BYTES) {
            // This row is one of those left for another file.
            self.write_block(open, open.left + 1);
        }
        open.block.packed.extend_from_slice(row.bytes());
        open.block.rows += 1;
    }

    /// Writes the gathered block; ends the file where it is long enough and `left` rows are enough for another.
    fn write_block(&self, open: &mut Open, left: u64) {
        let mut block = std::mem::take(&mut open.block);
        let written = if open.failed { Ok(()) } else { self.write_whole(open, &block, left) };
        // What it held made room for the next one.
        block.packed.clear();
        block.rows = 0;
        open.block = block;
        if let Err(error) = written {
            open.failed = true;
            self.fail(Object::Rows(open.partition as u32), error);
        }
    }

    fn write_whole(&self, open: &mut Open, block: &Block, left: u64) -> Result<(), Error> {
        self.encode(open.encoder.take(), block, open.partition, true).and_then(|encoder| {
            let long = encoder.rows() >= MAX_FILE_ROWS && encoder.is_between_groups();
            if long && left >= MIN_FILE_ROWS as u64 {
                self.put_rows(encoder, open.partition)?;
            } else {
                open.encoder = Some(encoder);
            }
            Ok(())
        })
    }

    fn close<'s>(&'s self, mut open: Open, scope: &rayon::Scope<'s>) {
        if open.failed {
            return;
        }
        let mut work = move || {
            let block = std::mem::take(&mut open.block);
            let parallel = open.encoder.is_some();
            let encoder = if block.rows > 0 || open.encoder.is_none() {
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
        let mut filling = self.fillings.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        packed::rows(&block.packed).for_each(|(_, row)| filling.add(row));
        let columns = filling.take();
        self.fillings.lock().unwrap_or_else(PoisonError::into_inner).push(filling);
        encoder.write(&columns, parallel && self.options.threads > 1)?;
        self.look(&columns);
        Ok(encoder)
    }

    /// Logs rows that go into a file, and keeps what is worth telling of them.
    fn look(&self, columns: &[ArrayRef]) {
        const EVENT_TIME: usize = index_of("event_time");
        let _line = self.span.enter();
        let times = columns[EVENT_TIME].as_primitive::<TimestampMillisecondType>().values();
        if self.options.log_events != LogEvents::None {
            (0..times.len()).for_each(|row| log_row(columns, row, self.options.log_events));
        }
        let mut unknown = Unknown::default();
        (0..times.len()).for_each(|row| unknown.look(columns, row));
        let mut done = lock(&self.done);
        done.seen.unknown.merge(unknown);
        done.seen.oldest = done.seen.oldest.into_iter().chain(times.iter().copied().min()).min();
    }

    fn put_rows(&self, encoder: FileEncoder, partition: usize) -> Result<(), Error> {
        let encoded = encoder.finish()?;
        let key = format!("events/{}/{}.parquet", self.paths[partition], encoded.name);
        let path = self.store.address(&key);
        let staged = encoded.inner.into_inner().map_err(|error| Error::store(&path, error.into_error()))?;
        let bytes = staged.size().map_err(|error| Error::store(&path, error))?;
        let file = FileWritten { path, rows: encoded.rows as u64, bytes };
        let path = self.paths[partition].clone();
        self.put(&key, staged, Object::Rows(partition as u32), move |done| done.files.push((path, file)));
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

    fn write_lines(&self, mut lines: RejectedLines, examples: &mut Vec<String>) -> Result<(), Error> {
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
