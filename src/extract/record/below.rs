//! What lies below a json column or an unknown member: checked, and searched for what is copied and collected.

use super::super::ec2::{NO_LIST, Search};
use super::super::plan::{ACCESS_KEY_IDS, ARNS, Goal, NO_NODE, NodeId, RESOURCE_IDS, Slot};
use super::super::staged::{Cell, Entry, Span};
use super::super::values::{matches, parse_int};
use super::{AGAIN, Failed, Next, Pass, Step};
use crate::columns::Pattern;
use crate::json::{ErrorKind, MAX_DEPTH, Quoted, begins, unescape, window};

/// What is looked for at a place below a json column: one word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Below {
    pub(super) node: NodeId,
    pub(super) resource_ids: bool,
    pub(super) ec2: bool,
    pub(super) search: Search,
}

impl Below {
    pub(super) const NOTHING: Below = Below { node: NO_NODE, resource_ids: false, ec2: false, search: Search::ROOT };
}

/// What a value was, as far as its column wants to know.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    String(Quoted),
    Null,
    Bare(usize, usize),
    Nested(usize, usize),
}

impl<'a, const READING: u8> Pass<'a, '_, READING> {
    /// Any value below a json column or of an unknown member: checked, and searched for what is collected.
    #[inline(always)]
    pub(super) fn value(&mut self, at: usize, below: Below, depth: usize) -> Step {
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
    pub(super) fn odd_value(&mut self, byte: u8, at: usize, below: Below, depth: usize) -> Step {
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
    pub(super) fn scalar(&mut self, byte: u8, at: usize) -> Step {
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
    pub(super) fn value_as(
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
    pub(super) fn array(&mut self, at: usize, below: Below, depth: usize) -> Step {
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
    pub(super) fn object(&mut self, at: usize, mut below: Below, depth: usize) -> Step {
        let plan = self.plan;
        let node = plan.nodes.get(usize::from(below.node));
        let mut keys = self.no_keys();
        let (byte, mut at) = self.token(at);
        if byte == b'}' {
            return Ok(at + 1);
        }
        loop {
            let (name, value_at) = self.key(at)?;
            at = value_at;
            if READING == AGAIN && self.is_shadowed(name.at()) {
                at = self.skip(at, depth + 1)?;
            } else {
                self.note_name(name, &mut keys)?;
                let mut member = Below { node: NO_NODE, ..below };
                if below.ec2 {
                    let decoded = self.decoded(name.quoted());
                    member.search = below.search.member(plan, &decoded, name.hash, &mut self.opened);
                }
                let child = node.and_then(|node| Some(&node.children[self.find_child(node, name)?]));
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
    pub(super) fn copied_member(&mut self, slot: Slot, number: bool, at: usize, below: Below, depth: usize) -> Step {
        let (byte, at) = self.token(at);
        let (value, end) = self.value_as(byte, at, below, depth)?;
        self.copy(slot, number, value);
        Ok(end)
    }

    /// Stages a copied value. A header that is there twice in different letter case: the first that is not "".
    pub(super) fn copy(&mut self, slot: Slot, number: bool, value: Value) {
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
    pub(super) fn resources(&mut self, at: usize, depth: usize) -> Step {
        self.staged.has_entries = true;
        let (byte, mut at) = self.token(at);
        if byte == b']' {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, Below { node: self.plan.entry, ..Below::NOTHING }, depth + 1)?;
            let mut entry = Entry::default();
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
    pub(super) fn collect_plain(&mut self, window: &[u8; 32], at: usize, end: usize, below: Below) {
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
    pub(super) fn collect(&mut self, quoted: Quoted, below: Below) {
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
}

/// Bytes of a string, escapes included, past which it is no resource id and no access key id: those have 101 characters at the
/// most, and an escape 6 bytes.
const LONG: usize = 606;
