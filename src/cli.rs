//! The command line: settings in, the pipeline run, what happened said to a person or as JSON.

use crate::catalog;
use crate::config::{Cat, Command, Convert, Schema, SchemaFormat, SummaryForm};
use crate::contained;
use crate::error::Error;
use crate::input::{self, Input, Progress};
use crate::pipeline::{self, Options, Summary};
use crate::restore;
use crate::store::{Bucket, Local, Location, S3, S3Options, Staged, Store};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// All is in.
const ALL_IN: u8 = 0;
/// Something was rejected, could not be read or could not be written.
const NOT_ALL: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;

/// Runs a command.
///
/// # Errors
/// If it could not do its work; what is wrong with single records is no error but in the exit status.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    match command {
        Command::Convert(settings) => convert(settings),
        Command::Cat(settings) => cat(settings),
        Command::Schema(settings) => schema(settings),
        Command::Lambda(_) => Err(Error::Bug("the function is not run from here".to_owned())),
    }
}

fn convert(settings: &Convert) -> Result<ExitCode, Error> {
    let to = &settings.lake.to;
    let started = Instant::now();
    let lake_folder = match to {
        Location::Folder(path) => Some(path.as_path()),
        Location::Bucket(_) => None,
    };
    let (inputs, passed_over) = input::find(&settings.paths, lake_folder);
    let (store, _runtime): (Box<dyn Store>, _) = match to {
        Location::Folder(path) => (Box::new(Local::open(path)?), None),
        Location::Bucket(bucket) => {
            let runtime = runtime()?;
            let options = S3Options::from(&settings.lake.bucket);
            (Box::new(runtime.block_on(S3::connect(bucket.clone(), options))), Some(runtime))
        }
    };
    let options = Options {
        layout: settings.lake.partition_by.clone(),
        log_events: settings.log_events,
        threads: settings.lake.threads(),
        own_writes: None,
        deadline: None,
    };
    let progress = Arc::new(Progress::default());
    let summary = with_bar(&inputs, &progress, || pipeline::convert(&inputs, store.as_ref(), &options, &progress))?;
    for failure in &summary.failures {
        complain(failure);
    }
    match settings.summary {
        SummaryForm::Json => {
            let json = serde_json::to_string(&summary).unwrap_or_default();
            say(&format!("{json}\n"))?;
        }
        SummaryForm::Text => {
            let mut text = in_words(&summary, &inputs, passed_over, started.elapsed());
            text.push_str(&shared_partitions(&summary, store.as_ref()));
            text.push_str(&what_next(&summary, to));
            say(&text)?;
        }
    }
    let all = summary.rejected == 0 && summary.failures.is_empty();
    Ok(ExitCode::from(if all { ALL_IN } else { NOT_ALL }))
}

/// Shows a progress bar on a terminal while something runs.
fn with_bar<T>(inputs: &[Input], progress: &Progress, run: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return run();
    }
    let total: u64 = inputs.iter().map(|input| input.size).sum();
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = "{bar:30} {binary_bytes} of {binary_total_bytes}  {msg}  {elapsed}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ticker = scope.spawn(|| {
            let started = Instant::now();
            while !done.load(Ordering::Relaxed) {
                let bytes = progress.bytes.load(Ordering::Relaxed);
                bar.set_position(bytes);
                let rate = progress.records.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64().max(0.001);
                let sorting = total > 0 && bytes >= total;
                bar.set_message(if sorting { "writing".to_owned() } else { format!("{rate:.0} events/s") });
                thread::park_timeout(Duration::from_millis(100));
            }
        });
        let result = run();
        done.store(true, Ordering::Relaxed);
        ticker.thread().unpark();
        let _ = ticker.join();
        bar.finish_and_clear();
        result
    })
}

/// Files that a summary names at the most.
const FILES_SHOWN: usize = 10;

fn in_words(summary: &Summary, inputs: &[Input], passed_over: usize, took: Duration) -> String {
    let mut text = String::new();
    if inputs.is_empty() {
        text.push_str("no input found: folders are searched for .json .jsonl .ndjson .log, each also with .gz; the lake itself is left out\n");
    } else if summary.records_in == 0 {
        text.push_str("the input holds no records\n");
    }
    if passed_over > 0 {
        text.push_str(&format!(
            "{passed_over} files passed over: of folders only .json .jsonl .ndjson .log (.gz) are taken\n"
        ));
    }
    for file in summary.files.iter().take(FILES_SHOWN) {
        text.push_str(&format!("{}  {} rows, {}\n", file.path, file.rows, size(file.bytes)));
    }
    if summary.files.len() > FILES_SHOWN {
        text.push_str(&format!("... and {} files more\n", summary.files.len() - FILES_SHOWN));
    }
    let bytes: u64 = summary.files.iter().map(|file| file.bytes).sum();
    text.push_str(&format!(
        "{} records in: {} rows written, {} duplicates, {} filtered, {} rejected; {} files, {}, {:.2} s\n",
        summary.records_in,
        summary.rows_written,
        summary.duplicates,
        summary.filtered,
        summary.rejected,
        summary.files.len(),
        size(bytes),
        took.as_secs_f64(),
    ));
    for example in &summary.examples {
        text.push_str(&format!("rejected: {example}\n"));
    }
    if summary.rejected > summary.examples.len() as u64 {
        text.push_str(&format!("... and {} more\n", summary.rejected - summary.examples.len() as u64));
    }
    for file in &summary.rejected_files {
        text.push_str(&format!("kept, each with its reason and its bytes, in {file}\n"));
    }
    text
}

/// Says which partitions hold files of other runs: rows that are in both are there twice.
fn shared_partitions(summary: &Summary, store: &dyn Store) -> String {
    let mut shared = 0;
    for (partition, files) in &summary.partitions {
        match store.list(&format!("events/{partition}")) {
            Ok(names) => {
                let there = names.iter().filter(|name| name.ends_with(".parquet")).count();
                shared += usize::from(there > *files);
            }
            Err(error) => return format!("note: no telling whether other runs wrote the same partitions: {error}\n"),
        }
    }
    match shared {
        0 => String::new(),
        _ => format!(
            "note: {shared} partitions hold files of other runs too; a record that is in both is there twice, and once in the view \
             schemas/views/events_distinct.sql\n"
        ),
    }
}

fn what_next(summary: &Summary, to: &Location) -> String {
    if summary.files.is_empty() {
        return String::new();
    }
    let program = std::env::args().next().unwrap_or_else(|| "trailsink".to_owned());
    format!(
        "next: duckdb -c \"SELECT event_name, outcome, count(*) FROM '{to}/events/**/*.parquet' GROUP BY ALL ORDER BY 3 DESC\"\n  \
         or: {program} cat {to}\n"
    )
}

fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// Threads for requests to S3; the work itself is done elsewhere.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| Error::Usage(format!("cannot start a thread: {error}")))
}

fn cat(settings: &Cat) -> Result<ExitCode, Error> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut failed = false;
    let mut print = |file: Result<File, Error>, place: &str| {
        match file.and_then(|file| print_records(file, place, &mut out)) {
            Err(error @ Error::Output(_)) => return Err(error),
            Err(error) => {
                complain(&error);
                failed = true;
            }
            Ok(()) => {}
        }
        Ok(())
    };
    let printed = settings.paths.iter().try_for_each(|path| match path {
        Location::Folder(path) => cat_folder(path, &mut print),
        Location::Bucket(bucket) => cat_bucket(bucket, &mut print),
    });
    match printed.and_then(|()| out.flush().map_err(Error::Output)) {
        Err(Error::Output(error)) => ended(error),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::from(if failed { NOT_ALL } else { ALL_IN })),
    }
}

/// Takes a file and what it is called.
type Print<'a> = dyn FnMut(Result<File, Error>, &str) -> Result<(), Error> + 'a;

fn cat_folder(path: &Path, print: &mut Print<'_>) -> Result<(), Error> {
    let unreadable =
        |path: &Path, error: &dyn std::fmt::Display| Error::Read(path.display().to_string(), error.to_string());
    if !path.is_dir() {
        return print(File::open(path).map_err(|error| unreadable(path, &error)), &path.display().to_string());
    }
    let entries = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(&entry.file_name().to_string_lossy())) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().unwrap_or(path);
                print(Err(unreadable(at, &error)), &at.display().to_string())?;
                continue;
            }
        };
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            print(File::open(path).map_err(|error| unreadable(path, &error)), &path.display().to_string())?;
        }
    }
    Ok(())
}

/// Whether a name is of no part of a lake: staged files, for one.
fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

fn cat_bucket(bucket: &Bucket, print: &mut Print<'_>) -> Result<(), Error> {
    let runtime = runtime()?;
    let store = runtime.block_on(S3::connect(bucket.clone(), S3Options::default()));
    if bucket.prefix.ends_with(".parquet") {
        return print(store.fetch(&bucket.prefix).and_then(opened), &bucket.to_string());
    }
    let folder = if bucket.prefix.is_empty() { String::new() } else { format!("{}/", bucket.prefix) };
    let keys = match store.keys(&folder) {
        Ok(keys) => keys,
        Err(error) => return print(Err(error), &bucket.to_string()),
    };
    for key in keys {
        let inside = key.strip_prefix(&folder).unwrap_or(&key);
        if key.ends_with(".parquet") && !inside.split('/').any(is_hidden) {
            print(store.fetch(&key).and_then(opened), &format!("s3://{}/{key}", bucket.name))?;
        }
    }
    Ok(())
}

/// The file that was fetched; its name is gone, so that nothing stays when the process ends.
fn opened(staged: Staged) -> Result<File, Error> {
    staged.into_file()?.reopen().map_err(Error::Spill)
}

/// Bytes of restored records after which they are handed on: a few such pieces are held at a time.
const PIECE: usize = 1 << 20;

fn print_records(file: File, place: &str, out: &mut impl Write) -> Result<(), Error> {
    let [name, damaged] = [place.to_owned(), place.to_owned()];
    let work = move |give: &mut dyn FnMut(Vec<u8>) -> Result<(), Error>| {
        let mut lines = Vec::new();
        let read = restore::read_file(file, &name, |columns, rows| {
            (0..rows).try_for_each(|row| {
                let whole = lines.len();
                if let Err(error) = restore::record(columns, row, &mut lines) {
                    lines.truncate(whole);
                    // Of a row nobody but this knows which file it lies in.
                    return Err(match error {
                        Error::Read(row, why) => Error::Read(name.clone(), format!("{row}: {why}")),
                        other => other,
                    });
                }
                lines.push(b'\n');
                if lines.len() < PIECE { Ok(()) } else { give(std::mem::take(&mut lines)) }
            })
        });
        give(lines).and(read)
    };
    let panicked =
        |why| Error::Read(damaged, format!("damaged in a way that the Parquet reader does not expect: {why}"));
    contained::pieces(work, panicked)?.try_for_each(|lines| out.write_all(&lines?).map_err(Error::Output))
}

/// Whoever reads a pipe may stop when they have seen enough.
fn ended(error: io::Error) -> Result<ExitCode, Error> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(ExitCode::from(ALL_IN)) } else { Err(Error::Output(error)) }
}

fn schema(settings: &Schema) -> Result<ExitCode, Error> {
    say(&match settings.format {
        SchemaFormat::Athena => catalog::athena_ddl(),
        SchemaFormat::Glue => catalog::glue_columns(),
        SchemaFormat::Markdown => catalog::data_dictionary(),
    })?;
    Ok(ExitCode::from(ALL_IN))
}

fn say(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Says an error to a person.
pub fn complain(error: &impl std::fmt::Display) {
    // There is no one to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "trailsink: {error}");
}
