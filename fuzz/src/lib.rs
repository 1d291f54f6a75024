//! The way from bytes to rows, and what it is held to, without the rest of the program.
//!
//! The modules are taken as files, not as the crate `trailsink`: that brings the AWS SDK and everything else along, which nothing
//! here runs and which takes most of the time of a build. Imports go down only (`tests/it/architecture.rs`), so this is a
//! closed set.

extern crate self as trailsink;

#[path = "../../src/columns.rs"]
pub mod columns;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/extract/mod.rs"]
pub mod extract;
#[path = "../../src/filling.rs"]
pub mod filling;
#[path = "../../src/json/mod.rs"]
pub mod json;
#[path = "../../src/packed.rs"]
pub mod packed;
#[path = "../../src/partition.rs"]
pub mod partition;
#[path = "../../src/payload/mod.rs"]
pub mod payload;
#[path = "../../src/rejected.rs"]
pub mod rejected;
#[path = "../../src/restore.rs"]
pub mod restore;
#[path = "../../src/schema.rs"]
pub mod schema;
#[path = "../../src/time.rs"]
pub mod time;

/// Reads payloads, and gives rows as plain values.
#[path = "../../tests/it/engine.rs"]
pub mod engine;
/// RFC 8259 as it is printed.
#[path = "../../tests/it/rfc8259/grammar.rs"]
pub mod grammar;
/// The slow reading of a record that the engine is compared with.
#[path = "../../tests/it/reference/mod.rs"]
pub mod reference;

/// Changes of texts that keep most of them JSON.
pub mod edits;

use grammar::Verdict;
use json::{Error, ErrorKind};

/// What a reader says of a text, in the words of the grammar. "Broken off" must be said of the end of the text, where more of it may
/// come, and of nothing else.
pub fn verdict(text: &str, read: Result<usize, Error>) -> Verdict {
    match read {
        Ok(end) if text[end..].trim_matches([' ', '\t', '\n', '\r']).is_empty() => Verdict::Taken,
        Ok(_) => Verdict::Refused,
        Err(Error { kind: ErrorKind::TooDeep, .. }) => Verdict::TooDeep,
        Err(Error { kind, at }) => {
            let at_the_end = at >= text.len();
            assert_eq!(kind == ErrorKind::Truncated, at_the_end, "{kind:?} at byte {at}");
            if at_the_end { Verdict::BrokenOff } else { Verdict::Refused }
        }
    }
}
