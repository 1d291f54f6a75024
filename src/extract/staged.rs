//! The values of one record while it is read: places in its text, until the row is accepted or thrown away.

use super::plan::{List, PLAN, Slot};
use super::unmapped::UnmappedWriter;

/// A piece of the record's text, or of the scratch text where an escape was undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
    scratch: bool,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Text or JSON.
    Text(Span),
    /// true or false.
    Bool(bool),
    /// A whole number, or milliseconds since 1970.
    Int(i64),
    /// A value that the column cannot hold; it is there all the same, so no other stands in for it.
    Unfit,
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

/// Values of one record.
#[derive(Debug)]
pub struct Staged {
    cells: Vec<Cell>,
    set: u128,
    lists: Vec<Vec<Span>>,
    listed: u64,
    /// Texts whose escapes were undone.
    pub scratch: String,
    /// Entries of resources; None where resources is no array.
    pub entries: Option<Vec<Entry>>,
    /// What columns do not hold.
    pub unmapped: UnmappedWriter,
    /// What came of eventTime.
    pub event_time: EventTime,
    /// Wire values and unmapped members so far: tells whether an object gave anything.
    pub yielded: usize,
    /// Whether any member that only CloudTrail records have was there.
    pub looks_like_cloudtrail: bool,
    /// Whether the record has members that wrappings have (`detail-type`, `Records`, `body` ...).
    pub looks_wrapped: bool,
}

impl Staged {
    /// Nothing yet.
    pub fn new() -> Self {
        Staged {
            cells: vec![Cell::Bool(false); PLAN.slots.len()],
            set: 0,
            lists: vec![Vec::new(); PLAN.lists],
            listed: 0,
            scratch: String::new(),
            entries: None,
            unmapped: UnmappedWriter::default(),
            event_time: EventTime::Absent,
            yielded: 0,
            looks_like_cloudtrail: false,
            looks_wrapped: false,
        }
    }

    /// Forgets the record.
    pub fn clear(&mut self) {
        self.set = 0;
        while self.listed != 0 {
            self.lists[self.listed.trailing_zeros() as usize].clear();
            self.listed &= self.listed - 1;
        }
        self.scratch.clear();
        self.entries = None;
        self.unmapped.clear();
        self.event_time = EventTime::Absent;
        self.yielded = 0;
        self.looks_like_cloudtrail = false;
        self.looks_wrapped = false;
    }

    /// Sets a slot.
    #[inline]
    pub fn put(&mut self, slot: Slot, cell: Cell) {
        self.cells[usize::from(slot)] = cell;
        self.set |= 1 << slot;
    }

    /// Sets a slot that is a wire value.
    #[inline]
    pub fn put_wire(&mut self, slot: Slot, cell: Cell) {
        self.put(slot, cell);
        self.yielded += 1;
    }

    /// Takes a slot's value away.
    pub fn take(&mut self, slot: Slot) -> Option<Cell> {
        let cell = self.get(slot);
        self.set &= !(1 << slot);
        cell
    }

    /// Value of a slot.
    #[inline]
    pub fn get(&self, slot: Slot) -> Option<Cell> {
        (self.set >> slot & 1 == 1).then(|| self.cells[usize::from(slot)])
    }

    /// Text of a slot that holds one.
    pub fn text<'a>(&'a self, slot: Slot, record: &'a str) -> Option<&'a str> {
        match self.get(slot)? {
            Cell::Text(span) => Some(self.resolve(span, record)),
            _ => None,
        }
    }

    /// Slots that are set, as bits.
    pub fn set(&self) -> u128 {
        self.set
    }

    /// Adds a value to a list.
    pub fn push(&mut self, list: List, span: Span) {
        self.lists[usize::from(list)].push(span);
        self.listed |= 1 << list;
    }

    /// Values of a list in document order.
    pub fn list(&self, list: List) -> &[Span] {
        &self.lists[usize::from(list)]
    }

    /// A place in the record's text. Texts are far below 4 GB: a record is at most 16 MB.
    #[inline]
    pub fn span(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32, scratch: false }
    }

    /// The scratch text from `start` to its end.
    pub fn scratch_from(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.scratch.len() as u32, scratch: true }
    }

    /// Adds a text of its own to the scratch text.
    pub fn keep(&mut self, text: &str) -> Span {
        let start = self.scratch.len();
        self.scratch.push_str(text);
        self.scratch_from(start)
    }

    /// The text that a span lies in, and where.
    #[inline]
    pub fn place<'a>(&'a self, span: Span, record: &'a str) -> (&'a str, usize, usize) {
        let text = if span.scratch { self.scratch.as_str() } else { record };
        (text, span.start as usize, span.end as usize)
    }

    /// Which lists have values, as bits.
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// The text of a span.
    #[inline]
    pub fn resolve<'a>(&'a self, span: Span, record: &'a str) -> &'a str {
        let text = if span.scratch { self.scratch.as_str() } else { record };
        text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}
