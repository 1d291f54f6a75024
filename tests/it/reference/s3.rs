//! The columns of S3.

use super::derived::resources;
use super::json::{Value, either};
use super::{Cell, Row, put_text, text_of};

/// "all s3_ columns only where eventSource is s3, s3express, s3-outposts or s3-object-lambda
/// `.amazonaws.com`"
pub(super) fn s3(record: &Value, row: &mut Row) {
    let service = text_of(row, "event_source").strip_suffix(".amazonaws.com");
    let services = ["s3", "s3express", "s3-outposts", "s3-object-lambda"];
    if !service.is_some_and(|s| services.contains(&s)) {
        return;
    }
    let request = |name: &str| record.at(&["requestParameters", name]);
    let request_header = |name: &str| any_case(record.at(&["requestParameters"])?, name);
    let response_header = |name: &str| any_case(record.at(&["responseElements"])?, name);
    let header = |name: &str| either(&[response_header(name), request_header(name)]);
    let additional = |name: &str| record.at(&["additionalEventData", name]);
    let version = either(&[request("versionId"), response_header("x-amz-version-id")]);
    let is_bucket = |e: &&Value| e.text_at(&["type"]).as_deref() == Some("AWS::S3::Bucket");
    let bucket = resources(record).and_then(|entries| entries.iter().find(is_bucket));
    #[rustfmt::skip]
    let texts = [
        ("s3_bucket_name", request("bucketName")),
        ("s3_object_key", request("key")),
        ("s3_object_version_id", version),
        ("s3_prefix", request("prefix")),
        ("s3_upload_id", request("uploadId")),
        ("s3_copy_source", request_header("x-amz-copy-source")),
        ("s3_acl", request_header("x-amz-acl")),
        ("s3_sse", header("x-amz-server-side-encryption")),
        ("s3_sse_kms_key_id", header("x-amz-server-side-encryption-aws-kms-key-id")),
        ("s3_sse_applied", additional("SSEApplied")),
        ("s3_authentication_method", additional("AuthenticationMethod")),
        ("s3_signature_version", additional("SignatureVersion")),
        ("s3_bucket_owner_account_id", bucket.and_then(|e| e.at(&["accountId"]))),
    ];
    for (column, value) in texts {
        put_text(row, column, value.and_then(Value::text));
    }
    let numbers = [
        ("s3_bytes_in", additional("bytesTransferredIn")),
        ("s3_bytes_out", additional("bytesTransferredOut")),
        ("s3_object_size", additional("objectSize")),
        ("s3_http_status", additional("httpStatusCode")),
    ];
    for (column, value) in numbers {
        let number = value.and_then(Value::whole);
        row.extend(number.map(|n| (column, Cell::Int(n))));
    }
}

/// "(x-amz-* members here in any letter case)"; of several the first that is filled.
fn any_case<'v, 'a>(object: &'v Value<'a>, name: &str) -> Option<&'v Value<'a>> {
    let named = |key: &[u16]| String::from_utf16(key).is_ok_and(|k| k.eq_ignore_ascii_case(name));
    let found = object.members().iter().filter(|m| named(&m.key) && !m.value.is_null());
    either(&found.map(|m| Some(&m.value)).collect::<Vec<_>>())
}
