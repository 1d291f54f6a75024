//! Reads the settings, sets up logging, runs the command line or the function, and gives the exit status; nothing else.

use std::io;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use trailsink::cli;
use trailsink::config::{Cli, Command, is_started_by_lambda};
use trailsink::error::Error;
use trailsink::lambda;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = match Cli::of_process() {
        Ok(settings) => settings,
        Err(help) if !help.use_stderr() => help.exit(),
        Err(wrong) => {
            // Wrong usage is said in one line.
            let text = wrong.to_string();
            let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let said = lines.join(" ");
            let said = said.trim_start_matches("error: ");
            if is_started_by_lambda() {
                log_to(io::stdout);
                tracing::error!("{said}; --x-y is the variable TRAILSINK_X_Y");
            } else {
                cli::complain(&format!("{said} (trailsink --help)"));
            }
            return ExitCode::from(cli::USAGE);
        }
    };
    let ended = match &settings.command {
        Command::Lambda(settings) => {
            // Lambda takes lines of standard output and standard error alike for the log.
            log_to(io::stdout);
            lambda::run(settings).map(|()| ExitCode::SUCCESS).inspect_err(|error| tracing::error!("{error}"))
        }
        command => {
            log_to(io::stderr);
            cli::run(command).inspect_err(cli::complain)
        }
    };
    ended.unwrap_or_else(|error| ExitCode::from(if matches!(error, Error::Usage(_)) { cli::USAGE } else { 1 }))
}

/// Logs as JSON lines: `timestamp`, `level` and `message` at the top, and what a line belongs to under `span`. Of the libraries
/// only warnings.
fn log_to<W: for<'w> MakeWriter<'w> + Send + Sync + 'static>(writer: W) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(writer);
    let wanted = Targets::new().with_default(LevelFilter::WARN).with_targets([
        ("trailsink", LevelFilter::INFO),
        // Its span has the ids of the request.
        ("lambda_runtime::layers", LevelFilter::INFO),
        // It would say once more what we have said.
        ("lambda_runtime::layers::panic", LevelFilter::OFF),
    ]);
    tracing_subscriber::registry().with(lines).with(wanted).init();
}
