//! A lake in an S3 bucket: every object is one conditional put under a key made of its content.
//!
//! `If-None-Match: *` makes a put create an object or fail with 412, which then is success: the very object is there
//! already. 409 says that another put of the key is under way, and is tried again.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use super::{Bucket, Put, Staged, Store, Told};
use crate::error::Error;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Config;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryPartition, TokenBucket};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

/// Puts under way at a time.
const PUTS: u32 = 16;
/// Tries of a request. Between them the SDK waits up to 0.2, 0.4, 0.8, 1.6 and 3.2 s: 6.2 s in all, after which a queue
/// is the better place to wait in.
const ATTEMPTS: u32 = 6;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// To connect. S3 answers within a region in milliseconds.
const CONNECT: Duration = Duration::from_secs(3);
/// For one try, and as much longer as its bytes take at a rate: a connection that hangs is given up and another one tried.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Bytes a second that a put gets at least: within a region, where a deadline counts, and from anywhere, when sixteen puts share
/// a line.
const RATE_IN_REGION: u64 = 1 << 20;
const RATE_ANYWHERE: u64 = 32 << 10;

/// How objects are put.
#[derive(Debug, Clone, Default)]
pub struct S3Options {
    /// KMS key that encrypts them: id, ARN or alias.
    pub kms_key: Option<String>,
    /// Account that the bucket must belong to.
    pub expected_bucket_owner: Option<String>,
}

/// A place in a bucket.
#[derive(Debug, Clone)]
pub struct S3 {
    client: Client,
    bucket: Bucket,
    options: S3Options,
    runtime: Handle,
    /// One permit for each put that may be under way.
    free: Arc<Semaphore>,
    deadline: Option<Instant>,
}

/// 409 says that another put of the key is under way: the SDK would give up.
#[derive(Debug)]
struct Conflict;

impl ClassifyRetry for Conflict {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(409) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "conflict"
    }
}

impl S3 {
    /// Makes the client, with settings from where every AWS program has them. Nothing is sent yet: what is wrong with
    /// the bucket or the credentials shows at the first request. Requests run on the runtime that this is called in.
    pub async fn connect(bucket: Bucket, options: S3Options) -> S3 {
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        let tls = tls::Provider::Rustls(CryptoMode::Ring);
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(aws_smithy_http_client::Builder::new().tls_provider(tls).build_https())
            .retry_config(retries)
            .timeout_config(timeouts(Duration::ZERO));
        let shared = match AppName::new("trailsink") {
            Ok(name) => shared.app_name(name),
            Err(_) => shared,
        };
        let shared = shared.load().await;
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .retry_classifier(Conflict)
            // The SDK's own allowance of retries is one for the life of the process: after an outage there were none left, and a
            // single 503 failed a batch.
            .retry_partition(RetryPartition::custom("trailsink").token_bucket(TokenBucket::unlimited()).build())
            .build();
        S3 {
            client: Client::from_conf(config),
            bucket,
            options,
            runtime: Handle::current(),
            free: Arc::new(Semaphore::new(PUTS as usize)),
            deadline: None,
        }
    }

    /// The same place with the same connections, for puts that are given up at a deadline.
    pub fn until(&self, deadline: Instant) -> S3 {
        // Permits of its own: what an earlier deadline left behind is not waited for.
        let free = Arc::new(Semaphore::new(PUTS as usize));
        S3 { deadline: Some(deadline), free, ..self.clone() }
    }

    /// Keys in the bucket that begin with a prefix.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let request = self.client.list_objects_v2().bucket(&self.bucket.name).prefix(prefix);
        let request = request.set_expected_bucket_owner(self.options.expected_bucket_owner.clone());
        let mut pages = request.into_paginator().send();
        self.runtime.block_on(async {
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| self.error(Doing::List, prefix, &error))?;
                keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
            }
            Ok(keys)
        })
    }

    /// Reads an object.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn fetch(&self, key: &str) -> Result<Staged, Error> {
        let request = self.client.get_object().bucket(&self.bucket.name).key(key);
        let request = request.set_expected_bucket_owner(self.options.expected_bucket_owner.clone());
        self.runtime.block_on(async {
            let mut object = request.send().await.map_err(|error| self.error(Doing::Read, key, &error))?;
            let mut staged = Staged::Memory(Vec::new());
            while let Some(bytes) = object.body.next().await {
                let bytes = bytes.map_err(|error| Error::Read(self.place(key), error.to_string()))?;
                staged.write_all(&bytes).map_err(Error::Spill)?;
            }
            Ok(staged)
        })
    }

    async fn send(&self, key: &str, staged: Staged) -> Result<Put, Error> {
        let bytes = staged.size().map_err(Error::Spill)?;
        let (body, file) = match staged {
            Staged::Memory(bytes) => (ByteStream::from(bytes), None),
            // The file must stay as long as a try may read it.
            Staged::File(file) => match ByteStream::from_path(file.path()).await {
                Ok(body) => (body, Some(file)),
                Err(error) => return Err(Error::Spill(std::io::Error::other(error))),
            },
        };
        let kms_key = self.options.kms_key.clone();
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket.name)
            .key(key)
            .if_none_match("*")
            .set_expected_bucket_owner(self.options.expected_bucket_owner.clone())
            .set_server_side_encryption(kms_key.is_some().then_some(ServerSideEncryption::AwsKms))
            // One call of KMS for many objects.
            .set_bucket_key_enabled(kms_key.is_some().then_some(true))
            .set_ssekms_key_id(kms_key)
            .body(body)
            .customize()
            .config_override(Config::builder().timeout_config(timeouts(self.time_for(bytes))));
        let sent = match self.deadline {
            Some(deadline) => match timeout_at(deadline, request.send()).await {
                Ok(sent) => sent,
                Err(_) => return Err(Error::Deadline(self.place(key))),
            },
            None => request.send().await,
        };
        drop(file);
        match sent {
            Ok(_) => Ok(Put::Created),
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 412) => {
                Ok(Put::Existed)
            }
            Err(error) => Err(self.error(Doing::Write, key, &error)),
        }
    }

    /// How much longer a try may take that has so many bytes to send.
    fn time_for(&self, bytes: u64) -> Duration {
        let rate = if self.deadline.is_some() { RATE_IN_REGION } else { RATE_ANYWHERE };
        Duration::from_secs(bytes / rate)
    }

    fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket.name)
    }

    fn error<E>(&self, doing: Doing, key: &str, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default();
        let advice = match (code, status) {
            ("NoSuchBucket", _) => {
                let what = if matches!(doing, Doing::Write) { "--to (TRAILSINK_TO)" } else { "the address" };
                format!("there is no bucket '{}': check {what}", self.bucket.name)
            }
            ("NoSuchKey", _) => "there is no such object".to_owned(),
            ("ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired", _) => {
                "the credentials have expired: renew them".to_owned()
            }
            ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken", _) => {
                "S3 does not accept the credentials: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"
                    .to_owned()
            }
            ("PermanentRedirect" | "AuthorizationHeaderMalformed", _) | (_, Some(301 | 307)) => {
                format!("bucket '{}' lies in another region: set AWS_REGION to it", self.bucket.name)
            }
            ("RequestTimeTooSkewed", _) => "the clock of this machine is wrong".to_owned(),
            (code, _) if code.starts_with("KMS.") => "check --kms-key, the state of the key and its policy".to_owned(),
            (_, Some(409)) => format!("others put the same object; {ATTEMPTS} tries did not help: try again later"),
            (_, Some(403)) => format!(
                "the credentials need {} on {}{}",
                doing.permission(),
                match doing {
                    Doing::List => format!("arn:aws:s3:::{}", self.bucket.name),
                    _ => format!("arn:aws:s3:::{}/{}", self.bucket.name, self.bucket.key("*")),
                },
                doing.beside(&self.options),
            ),
            ("SlowDown" | "ServiceUnavailable", _) | (_, Some(500..)) => {
                format!("{ATTEMPTS} tries did not help: try again later")
            }
            _ => "check the credentials, AWS_REGION and the network".to_owned(),
        };
        let why = match (code, error.message()) {
            ("", _) => causes(error),
            (code, Some(message)) => format!("{code}: {message}"),
            (code, None) => code.to_owned(),
        };
        Error::S3 { doing: doing.name(), place: self.place(key), why, advice }
    }
}

/// An error and what caused it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// What was asked of S3.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Write,
    Read,
    List,
}

impl Doing {
    fn name(self) -> &'static str {
        match self {
            Doing::Write => "write",
            Doing::Read => "read",
            Doing::List => "list",
        }
    }

    fn permission(self) -> &'static str {
        match self {
            Doing::Write => "s3:PutObject",
            Doing::Read => "s3:GetObject",
            Doing::List => "s3:ListBucket",
        }
    }

    /// What else S3 answers 403 to.
    fn beside(self, options: &S3Options) -> String {
        let mut text = String::new();
        if options.kms_key.is_some() {
            text.push_str(match self {
                Doing::Write => ", kms:GenerateDataKey on the key",
                _ => ", kms:Decrypt on the key",
            });
        }
        if let Some(owner) = &options.expected_bucket_owner {
            text.push_str(&format!(", and the bucket must belong to account {owner}"));
        }
        text
    }
}

fn timeouts(more: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT + more).build()
}

impl Store for S3 {
    fn stage(&self) -> Result<Staged, Error> {
        Ok(Staged::Memory(Vec::new()))
    }

    fn put(&self, key: &str, staged: Staged, done: Told) {
        let (place, key) = (self.clone(), self.bucket.key(key));
        // Waits here where too many are under way: what is staged would pile up.
        let permit = self.runtime.block_on(self.free.clone().acquire_owned());
        let sending = async move {
            let put = place.send(&key, staged).await;
            done(put);
            drop(permit);
        };
        self.runtime.spawn(sending.instrument(Span::current()));
    }

    fn flush(&self) {
        // All permits are there when no put is under way.
        drop(self.runtime.block_on(self.free.acquire_many(PUTS)));
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let prefix = format!("{}/", self.bucket.key(folder));
        let keys = self.keys(&prefix)?;
        Ok(keys
            .iter()
            .filter_map(|key| key.strip_prefix(&prefix))
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn address(&self, key: &str) -> String {
        self.place(&self.bucket.key(key))
    }
}
