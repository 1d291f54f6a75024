//! Sorted rows -> Parquet bytes, in each of the layouts that files have by their number of rows.

use crate::records::{self, amount};
use arrow::array::ArrayRef;
use criterion::Criterion;
use trailsink::encode::{BLOCK_ROWS, Encoder};
use trailsink::filling::Filling;
use trailsink::run::{Merge, Run};

/// On one thread.
pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, rows) in [("100 rows", 100), ("5,000 rows", 5000), ("60,000 rows", 60_000)] {
        let records = records::generated(rows, false);
        let blocks = sorted(&records);
        group.throughput(amount(&records)).sample_size(if rows > 100 { 10 } else { 50 });
        group.bench_function(name, |b| b.iter(|| encode(&blocks, rows)));
    }
    group.finish();
}

/// Columns of rows in order, as many rows as `convert` writes at a time.
fn sorted(records: &[String]) -> Vec<Vec<ArrayRef>> {
    let mut merge = Merge::of(vec![Run::sort(records::packed(records))]).expect("runs in memory");
    let (mut filling, mut blocks) = (Filling::new(), Vec::new());
    while let Some(row) = merge.peek() {
        filling.add(row);
        if filling.rows() == BLOCK_ROWS {
            blocks.push(filling.take());
        }
        merge.advance().expect("runs in memory");
    }
    blocks.push(filling.take());
    blocks
}

fn encode(blocks: &[Vec<ArrayRef>], rows: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), rows, 0).expect("room in memory");
    for columns in blocks {
        encoder.write(columns, false).expect("columns of the table");
    }
    encoder.finish(false).expect("room in memory").inner
}
