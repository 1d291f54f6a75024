//! What arrived -> records: recognised by content, in whatever wrapping, piece by piece, without I/O.
//!
//! ```text
//! stream     bytes -> documents: values one after the other, and the elements of containers among them
//! damage     where a spoiled piece of it ends
//! document   one value -> records: what it is, and what is kept of its wrapping
//! ```
//!
//! A container (a log file, an SQS event, an answer of LookupEvents, a plain array) is never held whole: its elements
//! are documents like any others, so memory is bounded by the largest record, and a spoiled element costs only itself.

mod damage;
mod document;
mod stream;

pub use stream::Stream;

use crate::extract::Rows;
use crate::partition::PartitionKey;
use crate::rejected::Rejection;

/// Where a rejected piece came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Line of the input, from 1.
    Line(u64),
    /// Id of the SQS message.
    Message(&'a str),
}

/// A piece of the input that is rejected.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// The piece verbatim, or its beginning where it is too large to hold.
    pub bytes: &'a [u8],
    /// Its length.
    pub total: u64,
    /// Where it came from.
    pub origin: Origin<'a>,
    /// Day since 1970 that the SQS message was sent, else that of the EventBridge envelope.
    pub day: Option<i32>,
}

/// Takes what is found.
pub trait Sink {
    /// Where records are read and become rows.
    fn rows(&mut self) -> &mut Rows;
    /// A row was made.
    fn row(&mut self, key: PartitionKey);
    /// A piece is no record.
    fn rejected(&mut self, rejection: Rejection, piece: Piece<'_>);
    /// A piece is known and meant to be skipped.
    fn filtered(&mut self);
    /// Rows, rejected and skipped pieces so far.
    fn pieces(&self) -> u64;
    /// What comes next lies in an SQS message, with its id if it has one.
    fn message_begins(&mut self, _id: Option<&str>) {}
    /// The message has ended.
    fn message_ends(&mut self) {}
}
