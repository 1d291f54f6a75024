//! The sink as a Lambda function: an invocation in, rows durable in the lake, an answer that says what must come again.
//!
//! What comes in is an EventBridge event by itself, an SQS event whose bodies are EventBridge events, or `{"Records":[..]}`
//! of bare records. What is answered decides what AWS delivers again: a message is acknowledged if and only if all that was in
//! it is durable in the lake, or was meant to be left out.

use crate::config::Lambda;
use crate::error::Error;
use crate::extract::{OwnWrites, Writer};
use crate::metrics;
use crate::pipeline::{self, Delivered, Options, Summary};
use crate::store::{Bucket, Local, Location, S3, S3Options, Store};
use crate::unknown::{MAX_NAMES, Unknown};
use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::OnceCell;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::Span;

/// What is left of an invocation's time when work that is not finished is given up, so that the answer still gets out.
const LEFT_FOR_ANSWER: Duration = Duration::from_secs(2);
/// After that, what is left at the most for work that waits for nothing but the processor.
const GRACE: Duration = Duration::from_millis(500);
/// As long as Lambda lets a function run.
const LONGEST_INVOCATION: Duration = Duration::from_secs(900);
/// After which the first request for work is out: 4 ms for root certificates then pass while Lambda answers.
const ASKED_FOR_WORK: Duration = Duration::from_millis(1);
/// Failures that an invocation logs by themselves.
const FAILURES: usize = 10;

/// Takes invocations until the process is ended.
///
/// # Errors
/// If the function cannot start: the lake cannot be opened, or Lambda's runtime API cannot be reached.
pub fn run(settings: &Lambda) -> Result<(), Error> {
    settings.check_environment()?;
    // One thread is enough: it waits for the network while others extract and encode.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Bug(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let function = Arc::new(Function::open(settings)?);
        let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| {
            let function = function.clone();
            async move { function.invoke(event).await }
        });
        let ended = lambda_runtime::run(handler).await;
        ended.map_err(|error| Error::Runtime(error.to_string()))
    })
}

/// What is made once in a process.
struct Function {
    lake: Lake,
    options: Options,
    own_role: Option<Writer>,
    /// What has been warned of.
    known: Mutex<BTreeSet<String>>,
}

enum Lake {
    Folder(Arc<Local>),
    Bucket(Bucket, Box<Connecting>),
}

/// A client in the making. Reading the root certificates takes longer than all else at the start, so it does not keep the first
/// event waiting for being asked for: the two go on side by side.
struct Connecting {
    client: OnceCell<S3>,
    making: Mutex<Option<JoinHandle<S3>>>,
}

impl Connecting {
    fn begin(bucket: Bucket, options: S3Options) -> Self {
        let making = tokio::spawn(async move {
            tokio::time::sleep(ASKED_FOR_WORK).await;
            S3::connect(bucket, options).await
        });
        Connecting { client: OnceCell::new(), making: Mutex::new(Some(making)) }
    }

    async fn client(&self) -> Result<&S3, Error> {
        let made = || async {
            let making = self.making.lock().unwrap_or_else(PoisonError::into_inner).take();
            let lost = || Error::Bug("no client for S3 was made".to_owned());
            making.ok_or_else(lost)?.await.map_err(|_| lost())
        };
        self.client.get_or_try_init(made).await
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    /// To an SQS event: what must come again.
    Messages(SqsBatchResponse),
    /// To anything else: the counts.
    Counts(Summary),
}

impl Function {
    fn open(settings: &Lambda) -> Result<Self, Error> {
        let lake = match &settings.lake.to {
            Location::Folder(path) => {
                tracing::warn!(
                    "the lake is a folder, {}: in AWS it would go with the function's environment",
                    path.display()
                );
                Lake::Folder(Arc::new(Local::open(path)?))
            }
            Location::Bucket(bucket) => {
                let options = S3Options::from(&settings.lake.bucket);
                Lake::Bucket(bucket.clone(), Box::new(Connecting::begin(bucket.clone(), options)))
            }
        };
        Ok(Function {
            lake,
            options: Options {
                layout: settings.lake.partition_by.clone(),
                log_events: settings.log_events,
                threads: settings.lake.threads(),
                own_writes: None,
                deadline: None,
            },
            own_role: settings.own_role.clone().filter(|role| !role.is_empty()).map(Writer::Role),
            known: Mutex::default(),
        })
    }

    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let started = Instant::now();
        let LambdaEvent { payload, context } = event;
        // Local tools tell of a deadline that is long past: as good as none.
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(LONGEST_INVOCATION);
        // Of a time-out shorter than four seconds half is left for the work.
        let deadline = tokio::time::Instant::now() + left.saturating_sub(LEFT_FOR_ANSWER).max(left / 2);
        let work = self.deliver(payload, &context, deadline);
        let delivered = match tokio::time::timeout_at(deadline + GRACE.min(left / 4), work).await {
            Ok(delivered) => delivered,
            Err(_) => Err(Error::TimeIsUp),
        };
        // All of it comes again if nothing is known of it.
        let delivered = delivered.unwrap_or_else(Delivered::failed);
        self.report(&delivered, &context, started.elapsed());
        answer(delivered)
    }

    /// Writes a payload on another thread: this one waits for the network.
    async fn deliver(
        &self,
        payload: Box<RawValue>,
        context: &Context,
        deadline: tokio::time::Instant,
    ) -> Result<Delivered, Error> {
        let store: Arc<dyn Store> = match &self.lake {
            Lake::Folder(folder) => folder.clone(),
            Lake::Bucket(_, connecting) => Arc::new(connecting.client().await?.until(deadline)),
        };
        let options = Options {
            own_writes: self.own_writes(context),
            deadline: Some(deadline.into_std()),
            ..self.options.clone()
        };
        let span = Span::current();
        let work = spawn_blocking(move || {
            let _lines = span.enter();
            pipeline::deliver(payload.get().as_bytes(), store.as_ref(), &options)
        });
        work.await.unwrap_or_else(|ended| Err(Error::Bug(ended.to_string())))
    }

    /// Which puts into the lake are this function's.
    fn own_writes(&self, context: &Context) -> Option<OwnWrites> {
        let Lake::Bucket(bucket, _) = &self.lake else { return None };
        let writer = self.own_role.clone().or_else(|| {
            // arn:aws:lambda:REGION:ACCOUNT:function:NAME
            let account = context.invoked_function_arn.split(':').nth(4)?;
            Some(Writer::Function(account.to_owned(), context.env_config.function_name.clone()))
        })?;
        Some(OwnWrites {
            bucket: bucket.name.clone(),
            prefixes: vec![bucket.key("events/"), bucket.key("rejected/")],
            writer,
        })
    }

    /// Logs what happened: failures, what was rejected, what is unknown, the summary and the metrics.
    fn report(&self, delivered: &Delivered, context: &Context, took: Duration) {
        let summary = &delivered.summary;
        for error in summary.failures.iter().take(FAILURES) {
            tracing::error!("{error}");
        }
        for rejected in &summary.examples {
            tracing::warn!(message = "rejected", what = rejected);
        }
        self.warn_of(&delivered.unknown);
        let bytes: u64 = summary.files.iter().map(|file| file.bytes).sum();
        tracing::info!(
            message = "summary",
            records_in = summary.records_in,
            rows_written = summary.rows_written,
            duplicates = summary.duplicates,
            filtered = summary.filtered,
            rejected = summary.rejected,
            files = summary.files.len(),
            bytes,
            failures = summary.failures.len(),
            messages = delivered.messages,
            to_come_again = delivered.to_come_again.as_ref().map_or(delivered.messages.max(1), Vec::len),
            seconds = took.as_secs_f64(),
        );
        let (function, trace_id) = (&context.env_config.function_name, context.xray_trace_id.as_deref());
        let line = metrics::line(delivered, function, &context.request_id, trace_id, SystemTime::now());
        // A log that cannot be written must not fail the invocation.
        let _ = writeln!(io::stdout(), "{line}");
    }

    /// One warning in the life of a process for each name, and not for more than can be looked after.
    fn warn_of(&self, unknown: &Unknown) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let fields = unknown.fields.iter().map(|name| ("field", name));
        for (what, name) in fields.chain(unknown.versions.iter().map(|name| ("eventVersion", name))) {
            if known.len() < MAX_NAMES && known.insert(format!("{what} {name}")) {
                tracing::warn!(message = "unknown to this version, kept in the column unmapped", what, name);
                if known.len() == MAX_NAMES {
                    tracing::warn!("more that is unknown is not named any more");
                }
            }
        }
    }
}

/// What AWS is told: it decides what comes again.
fn answer(delivered: Delivered) -> Result<Answer, Diagnostic> {
    let Delivered { summary, messages, to_come_again, .. } = delivered;
    // A failure that no message is named for is all the messages', and so is one that says that counts do not add up.
    let named = |ids: &Vec<String>| {
        let bug = summary.failures.iter().any(|failure| matches!(failure, Error::Bug(_)));
        summary.failures.is_empty() || (!bug && !ids.is_empty())
    };
    let Some(ids) = to_come_again.filter(named) else {
        let failures: Vec<String> = summary.failures.iter().take(3).map(ToString::to_string).collect();
        return Err(Diagnostic { error_type: "NotAllStored".to_owned(), error_message: failures.join("; ") });
    };
    if messages == 0 && summary.records_in > 0 {
        return Ok(Answer::Counts(summary));
    }
    // An event without records can only be SQS's: what comes by itself is a record.
    let mut response = SqsBatchResponse::default();
    ids.into_iter().for_each(|id| response.add_failure(id));
    Ok(Answer::Messages(response))
}
