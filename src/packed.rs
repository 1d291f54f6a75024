//! Rows packed into bytes, between extraction and encoding: how they are laid out and compared.
//!
//! ```text
//! row    length u32, partition u32, time i64, places of source, name and id u32 each; then values
//! value  column u8, length u8, that many bytes; the length u8 is 255 where a length u32 follows it
//! ```
//!
//! Sorting moves rows about. As columns a row lay in forty places, each a miss of the caches when it was gathered, twice where it
//! was spilled; packed it lies in one, and a spilled run is no more than its rows end to end.

use crate::columns::{COLUMNS, Kind, Source, index_of};
use std::cmp::Ordering;
use std::collections::HashSet;

/// Bytes before the values of a row.
const HEADER: usize = 28;
/// The length of a value for which four bytes are needed. With four bytes for each a row of 1.7 KB had 1.9: more to clear, to spill
/// and to read again.
const LONG: u8 = 255;
/// Columns there are.
const ALL: usize = COLUMNS.len();

const SOURCE: usize = index_of("event_source");
const NAME: usize = index_of("event_name");
const ID: usize = index_of("event_id");
/// Where the places of the three texts that rows are sorted by stand in the header.
const KEYS: [(usize, usize); 3] = [(SOURCE, 16), (NAME, 20), (ID, 24)];

/// How `unmapped` ends where the record has no eventTime.
const NO_EVENT_TIME: &[u8] = b"\"eventTime\":null}";

/// Rows being packed, one after the other; the last one can be taken back until it is accepted.
#[derive(Debug)]
pub struct Packer {
    bytes: Vec<u8>,
    /// Where the row begins that is being packed.
    row: usize,
    /// Where the last accepted row begins.
    last: usize,
    /// Accepted rows.
    rows: usize,
    /// Of each column where its value stands in the row being packed; 0 is none.
    places: Box<[u32; ALL]>,
}

/// A text to be packed: so many of the bytes with which others begin. Copying some of those behind it too is faster than a copy of just
/// its length.
#[derive(Debug, Clone, Copy)]
pub struct Excerpt<'a> {
    from: &'a [u8],
    length: usize,
}

impl<'a> Excerpt<'a> {
    /// The bytes of a text from one place to another.
    #[inline]
    pub fn of(text: &'a str, start: usize, length: usize) -> Self {
        let from = text.as_bytes().get(start..).unwrap_or_default();
        Excerpt { from, length: length.min(from.len()) }
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        &self.from[..self.length]
    }
}

impl<'a> From<&'a str> for Excerpt<'a> {
    fn from(text: &'a str) -> Self {
        Excerpt::of(text, 0, text.len())
    }
}

impl Packer {
    /// No rows yet.
    pub fn new() -> Self {
        Packer { bytes: Vec::new(), row: 0, last: 0, rows: 0, places: Box::new([0; ALL]) }
    }

    /// Accepted rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the accepted rows.
    pub fn size(&self) -> usize {
        self.row
    }

    /// Begins a row, in place of one that has been begun and not accepted.
    pub fn begin(&mut self) {
        self.bytes.truncate(self.row);
        self.bytes.extend_from_slice(&[0; HEADER]);
        self.places.fill(0);
    }

    #[inline(always)]
    fn begin_value(&mut self, column: usize, length: usize) {
        self.places[column] = (self.bytes.len() - self.row) as u32;
        if length < usize::from(LONG) {
            self.bytes.extend_from_slice(&[column as u8, length as u8]);
        } else {
            self.begin_long(column, length);
        }
    }

    fn begin_long(&mut self, column: usize, length: usize) {
        self.places[column] = (self.bytes.len() - self.row) as u32;
        // A record has 16 MB at the most: a value is far below 4 GB.
        let [a, b, c, d] = (length as u32).to_le_bytes();
        self.bytes.extend_from_slice(&[column as u8, LONG, a, b, c, d]);
    }

    /// Adds a value of so many bytes, which stand behind the first byte of a window.
    #[inline(always)]
    pub fn short_text(&mut self, column: usize, window: &[u8; 32], length: usize) {
        self.begin_value(column, length);
        let whole = self.bytes.len() + length;
        // A copy of a known length is two instructions, any other a call.
        self.bytes.extend_from_slice(&window[1..]);
        self.bytes.truncate(whole);
    }

    /// Adds a text.
    #[inline]
    pub fn text<'a>(&mut self, column: usize, text: impl Into<Excerpt<'a>>) {
        let Excerpt { from, length } = text.into();
        self.begin_value(column, length);
        append(&mut self.bytes, from, length);
    }

    /// Adds a truth value.
    pub fn bool(&mut self, column: usize, value: bool) {
        self.begin_value(column, 1);
        self.bytes.push(u8::from(value));
    }

    /// Adds a number or a time.
    pub fn int(&mut self, column: usize, value: i64) {
        self.begin_value(column, 8);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Adds a list.
    pub fn list<'a>(&mut self, column: usize, elements: impl Iterator<Item = Option<Excerpt<'a>>>) {
        self.begin_long(column, 0);
        let begin = self.bytes.len();
        elements.for_each(|element| self.element(element));
        self.end_list(begin);
    }

    /// Adds a list of texts, each once; nothing if there are none.
    pub fn list_each_once<'a>(&mut self, column: usize, texts: impl Iterator<Item = Excerpt<'a>>) {
        let before = self.bytes.len();
        self.begin_long(column, 0);
        let begin = self.bytes.len();
        let mut count = 0;
        let mut many: Option<HashSet<&[u8]>> = None;
        for text in texts {
            let mut known = elements(&self.bytes[begin..]).take(FEW_ELEMENTS).any(|e| e == Some(text.bytes()));
            if count >= FEW_ELEMENTS {
                known |= !many.get_or_insert_default().insert(text.bytes());
            }
            if !known {
                self.element(Some(text));
                count += 1;
            }
        }
        if count == 0 {
            self.bytes.truncate(before);
            self.places[column] = 0;
        } else {
            self.end_list(begin);
        }
    }

    fn element(&mut self, text: Option<Excerpt<'_>>) {
        let length = text.map_or(0, |text| text.length as u32 + 1);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        if let Some(text) = text {
            append(&mut self.bytes, text.from, text.length);
        }
    }

    fn end_list(&mut self, begin: usize) {
        let length = (self.bytes.len() - begin) as u32;
        self.bytes[begin - 4..begin].copy_from_slice(&length.to_le_bytes());
    }

    /// A value of the row being packed.
    pub fn value(&self, column: usize) -> Option<&[u8]> {
        let place = self.places[column] as usize;
        let value = value_at(self.bytes.get(self.row..)?, place)?;
        (place > 0).then_some(value.1)
    }

    /// Accepts the row, whose event happened then.
    pub fn accept(&mut self, time: i64) {
        let length = (self.bytes.len() - self.row) as u32;
        let row = &mut self.bytes[self.row..];
        row[0..4].copy_from_slice(&length.to_le_bytes());
        row[8..16].copy_from_slice(&time.to_le_bytes());
        for (column, at) in KEYS {
            row[at..at + 4].copy_from_slice(&self.places[column].to_le_bytes());
        }
        self.last = self.row;
        self.row = self.bytes.len();
        self.rows += 1;
    }

    /// Tells the partition of the row that was accepted last.
    pub fn set_partition(&mut self, partition: u32) {
        self.bytes[self.last + 4..self.last + 8].copy_from_slice(&partition.to_le_bytes());
    }

    /// The accepted rows; after that there are none.
    pub fn take(&mut self) -> Vec<u8> {
        self.bytes.truncate(self.row);
        let fresh = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 8);
        (self.row, self.last, self.rows) = (0, 0, 0);
        std::mem::replace(&mut self.bytes, fresh)
    }
}

impl Default for Packer {
    fn default() -> Self {
        Packer::new()
    }
}

/// Bytes up to which a text is copied as so many bytes, and cut: a copy of a known length is a few instructions, any other a call
/// that has to find out how long it is. With 48, which is an id, `Filling` takes 3 % less than with 32, and than with 64.
const SHORT: usize = 48;

/// Appends so many of the bytes with which `from` begins.
#[inline(always)]
pub fn append(bytes: &mut Vec<u8>, from: &[u8], length: usize) {
    match from.first_chunk::<SHORT>() {
        Some(chunk) if length <= SHORT => {
            let whole = bytes.len() + length;
            bytes.extend_from_slice(chunk);
            bytes.truncate(whole);
        }
        _ => bytes.extend_from_slice(from.get(..length).unwrap_or_default()),
    }
}

/// Elements of a list that a further one is compared with; of the rest a hash tells whether it is there.
const FEW_ELEMENTS: usize = 16;

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word) as usize)
}

/// The value that begins at `at`: its column, its bytes, and where the next begins.
#[inline(always)]
fn value_at(row: &[u8], at: usize) -> Option<(usize, &[u8], usize)> {
    let [column, length] = *row.get(at..)?.first_chunk()?;
    let (start, length) = if length < LONG { (at + 2, usize::from(length)) } else { (at + 6, u32_at(row, at + 2)) };
    let end = start + length;
    Some((usize::from(column), row.get(start..end)?, end))
}

/// The elements of a list.
pub fn elements(mut list: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        let (length, rest) = list.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (element, rest) = rest.split_at_checked(length.saturating_sub(1))?;
        list = rest;
        Some((length > 0).then_some(element))
    })
}

/// Source and name of an event.
pub type Call<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct PackedRow<'a>(&'a [u8]);

impl<'a> PackedRow<'a> {
    /// The row that begins at `at`; None where none does.
    #[inline]
    pub fn at(bytes: &'a [u8], at: usize) -> Option<PackedRow<'a>> {
        let rest = bytes.get(at..)?;
        rest.get(..u32_at(rest, 0)).filter(|row| row.len() >= HEADER).map(PackedRow)
    }

    /// How long a row is that begins with these bytes; 0 where they are too few to tell.
    pub fn length(head: &[u8]) -> usize {
        u32_at(head, 0)
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Number of its partition.
    #[inline]
    pub fn partition(self) -> u32 {
        u32_at(self.0, 4) as u32
    }

    /// When its event happened, in milliseconds since 1970.
    #[inline]
    pub fn time(self) -> i64 {
        self.0.get(8..).and_then(|rest| rest.first_chunk()).map_or(0, |time| i64::from_le_bytes(*time))
    }

    #[inline]
    fn key(self, which: usize) -> Option<&'a [u8]> {
        let place = u32_at(self.0, KEYS[which].1);
        if place > 0 { Some(value_at(self.0, place)?.1) } else { None }
    }

    /// Its event_source and event_name.
    #[inline]
    pub fn call(self) -> Call<'a> {
        (self.key(0), self.key(1))
    }

    /// Its event_id.
    #[inline]
    pub fn event_id(self) -> Option<&'a [u8]> {
        self.key(2)
    }

    /// Whether its record has no time of its own (or one of its texts ends as if it had none): `unmapped`, the last of its values,
    /// says so at its end.
    #[inline]
    pub fn has_time_of_envelope(self) -> bool {
        self.0.ends_with(NO_EVENT_TIME)
    }

    /// Calls for each value with its column, its bytes, and the bytes of the row from there on.
    #[inline(always)]
    pub fn each(self, mut each: impl FnMut(usize, &'a [u8], &'a [u8])) {
        let mut at = HEADER;
        while let Some((column, value, end)) = value_at(self.0, at) {
            each(column, value, self.0.get(end - value.len()..).unwrap_or_default());
            at = end;
        }
    }

    fn values(self) -> [Option<&'a [u8]>; ALL] {
        let mut values = [None; ALL];
        self.each(|column, value, _| {
            if let Some(place) = values.get_mut(column) {
                *place = Some(value);
            }
        });
        values
    }

    /// Whether two rows are of the same call in the same partition.
    #[inline]
    pub fn is_of_group_of(self, other: PackedRow<'_>) -> bool {
        self.partition() == other.partition() && self.call() == other.call()
    }

    /// Whether two rows are equal in what they are sorted by first. What differs mostly is asked first.
    #[inline]
    pub fn has_keys_of(self, other: PackedRow<'_>) -> bool {
        self.time() == other.time() && self.event_id() == other.event_id() && self.is_of_group_of(other)
    }

    /// Whether two rows are alike in all that comes from the record itself.
    pub fn is_record_of(self, other: PackedRow<'_>) -> bool {
        let of_record = |column: usize| !matches!(COLUMNS[column].source, Source::Bridge(_) | Source::LogFile);
        let (a, b) = (self.values(), other.values());
        (0..ALL).filter(|column| of_record(*column)).all(|column| a[column] == b[column])
    }

    /// Order of two rows by partition, the four sort columns, and then all columns in table order: no two orders of different
    /// rows are possible. NULL first; lists element by element, the shorter first.
    pub fn compare(self, other: PackedRow<'_>) -> Ordering {
        (self.partition().cmp(&other.partition()))
            .then_with(|| self.call().cmp(&other.call()))
            .then_with(|| self.time().cmp(&other.time()))
            .then_with(|| self.event_id().cmp(&other.event_id()))
            .then_with(|| {
                let (a, b) = (self.values(), other.values());
                let columns = COLUMNS.iter().zip(a.into_iter().zip(b));
                columns.fold(Ordering::Equal, |order, (column, (a, b))| {
                    order.then_with(|| match (a, b) {
                        (Some(a), Some(b)) => compare_values(column.kind, a, b),
                        (a, b) => a.is_some().cmp(&b.is_some()),
                    })
                })
            })
    }
}

fn compare_values(kind: Kind, a: &[u8], b: &[u8]) -> Ordering {
    match kind {
        Kind::Text | Kind::Json | Kind::Bool => a.cmp(b),
        Kind::BigInt | Kind::Timestamp => int(a).cmp(&int(b)),
        Kind::List => elements(a).cmp(elements(b)),
    }
}

/// The number that a value holds.
pub fn int(value: &[u8]) -> i64 {
    value.first_chunk().map_or(0, |value| i64::from_le_bytes(*value))
}

/// The rows in some bytes, each with its place.
pub fn rows(bytes: &[u8]) -> impl Iterator<Item = (usize, PackedRow<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (place, row) = (at, PackedRow::at(bytes, at)?);
        at += row.0.len();
        Some((place, row))
    })
}
