//! One worker: units of input -> sorted runs of rows, and whatever was rejected.

use crate::deliveries::Deliveries;
use crate::error::Error;
use crate::extract::{OwnWrites, Rows};
use crate::input::{Content, Progress, Unit};
use crate::partition::{Layout, PartitionKey};
use crate::payload::{Origin, Piece, Sink, Stream};
use crate::rejected::{self, Code, Rejection};
use crate::run::Run;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use tempfile::SpooledTempFile;

/// Bytes of an input that cannot be cut that are looked at at a time.
const WINDOW: usize = 1 << 20;
/// Bytes of rejected lines that are held in memory.
const REJECTED_IN_MEMORY: usize = 4 << 20;

/// Partitions seen so far, numbered.
#[derive(Debug, Default)]
pub struct Partitions {
    numbers: Mutex<HashMap<PartitionKey, u32>>,
}

impl Partitions {
    fn number(&self, key: PartitionKey) -> u32 {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = numbers.len() as u32;
        *numbers.entry(key).or_insert(next)
    }

    /// The partitions in the order of their numbers.
    pub fn into_keys(self) -> Vec<PartitionKey> {
        let numbers = self.numbers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<(u32, PartitionKey)> = numbers.into_iter().map(|(key, number)| (number, key)).collect();
        keys.sort_unstable_by_key(|(number, _)| *number);
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// What one worker gathered.
#[derive(Default)]
pub struct Gathered {
    /// Sorted runs of rows.
    pub runs: Vec<Run>,
    /// Rows of each partition.
    pub partition_rows: Vec<u64>,
    /// Rejected lines.
    pub rejected: RejectedLines,
    /// Inputs known and meant to be skipped.
    pub filtered: u64,
    /// Which messages all this came in, where that was asked for.
    pub deliveries: Option<Deliveries>,
}

impl Gathered {
    /// Adds what another worker gathered.
    pub fn merge(mut self, mut other: Gathered) -> Self {
        self.runs.append(&mut other.runs);
        let longest = self.partition_rows.len().max(other.partition_rows.len());
        self.partition_rows.resize(longest, 0);
        for (rows, more) in self.partition_rows.iter_mut().zip(other.partition_rows) {
            *rows += more;
        }
        self.rejected.parts.append(&mut other.rejected.parts);
        self.filtered += other.filtered;
        self.deliveries = self.deliveries.or(other.deliveries);
        self
    }
}

/// Rejected lines of one worker or several, in no order yet.
#[derive(Default)]
pub struct RejectedLines {
    parts: Vec<(Vec<RejectedAt>, SpooledTempFile)>,
}

/// Where a rejected line is kept, and what decides its file and its place there.
struct RejectedAt {
    day: Option<i32>,
    order: (u32, u32, u32),
    offset: u64,
    length: usize,
}

impl RejectedLines {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.parts.iter().map(|(index, _)| index.len() as u64).sum()
    }

    /// Days that they belong to.
    pub fn days(&self) -> HashSet<Option<i32>> {
        self.parts.iter().flat_map(|(index, _)| index.iter().map(|at| at.day)).collect()
    }

    /// Gives every line with the day that it belongs to, days and lines in order.
    ///
    /// # Errors
    /// If a temporary file cannot be read, or what is done with a line fails.
    pub fn each(&mut self, mut each: impl FnMut(Option<i32>, &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut all: Vec<(usize, &RejectedAt)> = Vec::new();
        let mut files = Vec::new();
        for (part, (index, file)) in self.parts.iter_mut().enumerate() {
            all.extend(index.iter().map(|at| (part, at)));
            files.push(file);
        }
        all.sort_unstable_by_key(|(_, at)| (at.day, at.order));
        let mut line = Vec::new();
        for (part, at) in all {
            line.resize(at.length, 0);
            let file = &mut files[part];
            file.seek(SeekFrom::Start(at.offset)).and_then(|_| file.read_exact(&mut line)).map_err(Error::Spill)?;
            each(at.day, &line)?;
        }
        Ok(())
    }
}

/// A worker.
pub struct Worker<'a> {
    layout: &'a Layout,
    partitions: &'a Partitions,
    progress: &'a Progress,
    budget: usize,
    /// Bytes of rows that were spilled so far.
    spilled: usize,
    open_runs: usize,
    /// How often each of the runs was merged out of others.
    levels: Vec<u32>,
    rows: Rows,
    latest: Option<(PartitionKey, u32)>,
    /// Packed rows that are not sorted yet.
    chunks: Vec<Vec<u8>>,
    chunk_bytes: usize,
    rejected: Vec<RejectedAt>,
    lines: SpooledTempFile,
    lines_end: u64,
    input_name: String,
    order: (u32, u32, u32),
    pieces: u64,
    gathered: Gathered,
    failed: Option<Error>,
}

impl<'a> Worker<'a> {
    /// A worker that spills what it holds when that is more than `budget` bytes, later up to four times as many, and has no more
    /// than about `open_runs` spilled runs at a time.
    pub fn new(
        layout: &'a Layout,
        partitions: &'a Partitions,
        progress: &'a Progress,
        budget: usize,
        open_runs: usize,
        own_writes: Option<OwnWrites>,
    ) -> Self {
        Worker {
            layout,
            partitions,
            progress,
            budget,
            spilled: 0,
            open_runs,
            levels: Vec::new(),
            rows: Rows::without(own_writes),
            latest: None,
            chunks: Vec::new(),
            chunk_bytes: 0,
            rejected: Vec::new(),
            lines: SpooledTempFile::new(REJECTED_IN_MEMORY),
            lines_end: 0,
            input_name: String::new(),
            order: (0, 0, 0),
            pieces: 0,
            gathered: Gathered::default(),
            failed: None,
        }
    }

    /// Reads a unit.
    ///
    /// # Errors
    /// If rows cannot be kept. What is wrong with the input is no error but rejected.
    pub fn read(&mut self, unit: Unit, input_name: &str) -> Result<(), Error> {
        self.input_name.clear();
        self.input_name.push_str(input_name);
        self.order = (unit.input, unit.part, 0);
        let mut stream = Stream::from_line(unit.lines);
        match unit.content {
            Content::Chunk(bytes) => _ = stream.advance(&bytes, true, self),
            Content::Rest(reader) => self.read_rest(stream, reader)?,
            Content::Unreadable(rejection) => stream.fail(rejection, b"", self),
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Reads a payload as it lies in memory, and keeps which SQS messages what is in it came in. Rejected lines then have
    /// no place in an input, so that their order is made of what they say: messages come again in any order.
    ///
    /// # Errors
    /// If rows cannot be kept.
    pub fn read_delivery(&mut self, payload: &[u8], name: &str) -> Result<(), Error> {
        name.clone_into(&mut self.input_name);
        self.gathered.deliveries = Some(Deliveries::default());
        Stream::default().advance(payload, true, self);
        self.failed.take().map_or(Ok(()), Err)
    }

    fn read_rest(&mut self, mut stream: Stream, mut reader: Box<dyn Read + Send>) -> Result<(), Error> {
        let mut window: Vec<u8> = Vec::new();
        let mut wanted = WINDOW;
        loop {
            let missing = wanted.saturating_sub(window.len()) as u64;
            let read = reader.by_ref().take(missing).read_to_end(&mut window);
            if let Err(error) = read {
                let rejection = match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        Rejection::new(Code::Truncated, "the compressed data ends too early")
                    }
                    _ => Rejection::new(Code::Unreadable, format!("cannot be read any further: {error}")),
                };
                stream.fail(rejection, &window, self);
                return Ok(());
            }
            let ended = window.len() < wanted;
            let done = stream.advance(&window, ended, self);
            window.drain(..done);
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if ended {
                return Ok(());
            }
            // A document longer than the window wants a longer window.
            wanted = if done == 0 { wanted * 2 } else { WINDOW.max(window.len() + WINDOW / 2) };
        }
    }

    /// Ends the work; gives all that was gathered.
    ///
    /// # Errors
    /// If rows cannot be put together.
    pub fn finish(mut self) -> Result<Gathered, Error> {
        self.take_chunk();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.chunks.is_empty() {
            self.gathered.runs.push(Run::sort(std::mem::take(&mut self.chunks)));
        }
        self.gathered.rejected.parts.push((self.rejected, self.lines));
        Ok(self.gathered)
    }

    fn take_chunk(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        let chunk = self.rows.take_packed();
        self.chunk_bytes += chunk.len();
        self.chunks.push(chunk);
        // Longer runs the more there are: a million events on one thread make 46 runs to merge.
        if self.chunk_bytes >= (self.spilled / 16).clamp(self.budget, 4 * self.budget) {
            self.spilled += std::mem::take(&mut self.chunk_bytes);
            let run = Run::sort(std::mem::take(&mut self.chunks)).spill().and_then(|run| self.keep_run(run));
            if let Err(error) = run {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// Keeps a spilled run. So many of a level as may be open at a time are merged into one of the next: files that are
    /// open grow with the logarithm of the input.
    fn keep_run(&mut self, mut run: Run) -> Result<(), Error> {
        let mut level = 0;
        while self.levels.iter().rev().take_while(|kept| **kept == level).count() + 1 >= self.open_runs {
            let rest = self.levels.iter().rposition(|kept| *kept != level).map_or(0, |last| last + 1);
            let mut runs = self.gathered.runs.split_off(rest);
            runs.push(run);
            self.levels.truncate(rest);
            run = Run::merged(runs)?;
            level += 1;
        }
        self.gathered.runs.push(run);
        self.levels.push(level);
        Ok(())
    }

    fn keep_rejected(&mut self, rejection: &Rejection, piece: Piece<'_>) -> io::Result<()> {
        let source = match piece.origin {
            Origin::Message(id) => id.to_owned(),
            Origin::Line(line) => format!("{}:{line}", self.input_name),
        };
        let mut line = rejected::line(rejection, &source, piece.bytes, piece.total).into_bytes();
        line.push(b'\n');
        self.lines.seek(SeekFrom::Start(self.lines_end))?;
        self.lines.write_all(&line)?;
        let order = match &mut self.gathered.deliveries {
            Some(deliveries) => {
                deliveries.rejected(piece.day);
                order_by_content(&line)
            }
            None => self.order,
        };
        self.rejected.push(RejectedAt { day: piece.day, order, offset: self.lines_end, length: line.len() });
        self.lines_end += line.len() as u64;
        self.order.2 += 1;
        Ok(())
    }
}

/// Lines of the same order are the same lines: 96 bits of a hash.
fn order_by_content(line: &[u8]) -> (u32, u32, u32) {
    let hash = blake3::hash(line);
    let part = |at: usize| hash.as_bytes()[at..at + 4].iter().fold(0, |part, byte| part << 8 | u32::from(*byte));
    (part(0), part(4), part(8))
}

impl Sink for Worker<'_> {
    fn rows(&mut self) -> &mut Rows {
        &mut self.rows
    }

    fn row(&mut self, key: PartitionKey) {
        let key = key.within(self.layout);
        let number = match self.latest {
            Some((latest, number)) if latest == key => number,
            _ => self.partitions.number(key),
        };
        self.latest = Some((key, number));
        let rows = &mut self.gathered.partition_rows;
        if rows.len() <= number as usize {
            rows.resize(number as usize + 1, 0);
        }
        rows[number as usize] += 1;
        self.pieces += 1;
        if let Some(deliveries) = &mut self.gathered.deliveries {
            deliveries.row(number);
        }
        self.rows.set_partition(number);
        if self.rows.is_full() {
            self.progress.records.fetch_add(self.rows.len() as u64, Ordering::Relaxed);
            self.take_chunk();
        }
    }

    fn rejected(&mut self, rejection: Rejection, piece: Piece<'_>) {
        self.pieces += 1;
        if let Err(error) = self.keep_rejected(&rejection, piece) {
            self.failed.get_or_insert(Error::Spill(error));
        }
    }

    fn filtered(&mut self) {
        self.pieces += 1;
        self.gathered.filtered += 1;
    }

    fn pieces(&self) -> u64 {
        self.pieces
    }

    fn message_begins(&mut self, id: Option<&str>) {
        if let Some(deliveries) = &mut self.gathered.deliveries {
            deliveries.begin(id);
        }
    }

    fn message_ends(&mut self) {
        if let Some(deliveries) = &mut self.gathered.deliveries {
            deliveries.end();
        }
    }
}
