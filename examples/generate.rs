//! Writes made-up CloudTrail events to standard output, one JSON a line: `generate 1000000 > events.jsonl`.

#[path = "../benches/events/mod.rs"]
mod events;

use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str =
    "usage: generate COUNT [--shuffle-keys] [--records] [--accounts N] [--regions N] [--days N] [--seed N]";

fn main() -> ExitCode {
    let Some((count, options)) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match generate(count, &options) {
        Ok(()) => ExitCode::SUCCESS,
        // `generate 1000000 | head` is no mistake.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<(u64, events::Options)> {
    let mut options = events::Options::default();
    let mut count = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--shuffle-keys" => options.shuffle_keys = true,
            "--records" => options.envelope = false,
            "--accounts" => options.accounts = args.next()?.parse().ok()?,
            "--regions" => options.regions = args.next()?.parse().ok()?,
            "--days" => options.days = args.next()?.parse().ok()?,
            "--seed" => options.seed = args.next()?.parse().ok()?,
            number if count.is_none() => count = Some(number.parse().ok()?),
            _ => return None,
        }
    }
    Some((count?, options))
}

fn generate(count: u64, options: &events::Options) -> io::Result<()> {
    const CHUNK: usize = 1 << 20;
    let mut stdout = io::stdout().lock();
    let mut text = String::with_capacity(CHUNK + (CHUNK >> 2));
    for n in 0..count {
        events::append_event(&mut text, n, options);
        text.push('\n');
        if text.len() >= CHUNK {
            stdout.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
