//! Columns being filled value by value, and made into arrays.
//!
//! In place of arrow's builders, which are made for any use: here a row without a value costs nothing, a column with a value in
//! every row has no bits of validity, short texts are copied without a call, and the values of the last row can be taken back.
//! With the builders extraction took a tenth longer.

use super::rows::BATCH_ROWS;
use crate::columns::{COLUMNS, Kind};
use crate::schema;
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListArray, StringArray, TimestampMillisecondArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

/// The columns of the table being filled, by their index in it; of each only the one of its kind is used.
#[derive(Debug)]
pub struct Filling {
    texts: Vec<Texts>,
    bools: Vec<Sparse<bool>>,
    /// Also times.
    ints: Vec<Sparse<i64>>,
    lists: Vec<Lists>,
}

/// Where the values of rows end: 0, and of each row where its value ends, or [`NULL`]. Empty where no row has one.
#[derive(Debug, Default)]
struct Ends(Vec<i32>);

/// The row has no value.
const NULL: i32 = -1;

/// Texts end to end.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Ends,
}

/// Lists of texts end to end.
#[derive(Debug, Default)]
struct Lists {
    texts: Texts,
    /// Elements of all rows so far.
    elements: usize,
    ends: Ends,
}

/// Values of one size, at the places of their rows.
#[derive(Debug, Default)]
struct Sparse<T> {
    values: Vec<T>,
    ends: Ends,
}

/// Elements of a list that a further one is compared with; of the rest a hash tells whether it is there.
const FEW_ELEMENTS: usize = 16;

/// Texts up to this length are copied as so many bytes, and cut: a copy of a known length is two instructions, any other a
/// call.
const SHORT: usize = 64;

/// One array of NULLs a column, as long as a batch can be.
static NULLS: LazyLock<Vec<ArrayRef>> = LazyLock::new(|| {
    schema::SCHEMA.fields().iter().map(|field| new_null_array(field.data_type(), BATCH_ROWS)).collect()
});

impl Ends {
    /// The value of a row, which comes after all that have one, ends here. A batch has some megabytes: far below what an offset
    /// holds.
    #[inline(always)]
    fn set(&mut self, row: usize, end: usize) {
        match self.0.get_mut(row + 1) {
            Some(place) => *place = end as i32,
            None => self.set_first(row, end),
        }
    }

    #[cold]
    fn set_first(&mut self, row: usize, end: usize) {
        self.0.resize((BATCH_ROWS + 1).max(2 * row + 2), NULL);
        self.0[0] = 0;
        self.0[row + 1] = end as i32;
    }

    /// Where the value of the last row begins and ends.
    fn last(&self, row: usize) -> Option<(usize, usize)> {
        let end = self.0.get(row + 1).filter(|end| **end != NULL)?;
        let before = self.0[..=row].iter().rfind(|end| **end != NULL)?;
        Some((*before as usize, *end as usize))
    }

    /// Takes the value of the last row back, if it has one; gives where it began.
    fn undo(&mut self, row: usize) -> Option<usize> {
        let (begin, _) = self.last(row)?;
        self.0[row + 1] = NULL;
        Some(begin)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Offsets and validity of so many rows.
    fn take(&mut self, rows: usize) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let mut ends = std::mem::take(&mut self.0);
        ends.resize(rows + 1, NULL);
        let valid = ends.contains(&NULL).then(|| {
            let valid = BooleanBuffer::collect_bool(rows, |row| ends[row + 1] != NULL);
            let mut last = 0;
            for end in &mut ends {
                last = if *end == NULL { last } else { *end };
                *end = last;
            }
            NullBuffer::new(valid)
        });
        (OffsetBuffer::new(ScalarBuffer::from(ends)), valid)
    }
}

impl Texts {
    /// Sets the value of a row to `text[start..end]`.
    #[inline]
    fn set(&mut self, row: usize, text: &str, start: usize, end: usize) {
        let length = end.saturating_sub(start);
        let from = text.as_bytes().get(start..).unwrap_or_default();
        match from.first_chunk::<SHORT>() {
            Some(chunk) if length <= SHORT => {
                let whole = self.bytes.len() + length;
                self.bytes.extend_from_slice(chunk);
                self.bytes.truncate(whole);
            }
            _ => self.bytes.extend_from_slice(from.get(..length).unwrap_or_default()),
        }
        self.ends.set(row, self.bytes.len());
    }

    /// Sets the value of a row to what stands behind the first byte of a window.
    #[inline(always)]
    fn set_short(&mut self, row: usize, window: &[u8; 32], length: usize) {
        let whole = self.bytes.len() + length;
        self.bytes.extend_from_slice(&window[1..]);
        self.bytes.truncate(whole);
        self.ends.set(row, whole);
    }

    /// The text of a row; all rows up to it have one.
    fn get(&self, row: usize) -> &[u8] {
        match self.ends.0.get(row..row + 2) {
            Some([start, end]) => self.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Making an array cannot fail: what is in it was cut out of texts.
    fn take(&mut self, rows: usize) -> StringArray {
        let (offsets, nulls) = self.ends.take(rows);
        // A batch mostly needs what the one before it needed. While buffers grew step by step, a profile of `convert` showed 23 %
        // of the time in clearing fresh pages.
        let fresh = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        StringArray::new(offsets, Buffer::from_vec(std::mem::replace(&mut self.bytes, fresh)), nulls)
    }
}

impl<T: Copy + Default> Sparse<T> {
    fn set(&mut self, row: usize, value: T) {
        match self.values.get_mut(row) {
            Some(place) => *place = value,
            None => {
                self.values.resize(BATCH_ROWS.max(2 * row), T::default());
                self.values[row] = value;
            }
        }
        self.ends.set(row, 0);
    }

    fn take(&mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        let mut values = std::mem::take(&mut self.values);
        values.resize(rows, T::default());
        (values, self.ends.take(rows).1)
    }
}

impl Filling {
    /// Nothing yet.
    pub fn new() -> Self {
        fn each<T: Default>() -> Vec<T> {
            COLUMNS.iter().map(|_| T::default()).collect()
        }
        Filling { texts: each(), bools: each(), ints: each(), lists: each() }
    }

    /// Sets the value of a row, which comes after all that have one, to `text[start..end]`.
    #[inline]
    pub fn text(&mut self, column: usize, row: usize, text: &str, start: usize, end: usize) {
        self.texts[column].set(row, text, start, end);
    }

    /// Sets the value of a row to so many bytes behind the first byte of a window.
    #[inline(always)]
    pub fn short_text(&mut self, column: usize, row: usize, window: &[u8; 32], length: usize) {
        self.texts[column].set_short(row, window, length);
    }

    /// Sets the value of a row to a truth value.
    #[inline]
    pub fn bool(&mut self, column: usize, row: usize, value: bool) {
        self.bools[column].set(row, value);
    }

    /// Sets the value of a row to a number or a time.
    pub fn int(&mut self, column: usize, row: usize, value: i64) {
        self.ints[column].set(row, value);
    }

    /// Sets the value of a row to a list; gives its size in bytes.
    pub fn list<'a>(&mut self, column: usize, row: usize, elements: impl Iterator<Item = Option<&'a str>>) -> usize {
        let lists = &mut self.lists[column];
        let mut bytes = 0;
        for element in elements {
            if let Some(text) = element {
                lists.texts.set(lists.elements, text, 0, text.len());
            }
            bytes += element.map_or(0, str::len) + 4;
            lists.elements += 1;
        }
        lists.ends.set(row, lists.elements);
        bytes
    }

    /// Sets the value of a row to a list of texts, each once; no value if there are none. Gives its size in bytes.
    pub fn list_each_once<'a>(&mut self, column: usize, row: usize, texts: impl Iterator<Item = &'a str>) -> usize {
        let lists = &mut self.lists[column];
        let (first, mut bytes) = (lists.elements, 0);
        let mut many: Option<HashSet<&str>> = None;
        for text in texts {
            let few = first..lists.elements.min(first + FEW_ELEMENTS);
            let mut known = few.into_iter().any(|element| lists.texts.get(element) == text.as_bytes());
            if lists.elements - first >= FEW_ELEMENTS {
                known |= !many.get_or_insert_default().insert(text);
            }
            if !known {
                lists.texts.set(lists.elements, text, 0, text.len());
                lists.elements += 1;
                bytes += text.len() + 4;
            }
        }
        if lists.elements > first {
            lists.ends.set(row, lists.elements);
        }
        bytes
    }

    /// Text of the last row.
    pub fn last_text(&self, column: usize, row: usize) -> Option<&[u8]> {
        let texts = &self.texts[column];
        let (start, end) = texts.ends.last(row)?;
        texts.bytes.get(start..end)
    }

    /// Truth value of the last row.
    pub fn last_bool(&self, column: usize, row: usize) -> Option<bool> {
        let bools = &self.bools[column];
        bools.ends.last(row).and_then(|_| bools.values.get(row).copied())
    }

    /// Takes the texts, truth values, numbers and times of the last row back. Lists are set when the row is accepted.
    pub fn undo(&mut self, row: usize) {
        for texts in &mut self.texts {
            if let Some(end) = texts.ends.undo(row) {
                texts.bytes.truncate(end);
            }
        }
        self.bools.iter_mut().for_each(|bools| _ = bools.ends.undo(row));
        self.ints.iter_mut().for_each(|ints| _ = ints.ends.undo(row));
    }

    /// The arrays of so many rows, in table order; after that it is empty again. Columns without any value share one array.
    pub fn take(&mut self, rows: usize) -> Vec<ArrayRef> {
        (0..COLUMNS.len()).map(|column| self.take_column(column, rows)).collect()
    }

    fn take_column(&mut self, column: usize, rows: usize) -> ArrayRef {
        match COLUMNS[column].kind {
            Kind::Text | Kind::Json if !self.texts[column].ends.is_empty() => Arc::new(self.texts[column].take(rows)),
            Kind::Bool if !self.bools[column].ends.is_empty() => {
                let (values, nulls) = self.bools[column].take(rows);
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Kind::BigInt if !self.ints[column].ends.is_empty() => {
                let (values, nulls) = self.ints[column].take(rows);
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            Kind::Timestamp if !self.ints[column].ends.is_empty() => {
                let (values, nulls) = self.ints[column].take(rows);
                Arc::new(TimestampMillisecondArray::new(values.into(), nulls).with_timezone("UTC"))
            }
            Kind::List if !self.lists[column].ends.is_empty() => {
                let lists = &mut self.lists[column];
                let elements = Arc::new(lists.texts.take(std::mem::take(&mut lists.elements)));
                let (offsets, nulls) = lists.ends.take(rows);
                Arc::new(ListArray::new(schema::element(&COLUMNS[column]), offsets, elements, nulls))
            }
            _ if rows <= BATCH_ROWS => NULLS[column].slice(0, rows),
            _ => new_null_array(NULLS[column].data_type(), rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, index_of};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    fn first(kind: Kind) -> usize {
        COLUMNS.iter().position(|column: &Column| column.kind == kind).unwrap()
    }

    #[test]
    fn texts_of_all_lengths_at_all_places_rows_without_and_rows_taken_back() {
        let source: String = "0123456789äöü".repeat(12);
        let column = first(Kind::Text);
        let mut filling = Filling::new();
        for round in 0..2 {
            let mut expected: Vec<Option<&str>> = Vec::new();
            for start in (0..source.len()).filter(|at| source.is_char_boundary(*at)) {
                for end in (start..=source.len()).filter(|at| source.is_char_boundary(*at)).step_by(7) {
                    match (start + end) % 5 {
                        rest if rest == round => expected.push(None),
                        2 => {
                            filling.text(column, expected.len(), &source, start, end);
                            assert_eq!(filling.last_text(column, expected.len()), Some(&source.as_bytes()[start..end]));
                            filling.undo(expected.len());
                            assert_eq!(filling.last_text(column, expected.len()), None);
                        }
                        _ => {}
                    }
                    filling.text(column, expected.len(), &source, start, end);
                    expected.push(Some(&source[start..end]));
                }
            }
            expected.push(None);
            let array = filling.take(expected.len()).swap_remove(column);
            assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
        }
        assert_eq!(filling.take(3)[column].null_count(), 3);
    }

    #[test]
    fn short_texts_stand_behind_the_first_byte_of_a_window() {
        let column = index_of("event_name");
        let mut filling = Filling::new();
        let window = b"\"0123456789abcdefghijklmnopqrstu";
        for length in 0..=30 {
            filling.short_text(column, length, window, length);
        }
        let array = filling.take(31).swap_remove(column);
        for length in 0..=30 {
            assert_eq!(array.as_string::<i32>().value(length).as_bytes(), &window[1..=length]);
        }
    }

    #[test]
    fn other_kinds() {
        let [bool, int, list] = [Kind::Bool, Kind::BigInt, Kind::List].map(first);
        let mut filling = Filling::new();
        filling.bool(bool, 0, true);
        filling.int(int, 0, 5);
        filling.undo(0);
        filling.bool(bool, 1, true);
        filling.bool(bool, 2, false);
        filling.int(int, 3, 7);
        filling.int(int, 3000, -1);
        assert_eq!(filling.list(list, 1, [Some("a"), None, Some("")].into_iter()), 13);
        filling.list(list, 2, std::iter::empty());
        let arrays = filling.take(3001);
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
        let column = index_of("any_arns");
        let mut filling = Filling::new();
        let names: Vec<String> = (0..3 * FEW_ELEMENTS).map(|n| format!("arn:{n}")).collect();
        let thrice = names.iter().chain(&names).chain(names.iter().rev()).map(String::as_str);
        filling.list_each_once(column, 0, ["arn:x"].into_iter());
        filling.list_each_once(column, 1, std::iter::empty());
        filling.list_each_once(column, 2, thrice);
        let array = filling.take(3).swap_remove(column);
        let lists = array.as_list::<i32>();
        assert!(lists.is_null(1));
        let values = lists.value(2);
        let values: Vec<&str> = values.as_string::<i32>().iter().flatten().collect();
        assert_eq!(values, names.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
