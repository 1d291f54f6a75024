//! CloudTrail events for benches and load tests: made up, realistic in shape, size and repetition, and deterministic.
//!
//! Event `n` is a pure function of the seed and `n`, so any range can be made alone, in any order, on any thread. Nothing
//! is drawn from a running generator: each value is a hash of the event and of the place it stands in, so one instance id
//! is the same in the request and in the response. The kinds of events are the table [`kinds::KINDS`]; their JSON is written as
//! templates in which `@x` stands for a value: see `values.rs`.

mod event;
mod kinds;
mod shuffle;
mod values;

use event::Event;
use shuffle::shuffle;

/// What to generate.
pub struct Options {
    /// Another seed gives other events.
    pub seed: u64,
    /// The members of every object in an order of their own for each event, instead of CloudTrail's nearly fixed one.
    pub shuffle_keys: bool,
    /// An EventBridge event around each record, or the bare record.
    pub envelope: bool,
    /// Event times lie in this many days from 2026-10-01 on.
    pub days: u32,
    /// How many accounts the events spread over.
    pub accounts: u32,
    /// How many regions the events spread over.
    pub regions: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { seed: 1, shuffle_keys: false, envelope: true, days: 3, accounts: 3, regions: 4 }
    }
}

/// Appends event number `n` as one line of JSON, without a newline.
pub fn append_event(out: &mut String, n: u64, options: &Options) {
    let hash = mix(mix(options.seed) ^ n.wrapping_mul(GOLDEN));
    let start = out.len();
    Event::new(out, hash, options).write();
    if options.shuffle_keys {
        let ordered = out.split_off(start);
        shuffle(&ordered, out, &mut mix(hash ^ GOLDEN));
    }
}

/// 2026-10-01T00:00:00Z.
const FIRST_SECOND: u64 = 1_790_812_800;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many principals and buckets there are, over all accounts (with few accounts).
const PRINCIPALS: u64 = 200;
const BUCKETS: u64 = 300;

/// The finalizer of splitmix64: a bijection, so different events have different hashes.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number below `n`, k about as often as 1/(k+1): few are met all the time, most hardly ever. In whole numbers, so that
/// every machine gives the same.
fn skewed(draw: u64, n: u64) -> u64 {
    let levels = u64::from(64 - n.leading_zeros());
    let base = 1 << (draw % levels);
    (base - 1 + (draw >> 8) % base) % n
}

/// One of a few constants.
fn pick(draw: u64, of: &[&'static str]) -> &'static str {
    of[(draw % of.len() as u64) as usize]
}
