//! Events as log lines: the columns that a person scans for, as JSON.

use crate::columns::index_of;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use clap::ValueEnum;
use std::borrow::Cow;

/// Which events are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogEvents {
    /// Every event.
    All,
    /// Events whose outcome is not success.
    Errors,
    /// None.
    None,
}

/// Bytes of a value in a line, and resource ids. CloudWatch cuts a line at 256 KB, and what is cut is no JSON.
const MAX_VALUE: usize = 1024;
const MAX_RESOURCES: usize = 20;

/// The beginning of a value, with a mark if that is not all.
fn cut(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_VALUE {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("{}…", &value[..value.floor_char_boundary(MAX_VALUE)]))
}

/// Logs a row of columns in table order, if it is one of those wanted.
pub fn log_row(columns: &[ArrayRef], row: usize, wanted: LogEvents) {
    const TIME: usize = index_of("event_time");
    const NAME: usize = index_of("event_name");
    const SOURCE: usize = index_of("event_source");
    const REGION: usize = index_of("aws_region");
    const USER: usize = index_of("user_arn");
    const ADDRESS: usize = index_of("source_ip_address");
    const OUTCOME: usize = index_of("outcome");
    const ERROR: usize = index_of("error_code");
    const ID: usize = index_of("event_id");
    const BUCKET: usize = index_of("s3_bucket_name");
    const KEY: usize = index_of("s3_object_key");
    const RESOURCES: usize = index_of("any_resource_ids");
    let text = |column: usize| {
        let values = columns[column].as_string::<i32>();
        values.is_valid(row).then(|| cut(values.value(row)))
    };
    let outcome = text(OUTCOME);
    if wanted == LogEvents::None || (wanted == LogEvents::Errors && outcome.as_deref() == Some("success")) {
        return;
    }
    let time = crate::time::with_millis(columns[TIME].as_primitive::<TimestampMillisecondType>().value(row));
    let resources = columns[RESOURCES].as_list::<i32>();
    let resources = resources.is_valid(row).then(|| {
        let ids = resources.value(row);
        let more = if ids.len() > MAX_RESOURCES { " …" } else { "" };
        let ids: Vec<&str> = ids.as_string::<i32>().iter().flatten().take(MAX_RESOURCES).collect();
        ids.join(" ") + more
    });
    tracing::info!(
        message = "event",
        event_time = time,
        event_name = text(NAME).as_deref(),
        event_source = text(SOURCE).as_deref(),
        aws_region = text(REGION).as_deref(),
        user_arn = text(USER).as_deref(),
        source_ip_address = text(ADDRESS).as_deref(),
        outcome = outcome.as_deref(),
        error_code = text(ERROR).as_deref(),
        event_id = text(ID).as_deref(),
        s3_bucket_name = text(BUCKET).as_deref(),
        s3_object_key = text(KEY).as_deref(),
        any_resource_ids = resources,
    );
}
