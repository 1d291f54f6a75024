//! The one pass: record text streams by, keys are matched against the trie, values are staged.
//!
//! Nothing is copied here but what had escapes. A repeated key is found on the way; then the record is read once more
//! with all but the last of them left out, which is how "the last wins" holds at every depth.

use super::ec2::Search;
use super::plan::{ACCESS_KEY_IDS, ARNS, Child, Goal, NO_NODE, NodeId, PLAN, Plan, RESOURCE_IDS, Slot};
use super::plan::{name_hash, name_hash_in};
use super::staged::{Cell, Entry, EventTime, Staged};
use super::values::{matches, parse_int};
use crate::columns::{Kind, Pattern, Service};
use crate::json::{Error, ErrorKind, MAX_DEPTH, Quoted, Reader, Result, Tree, decoded, minify, unescape};
use crate::time::parse_time;
use std::borrow::Cow;
use std::collections::HashMap;

/// Members that tell a wrapping: a record that has one is looked at twice.
const WRAPPINGS: [&[u8]; 6] = [b"detail-type", b"Records", b"Events", b"body", b"CloudTrailEvent", b"s3"];

/// Keys of an object after which a hash map finds repetitions instead of comparing with each.
const MANY_KEYS: usize = 48;

/// A key seen in an open object.
#[derive(Debug, Clone, Copy)]
struct Seen {
    hash: u64,
    key: Quoted,
}

/// The keys of an open object.
struct Frame {
    /// The first of them among those seen.
    begin: usize,
    /// Of each hash that was seen one of 64 bits: where that is not set, the key is new.
    bits: u64,
    /// All of them, once they are many.
    many: Option<HashMap<Vec<u8>, usize>>,
}

/// What outlives one record: guesses and buffers.
#[derive(Debug)]
pub struct Memory {
    /// For each child of each node the child that followed it last time.
    guesses: Vec<u8>,
    /// For each child of each node where its key was in this record.
    key_places: Vec<u32>,
    seen: Vec<Seen>,
    shadowed: Vec<usize>,
}

impl Memory {
    /// The first guess is the order of the table.
    pub fn new() -> Self {
        let mut guesses = Vec::new();
        for node in &PLAN.nodes {
            guesses.extend((0..=node.len()).map(|i| i.min(node.len().saturating_sub(1)) as u8));
        }
        Memory { key_places: vec![0; guesses.len()], guesses, seen: Vec::new(), shadowed: Vec::new() }
    }
}

/// Reads the record that begins at byte `at` of `text` into `staged`; gives the byte after it.
///
/// # Errors
/// Where the record is not JSON within the limits.
pub fn read_record(text: &str, at: usize, staged: &mut Staged, memory: &mut Memory) -> Result<usize> {
    memory.shadowed.clear();
    let end = pass(text, at, staged, memory, false)?;
    if memory.shadowed.is_empty() {
        return Ok(end);
    }
    memory.shadowed.sort_unstable();
    pass(text, at, staged, memory, true)
}

fn pass(text: &str, at: usize, staged: &mut Staged, memory: &mut Memory, again: bool) -> Result<usize> {
    staged.clear();
    memory.seen.clear();
    let mut pass = Pass { reader: Reader::new(text, at), plan: &PLAN, staged, memory, again, opened: 0 };
    pass.reader.peek();
    pass.known_object(0, 0)?;
    Ok(pass.reader.at)
}

/// What a value was, as far as its column wants to know.
#[derive(Debug, Clone, Copy)]
enum Value {
    String(Quoted),
    Null,
    Bare(usize, usize),
    Nested(usize, usize),
}

/// What is looked for below a json column.
#[derive(Debug, Clone, Copy)]
struct Below {
    node: NodeId,
    resource_ids: bool,
    ec2: bool,
    search: Search,
}

impl Below {
    const NOTHING: Below = Below { node: NO_NODE, resource_ids: false, ec2: false, search: Search::ROOT };
}

struct Pass<'a, 's> {
    reader: Reader<'a>,
    plan: &'static Plan,
    staged: &'s mut Staged,
    memory: &'s mut Memory,
    again: bool,
    opened: u32,
}

impl<'a> Pass<'a, '_> {
    /// An object whose members columns stand for: the record, userIdentity, tlsDetails ...
    fn known_object(&mut self, node: NodeId, depth: usize) -> Result<()> {
        let plan = self.plan;
        let children: &'static [Child] = &plan.nodes[usize::from(node)];
        let first = plan.first_child[usize::from(node)];
        let mut frame = self.frame();
        let mut present: u64 = 0;
        let mut previous = 0;
        self.reader.expect(b'{')?;
        let mut more = self.reader.first(b'}')?;
        while more {
            self.reader.peek();
            let key_at = self.reader.at;
            let guess = usize::from(self.memory.guesses[first + previous]);
            let guessed = children.get(guess).filter(|child| child.token.begins(self.reader.rest()));
            let (index, key) = if let Some(child) = guessed {
                self.reader.at += child.token.length;
                (Some(guess), Quoted { start: key_at + 1, end: self.reader.at - 2, escaped: false })
            } else {
                let key = self.reader.key()?;
                let index = self.find_child(node, children, key, self.key_hash(key));
                if let Some(index) = index {
                    self.memory.guesses[first + previous] = index as u8;
                }
                (index, key)
            };
            if self.is_shadowed(key_at) {
                self.reader.skip(depth + 1)?;
            } else if let Some(index) = index {
                if !self.again {
                    if present >> index & 1 == 1 {
                        self.memory.shadowed.push(self.memory.key_places[first + index] as usize);
                    }
                    present |= 1 << index;
                    self.memory.key_places[first + index] = key_at as u32;
                }
                previous = index + 1;
                self.known_member(&children[index], key, node, depth + 1)?;
            } else {
                self.note_key(key, self.key_hash(key), &mut frame);
                if node == 0 {
                    self.staged.looks_wrapped |= WRAPPINGS.contains(&&*self.decoded(key));
                }
                let value = self.value(Below::NOTHING, depth + 1)?;
                self.leave_unmapped(key, value);
            }
            more = self.reader.next(b'}')?;
        }
        self.memory.seen.truncate(frame.begin);
        Ok(())
    }

    fn frame(&self) -> Frame {
        Frame { begin: self.memory.seen.len(), bits: 0, many: None }
    }

    #[inline]
    fn find_child(&self, node: NodeId, children: &[Child], key: Quoted, hash: u64) -> Option<usize> {
        if node == NO_NODE {
            return None;
        }
        let hashes = &self.plan.hashes[usize::from(node)];
        if !hashes.contains(&hash) {
            return None;
        }
        // The hash knows no letter case, the name may: ARN and arn.
        let name = self.decoded(key);
        children.iter().position(|child| child.is(&name))
    }

    fn known_member(&mut self, child: &'static Child, key: Quoted, node: NodeId, depth: usize) -> Result<()> {
        match child.goal {
            Goal::Text(slot) if self.reader.peek() == b'"' => {
                let quoted = self.reader.string()?;
                self.collect(quoted, Below::NOTHING);
                self.staged.looks_like_cloudtrail |= child.traits.of_cloudtrail;
                if quoted.escaped {
                    self.wire(slot, key, Value::String(quoted));
                } else {
                    self.staged.put_wire(slot, Cell::Text(Staged::span(quoted.start, quoted.end)));
                }
                Ok(())
            }
            Goal::Wire(slot) | Goal::Text(slot) => {
                let value = self.value(Below::NOTHING, depth)?;
                self.note_member(child, value);
                self.wire(slot, key, value);
                if child.traits.event_time {
                    self.staged.event_time = match (self.staged.get(slot), value) {
                        (Some(Cell::Int(ms)), _) => EventTime::At(ms),
                        (_, Value::Null) => EventTime::Absent,
                        _ => EventTime::Unreadable,
                    };
                }
                Ok(())
            }
            Goal::Known(below) => self.object_member(child, key, below, node == 0, depth),
            Goal::Raw(slot, below) => self.json_member(child, slot, below, depth),
            // Copies lie below json columns only.
            Goal::Copy(_) | Goal::Inner(_) => self.reader.skip(depth),
        }
    }

    /// A member that is an object of members that columns stand for, or should be.
    fn object_member(
        &mut self,
        child: &'static Child,
        key: Quoted,
        below: NodeId,
        at_top: bool,
        depth: usize,
    ) -> Result<()> {
        if self.reader.peek() != b'{' {
            let value = self.value(Below::NOTHING, depth)?;
            self.note_member(child, value);
            self.leave_unmapped(key, value);
            return Ok(());
        }
        let start = self.reader.at;
        self.staged.looks_like_cloudtrail |= child.traits.of_cloudtrail;
        if depth >= MAX_DEPTH {
            return Err(Error { kind: ErrorKind::TooDeep, at: start });
        }
        let before = self.staged.yielded;
        self.staged.unmapped.enter(child.name);
        self.known_object(below, depth)?;
        self.staged.unmapped.leave();
        // Nothing of it is held: keep it as it is, but for a plain {} inside another, which counts for nothing.
        if self.staged.yielded == before {
            let literal = self.reader.slice(start, self.reader.at);
            if at_top || !is_blank_object(literal) {
                self.unmapped_member(key, start, true);
            }
        }
        Ok(())
    }

    /// A member that a json column keeps whole.
    fn json_member(&mut self, child: &'static Child, slot: Slot, below: NodeId, depth: usize) -> Result<()> {
        let first = self.reader.peek();
        let start = self.reader.at;
        self.reader.passed_whitespace = false;
        let value = if child.traits.resources && first == b'[' {
            self.resources(depth)?;
            Value::Nested(start, self.reader.at)
        } else {
            let ec2 = child.traits.searched && self.may_be_ec2();
            let resource_ids = child.traits.resource_ids;
            self.value(Below { node: below, resource_ids, ec2, search: Search::ROOT }, depth)?
        };
        if matches!(value, Value::Null) {
            return Ok(());
        }
        self.note_member(child, value);
        let span = if self.reader.passed_whitespace {
            let begin = self.staged.scratch.len();
            minify(self.reader.slice(start, self.reader.at), &mut self.staged.scratch);
            self.staged.scratch_from(begin)
        } else {
            Staged::span(start, self.reader.at)
        };
        self.staged.put_wire(slot, Cell::Text(span));
        Ok(())
    }

    /// Remembers a member that only CloudTrail records have.
    #[inline]
    fn note_member(&mut self, child: &Child, value: Value) {
        self.staged.looks_like_cloudtrail |= child.traits.of_cloudtrail && !matches!(value, Value::Null);
    }

    /// eventSource mostly comes before what is searched; where it does not, the search is done and then not used.
    fn may_be_ec2(&self) -> bool {
        match self.staged.text(self.plan.event_source, self.reader.text()) {
            Some(source) => Service::Ec2.event_sources().contains(&source),
            None => true,
        }
    }

    /// Stages a member that a column stands for; what the column does not hold exactly also goes to unmapped.
    fn wire(&mut self, slot: Slot, key: Quoted, value: Value) {
        let info = self.plan.slots[usize::from(slot)];
        if matches!(value, Value::Null) {
            return;
        }
        let (cell, exact) = match info.kind {
            Kind::Bool => self.bool_cell(value, info.quoted),
            Kind::Timestamp => self.time_cell(value),
            _ => self.text_cell(value),
        };
        if let Some(cell) = cell {
            self.staged.put_wire(slot, cell);
        }
        if !exact {
            self.leave_unmapped(key, value);
        }
    }

    fn text_cell(&mut self, value: Value) -> (Option<Cell>, bool) {
        let is_string = matches!(value, Value::String(_));
        let cell = self.lenient_text(value);
        (cell, is_string && cell.is_some())
    }

    fn bool_cell(&mut self, value: Value, quoted: bool) -> (Option<Cell>, bool) {
        let is_string = matches!(value, Value::String(_));
        let Some(Cell::Text(span)) = self.scalar_text(value) else { return (None, false) };
        let (bool, plain) = match self.staged.resolve(span, self.reader.text()) {
            "true" => (true, true),
            "false" => (false, true),
            "True" if is_string => (true, false),
            "False" if is_string => (false, false),
            _ => return (None, false),
        };
        (Some(Cell::Bool(bool)), plain && quoted == is_string)
    }

    fn time_cell(&mut self, value: Value) -> (Option<Cell>, bool) {
        let Value::String(_) = value else { return (None, false) };
        let Some(Cell::Text(span)) = self.scalar_text(value) else { return (None, false) };
        match parse_time(self.staged.resolve(span, self.reader.text())) {
            Some((ms, exact)) => (Some(Cell::Int(ms)), exact),
            None => (None, false),
        }
    }

    /// Text of a scalar; None where there is none or it is no text.
    fn scalar_text(&mut self, value: Value) -> Option<Cell> {
        match value {
            Value::String(Quoted { start, end, escaped: false }) | Value::Bare(start, end) => {
                Some(Cell::Text(Staged::span(start, end)))
            }
            Value::String(quoted) => {
                let begin = self.staged.scratch.len();
                unescape(self.reader.slice(quoted.start, quoted.end), &mut self.staged.scratch)
                    .then(|| Cell::Text(self.staged.scratch_from(begin)))
            }
            Value::Null | Value::Nested(..) => None,
        }
    }

    /// Text of a scalar, or of the only scalar of an array.
    fn lenient_text(&mut self, value: Value) -> Option<Cell> {
        let Value::Nested(start, end) = value else { return self.scalar_text(value) };
        let Ok(Tree::Array(elements)) = Tree::parse(self.reader.slice(start, end)) else { return None };
        let [only] = elements.as_slice() else { return None };
        let text = only.scalar()?;
        Some(Cell::Text(self.staged.keep(&text)))
    }

    /// Puts a member under its path into unmapped; a null is as good as nothing.
    fn leave_unmapped(&mut self, key: Quoted, value: Value) {
        let start = match value {
            Value::Null => return,
            Value::String(quoted) => quoted.start - 1,
            Value::Bare(start, _) | Value::Nested(start, _) => start,
        };
        let nested = matches!(value, Value::Nested(..));
        self.unmapped_member(key, start, nested);
    }

    fn unmapped_member(&mut self, key: Quoted, start: usize, may_have_whitespace: bool) {
        let (name, value) = (self.reader.slice(key.start, key.end), self.reader.slice(start, self.reader.at));
        self.staged.unmapped.member(name, value, may_have_whitespace);
        self.staged.yielded += 1;
    }

    /// Any value below a json column or of an unknown member: checked, and searched for what is collected.
    fn value(&mut self, below: Below, depth: usize) -> Result<Value> {
        let byte = self.reader.peek();
        let start = self.reader.at;
        match byte {
            b'"' => {
                let quoted = self.reader.string()?;
                self.collect(quoted, below);
                return Ok(Value::String(quoted));
            }
            b'{' | b'[' if depth >= MAX_DEPTH => return Err(Error { kind: ErrorKind::TooDeep, at: start }),
            b'{' => self.object(below, depth)?,
            b'[' => {
                self.reader.at += 1;
                let mut more = self.reader.first(b']')?;
                while more {
                    self.value(Below { node: NO_NODE, ..below }, depth + 1)?;
                    more = self.reader.next(b']')?;
                }
            }
            _ => {
                self.reader.scalar()?;
                if byte == b'n' {
                    return Ok(Value::Null);
                }
                if let Some(list) = below.search.values {
                    self.staged.push(list, Staged::span(start, self.reader.at));
                }
                return Ok(Value::Bare(start, self.reader.at));
            }
        }
        Ok(Value::Nested(start, self.reader.at))
    }

    fn object(&mut self, mut below: Below, depth: usize) -> Result<()> {
        let plan = self.plan;
        let children: &'static [Child] = if below.node == NO_NODE { &[] } else { &plan.nodes[usize::from(below.node)] };
        if below.ec2 {
            below.search = below.search.object(&mut self.opened);
        }
        let mut frame = self.frame();
        // Of an only key nothing has to be remembered: half of the objects in requests have one.
        let mut only = None;
        let named = below.ec2 || below.node != NO_NODE;
        self.reader.at += 1;
        let mut more = self.reader.first(b'}')?;
        while more {
            let key = self.reader.key()?;
            if self.is_shadowed(key.start - 1) {
                self.reader.skip(depth + 1)?;
            } else {
                let first = only.replace(key);
                let hash = if named || first.is_some() { self.key_hash(key) } else { 0 };
                if let Some(first) = first {
                    if self.memory.seen.len() == frame.begin && frame.many.is_none() {
                        self.note_key(first, self.key_hash(first), &mut frame);
                    }
                    self.note_key(key, hash, &mut frame);
                }
                let mut member = Below { node: NO_NODE, ..below };
                if below.ec2 {
                    member.search = if key.escaped {
                        below.search.member(&self.decoded(key), hash)
                    } else {
                        below.search.member(self.reader.slice(key.start, key.end).as_bytes(), hash)
                    };
                }
                match self.find_child(below.node, children, key, hash).map(|index| children[index].goal) {
                    Some(Goal::Copy(slot)) => {
                        let value = self.value(member, depth + 1)?;
                        self.copy(slot, value);
                    }
                    Some(Goal::Inner(node)) => {
                        member.node = node;
                        self.value(member, depth + 1)?;
                    }
                    _ => {
                        self.value(member, depth + 1)?;
                    }
                }
            }
            more = self.reader.next(b'}')?;
        }
        self.memory.seen.truncate(frame.begin);
        Ok(())
    }

    /// Stages a copied value. A header that is there twice in different letter case: the first that is not "".
    fn copy(&mut self, slot: Slot, value: Value) {
        if matches!(value, Value::Null) {
            return;
        }
        let cell = match self.plan.slots[usize::from(slot)].kind {
            Kind::BigInt => self.scalar_text(value).and_then(|cell| match cell {
                Cell::Text(span) => parse_int(self.staged.resolve(span, self.reader.text())).map(Cell::Int),
                other => Some(other),
            }),
            _ => self.lenient_text(value),
        };
        if !self.is_there(self.staged.get(slot)) {
            self.staged.put(slot, cell.unwrap_or(Cell::Unfit));
        }
    }

    /// Whether a copied value is there and not "".
    fn is_there(&self, cell: Option<Cell>) -> bool {
        match cell {
            Some(Cell::Text(span)) => !self.staged.resolve(span, self.reader.text()).is_empty(),
            other => other.is_some(),
        }
    }

    /// The array of resources: one entry each, so that the lists made of them line up.
    fn resources(&mut self, depth: usize) -> Result<()> {
        let mut entries: Vec<Entry> = Vec::new();
        self.reader.at += 1;
        let mut more = self.reader.first(b']')?;
        while more {
            self.value(Below { node: self.plan.entry, ..Below::NOTHING }, depth + 1)?;
            let mut entry = Entry::default();
            for (slots, place) in self.plan.entry_slots.iter().zip(&mut entry) {
                // The first that is there and not "", the last as it is.
                let mut chosen = None;
                for slot in slots {
                    let cell = self.staged.take(*slot);
                    if !self.is_there(chosen) {
                        chosen = cell;
                    }
                }
                if let Some(Cell::Text(span)) = chosen {
                    *place = Some(span);
                }
            }
            entries.push(entry);
            more = self.reader.next(b']')?;
        }
        self.staged.entries = Some(entries);
        Ok(())
    }

    /// Collects a string value that has one of the shapes, or belongs to a searched name.
    #[inline]
    fn collect(&mut self, quoted: Quoted, below: Below) {
        let Quoted { start, end, escaped } = quoted;
        if !escaped && below.search.values.is_none() && !self.may_be_collected(start, end, below.resource_ids) {
            return;
        }
        let span = if escaped {
            let begin = self.staged.scratch.len();
            if !unescape(self.reader.slice(start, end), &mut self.staged.scratch) {
                return;
            }
            self.staged.scratch_from(begin)
        } else {
            Staged::span(start, end)
        };
        let text = self.staged.resolve(span, self.reader.text());
        let list = if matches(Pattern::Arn, text) {
            Some(ARNS)
        } else if matches(Pattern::AccessKeyId, text) {
            Some(ACCESS_KEY_IDS)
        } else if below.resource_ids && matches(Pattern::ResourceId, text) {
            Some(RESOURCE_IDS)
        } else {
            None
        };
        for list in list.into_iter().chain(below.search.values) {
            self.staged.push(list, span);
        }
    }

    /// Whether a string without escapes can have one of the shapes: a cheap no for nearly all.
    #[inline]
    fn may_be_collected(&self, start: usize, end: usize, resource_ids: bool) -> bool {
        let bytes = self.reader.text().as_bytes();
        let Some(four) = bytes.get(start..).and_then(|rest| rest.first_chunk::<4>()) else { return true };
        if matches!(four, b"arn:" | b"AKIA" | b"ASIA") {
            return true;
        }
        // A resource id has its last dash 8 or 17 characters before its end.
        let dash = |before: usize| end >= start + before && bytes[end - before] == b'-';
        resource_ids && (dash(9) || dash(18))
    }

    /// A name with its escapes undone, so that names that are the same compare as the same.
    fn decoded(&self, key: Quoted) -> Cow<'a, [u8]> {
        let name = self.reader.slice(key.start, key.end);
        if key.escaped { decoded(name) } else { Cow::Borrowed(name.as_bytes()) }
    }

    #[inline]
    fn is_shadowed(&self, key_at: usize) -> bool {
        self.again && self.memory.shadowed.binary_search(&key_at).is_ok()
    }

    /// Remembers a key of an open object, and the earlier one's place if it is repeated.
    #[inline]
    fn note_key(&mut self, key: Quoted, hash: u64, frame: &mut Frame) {
        if self.again {
            return;
        }
        let bit = 1 << (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
        if frame.bits & bit != 0 && self.is_noted_again(key, hash, frame) {
            return;
        }
        frame.bits |= bit;
        self.memory.seen.push(Seen { hash, key });
        if self.memory.seen.len() - frame.begin > MANY_KEYS {
            let keys: Vec<Quoted> = self.memory.seen.drain(frame.begin..).map(|seen| seen.key).collect();
            let named = keys.into_iter().map(|key| (self.decoded(key).into_owned(), key.start - 1));
            frame.many = Some(named.collect());
            // From now on every key is looked up.
            frame.bits = u64::MAX;
        }
    }

    /// Looks for a key among those seen; where there are many, adds it.
    fn is_noted_again(&mut self, key: Quoted, hash: u64, frame: &mut Frame) -> bool {
        if let Some(many) = &mut frame.many {
            if let Some(earlier) = many.insert(self.decoded(key).into_owned(), key.start - 1) {
                self.memory.shadowed.push(earlier);
            }
            return true;
        }
        for i in frame.begin..self.memory.seen.len() {
            let seen = self.memory.seen[i];
            if seen.hash == hash && self.decoded(seen.key) == self.decoded(key) {
                self.memory.shadowed.push(seen.key.start - 1);
                self.memory.seen[i].key = key;
                return true;
            }
        }
        false
    }

    #[inline]
    fn key_hash(&self, key: Quoted) -> u64 {
        if key.escaped {
            return name_hash(&self.decoded(key));
        }
        name_hash_in(self.reader.text().as_bytes(), key.start, key.end)
    }
}

/// `{}` with whitespace in it.
fn is_blank_object(text: &str) -> bool {
    text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|inside| inside.trim().is_empty())
}
