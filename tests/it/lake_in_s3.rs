//! The command line with a lake in S3: the same objects as in a folder, and errors that say what to do.

use crate::engine::{command, files, repository, trailsink};
use crate::payloads::{bridge, put_object};
use crate::services::{Fault, FaultProxy, S3Server};
use std::process::Output;

fn run(environment: &[(String, String)], arguments: &[&str]) -> Output {
    command().envs(environment.iter().cloned()).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn convert_writes_the_same_objects_to_a_bucket_as_to_a_folder_and_cat_reads_them() {
    let Some(s3) = S3Server::shared() else { return };
    let bucket = s3.bucket("convert");
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let events = repository("events");
    let events = events.to_str().unwrap();
    assert!(trailsink(&["convert", "--to", lake.to_str().unwrap(), events]).status.success());
    let to = format!("s3://{bucket}/some/prefix");
    let arguments = ["convert", "--to", to.as_str(), "--partition-by", "category,event_date", events];
    for again in [false, true] {
        let output = run(&s3.environment(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let summary = text(&output.stdout);
        assert!(summary.contains("112 records in: 111 rows written"), "{again} {summary}");
        assert!(summary.contains(&format!("{to}/events/category=data/")), "{summary}");
        assert!(!summary.contains("note:"), "{summary}");
    }
    let stored = s3.objects(&bucket, "");
    let stored: Vec<_> = stored.iter().map(|(key, bytes)| (key.as_str(), bytes)).collect();
    let expected = files(&lake);
    let expected: Vec<_> = expected.iter().map(|(key, bytes)| (format!("some/prefix/{key}"), bytes)).collect();
    assert_eq!(stored, expected.iter().map(|(key, bytes)| (key.as_str(), *bytes)).collect::<Vec<_>>());
    // Another run in the same partitions is told of.
    let event = folder.path().join("event.json");
    std::fs::write(&event, std::fs::read(repository("events/lambda/eventbridge-s3-put-object.json")).unwrap()).unwrap();
    let output = run(&s3.environment(), &["convert", "--to", &to, event.to_str().unwrap()]);
    assert!(
        text(&output.stdout).contains("note: 1 partitions hold files of other runs too"),
        "{}",
        text(&output.stdout)
    );

    let local = trailsink(&["cat", lake.to_str().unwrap()]);
    s3.put(&bucket, "some/prefix/_staging/x.parquet", b"no Parquet, and no part of the lake");
    let cat = run(&s3.environment(), &["cat", &to]);
    assert!(cat.status.success(), "{}", text(&cat.stderr));
    let lines = |output: &Output| {
        let mut lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    assert_eq!(lines(&cat), lines(&local));
    // One object, and one that is none of ours.
    let cat = run(&s3.environment(), &["cat", &format!("s3://{bucket}/{}", expected[0].0)]);
    assert!(cat.status.success() && !cat.stdout.is_empty());
    s3.put(&bucket, "some/prefix/broken.parquet", b"no Parquet");
    let cat = run(&s3.environment(), &["cat", &to]);
    assert_eq!(cat.status.code(), Some(1));
    assert!(text(&cat.stderr).contains(&format!("s3://{bucket}/some/prefix/broken.parquet")), "{}", text(&cat.stderr));
    assert_eq!(lines(&cat), lines(&local), "the others are printed all the same");
}

#[test]
fn objects_larger_than_what_is_held_in_memory_arrive_whole() {
    let Some(s3) = S3Server::shared() else { return };
    let bucket = s3.bucket("large");
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("large.jsonl");
    // What does not compress: a file of some megabytes.
    let mut random = 1_u64;
    let mut lines = String::new();
    for number in 0..300 {
        let padding: String = (0..2000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:016x}", random ^ (random >> 29))
            })
            .collect();
        let record = crate::payloads::with(put_object(number), serde_json::json!({ "additionalEventData": padding }));
        lines.push_str(&format!("{}\n", bridge(&record)));
    }
    std::fs::write(&input, lines).unwrap();
    let lake = folder.path().join("lake");
    assert!(trailsink(&["convert", "--to", lake.to_str().unwrap(), input.to_str().unwrap()]).status.success());
    let to = format!("s3://{bucket}");
    let output = run(&s3.environment(), &["convert", "--to", &to, input.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stored = s3.objects(&bucket, "");
    assert!(stored.values().any(|bytes| bytes.len() > 2 << 20));
    assert_eq!(stored, files(&lake));
}

#[test]
fn errors_of_s3_name_the_bucket_and_what_to_do() {
    let Some(s3) = S3Server::shared() else { return };
    let bucket = s3.bucket("errors");
    let events = repository("events/lambda/sqs-batch.json");
    let events = events.to_str().unwrap();
    let to = format!("s3://{bucket}/lake");
    let with = |name: &str, value: &str| {
        let mut environment = s3.environment();
        environment.retain(|(known, _)| known != name);
        environment.push((name.to_owned(), value.to_owned()));
        environment
    };
    let proxy = FaultProxy::start(s3.port());
    let through_proxy = with("AWS_ENDPOINT_URL_S3", &proxy.endpoint());
    let convert = |environment: &[(String, String)], to: &str, said: &[&str]| {
        let output = run(environment, &["convert", "--to", to, events]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        for said in said {
            assert!(errors.contains(said), "{said:?} is not in: {errors}");
        }
        for line in errors.lines() {
            assert!(line.starts_with("trailsink: cannot "), "{line}");
        }
    };
    convert(
        &s3.environment(),
        "s3://no-such-bucket-here/lake",
        &["NoSuchBucket", "there is no bucket 'no-such-bucket-here'", "--to"],
    );
    let permission = format!("s3:PutObject on arn:aws:s3:::{bucket}/lake/*");
    convert(&s3.reader_environment(), &to, &["AccessDenied", &permission]);
    convert(
        &with("AWS_SECRET_ACCESS_KEY", "wrong"),
        &to,
        &["SignatureDoesNotMatch", "S3 does not accept the credentials"],
    );
    convert(&with("AWS_ACCESS_KEY_ID", "nobody"), &to, &["InvalidAccessKeyId", "S3 does not accept the credentials"]);
    for (status, code, said) in [
        (400, "ExpiredToken", "the credentials have expired"),
        (301, "PermanentRedirect", "lies in another region: set AWS_REGION"),
        (503, "SlowDown", "6 tries did not help"),
    ] {
        proxy.always("", Some(Fault::Status(status, code)));
        convert(&through_proxy, &to, &[code, said, &bucket]);
    }
    let mut nobody = s3.environment();
    nobody.retain(|(name, _)| !name.starts_with("AWS_ACCESS") && !name.starts_with("AWS_SECRET"));
    convert(&nobody, &to, &["credentials"]);
    convert(
        &with("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        &to,
        &["check the credentials, AWS_REGION and the network"],
    );
    let cat = run(&s3.environment(), &["cat", "s3://no-such-bucket-here"]);
    assert_eq!(cat.status.code(), Some(1));
    assert!(text(&cat.stderr).contains("there is no bucket 'no-such-bucket-here'"), "{}", text(&cat.stderr));
    assert_eq!(s3.objects(&bucket, "").len(), 0);
}

#[test]
fn puts_are_conditional_and_ask_for_the_key_and_the_owner_that_were_given() {
    let Some(s3) = S3Server::shared() else { return };
    let bucket = s3.bucket("headers");
    let proxy = FaultProxy::start(s3.port());
    // What this server would say to a key it does not know is no matter.
    proxy.always("", Some(Fault::Status(403, "AccessDenied")));
    let mut environment = s3.environment();
    environment.push(("AWS_ENDPOINT_URL_S3".to_owned(), proxy.endpoint()));
    let events = repository("events/lambda/sqs-batch.json");
    let arguments = ["convert", "--to", &format!("s3://{bucket}"), events.to_str().unwrap()];
    let more = ["--kms-key", "alias/lake", "--expected-bucket-owner", "111122223333"];
    let output = run(&environment, &[&arguments[..], &more[..]].concat());
    assert!(
        text(&output.stderr)
            .contains("kms:GenerateDataKey on the key, and the bucket must belong to account 111122223333")
    );
    let with_all = proxy.requests();
    run(&environment, &arguments);
    let plain = &proxy.requests()[with_all.len()..];
    for request in with_all.iter().filter(|request| request.method == "PUT") {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!(header("if-none-match"), Some("*"));
        assert_eq!(header("x-amz-server-side-encryption"), Some("aws:kms"));
        assert_eq!(header("x-amz-server-side-encryption-aws-kms-key-id"), Some("alias/lake"));
        assert_eq!(header("x-amz-server-side-encryption-bucket-key-enabled"), Some("true"));
        assert_eq!(header("x-amz-expected-bucket-owner"), Some("111122223333"));
        assert!(header("x-amz-checksum-crc32").is_some(), "{:?}", request.headers);
        assert!(header("user-agent").is_some_and(|agent| agent.contains("app/trailsink")), "{:?}", request.headers);
    }
    assert!(plain.iter().any(|request| request.method == "PUT"));
    for request in plain {
        let names: Vec<&String> = request.headers.keys().collect();
        assert!(!names.iter().any(|name| name.contains("encryption") || name.contains("owner")), "{names:?}");
    }
}

#[test]
fn wrong_places_are_wrong_usage() {
    for (to, said) in [
        ("s3://", "no name of a bucket"),
        ("s3://UPPER/x", "no name of a bucket"),
        ("gs://bucket", "gs:// is not known"),
        ("s3://bucket/../x", "a prefix is made of names"),
    ] {
        let output = trailsink(&["convert", "--to", to, "events"]);
        assert_eq!(output.status.code(), Some(2), "{to}");
        let errors = text(&output.stderr);
        assert!(errors.contains(said) && errors.lines().count() == 1, "{errors}");
    }
}
