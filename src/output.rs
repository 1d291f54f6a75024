//! Sorted rows -> Parquet objects, rejected lines -> objects of lines; what became of each.

use crate::columns::index_of;
use crate::deliveries::Missing;
use crate::duplicates::Duplicates;
use crate::encode::{BLOCK_BYTES, BLOCK_ROWS, Encoder, GROUP_ROWS, name};
use crate::error::Error;
use crate::extract::OwnWrites;
use crate::filling::Filling;
use crate::gather::RejectedLines;
use crate::log::{LogEvents, log_row};
use crate::partition::Layout;
use crate::rejected;
use crate::run::{Merge, Run};
use crate::store::{Staged, Store};
use crate::time::date;
use crate::unknown::Unknown;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing::Span;

/// Rows after which a file ends if enough rows for another are left: about 260 MB of Parquet.
const MAX_FILE_ROWS: usize = 32 * GROUP_ROWS;
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
    /// What log lines of any thread belong to.
    span: Span,
}

type FileEncoder = Encoder<BufWriter<Staged>>;

/// Rows of a partition that are written together, as columns.
struct Block {
    partition: usize,
    columns: Vec<ArrayRef>,
    /// Rows of the partition that are still to come, duplicates included.
    left: u64,
}

/// Sorted rows on their way into blocks.
struct UniqueRows {
    merge: Merge,
    known: Duplicates,
    duplicates: u64,
    filling: Filling,
    /// Rows of each partition that are still to come, duplicates included.
    left: Vec<u64>,
}

/// The partition that is being written.
#[derive(Default)]
struct Open {
    encoder: Option<FileEncoder>,
    /// Files of it before this one.
    files: u32,
    /// A file of it could not be written: its rows are passed over.
    failed: bool,
}

impl UniqueRows {
    /// The next rows of one partition, as many as are written together: none at all where only duplicates were left of it.
    fn next_block(&mut self) -> Result<Option<Block>, Error> {
        let Some(first) = self.merge.peek() else { return Ok(None) };
        let (partition, mut bytes) = (first.partition(), 0);
        while let Some(row) = self.merge.peek().filter(|row| row.partition() == partition) {
            // What comes next, which may be a duplicate, has no say in where a block ends.
            if self.filling.rows() >= BLOCK_ROWS || bytes >= BLOCK_BYTES {
                break;
            }
            let length = row.bytes().len();
            if self.known.is_duplicate(row)? {
                self.duplicates += 1;
            } else {
                self.filling.add(row);
                bytes += length;
            }
            if let Some(left) = self.left.get_mut(partition as usize) {
                *left = left.saturating_sub(1);
            }
            self.merge.advance()?;
        }
        let left = self.left.get(partition as usize).copied().unwrap_or_default();
        Ok(Some(Block { partition: partition as usize, columns: self.filling.take(), left }))
    }
}

impl<'a> Output<'a> {
    /// Nothing is written yet; `paths` and `rows` are those of the partitions by their numbers, duplicates included.
    pub fn new(store: &'a dyn Store, options: &'a Options, paths: Vec<String>, rows: Vec<u64>) -> Self {
        let (done, encoding) = (Arc::default(), AtomicUsize::new(0));
        Output { store, options, paths, rows, done, encoding, span: Span::current() }
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

    /// Writes all partitions one after the other; gives the number of duplicates. While a block is encoded the next one is
    /// gathered. A partition of one block is a job for another thread; the columns of a larger one are spread over all threads.
    fn write_all(&self, merge: Merge) -> Result<u64, Error> {
        let (known, filling) = (Duplicates::default(), Filling::new());
        let mut rows = UniqueRows { merge, known, duplicates: 0, filling, left: self.rows.clone() };
        rayon::scope(|scope| {
            let mut open = Open::default();
            let mut next = rows.next_block()?;
            while let Some(block) = next {
                // More than two files a thread in flight would only cost memory: then this thread does it itself.
                let is_whole = block.left == 0 && open.encoder.is_none() && !open.failed;
                let is_job =
                    self.options.threads > 1 && self.encoding.load(Ordering::Relaxed) < 2 * self.options.threads;
                next = if is_whole && is_job {
                    self.encoding.fetch_add(1, Ordering::Relaxed);
                    scope.spawn(move |_| {
                        self.write_block(&mut Open::default(), block, false);
                        self.encoding.fetch_sub(1, Ordering::Relaxed);
                    });
                    rows.next_block()?
                } else {
                    rayon::join(|| self.write_block(&mut open, block, !is_whole), || rows.next_block()).1?
                };
            }
            Ok(rows.duplicates)
        })
    }

    /// Writes a block; ends the file with the partition, or where it is long enough and enough rows for another are left.
    fn write_block(&self, open: &mut Open, block: Block, parallel: bool) {
        let (partition, last) = (block.partition, block.left == 0);
        if !open.failed
            && let Err(error) = self.write_rows_of(open, block, parallel)
        {
            open.failed = true;
            self.fail(Object::Rows(partition as u32), error);
        }
        if last {
            *open = Open::default();
        }
    }

    fn write_rows_of(&self, open: &mut Open, block: Block, parallel: bool) -> Result<(), Error> {
        let Block { partition, columns, left } = block;
        if self.options.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Error::Deadline(self.store.address(&format!("events/{}", self.paths[partition]))));
        }
        let parallel = parallel && self.options.threads > 1;
        let is_empty = columns.first().is_none_or(|column| column.is_empty());
        let mut encoder = match open.encoder.take() {
            Some(encoder) => encoder,
            // Nothing but duplicates was left of the partition.
            None if is_empty => return Ok(()),
            None => Encoder::new(BufWriter::new(self.store.stage()?), self.rows[partition] as usize, open.files)?,
        };
        if !is_empty {
            encoder.write(&columns, parallel)?;
            self.look(&columns);
        }
        let long = encoder.rows() >= MAX_FILE_ROWS && encoder.is_between_groups() && left >= MIN_FILE_ROWS as u64;
        if left == 0 || long {
            open.files += 1;
            self.put_rows(encoder, partition, parallel)
        } else {
            open.encoder = Some(encoder);
            Ok(())
        }
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

    fn put_rows(&self, encoder: FileEncoder, partition: usize, parallel: bool) -> Result<(), Error> {
        let encoded = encoder.finish(parallel)?;
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
