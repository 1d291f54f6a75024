//! The numbers of one invocation as one line of CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::pipeline::Delivered;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Namespace of the metrics.
const NAMESPACE: &str = "trailsink";
/// The one dimension: which function.
const DIMENSION: &str = "FunctionName";

/// The line, without its line break. Request and trace id are no dimensions: they lead from a number to its log lines.
pub fn line(
    delivered: &Delivered,
    function: &str,
    request_id: &str,
    trace_id: Option<&str>,
    now: SystemTime,
) -> String {
    let summary = &delivered.summary;
    let now = i64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or_default();
    let bytes: u64 = summary.files.iter().map(|file| file.bytes).sum();
    let mut metrics = vec![
        ("RecordsIn", "Count", summary.records_in),
        ("RowsWritten", "Count", summary.rows_written),
        ("Duplicates", "Count", summary.duplicates),
        ("Filtered", "Count", summary.filtered),
        ("Rejected", "Count", summary.rejected),
        ("FilesWritten", "Count", summary.files.len() as u64),
        ("BytesWritten", "Bytes", bytes),
        ("RecordsWithUnknownFields", "Count", delivered.unknown.rows),
    ];
    if let Some(oldest) = delivered.oldest {
        metrics.push(("OldestEventAgeSeconds", "Seconds", u64::try_from((now - oldest) / 1000).unwrap_or_default()));
    }
    let definitions: Vec<Value> = metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| _ = line.insert(name.to_owned(), value);
    put("timestamp", json!(crate::time::with_millis(now)));
    put("level", json!("INFO"));
    put("message", json!("metrics"));
    put("span", json!({ "requestId": request_id, "xrayTraceId": trace_id }));
    put(DIMENSION, json!(function));
    put(
        "_aws",
        json!({
            "Timestamp": now,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions }],
        }),
    );
    for (name, _, value) in metrics {
        put(name, json!(value));
    }
    Value::Object(line).to_string()
}
