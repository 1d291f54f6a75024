//! What stops a run, by stage, with where it happened and what to do.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use std::fmt;
use std::io;
use std::path::Path;

/// An error that is not one record's.
#[derive(Debug)]
pub enum Error {
    /// Writing to the lake failed: the key or folder, and why.
    Store(String, io::Error),
    /// A request to S3 failed.
    S3 {
        /// What was asked: write, read, list.
        doing: &'static str,
        /// Of which object or prefix.
        place: String,
        /// What came back.
        why: String,
        /// What to do.
        advice: String,
    },
    /// An object could not be written before the function's time is up.
    Deadline(String),
    /// The function's time is up before it is known what is in the batch.
    TimeIsUp,
    /// Lambda's runtime API could not be used.
    Runtime(String),
    /// Temporary files could not be written or read.
    Spill(io::Error),
    /// A Parquet file could not be read: which, and why.
    Read(String, String),
    /// Standard output could not be written.
    Output(io::Error),
    /// Columns could not be put together: a bug, or values past what an array can hold.
    Arrow(ArrowError),
    /// A file could not be encoded.
    Parquet(ParquetError),
    /// What should not be possible: please report it.
    Bug(String),
    /// Wrong usage that only shows when the command runs.
    Usage(String),
}

impl Error {
    /// A failed write to the lake.
    pub fn store(place: impl AsRef<Path>, error: io::Error) -> Self {
        Error::Store(place.as_ref().display().to_string(), error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Store(place, error) => write!(f, "cannot write {place}: {error}; {}", advice(error)),
            Error::S3 { doing, place, why, advice } => write!(f, "cannot {doing} {place}: {why}; {advice}"),
            Error::Deadline(place) => write!(
                f,
                "cannot write {place} before the function's time is up; it comes again with the next delivery: give the function \
                 a longer timeout if this repeats"
            ),
            Error::Runtime(error) => {
                write!(f, "cannot use Lambda's runtime API: {error}; AWS_LAMBDA_RUNTIME_API says where it is, host:port")
            }
            Error::TimeIsUp => f.write_str(
                "the function's time is up before the batch is read; it comes again: give the function more memory, a longer \
                 timeout or smaller batches",
            ),
            Error::Spill(error) => {
                let folder = std::env::temp_dir();
                let folder = folder.display();
                write!(f, "cannot use temporary files in {folder}: {error}; {}", spill_advice(error))
            }
            Error::Read(place, error) => write!(f, "cannot read {place}: {error}"),
            Error::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Error::Arrow(error) => write!(f, "cannot put rows together: {error}"),
            Error::Parquet(error) => write!(f, "cannot encode rows: {error}"),
            Error::Bug(message) => write!(f, "a bug, please report it: {message}"),
            Error::Usage(message) => f.write_str(message),
        }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room and run again: what is there already stays valid"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder you may write to with --to"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file is in the way; choose another folder with --to"
        }
        _ => "nothing half-written was left; run again when this is mended",
    }
}

fn spill_advice(error: &io::Error) -> &'static str {
    /// EMFILE and ENFILE of Linux and macOS.
    const TOO_MANY_OPEN_FILES: [i32; 2] = [24, 23];
    if error.raw_os_error().is_some_and(|code| TOO_MANY_OPEN_FILES.contains(&code)) {
        "allow more open files (ulimit -n), or fewer --threads"
    } else {
        "set TMPDIR to a folder with as much room as the input takes unpacked"
    }
}

impl std::error::Error for Error {}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Error::Arrow(error)
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => Error::Store("a file of the lake".to_owned(), *io),
                Err(other) => Error::Parquet(ParquetError::External(other)),
            },
            other => Error::Parquet(other),
        }
    }
}
