//! Record text -> RecordBatch columns, beside merely skipping the same bytes and beside a tree of them.

use crate::peers;
use crate::records::{self, RECORDS, amount};
use criterion::Criterion;
use std::hint::black_box;
use trailsink::extract::Rows;
use trailsink::json::Reader;

/// One group for each shape of records, so that what is compared is measured one after the other.
pub fn benches(criterion: &mut Criterion) {
    for (name, records) in [
        ("records", records::generated(RECORDS, false)),
        ("records with shuffled keys", records::generated(RECORDS, true)),
        ("records of the fixtures", records::of_fixtures(RECORDS)),
    ] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(amount(&records)).sample_size(20);
        group.bench_function("skip and validate, sonic-rs", |b| b.iter(|| peers::sonic(&records)));
        group.bench_function("skip and validate, our reader", |b| b.iter(|| skip(&records)));
        group.bench_function("to serde_json::Value", |b| b.iter(|| peers::serde_json(&records)));
        let mut rows = Rows::new();
        let mut to_columns = || records::read(&records, &mut rows, |rows| _ = black_box(rows.take()));
        group.bench_function("to RecordBatch columns", |b| b.iter(&mut to_columns));
        group.finish();
    }
}

fn skip(records: &[String]) -> usize {
    let skipped = |record: &String| {
        simdutf8::basic::from_utf8(record.as_bytes()).expect("UTF-8");
        let mut reader = Reader::new(record, 0);
        reader.skip(0).expect("JSON");
        reader.at
    };
    records.iter().map(skipped).sum()
}
