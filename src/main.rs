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
            let line = text.lines().next().unwrap_or_default();
            cli::complain(&format!("{} (trailsink --help)", line.trim_start_matches("error: ")));
            return ExitCode::from(cli::USAGE);
        }
        Err(help) => help.exit(),
    };
    tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_writer(std::io::stderr).init();
    match cli::run(&settings.command) {
        Ok(status) => status,
        Err(error) => {
            cli::complain(&error);
            ExitCode::from(if matches!(error, trailsink::error::Error::Usage(_)) { cli::USAGE } else { 1 })
        }
    }
}
