//! What is gathered of one record beside the values that stand for its members, until the row is accepted or thrown away:
//! places in its text.

use super::plan::{List, PLAN, Slot};
use super::unmapped::UnmappedWriter;
use crate::packed::Excerpt;

/// A piece of the record's text, or of the scratch text where an escape was undone: start and end in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(u64);

/// The bit of a span that says that it lies in the scratch text. Texts are far below 2 GB: a record is at most 16 MB.
const SCRATCH: u64 = 1 << 31;

impl Span {
    /// A place in the record's text.
    #[inline]
    pub fn new(start: usize, end: usize) -> Span {
        Span(start as u64 | (end as u64) << 32)
    }

    #[inline]
    fn start(self) -> usize {
        (self.0 & (SCRATCH - 1)) as usize
    }

    #[inline]
    fn end(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Whether there is nothing in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start() == self.end()
    }
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(Span),
    /// A whole number.
    Int(i64),
    /// A value that the column cannot hold; it is there all the same, so no other stands in for it.
    Unfit,
}

impl Cell {
    /// Whether it is more than "".
    #[inline]
    pub fn is_there(self) -> bool {
        !matches!(self, Cell::Text(span) if span.is_empty())
    }
}

/// What came of eventTime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EventTime {
    /// There is none, or null.
    #[default]
    Absent,
    /// Milliseconds since 1970.
    At(i64),
    /// There is one, but no time can be read from it.
    Unreadable,
}

/// Values of one entry of resources: ARN, type, account.
pub type Entry = [Option<Span>; 3];

/// Slots there can be.
pub const SLOTS: usize = 64;

/// Values by slots, each in a word, and sets of slots that tell what the word is. A value of an enum that is stored in parts and
/// loaded whole soon after waits for the parts to arrive: that took a twentieth of the time.
#[derive(Debug)]
struct Slots {
    words: [u64; SLOTS],
    set: u64,
    ints: u64,
    unfit: u64,
}

/// What is gathered of one record.
#[derive(Debug)]
pub struct Staged {
    slots: Box<Slots>,
    lists: Vec<Vec<Span>>,
    listed: u64,
    /// Values in the row and members left unmapped so far: tells whether an object gave anything.
    pub yielded: usize,
    /// Texts whose escapes were undone.
    pub scratch: String,
    /// Entries of resources.
    pub entries: Vec<Entry>,
    /// Whether resources is an array.
    pub has_entries: bool,
    /// What columns do not hold.
    pub unmapped: UnmappedWriter,
    /// What came of eventTime.
    pub event_time: EventTime,
    /// Whether any member that only CloudTrail records have was there.
    pub looks_like_cloudtrail: bool,
    /// Whether the record has members that wrappings have (`detail-type`, `Records`, `body` ...).
    pub looks_wrapped: bool,
}

impl Staged {
    /// Nothing yet.
    pub fn new() -> Self {
        Staged {
            slots: Box::new(Slots { words: [0; SLOTS], set: 0, ints: 0, unfit: 0 }),
            lists: vec![Vec::new(); PLAN.lists],
            listed: 0,
            yielded: 0,
            scratch: String::new(),
            entries: Vec::new(),
            has_entries: false,
            unmapped: UnmappedWriter::default(),
            event_time: EventTime::Absent,
            looks_like_cloudtrail: false,
            looks_wrapped: false,
        }
    }

    /// Forgets the record.
    pub fn clear(&mut self) {
        self.slots.set = 0;
        self.yielded = 0;
        while self.listed != 0 {
            self.lists[self.listed.trailing_zeros() as usize].clear();
            self.listed &= self.listed - 1;
        }
        self.scratch.clear();
        self.entries.clear();
        self.has_entries = false;
        self.unmapped.clear();
        self.event_time = EventTime::Absent;
        self.looks_like_cloudtrail = false;
        self.looks_wrapped = false;
    }

    /// Sets a slot to a text.
    #[inline]
    pub fn put_text(&mut self, slot: Slot, span: Span) {
        let slots = &mut *self.slots;
        slots.words[usize::from(slot) % SLOTS] = span.0;
        let bit = 1 << (slot % 64);
        slots.set |= bit;
        slots.ints &= !bit;
        slots.unfit &= !bit;
    }

    /// Sets a slot.
    pub fn put(&mut self, slot: Slot, cell: Cell) {
        let (word, int, unfit) = match cell {
            Cell::Text(span) => (span.0, 0, 0),
            Cell::Int(value) => (value as u64, 1, 0),
            Cell::Unfit => (0, 0, 1),
        };
        self.put_text(slot, Span(word));
        self.slots.ints |= int << (slot % 64);
        self.slots.unfit |= unfit << (slot % 64);
    }

    /// Takes a slot's value away.
    pub fn take(&mut self, slot: Slot) -> Option<Cell> {
        let cell = self.get(slot);
        self.slots.set &= !(1 << (slot % 64));
        cell
    }

    /// Value of a slot.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<Cell> {
        let (slots, bit) = (&*self.slots, 1 << (slot % 64));
        if slots.set & bit == 0 {
            return None;
        }
        let word = slots.words[usize::from(slot) % SLOTS];
        Some(if (slots.ints | slots.unfit) & bit == 0 {
            Cell::Text(Span(word))
        } else if slots.ints & bit != 0 {
            Cell::Int(word as i64)
        } else {
            Cell::Unfit
        })
    }

    /// Text of a slot that holds one.
    pub fn text<'a>(&'a self, slot: Slot, record: &'a str) -> Option<&'a str> {
        match self.get(slot)? {
            Cell::Text(span) => Some(self.resolve(span, record)),
            _ => None,
        }
    }

    /// Slots that are set, as bits.
    pub fn set(&self) -> u64 {
        self.slots.set
    }

    /// Adds a value to a list.
    #[inline]
    pub fn push(&mut self, list: List, span: Span) {
        self.lists[usize::from(list)].push(span);
        self.listed |= 1 << list;
    }

    /// Values of a list in document order.
    pub fn list(&self, list: List) -> &[Span] {
        &self.lists[usize::from(list)]
    }

    /// The scratch text from `start` to its end.
    pub fn scratch_from(&self, start: usize) -> Span {
        Span(Span::new(start, self.scratch.len()).0 | SCRATCH)
    }

    /// Adds a text of its own to the scratch text.
    pub fn keep(&mut self, text: &str) -> Span {
        let start = self.scratch.len();
        self.scratch.push_str(text);
        self.scratch_from(start)
    }

    /// Which lists have values, as bits.
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// The text of a span, to be packed.
    #[inline]
    pub fn excerpt<'a>(&'a self, span: Span, record: &'a str) -> Excerpt<'a> {
        let text = if span.0 & SCRATCH == 0 { record } else { self.scratch.as_str() };
        Excerpt::of(text, span.start(), span.end().saturating_sub(span.start()))
    }

    /// The text of a span.
    #[inline]
    pub fn resolve<'a>(&'a self, span: Span, record: &'a str) -> &'a str {
        let text = if span.0 & SCRATCH == 0 { record } else { self.scratch.as_str() };
        text.get(span.start()..span.end()).unwrap_or_default()
    }
}
