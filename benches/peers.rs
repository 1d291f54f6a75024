//! What others make of the same records: nothing, a tree, Arrow.

use crate::inferred::infer;
use crate::records::{self, RECORDS, amount};
use arrow::datatypes::Schema;
use arrow_json::ReaderBuilder;
use criterion::{BatchSize, Criterion};
use serde_json::Value;
use std::hint::black_box;
use std::sync::Arc;

/// The same records for all.
pub fn benches(criterion: &mut Criterion) {
    let records = records::generated(RECORDS, false);
    let mut group = criterion.benchmark_group("peers");
    group.throughput(amount(&records)).sample_size(10);
    group.bench_function("sonic-rs, skip and validate", |b| b.iter(|| sonic(&records)));
    group.bench_function("serde_json, to Value", |b| b.iter(|| serde_json(&records)));
    group.bench_function("simd-json, to BorrowedValue", |b| {
        // It writes into its input: each time a fresh copy, not timed.
        b.iter_batched(|| records.clone(), simd_json, BatchSize::PerIteration);
    });
    let (schema, lines) = (schema(&records), records.join("\n"));
    group.bench_function("arrow-json, to RecordBatch", |b| b.iter(|| arrow_json(&schema, &lines)));
    group.finish();
}

/// Gives the bytes skipped.
pub fn sonic(records: &[String]) -> usize {
    let skipped =
        |record: &String| sonic_rs::from_str::<sonic_rs::LazyValue<'_>>(record).expect("JSON").as_raw_str().len();
    records.iter().map(skipped).sum()
}

/// Makes a tree of each record.
pub fn serde_json(records: &[String]) {
    for record in records {
        black_box(serde_json::from_str::<Value>(record).expect("JSON"));
    }
}

fn simd_json(records: Vec<String>) -> Vec<Vec<u8>> {
    let mut buffers = simd_json::Buffers::default();
    let mut spent: Vec<Vec<u8>> = records.into_iter().map(String::into_bytes).collect();
    for record in &mut spent {
        black_box(simd_json::to_borrowed_value_with_buffers(record, &mut buffers).expect("JSON"));
    }
    spent
}

/// Inferred from all of the records. Without requestParameters, which is an object of other types for each call: no column
/// holds it, so the peer need not.
fn schema(records: &[String]) -> Arc<Schema> {
    let values: Vec<Value> = records.iter().map(|record| serde_json::from_str(record).expect("JSON")).collect();
    Arc::new(Schema::new(infer(values.iter().filter_map(Value::as_object)).fields))
}

fn arrow_json(schema: &Arc<Schema>, lines: &str) {
    let reader = ReaderBuilder::new(schema.clone()).with_coerce_primitive(true);
    for batch in reader.build(lines.as_bytes()).expect("a reader") {
        black_box(batch.expect("what was inferred"));
    }
}
