//! Reads the command line, sets up logging, runs, and gives the exit status; nothing else.

use clap::Parser;
use std::process::ExitCode;
use trailsink::cli;
use trailsink::config::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = match Cli::try_parse() {
        Ok(settings) => settings,
        Err(error)
            if error.use_stderr()
                && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            // Wrong usage is said in one line.
            let text = error.to_string();
            let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            cli::complain(&format!("{} (trailsink --help)", lines.join(" ").trim_start_matches("error: ")));
            return ExitCode::from(cli::USAGE);
        }
        Err(help) => help.exit(),
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .init();
    match cli::run(&settings.command) {
        Ok(status) => status,
        Err(error) => {
            cli::complain(&error);
            ExitCode::from(if matches!(error, trailsink::error::Error::Usage(_)) { cli::USAGE } else { 1 })
        }
    }
}
