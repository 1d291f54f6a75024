//! One file of few rows: all that happens between rows in memory and the bytes of the file.

use crate::records::{self, amount};
use criterion::{BatchSize, Criterion};
use rayon::ThreadPoolBuilder;
use std::hint::black_box;
use trailsink::error::Error;
use trailsink::log::LogEvents;
use trailsink::output::{Options, Output};
use trailsink::partition::Layout;
use trailsink::run::Run;
use trailsink::store::{Put, Staged, Store, Told};

/// Both are of the small layout.
pub fn benches(criterion: &mut Criterion) {
    // The thread that measures is the pool's only one: to hand each file to another would be measured too.
    let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().expect("a pool");
    let options = Options {
        layout: Layout::default(),
        log_events: LogEvents::None,
        threads: 1,
        own_writes: None,
        deadline: None,
    };
    let mut group = criterion.benchmark_group("one file");
    for (name, count) in [("1 event", 1), ("100 events", 100)] {
        let records = records::generated(count, false);
        let rows = records::packed(&records);
        group.throughput(amount(&records));
        group.bench_function(name, |b| {
            let write = |rows| pool.install(|| write(rows, records.len() as u64, &options));
            b.iter_batched(|| rows.clone(), write, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// Sorts the rows and writes them as one file.
fn write(packed: Vec<Vec<u8>>, rows: u64, options: &Options) {
    let output = Output::new(&Memory, options, vec!["category=data/event_date=2026-10-04".to_owned()], vec![rows]);
    output.write_rows(vec![Run::sort(packed)]);
    let done = output.finish();
    assert!(matches!(&done.files[..], [(_, file)] if file.rows == rows), "not one file of all rows");
}

/// A lake that forgets.
struct Memory;

impl Store for Memory {
    fn stage(&self) -> Result<Staged, Error> {
        Ok(Staged::Memory(Vec::new()))
    }

    fn put(&self, _: &str, staged: Staged, done: Told) {
        black_box(staged);
        done(Ok(Put::Created));
    }

    fn flush(&self) {}

    fn list(&self, _: &str) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    fn address(&self, key: &str) -> String {
        key.to_owned()
    }
}
