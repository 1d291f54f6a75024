//! Any bytes: the readers take them if and only if they are JSON by RFC 8259 as it is printed and by serde_json's RawValue, within
//! the limit of depth, which RawValue does not have.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use serde_json::value::RawValue;
use trailsink_fuzz::edits::edit;
use trailsink_fuzz::grammar::{Verdict, json_text};
use trailsink_fuzz::json::{Boundary, Found, Reader, Tree, minify, unescape};
use trailsink_fuzz::{reference, verdict};

fuzz_target!(|data: &[u8]| {
    let expected = json_text(data);
    if expected != Verdict::TooDeep {
        let taken = serde_json::from_slice::<&RawValue>(data).is_ok();
        assert_eq!(taken, expected == Verdict::Taken, "serde_json");
    }
    let Ok(text) = std::str::from_utf8(data) else {
        assert_ne!(expected, Verdict::Taken, "the grammar takes what is no UTF-8");
        return;
    };
    let mut reader = Reader::new(text, 0);
    let skipped = reader.skip(0).map(|()| reader.at);
    assert_eq!(verdict(text, skipped), expected, "json::Reader");
    assert_eq!(verdict(text, Tree::parse(text).map(|_| text.len())), expected, "json::Tree");
    if expected == Verdict::Taken {
        check_json(text.trim_matches([' ', '\t', '\n', '\r']));
    }
});

/// What else is known of a text that is JSON, without whitespace around it.
fn check_json(text: &str) {
    let mut minified = String::new();
    minify(text, &mut minified);
    assert_eq!(minified, reference::compact(text).unwrap(), "minify");
    if text.starts_with(['{', '[', '"']) {
        assert_eq!(Boundary::default().feed(text.as_bytes()), Found::End(text.len()), "Boundary");
    }
    if let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let mut out = String::new();
        let undone = unescape(inside, &mut out).then_some(out);
        // A string with a lone surrogate is no text for either.
        assert_eq!(undone, serde_json::from_str::<String>(text).ok(), "unescape");
    }
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 2 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let edited = edit(&data[..size], seed);
    let size = edited.len().min(max_size);
    data[..size].copy_from_slice(&edited[..size]);
    size
});
