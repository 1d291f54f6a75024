//! The JSON readers on the path take exactly RFC 8259 in valid UTF-8, within the limits: texts derived from each production,
//! texts that just miss it, and everything one byte away from some; each by itself and wherever in a record the extraction treats
//! it in another way.
//!
//! What is JSON is said three times, by people who did not speak to each other: by the tables of `cases`, by the slow `grammar`,
//! and by serde_json's RawValue.

mod cases;
pub mod grammar;

use crate::engine::read;
use crate::reference;
use cases::{NOT_UTF8, Production, TOKENS};
use grammar::{MAX_DEPTH, Verdict, first_text, json_text};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::value::RawValue;
use std::cell::{Cell, RefCell};
use trailsink::columns::COLUMNS;
use trailsink::extract::Rows;
use trailsink::json::{Error, ErrorKind, Reader, Tree};

/// A text for a person.
fn shown(text: &[u8]) -> String {
    text.escape_ascii().to_string()
}

// ---- A text by itself ---------------------------------------------------------------------------

/// What a reader says; and it must say "broken off" of the end of the text, where more of it may come, and of nothing else.
fn verdict(text: &str, result: Result<usize, Error>) -> Verdict {
    match result {
        Ok(end) if text[end..].trim_matches([' ', '\t', '\n', '\r']).is_empty() => Verdict::Taken,
        Ok(_) => Verdict::Refused,
        Err(Error { kind: ErrorKind::TooDeep, .. }) => Verdict::TooDeep,
        Err(Error { kind, at }) => {
            let at_the_end = at >= text.len();
            assert_eq!(kind == ErrorKind::Truncated, at_the_end, "{kind:?} at byte {at} of {}", shown(text.as_bytes()));
            if at_the_end { Verdict::BrokenOff } else { Verdict::Refused }
        }
    }
}

/// Holds the readers of a text by itself, and serde_json, to what the grammar says of it; gives that.
fn check_alone(text: &[u8]) -> Verdict {
    let expected = json_text(text);
    // Of RawValue it is known that it has no limit of depth, and nothing else: as here, it takes lone surrogates and numbers of
    // any length, which serde_json's other types do not.
    if expected != Verdict::TooDeep {
        let taken = serde_json::from_slice::<&RawValue>(text).is_ok();
        assert_eq!(taken, expected == Verdict::Taken, "serde_json: {}", shown(text));
    }
    // What is no UTF-8 never gets to a reader.
    let Ok(text) = std::str::from_utf8(text) else {
        assert_ne!(expected, Verdict::Taken, "{}", shown(text));
        return expected;
    };
    let mut reader = Reader::new(text, 0);
    let skipped = reader.skip(0).map(|()| reader.at);
    assert_eq!(verdict(text, skipped), expected, "json::Reader: {}", shown(text.as_bytes()));
    let tree = Tree::parse(text).map(|_| text.len());
    assert_eq!(verdict(text, tree), expected, "json::Tree: {}", shown(text.as_bytes()));
    expected
}

#[test]
fn each_production_by_itself() {
    for Production { name, taken, broken_off, refused } in cases::all() {
        println!("{name}: {} taken, {} broken off, {} refused", taken.len(), broken_off.len(), refused.len());
        for (texts, expected) in
            [(taken, Verdict::Taken), (broken_off, Verdict::BrokenOff), (refused, Verdict::Refused)]
        {
            for text in texts {
                assert_eq!(check_alone(&text), expected, "{name}: {}", shown(&text));
            }
        }
    }
}

// ---- A text somewhere in a record ---------------------------------------------------------------

/// Places of a record where a value stands as `@`; `%` is an eventTime.
const PLACES: &[&str] = &[
    // Text columns: at the top, first, within known objects.
    r#"{%,"eventName":@}"#,
    r#"{"eventName":@,%}"#,
    r#"{%,"userIdentity":{"type":@}}"#,
    r#"{%,"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":@}}}}"#,
    r#"{%,"tlsDetails":{"tlsVersion":@},"eventID":"1"}"#,
    // Columns of other kinds.
    r#"{%,"readOnly":@}"#,
    r#"{%,"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":@}}}}"#,
    r#"{%,"userIdentity":{"sessionContext":{"attributes":{"creationDate":@}}}}"#,
    // Columns of json: whole, below, deeper.
    r#"{%,"requestParameters":@}"#,
    r#"{"requestParameters":@,%}"#,
    r#"{%,"userIdentity":{"inScopeOf":@}}"#,
    r#"{%,"responseElements":{"a":@}}"#,
    r#"{%,"serviceEventDetails":{"a":[0,{"b":@,"c":1}]}}"#,
    r#"{%,"additionalEventData":[@]}"#,
    // What is copied from them.
    r#"{%,"eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":@}}"#,
    r#"{%,"eventSource":"s3.amazonaws.com","additionalEventData":{"bytesTransferredIn":@}}"#,
    r#"{%,"eventSource":"s3.amazonaws.com","responseElements":{"X-Amz-Version-Id":@}}"#,
    r#"{%,"responseElements":{"credentials":{"accessKeyId":@}}}"#,
    // What is searched for in them.
    r#"{%,"eventSource":"ec2.amazonaws.com","requestParameters":{"instancesSet":{"items":[{"instanceId":@}]}}}"#,
    r#"{"responseElements":{"instanceState":{"name":@}},"eventSource":"ec2.amazonaws.com",%}"#,
    r#"{%,"eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"ipPermissions":{"items":[{"ipProtocol":@,"cidrIp":"0.0.0.0/0"}]}}}"#,
    r#"{%,"eventSource":"ec2.amazonaws.com","requestParameters":{"launchPermission":{"add":{"items":[{"userId":@}]}}}}"#,
    // The resources, one of them, a member of one.
    r#"{%,"resources":@}"#,
    r#"{%,"resources":[@]}"#,
    r#"{%,"resources":[{"ARN":@,"accountId":"1"}]}"#,
    r#"{%,"resources":[{"ARN":"x"},{"new":@}]}"#,
    // Members that no one knows.
    r#"{%,"future":@}"#,
    r#"{%,"userIdentity":{"future":@}}"#,
    r#"{%,"future":{"a":[{"b":@}]}}"#,
    // In place of objects that are known.
    r#"{%,"userIdentity":@}"#,
    r#"{%,"userIdentity":{"sessionContext":@}}"#,
    r#"{%,"tlsDetails":@}"#,
    // What counts for nothing, because its name comes again, and what comes after that.
    r#"{%,"eventName":@,"eventName":"x"}"#,
    r#"{%,"future":@,"future":1}"#,
    r#"{%,"userIdentity":@,"userIdentity":{"type":"x"}}"#,
    r#"{%,"requestParameters":{"a":@,"a":1}}"#,
    r#"{%,"a":1,"a":2,"eventName":@}"#,
    // EventBridge events: in the record, before and after it.
    r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{%,"eventName":@}}"#,
    r#"{"version":"0","id":@,"detail-type":"AWS API Call via CloudTrail","detail":{%}}"#,
    r#"{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{%},"resources":@}"#,
];

/// Places where a member's name stands.
const NAME_PLACES: &[&str] = &[
    r#"{%,@:1}"#,
    r#"{@:1,%}"#,
    r#"{%,"userIdentity":{@:"x"}}"#,
    r#"{%,"userIdentity":{"type":"x",@:{}}}"#,
    r#"{%,"tlsDetails":{@ : 1}}"#,
    r#"{%,"requestParameters":{@:1}}"#,
    r#"{%,"requestParameters":{"x":[{"y":1,@:1}]}}"#,
    r#"{%,"future":{@:[]}}"#,
    r#"{%,"resources":[{@:1}]}"#,
    r#"{%,"eventSource":"ec2.amazonaws.com","requestParameters":{@:"i-01234567"}}"#,
    r#"{%,@:1,@:2}"#,
    r#"{%,"requestParameters":{@:1,"y":2,@:3}}"#,
    r#"{"version":"0",@:1,"detail-type":"AWS API Call via CloudTrail","detail":{%}}"#,
];

const TIME: &str = r#""eventTime":"2026-10-04T09:01:05Z""#;

/// A place with a text in it.
fn put(place: &str, text: &[u8]) -> Vec<u8> {
    let place = place.replace('%', TIME);
    place.split('@').map(str::as_bytes).collect::<Vec<_>>().join(text)
}

/// The code under which a line is rejected that is no JSON text.
fn code(line: &[u8], verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TooDeep => "too_deep",
        _ if std::str::from_utf8(line).is_err() => "invalid_utf8",
        Verdict::BrokenOff => "truncated",
        _ => "invalid_json",
    }
}

/// Records and what is none, line by line: given to the engine together, so that it has read others before and goes on after
/// what is broken.
#[derive(Default)]
struct Lines {
    payload: Vec<u8>,
    /// JSON texts, of which each must become a row.
    taken: Vec<Vec<u8>>,
    /// What must be rejected, and why.
    rejected: Vec<(String, String)>,
    checked: usize,
}

impl Lines {
    /// Adds an object, or what is none any more.
    fn add(&mut self, line: Vec<u8>) {
        self.checked += 1;
        let verdict = json_text(&line);
        let ends_early = verdict == Verdict::Refused && first_text(&line).is_ok();
        if verdict == Verdict::Taken {
            self.taken.push(line.clone());
        } else if ends_early || line.contains(&b'\n') {
            // Several pieces: a document and what follows it, or the lines of what is none.
            let collected = read(&line);
            assert!(!collected.rejected.is_empty(), "{}: nothing is rejected", shown(&line));
            assert!(ends_early || collected.found.is_empty(), "{}: a row", shown(&line));
            return;
        } else {
            self.rejected.push((code(&line, verdict).to_owned(), shown(&line)));
        }
        self.payload.extend(line);
        self.payload.push(b'\n');
        if self.payload.len() > 200_000 {
            self.check();
        }
    }

    /// Checks what was added since the last time.
    fn check(&mut self) {
        let (taken, rejected) = (std::mem::take(&mut self.taken), std::mem::take(&mut self.rejected));
        let collected = read(&std::mem::take(&mut self.payload));
        let codes = collected.codes();
        let found = collected.rejected.iter().map(|(_, piece)| shown(piece));
        let found: Vec<(String, String)> = codes.into_iter().zip(found).collect();
        if let Some((found, expected)) = found.iter().zip(&rejected).find(|(found, expected)| found != expected) {
            panic!("rejected {found:?} instead of {expected:?}");
        }
        let restored: Vec<&str> = collected.found.iter().map(|found| found.restored.as_str()).collect();
        for (restored, taken) in restored.iter().zip(&taken) {
            let record = record(std::str::from_utf8(taken).unwrap());
            assert!(reference::same(restored, record), "{record} restored to {restored}");
        }
        assert_eq!((found.len(), restored.len()), (rejected.len(), taken.len()), "rejected, rows");
    }
}

/// The record of a text that is one or an event with one in it.
fn record(text: &str) -> &str {
    match text.strip_prefix("{\"version\"").and_then(|event| event.split_once("\"detail\":")) {
        Some((_, detail)) => {
            serde_json::Deserializer::from_str(detail).into_iter::<&RawValue>().next().unwrap().unwrap().get()
        }
        None => text,
    }
}

#[test]
fn each_production_at_every_place_of_a_record() {
    let mut lines = Lines::default();
    for Production { taken, broken_off, refused, .. } in cases::all() {
        for text in taken.iter().chain(&broken_off).chain(&refused) {
            PLACES.iter().for_each(|place| lines.add(put(place, text)));
        }
    }
    lines.check();
    println!("{} records", lines.checked);
}

#[test]
fn each_string_as_a_name() {
    let mut lines = Lines::default();
    for Production { taken, broken_off, refused, .. } in cases::all() {
        let texts = taken.iter().chain(&broken_off).chain(&refused);
        for text in texts.filter(|text| text.starts_with(b"\"")) {
            NAME_PLACES.iter().for_each(|place| lines.add(put(place, text)));
        }
    }
    lines.check();
    println!("{} records", lines.checked);
}

/// The time of a record is a value like any other, but that there must be one.
#[test]
fn each_production_as_the_time() {
    for Production { taken, broken_off, refused, .. } in cases::all() {
        for text in taken.iter().chain(&broken_off).chain(&refused).filter(|text| !text.contains(&b'\n')) {
            let line = put(r#"{"eventVersion":"1","eventTime":@,"eventName":"x"}"#, text);
            let expected = match json_text(&line) {
                Verdict::Taken if text == b"null" => "missing_event_time",
                Verdict::Taken => "invalid_event_time",
                _ if first_text(&line).is_ok() => continue,
                verdict => code(&line, verdict),
            };
            assert_eq!(read(&line).codes(), [expected], "{}", shown(&line));
        }
    }
}

// ---- Everything one byte away -------------------------------------------------------------------

/// What the extraction says of a text that should be one object.
fn check_extraction(rows: &mut Rows, text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    if !text.starts_with('{') {
        return;
    }
    let found = verdict(text, rows.read(text, 0));
    assert_eq!(found, json_text(text.as_bytes()), "extraction: {text}");
}

/// Calls `each` for every text that is one byte longer, shorter or other, or is broken off.
fn one_byte_away(text: &[u8], mut each: impl FnMut(&[u8])) {
    for at in 0..=text.len() {
        each(&text[..at]);
        let (before, after) = text.split_at(at);
        for byte in 0..=u8::MAX {
            each(&[before, &[byte], after].concat());
            if let Some((_, after)) = after.split_first() {
                each(&[before, &[byte], after].concat());
            }
        }
        if let Some((_, after)) = after.split_first() {
            each(&[before, after].concat());
        }
    }
}

#[test]
fn one_byte_more_less_or_other() {
    let structure = TOKENS.concat();
    let mut rows = Rows::new();
    let (mut taken, mut all) = (0, 0);
    for (text, places) in [
        (structure.as_str(), &[r#"{%,"requestParameters":@}"#, r#"{%,"resources":@}"#, r#"{%,"future":@}"#][..]),
        ("-120.50e+07", &[r#"{%,"eventName":@}"#, r#"{%,"readOnly":@}"#, r#"{%,"requestParameters":[@]}"#]),
        ("false", &[r#"{%,"eventName":@}"#, r#"{%,"readOnly":@}"#, r#"{%,"requestParameters":{"a":@}}"#]),
        ("null", &[r#"{%,"eventName":@}"#, r#"{%,"readOnly":@}"#, r#"{%,"requestParameters":{"a":@}}"#]),
        (
            "\"a\\n\\u00e9\\ud83d\\ude00\u{e9}\u{20ac}\u{1f600}z\"",
            &[r#"{%,"eventName":@}"#, r#"{%,"userIdentity":{@:1}}"#, r#"{%,"requestParameters":{@:@}}"#],
        ),
    ] {
        one_byte_away(text.as_bytes(), |text| {
            all += 1;
            taken += usize::from(check_alone(text) == Verdict::Taken);
            places.iter().for_each(|place| check_extraction(&mut rows, &put(place, text)));
        });
    }
    println!("{all} texts, {taken} of them JSON");
    assert!(all > 45_000 && taken > 3500, "{all} {taken}");
}

/// Every name that columns stand for, so that each child of each known object is met in a spelling that is nearly its own.
#[test]
fn every_known_name_one_byte_away() {
    let mut rows = Rows::new();
    let mut lines = Lines::default();
    for path in COLUMNS.iter().filter_map(|column| column.member()) {
        let mut names: Vec<&str> = path.split('.').collect();
        let name = names.pop().unwrap();
        let open: String = names.iter().map(|name| format!("\"{name}\":{{")).collect();
        let close = "}".repeat(names.len() + 1);
        let member = format!("\"{name}\":1");
        let record = |member: &[u8]| [b"{\"eventID\":\"1\",", open.as_bytes(), member, close.as_bytes()].concat();
        for at in 0..=member.len() {
            let (before, after) = member.as_bytes().split_at(at);
            for byte in [b'"', b'\\', b' ', b':', b'x', b'_', b',', b'}', 0, 0x1f] {
                check_extraction(&mut rows, &record(&[before, &[byte], after].concat()));
                if let Some((_, after)) = after.split_first() {
                    check_extraction(&mut rows, &record(&[before, &[byte], after].concat()));
                    check_extraction(&mut rows, &record(&[before, after].concat()));
                }
            }
        }
        // The text ends after each byte of it, and so do the wide reads of a name that lies at its end.
        let whole = record(member.as_bytes());
        (0..whole.len()).for_each(|end| check_extraction(&mut rows, &whole[..end]));
        if path == "eventTime" {
            continue;
        }
        let (first, rest) = name.split_at(1);
        for spelled in [
            format!("\"\\u{:04x}{rest}\"", name.as_bytes()[0]),
            format!("\"{name}\" "),
            format!("\"{name}\"\t\r"),
            format!("\"{name}x\""),
            format!("\"{rest}\""),
            format!("\"{}\"", name.to_uppercase()),
            format!("\"{first}\\u0000{rest}\""),
            format!("\"{name}\":2,\"{name}\""),
            format!("\"{name}\":2,\"\\u{:04X}{rest}\"", name.as_bytes()[0]),
        ] {
            lines.add(
                [b"{", TIME.as_bytes(), b",", open.as_bytes(), spelled.as_bytes(), b":\"x\"", close.as_bytes()]
                    .concat(),
            );
        }
    }
}

// ---- Every length -------------------------------------------------------------------------------

/// Wide reads are 16, 32 or 64 bytes long: strings of up to 70, with something at each of their bytes, and the end of the text
/// right behind or a while after.
#[test]
fn strings_of_every_length_with_something_at_each_byte() {
    #[rustfmt::skip]
    let somethings: [&[u8]; 14] = [
        b"", b"\\n", b"\\\\", b"\\\"", b"\\u00e9", "\u{e9}".as_bytes(), "\u{1f600}".as_bytes(), b"\x7f",
        b"\"", b"\\", b"\\x", b"\x1f", b"\0", b"\\u12",
    ];
    let places = [
        r#"{%,"eventName":@}"#,
        r#"{%,"requestParameters":{"a":@}}"#,
        r#"{%,"future":@,"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/etl/etl-1","accountId":"1"}}"#,
        r#"{%,"userIdentity":{@:1}}"#,
        r#"{%,"requestParameters":{"b":{@:1,"c":2}}}"#,
    ];
    let mut rows = Rows::new();
    for length in 0..=70 {
        for at in 0..=length {
            for something in somethings {
                let text = [b"\"", &[b'x'; 70][..at], something, &[b'y'; 70][at..length], b"\""].concat();
                check_alone(&text);
                check_alone(&text[..text.len() - 1]);
                places.iter().for_each(|place| check_extraction(&mut rows, &put(place, &text)));
            }
        }
    }
}

/// Bytes that are no UTF-8 at each byte of a string: they cost its record and nothing else.
#[test]
fn strings_of_every_length_with_what_is_no_utf8_at_each_byte() {
    let mut lines = Lines::default();
    for length in (0..=70).step_by(5) {
        for at in 0..=length {
            for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x98"] {
                let text = [b"\"", &[b'x'; 70][..at], bytes, &[b'y'; 70][at..length], b"\""].concat();
                lines.add(put(r#"{%,"eventName":@}"#, &text));
                lines.add(put(r#"{%,"requestParameters":{@:@}}"#, &text));
            }
        }
    }
    lines.check();
}

/// The oracle is right about UTF-8, too: by the standard library, every pair of bytes, and every class of longer sequences.
#[test]
fn the_grammar_knows_utf8() {
    let edges = [0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff];
    let check = |bytes: &[u8]| {
        let text = [b"\"", bytes, b"\""].concat();
        let plain = bytes.iter().all(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\'));
        let expected = plain && std::str::from_utf8(bytes).is_ok();
        assert_eq!(json_text(&text) == Verdict::Taken, expected, "{}", shown(bytes));
    };
    for first in 0..=u8::MAX {
        (0..=u8::MAX).filter(|second| first != b'\\' && *second != b'\\').for_each(|second| check(&[first, second]));
        for second in edges.into_iter().filter(|_| first != b'\\') {
            for third in edges {
                check(&[first, second, third]);
                edges.into_iter().for_each(|fourth| check(&[first, second, third, fourth]));
            }
        }
    }
    NOT_UTF8.iter().for_each(|bytes| assert!(std::str::from_utf8(bytes).is_err(), "{}", shown(bytes)));
}

// ---- Limits -------------------------------------------------------------------------------------

#[test]
fn nesting_of_128_levels_is_taken_and_129_are_too_deep() {
    let mut lines = Lines::default();
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]"), ("{\"items\":[", "]}")] {
        let wide = open.matches(['[', '{']).count();
        for inside in ["1", "[]", "{}", "]"] {
            for levels in (MAX_DEPTH - 8)..=(MAX_DEPTH + 2) {
                let text = format!("{}{inside}{}", open.repeat(levels / wide), close.repeat(levels / wide));
                check_alone(text.as_bytes());
                let bare = PLACES.iter().filter(|place| !place.starts_with("{\"version\""));
                bare.for_each(|place| lines.add(put(place, text.as_bytes())));
            }
        }
    }
    lines.check();
    // It is the record that counts, not what is wrapped around it.
    for (levels, codes) in [(MAX_DEPTH - 2, &[] as &[&str]), (MAX_DEPTH - 1, &[]), (MAX_DEPTH, &["too_deep"])] {
        let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for place in PLACES.iter().filter(|place| place.contains("\"detail\":{%,")) {
            assert_eq!(read(&put(place, text.as_bytes())).codes(), codes, "{levels} levels: {place}");
        }
    }
    for open in ["[", "{\"a\":", "[{\"a\":", "[1,"] {
        assert_eq!(check_alone(open.repeat(100_000).as_bytes()), Verdict::TooDeep);
    }
    // As many, but beside each other.
    assert_eq!(check_alone(format!("[{}[]]", "[[]],{},".repeat(10_000)).as_bytes()), Verdict::Taken);
}

#[test]
fn numbers_and_strings_of_any_length_are_kept() {
    let mut lines = Lines::default();
    for length in [17, 400, 5000] {
        let digits = "1234567890".repeat(length / 10 + 1);
        for text in [
            digits.clone(),
            format!("-{digits}.{digits}"),
            format!("0.{digits}e-{digits}"),
            format!("\"{digits}\""),
            format!("\"{}\"", "\\ud800".repeat(length)),
            format!("\"{}\"", "\\\\\\\"".repeat(length)),
            format!("\"{}\"", "\u{1f600}\u{e9}".repeat(length)),
        ] {
            assert_eq!(check_alone(text.as_bytes()), Verdict::Taken);
            PLACES.iter().for_each(|place| lines.add(put(place, text.as_bytes())));
        }
    }
    lines.check();
}

// ---- Generated texts and what is made of them ---------------------------------------------------

/// A change of a text.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, u8),
    Delete(Index),
    Duplicate(Index, usize),
    Truncate(Index),
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match self {
            Change::Flip(at, bit) => *at.get_mut(text) ^= 1 << bit,
            Change::Set(at, byte) => *at.get_mut(text) = *byte,
            Change::Insert(at, byte) => text.insert(at.index(text.len() + 1), *byte),
            Change::Delete(at) => _ = text.remove(at.index(text.len())),
            Change::Duplicate(at, length) => {
                let at = at.index(text.len());
                let piece = text[at..].iter().copied().take(*length).collect::<Vec<_>>();
                text.splice(at..at, piece);
            }
            Change::Truncate(at) => text.truncate(at.index(text.len())),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let telling = select(&b"{}[]\",:\\/ub0189+-.eEtfn \t\n\0\x1f\x7f\x80\xbf\xc3\xe2\xed\xf4\xff"[..]);
    let byte = prop_oneof![3 => telling, 1 => any::<u8>()].boxed();
    prop_oneof![
        3 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Set(at, byte)),
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        3 => any::<Index>().prop_map(Change::Delete),
        3 => (any::<Index>(), 1usize..5).prop_map(|(at, length)| Change::Duplicate(at, length)),
        1 => any::<Index>().prop_map(Change::Truncate),
    ]
}

/// Any JSON text, made of those of the tables.
fn json() -> impl Strategy<Value = String> {
    let short = |text: &Vec<u8>| text.len() < 40;
    let taken: Vec<_> = cases::all().into_iter().map(|production| production.taken).collect();
    let of_each = taken.into_iter().map(|texts| texts.into_iter().filter(short).collect::<Vec<_>>());
    let leaf = select(of_each.collect::<Vec<_>>()).prop_flat_map(select);
    let leaf = leaf.prop_map(|text| String::from_utf8(text).unwrap());
    let gap = select(&["", "", "", " ", "\n", "\t\r"][..]);
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let name = select(&[r#""a""#, r#""\u0061""#, r#""""#, r#""\ud800""#, "\"\u{e9}\"", r#""items""#][..]);
        let elements = prop::collection::vec(inner.clone(), 0..5);
        let members = prop::collection::vec((name, inner), 0..5);
        let array = (elements, gap.clone())
            .prop_map(|(elements, gap)| format!("[{gap}{}{gap}]", elements.join(&format!("{gap},{gap}"))));
        let object = (members, gap.clone()).prop_map(|(members, gap)| {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{gap}{name}{gap}:{gap}{value}")).collect();
            format!("{{{}{gap}}}", members.join(","))
        });
        prop_oneof![array, object]
    })
}

#[test]
fn generated_texts_and_changes_of_them() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let cases = number("PROPTEST_CASES").unwrap_or(2000) as usize;
    let rng_seed = RngSeed::Fixed(number("PROPTEST_RNG_SEED").unwrap_or(2026));
    let config = ProptestConfig { failure_persistence: None, rng_seed, ..ProptestConfig::with_cases(cases as u32) };
    let changes = prop::collection::vec(prop::collection::vec(change(), 1..4), 16);
    let (all, taken) = (Cell::new(0), Cell::new(0));
    let rows = RefCell::new(Rows::new());
    let checked = TestRunner::new(config).run(&(json(), changes, select(PLACES)), |(text, changes, place)| {
        assert_eq!(check_alone(text.as_bytes()), Verdict::Taken, "{text}");
        let mut lines = Lines::default();
        lines.add(put(place, text.as_bytes()));
        lines.check();
        for changes in changes {
            let mut text = text.clone().into_bytes();
            changes.iter().for_each(|change| change.apply(&mut text));
            all.set(all.get() + 1);
            taken.set(taken.get() + usize::from(check_alone(&text) == Verdict::Taken));
            check_extraction(&mut rows.borrow_mut(), &put(place, &text));
        }
        Ok(())
    });
    checked.unwrap();
    println!("{} changed texts, {} of them JSON", all.get(), taken.get());
    assert!(all.get() >= 16 * cases && taken.get() > cases, "{} {}", all.get(), taken.get());
}
