//! One binary of integration tests, one module for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic fails a test")]

/// The engine in process and the program as a process.
mod engine;
mod hostile;
mod payloads;
mod reference;
/// S3, the Lambda runtime, and faults between them.
mod services;

mod agreement;
mod architecture;
mod bad_input;
mod command_line;
mod determinism;
mod faults;
mod fixtures;
mod foreign_files;
mod function;
mod generated_files;
mod lake_in_s3;
mod model;
mod python;
mod rfc8259;
