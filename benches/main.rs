//! All benches in one program, as fat LTO takes minutes for each: `cargo bench --bench bench -- FILTER`.
//!
//! Their input is made anew each time, the same each time. `bench.py` runs them too and reads what they found by the names
//! of groups and functions.

#![allow(clippy::expect_used, reason = "what benches are fed is what it is")]

mod encode;
mod events;
mod extract;
mod hostile;
mod inferred;
mod peers;
mod pipeline;
mod records;
mod small_files;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion::criterion_group!(
    all,
    extract::benches,
    peers::benches,
    hostile::benches,
    encode::benches,
    small_files::benches,
    pipeline::benches
);
criterion::criterion_main!(all);
