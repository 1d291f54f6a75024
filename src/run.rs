//! Sorted runs: what one worker gathered, in memory or spilled to disk, and their merge into one order.

use crate::error::Error;
use crate::packed::PackedRow;
use crate::sort::{RowAt, sorted};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};

/// Bytes of a spilled run that are read at a time: one such piece of each run is in memory while runs are merged.
const PIECE: usize = 128 << 10;
/// Runs that are merged at a time; more are first merged into longer ones. A million events make 46 on one thread, 92 on two and
/// 240 on eight, where a limit of 128 had them written nearly twice.
const FAN_IN: usize = 256;

/// A sorted sequence of rows.
pub enum Run {
    /// Chunks of packed rows, and the order of the rows.
    Memory(Vec<Vec<u8>>, Vec<RowAt>),
    /// Packed rows in order in a file that is already unlinked: it goes when the process does.
    Spilled(File),
}

impl Run {
    /// Sorts the rows of chunks.
    pub fn sort(chunks: Vec<Vec<u8>>) -> Run {
        let order = sorted(&chunks);
        Run::Memory(chunks, order)
    }

    /// Merges runs into one on disk.
    ///
    /// # Errors
    /// If a run cannot be read, or the temporary folder has no room.
    pub fn merged(runs: Vec<Run>) -> Result<Run, Error> {
        Merge::of(runs)?.spill()
    }

    /// Writes the run to a temporary file.
    ///
    /// # Errors
    /// If the temporary folder has no room.
    pub fn spill(self) -> Result<Run, Error> {
        match self {
            Run::Memory(chunks, order) => {
                let mut file = spilling()?;
                for row in order.into_iter().filter_map(|at| row_at(&chunks, at)) {
                    file.write_all(row.bytes()).map_err(Error::Spill)?;
                }
                spilled(file)
            }
            spilled => Ok(spilled),
        }
    }
}

fn row_at(chunks: &[Vec<u8>], (chunk, place): RowAt) -> Option<PackedRow<'_>> {
    PackedRow::at(chunks.get(chunk as usize)?, place as usize)
}

fn spilling() -> Result<BufWriter<File>, Error> {
    Ok(BufWriter::with_capacity(PIECE, tempfile::tempfile().map_err(Error::Spill)?))
}

fn spilled(file: BufWriter<File>) -> Result<Run, Error> {
    let mut file = file.into_inner().map_err(|error| Error::Spill(error.into_error()))?;
    file.rewind().map_err(Error::Spill)?;
    Ok(Run::Spilled(file))
}

/// The rows of several runs in one order.
///
/// Runs are mostly at the same call of the same partition, and then time alone says whose row comes next: one number each, kept
/// beside the cursors. Comparing the rows themselves was 3 % of `convert` with three runs.
pub struct Merge {
    /// Cursors at rows of the group that is being passed.
    now: BinaryHeap<Head>,
    /// Cursors at rows of later groups.
    later: BinaryHeap<Head>,
    /// A row of the group.
    group: Vec<u8>,
}

/// A cursor that is at a row.
struct Head {
    /// Of the row, where all rows that it is compared with are of one group; else 0.
    time: i64,
    cursor: Box<Cursor>,
}

impl Merge {
    /// Merges runs. More than 256 are first merged into longer runs on disk.
    ///
    /// # Errors
    /// If a run cannot be read, or written.
    pub fn of(mut runs: Vec<Run>) -> Result<Merge, Error> {
        while runs.len() > FAN_IN {
            let rest = runs.split_off(FAN_IN);
            let longer = Merge::of(runs)?.spill()?;
            // To the end of the queue, so that all runs stay of a similar length.
            runs = rest;
            runs.push(longer);
        }
        let mut later = BinaryHeap::with_capacity(runs.len());
        for run in runs {
            let mut cursor = match run {
                Run::Memory(chunks, order) => Cursor::Memory { chunks, order, at: 0 },
                Run::Spilled(file) => {
                    Cursor::Spilled { file: BufReader::with_capacity(PIECE, file), row: Vec::new(), in_buffer: 0 }
                }
            };
            if cursor.begin()? {
                later.push(Head { time: 0, cursor: Box::new(cursor) });
            }
        }
        let mut merge = Merge { now: BinaryHeap::with_capacity(later.len()), later, group: Vec::new() };
        merge.begin_group();
        Ok(merge)
    }

    /// The next row, which [`Merge::advance`] passes.
    pub fn peek(&self) -> Option<PackedRow<'_>> {
        self.now.peek().and_then(|now| now.cursor.row())
    }

    /// Goes on behind the next row.
    ///
    /// # Errors
    /// If a spilled run cannot be read.
    pub fn advance(&mut self) -> Result<(), Error> {
        let Some(mut top) = self.now.peek_mut() else { return Ok(()) };
        let there = top.cursor.advance()?;
        let row = if there { top.cursor.row() } else { None };
        let group = PackedRow::at(&self.group, 0);
        match row {
            Some(row) if group.is_some_and(|group| row.is_of_group_of(group)) => {
                top.time = row.time();
                return Ok(());
            }
            Some(_) => self.later.push(Head { time: 0, ..PeekMut::pop(top) }),
            None => _ = PeekMut::pop(top),
        }
        if self.now.is_empty() {
            self.begin_group();
        }
        Ok(())
    }

    fn spill(mut self) -> Result<Run, Error> {
        let mut file = spilling()?;
        while let Some(row) = self.peek() {
            file.write_all(row.bytes()).map_err(Error::Spill)?;
            self.advance()?;
        }
        spilled(file)
    }

    /// Takes the cursors at rows of the group that comes next.
    fn begin_group(&mut self) {
        let Some(first) = self.later.peek().and_then(|later| later.cursor.row()) else { return };
        self.group.clear();
        self.group.extend_from_slice(first.bytes());
        let Some(group) = PackedRow::at(&self.group, 0) else { return };
        while let Some(later) = self.later.peek_mut() {
            match later.cursor.row() {
                Some(row) if row.is_of_group_of(group) => {
                    let time = row.time();
                    self.now.push(Head { time, ..PeekMut::pop(later) });
                }
                _ => break,
            }
        }
    }
}

/// A place in a run.
enum Cursor {
    Memory {
        chunks: Vec<Vec<u8>>,
        order: Vec<RowAt>,
        at: usize,
    },
    Spilled {
        file: BufReader<File>,
        /// The row, where it does not lie whole in the buffer.
        row: Vec<u8>,
        /// Bytes of the row, where it does.
        in_buffer: usize,
    },
}

impl Cursor {
    fn row(&self) -> Option<PackedRow<'_>> {
        match self {
            Cursor::Memory { chunks, order, at } => row_at(chunks, *order.get(*at)?),
            Cursor::Spilled { row, in_buffer: 0, .. } => PackedRow::at(row, 0),
            Cursor::Spilled { file, .. } => PackedRow::at(file.buffer(), 0),
        }
    }

    /// Finds the first row; gives whether there is one.
    fn begin(&mut self) -> Result<bool, Error> {
        match self {
            Cursor::Memory { order, .. } => Ok(!order.is_empty()),
            Cursor::Spilled { .. } => self.read(),
        }
    }

    /// Goes to the next row; gives whether there is one.
    fn advance(&mut self) -> Result<bool, Error> {
        match self {
            Cursor::Memory { order, at, .. } => {
                *at += 1;
                Ok(*at < order.len())
            }
            Cursor::Spilled { file, in_buffer, .. } => {
                file.consume(std::mem::take(in_buffer));
                self.read()
            }
        }
    }

    /// Reads the row that comes next in the file.
    fn read(&mut self) -> Result<bool, Error> {
        let Cursor::Spilled { file, row, in_buffer } = self else { return Ok(false) };
        row.clear();
        let buffer = file.fill_buf().map_err(Error::Spill)?;
        if buffer.is_empty() {
            return Ok(false);
        }
        if let Some(whole) = PackedRow::at(buffer, 0) {
            *in_buffer = whole.bytes().len();
            return Ok(true);
        }
        let mut head = [0; 4];
        file.read_exact(&mut head).map_err(Error::Spill)?;
        row.extend_from_slice(&head);
        let rest = PackedRow::length(&head).saturating_sub(head.len()) as u64;
        file.take(rest).read_to_end(row).map_err(Error::Spill)?;
        if PackedRow::at(row, 0).is_none() {
            return Err(Error::Bug("a spilled row is broken off".to_owned()));
        }
        Ok(true)
    }
}

impl Ord for Head {
    /// The heap has its greatest on top, so the order is turned around.
    fn cmp(&self, other: &Self) -> Ordering {
        other.time.cmp(&self.time).then_with(|| match (other.cursor.row(), self.cursor.row()) {
            (Some(other), Some(own)) => other.compare(own),
            (other, own) => other.is_some().cmp(&own.is_some()),
        })
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
