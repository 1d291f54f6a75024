//! Input that is made to take long, beside ordinary input: each is to take at most three times as long a byte.

use crate::records;
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use trailsink::extract::Rows;
use trailsink::partition::PartitionKey;
use trailsink::payload::{Piece, Sink, Stream};
use trailsink::rejected::{self, Rejection};

/// How many keys one object has.
const KEYS: usize = 100_000;

/// Bytes -> columns and rejected lines.
pub fn benches(criterion: &mut Criterion) {
    let members = |member: fn(usize) -> String| (0..KEYS).map(member).collect::<Vec<_>>().join(",");
    let mut group = criterion.benchmark_group("hostile");
    for (name, input) in [
        ("ordinary lines", records::enveloped(5000).join("\n")),
        ("1 MB of [", "[".repeat(1_000_000)),
        // One that no column stands for: to be kept in `unmapped` takes longer than to be kept in a column.
        ("one key 100,000 times", record(&members(|n| format!("\"key\":\"{n}\"")))),
        ("100,000 keys", record(&members(|n| format!("\"key{n}\":\"{n}\"")))),
        (
            "10 MB of escapes",
            record(&format!("\"userAgent\":\"{}\"", r#"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"#.repeat(294_118))),
        ),
    ] {
        group.throughput(Throughput::Bytes(input.len() as u64)).sample_size(10);
        let mut counting = Counting::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                Stream::default().advance(input.as_bytes(), true, &mut counting);
                counting.rows.take()
            });
        });
    }
    group.finish();
}

fn record(members: &str) -> String {
    format!("{{\"eventVersion\":\"1.11\",\"eventTime\":\"2026-10-04T09:01:05Z\",{members}}}\n")
}

/// Makes columns and rejected lines, and only counts the pieces.
#[derive(Default)]
struct Counting {
    rows: Rows,
    pieces: u64,
}

impl Sink for Counting {
    fn rows(&mut self) -> &mut Rows {
        &mut self.rows
    }

    fn row(&mut self, _: PartitionKey) {
        self.pieces += 1;
        if self.rows.is_full() {
            black_box(self.rows.take());
        }
    }

    fn rejected(&mut self, rejection: Rejection, piece: Piece<'_>) {
        self.pieces += 1;
        black_box(rejected::line(&rejection, "hostile.json:1", piece.bytes, piece.total));
    }

    fn filtered(&mut self) {
        self.pieces += 1;
    }

    fn pieces(&self) -> u64 {
        self.pieces
    }
}
