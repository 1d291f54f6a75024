//! One binary of integration tests, one module for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic fails a test")]

/// The engine in process and the program as a process.
mod engine;
mod hostile;
mod reference;

mod agreement;
mod bad_input;
mod command_line;
mod determinism;
mod fixtures;
mod generated_files;
mod model;
mod python;
