//! JSON as bytes in place: a reader that checks RFC 8259 while it goes, and a tree for odd corners.
//!
//! Nothing here copies or converts: a string is a place in the text, a number is its text. So numbers of any
//! length and lone surrogate escapes pass unharmed.

mod boundary;
mod reader;
mod tree;

pub use boundary::{Boundary, Found};
pub use reader::{Marks, Quoted, Reader, begins, minify, plain_until, unescape, window};
pub use tree::{Tree, canonical, decoded, write_tree};

/// Largest record that is taken, in bytes.
pub const MAX_RECORD: usize = 16 << 20;

/// Bytes of a document that is still looked at: a record and the envelope of an EventBridge event, some 400 bytes, around it.
pub const MAX_DOCUMENT: usize = MAX_RECORD + (64 << 10);

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 128;

/// Why a text is not JSON that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text ends inside a value.
    Truncated,
    /// The text breaks the grammar.
    Invalid,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// What is wrong, and where in the text (byte offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Byte offset in the text.
    pub at: usize,
}

/// Result of reading JSON.
pub type Result<T> = std::result::Result<T, Error>;
