//! A file of events -> a lake in a folder: `convert` without its start, on one thread.

use crate::records::{self, amount};
use criterion::{BatchSize, Criterion};
use std::fs;
use std::sync::Arc;
use tempfile::{TempDir, tempdir};
use trailsink::input::{self, Input, Progress};
use trailsink::log::LogEvents;
use trailsink::partition::Layout;
use trailsink::pipeline::{self, Options};
use trailsink::store::Local;

const EVENTS: usize = 20_000;

/// 38 MB of events.
pub fn benches(criterion: &mut Criterion) {
    let events = records::enveloped(EVENTS);
    let folder = tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    fs::write(&file, events.join("\n")).expect("room in the temporary folder");
    let (inputs, _) = input::find(&[file], None);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(amount(&events)).sample_size(10);
    group.bench_function("convert on one thread", |b| {
        b.iter_batched(
            || tempdir().expect("a temporary folder"),
            |lake| convert(&inputs, lake),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Gives the lake back, so that removing it is not timed.
fn convert(inputs: &[Input], lake: TempDir) -> TempDir {
    let options = Options {
        layout: Layout::default(),
        log_events: LogEvents::None,
        threads: 1,
        own_writes: None,
        deadline: None,
    };
    let store = Local::open(lake.path()).expect("a folder");
    let summary = pipeline::convert(inputs, &store, &options, &Arc::new(Progress::default())).expect("a lake");
    assert_eq!(summary.rows_written, EVENTS as u64);
    lake
}
