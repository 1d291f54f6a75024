//! Where damage ends: the smallest piece of a text that has to go so that its neighbours stay.

use crate::json::{Boundary, Error, ErrorKind, Found};
use memchr::{memchr, memchr_iter, memmem};

/// How many bytes are looked at to tell a text from something else.
pub const SNIFF: usize = 8192;

/// UTF-16, or mostly NUL and bytes that are not UTF-8. A few stray bytes cost their line only.
pub fn is_binary(window: &[u8]) -> bool {
    let head = &window[..window.len().min(SNIFF)];
    let wide = |first: usize| head.len() > 8 && head[first..8].iter().step_by(2).all(|byte| *byte == 0);
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || wide(0) || wide(1) {
        return true;
    }
    let odd: usize = head.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let odd = odd + memchr_iter(0, head).count();
    let json = head.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    !json && odd * 8 > head.len()
}

/// The line break before a line that begins an object, where no value can go on over it.
pub fn next_document_line(bytes: &[u8]) -> Option<usize> {
    let goes_on = |at: &usize| {
        bytes[..*at].trim_ascii_end().ends_with(b",")
            || bytes[..*at].trim_ascii_end().ends_with(b":")
            || bytes[..*at].trim_ascii_end().ends_with(b"[")
    };
    memmem::find_iter(bytes, b"\n{").find(|at| !goes_on(at))
}

/// The line break before a line that begins and ends like an object.
fn next_whole_line(bytes: &[u8]) -> Option<usize> {
    let is_whole = |at: &usize| {
        let line = &bytes[at + 1..];
        let end = memchr(b'\n', line).unwrap_or(line.len());
        line[..end].trim_ascii_end().ends_with(b"}")
    };
    memmem::find_iter(bytes, b"\n{").find(is_whole)
}

/// End of a broken document at the top.
///
/// In a log of lines it is the end of its line. A line that leaves something open (pretty-printed JSON) goes on to the
/// end of the value by its brackets, but never over a line that begins a document of its own.
pub fn end_of_broken_document(window: &[u8], start: usize, error: Error, error_at: usize) -> Option<usize> {
    let line_end = memchr(b'\n', &window[start..]).map(|at| start + at);
    // Brackets alone tell the end of what is too deep, but never over a line that is an object of its own: a line that is
    // broken off can be too deep together with those after it.
    if error.kind == ErrorKind::TooDeep {
        let next = next_whole_line(&window[start..]).map(|at| start + at);
        return match Boundary::default().feed(&window[start..next.unwrap_or(window.len())]) {
            Found::End(end) => Some(start + end),
            Found::BrokenOff(_) => line_end,
            Found::More => next,
        };
    }
    let line_end = line_end?;
    let line = window[start..line_end].trim_ascii_end();
    let leaves_open = matches!(line.last(), Some(b'{' | b'[' | b',' | b':'));
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

/// End of a broken element of a container: by its brackets, or before the next record if one seems to begin after the
/// error: then its brackets do not add up. Looked for step by step, so that it costs no more than the piece is long.
pub fn end_of_broken_element(window: &[u8], start: usize, error_at: usize) -> Option<usize> {
    const STEP: usize = 4096;
    let mut boundary = Some(Boundary::default());
    let mut at = start;
    while at < window.len() {
        let step_end = (at + STEP).min(window.len());
        let found = boundary.as_mut().map_or(Found::More, |boundary| boundary.feed(&window[at..step_end]));
        let end = match found {
            Found::End(end) => Some(at + end),
            Found::BrokenOff(_) => {
                boundary = None;
                None
            }
            Found::More => None,
        };
        // A marker may lie across the step's beginning, and across the error: a quote too few shows in the next record's.
        let from = at.max(error_at).saturating_sub(64).max(start + 1);
        if let Some(next) = next_record(window, from, end.unwrap_or(step_end)) {
            return Some(next);
        }
        if end.is_some() {
            return end;
        }
        at = step_end;
    }
    None
}

/// The comma before what seems to be the next record: CloudTrail's begin with their eventVersion and stand behind a comma.
pub fn next_record(window: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = memmem::find(window.get(at..to)?, b"\"eventVersion\"") {
        let before = window[from..at + found].trim_ascii_end();
        if let Some(comma) =
            before.strip_suffix(b"{").map(<[u8]>::trim_ascii_end).filter(|before| before.ends_with(b","))
        {
            return Some(from + comma.len() - 1);
        }
        at += found + 1;
    }
    None
}
