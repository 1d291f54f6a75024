//! Batches of rows: how they are ordered, compared and gathered into others.
//!
//! Between extraction and encoding a batch carries two columns more than the table: the number of the row's partition
//! and the size of its values.

use crate::columns::{COLUMNS, SORT_COLUMNS, index_of};
use crate::schema;
use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array, new_null_array,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimestampMillisecondType, UInt32Type};
use arrow::error::ArrowError;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

const PARTITION: usize = COLUMNS.len();
const BYTES: usize = COLUMNS.len() + 1;
const SORT: [usize; 4] =
    [index_of(SORT_COLUMNS[0]), index_of(SORT_COLUMNS[1]), index_of(SORT_COLUMNS[2]), index_of(SORT_COLUMNS[3])];

/// Schema of a batch on its way: that of the rows and the two columns more.
pub static BATCH_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let more = ["partition", "bytes"].map(|name| Arc::new(Field::new(name, DataType::UInt32, false)));
    Arc::new(Schema::new(schema::SCHEMA.fields().iter().cloned().chain(more).collect::<Vec<_>>()))
});

/// A batch with its sort columns at hand.
#[derive(Debug)]
pub struct Batch {
    columns: RecordBatch,
    partition: UInt32Array,
    bytes: UInt32Array,
    source: StringArray,
    name: StringArray,
    time: TimestampMillisecondArray,
    id: StringArray,
}

impl Batch {
    /// A batch of the columns of the table, and of each row the partition and the bytes.
    ///
    /// # Errors
    /// If the columns are not those of the table.
    pub fn new(mut columns: Vec<ArrayRef>, partition: Vec<u32>, bytes: Vec<u32>) -> Result<Self, ArrowError> {
        columns.push(Arc::new(UInt32Array::from(partition)));
        columns.push(Arc::new(UInt32Array::from(bytes)));
        Ok(Batch::from(RecordBatch::try_new(BATCH_SCHEMA.clone(), columns)?))
    }

    /// The batch as columns, the two more included.
    pub fn columns(&self) -> &RecordBatch {
        &self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.num_rows()
    }

    /// Partition of a row.
    pub fn partition(&self, row: usize) -> u32 {
        self.partition.value(row)
    }

    /// When a row's event happened, in milliseconds since 1970.
    pub fn time(&self, row: usize) -> i64 {
        self.time.value(row)
    }

    /// Bytes of the values of a row.
    pub fn bytes(&self, row: usize) -> usize {
        self.bytes.value(row) as usize
    }

    /// Whether a row has an event_id.
    pub fn has_event_id(&self, row: usize) -> bool {
        self.id.is_valid(row)
    }

    /// Order of two rows by partition and the four sort columns.
    #[inline]
    pub fn compare_keys(&self, i: usize, other: &Batch, j: usize) -> Ordering {
        (self.partition(i).cmp(&other.partition(j)))
            .then_with(|| text(&self.source, i).cmp(&text(&other.source, j)))
            .then_with(|| text(&self.name, i).cmp(&text(&other.name, j)))
            .then_with(|| self.time.value(i).cmp(&other.time.value(j)))
            .then_with(|| text(&self.id, i).cmp(&text(&other.id, j)))
    }

    /// Order of two rows by all columns: no two orders of different rows are possible.
    pub fn compare(&self, i: usize, other: &Batch, j: usize) -> Ordering {
        self.compare_keys(i, other, j).then_with(|| {
            let columns = self.columns.columns().iter().zip(other.columns.columns()).take(COLUMNS.len());
            columns.map(|(a, b)| compare_cells(a, i, b, j)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}

impl From<RecordBatch> for Batch {
    fn from(columns: RecordBatch) -> Self {
        let [source, name, time, id] = SORT.map(|index| columns.column(index));
        Batch {
            partition: columns.column(PARTITION).as_primitive::<UInt32Type>().clone(),
            bytes: columns.column(BYTES).as_primitive::<UInt32Type>().clone(),
            source: source.as_string().clone(),
            name: name.as_string().clone(),
            time: time.as_primitive::<TimestampMillisecondType>().clone(),
            id: id.as_string().clone(),
            columns,
        }
    }
}

#[inline]
fn text(array: &StringArray, row: usize) -> Option<&[u8]> {
    array.is_valid(row).then(|| array.value(row).as_bytes())
}

/// NULL first; lists element by element, the shorter first.
fn compare_cells(a: &ArrayRef, i: usize, b: &ArrayRef, j: usize) -> Ordering {
    let valid = a.is_valid(i).cmp(&b.is_valid(j));
    if valid.is_ne() || a.is_null(i) {
        return valid;
    }
    match a.data_type() {
        DataType::Utf8 => a.as_string::<i32>().value(i).cmp(b.as_string::<i32>().value(j)),
        DataType::Boolean => a.as_boolean().value(i).cmp(&b.as_boolean().value(j)),
        DataType::Int64 => a.as_primitive::<Int64Type>().value(i).cmp(&b.as_primitive::<Int64Type>().value(j)),
        DataType::Timestamp(..) => {
            let value = |array: &ArrayRef, row| array.as_primitive::<TimestampMillisecondType>().value(row);
            value(a, i).cmp(&value(b, j))
        }
        _ => {
            let (a, b) = (a.as_list::<i32>().value(i), b.as_list::<i32>().value(j));
            let (a, b) = (a.as_string::<i32>(), b.as_string::<i32>());
            a.iter().cmp(b.iter())
        }
    }
}

/// A row: the index of its batch, and its own.
pub type RowAt = (u32, u32);

/// The rows of some batches in order.
///
/// Sorting compares one number for nearly every pair of rows: partition, rank of the call (source, name) among those that occur,
/// time. Comparing the columns themselves is left for ties.
pub fn sorted(batches: &[Arc<Batch>]) -> Vec<RowAt> {
    type Call<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);
    let mut ranks: HashMap<Call<'_>, u32> = HashMap::new();
    for batch in batches {
        for row in 0..batch.rows() {
            ranks.entry((text(&batch.source, row), text(&batch.name, row))).or_default();
        }
    }
    let mut calls: Vec<Call<'_>> = ranks.keys().copied().collect();
    calls.sort_unstable();
    for (rank, call) in (0..).zip(calls) {
        ranks.insert(call, rank);
    }
    let mut rows: Vec<(u128, RowAt)> = Vec::with_capacity(batches.iter().map(|batch| batch.rows()).sum());
    for (index, batch) in (0..).zip(batches) {
        for row in 0..batch.rows() {
            let rank = ranks.get(&(text(&batch.source, row), text(&batch.name, row))).copied().unwrap_or_default();
            // Times of rows are after 1970: as unsigned numbers they keep their order.
            let time = u128::from(batch.time.value(row) as u64);
            let key = u128::from(batch.partition(row)) << 96 | u128::from(rank) << 64 | time;
            rows.push((key, (index, row as u32)));
        }
    }
    rows.sort_unstable_by(|(a_key, a), (b_key, b)| {
        a_key.cmp(b_key).then_with(|| batches[a.0 as usize].compare(a.1 as usize, &batches[b.0 as usize], b.1 as usize))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Copies the given rows of a column of several batches into one array.
///
/// # Errors
/// If they do not fit into one array: 2 GB of text.
pub fn gather_column(batches: &[Arc<Batch>], column: usize, rows: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
    let arrays: Vec<&dyn Array> = batches.iter().map(|batch| batch.columns.column(column).as_ref()).collect();
    // Half of the columns of a usual batch are all NULL.
    if arrays.iter().all(|array| array.null_count() == array.len()) {
        return Ok(new_null_array(arrays.first().map_or(&DataType::Null, |array| array.data_type()), rows.len()));
    }
    interleave(&arrays, rows)
}

/// Copies the given rows of several batches into one, the two columns more included.
///
/// # Errors
/// If they do not fit into one batch.
pub fn gather(batches: &[Arc<Batch>], rows: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
    let columns: Result<Vec<_>, _> =
        (0..BATCH_SCHEMA.fields().len()).map(|column| gather_column(batches, column, rows)).collect();
    RecordBatch::try_new(BATCH_SCHEMA.clone(), columns?)
}
