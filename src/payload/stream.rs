//! Bytes -> documents: values one after the other, with or without line breaks between them, and the elements of
//! containers among them.
//!
//! Where the text is spoiled, the smallest piece that isolates the damage is rejected: an element of a container by its
//! brackets, a line by its line break, a broken document over many lines up to the next line that begins one.

use super::damage::{SNIFF, end_of_broken_document, end_of_broken_element, is_binary, next_document_line, next_record};
use super::document::{self, Message, Place, Taken};
use super::{Piece, Sink};
use crate::json::{Boundary, Error, ErrorKind, Found, MAX_DOCUMENT, Reader};
use crate::rejected::{Code, MAX_PAYLOAD, Rejection};
use memchr::{memchr, memchr_iter};

/// Containers within containers that are followed.
const MAX_CONTAINERS: usize = 4;

/// Reads one input from front to back, in windows.
#[derive(Debug, Default)]
pub struct Stream {
    frames: Vec<Frame>,
    skipping: Option<Skipping>,
    message: Message,
    /// Line breaks before the window.
    lines: u64,
    started: bool,
    /// Whether a comma between two documents at the top has been reported.
    comma_reported: bool,
}

/// A container that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Whether it is an array within an object, whose other members follow.
    in_object: bool,
    state: State,
    /// Line it began in.
    line: u64,
    /// Whether a comma was missing and has been reported.
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first element.
    First,
    /// After an element.
    After,
    /// After the array, among the other members of the object.
    Members,
}

/// A piece that is too large or no text: counted and passed, only its beginning kept.
#[derive(Debug)]
struct Skipping {
    rejection: Rejection,
    until: Until,
    kept: Vec<u8>,
    total: u64,
    line: u64,
}

#[derive(Debug)]
enum Until {
    Closed(Boundary),
    LineBreak,
    End,
}

/// A window and the text in it that is being read.
struct View<'v, 'w> {
    window: &'w [u8],
    /// Where the text begins in the window.
    base: usize,
    last: bool,
    /// Whether the text ends because what follows is not UTF-8.
    spoiled: bool,
    lines: &'v mut Lines<'w>,
}

/// An error and the places around it in the window.
struct Spoil {
    /// Where the separator before the piece begins, if it has one, else the piece.
    start: usize,
    piece: usize,
    error: Error,
    at: usize,
}

/// What follows a container's array in its object.
enum Passed {
    Array,
    Member,
    /// Members of a record, from here on.
    OfRecord(usize),
    End,
}

/// What is to be done where the window's text goes no further.
enum Stop {
    /// The window is used up to here; more of the input is needed.
    NeedMore(usize),
    /// Go on here.
    At(usize),
}

impl Stream {
    /// An input from a line on (with so many line breaks before it); what it is, is told at its first line.
    pub fn from_line(lines: u64) -> Self {
        Stream { lines, started: lines > 0, ..Stream::default() }
    }

    /// The body of a message.
    pub(super) fn of_message(message: Message) -> Self {
        Stream { message, ..Stream::default() }
    }

    /// Reads what the window holds; `last` says that nothing follows it. Gives how many of its bytes are done with: the
    /// rest must come again at the beginning of a longer window.
    pub fn advance(&mut self, window: &[u8], last: bool, sink: &mut impl Sink) -> usize {
        if !self.started && !last && window.len() < SNIFF {
            return 0;
        }
        let mut at = self.begin(window);
        let mut lines = Lines { window, at: 0, lines: self.lines };
        // One fast check for the whole window; where it fails, the valid stretches are found one by one.
        let mut stretch = match simdutf8::basic::from_utf8(window) {
            Ok(text) => Stretch { start: 0, text, spoiled: false },
            Err(_) => Stretch::at(window, at, last),
        };
        while at < window.len() {
            if self.skipping.is_some() {
                at = self.skip(window, at, last, sink);
                continue;
            }
            if at > stretch.start + stretch.text.len() || (at == stretch.start + stretch.text.len() && stretch.spoiled)
            {
                stretch = Stretch::at(window, at, last);
            }
            let text = stretch.text.get(at - stretch.start..).unwrap_or_default();
            let spoiled = stretch.spoiled;
            let mut view = View { window, base: at, last, spoiled, lines: &mut lines };
            match self.documents(text, &mut view, sink) {
                Stop::At(next) => at = next,
                Stop::NeedMore(next) => {
                    at = next;
                    break;
                }
            }
        }
        if last {
            self.end(&mut lines, sink);
        }
        self.lines = lines.before(at);
        at
    }

    /// Tells at the beginning of the input what it is; gives how many bytes of a byte-order mark are to be passed.
    fn begin(&mut self, window: &[u8]) -> usize {
        if std::mem::replace(&mut self.started, true) {
            return 0;
        }
        let mark = if window.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        if is_binary(&window[mark..]) {
            self.skip_from(Rejection::new(Code::InvalidUtf8, "not text in UTF-8"), Until::End, 1);
        }
        mark
    }

    /// Reads documents from the text, which is the window from the view's base on.
    fn documents(&mut self, text: &str, view: &mut View<'_, '_>, sink: &mut impl Sink) -> Stop {
        let mut reader = Reader::new(text, 0);
        loop {
            let byte = reader.peek();
            let start = reader.at;
            if start >= text.len() && !view.spoiled {
                let end = view.base + start;
                return if view.last { Stop::At(view.window.len()) } else { Stop::NeedMore(end) };
            }
            let result = match self.frames.last().map(|frame| frame.state) {
                Some(State::First | State::After) if byte == b']' => {
                    reader.at += 1;
                    self.close_array();
                    Ok(())
                }
                Some(State::After) if byte == b',' => {
                    reader.at += 1;
                    self.element(&mut reader, view, sink)
                }
                Some(State::After) => Err((Error { kind: ErrorKind::Invalid, at: start }, start)),
                Some(State::Members) => self.member(&mut reader, view, sink),
                Some(State::First) | None => self.element(&mut reader, view, sink),
            };
            let Err((error, piece)) = result else { continue };
            let out_of_text = error.at >= text.len();
            if out_of_text && !view.spoiled && !view.last {
                return self.more_or_too_large(view, view.base + start, view.base + piece);
            }
            let spoil = Spoil { start: view.base + start, piece: view.base + piece, error, at: view.base + error.at };
            return self.isolate(view, spoil, sink);
        }
    }

    /// A piece goes on after the window: asks for more of it, or begins to skip it where it is too large to hold.
    fn more_or_too_large(&mut self, view: &mut View<'_, '_>, start: usize, piece: usize) -> Stop {
        if view.window.len() - piece <= MAX_DOCUMENT {
            return Stop::NeedMore(start);
        }
        let line = view.lines.line(piece);
        let until = self.until(view.window[piece]);
        self.mark_element();
        self.skip_from(Rejection::too_large(), until, line);
        Stop::At(piece)
    }

    /// Reads the document that comes next, a value at the top or an element of the container that is open.
    fn element(
        &mut self,
        reader: &mut Reader<'_>,
        view: &mut View<'_, '_>,
        sink: &mut impl Sink,
    ) -> Result<(), (Error, usize)> {
        let byte = reader.peek();
        let start = reader.at;
        if byte == b'[' && self.frames.is_empty() {
            reader.at += 1;
            self.open(false, view, start);
            return Ok(());
        }
        let may_grow = !view.spoiled && !view.last && view.window.len() - view.base - start <= MAX_DOCUMENT;
        let (text, base, message) = (reader.text(), view.base, &self.message);
        let mut place = Place { text, at: start, base, message, lines: view.lines, may_grow };
        let taken = document::read(&mut place, sink).map_err(|error| (error, start))?;
        self.mark_element();
        match taken {
            Taken::Whole(end) => reader.at = end,
            Taken::Container(_) if self.frames.len() >= MAX_CONTAINERS => {
                return Err((Error { kind: ErrorKind::TooDeep, at: start }, start));
            }
            Taken::Container(inside) => {
                reader.at = inside;
                self.open(true, view, start);
            }
        }
        Ok(())
    }

    /// Passes what follows a container's array in its object: another array of elements, other members, or the end. Members
    /// of a record are rejected, with all that follow: what was before them has been taken for a container already.
    fn member(
        &mut self,
        reader: &mut Reader<'_>,
        view: &mut View<'_, '_>,
        sink: &mut impl Sink,
    ) -> Result<(), (Error, usize)> {
        let start = reader.at;
        let mut ahead = reader.clone();
        let mut pass = || -> crate::json::Result<Passed> {
            if !ahead.next(b'}')? {
                return Ok(Passed::End);
            }
            let begin = ahead.at;
            let key = ahead.key()?;
            if document::is_of_record(ahead.text(), key) {
                ahead.skip(1)?;
                while ahead.next(b'}')? {
                    ahead.key()?;
                    ahead.skip(1)?;
                }
                return Ok(Passed::OfRecord(begin));
            }
            if document::holds_elements(ahead.text(), key) && ahead.peek() == b'[' {
                ahead.at += 1;
                return Ok(Passed::Array);
            }
            ahead.skip(1)?;
            Ok(Passed::Member)
        };
        let passed = pass().map_err(|error| (error, start))?;
        reader.at = ahead.at;
        match (passed, self.frames.last_mut()) {
            (Passed::Array, Some(frame)) => frame.state = State::First,
            (Passed::OfRecord(begin), _) => {
                let message =
                    "members of a record after the array of a container: its elements were taken, these are not";
                let members = reader.text().get(begin..reader.at - 1).unwrap_or_default().trim_ascii();
                let line = view.lines.line(view.base + begin);
                self.reject(Rejection::new(Code::NotCloudtrail, message), members.as_bytes(), line, sink);
                self.frames.pop();
            }
            (Passed::End, _) => _ = self.frames.pop(),
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, in_object: bool, view: &mut View<'_, '_>, start: usize) {
        let line = view.lines.line(view.base + start);
        self.frames.push(Frame { in_object, state: State::First, line, broken: false });
    }

    fn close_array(&mut self) {
        match self.frames.last_mut() {
            Some(frame) if frame.in_object => frame.state = State::Members,
            _ => _ = self.frames.pop(),
        }
    }

    fn mark_element(&mut self) {
        if let Some(frame) = self.frames.last_mut()
            && frame.state == State::First
        {
            frame.state = State::After;
        }
    }

    /// Rejects the smallest piece around an error and says where to go on.
    fn isolate(&mut self, view: &mut View<'_, '_>, spoil: Spoil, sink: &mut impl Sink) -> Stop {
        let Spoil { start, piece, error, at: error_at } = spoil;
        let window = view.window;
        let Some(&first) = window.get(piece) else {
            // Nothing came after a separator: the end of the input says what is broken off.
            return Stop::At(piece);
        };
        let state = self.frames.last().map(|frame| frame.state);
        let broken_off = matches!(state, Some(State::After | State::Members)) && start == piece;
        if broken_off && first == b'{' {
            return self.go_on_without_comma(piece, view, sink);
        }
        let end = match state {
            // A comma too many costs nothing but itself, and is said once.
            None if first == b',' => {
                if !std::mem::replace(&mut self.comma_reported, true) {
                    self.reject(Rejection::of_json(Error { at: 0, ..error }), b",", view.lines.line(piece), sink);
                }
                return Stop::At(piece + 1);
            }
            Some(State::After) if !broken_off && first == b']' => {
                let comma = Rejection::of_json(Error { kind: ErrorKind::Invalid, at: 0 });
                self.reject(comma, b",", view.lines.line(start), sink);
                return Stop::At(piece);
            }
            Some(_) if broken_off => match next_record(window, piece, window.len()) {
                Some(next) => {
                    let rejection = Rejection::of_json(Error { at: 0, ..error });
                    self.reject(rejection, window[piece..next].trim_ascii_end(), view.lines.line(piece), sink);
                    self.reopen();
                    return Stop::At(next);
                }
                None if !view.last && window.len() - piece <= MAX_DOCUMENT => return Stop::NeedMore(piece),
                None => end_of_broken_document(window, piece, error, error_at),
            },
            Some(_) => end_of_broken_element(window, piece, error_at),
            None => end_of_broken_document(window, piece, error, error_at),
        };
        let Some(end) = end.or(view.last.then_some(window.len())) else {
            return self.more_or_too_large(view, start, piece);
        };
        let bytes = window[piece..end].trim_ascii_end();
        let rejection = if broken_off {
            let opened = self.frames[0].line;
            self.frames.clear();
            Rejection::new(Code::Truncated, format!("the container that begins at line {opened} is broken off here"))
        } else if error.kind != ErrorKind::TooDeep && std::str::from_utf8(bytes).is_err() {
            Rejection::new(Code::InvalidUtf8, "not UTF-8")
        } else if error.kind == ErrorKind::Invalid && error_at >= piece + bytes.len() {
            // What spoiled it came after the piece: the piece itself ends too early.
            Rejection::of_json(Error { kind: ErrorKind::Truncated, ..error })
        } else {
            Rejection::of_json(Error { at: error_at.saturating_sub(piece), ..error })
        };
        self.mark_element();
        self.reject(rejection, bytes, view.lines.line(piece), sink);
        if view.last && end == window.len() {
            // The input ends inside this piece: that says it all about the containers around it.
            self.frames.clear();
        }
        Stop::At(end)
    }

    /// A container that lacks a comma before an object: said once, and the object is taken as the next element.
    fn go_on_without_comma(&mut self, piece: usize, view: &mut View<'_, '_>, sink: &mut impl Sink) -> Stop {
        self.reopen();
        let Some(frame) = self.frames.last_mut() else { return Stop::At(piece) };
        frame.state = State::First;
        if !std::mem::replace(&mut frame.broken, true) {
            let message = format!("a comma is missing in the container that begins at line {}", frame.line);
            self.reject(Rejection::new(Code::InvalidJson, message), b"", view.lines.line(piece), sink);
        }
        Stop::At(piece)
    }

    /// What comes next is an element of the container, even where its array seemed to have ended.
    fn reopen(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.state = State::After;
        }
    }

    fn reject(&self, rejection: Rejection, bytes: &[u8], line: u64, sink: &mut impl Sink) {
        let piece =
            Piece { bytes, total: bytes.len() as u64, origin: self.message.origin(line), day: self.message.day };
        sink.rejected(rejection, piece);
    }

    /// How a piece that is too large is passed.
    fn until(&self, first: u8) -> Until {
        if self.frames.is_empty() && !matches!(first, b'{' | b'[' | b'"') {
            Until::LineBreak
        } else {
            Until::Closed(Boundary::default())
        }
    }

    fn skip_from(&mut self, rejection: Rejection, until: Until, line: u64) {
        self.skipping = Some(Skipping { rejection, until, kept: Vec::new(), total: 0, line });
    }

    /// Passes as much as belongs to the piece that is skipped.
    fn skip(&mut self, window: &[u8], at: usize, last: bool, sink: &mut impl Sink) -> usize {
        let Some(mut skipping) = self.skipping.take() else { return at };
        let rest = &window[at..];
        let end = match &mut skipping.until {
            Until::End => None,
            Until::LineBreak => memchr(b'\n', rest),
            Until::Closed(boundary) => {
                // A line that begins a document of its own ends what was broken off before it.
                let next = if self.frames.is_empty() { next_document_line(rest) } else { None };
                match boundary.feed(&rest[..next.unwrap_or(rest.len())]) {
                    Found::End(end) | Found::BrokenOff(end) => Some(end),
                    Found::More => next,
                }
            }
        };
        let passed = end.unwrap_or(rest.len());
        let keep = (MAX_PAYLOAD.saturating_sub(skipping.kept.len())).min(passed);
        skipping.kept.extend_from_slice(&rest[..keep]);
        skipping.total += passed as u64;
        if end.is_some() || last {
            self.reject_skipped(skipping, sink);
        } else {
            self.skipping = Some(skipping);
        }
        at + passed
    }

    fn reject_skipped(&self, mut skipping: Skipping, sink: &mut impl Sink) {
        if skipping.rejection.code == Code::InvalidUtf8 && std::str::from_utf8(&skipping.kept).is_ok() {
            skipping.rejection = Rejection::new(Code::InvalidJson, "not JSON");
        }
        let piece = Piece {
            bytes: &skipping.kept,
            total: skipping.total,
            origin: self.message.origin(skipping.line),
            day: self.message.day,
        };
        sink.rejected(skipping.rejection, piece);
    }

    /// The input has ended: whatever is still open is broken off.
    fn end(&mut self, lines: &mut Lines<'_>, sink: &mut impl Sink) {
        if let Some(skipping) = self.skipping.take() {
            self.reject_skipped(skipping, sink);
            self.frames.clear();
        }
        let reported = self.frames.iter().any(|frame| frame.broken);
        if let Some(opened) = self.frames.first().map(|frame| frame.line).filter(|_| !reported) {
            let line = lines.line(lines.window.len());
            let message = format!("the input ends inside the container that begins at line {opened}");
            self.reject(Rejection::new(Code::Truncated, message), b"", line, sink);
        }
        self.frames.clear();
    }

    /// Reads the last window of an input that cannot be read any further: what is whole in it is taken, what is left of
    /// it is rejected with the reason.
    pub fn fail(&mut self, rejection: Rejection, window: &[u8], sink: &mut impl Sink) {
        let mut at = self.begin(window);
        at += self.advance(&window[at..], false, sink);
        let mut piece = window[at..].trim_ascii();
        if !self.frames.is_empty() {
            piece = piece.strip_prefix(b",").unwrap_or(piece).trim_ascii_start();
        }
        self.frames.clear();
        match self.skipping.take() {
            Some(skipping) => self.reject_skipped(Skipping { rejection, ..skipping }, sink),
            None => self.reject(rejection, piece, self.lines + 1, sink),
        }
    }
}

/// Line numbers of places in a window, counted forward only.
pub(super) struct Lines<'a> {
    window: &'a [u8],
    at: usize,
    lines: u64,
}

impl Lines<'_> {
    /// Line breaks before a place.
    fn before(&mut self, place: usize) -> u64 {
        if place > self.at {
            self.lines += memchr_iter(b'\n', &self.window[self.at..place]).count() as u64;
            self.at = place;
        }
        self.lines
    }

    /// Line of a place, from 1.
    pub(super) fn line(&mut self, place: usize) -> u64 {
        self.before(place) + 1
    }
}

/// A stretch of a window that is valid text.
struct Stretch<'w> {
    start: usize,
    text: &'w str,
    /// Whether bytes that are not UTF-8 end it. A character cut by the window's end does not, while more is to come.
    spoiled: bool,
}

impl<'w> Stretch<'w> {
    fn at(window: &'w [u8], start: usize, last: bool) -> Self {
        match std::str::from_utf8(&window[start..]) {
            Ok(text) => Stretch { start, text, spoiled: false },
            Err(error) => {
                let valid = &window[start..start + error.valid_up_to()];
                let text = std::str::from_utf8(valid).unwrap_or_default();
                Stretch { start, text, spoiled: last || error.error_len().is_some() }
            }
        }
    }
}
