//! Record text to row: the hot path of the system.
//!
//! ```text
//! plan     the table of columns as a trie of paths, compiled once
//! names    how a member's name is told
//! record   the one pass over the text           (json::Reader below it)
//! staged   what else is gathered of it, as places in the text
//! values   numbers, shapes;  ec2, unmapped  what their names say
//! rows     accepted records become rows;  own_writes  which do not
//! ```

mod ec2;
mod names;
mod own_writes;
mod plan;
mod record;
mod rows;
mod staged;
mod unmapped;
mod values;

pub use own_writes::{OwnWrites, Writer, role_arn};
pub use rows::Rows;

use crate::partition::PartitionKey;
use crate::rejected::{Code, Rejection};

/// What is kept or used of the wrapping around a record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Envelope<'a> {
    /// Id of the EventBridge event.
    pub id: Option<&'a str>,
    /// Its detail-type.
    pub detail_type: Option<&'a str>,
    /// Its time, which counts where the record has none.
    pub time: Option<&'a str>,
    /// Its account, which counts for the partition where the record has none.
    pub account: Option<&'a str>,
    /// Key of the log file that the record lies in.
    pub log_file: Option<&'a str>,
}
