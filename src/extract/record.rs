//! The one pass: record text streams by, keys are matched against the trie, values go into the row.
//!
//! A repeated key is found on the way; then the record is read twice more: to note where the earlier ones are, and with those left
//! out, which is how "the last wins" holds at every depth.
//!
//! What nearly every member is, a name and a plain string, is told from the 32 bytes in which each begins, with the place in
//! the text in a register; everything else goes through [`Reader`]. While every token went through it, and every value through a
//! place of its own before it went into its column, a record of 1.7 KB took 39,000 instructions until it was
//! columns; it takes 28,700.

use super::ec2::{NO_LIST, Search};
use super::plan::{
    ACCESS_KEY_IDS, ARNS, Child, ColumnId, Goal, NO_NODE, Node, NodeId, PLAN, Plan, RESOURCE_IDS, Slot, Whole,
    name_hash, name_hash_in,
};
use super::staged::{self, Cell, EventTime, Span, Staged};
use super::values::{matches, parse_int};
use crate::columns::{Pattern, Service, index_of};
use crate::json::{
    Error, ErrorKind, MAX_DEPTH, Marks, Quoted, Reader, Result, Tree, begins, decoded, minify, plain_until, unescape,
    window,
};
use crate::packed::Packer;
use crate::time::parse_time;
use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::borrow::Cow;
use std::hash::BuildHasher;

/// Members that tell a wrapping: a record that has one is looked at twice.
const WRAPPINGS: [&[u8]; 6] = [b"detail-type", b"Records", b"Events", b"body", b"CloudTrailEvent", b"s3"];

/// Keys of an object after which a hash map finds repetitions instead of comparing with each.
const MANY_KEYS: usize = 48;

/// A key seen in an open object: its hash, and where it is. In two words; texts are far below 2 GB.
#[derive(Debug, Clone, Copy)]
struct Seen {
    hash: u64,
    start: u32,
    /// Its end, and in the highest bit whether it has escapes.
    end: u32,
}

impl Seen {
    const ESCAPED: u32 = 1 << 31;

    fn new(hash: u64, name: Quoted) -> Seen {
        let end = name.end as u32 | if name.escaped { Self::ESCAPED } else { 0 };
        Seen { hash, start: name.start as u32, end }
    }

    fn name(self) -> Quoted {
        let end = (self.end & !Self::ESCAPED) as usize;
        Quoted { start: self.start as usize, end, escaped: self.end & Self::ESCAPED != 0 }
    }
}

/// A member's name.
#[derive(Debug, Clone, Copy)]
struct Key {
    name: Quoted,
    hash: u64,
    /// What comes after its colon.
    value_at: usize,
}

/// The keys of an open object.
struct Keys {
    /// The first of them among those seen.
    begin: usize,
    /// Of each hash that was seen one of 64 bits: where that is not set, the key is new.
    bits: u64,
    /// All of them, once they are many, by hashes that whoever writes the events cannot foresee.
    many: Option<HashTable<Seen>>,
}

/// What outlives one record: guesses and buffers.
#[derive(Debug)]
pub struct Memory {
    /// For each child of each node the child that followed it last time.
    guesses: Vec<u8>,
    /// For each child of each node where its key was in this record.
    key_places: Vec<u32>,
    seen: Vec<Seen>,
    hasher: DefaultHashBuilder,
    /// Where the keys are that are passed over, in order.
    shadowed: Vec<usize>,
    /// How many of those lie behind.
    passed: usize,
}

impl Memory {
    /// The first guess is the order of the table.
    pub fn new() -> Self {
        let mut guesses = Vec::new();
        for node in &PLAN.nodes {
            let last = node.children.len().saturating_sub(1);
            guesses.extend((0..=node.children.len()).map(|i| i.min(last) as u8));
        }
        let (key_places, hasher) = (vec![0; guesses.len()], DefaultHashBuilder::default());
        Memory { guesses, key_places, seen: Vec::new(), hasher, shadowed: Vec::new(), passed: 0 }
    }
}

/// Where what is read goes: the row, and what is gathered of the record beside it.
pub struct Target<'t> {
    /// The row.
    pub row: &'t mut Packer,
    /// The rest.
    pub staged: &'t mut Staged,
}

/// Reads the record that begins at byte `at` of `text`; gives the byte after it.
///
/// # Errors
/// Where the record is not JSON within the limits. The row is then begun and not accepted.
pub fn read_record(text: &str, at: usize, target: &mut Target<'_>, memory: &mut Memory) -> Result<usize> {
    memory.shadowed.clear();
    memory.passed = 0;
    match Pass::<ONCE>::read(text, at, target, memory) {
        Ok(Some(end)) => return Ok(end),
        Ok(None) => {}
        Err(error) => return Err(error),
    }
    // A name is there twice.
    let end = Pass::<NOTING>::read(text, at, target, memory)?;
    memory.shadowed.sort_unstable();
    Ok(Pass::<AGAIN>::read(text, at, target, memory)?.or(end).unwrap_or(at))
}

/// The first reading, which ends where a name is there a second time.
const ONCE: u8 = 0;
/// The second reading, in which the places of earlier members of a name are noted.
const NOTING: u8 = 1;
/// The third reading, in which those are passed over.
const AGAIN: u8 = 2;

/// The byte after what was read; why it could not be read is kept in the pass, so that this is two words.
type Step = std::result::Result<usize, Failed>;

#[derive(Debug)]
struct Failed;

/// What a value was, as far as its column wants to know.
#[derive(Debug, Clone, Copy)]
enum Value {
    String(Quoted),
    Null,
    Bare(usize, usize),
    Nested(usize, usize),
}

/// What is looked for at a place below a json column: one word.
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

/// One reading of a record.
struct Pass<'a, 's, const READING: u8> {
    text: &'a str,
    bytes: &'a [u8],
    plan: &'static Plan,
    row: &'s mut Packer,
    staged: &'s mut Staged,
    memory: &'s mut Memory,
    opened: u32,
    /// Set when insignificant whitespace was passed; whoever wants to know resets it before.
    passed_whitespace: bool,
    /// Why a step failed; nothing where it is only that a name is there twice.
    error: Option<Error>,
}

impl<'a, 's, const READING: u8> Pass<'a, 's, READING> {
    fn read(text: &'a str, at: usize, target: &'s mut Target<'_>, memory: &'s mut Memory) -> Result<Option<usize>> {
        let Target { row, staged } = target;
        row.begin();
        staged.clear();
        memory.seen.clear();
        let mut pass = Pass::<READING> {
            text,
            bytes: text.as_bytes(),
            plan: &PLAN,
            row,
            staged,
            memory,
            opened: 0,
            passed_whitespace: false,
            error: None,
        };
        let (byte, at) = pass.token(at);
        let read = if byte == b'{' { pass.known_object(0, at + 1, 0) } else { Err(pass.unexpected(at)) };
        match (read, pass.error) {
            (Ok(end), _) => Ok(Some(end)),
            (Err(Failed), Some(error)) => Err(error),
            (Err(Failed), None) => Ok(None),
        }
    }

    /// The byte at a place; 0 at the end of the text.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or_default()
    }

    /// The next byte that is no whitespace, and where it is.
    #[inline(always)]
    fn token(&mut self, at: usize) -> (u8, usize) {
        let byte = self.byte(at);
        if byte > b' ' { (byte, at) } else { self.token_after_whitespace(at) }
    }

    #[cold]
    fn token_after_whitespace(&mut self, at: usize) -> (u8, usize) {
        let mut reader = Reader::new(self.text, at);
        let byte = reader.peek();
        self.passed_whitespace |= reader.passed_whitespace;
        (byte, reader.at)
    }

    #[cold]
    fn fail(&mut self, kind: ErrorKind, at: usize) -> Failed {
        self.error = Some(Error { kind, at });
        Failed
    }

    #[cold]
    fn unexpected(&mut self, at: usize) -> Failed {
        self.fail(if at >= self.bytes.len() { ErrorKind::Truncated } else { ErrorKind::Invalid }, at)
    }

    /// Lets a reader go on from here.
    fn with_reader<T>(
        &mut self,
        at: usize,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T>,
    ) -> std::result::Result<(T, usize), Failed> {
        let mut reader = Reader::new(self.text, at);
        let value = read(&mut reader).map_err(|error| self.fail(error.kind, error.at))?;
        self.passed_whitespace |= reader.passed_whitespace;
        Ok((value, reader.at))
    }

    fn skip(&mut self, at: usize, depth: usize) -> Step {
        if let Some((_, end)) = self.plain_string(at) {
            return Ok(end + 1);
        }
        self.with_reader(at, |reader| reader.skip(depth)).map(|(_, at)| at)
    }

    /// Reads the string whose quote is at `at`.
    #[inline]
    fn string(&mut self, at: usize) -> std::result::Result<(Quoted, usize), Failed> {
        let (start, end) = (at + 1, plain_until(self.bytes, at + 1));
        if self.byte(end) == b'"' {
            return Ok((Quoted { start, end, escaped: false }, end + 1));
        }
        self.with_reader(at, |reader| reader.string())
    }

    /// Reads a member's name and its colon.
    #[inline(always)]
    fn key(&mut self, at: usize) -> std::result::Result<Key, Failed> {
        if let Some(window) = window(self.bytes, at) {
            let Marks { quotes, stops } = Marks::of(window);
            let stops = stops & !1;
            let end = stops.trailing_zeros() as usize;
            // A quote at first, and a quote where it ends.
            if quotes & 1 != 0 && quotes & stops & stops.wrapping_neg() != 0 && self.byte(at + end + 1) == b':' {
                let name = Quoted { start: at + 1, end: at + end, escaped: false };
                return Ok(Key { name, hash: name_hash_in(window, end - 1), value_at: at + end + 2 });
            }
        }
        self.odd_key(at)
    }

    /// A name that is long, has escapes, or whitespace around it.
    #[inline(never)]
    fn odd_key(&mut self, at: usize) -> std::result::Result<Key, Failed> {
        let (name, value_at) = self.with_reader(at, |reader| reader.key())?;
        Ok(Key { name, hash: name_hash(&self.decoded(name)), value_at })
    }

    /// The string at a place, where it has no escapes: the bytes it begins with, and where its quote is.
    #[inline(always)]
    fn plain_string(&self, at: usize) -> Option<(&'a [u8; 32], usize)> {
        let window = window(self.bytes, at)?;
        let Marks { quotes, stops } = Marks::of(window);
        let stops = stops & !1;
        if quotes & 1 == 0 {
            return None;
        }
        if quotes & stops & stops.wrapping_neg() != 0 {
            return Some((window, at + stops.trailing_zeros() as usize));
        }
        // Longer, or with an escape, or spoiled.
        let end = if stops == 0 { plain_until(self.bytes, at + 32) } else { return None };
        (self.byte(end) == b'"').then_some((window, end))
    }

    /// After a member or an element: what comes behind the comma, or the byte after the closing bracket.
    #[inline(always)]
    fn next(&mut self, at: usize, close: u8) -> std::result::Result<Next, Failed> {
        let byte = self.byte(at);
        if byte == b',' {
            Ok(Next::More(at + 1))
        } else if byte == close {
            Ok(Next::End(at + 1))
        } else {
            self.odd_next(at, close)
        }
    }

    #[inline(never)]
    fn odd_next(&mut self, at: usize, close: u8) -> std::result::Result<Next, Failed> {
        match self.token(at) {
            (b',', at) => Ok(Next::More(at + 1)),
            (byte, at) if byte == close => Ok(Next::End(at + 1)),
            (_, at) => Err(self.unexpected(at)),
        }
    }

    /// An object whose members columns stand for: the record, userIdentity, tlsDetails ... `at` is after its brace.
    fn known_object(&mut self, id: NodeId, at: usize, depth: usize) -> Step {
        let (node, bytes) = (&self.plan.nodes[usize::from(id)], self.bytes);
        let children = node.children.as_slice();
        let mut keys = self.no_keys();
        // Of the children, as bits: those that are there, and those that are null.
        let (mut present, mut nulls) = (0_u64, 0_u64);
        let mut previous = 0;
        let (byte, mut at) = self.token(at);
        if byte == b'}' {
            return Ok(at + 1);
        }
        loop {
            let guess = usize::from(self.memory.guesses[node.first + previous]);
            let guessed = children.get(guess).zip(window(bytes, at));
            let (child, index, key_at, value_at) = match guessed {
                Some((child, window)) if child.token.begins(window) => (child, guess, at, at + child.token.length()),
                _ => {
                    let key_at = self.token(at).1;
                    let key = self.key(key_at)?;
                    match self.find_child(node, &key) {
                        Some(index) => {
                            self.memory.guesses[node.first + previous] = index as u8;
                            (&children[index], index, key_at, key.value_at)
                        }
                        None => {
                            at = self.unknown_member(id, &key, &mut keys, depth + 1)?;
                            match self.next(at, b'}')? {
                                Next::More(next) => at = next,
                                Next::End(end) => return Ok(self.close(id, present & !nulls, &keys, end)),
                            }
                            continue;
                        }
                    }
                }
            };
            let bit = 1 << index;
            if READING == AGAIN && self.is_shadowed(key_at) {
                at = self.skip(value_at, depth + 1)?;
            } else {
                if READING == ONCE && present & bit != 0 {
                    return Err(Failed);
                }
                if READING == NOTING {
                    let place = &mut self.memory.key_places[node.first + index];
                    if present & bit != 0 {
                        self.memory.shadowed.push(*place as usize);
                    }
                    *place = key_at as u32;
                }
                present |= bit;
                previous = index + 1;
                let plain = if let Goal::Text(column) = child.goal { self.plain_text(column, value_at) } else { None };
                at = match plain {
                    Some(end) => end,
                    None => {
                        let (byte, value_at) = self.token(value_at);
                        if byte == b'n' {
                            nulls |= bit;
                        }
                        self.other_member(child, key_at, byte, value_at, depth + 1)?
                    }
                };
            }
            match self.next(at, b'}')? {
                Next::More(next) => at = next,
                Next::End(end) => return Ok(self.close(id, present & !nulls, &keys, end)),
            }
        }
    }

    /// Puts a plain string into a column; gives the byte after it.
    #[inline(always)]
    fn plain_text(&mut self, column: ColumnId, at: usize) -> Option<usize> {
        let (window, end) = self.plain_string(at)?;
        self.collect_plain(window, at, end, Below::NOTHING);
        if end - at < window.len() {
            self.row.short_text(usize::from(column), window, end - at - 1);
            self.staged.yielded += 1;
        } else {
            self.put_text(column, at + 1, end);
        }
        Some(end + 1)
    }

    /// An object ends: its keys are forgotten.
    #[inline]
    fn close(&mut self, id: NodeId, there: u64, keys: &Keys, end: usize) -> usize {
        self.memory.seen.truncate(keys.begin);
        if id == 0 {
            self.staged.looks_like_cloudtrail = there & self.plan.of_cloudtrail != 0;
        }
        end
    }

    fn no_keys(&self) -> Keys {
        Keys { begin: self.memory.seen.len(), bits: 0, many: None }
    }

    /// A member that no column stands for.
    #[inline(never)]
    fn unknown_member(&mut self, id: NodeId, key: &Key, keys: &mut Keys, depth: usize) -> Step {
        let (byte, at) = self.token(key.value_at);
        if READING == AGAIN && self.is_shadowed(key.name.start - 1) {
            return self.skip(at, depth);
        }
        self.note_key(key, keys)?;
        if id == 0 {
            self.staged.looks_wrapped |= WRAPPINGS.contains(&&*self.decoded(key.name));
        }
        let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
        self.leave_named_unmapped(key.name, value, end);
        Ok(end)
    }

    #[inline]
    fn find_child(&self, node: &Node, key: &Key) -> Option<usize> {
        let begins =
            |child: &Child| window(self.bytes, key.name.start - 1).is_some_and(|window| child.token.begins(window));
        // The hash knows no letter case, the name may: ARN and arn.
        node.find(key.hash, |child| begins(child) || child.is(&self.decoded(key.name)))
    }

    /// Puts a piece of the text into a column.
    #[inline(always)]
    fn put_text(&mut self, column: ColumnId, start: usize, end: usize) {
        self.row.text_in(usize::from(column), self.bytes, start, end);
        self.staged.yielded += 1;
    }

    /// Puts a text into a column.
    fn put_span(&mut self, column: ColumnId, span: Span) {
        let text = self.staged.resolve(span, self.text);
        self.row.text(usize::from(column), text);
        self.staged.yielded += 1;
    }

    /// A known member that is no plain string of a text column.
    fn other_member(&mut self, child: &'static Child, key_at: usize, byte: u8, at: usize, depth: usize) -> Step {
        match child.goal {
            Goal::Text(column) => self.odd_text(column, key_at, byte, at, depth),
            Goal::Bool(column, quoted) => self.bool_member(column, quoted, key_at, byte, at, depth),
            Goal::Time(column) => {
                let (time, end) = self.time_member(key_at, byte, at, depth)?;
                if let Some(ms) = time {
                    self.row.int(usize::from(column), ms);
                    self.staged.yielded += 1;
                }
                Ok(end)
            }
            Goal::EventTime => {
                let (time, end) = self.time_member(key_at, byte, at, depth)?;
                self.staged.event_time = match time {
                    Some(ms) => EventTime::At(ms),
                    None if byte == b'n' => EventTime::Absent,
                    None => EventTime::Unreadable,
                };
                Ok(end)
            }
            Goal::Known(below) => self.object_member(child, key_at, below, byte, at, depth),
            Goal::Json(column, whole) => self.json_member(column, whole, byte, at, depth),
            // Copies lie below json columns only.
            Goal::Copy(_) | Goal::CopyInt(_) | Goal::Inner(_) => self.skip(at, depth),
        }
    }

    /// A member that is an object of members that columns stand for, or should be.
    fn object_member(
        &mut self,
        child: &'static Child,
        key_at: usize,
        below: NodeId,
        byte: u8,
        at: usize,
        depth: usize,
    ) -> Step {
        if byte != b'{' {
            let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
            self.leave_unmapped(key_at, value, end);
            return Ok(end);
        }
        if depth >= MAX_DEPTH {
            return Err(self.fail(ErrorKind::TooDeep, at));
        }
        let before = self.staged.yielded;
        self.staged.unmapped.enter(child.name);
        let end = self.known_object(below, at + 1, depth)?;
        self.staged.unmapped.leave();
        // Nothing of it is held: keep it as it is, but for a plain {} inside another, which counts for nothing.
        if self.staged.yielded == before && (depth == 1 || !is_blank_object(self.slice(at, end))) {
            self.leave_unmapped(key_at, Value::Nested(at, end), end);
        }
        Ok(end)
    }

    /// A member that a json column keeps whole.
    fn json_member(&mut self, column: ColumnId, whole: Whole, byte: u8, at: usize, depth: usize) -> Step {
        self.passed_whitespace = false;
        let end = if whole.entries && byte == b'[' {
            self.resources(at + 1, depth)?
        } else {
            let ec2 = whole.searched && self.may_be_ec2();
            let below = Below { node: whole.node, resource_ids: whole.resource_ids, ec2, search: Search::ROOT };
            self.odd_value(byte, at, below, depth)?
        };
        if byte == b'n' {
            return Ok(end);
        }
        if self.passed_whitespace {
            let begin = self.staged.scratch.len();
            minify(self.slice(at, end), &mut self.staged.scratch);
            self.put_span(column, self.staged.scratch_from(begin));
        } else {
            self.put_text(column, at, end);
        }
        Ok(end)
    }

    /// eventSource mostly comes before what is searched; where it does not, the search is done and then not used.
    fn may_be_ec2(&self) -> bool {
        const EVENT_SOURCE: usize = index_of("event_source");
        let source = self.row.value(EVENT_SOURCE);
        source.is_none_or(|source| Service::Ec2.is_of(source))
    }

    /// A member of a text column that is no plain string; what the column does not hold exactly also goes to unmapped.
    fn odd_text(&mut self, column: ColumnId, key_at: usize, byte: u8, at: usize, depth: usize) -> Step {
        let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
        let text = self.lenient_text(value);
        if let Some(span) = text {
            self.put_span(column, span);
        }
        if text.is_none() || !matches!(value, Value::String(_)) {
            self.leave_unmapped(key_at, value, end);
        }
        Ok(end)
    }

    /// A member of a bool column, whose wire form may be a string.
    fn bool_member(
        &mut self,
        column: ColumnId,
        quoted: bool,
        key_at: usize,
        byte: u8,
        at: usize,
        depth: usize,
    ) -> Step {
        let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
        let is_string = matches!(value, Value::String(_));
        let text = self.scalar_text(value).map(|span| self.staged.resolve(span, self.text));
        let (bool, plain) = match text {
            Some("true") => (Some(true), true),
            Some("false") => (Some(false), true),
            Some("True") if is_string => (Some(true), false),
            Some("False") if is_string => (Some(false), false),
            _ => (None, false),
        };
        if let Some(bool) = bool {
            self.row.bool(usize::from(column), bool);
            self.staged.yielded += 1;
        }
        if !plain || quoted != is_string {
            self.leave_unmapped(key_at, value, end);
        }
        Ok(end)
    }

    /// A member of a time column, in milliseconds since 1970.
    fn time_member(
        &mut self,
        key_at: usize,
        byte: u8,
        at: usize,
        depth: usize,
    ) -> std::result::Result<(Option<i64>, usize), Failed> {
        let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
        let text = if let Value::String(_) = value { self.scalar_text(value) } else { None };
        let time = text.and_then(|span| parse_time(self.staged.resolve(span, self.text)));
        if time.is_none_or(|(_, exact)| !exact) {
            self.leave_unmapped(key_at, value, end);
        }
        Ok((time.map(|(ms, _)| ms), end))
    }

    /// Text of a scalar; None where there is none or it is no text.
    fn scalar_text(&mut self, value: Value) -> Option<Span> {
        match value {
            Value::String(Quoted { start, end, escaped: false }) | Value::Bare(start, end) => {
                Some(Span::new(start, end))
            }
            Value::String(quoted) => {
                let begin = self.staged.scratch.len();
                unescape(self.slice(quoted.start, quoted.end), &mut self.staged.scratch)
                    .then(|| self.staged.scratch_from(begin))
            }
            Value::Null | Value::Nested(..) => None,
        }
    }

    /// Text of a scalar, or of the only scalar of an array.
    fn lenient_text(&mut self, value: Value) -> Option<Span> {
        let Value::Nested(start, end) = value else { return self.scalar_text(value) };
        let Ok(Tree::Array(elements)) = Tree::parse(self.slice(start, end)) else { return None };
        let [only] = elements.as_slice() else { return None };
        let text = only.scalar()?;
        Some(self.staged.keep(&text))
    }

    /// Puts a member under its path into unmapped; a null is as good as nothing.
    fn leave_unmapped(&mut self, key_at: usize, value: Value, end: usize) {
        self.leave_named_unmapped(self.key_at(key_at), value, end);
    }

    fn leave_named_unmapped(&mut self, name: Quoted, value: Value, end: usize) {
        // All that this reading is for is the places of names.
        if READING == NOTING {
            return;
        }
        let start = match value {
            Value::Null => return,
            Value::String(quoted) => quoted.start - 1,
            Value::Bare(start, _) | Value::Nested(start, _) => start,
        };
        let (name, text) = (self.slice(name.start, name.end), self.slice(start, end));
        self.staged.unmapped.member(name, text, matches!(value, Value::Nested(..)));
        self.staged.yielded += 1;
    }

    /// Any value below a json column or of an unknown member: checked, and searched for what is collected.
    #[inline(always)]
    fn value(&mut self, at: usize, below: Below, depth: usize) -> Step {
        if let Some((window, end)) = self.plain_string(at) {
            self.collect_plain(window, at, end, below);
            return Ok(end + 1);
        }
        let (byte, at) = self.token(at);
        if byte == b'{' && depth < MAX_DEPTH {
            return self.object(at + 1, below, depth);
        }
        self.odd_value(byte, at, below, depth)
    }

    /// A value that is no plain string.
    #[inline(never)]
    fn odd_value(&mut self, byte: u8, at: usize, below: Below, depth: usize) -> Step {
        match byte {
            b'{' | b'[' if depth >= MAX_DEPTH => Err(self.fail(ErrorKind::TooDeep, at)),
            b'{' => self.object(at + 1, below, depth),
            b'[' => self.array(at + 1, Below { node: NO_NODE, ..below }, depth),
            b'"' => {
                let (quoted, end) = self.string(at)?;
                self.collect(quoted, below);
                Ok(end)
            }
            _ => {
                let end = self.scalar(byte, at)?;
                if below.search.values != NO_LIST && byte != b'n' {
                    self.staged.push(below.search.values, Span::new(at, end));
                }
                Ok(end)
            }
        }
    }

    /// true, false, null or a number.
    #[inline]
    fn scalar(&mut self, byte: u8, at: usize) -> Step {
        if let Some(window) = window(self.bytes, at) {
            match byte {
                b'n' if window.starts_with(b"null") => return Ok(at + 4),
                b't' if window.starts_with(b"true") => return Ok(at + 4),
                b'f' if window.starts_with(b"false") => return Ok(at + 5),
                b'1'..=b'9' => {
                    let digits = window.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(32);
                    if digits < 32 && !matches!(window[digits], b'.' | b'e' | b'E') {
                        return Ok(at + digits);
                    }
                }
                _ => {}
            }
        }
        self.with_reader(at, |reader| reader.scalar()).map(|(_, at)| at)
    }

    /// As [`Pass::value`]; tells what it was.
    fn value_as(
        &mut self,
        byte: u8,
        at: usize,
        below: Below,
        depth: usize,
    ) -> std::result::Result<(Value, usize), Failed> {
        if let Some((window, end)) = self.plain_string(at) {
            self.collect_plain(window, at, end, below);
            return Ok((Value::String(Quoted { start: at + 1, end, escaped: false }), end + 1));
        }
        if byte == b'"' {
            let (quoted, end) = self.string(at)?;
            self.collect(quoted, below);
            return Ok((Value::String(quoted), end));
        }
        let end = self.odd_value(byte, at, below, depth)?;
        let value = match byte {
            b'{' | b'[' => Value::Nested(at, end),
            b'n' => Value::Null,
            _ => Value::Bare(at, end),
        };
        Ok((value, end))
    }

    /// The elements of an array; `at` is after its bracket.
    #[inline(never)]
    fn array(&mut self, at: usize, below: Below, depth: usize) -> Step {
        let (byte, mut at) = self.token(at);
        if byte == b']' {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, below, depth + 1)?;
            match self.next(at, b']')? {
                Next::More(next) => at = next,
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// The members of an object below a json column; `at` is after its brace.
    #[inline(never)]
    fn object(&mut self, at: usize, mut below: Below, depth: usize) -> Step {
        let plan = self.plan;
        let node = plan.nodes.get(usize::from(below.node));
        if below.ec2 {
            below.search = below.search.object(plan, &mut self.opened);
        }
        let mut keys = self.no_keys();
        let (byte, mut at) = self.token(at);
        if byte == b'}' {
            return Ok(at + 1);
        }
        loop {
            let key = self.key(at)?;
            at = key.value_at;
            if READING == AGAIN && self.is_shadowed(key.name.start - 1) {
                at = self.skip(at, depth + 1)?;
            } else {
                self.note_key(&key, &mut keys)?;
                let mut member = Below { node: NO_NODE, ..below };
                if below.ec2 {
                    member.search = below.search.member(plan, &self.decoded(key.name), key.hash);
                }
                let child = node.and_then(|node| Some(&node.children[self.find_child(node, &key)?]));
                let goal = child.map(|child| child.goal);
                if let Some(Goal::Inner(node)) = goal {
                    member.node = node;
                }
                at = match (self.plain_string(at), goal) {
                    (Some((window, end)), Some(Goal::Copy(slot))) => {
                        self.collect_plain(window, at, end, member);
                        if !self.staged.get(slot).is_some_and(Cell::is_there) {
                            self.staged.put_text(slot, Span::new(at + 1, end));
                        }
                        end + 1
                    }
                    (Some((window, end)), goal) if !matches!(goal, Some(Goal::CopyInt(_))) => {
                        self.collect_plain(window, at, end, member);
                        end + 1
                    }
                    (_, Some(Goal::Copy(slot) | Goal::CopyInt(slot))) => {
                        let number = matches!(goal, Some(Goal::CopyInt(_)));
                        self.copied_member(slot, number, at, member, depth + 1)?
                    }
                    _ => {
                        let (byte, at) = self.token(at);
                        if byte == b'{' && depth + 1 < MAX_DEPTH {
                            self.object(at + 1, member, depth + 1)?
                        } else {
                            self.odd_value(byte, at, member, depth + 1)?
                        }
                    }
                };
            }
            match self.next(at, b'}')? {
                Next::More(next) => at = next,
                Next::End(end) => {
                    self.memory.seen.truncate(keys.begin);
                    return Ok(end);
                }
            }
        }
    }

    /// A member that a column copies, other than a plain text.
    #[inline(never)]
    fn copied_member(&mut self, slot: Slot, number: bool, at: usize, below: Below, depth: usize) -> Step {
        let (byte, at) = self.token(at);
        let (value, end) = self.value_as(byte, at, below, depth)?;
        self.copy(slot, number, value);
        Ok(end)
    }

    /// Stages a copied value. A header that is there twice in different letter case: the first that is not "".
    fn copy(&mut self, slot: Slot, number: bool, value: Value) {
        if matches!(value, Value::Null) {
            return;
        }
        let cell = if number {
            let text = self.scalar_text(value).map(|span| self.staged.resolve(span, self.text));
            text.and_then(parse_int).map(Cell::Int)
        } else {
            self.lenient_text(value).map(Cell::Text)
        };
        if !self.staged.get(slot).is_some_and(Cell::is_there) {
            self.staged.put(slot, cell.unwrap_or(Cell::Unfit));
        }
    }

    /// The array of resources: one entry each, so that the lists made of them line up. `at` is after its bracket.
    fn resources(&mut self, at: usize, depth: usize) -> Step {
        self.staged.has_entries = true;
        let (byte, mut at) = self.token(at);
        if byte == b']' {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, Below { node: self.plan.entry, ..Below::NOTHING }, depth + 1)?;
            let mut entry = staged::Entry::default();
            for (slots, place) in self.plan.entry_slots.iter().zip(&mut entry) {
                // The first that is there and not "", the last as it is.
                let mut chosen = None;
                for slot in slots {
                    let cell = self.staged.take(*slot);
                    if !chosen.is_some_and(Cell::is_there) {
                        chosen = cell;
                    }
                }
                if let Some(Cell::Text(span)) = chosen {
                    *place = Some(span);
                }
            }
            self.staged.entries.push(entry);
            match self.next(at, b']')? {
                Next::More(next) => at = next,
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// Collects a string without escapes that begins so and ends there, if it is to be: a cheap no for nearly all.
    #[inline(always)]
    fn collect_plain(&mut self, window: &[u8; 32], at: usize, end: usize, below: Below) {
        const ARN: u32 = u32::from_le_bytes(*b"arn:");
        const KEY: u32 = u32::from_le_bytes(*b"AKIA") & KEY_MASK;
        // K and S differ in these two bits.
        const KEY_MASK: u32 = !(0x18 << 8);
        let four = window[1..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
        // A resource id has its last dash 8 or 17 characters before its end.
        let dash = |before: usize| end > at + before && self.byte(end - before) == b'-';
        if four == ARN {
            self.staged.push(ARNS, Span::new(at + 1, end));
            if below.search.values != NO_LIST {
                self.staged.push(below.search.values, Span::new(at + 1, end));
            }
        } else if four & KEY_MASK == KEY
            || below.search.values != NO_LIST
            || below.resource_ids && (dash(9) || dash(18))
        {
            self.collect(Quoted { start: at + 1, end, escaped: false }, below);
        }
    }

    /// Collects a string value that has one of the shapes, or belongs to a searched name.
    #[inline(never)]
    fn collect(&mut self, quoted: Quoted, below: Below) {
        let Quoted { start, end, escaped } = quoted;
        let span = if escaped {
            if end - start > LONG && below.search.values == NO_LIST && !begins(self.slice(start, end), "arn:") {
                return;
            }
            let begin = self.staged.scratch.len();
            if !unescape(self.slice(start, end), &mut self.staged.scratch) {
                return;
            }
            self.staged.scratch_from(begin)
        } else {
            Span::new(start, end)
        };
        let text = self.staged.resolve(span, self.text);
        let list = if matches(Pattern::Arn, text) {
            Some(ARNS)
        } else if matches(Pattern::AccessKeyId, text) {
            Some(ACCESS_KEY_IDS)
        } else if below.resource_ids && matches(Pattern::ResourceId, text) {
            Some(RESOURCE_IDS)
        } else {
            None
        };
        if let Some(list) = list {
            self.staged.push(list, span);
        }
        if below.search.values != NO_LIST {
            self.staged.push(below.search.values, span);
        }
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// A name with its escapes undone, so that names that are the same compare as the same.
    #[inline]
    fn decoded(&self, key: Quoted) -> Cow<'a, [u8]> {
        let name = self.slice(key.start, key.end);
        if key.escaped { decoded(name) } else { Cow::Borrowed(name.as_bytes()) }
    }

    /// The name that has been read before, at its quote.
    #[cold]
    fn key_at(&self, at: usize) -> Quoted {
        let name = Reader::new(self.text, at).string();
        name.unwrap_or(Quoted { start: at, end: at, escaped: false })
    }

    /// Whether a key is to be passed over. Keys are met in the order of the text.
    fn is_shadowed(&mut self, key_at: usize) -> bool {
        let Memory { shadowed, passed, .. } = &mut *self.memory;
        while shadowed.get(*passed).is_some_and(|shadowed| *shadowed < key_at) {
            *passed += 1;
        }
        shadowed.get(*passed) == Some(&key_at)
    }

    /// Remembers a key of an open object, and the earlier one's place if it is repeated.
    #[inline(always)]
    fn note_key(&mut self, key: &Key, keys: &mut Keys) -> std::result::Result<(), Failed> {
        if READING == AGAIN {
            return Ok(());
        }
        let bit = 1 << (key.hash >> 58);
        if keys.bits & bit != 0 && self.is_noted_again(*key, keys)? {
            return Ok(());
        }
        keys.bits |= bit;
        self.memory.seen.push(Seen::new(key.hash, key.name));
        if self.memory.seen.len() - keys.begin > MANY_KEYS {
            self.find_by_map(keys);
        }
        Ok(())
    }

    /// From now on every key is looked up.
    #[cold]
    fn find_by_map(&mut self, keys: &mut Keys) {
        let mut many = HashTable::with_capacity(4 * MANY_KEYS);
        for seen in self.memory.seen.split_off(keys.begin) {
            let hash = self.memory.hasher.hash_one(&*self.decoded(seen.name()));
            many.insert_unique(hash, Seen { hash, ..seen }, |seen| seen.hash);
        }
        keys.many = Some(many);
        keys.bits = u64::MAX;
    }

    /// Looks for a key among those seen; where there are many, adds it.
    #[inline(never)]
    fn is_noted_again(&mut self, key: Key, keys: &mut Keys) -> std::result::Result<bool, Failed> {
        let name = self.decoded(key.name);
        let earlier = if let Some(many) = &mut keys.many {
            let hash = self.memory.hasher.hash_one(&*name);
            let is = |seen: &Seen| seen.hash == hash && self.decoded(seen.name()) == name;
            let new = Seen::new(hash, key.name);
            match many.entry(hash, is, |seen| seen.hash) {
                Entry::Occupied(mut seen) => Some(std::mem::replace(seen.get_mut(), new)),
                Entry::Vacant(place) => {
                    place.insert(new);
                    None
                }
            }
        } else {
            let seen = &self.memory.seen[keys.begin..];
            let is = |seen: &Seen| seen.hash == key.hash && self.decoded(seen.name()) == name;
            let Some(i) = seen.iter().position(is) else { return Ok(false) };
            let place = &mut self.memory.seen[keys.begin + i];
            Some(std::mem::replace(place, Seen::new(key.hash, key.name)))
        };
        if let Some(earlier) = earlier {
            if READING == ONCE {
                return Err(Failed);
            }
            self.memory.shadowed.push(earlier.name().start - 1);
        }
        Ok(true)
    }
}

/// Bytes of a string, escapes included, past which it is no resource id and no access key id: those have 101 characters at the
/// most, and an escape 6 bytes.
const LONG: usize = 606;

/// What follows a member or an element.
enum Next {
    /// Another, at this byte.
    More(usize),
    /// Nothing: the byte after the bracket.
    End(usize),
}

/// `{}` with whitespace in it.
fn is_blank_object(text: &str) -> bool {
    text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|inside| inside.trim().is_empty())
}
