//! Bytes -> documents: values one after the other, with or without line breaks between them, and the elements of
//! containers among them.
//!
//! Where the text is spoiled, the smallest piece that isolates the damage is rejected: an element of a container by its
//! brackets, a line by its line break, a broken document over many lines up to the next line that begins one.

use super::document::{self, Message, Place, Taken};
use super::{MAX_RECORD, Piece, Sink};
use crate::json::{Boundary, Error, ErrorKind, Found, Reader};
use crate::rejected::{Code, MAX_PAYLOAD, Rejection};
use memchr::{memchr, memchr_iter, memmem};

/// How many bytes are looked at to tell a text from something else.
const SNIFF: usize = 8192;
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
}

/// A container that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Whether it is an array within an object, whose other members follow.
    in_object: bool,
    state: State,
    /// Line it began in.
    line: u64,
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

/// What is to be done where the window's text goes no further.
enum Stop {
    /// The window is used up to here; more of the input is needed.
    NeedMore(usize),
    /// Go on here.
    At(usize),
}

impl Stream {
    /// An input that begins at a line (from 0 line breaks before it).
    pub fn from_line(lines: u64) -> Self {
        Stream { lines, ..Stream::default() }
    }

    /// The body of a message.
    pub(super) fn of_message(message: Message) -> Self {
        Stream { message, ..Stream::default() }
    }

    /// Whether what comes next is within a container or a piece being skipped, so that the input cannot be cut here.
    pub fn is_inside(&self) -> bool {
        !self.frames.is_empty() || self.skipping.is_some()
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
        let text = simdutf8::basic::from_utf8(window).ok();
        while at < window.len() {
            if self.skipping.is_some() {
                at = self.skip(window, at, last, sink);
                continue;
            }
            let (text, spoiled) = match text.and_then(|text| text.get(at..)) {
                Some(text) => (text, false),
                None => valid_stretch(&window[at..], last),
            };
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
                Some(State::Members) => self.member(&mut reader),
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
        if view.window.len() - piece <= MAX_RECORD {
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
        let may_grow = !view.spoiled && !view.last && view.window.len() - view.base - start <= MAX_RECORD;
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

    /// Passes what follows a container's array in its object: other members, or the end.
    fn member(&mut self, reader: &mut Reader<'_>) -> Result<(), (Error, usize)> {
        let start = reader.at;
        let mut ahead = reader.clone();
        let mut pass = || -> crate::json::Result<bool> {
            if !ahead.next(b'}')? {
                return Ok(true);
            }
            ahead.key()?;
            ahead.skip(1)?;
            Ok(false)
        };
        let ended = pass().map_err(|error| (error, start))?;
        reader.at = ahead.at;
        if ended {
            self.frames.pop();
        }
        Ok(())
    }

    fn open(&mut self, in_object: bool, view: &mut View<'_, '_>, start: usize) {
        let line = view.lines.line(view.base + start);
        self.frames.push(Frame { in_object, state: State::First, line });
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
        let end = match state {
            // A comma too many costs nothing but itself.
            None if first == b',' => Some(piece + 1),
            Some(State::After) if !broken_off && first == b']' => {
                let comma = Rejection::of_json(Error { kind: ErrorKind::Invalid, at: 0 });
                self.reject(comma, b",", view.lines.line(start), sink);
                return Stop::At(piece);
            }
            // Neither a comma nor the end of the container: what follows stands for itself.
            Some(_) if broken_off && first == b'{' => Some(piece),
            Some(_) if !broken_off => end_of_broken_element(window, piece),
            _ => end_of_broken_document(window, piece, error, error_at),
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
            Until::Closed(boundary) => match boundary.feed(rest) {
                Found::End(end) | Found::BrokenOff(end) => Some(end),
                Found::More => None,
            },
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
        if let Some(opened) = self.frames.first().map(|frame| frame.line) {
            self.frames.clear();
            let line = lines.line(lines.window.len());
            let message = format!("the input ends inside the container that begins at line {opened}");
            self.reject(Rejection::new(Code::Truncated, message), b"", line, sink);
        }
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
        self.skipping = None;
        self.frames.clear();
        self.reject(rejection, piece, self.lines + 1, sink);
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

/// The valid text at the beginning of a window, and whether bytes that are not UTF-8 end it. A character cut by the
/// window's end does not, while more is to come.
fn valid_stretch(window: &[u8], last: bool) -> (&str, bool) {
    match std::str::from_utf8(window) {
        Ok(text) => (text, false),
        Err(error) => {
            let text = std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default();
            (text, last || error.error_len().is_some())
        }
    }
}

/// UTF-16, or anything with NUL or without UTF-8 that does not even begin like JSON.
fn is_binary(window: &[u8]) -> bool {
    let head = &window[..window.len().min(SNIFF)];
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || head.get(1) == Some(&0) {
        return true;
    }
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    let (_, spoiled) = valid_stretch(head, head.len() == window.len());
    !json && (head.contains(&0) || spoiled)
}

/// End of a broken document at the top.
///
/// In a log of lines it is the end of its line. A line that leaves something open (pretty-printed JSON) goes on to the
/// end of the value by its brackets, but never over a line that begins a document of its own.
fn end_of_broken_document(window: &[u8], start: usize, error: Error, error_at: usize) -> Option<usize> {
    if error.kind == ErrorKind::TooDeep
        && let Found::End(end) = Boundary::default().feed(&window[start..])
    {
        return Some(start + end);
    }
    let line_end = start + memchr(b'\n', &window[start..])?;
    let leaves_open = window[start..line_end].trim_ascii_end().ends_with(b"{")
        || window[start..line_end].trim_ascii_end().ends_with(b"[")
        || window[start..line_end].trim_ascii_end().ends_with(b",");
    if error_at <= line_end || !leaves_open {
        return Some(line_end);
    }
    let mut next = line_end;
    let next_document = loop {
        if matches!(window.get(next + 1), Some(b'{' | b'[')) {
            break Some(next);
        }
        match memchr(b'\n', &window[next + 1..]) {
            Some(more) => next += 1 + more,
            None => break None,
        }
    };
    match Boundary::default().feed(&window[start..next_document.unwrap_or(window.len())]) {
        Found::End(end) => Some(start + end),
        _ => next_document,
    }
}

/// End of a broken element of a container: by its brackets, else where the next record seems to begin.
fn end_of_broken_element(window: &[u8], start: usize) -> Option<usize> {
    let rest = &window[start..];
    if let Found::End(end) = Boundary::default().feed(rest) {
        return Some(start + end);
    }
    // Its quotes or brackets do not add up. CloudTrail's records begin like this and stand behind a comma.
    let mut from = 1;
    while let Some(found) = memmem::find(&rest[from..], b"{\"eventVersion\":") {
        let before = rest[..from + found].trim_ascii_end();
        if before.ends_with(b",") {
            return Some(start + before.len() - 1);
        }
        from += found + 1;
    }
    None
}
