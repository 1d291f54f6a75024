//! What can be set: flag, environment variable and help text of a setting are one definition. The only reader of the
//! environment.

use crate::log::LogEvents;
use crate::partition::Layout;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Turns CloudTrail events into a lake of Parquet that Athena queries.
#[derive(Debug, Parser)]
#[command(name = "trailsink", version, about, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Convert events in files and folders into a lake of Parquet.
    Convert(Convert),
    /// Print the original CloudTrail records of Parquet files, one JSON a line.
    Cat(Cat),
    /// Print the table: its DDL, its Glue columns or its data dictionary.
    Schema(Schema),
}

/// Settings of `convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Settings of the lake.
    #[command(flatten)]
    pub lake: Lake,
    /// Threads that work; by default one for each core.
    #[arg(long, value_name = "N", env = "TRAILSINK_THREADS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Events to log as JSON lines on standard error.
    #[arg(long, value_name = "WHICH", env = "TRAILSINK_LOG_EVENTS", default_value = "none")]
    pub log_events: LogEvents,
    /// Form of the summary on standard output.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub summary: SummaryForm,
    /// Files, folders (.json .jsonl .ndjson .log, each also with .gz) or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Settings of the lake.
#[derive(Debug, Args)]
pub struct Lake {
    /// Folder of the lake.
    #[arg(long, value_name = "URL", env = "TRAILSINK_TO", default_value = "lake", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub to: String,
    /// Partition columns in the order of the folders, out of category, event_date, account_id, region.
    #[arg(long, value_name = "LIST", env = "TRAILSINK_PARTITION_BY", default_value_t)]
    pub partition_by: Layout,
}

/// Settings of `cat`.
#[derive(Debug, Args)]
pub struct Cat {
    /// Parquet files of a lake, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Settings of `schema`.
#[derive(Debug, Args)]
pub struct Schema {
    /// What to print.
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub format: SchemaFormat,
}

/// Forms of the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryForm {
    /// For a person.
    Text,
    /// One JSON object.
    Json,
}

/// Forms of the table's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// CREATE EXTERNAL TABLE for Athena.
    Athena,
    /// Columns for a Glue table, as JSON.
    Glue,
    /// Data dictionary.
    Markdown,
}
