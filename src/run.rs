//! Sorted runs: what one worker gathered, in memory or spilled to disk, and their merge into one order.

use crate::batch::{self, Batch, RowAt};
use crate::error::Error;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::sync::Arc;

/// Rows of a spilled batch: one of each run is in memory while runs are merged.
const SPILL_ROWS: usize = 256;
/// Bytes of values after which a spilled batch ends.
const SPILL_BYTES: usize = 1 << 20;
/// Runs that are merged at a time; more are first merged into longer ones.
const FAN_IN: usize = 64;

/// A sorted sequence of rows.
pub enum Run {
    /// Unsorted batches and the order of their rows.
    Memory(Vec<Arc<Batch>>, Vec<RowAt>),
    /// Sorted batches in a file that is already unlinked: it goes when the process does.
    Spilled(File),
}

impl Run {
    /// Sorts batches.
    pub fn sort(batches: Vec<Arc<Batch>>) -> Run {
        let order = batch::sorted(&batches);
        Run::Memory(batches, order)
    }

    /// Merges runs into one on disk.
    ///
    /// # Errors
    /// If a run cannot be read, or the temporary folder has no room.
    pub fn merged(runs: Vec<Run>) -> Result<Run, Error> {
        spill(Merge::of(runs)?)
    }

    /// Writes the run to a temporary file.
    ///
    /// # Errors
    /// If the temporary folder has no room.
    pub fn spill(self) -> Result<Run, Error> {
        match self {
            Run::Memory(..) => spill(Merge::of(vec![self])?),
            spilled => Ok(spilled),
        }
    }
}

fn spill(mut merge: Merge) -> Result<Run, Error> {
    let file = tempfile::tempfile().map_err(Error::spill)?;
    let mut writer = StreamWriter::try_new(BufWriter::with_capacity(1 << 16, file), &batch::BATCH_SCHEMA)?;
    let mut block = Block::default();
    while let Some((batch, row)) = merge.next()? {
        block.push(&batch, row);
        if block.rows.len() >= SPILL_ROWS || block.bytes >= SPILL_BYTES {
            writer.write(&block.gather()?).map_err(Error::spilled)?;
            block.clear();
        }
    }
    if !block.rows.is_empty() {
        writer.write(&block.gather()?).map_err(Error::spilled)?;
    }
    writer.finish().map_err(Error::spilled)?;
    let mut buffered = writer.into_inner().map_err(Error::spilled)?;
    buffered.flush().map_err(Error::spill)?;
    let mut file = buffered.into_inner().map_err(|error| Error::spill(error.into_error()))?;
    file.rewind().map_err(Error::spill)?;
    Ok(Run::Spilled(file))
}

/// Rows of several batches that will be one batch.
#[derive(Default)]
pub struct Block {
    batches: Vec<Arc<Batch>>,
    /// Of each row the index of its batch and its own.
    rows: Vec<(usize, usize)>,
    bytes: usize,
}

impl Block {
    /// Adds a row.
    pub fn push(&mut self, batch: &Arc<Batch>, row: usize) {
        // Rows of a run come in stretches out of few batches: look at the latest first.
        let known = self.batches.iter().rposition(|known| Arc::ptr_eq(known, batch));
        let index = known.unwrap_or_else(|| {
            self.batches.push(batch.clone());
            self.batches.len() - 1
        });
        self.rows.push((index, row));
        self.bytes += batch.bytes(row);
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of their values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows' places: batches, and of each row its batch and its number in it.
    pub fn places(&self) -> (&[Arc<Batch>], &[(usize, usize)]) {
        (&self.batches, &self.rows)
    }

    /// The rows as one batch.
    ///
    /// # Errors
    /// If they do not fit into one.
    pub fn gather(&self) -> Result<arrow::array::RecordBatch, Error> {
        Ok(batch::gather(&self.batches, &self.rows)?)
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.batches.clear();
        self.rows.clear();
        self.bytes = 0;
    }
}

/// The rows of several runs in one order.
pub struct Merge {
    heap: BinaryHeap<Cursor>,
}

impl Merge {
    /// Merges runs. More than 64 are first merged into longer runs on disk.
    ///
    /// # Errors
    /// If a run cannot be read, or written.
    pub fn of(mut runs: Vec<Run>) -> Result<Merge, Error> {
        while runs.len() > FAN_IN {
            let rest = runs.split_off(FAN_IN);
            let longer = spill(Merge::of(runs)?)?;
            // To the end of the queue, so that all runs stay of a similar length.
            runs = rest;
            runs.push(longer);
        }
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for run in runs {
            let rows = match run {
                Run::Memory(batches, order) => Rows::Memory(batches, order.into_iter()),
                Run::Spilled(file) => Rows::Spilled(Box::new(StreamReader::try_new(BufReader::new(file), None)?)),
            };
            heap.extend(Cursor::first(rows)?);
        }
        Ok(Merge { heap })
    }

    /// The next row.
    ///
    /// # Errors
    /// If a spilled run cannot be read.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results would hide that an error ends it")]
    pub fn next(&mut self) -> Result<Option<(Arc<Batch>, usize)>, Error> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(None) };
        let at = (top.batch.clone(), top.row);
        if !top.advance()? {
            PeekMut::pop(top);
        }
        Ok(Some(at))
    }
}

enum Rows {
    Memory(Vec<Arc<Batch>>, std::vec::IntoIter<RowAt>),
    Spilled(Box<StreamReader<BufReader<File>>>),
}

struct Cursor {
    rows: Rows,
    batch: Arc<Batch>,
    row: usize,
}

impl Cursor {
    fn first(mut rows: Rows) -> Result<Option<Cursor>, Error> {
        let at = match &mut rows {
            Rows::Memory(batches, order) => {
                order.next().map(|(batch, row)| (batches[batch as usize].clone(), row as usize))
            }
            Rows::Spilled(reader) => next_batch(reader)?.map(|batch| (batch, 0)),
        };
        Ok(at.map(|(batch, row)| Cursor { rows, batch, row }))
    }

    fn advance(&mut self) -> Result<bool, Error> {
        match &mut self.rows {
            Rows::Memory(batches, order) => {
                let Some((batch, row)) = order.next() else { return Ok(false) };
                self.batch = batches[batch as usize].clone();
                self.row = row as usize;
            }
            Rows::Spilled(reader) => {
                self.row += 1;
                if self.row == self.batch.rows() {
                    let Some(batch) = next_batch(reader)? else { return Ok(false) };
                    self.batch = batch;
                    self.row = 0;
                }
            }
        }
        Ok(true)
    }
}

fn next_batch(reader: &mut StreamReader<BufReader<File>>) -> Result<Option<Arc<Batch>>, Error> {
    Ok(reader.next().transpose()?.map(|batch| Arc::new(Batch::from(batch))))
}

impl Ord for Cursor {
    /// The heap has its greatest on top, so the order is turned around.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.batch.compare(other.row, &self.batch, self.row)
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cursor {}
