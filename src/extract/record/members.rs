//! Members that columns stand for, other than plain strings of text columns; what a column does not hold goes to `unmapped`.

use super::super::ec2::Search;
use super::super::plan::{Child, ColumnId, Goal, NodeId, Whole};
use super::super::staged::{EventTime, Span};
use super::below::{Below, Value};
use super::{Failed, NOTING, Pass, Step};
use crate::columns::{Service, index_of};
use crate::json::{ErrorKind, MAX_DEPTH, Quoted, Tree, minify, unescape};
use crate::packed::Excerpt;
use crate::time::parse_time;

impl<'a, const READING: u8> Pass<'a, '_, READING> {
    /// A known member that is no plain string of a text column.
    pub(super) fn other_member(
        &mut self,
        child: &'static Child,
        key_at: usize,
        byte: u8,
        at: usize,
        depth: usize,
    ) -> Step {
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
    pub(super) fn object_member(
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
    pub(super) fn json_member(&mut self, column: ColumnId, whole: Whole, byte: u8, at: usize, depth: usize) -> Step {
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
    pub(super) fn may_be_ec2(&self) -> bool {
        const EVENT_SOURCE: usize = index_of("event_source");
        let source = self.row.value(EVENT_SOURCE);
        source.is_none_or(|source| Service::Ec2.is_of(source))
    }

    /// A member of a text column that is no plain string; what the column does not hold exactly also goes to unmapped.
    pub(super) fn odd_text(&mut self, column: ColumnId, key_at: usize, byte: u8, at: usize, depth: usize) -> Step {
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
    pub(super) fn bool_member(
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
    pub(super) fn time_member(
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
    pub(super) fn scalar_text(&mut self, value: Value) -> Option<Span> {
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
    pub(super) fn lenient_text(&mut self, value: Value) -> Option<Span> {
        let Value::Nested(start, end) = value else { return self.scalar_text(value) };
        let Ok(Tree::Array(elements)) = Tree::parse(self.slice(start, end)) else { return None };
        let [only] = elements.as_slice() else { return None };
        let text = only.scalar()?;
        Some(self.staged.keep(&text))
    }

    /// Puts a member under its path into unmapped; a null is as good as nothing.
    pub(super) fn leave_unmapped(&mut self, key_at: usize, value: Value, end: usize) {
        self.leave_named_unmapped(self.key_at(key_at), value, end);
    }

    pub(super) fn leave_named_unmapped(&mut self, name: Quoted, value: Value, end: usize) {
        // All that this reading is for is the places of names.
        if READING == NOTING {
            return;
        }
        let start = match value {
            Value::Null => return,
            Value::String(quoted) => quoted.start - 1,
            Value::Bare(start, _) | Value::Nested(start, _) => start,
        };
        // Quote and colon, mostly, and then the value.
        let has_whitespace = start != name.end + 2 || matches!(value, Value::Nested(..));
        self.staged.unmapped.member(self.slice(name.start - 1, end), has_whitespace);
        self.staged.yielded += 1;
    }

    /// Puts a piece of the text into a column.
    #[inline(always)]
    pub(super) fn put_text(&mut self, column: ColumnId, start: usize, end: usize) {
        self.row.text(usize::from(column), Excerpt::of(self.text, start, end.saturating_sub(start)));
        self.staged.yielded += 1;
    }

    /// Puts a text into a column.
    pub(super) fn put_span(&mut self, column: ColumnId, span: Span) {
        let text = self.staged.resolve(span, self.text);
        self.row.text(usize::from(column), text);
        self.staged.yielded += 1;
    }
}

/// `{}` with whitespace in it.
fn is_blank_object(text: &str) -> bool {
    text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|inside| inside.trim().is_empty())
}
