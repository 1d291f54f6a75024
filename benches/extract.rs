//! Record text -> RecordBatch, beside merely skipping the same bytes.
//!
//! `cargo bench --bench extract`; the events come from `events.rs`, made anew each time, the same each time.

#![allow(clippy::expect_used, reason = "generated events are what they are")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use trailsink::extract::{Envelope, Rows};
use trailsink::json::Reader;

mod events;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 10_000;

fn records(shuffle_keys: bool) -> Vec<String> {
    let options = events::Options { shuffle_keys, envelope: false, ..events::Options::default() };
    (0..EVENTS)
        .map(|n| {
            let mut text = String::new();
            events::append_event(&mut text, n, &options);
            text
        })
        .collect()
}

/// All records as rows, taken in batches as `convert` does.
fn extract(records: &[String], rows: &mut Rows) -> usize {
    let mut total = 0;
    for record in records {
        rows.read(record, 0).expect("generated events are JSON");
        rows.commit(record, &Envelope::default()).expect("generated events are records");
        if rows.is_full() {
            total += black_box(rows.take()).len();
        }
    }
    total + black_box(rows.take()).len()
}

fn skip_with_sonic(records: &[String]) -> usize {
    let skipped =
        |record: &String| sonic_rs::from_str::<sonic_rs::LazyValue<'_>>(record).expect("JSON").as_raw_str().len();
    records.iter().map(skipped).sum()
}

fn skip_with_reader(records: &[String]) -> usize {
    let skipped = |record: &String| {
        simdutf8::basic::from_utf8(record.as_bytes()).expect("UTF-8");
        let mut reader = Reader::new(record, 0);
        reader.skip(0).expect("JSON");
        reader.at
    };
    records.iter().map(skipped).sum()
}

fn benches(criterion: &mut Criterion) {
    for (name, shuffle_keys) in [("records", false), ("records with shuffled keys", true)] {
        let records = records(shuffle_keys);
        let bytes = records.iter().map(|record| record.len() as u64).sum();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes)).sample_size(20);
        group.bench_function("skip and validate, sonic-rs", |b| b.iter(|| skip_with_sonic(&records)));
        group.bench_function("skip and validate, our reader", |b| b.iter(|| skip_with_reader(&records)));
        group.bench_function("to serde_json::Value", |b| {
            b.iter(|| records.iter().filter(|r| serde_json::from_str::<serde_json::Value>(r).is_ok()).count());
        });
        let mut rows = Rows::new();
        group.bench_function("to RecordBatch columns", |b| b.iter(|| extract(&records, &mut rows)));
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
