//! What can be set: flag, environment variable and help text of a setting are one definition. The only reader of the
//! environment.

use crate::error::Error;
use crate::extract::role_arn;
use crate::log::LogEvents;
use crate::partition::Layout;
use crate::store::{Location, S3Options};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Turns CloudTrail events into a lake of Parquet that Athena queries.
#[derive(Debug, Parser)]
#[command(name = "trailsink", version, about, arg_required_else_help = false, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Environment variables that Lambda sets and its runtime needs.
const LAMBDA: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Whether the process was started by Lambda, without a command.
pub fn is_started_by_lambda() -> bool {
    std::env::args_os().len() == 1 && std::env::var_os(LAMBDA[0]).is_some()
}

impl Cli {
    /// Settings as the process was started with: arguments, and the environment where they are silent.
    ///
    /// # Errors
    /// If they cannot be used, or help was asked for.
    pub fn of_process() -> Result<Cli, clap::Error> {
        if is_started_by_lambda() { Cli::try_parse_from(["trailsink", "lambda"]) } else { Cli::try_parse() }
    }
}

impl Lambda {
    /// Checks that this process has what Lambda gives a function.
    ///
    /// # Errors
    /// If it has not.
    pub fn check_environment(&self) -> Result<(), Error> {
        match LAMBDA.into_iter().find(|name| std::env::var_os(name).is_none()) {
            Some(name) => {
                Err(Error::Usage(format!("{name} is not set: `trailsink lambda` runs as an AWS Lambda function")))
            }
            None => Ok(()),
        }
    }
}

impl Lake {
    /// How many threads are to work.
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, |threads| threads.get());
        self.threads.map_or_else(cores, usize::from)
    }
}

impl From<&BucketSettings> for S3Options {
    fn from(settings: &BucketSettings) -> Self {
        let given = |setting: &Option<String>| setting.clone().filter(|value| !value.is_empty());
        S3Options { kms_key: given(&settings.kms_key), expected_bucket_owner: given(&settings.expected_bucket_owner) }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Convert events in files and folders into a lake of Parquet.
    Convert(Convert),
    /// Print the original CloudTrail records of Parquet files, one JSON a line.
    Cat(Cat),
    /// Run as an AWS Lambda function; also chosen without a command where AWS_LAMBDA_RUNTIME_API is set.
    Lambda(Lambda),
    /// Print the table: its DDL, its Glue columns or its data dictionary.
    Schema(Schema),
}

/// Settings of `convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// Settings of the lake.
    #[command(flatten)]
    pub lake: Lake,
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
    /// Where the lake lies: a folder or s3://bucket[/prefix].
    #[arg(long, value_name = "URL", env = "TRAILSINK_TO", default_value = "lake")]
    pub to: Location,
    /// Partition columns in the order of the folders, out of category, event_date, account_id, region.
    #[arg(long, value_name = "LIST", env = "TRAILSINK_PARTITION_BY", default_value_t)]
    pub partition_by: Layout,
    /// Threads that work; by default one for each core.
    #[arg(long, value_name = "N", env = "TRAILSINK_THREADS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// How objects are put into a bucket.
    #[command(flatten)]
    pub bucket: BucketSettings,
}

/// How objects are put into a bucket.
#[derive(Debug, Clone, Args)]
pub struct BucketSettings {
    /// KMS key that encrypts objects in S3: id, ARN or alias; by default what the bucket's own settings say.
    #[arg(long, value_name = "KEY", env = "TRAILSINK_KMS_KEY")]
    pub kms_key: Option<String>,
    /// Account that must own the bucket: 12 digits. To another's bucket of that name nothing is written.
    #[arg(long, value_name = "ACCOUNT", env = "TRAILSINK_EXPECTED_BUCKET_OWNER", value_parser = account)]
    pub expected_bucket_owner: Option<String>,
}

/// Empty is none, as with all settings that need not be given: variables of deployments are often there and empty.
fn account(text: &str) -> Result<String, String> {
    let digits = text.is_empty() || text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("not 12 digits".to_owned()) }
}

/// Settings of `lambda`.
#[derive(Debug, Args)]
pub struct Lambda {
    /// Settings of the lake.
    #[command(flatten)]
    pub lake: Lake,
    /// Events to log as JSON lines.
    #[arg(long, value_name = "WHICH", env = "TRAILSINK_LOG_EVENTS", default_value = "all")]
    pub log_events: LogEvents,
    /// ARN of the function's own role: data events of its puts into the lake's bucket are left out. By default whoever
    /// has a session named as the function in its account.
    #[arg(long, value_name = "ARN", env = "TRAILSINK_OWN_ROLE", value_parser = role_arn)]
    pub own_role: Option<String>,
}

/// Settings of `cat`.
#[derive(Debug, Args)]
pub struct Cat {
    /// Parquet files of a lake, or folders of them; also s3://bucket[/prefix].
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<Location>,
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
