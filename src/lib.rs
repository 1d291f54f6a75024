//! The sink that turns AWS CloudTrail events into a lake of Parquet that Athena queries.
//!
//! ```text
//! payload -> records -> rows -> sorted rows of each partition, as columns -> Parquet object -> store
//! ```
//!
//! What always holds, and the tests (in `tests/it/`) that hold it:
//!
//! 1. Every record ends in exactly one place: a row, a counted duplicate, a counted filter, or a rejected line with its
//!    reason. `engine::convert` checks the balance of every run of every test; `bad_input` what is rejected.
//! 2. The same input writes the same keys with the same bytes, whatever the threads and the memory: `determinism`.
//! 3. A partition comes from the record's own time and fields, never from the clock or the batch: `agreement`, and
//!    `bad_input::values_from_events_do_not_get_into_paths`.
//! 4. Nothing that came in is lost: a row gives back the record that was received: `agreement`,
//!    `determinism::hostile_records_come_back_from_the_lake`.
//! 5. Only [`store`] writes to the lake, beside it only [`input`] and [`cli`] open files, only [`config`] reads settings
//!    from the environment; nothing below [`cli`] and [`lambda`] knows which of them runs.
//! 6. Memory is bounded by the batch, not by the input: [`gather`] spills sorted [`run`]s; `engine::convert` reads the peak
//!    of every run of every test, `bad_input::a_line_of_100_mb_is_too_large_and_held_by_no_one` among them.
//!
//! The modules in reading order:
//!
//! | module | purpose |
//! |---|---|
//! | [`cli`], [`lambda`], [`config`] | what a person types and sees; the same as a function; settings |
//! | [`pipeline`], [`output`] | the flow as a whole, and the counts that must balance; sorted rows to objects |
//! | [`gather`], [`input`] | one worker: units of input to sorted runs; which units there are |
//! | [`payload`] | what arrived -> records, in whatever wrapping |
//! | [`extract`] | record text -> row: the hot path |
//! | [`json`] | the reader under it |
//! | [`deliveries`] | which messages a batch came in, and what of it may be acknowledged |
//! | [`packed`], [`sort`], [`run`], [`duplicates`] | rows as bytes, in order, in memory or on disk, each record once |
//! | [`filling`], [`encode`], [`restore`] | rows -> columns -> Parquet, and Parquet -> the records |
//! | [`contained`] | reading what may be so damaged that a library panics |
//! | [`store`] | where the lake lies |
//! | [`partition`], [`rejected`], [`log`], [`metrics`], [`error`] | folders of rows, lines of what is no row, lines of what happened |
//! | [`unknown`] | members of records that no column stands for |
//! | [`time`] | times as text, both ways |
//! | [`views`], [`catalog`], [`schema`], [`columns`] | the table, written once, and everything that is generated from it |

pub mod catalog;
pub mod cli;
pub mod columns;
pub mod config;
pub mod contained;
pub mod deliveries;
pub mod duplicates;
pub mod encode;
pub mod error;
pub mod extract;
pub mod filling;
pub mod gather;
pub mod input;
pub mod json;
pub mod lambda;
pub mod log;
pub mod metrics;
pub mod output;
pub mod packed;
pub mod partition;
pub mod payload;
pub mod pipeline;
pub mod rejected;
pub mod restore;
pub mod run;
pub mod schema;
pub mod sort;
pub mod store;
pub mod time;
pub mod unknown;
pub mod views;
