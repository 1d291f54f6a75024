//! `tests/it/engine.rs` names the program that cargo builds for tests. Nothing here starts it.

fn main() {
    println!("cargo::rustc-env=CARGO_BIN_EXE_trailsink=/nonexistent");
    println!("cargo::rerun-if-changed=build.rs");
}
