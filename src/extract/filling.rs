//! A column being filled value by value, and made into an array.
//!
//! In place of arrow's builders, which are made for any use: rows without a value cost nothing until the next value comes,
//! validity is one bit set a value, and short texts are copied without a call. Of the extraction of generated records that took a tenth
//! of the time away.

use super::rows::BATCH_ROWS;
use crate::columns::{Column, Kind};
use crate::schema;
use arrow::array::{ArrayRef, BooleanArray, Int64Array, ListArray, StringArray, TimestampMillisecondArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::sync::Arc;

/// A column being filled; the rows since its last value are NULL.
#[derive(Debug)]
pub struct Filling {
    values: Values,
    valid: Bits,
    /// Rows up to its last value.
    rows: usize,
}

#[derive(Debug)]
enum Values {
    Text(Texts),
    Bool(Bits),
    /// Also times.
    Int(Vec<i64>),
    List(Lists),
}

/// Texts end to end.
#[derive(Debug)]
struct Texts {
    bytes: Vec<u8>,
    /// 0, and where each ends.
    ends: Vec<i32>,
}

/// Lists of texts end to end.
#[derive(Debug)]
struct Lists {
    texts: Texts,
    valid: Bits,
    /// 0, and where each ends among the texts.
    ends: Vec<i32>,
}

/// Bits that are set, by number.
#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    set: usize,
}

/// Texts up to this length are copied as so many bytes, and cut: a copy of a known length is two instructions, any other a
/// call.
const SHORT: usize = 32;

impl Texts {
    fn new(bytes: usize, texts: usize) -> Self {
        let mut ends = Vec::with_capacity(texts + 1);
        ends.push(0);
        Texts { bytes: Vec::with_capacity(bytes), ends }
    }

    /// Appends `text[start..end]`.
    #[inline]
    fn push(&mut self, text: &str, start: usize, end: usize) {
        let Some(bytes) = text.as_bytes().get(start..) else { return self.end() };
        let length = end.saturating_sub(start);
        match bytes.first_chunk::<SHORT>() {
            Some(chunk) if length <= SHORT => {
                let whole = self.bytes.len() + length;
                self.bytes.extend_from_slice(chunk);
                self.bytes.truncate(whole);
            }
            _ => self.bytes.extend_from_slice(bytes.get(..length).unwrap_or_default()),
        }
        self.end();
    }

    /// The text that comes last ends here. A batch has some megabytes: far below what an offset holds.
    #[inline]
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    fn take(&mut self) -> Texts {
        // A batch mostly needs what the one before it needed. While builders grew step by step, a profile of `convert` showed 23 % of
        // the time in clearing fresh pages.
        let fresh = Texts::new(self.bytes.len() + self.bytes.len() / 8, self.ends.len());
        std::mem::replace(self, fresh)
    }

    fn into_array(self, nulls: Option<NullBuffer>) -> StringArray {
        // Cannot fail: what is in it was cut out of texts, and offsets only grow.
        StringArray::new(offsets(self.ends), Buffer::from_vec(self.bytes), nulls)
    }
}

impl Bits {
    #[inline]
    fn set(&mut self, number: usize) {
        let at = number / 8;
        if at >= self.bytes.len() {
            self.bytes.resize(at.max(BATCH_ROWS / 8) + 1, 0);
        }
        self.bytes[at] |= 1 << (number % 8);
        self.set += 1;
    }

    fn into_buffer(mut self, length: usize) -> BooleanBuffer {
        self.bytes.resize(length.div_ceil(8), 0);
        BooleanBuffer::new(Buffer::from_vec(self.bytes), 0, length)
    }

    /// As validity; None where all are valid.
    fn into_nulls(self, length: usize) -> Option<NullBuffer> {
        (self.set < length).then(|| NullBuffer::new(self.into_buffer(length)))
    }
}

fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(ends))
}

/// Makes a list of ends as long as it would be after `rows` empty elements.
#[inline]
fn pad(ends: &mut Vec<i32>, rows: usize) {
    if ends.len() <= rows {
        let last = ends.last().copied().unwrap_or_default();
        ends.resize(rows + 1, last);
    }
}

impl Filling {
    /// Nothing yet.
    pub fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text | Kind::Json => Values::Text(Texts::new(0, 0)),
            Kind::Bool => Values::Bool(Bits::default()),
            Kind::BigInt | Kind::Timestamp => Values::Int(Vec::new()),
            Kind::List => Values::List(Lists { texts: Texts::new(0, 0), valid: Bits::default(), ends: vec![0] }),
        };
        Filling { values, valid: Bits::default(), rows: 0 }
    }

    /// Whether it has no value.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends `text[start..end]` as the value of row `row`; gives its size in bytes.
    #[inline]
    pub fn append_text(&mut self, row: usize, text: &str, start: usize, end: usize) -> usize {
        if let Values::Text(texts) = &mut self.values {
            pad(&mut texts.ends, row);
            texts.push(text, start, end);
            self.valid.set(row);
            self.rows = row + 1;
        }
        end - start
    }

    /// Appends a truth value; gives its size in bytes.
    pub fn append_bool(&mut self, row: usize, value: bool) -> usize {
        if let Values::Bool(bits) = &mut self.values {
            if value {
                bits.set(row);
            }
            self.valid.set(row);
            self.rows = row + 1;
        }
        1
    }

    /// Appends a number or a time; gives its size in bytes.
    pub fn append_int(&mut self, row: usize, value: i64) -> usize {
        if let Values::Int(numbers) = &mut self.values {
            numbers.resize(row, 0);
            numbers.push(value);
            self.valid.set(row);
            self.rows = row + 1;
        }
        8
    }

    /// Appends a list; gives its size in bytes.
    pub fn append_list<'a>(&mut self, row: usize, elements: impl Iterator<Item = Option<&'a str>>) -> usize {
        let mut bytes = 0;
        if let Values::List(lists) = &mut self.values {
            pad(&mut lists.ends, row);
            for element in elements {
                match element {
                    Some(text) => {
                        lists.valid.set(lists.texts.ends.len() - 1);
                        lists.texts.push(text, 0, text.len());
                        bytes += text.len() + 4;
                    }
                    None => {
                        lists.texts.end();
                        bytes += 4;
                    }
                }
            }
            lists.ends.push((lists.texts.ends.len() - 1) as i32);
            self.valid.set(row);
            self.rows = row + 1;
        }
        bytes
    }

    /// The array of so many rows; after that it is empty again.
    pub fn take(&mut self, column: &Column, rows: usize) -> ArrayRef {
        self.rows = 0;
        let nulls = std::mem::take(&mut self.valid).into_nulls(rows);
        match &mut self.values {
            Values::Text(texts) => {
                pad(&mut texts.ends, rows);
                Arc::new(texts.take().into_array(nulls))
            }
            Values::Bool(bits) => Arc::new(BooleanArray::new(std::mem::take(bits).into_buffer(rows), nulls)),
            Values::Int(numbers) => {
                let mut numbers = std::mem::take(numbers);
                numbers.resize(rows, 0);
                match column.kind {
                    Kind::Timestamp => {
                        Arc::new(TimestampMillisecondArray::new(numbers.into(), nulls).with_timezone("UTC"))
                    }
                    _ => Arc::new(Int64Array::new(numbers.into(), nulls)),
                }
            }
            Values::List(lists) => {
                pad(&mut lists.ends, rows);
                let ends = std::mem::replace(&mut lists.ends, vec![0]);
                let texts = lists.texts.take();
                let valid = std::mem::take(&mut lists.valid).into_nulls(texts.ends.len() - 1);
                let elements = Arc::new(texts.into_array(valid));
                Arc::new(ListArray::new(schema::element(column), offsets(ends), elements, nulls))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::COLUMNS;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    fn of(kind: Kind) -> (Filling, &'static Column) {
        (Filling::new(kind), COLUMNS.iter().find(|column| column.kind == kind).unwrap())
    }

    #[test]
    fn texts_of_all_lengths_at_all_places_and_rows_without() {
        let source: String = "0123456789äöü".repeat(12);
        let (mut filling, column) = of(Kind::Text);
        for round in 0..2 {
            let mut expected: Vec<Option<&str>> = Vec::new();
            for start in (0..source.len()).filter(|at| source.is_char_boundary(*at)) {
                for end in (start..=source.len()).filter(|at| source.is_char_boundary(*at)).step_by(7) {
                    if (start + end) % 5 == round {
                        expected.push(None);
                    }
                    filling.append_text(expected.len(), &source, start, end);
                    expected.push(Some(&source[start..end]));
                }
            }
            expected.push(None);
            let array = filling.take(column, expected.len());
            assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
            assert!(filling.is_empty());
        }
    }

    #[test]
    fn other_kinds() {
        let (mut bools, column) = of(Kind::Bool);
        bools.append_bool(1, true);
        bools.append_bool(2, false);
        assert_eq!(
            bools.take(column, 4).as_boolean().iter().collect::<Vec<_>>(),
            [None, Some(true), Some(false), None]
        );
        let (mut ints, column) = of(Kind::BigInt);
        ints.append_int(0, 7);
        ints.append_int(3000, -1);
        let array = ints.take(column, 3001);
        assert_eq!((array.null_count(), array.as_primitive::<Int64Type>().value(3000)), (2999, -1));
        let (mut lists, column) = of(Kind::List);
        lists.append_list(1, [Some("a"), None, Some("")].into_iter());
        lists.append_list(2, std::iter::empty());
        let array = lists.take(column, 3);
        let lists = array.as_list::<i32>();
        assert!(lists.is_null(0) && lists.is_valid(2) && lists.value(2).is_empty());
        assert_eq!(lists.value(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("")]);
    }
}
