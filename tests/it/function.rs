//! The function as a process, with a real S3 server behind it: what comes in which way, what is acknowledged, what is logged.

use crate::engine::{command, repository, trailsink};
use crate::payloads::{bridge, event_id, put_object, sqs, with};
use crate::services::{Answer, Function, RuntimeApi, S3Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The function's time-out, and how long a test waits for an answer at the most.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A function that writes to a bucket of its own.
pub struct Sink {
    pub s3: &'static S3Server,
    pub bucket: String,
    pub api: RuntimeApi,
    pub function: Function,
}

impl Sink {
    /// Starts a function; None, said so, where there is no S3 server.
    pub fn start(hint: &str, settings: &[(&str, &str)]) -> Option<Sink> {
        let s3 = S3Server::shared()?;
        let bucket = s3.bucket(hint);
        let to = format!("s3://{bucket}/lake");
        let mut environment = s3.environment();
        environment.push(("TRAILSINK_TO".to_owned(), to));
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let api = RuntimeApi::start();
        let mut command = command();
        command.envs(environment);
        let function = Function::start(&api, command);
        Some(Sink { s3, bucket, api, function })
    }

    /// Invokes it and waits for the answer, and for the last line that it logs before that.
    pub fn invoke(&self, payload: impl AsRef<[u8]>) -> Answer {
        let invocation = self.api.invoke(payload.as_ref(), TIMEOUT);
        let request_id = invocation.request_id.clone();
        let answer = invocation.wait(TIMEOUT);
        let last = |line: &String| line.contains("CloudWatchMetrics") && line.contains(&request_id);
        for _ in 0..1000 {
            if self.function.lines().iter().any(last) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{answer:?}, and no metrics: {}", self.function.lines().join("\n"));
    }

    /// Invokes it with an SQS event; gives the ids of the messages that it wants again.
    pub fn deliver(&self, payload: &[u8]) -> Vec<String> {
        match self.invoke(payload) {
            Answer::Response(answer) => failures(&answer),
            other => panic!("{other:?}\n{}", self.function.lines().join("\n")),
        }
    }

    /// The records in its lake, by `cat`, as JSON.
    pub fn records(&self) -> Vec<Value> {
        records(self.s3, &format!("s3://{}/lake", self.bucket))
    }

    /// The event_ids of the rows in its lake, in order.
    pub fn event_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.records().iter().map(|record| record["eventID"].as_str().unwrap_or_default().to_owned()).collect();
        ids.sort_unstable();
        ids
    }

    /// The rejected lines in its lake.
    pub fn rejected(&self) -> Vec<Value> {
        let files = self.s3.objects(&self.bucket, "lake/rejected/").into_values();
        let lines: Vec<Vec<u8>> =
            files.flat_map(|file| file.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()).collect();
        lines.iter().filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    /// Lines that it logged with a message.
    pub fn logged(&self, message: &str) -> Vec<Value> {
        self.function.logged().into_iter().filter(|line| line["message"] == message).collect()
    }
}

/// The ids in an answer to an SQS event, in order.
pub fn failures(answer: &Value) -> Vec<String> {
    let items = answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut ids: Vec<String> = items.iter().map(|item| item["itemIdentifier"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// The records of a lake in S3.
pub fn records(s3: &S3Server, lake: &str) -> Vec<Value> {
    let output = command().args(["cat", lake]).envs(s3.environment()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event_ids(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(event_id).collect()
}

#[test]
fn fixtures_come_in_each_way_and_lie_in_the_lake_as_convert_would_write_them() {
    let Some(sink) = Sink::start("ways-in", &[]) else { return };
    let local = tempfile::tempdir().unwrap();
    for (file, rows) in [
        ("eventbridge-s3-put-object.json", Some(1)),
        ("eventbridge-ec2-run-instances.json", Some(1)),
        ("records.json", Some(3)),
        ("sqs-batch.json", None),
        ("sqs-s3-test-event.json", None),
    ] {
        let path = repository("events/lambda").join(file);
        let Answer::Response(answer) = sink.invoke(std::fs::read(&path).unwrap()) else { panic!("{file}") };
        match rows {
            Some(rows) => {
                assert_eq!(answer["rows_written"], rows, "{file}");
                assert_eq!(answer["records_in"], rows, "{file}");
                assert!(answer["files"].as_array().is_some_and(|files| !files.is_empty()), "{file}");
            }
            None => assert_eq!(answer, json!({ "batchItemFailures": [] }), "{file}"),
        }
        let lake = local.path().join("lake");
        assert!(trailsink(&["convert", "--to", lake.to_str().unwrap(), path.to_str().unwrap()]).status.success());
    }
    let written = crate::engine::files(&local.path().join("lake"));
    let stored = sink.s3.objects(&sink.bucket, "lake/");
    let stored: Vec<_> = stored.iter().map(|(key, bytes)| (key.strip_prefix("lake/").unwrap(), bytes)).collect();
    assert_eq!(stored, written.iter().map(|(key, bytes)| (key.as_str(), bytes)).collect::<Vec<_>>());
    assert_eq!(sink.records().len(), 10);
    let filtered: u64 = sink.logged("metrics").iter().map(|line| line["Filtered"].as_u64().unwrap()).sum();
    assert_eq!(filtered, 1);
}

#[test]
fn seventy_uploads_are_seventy_rows_and_seventy_log_lines_both_ways() {
    let expected = event_ids(0..70);
    let events: Vec<Value> = (0..70).map(|number| bridge(&put_object(number))).collect();
    let line_ids = |sink: &Sink| {
        let mut ids: Vec<String> =
            sink.logged("event").iter().map(|line| line["event_id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        ids
    };
    let Some(direct) = Sink::start("direct", &[]) else { return };
    for event in &events {
        let Answer::Response(answer) = direct.invoke(event.to_string()) else { panic!() };
        assert_eq!((&answer["rows_written"], &answer["rejected"]), (&json!(1), &json!(0)));
    }
    assert_eq!(direct.event_ids(), expected);
    assert_eq!(line_ids(&direct), expected);

    let Some(queued) = Sink::start("queued", &[]) else { return };
    let messages: Vec<(String, &Value)> = (0..70).map(|number| format!("m{number}")).zip(&events).collect();
    assert!(queued.deliver(&sqs(&messages)).is_empty());
    assert_eq!(queued.event_ids(), expected);
    assert_eq!(line_ids(&queued), expected);
    assert_eq!(queued.s3.objects(&queued.bucket, "").len(), 1, "one file per partition");
}

#[test]
fn a_bad_body_costs_only_itself_and_is_kept() {
    let Some(sink) = Sink::start("bodies", &[]) else { return };
    let good = |number| bridge(&put_object(number)).to_string();
    let scheduled = json!({
        "version": "0", "id": "s", "detail-type": "Scheduled Event", "source": "aws.events", "account": "111122223333",
        "time": "2026-10-08T08:00:00Z", "region": "eu-west-1", "resources": [], "detail": {},
    });
    let other = with(scheduled.clone(), json!({ "detail-type": "Object Created", "source": "aws.s3" }));
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "acme" });
    let messages = [
        ("good-1", good(1)),
        ("not-json", "}{ not JSON".to_owned()),
        ("empty", String::new()),
        ("null", "null".to_owned()),
        ("text", "\"text\"".to_owned()),
        ("scheduled", scheduled.to_string()),
        ("object-created", other.to_string()),
        ("no-records", r#"{"Records":[]}"#.to_owned()),
        ("no-time", bridge(&with(put_object(9), json!({ "eventTime": "yesterday" }))).to_string()),
        ("cut", good(8)[..200].to_owned()),
        ("test-event", test_event.to_string()),
        ("good-2", good(2)),
    ];
    let mut event: Value = serde_json::from_slice(&sqs(&messages)).unwrap();
    // A body that is null, none at all, and messages without an id.
    let records = event["Records"].as_array_mut().unwrap();
    let mut more = records[0].clone();
    more["messageId"] = json!("null-body");
    more["body"] = Value::Null;
    records.push(more.clone());
    more.as_object_mut().unwrap().remove("body");
    more["messageId"] = json!("no-body");
    records.push(more.clone());
    more.as_object_mut().unwrap().remove("messageId");
    more["body"] = json!(good(3));
    records.push(more.clone());
    more["body"] = json!("no JSON, no id");
    records.push(more);
    assert_eq!(
        sink.deliver(event.to_string().as_bytes()),
        Vec::<String>::new(),
        "all that was bad is kept as rejected"
    );
    assert_eq!(sink.event_ids(), event_ids(1..4));
    let rejected = sink.rejected();
    let reasons: BTreeSet<(&str, &str)> =
        rejected.iter().map(|line| (line["source"].as_str().unwrap(), line["reason"].as_str().unwrap())).collect();
    let expected = [
        ("not-json", "invalid_json"),
        ("empty", "invalid_json"),
        ("null", "not_an_object"),
        ("text", "not_an_object"),
        ("scheduled", "not_cloudtrail"),
        ("object-created", "not_cloudtrail"),
        ("no-records", "not_cloudtrail"),
        ("no-time", "invalid_event_time"),
        ("cut", "truncated"),
        ("null-body", "invalid_json"),
        ("no-body", "invalid_json"),
        ("invocation:1", "invalid_json"),
    ];
    assert_eq!(reasons, expected.into_iter().collect());
    assert_eq!(rejected.len(), expected.len());
    let metrics = &sink.logged("metrics")[0];
    let count = |name: &str| metrics[name].as_u64().unwrap();
    assert_eq!((count("RecordsIn"), count("RowsWritten"), count("Filtered"), count("Rejected")), (16, 3, 1, 12));
}

#[test]
fn an_event_that_is_none_is_kept_with_its_reason_or_filtered() {
    let Some(sink) = Sink::start("alone", &[]) else { return };
    for (payload, counts) in [
        (r#"{"version":"0","detail-type":"Scheduled Event","time":"2026-10-08T08:00:00Z","detail":{}}"#, [1, 0, 0, 1]),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, [1, 0, 1, 0]),
        ("null", [1, 0, 0, 1]),
        ("7", [1, 0, 0, 1]),
        ("{}", [1, 0, 0, 1]),
        (r#"{"CloudTrailEvent":"[]"}"#, [1, 0, 0, 1]),
    ] {
        let Answer::Response(answer) = sink.invoke(payload) else { panic!("{payload}") };
        let found = ["records_in", "rows_written", "filtered", "rejected"].map(|name| answer[name].as_u64().unwrap());
        assert_eq!(found, counts, "{payload}");
    }
    assert_eq!(sink.invoke(r#"{"Records":[]}"#), Answer::Response(json!({ "batchItemFailures": [] })));
    assert_eq!(sink.rejected().len(), 5);
}

#[test]
fn large_records_and_a_batch_of_6_mb() {
    let Some(sink) = Sink::start("large", &[]) else { return };
    let large =
        |number, bytes| with(put_object(number), json!({ "additionalEventData": { "padding": "x".repeat(bytes) } }));
    let Answer::Response(answer) = sink.invoke(bridge(&large(0, 256 << 10)).to_string()) else { panic!() };
    assert_eq!(answer["rows_written"], 1);
    let messages = [("a", bridge(&large(1, 1 << 20)).to_string()), ("b", bridge(&put_object(2)).to_string())];
    assert!(sink.deliver(&sqs(&messages)).is_empty());
    let messages: Vec<(String, String)> =
        (3..).map(|number| (format!("m{number}"), bridge(&put_object(number)).to_string())).take(4700).collect();
    let payload = sqs(&messages);
    assert!(payload.len() > 6 << 20, "{}", payload.len());
    assert!(sink.deliver(&payload).is_empty());
    assert_eq!(sink.event_ids(), event_ids(0..4703));
}

#[test]
fn own_writes_make_no_rows_and_those_of_people_do() {
    let role = "arn:aws:iam::111122223333:role/sink-role";
    let own = |bucket: &str, number| {
        with(
            put_object(number),
            json!({
                "userIdentity": {
                    "type": "AssumedRole",
                    "arn": "arn:aws:sts::111122223333:assumed-role/sink-role/trailsink",
                    "accountId": "111122223333",
                    "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role, "accountId": "111122223333" } },
                },
                "requestParameters": { "bucketName": bucket, "key": "lake/events/category=data/x.parquet" },
            }),
        )
    };
    let person = |bucket: &str, number| {
        with(put_object(number), json!({ "requestParameters": { "bucketName": bucket, "key": "lake/events/x" } }))
    };
    for settings in [&[][..], &[("TRAILSINK_OWN_ROLE", role)]] {
        let Some(sink) = Sink::start("own", settings) else { return };
        let lake = sink.bucket.as_str();
        let denied = with(own(lake, 2), json!({ "errorCode": "AccessDenied" }));
        let read = with(own(lake, 3), json!({ "eventName": "GetObject" }));
        let records = [
            own(lake, 1),
            denied,
            read,
            own("acme-other", 4),
            person(lake, 5),
            with(person(lake, 6), json!({ "eventName": "GetObject" })),
        ];
        let messages: Vec<(String, Value)> =
            records.iter().enumerate().map(|(number, record)| (format!("m{number}"), bridge(record))).collect();
        assert!(sink.deliver(&sqs(&messages)).is_empty());
        assert_eq!(sink.event_ids(), event_ids(3..7));
        assert_eq!(sink.logged("metrics")[0]["Filtered"], 2);
        let Answer::Response(answer) = sink.invoke(bridge(&own(lake, 7)).to_string()) else { panic!() };
        assert_eq!((&answer["filtered"], &answer["rows_written"]), (&json!(1), &json!(0)));
        // Whoever only names a session like the function is not the role.
        let pretender = with(
            own(lake, 8),
            json!({ "userIdentity": {
                "type": "AssumedRole",
                "arn": "arn:aws:sts::111122223333:assumed-role/other/trailsink",
                "sessionContext": { "sessionIssuer": { "type": "Role", "arn": "arn:aws:iam::111122223333:role/other" } },
            } }),
        );
        let Answer::Response(answer) = sink.invoke(bridge(&pretender).to_string()) else { panic!() };
        assert_eq!(answer["rows_written"], if settings.is_empty() { 0 } else { 1 });
    }
}

#[test]
fn every_log_line_says_when_how_grave_what_and_for_which_request() {
    let Some(sink) = Sink::start("logs", &[]) else { return };
    let forged = "x\"}\n{\"timestamp\":\"2020-01-01T00:00:00Z\",\"level\":\"ERROR\",\"message\":\"forged\"}\r\u{1b}[31m\u{0}\u{2028}";
    let record = with(
        put_object(1),
        json!({
            "eventName": forged, "errorCode": forged, "userAgent": forged, "sourceIPAddress": forged,
            "requestParameters": { "bucketName": forged, "key": forged, "instanceId": "i-0123456789abcdef0" },
            forged: 1, "newThing": { "a": 1 }, "eventVersion": "1.12",
        }),
    );
    let newer = with(put_object(2), json!({ "newThing": 2, "userIdentity": { "type": "Root", "newName": "x" } }));
    let messages = [
        ("m1", bridge(&record).to_string()),
        ("m2", bridge(&newer).to_string()),
        ("m3", forged.to_owned()),
        ("m4", bridge(&put_object(3)).to_string()),
    ];
    assert_eq!(sink.deliver(&sqs(&messages)), Vec::<String>::new());
    let lines = sink.function.logged();
    let request_id = "00000000-0000-4000-8000-000000000001";
    for line in &lines {
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(["INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(line["message"].is_string(), "{line}");
        assert_ne!(line["message"], "forged");
        let ids = &line["span"];
        assert_eq!(ids["requestId"], request_id, "{line}");
        assert!(ids["xrayTraceId"].as_str().is_some_and(|id| id.starts_with("Root=")), "{line}");
    }
    let (_, secret) = sink.s3.credentials();
    assert!(sink.function.lines().iter().all(|line| !line.contains(secret)), "a secret is in the log");
    assert!(sink.function.error_lines().is_empty(), "{:?}", sink.function.error_lines());
    assert_eq!(sink.logged("event").len(), 3);
    assert_eq!(sink.logged("event")[0].as_object().unwrap().keys().filter(|key| *key == "timestamp").count(), 1);
    assert_eq!(json!(sink.logged("rejected").len()), sink.logged("metrics")[0]["Rejected"]);
    let unknown = |sink: &Sink| {
        let warned = sink.logged("unknown to this version, kept in the column unmapped");
        let mut names: Vec<String> = warned.iter().map(|line| format!("{} {}", line["what"], line["name"])).collect();
        names.sort_unstable();
        names
    };
    let expected = [
        "\"eventVersion\" \"1.12\"".to_owned(),
        "\"field\" \"newThing\"".to_owned(),
        "\"field\" \"userIdentity.newName\"".to_owned(),
        format!("\"field\" {}", json!(forged)),
    ];
    assert_eq!(unknown(&sink), expected);
    assert_eq!(sink.logged("metrics")[0]["RecordsWithUnknownFields"], 2);
    // Once in the life of the process.
    assert!(sink.deliver(&sqs(&[("m5", bridge(&newer))])).is_empty());
    assert_eq!(unknown(&sink), expected);
}

#[test]
fn warnings_of_what_is_unknown_are_bounded() {
    let Some(sink) = Sink::start("unknown", &[("TRAILSINK_LOG_EVENTS", "none")]) else { return };
    for round in 0..3 {
        let members: serde_json::Map<String, Value> =
            (0..150).map(|number| (format!("field{round}x{number}{}", "y".repeat(300)), json!(1))).collect();
        let record = with(put_object(round), Value::Object(members));
        assert!(sink.deliver(&sqs(&[("m", bridge(&record))])).is_empty());
    }
    let lines = sink.function.logged();
    let warnings: Vec<&Value> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 101, "a hundred names, and that there are more");
    assert!(warnings.iter().all(|line| line.to_string().len() < 700));
    assert_eq!(sink.logged("event").len(), 0);
}

#[test]
fn metrics_are_in_the_embedded_format_and_balance() {
    let Some(sink) = Sink::start("metrics", &[]) else { return };
    let twice = bridge(&put_object(1));
    let messages = [
        ("m1", twice.to_string()),
        ("m2", twice.to_string()),
        ("m3", "garbage".to_owned()),
        ("m4", r#"{"Event":"s3:TestEvent"}"#.to_owned()),
        ("m5", bridge(&with(put_object(2), json!({ "eventTime": "2026-10-01T00:00:00Z" }))).to_string()),
    ];
    assert!(sink.deliver(&sqs(&messages)).is_empty());
    let line = &sink.logged("metrics")[0];
    let definition = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(definition["Namespace"], "trailsink");
    assert_eq!(definition["Dimensions"], json!([["FunctionName"]]));
    assert_eq!(line["FunctionName"], "trailsink");
    let names: Vec<&str> =
        definition["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "RecordsIn",
            "RowsWritten",
            "Duplicates",
            "Filtered",
            "Rejected",
            "FilesWritten",
            "BytesWritten",
            "RecordsWithUnknownFields",
            "OldestEventAgeSeconds"
        ]
    );
    let values: Vec<u64> = names.iter().map(|name| line[*name].as_u64().unwrap()).collect();
    assert_eq!(values[..6], [5, 2, 1, 1, 1, 2]);
    let stored: usize = sink.s3.objects(&sink.bucket, "lake/events/").values().map(Vec::len).sum();
    assert_eq!(values[6], stored as u64);
    let summary = &sink.logged("summary")[0];
    assert_eq!(summary["records_in"], 5);
    assert_eq!(summary["to_come_again"], 0);
}

#[test]
fn settings_that_cannot_be_used_end_the_function_with_a_reason() {
    for (name, value, said) in [
        ("TRAILSINK_TO", "s3://Not_A_Bucket", "no name of a bucket"),
        ("TRAILSINK_PARTITION_BY", "category", "event_date must be in the list"),
        ("TRAILSINK_OWN_ROLE", "sink-role", "not the ARN of a role"),
        ("TRAILSINK_EXPECTED_BUCKET_OWNER", "acme", "12 digits"),
        ("TRAILSINK_TO", "/proc/nothing", "cannot write"),
    ] {
        let api = RuntimeApi::start();
        let mut command = command();
        command.env(name, value);
        let mut function = Function::start(&api, command);
        let status = function.ended(TIMEOUT).unwrap();
        assert!(!status.success(), "{name}");
        let told = function.logged();
        let message = told.last().and_then(|line| line["message"].as_str()).unwrap_or_default();
        assert!(message.contains(said), "{name}: {told:?}");
        assert!(function.error_lines().is_empty(), "{:?}", function.error_lines());
    }
}

#[test]
fn settings_that_are_there_and_empty_are_not_given() {
    let empty = ["TRAILSINK_KMS_KEY", "TRAILSINK_OWN_ROLE", "TRAILSINK_EXPECTED_BUCKET_OWNER"].map(|name| (name, ""));
    let Some(sink) = Sink::start("empty", &empty) else { return };
    let failed = sink.deliver(&sqs(&[("m", bridge(&put_object(1)))]));
    assert!(failed.is_empty(), "{}", sink.function.lines().join("\n"));
}

#[test]
fn a_deadline_that_is_past_is_none() {
    let Some(sink) = Sink::start("past", &[]) else { return };
    let invocation = sink.api.invoke(bridge(&put_object(1)).to_string().as_bytes(), Duration::ZERO);
    assert!(matches!(invocation.wait(TIMEOUT), Answer::Response(_)), "local tools tell of deadlines in 1970");
    assert_eq!(sink.event_ids(), event_ids(1..2));
}

#[test]
fn outside_of_lambda_the_command_says_so() {
    let output = trailsink(&["lambda"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("AWS_LAMBDA_RUNTIME_API is not set"));
}

#[test]
fn log_lines_are_bounded() {
    let Some(sink) = Sink::start("long", &[]) else { return };
    let ids: Vec<String> = (0..500).map(|number| format!("i-{number:017x}")).collect();
    let record = with(
        put_object(1),
        json!({ "errorCode": "é".repeat(300_000), "requestParameters": { "key": "k".repeat(100_000), "ids": ids } }),
    );
    assert!(sink.deliver(&sqs(&[("m", bridge(&record))])).is_empty());
    let lines = sink.function.lines();
    assert!(lines.iter().all(|line| line.len() < 8192), "{:?}", lines.iter().map(String::len).collect::<Vec<_>>());
    assert!(sink.logged("event")[0]["error_code"].as_str().is_some_and(|code| code.ends_with("é…")));
}

#[test]
fn a_folder_does_as_a_lake_for_the_function_too() {
    let folder = tempfile::tempdir().unwrap();
    let api = RuntimeApi::start();
    let mut command = command();
    command.env("TRAILSINK_TO", folder.path().join("lake")).arg("lambda");
    let _function = Function::start(&api, command);
    let answer = api.invoke(bridge(&put_object(1)).to_string().as_bytes(), TIMEOUT).wait(TIMEOUT);
    assert!(matches!(answer, Answer::Response(_)), "{answer:?}");
    assert_eq!(crate::engine::cat(&folder.path().join("lake")).len(), 1);
}
