//! Events as log lines: the columns that a person scans for, as JSON.

use crate::columns::index_of;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use clap::ValueEnum;

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
        values.is_valid(row).then(|| values.value(row))
    };
    let outcome = text(OUTCOME);
    if wanted == LogEvents::None || (wanted == LogEvents::Errors && outcome == Some("success")) {
        return;
    }
    let time = crate::time::with_millis(columns[TIME].as_primitive::<TimestampMillisecondType>().value(row));
    let resources = columns[RESOURCES].as_list::<i32>();
    let resources = resources.is_valid(row).then(|| {
        let ids = resources.value(row);
        ids.as_string::<i32>().iter().flatten().collect::<Vec<_>>().join(" ")
    });
    tracing::info!(
        message = "event",
        event_time = time,
        event_name = text(NAME),
        event_source = text(SOURCE),
        aws_region = text(REGION),
        user_arn = text(USER),
        source_ip_address = text(ADDRESS),
        outcome,
        error_code = text(ERROR),
        event_id = text(ID),
        s3_bucket_name = text(BUCKET),
        s3_object_key = text(KEY),
        any_resource_ids = resources,
    );
}
