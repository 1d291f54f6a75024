//! What the function is invoked with, made up for tests.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A record of an S3 object that was put, the `number`th; each has an event_id of its own.
pub fn put_object(number: usize) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:uploader",
            "arn": "arn:aws:sts::111122223333:assumed-role/uploads/uploader",
            "accountId": "111122223333",
            "sessionContext": { "sessionIssuer": { "type": "Role", "arn": "arn:aws:iam::111122223333:role/uploads" } },
        },
        "eventTime": "2026-10-08T08:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.10",
        "userAgent": "[aws-cli/2.31.0]",
        "requestParameters": { "bucketName": "acme-uploads", "key": format!("in/{number}.csv") },
        "responseElements": null,
        "eventID": event_id(number),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": false,
        "recipientAccountId": "111122223333",
        "eventCategory": "Data",
    })
}

/// The event_id of the `number`th record.
pub fn event_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A record with some members set to other values.
pub fn with(mut record: Value, members: Value) -> Value {
    let (Value::Object(record_members), Value::Object(members)) = (&mut record, members) else {
        panic!("a record is an object")
    };
    record_members.extend(members);
    record
}

/// An EventBridge event of a record.
pub fn bridge(record: &Value) -> Value {
    json!({
        "version": "0",
        "id": format!("b{}", record["eventID"].as_str().unwrap_or_default()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": "111122223333",
        "time": record["eventTime"],
        "region": "eu-west-1",
        "resources": [],
        "detail": record,
    })
}

/// An SQS event of messages, each an id and a body. What SQS makes anew for each delivery is other each time.
pub fn sqs<I: AsRef<str>, B: ToString>(messages: &[(I, B)]) -> Vec<u8> {
    static DELIVERIES: AtomicUsize = AtomicUsize::new(1);
    let delivery = DELIVERIES.fetch_add(1, Ordering::Relaxed);
    let message = |(id, body): &(I, B)| {
        json!({
            "messageId": id.as_ref(),
            "receiptHandle": format!("AQEBexample{delivery}"),
            "body": body.to_string(),
            "attributes": { "ApproximateReceiveCount": delivery.to_string(), "SentTimestamp": "1791446400000" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:trailsink",
            "awsRegion": "eu-west-1",
        })
    };
    json!({ "Records": messages.iter().map(message).collect::<Vec<_>>() }).to_string().into_bytes()
}
