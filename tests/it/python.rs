//! Checks by readers that are not the writer, in Python: DuckDB and PyArrow on the files, the queries and the views.
//!
//! The packages of `tests/requirements.txt` are installed into `target/python` at the first run. Where there is no Python,
//! the checks say so and are skipped; with TRAILSINK_REQUIRE_PYTHON set they fail.

use crate::engine::{repository, shared_data};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One installation for all tests of this process.
static PYTHON: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The interpreter that has the packages.
pub fn python() -> Option<PathBuf> {
    let mut known = PYTHON.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_none() {
        let folder = repository("target/python");
        let requirements = repository("tests/requirements.txt");
        let stamp = folder.join("requirements.txt");
        let interpreter = folder.join("bin/python");
        if std::fs::read(&stamp).ok() != std::fs::read(&requirements).ok() {
            let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).status();
            let installed = made.is_ok_and(|status| status.success())
                && Command::new(&interpreter)
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                    .arg(&requirements)
                    .status()
                    .is_ok_and(|status| status.success());
            if !installed {
                assert!(
                    std::env::var_os("TRAILSINK_REQUIRE_PYTHON").is_none(),
                    "python3 with venv and pip is required"
                );
                println!("skipped: needs python3 with venv, and pip to install tests/requirements.txt");
                return None;
            }
            std::fs::copy(&requirements, &stamp).unwrap();
        }
        *known = Some(interpreter);
    }
    known.clone()
}

fn run(script: &str, arguments: &[&str]) {
    let Some(python) = python() else { return };
    let output = Command::new(python)
        .arg(repository(script))
        .args(["--trailsink", env!("CARGO_BIN_EXE_trailsink")])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}");
    assert!(output.status.success(), "{script}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains(" passed, 0 failed"), "{text}");
}

#[test]
fn queries_find_what_they_must_and_nothing_else() {
    match shared_data() {
        Some(folder) => run("tests/queries.py", &["--techniques", folder.join("cloudtrail").to_str().unwrap()]),
        None => run("tests/queries.py", &[]),
    }
}

#[test]
fn other_readers_read_every_column() {
    run("tests/readers.py", &[]);
}

#[test]
fn the_view_shows_each_event_once_and_reads_no_more_files_than_asked_for() {
    run("tests/views.py", &[]);
}

#[test]
fn published_queries_run_unchanged_on_the_compatibility_view() {
    run("tests/compatibility.py", &[]);
}
