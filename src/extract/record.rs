//! The one pass: record text streams by, keys are matched against the trie, values go into the row.
//!
//! A repeated key is found on the way; then the record is read twice more: to note where the earlier ones are, and with those left
//! out, which is how "the last wins" holds at every depth.
//!
//! What nearly every member is, a name and a plain string, is told from the 32 bytes in which each begins, with the place in
//! the text in a register; everything else goes through [`Reader`]. While every token went through it, and every value through a
//! place of its own before it went into its column, a record of 1.7 KB took 39,000 instructions until it was
//! columns; it takes 27,200.

mod below;
mod members;
mod repeats;

use super::names::{name_hash, name_hash_in};
use super::plan::{Child, ColumnId, Goal, Node, NodeId, PLAN, Plan};
use super::staged::Staged;
use crate::json::{Error, ErrorKind, Marks, Quoted, Reader, Result, decoded, plain_until, window};
use crate::packed::Packer;
use below::Below;
use hashbrown::DefaultHashBuilder;
use repeats::Keys;
use std::borrow::Cow;

/// Members that tell a wrapping: a record that has one is looked at twice.
const WRAPPINGS: [&[u8]; 6] = [b"detail-type", b"Records", b"Events", b"body", b"CloudTrailEvent", b"s3"];

/// A member's name: its hash, and where it is. In two words; texts are far below 2 GB.
#[derive(Debug, Clone, Copy)]
struct Name {
    hash: u64,
    start: u32,
    /// Its end, and in the highest bit whether it has escapes.
    end: u32,
}

impl Name {
    const ESCAPED: u32 = 1 << 31;

    fn new(hash: u64, Quoted { start, end, escaped }: Quoted) -> Name {
        Name { hash, start: start as u32, end: end as u32 | if escaped { Self::ESCAPED } else { 0 } }
    }

    fn quoted(self) -> Quoted {
        let end = (self.end & !Self::ESCAPED) as usize;
        Quoted { start: self.start as usize, end, escaped: self.end & Self::ESCAPED != 0 }
    }

    /// Where its opening quote is.
    #[inline(always)]
    fn at(self) -> usize {
        self.start as usize - 1
    }
}

/// What outlives one record: guesses and buffers.
#[derive(Debug)]
pub struct Memory {
    /// For each child of each node the child that followed it last time.
    guesses: Vec<u8>,
    /// For each child of each node where its key was in this record.
    key_places: Vec<u32>,
    seen: Vec<Name>,
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

    /// Whether the record read last has a name twice in any object.
    pub fn found_repeats(&self) -> bool {
        !self.shadowed.is_empty()
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

    /// Reads a member's name and its colon; gives also what comes after that.
    #[inline(always)]
    fn key(&mut self, at: usize) -> std::result::Result<(Name, usize), Failed> {
        if let Some(window) = window(self.bytes, at) {
            let Marks { quotes, stops } = Marks::of(window);
            let stops = stops & !1;
            let end = stops.trailing_zeros() as usize;
            // A quote at first, and a quote where it ends.
            if quotes & 1 != 0 && quotes & stops & stops.wrapping_neg() != 0 && self.byte(at + end + 1) == b':' {
                let hash = name_hash_in(window, end - 1);
                return Ok((Name { hash, start: at as u32 + 1, end: (at + end) as u32 }, at + end + 2));
            }
        }
        self.odd_key(at)
    }

    /// A name that is long, has escapes, or whitespace around it.
    #[inline(never)]
    fn odd_key(&mut self, at: usize) -> std::result::Result<(Name, usize), Failed> {
        let (name, value_at) = self.with_reader(at, |reader| reader.key())?;
        Ok((Name::new(name_hash(&self.decoded(name)), name), value_at))
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
                    let (name, value_at) = self.key(key_at)?;
                    match self.find_child(node, name) {
                        Some(index) => {
                            self.memory.guesses[node.first + previous] = index as u8;
                            (&children[index], index, key_at, value_at)
                        }
                        None => {
                            at = self.unknown_member(id, name, value_at, &mut keys, depth + 1)?;
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

    /// A member that no column stands for.
    #[inline(never)]
    fn unknown_member(&mut self, id: NodeId, name: Name, value_at: usize, keys: &mut Keys, depth: usize) -> Step {
        let (byte, at) = self.token(value_at);
        if READING == AGAIN && self.is_shadowed(name.at()) {
            return self.skip(at, depth);
        }
        self.note_name(name, keys)?;
        if id == 0 {
            self.staged.looks_wrapped |= WRAPPINGS.contains(&&*self.decoded(name.quoted()));
        }
        let (value, end) = self.value_as(byte, at, Below::NOTHING, depth)?;
        self.leave_named_unmapped(name.quoted(), value, end);
        Ok(end)
    }

    #[inline]
    fn find_child(&self, node: &Node, name: Name) -> Option<usize> {
        let begins = |child: &Child| window(self.bytes, name.at()).is_some_and(|window| child.token.begins(window));
        // The hash knows no letter case, the name may: ARN and arn.
        node.find(name.hash, |child| begins(child) || child.is(&self.decoded(name.quoted())))
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// A name with its escapes undone, so that names that are the same compare as the same.
    #[inline]
    fn decoded(&self, quoted: Quoted) -> Cow<'a, [u8]> {
        let name = self.slice(quoted.start, quoted.end);
        if quoted.escaped { decoded(name) } else { Cow::Borrowed(name.as_bytes()) }
    }
}

/// What follows a member or an element.
enum Next {
    /// Another, at this byte.
    More(usize),
    /// Nothing: the byte after the bracket.
    End(usize),
}
