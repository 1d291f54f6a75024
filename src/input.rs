//! Files, folders and standard input -> units of work, in an order that does not depend on how many take them.

use crate::rejected::{Code, Rejection};
use flate2::read::MultiGzDecoder;
use memchr::memrchr_iter;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use walkdir::WalkDir;

/// Endings of files that are taken from folders, each also with `.gz`.
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".ndjson", ".log"];

/// Bytes of the pieces that a large file of lines is cut into.
const CHUNK: usize = 2 << 20;

/// One input.
#[derive(Debug)]
pub struct Input {
    /// What rejected lines call it: its path relative to the path that was given.
    pub name: String,
    /// Where it is; None is standard input.
    path: Option<PathBuf>,
    /// Why it cannot be read, if that is known already.
    error: Option<String>,
    /// Its size in bytes, 0 where that is unknown.
    pub size: u64,
}

/// Finds the inputs below paths: files as they are, folders walked in sorted order without the folder `except`. Also gives
/// how many files of folders are passed over because of their names.
pub fn find(paths: &[PathBuf], except: Option<&Path>) -> (Vec<Input>, usize) {
    let except = except.and_then(|path| path.canonicalize().ok());
    let mut inputs = Vec::new();
    let mut passed_over = 0;
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input { name: "-".to_owned(), path: None, error: None, size: 0 });
        } else if path.is_dir() {
            passed_over += walk(path, except.as_deref(), &mut inputs);
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            inputs.push(of_file(name, path));
        }
    }
    (inputs, passed_over)
}

fn walk(root: &Path, except: Option<&Path>, inputs: &mut Vec<Input>) -> usize {
    let mut passed_over = 0;
    let is_lake = |path: &Path| except.is_some() && path.canonicalize().ok().as_deref() == except;
    let walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| !(entry.file_type().is_dir() && is_lake(entry.path()))) {
        match entry {
            Ok(entry) if !entry.file_type().is_dir() => {
                let name = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
                if !is_taken(&name) {
                    passed_over += 1;
                } else if entry.path().is_file() || !entry.path().exists() {
                    inputs.push(of_file(name, entry.path()));
                } else {
                    // A pipe or a device in a folder would be waited for without end.
                    let error = Some("neither a file nor a folder; name it itself to read it".to_owned());
                    inputs.push(Input { name, path: None, error, size: 0 });
                }
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(root);
                let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
                // A link that leads nowhere is passed over by its name as a file is.
                if path.is_symlink() && path.metadata().is_err() && !is_taken(&name) {
                    passed_over += 1;
                    continue;
                }
                inputs.push(Input { name, path: None, error: Some(error.to_string()), size: 0 });
            }
        }
    }
    passed_over
}

/// Whether files of this name are taken from folders.
fn is_taken(name: &str) -> bool {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn of_file(name: String, path: &Path) -> Input {
    let size = path.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    Input { name, path: Some(path.to_owned()), error: None, size }
}

/// How far reading has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes read, as they lie on disk.
    pub bytes: AtomicU64,
    /// Records found in them.
    pub records: AtomicU64,
}

/// Work for one thread.
pub struct Unit {
    /// Number of the input.
    pub input: u32,
    /// Number of the piece within it.
    pub part: u32,
    /// Line breaks before it.
    pub lines: u64,
    /// What there is to read.
    pub content: Content,
}

/// What there is to read.
pub enum Content {
    /// A piece that can be read by itself.
    Chunk(Vec<u8>),
    /// All that is left of the input.
    Rest(Box<dyn Read + Send>),
    /// Nothing: the input cannot be read.
    Unreadable(Rejection),
}

/// Hands out units.
pub struct Units<'a> {
    inputs: &'a [Input],
    next: usize,
    open: Option<Chunks>,
    progress: Arc<Progress>,
}

/// A file of lines that is being cut.
struct Chunks {
    reader: Counting<Box<dyn Read + Send>>,
    carry: Vec<u8>,
    part: u32,
    lines: u64,
}

impl<'a> Units<'a> {
    /// Units of inputs.
    pub fn new(inputs: &'a [Input], progress: Arc<Progress>) -> Self {
        Units { inputs, next: 0, open: None, progress }
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        if let Some(chunks) = self.open.take() {
            return Some(self.cut(chunks));
        }
        let input = self.inputs.get(self.next)?;
        self.next += 1;
        let unreadable = |error: String| Content::Unreadable(Rejection::new(Code::Unreadable, error));
        let unit = |content| Unit { input: (self.next - 1) as u32, part: 0, lines: 0, content };
        if let Some(error) = &input.error {
            return Some(unit(unreadable(error.clone())));
        }
        let opened: io::Result<Box<dyn Read + Send>> = match &input.path {
            Some(path) => File::open(path).map(|file| Box::new(file) as _),
            None => Ok(Box::new(io::stdin())),
        };
        let mut reader = match opened {
            Ok(inner) => Counting { inner, progress: self.progress.clone() },
            Err(error) => return Some(unit(unreadable(error.to_string()))),
        };
        let mut head = Vec::new();
        if let Err(error) = reader.by_ref().take(2).read_to_end(&mut head) {
            return Some(unit(unreadable(error.to_string())));
        }
        if head == [0x1f, 0x8b] {
            let whole = BufReader::with_capacity(1 << 16, Cursor::new(head).chain(reader));
            return Some(unit(Content::Rest(Box::new(MultiGzDecoder::new(whole)))));
        }
        Some(self.cut(Chunks { reader, carry: head, part: 0, lines: 0 }))
    }
}

impl Units<'_> {
    /// The next chunk of a file: up to the last place in it where a document must end.
    fn cut(&mut self, mut chunks: Chunks) -> Unit {
        let mut bytes = std::mem::take(&mut chunks.carry);
        bytes.reserve_exact((CHUNK + 1).saturating_sub(bytes.len()));
        let (part, lines) = (chunks.part, chunks.lines);
        let unit = |content| Unit { input: (self.next - 1) as u32, part, lines, content };
        let wanted = (CHUNK - bytes.len().min(CHUNK)) as u64;
        if let Err(error) = chunks.reader.by_ref().take(wanted).read_to_end(&mut bytes) {
            // What was read is good; the error comes again when the rest is read.
            let rest = Cursor::new(bytes).chain(Failing(Some(error)));
            return unit(Content::Rest(Box::new(rest)));
        }
        if bytes.len() < CHUNK {
            return unit(Content::Chunk(bytes));
        }
        // In JSON a line that ends in } and one that begins with { never belong to one value: inside there would be a comma
        // between them, and a string has no line breaks.
        let is_end = |at: usize| {
            bytes.get(at + 1) == Some(&b'{') && bytes[..at].strip_suffix(b"\r").unwrap_or(&bytes[..at]).ends_with(b"}")
        };
        match memrchr_iter(b'\n', &bytes).find(|at| is_end(*at)) {
            Some(at) => {
                chunks.carry = bytes[at + 1..].to_vec();
                bytes.truncate(at + 1);
                chunks.part += 1;
                chunks.lines += memchr::memchr_iter(b'\n', &bytes).count() as u64;
                self.open = Some(chunks);
                unit(Content::Chunk(bytes))
            }
            None => unit(Content::Rest(Box::new(Cursor::new(bytes).chain(chunks.reader)))),
        }
    }
}

struct Counting<R> {
    inner: R,
    progress: Arc<Progress>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Gives an error that was met before.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
