//! Packed rows -> columns, value by value, and columns made into arrays.
//!
//! In place of arrow's builders, which are made for any use: here a row without a value costs nothing, a column with a value in
//! every row has no bits of validity, and short texts are copied without a call. With the builders extraction took a tenth
//! longer; where the texts of 128 rows were gathered column by column, making columns of them took a tenth longer.

use crate::columns::{COLUMNS, Kind};
use crate::packed::{PackedRow, append, elements, int};
use crate::schema;
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListArray, StringArray, TimestampMillisecondArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use std::sync::Arc;
use wide::u32x8;

/// The columns of the table being filled, by their index in it; of each only the one of its kind is used.
#[derive(Debug)]
pub struct Filling {
    rows: usize,
    texts: Vec<Texts>,
    bools: Vec<Sparse<bool>>,
    /// Also times.
    ints: Vec<Sparse<i64>>,
    lists: Vec<Lists>,
}

/// Of each row one more than the length of its value, or [`NULL`]. Empty where no row has one.
#[derive(Debug, Default)]
struct Lengths(Vec<u32>);

/// The row has no value.
const NULL: u32 = 0;

/// Texts end to end.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    lengths: Lengths,
    /// Bytes that the batch before this had: this one mostly needs as many. While buffers grew step by step, a profile of
    /// `convert` showed 23 % of the time in clearing fresh pages.
    usual: usize,
}

/// Lists of texts end to end.
#[derive(Debug, Default)]
struct Lists {
    texts: Texts,
    /// Elements of all rows so far, those that are no text too.
    elements: usize,
    lengths: Lengths,
}

/// Values of one size, at the places of their rows.
#[derive(Debug, Default)]
struct Sparse<T> {
    values: Vec<T>,
    lengths: Lengths,
}

/// Of each column its kind, close together.
const KINDS: [Kind; COLUMNS.len()] = {
    let mut kinds = [Kind::Text; COLUMNS.len()];
    let mut column = 0;
    while column < kinds.len() {
        kinds[column] = COLUMNS[column].kind;
        column += 1;
    }
    kinds
};

/// Rows that there is room for at first.
const ROOM: usize = 1024;

impl Lengths {
    /// Sets that of a row, which is far below 4 GB. Tells whether there was none at all.
    #[inline(always)]
    fn set(&mut self, row: usize, length: usize) -> bool {
        match self.0.get_mut(row) {
            Some(place) => {
                *place = length as u32 + 1;
                false
            }
            None => self.make_room(row, length),
        }
    }

    #[cold]
    fn make_room(&mut self, row: usize, length: usize) -> bool {
        let was_empty = self.0.is_empty();
        self.0.resize(ROOM.max(2 * row + 1), NULL);
        self.0[row] = length as u32 + 1;
        was_empty
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Validity of so many rows, and the offsets of their values, end to end. Not a branch on whether a row has a value, which
    /// nobody could guess: a pass that had some took 8 % of the time of [`Filling::take`] more, in fewer instructions.
    fn take(&mut self, rows: usize) -> (Option<NullBuffer>, OffsetBuffer<i32>) {
        let nulls = self.nulls(rows);
        let mut lengths = std::mem::take(&mut self.0);
        // Cut first: an iterator that counts its rows too takes a third more instructions.
        lengths.truncate(rows);
        let lengths = lengths.iter().map(|length| length.saturating_sub(1) as usize);
        (nulls, OffsetBuffer::from_lengths(lengths))
    }

    fn nulls(&mut self, rows: usize) -> Option<NullBuffer> {
        self.0.resize(rows.next_multiple_of(8), NULL);
        let there = |eight: &[u32; 8]| !u32x8::new(*eight).simd_eq(u32x8::ZERO).to_bitmask() as u8;
        let valid: Vec<u8> = self.0.as_chunks().0.iter().map(there).collect();
        let valid = NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(valid), 0, rows));
        Some(valid).filter(|valid| valid.null_count() > 0)
    }
}

impl Texts {
    /// Sets the value of a row; behind it lies what lies in `from`, which begins with it.
    #[inline(always)]
    fn set(&mut self, row: usize, value: &[u8], from: &[u8]) {
        append(&mut self.bytes, from, value.len());
        if self.lengths.set(row, value.len()) {
            self.bytes.reserve(self.usual + self.usual / 8);
        }
    }

    /// Making an array cannot fail: what is in it was cut out of texts.
    fn take(&mut self, rows: usize) -> StringArray {
        let (nulls, offsets) = self.lengths.take(rows);
        let bytes = std::mem::take(&mut self.bytes);
        self.usual = bytes.len();
        StringArray::new(offsets, Buffer::from_vec(bytes), nulls)
    }
}

impl<T: Copy + Default> Sparse<T> {
    fn set(&mut self, row: usize, value: T) {
        match self.values.get_mut(row) {
            Some(place) => *place = value,
            None => {
                self.values.resize(ROOM.max(2 * row + 1), T::default());
                self.values[row] = value;
            }
        }
        self.lengths.set(row, 0);
    }

    fn take(&mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        let mut values = std::mem::take(&mut self.values);
        values.resize(rows, T::default());
        let nulls = self.lengths.nulls(rows);
        self.lengths = Lengths::default();
        (values, nulls)
    }
}

impl Lists {
    fn set(&mut self, row: usize, list: &[u8]) {
        let before = self.elements;
        for element in elements(list) {
            if let Some(text) = element {
                self.texts.set(self.elements, text, text);
            }
            self.elements += 1;
        }
        self.lengths.set(row, self.elements - before);
    }
}

impl Filling {
    /// Nothing yet.
    pub fn new() -> Self {
        fn each<T: Default>() -> Vec<T> {
            COLUMNS.iter().map(|_| T::default()).collect()
        }
        Filling { rows: 0, texts: each(), bools: each(), ints: each(), lists: each() }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row.
    pub fn add(&mut self, packed: PackedRow<'_>) {
        let row = self.rows;
        packed.each(|column, value, from| match KINDS.get(column) {
            Some(Kind::Text | Kind::Json) => self.texts[column].set(row, value, from),
            Some(Kind::Bool) => self.bools[column].set(row, value == [1]),
            Some(Kind::BigInt | Kind::Timestamp) => self.ints[column].set(row, int(value)),
            Some(Kind::List) => self.lists[column].set(row, value),
            None => {}
        });
        self.rows += 1;
    }

    /// The arrays of all rows, in table order; after that it is empty again.
    pub fn take(&mut self) -> Vec<ArrayRef> {
        let rows = std::mem::take(&mut self.rows);
        (0..COLUMNS.len()).map(|column| self.take_column(column, rows)).collect()
    }

    fn take_column(&mut self, column: usize, rows: usize) -> ArrayRef {
        match COLUMNS[column].kind {
            Kind::Text | Kind::Json if !self.texts[column].lengths.is_empty() => {
                Arc::new(self.texts[column].take(rows))
            }
            Kind::Bool if !self.bools[column].lengths.is_empty() => {
                let (values, nulls) = self.bools[column].take(rows);
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Kind::BigInt if !self.ints[column].lengths.is_empty() => {
                let (values, nulls) = self.ints[column].take(rows);
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            Kind::Timestamp if !self.ints[column].lengths.is_empty() => {
                let (values, nulls) = self.ints[column].take(rows);
                Arc::new(TimestampMillisecondArray::new(values.into(), nulls).with_timezone("UTC"))
            }
            Kind::List if !self.lists[column].lengths.is_empty() => {
                let lists = &mut self.lists[column];
                let elements = Arc::new(lists.texts.take(std::mem::take(&mut lists.elements)));
                let (nulls, offsets) = lists.lengths.take(rows);
                Arc::new(ListArray::new(schema::element(&COLUMNS[column]), offsets, elements, nulls))
            }
            _ => new_null_array(schema::SCHEMA.field(column).data_type(), rows),
        }
    }
}

impl Default for Filling {
    fn default() -> Self {
        Filling::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Column;
    use crate::packed::{Packer, rows};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    fn first(kind: Kind) -> usize {
        COLUMNS.iter().position(|column: &Column| column.kind == kind).unwrap()
    }

    fn fill(packer: &mut Packer) -> Vec<ArrayRef> {
        let mut filling = Filling::new();
        let packed = packer.take();
        rows(&packed).for_each(|(_, row)| filling.add(row));
        filling.take()
    }

    #[test]
    fn texts_of_all_lengths_rows_without_and_rows_taken_back() {
        let source: String = "0123456789äöü".repeat(12);
        let column = first(Kind::Text);
        let mut packer = Packer::new();
        for round in 0..2 {
            let mut expected: Vec<Option<&str>> = Vec::new();
            for start in (0..source.len()).filter(|at| source.is_char_boundary(*at)) {
                for end in (start..=source.len()).filter(|at| source.is_char_boundary(*at)).step_by(7) {
                    packer.begin();
                    if (start + end) % 5 == round {
                        packer.accept(0);
                        expected.push(None);
                        packer.begin();
                    }
                    if (start + end) % 3 == 0 {
                        packer.text(column, "taken back");
                        packer.begin();
                        assert_eq!(packer.value(column), None);
                    }
                    packer.text(column, &source[start..end]);
                    assert_eq!(packer.value(column), Some(&source.as_bytes()[start..end]));
                    packer.accept(0);
                    expected.push(Some(&source[start..end]));
                }
            }
            packer.begin();
            packer.text(column, "never accepted");
            let array = fill(&mut packer).swap_remove(column);
            assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
        }
        assert!(fill(&mut packer).iter().all(|array| array.is_empty()));
    }

    #[test]
    fn short_texts_stand_behind_the_first_byte_of_a_window() {
        let column = first(Kind::Text);
        let mut packer = Packer::new();
        let window = b"\"0123456789abcdefghijklmnopqrstu";
        for length in 0..=30 {
            packer.begin();
            packer.short_text(column, window, length);
            packer.accept(0);
        }
        let array = fill(&mut packer).swap_remove(column);
        for length in 0..=30 {
            assert_eq!(array.as_string::<i32>().value(length).as_bytes(), &window[1..=length]);
        }
    }

    #[test]
    fn other_kinds() {
        let [bool, int, list] = [Kind::Bool, Kind::BigInt, Kind::List].map(first);
        let mut packer = Packer::new();
        for row in 0..3001 {
            packer.begin();
            match row {
                1 => {
                    packer.bool(bool, true);
                    packer.list(list, [Some("a".into()), None, Some("".into())].into_iter());
                }
                2 => {
                    packer.bool(bool, false);
                    packer.list(list, std::iter::empty());
                }
                3 => packer.int(int, 7),
                3000 => packer.int(int, -1),
                _ => {}
            }
            packer.accept(row);
        }
        let arrays = fill(&mut packer);
        let bools = arrays[bool].as_boolean();
        assert_eq!(bools.iter().take(4).collect::<Vec<_>>(), [None, Some(true), Some(false), None]);
        let ints = arrays[int].as_primitive::<Int64Type>();
        assert_eq!((ints.null_count(), ints.value(3), ints.value(3000)), (2999, 7, -1));
        let lists = arrays[list].as_list::<i32>();
        assert!(lists.is_null(0) && lists.is_valid(2) && lists.value(2).is_empty());
        assert_eq!(lists.value(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("")]);
    }

    #[test]
    fn elements_once_few_and_many() {
        let column = first(Kind::List);
        let mut packer = Packer::new();
        let names: Vec<String> = (0..48).map(|n| format!("arn:{n}")).collect();
        let thrice = names.iter().chain(&names).chain(names.iter().rev()).map(|name| name.as_str().into());
        packer.begin();
        packer.list_each_once(column, std::iter::empty());
        packer.accept(0);
        packer.begin();
        packer.list_each_once(column, thrice);
        packer.accept(0);
        let array = fill(&mut packer).swap_remove(column);
        let lists = array.as_list::<i32>();
        assert!(lists.is_null(0));
        let values = lists.value(1);
        let values: Vec<&str> = values.as_string::<i32>().iter().flatten().collect();
        assert_eq!(values, names.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
