//! The function when things go wrong on the way to S3, and when it is killed: what is acknowledged, lost, written twice.

use crate::engine::command;
use crate::function::{Sink, failures};
use crate::payloads::{bridge, event_id, put_object, sqs, with};
use crate::services::{Answer, Fault, FaultProxy, Function, RuntimeApi, S3Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A function whose requests go through a proxy.
fn sink_behind(hint: &str, settings: &[(&str, &str)]) -> Option<(Sink, FaultProxy)> {
    let proxy = FaultProxy::start(S3Server::shared()?.port());
    let endpoint = proxy.endpoint();
    let settings: Vec<(&str, &str)> =
        settings.iter().copied().chain([("AWS_ENDPOINT_URL_S3", endpoint.as_str())]).collect();
    Some((Sink::start(hint, &settings)?, proxy))
}

/// Messages of one record each, the days of which go round.
fn messages(numbers: std::ops::Range<usize>, days: usize) -> Vec<(String, String)> {
    let record = |number| {
        with(put_object(number), json!({ "eventTime": format!("2026-10-{:02}T08:00:00Z", 1 + number % days) }))
    };
    numbers.map(|number| (format!("m{number}"), bridge(&record(number)).to_string())).collect()
}

fn event_ids(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(event_id).collect()
}

/// What one fault came to.
struct Told {
    fault: &'static str,
    first_failures: usize,
    deliveries: usize,
    puts: usize,
    seconds: f64,
    lost: usize,
    doubled: usize,
}

#[test]
fn faults_on_the_way_to_s3_lose_and_double_nothing() {
    let slow_down = || Fault::Status(503, "SlowDown");
    let many = |fault: fn() -> Fault| (0..40).map(|_| fault()).collect::<Vec<_>>();
    let faults: Vec<(&'static str, Vec<Fault>)> = vec![
        ("none", vec![]),
        ("500 once", vec![Fault::Status(500, "InternalError")]),
        ("503 SlowDown twice", vec![slow_down(), slow_down()]),
        ("503 SlowDown for ever", many(|| Fault::Status(503, "SlowDown"))),
        ("connection reset", vec![Fault::Reset, Fault::Reset]),
        ("closed after the head", vec![Fault::ResetBefore]),
        ("answer lost after the put", vec![Fault::LostAnswer]),
        ("answer lost of each put", many(|| Fault::LostAnswer)),
        (
            "409 conflict",
            vec![Fault::Status(409, "ConditionalRequestConflict"), Fault::Status(409, "ConditionalRequestConflict")],
        ),
        ("412 of all", many(|| Fault::Status(412, "PreconditionFailed"))),
        ("403 once", vec![Fault::Status(403, "AccessDenied")]),
        ("stalled for 8 s", vec![Fault::Stall(Duration::from_secs(8))]),
        (
            "slow answers",
            vec![Fault::SlowAnswer(Duration::from_millis(700)), Fault::SlowAnswer(Duration::from_millis(700))],
        ),
    ];
    let mut table = Vec::new();
    for (name, faults) in faults {
        let Some((sink, proxy)) = sink_behind("faults", &[]) else { return };
        let all = messages(0..20, 2);
        let started = Instant::now();
        let faults_for_ever = faults.len() > 12;
        proxy.script(faults);
        let mut left = all.clone();
        let mut told =
            Told { fault: name, first_failures: 0, deliveries: 0, puts: 0, seconds: 0.0, lost: 0, doubled: 0 };
        while !left.is_empty() {
            let failed: BTreeSet<String> = sink.deliver(&sqs(&left)).into_iter().collect();
            if told.deliveries == 0 {
                told.seconds = started.elapsed().as_secs_f64();
                told.first_failures = failed.len();
                told.puts = proxy.requests().len();
                // From then on there is good weather, where it was bad for ever.
                if faults_for_ever {
                    proxy.script(vec![]);
                }
            }
            told.deliveries += 1;
            assert!(told.deliveries < 5, "{name}: comes again without end");
            left.retain(|(id, _)| failed.contains(id));
        }
        let stored = sink.event_ids();
        let distinct: BTreeSet<&String> = stored.iter().collect();
        told.lost = event_ids(0..20).iter().filter(|id| !distinct.contains(id)).count();
        told.doubled = stored.len() - distinct.len();
        if name == "412 of all" {
            // It said that all is there when nothing was: what the server says is believed.
            assert_eq!((told.lost, told.deliveries), (20, 1));
        } else {
            assert_eq!((told.lost, told.doubled), (0, 0), "{name}");
        }
        assert_eq!(proxy.script_left(), 0, "{name}: the faults have happened");
        table.push(told);
    }
    println!("fault                       failed at first  deliveries  requests  first answer  lost  doubled");
    for told in &table {
        println!(
            "{:<28}{:>14}{:>12}{:>10}{:>12.1} s{:>6}{:>9}",
            told.fault, told.first_failures, told.deliveries, told.puts, told.seconds, told.lost, told.doubled
        );
    }
    let first_failures = |name: &str| table.iter().find(|told| told.fault == name).unwrap().first_failures;
    for retried in [
        "500 once",
        "503 SlowDown twice",
        "connection reset",
        "answer lost after the put",
        "409 conflict",
        "stalled for 8 s",
    ] {
        assert_eq!(first_failures(retried), 0, "{retried}");
    }
    for failed in ["503 SlowDown for ever", "answer lost of each put"] {
        assert_eq!(first_failures(failed), 20, "{failed}");
    }
    assert_eq!(first_failures("403 once"), 10, "no retry helps, and only one partition is concerned");
}

#[test]
fn after_a_long_outage_a_fault_that_passes_is_still_retried() {
    let Some((sink, proxy)) = sink_behind("outage", &[]) else { return };
    proxy.always("", Some(Fault::Status(503, "SlowDown")));
    let all = messages(0..56, 28);
    assert_eq!(sink.deliver(&sqs(&all)).len(), 56);
    assert_eq!(proxy.requests().len(), 28 * 6, "each put is tried six times");
    proxy.always("", None);
    proxy.script(vec![Fault::Status(503, "SlowDown")]);
    assert!(sink.deliver(&sqs(&all)).is_empty());
    assert_eq!(sink.event_ids(), event_ids(0..56));
}

#[test]
fn connections_are_kept_and_a_time_out_of_a_second_is_answered_in_time() {
    let Some((sink, proxy)) = sink_behind("warm", &[]) else { return };
    for number in 0..5 {
        assert!(sink.deliver(&sqs(&messages(number..number + 1, 1))).is_empty());
    }
    assert_eq!(proxy.connections(), 1);
    proxy.always("", Some(Fault::Stall(Duration::from_secs(30))));
    let second = Duration::from_secs(1);
    let Answer::Response(answer) = sink.api.invoke(&sqs(&messages(9..10, 1)), second).wait(second) else { panic!() };
    assert_eq!(failures(&answer), ["m9"]);
}

#[test]
fn only_messages_of_the_partition_that_failed_come_again() {
    let Some((sink, proxy)) = sink_behind("partition", &[]) else { return };
    let mut all = messages(0..12, 3);
    // A message of two records, one of them in the partition that fails; a duplicate of a row of it; garbage.
    let record = |number, day| with(put_object(number), json!({ "eventTime": format!("2026-10-{day:02}T08:00:00Z") }));
    all.push(("both".to_owned(), json!({ "Records": [record(20, 1), record(21, 2)] }).to_string()));
    all.push(("duplicate".to_owned(), all[1].1.clone()));
    all.push(("garbage".to_owned(), "garbage".to_owned()));
    proxy.always("event_date%3D2026-10-02", Some(Fault::Status(403, "AccessDenied")));
    let mut expected: Vec<String> =
        (0..12).filter(|number| number % 3 == 1).map(|number| format!("m{number}")).collect();
    expected.extend(["both".to_owned(), "duplicate".to_owned()]);
    expected.sort_unstable();
    let failed = sink.deliver(&sqs(&all));
    assert_eq!(failed, expected, "{:?}", proxy.requests().iter().map(|request| &request.path).collect::<Vec<_>>());
    assert_eq!(sink.rejected().len(), 1);
    let errors: Vec<Value> = sink.function.logged().into_iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0]["message"].as_str().unwrap().contains("event_date=2026-10-02"), "{}", errors[0]);
    let metrics = &sink.logged("metrics")[0];
    assert!(metrics["RowsWritten"].as_u64() < metrics["RecordsIn"].as_u64(), "what is not written does not balance");

    // And when only rejected lines cannot be kept, only their messages.
    proxy.always("reject_date", Some(Fault::Status(403, "AccessDenied")));
    assert_eq!(sink.deliver(&sqs(&all)), ["garbage"]);
    // A message without an id cannot be named: all comes again.
    let mut event: Value = serde_json::from_slice(&sqs(&all)).unwrap();
    event["Records"][14].as_object_mut().unwrap().remove("messageId");
    assert!(matches!(sink.invoke(event.to_string()), Answer::Error(_)));
}

#[test]
fn an_event_by_itself_that_is_not_stored_is_an_error() {
    let Some((sink, proxy)) = sink_behind("alone", &[]) else { return };
    proxy.always("", Some(Fault::Status(403, "AccessDenied")));
    let payload = bridge(&put_object(1)).to_string();
    let Answer::Error(error) = sink.invoke(&payload) else { panic!("acknowledged") };
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains(&sink.bucket) && message.contains("s3:PutObject"), "{message}");
    let Answer::Error(_) = sink.invoke(json!({ "Records": [put_object(2)] }).to_string()) else { panic!() };
    proxy.always("", None);
    assert!(matches!(sink.invoke(&payload), Answer::Response(_)));
    assert_eq!(sink.event_ids(), [event_id(1)]);
}

#[test]
fn before_the_deadline_unfinished_work_is_reported_as_failed() {
    let Some((sink, proxy)) = sink_behind("deadline", &[]) else { return };
    proxy.always("event_date%3D2026-10-01", Some(Fault::Stall(Duration::from_secs(30))));
    let all = messages(0..6, 2);
    let timeout = Duration::from_secs(5);
    let started = Instant::now();
    let Answer::Response(answer) = sink.api.invoke(&sqs(&all), timeout).wait(timeout) else { panic!("cut off") };
    let took = started.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
    assert_eq!(failures(&answer), ["m0", "m2", "m4"]);
    // The next invocation does not wait for the one before.
    proxy.always("", None);
    let started = Instant::now();
    assert!(sink.deliver(&sqs(&all)).is_empty());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(sink.event_ids(), event_ids(0..6));
}

#[test]
fn the_identical_batch_five_times_and_by_two_functions_at_once_is_the_same_objects() {
    let Some(sink) = Sink::start("again", &[]) else { return };
    let mut all = messages(0..40, 3);
    all.push(("garbage".to_owned(), "garbage".to_owned()));
    assert!(sink.deliver(&sqs(&all)).is_empty());
    let objects = sink.s3.objects(&sink.bucket, "");
    assert_eq!(objects.len(), 4);
    for _ in 0..4 {
        all.reverse();
        assert!(sink.deliver(&sqs(&all)).is_empty());
    }
    assert_eq!(sink.s3.objects(&sink.bucket, ""), objects);

    let bucket = sink.s3.bucket("race");
    let to = format!("s3://{bucket}/lake");
    let functions: Vec<(RuntimeApi, Function)> = (0..2)
        .map(|_| {
            let api = RuntimeApi::start();
            let mut command = command();
            command.envs(sink.s3.environment()).env("TRAILSINK_TO", &to);
            let function = Function::start(&api, command);
            (api, function)
        })
        .collect();
    for round in 0..5 {
        let batch = sqs(&messages(100 * round..100 * round + 30, 3));
        let invocations: Vec<_> = functions.iter().map(|(api, _)| api.invoke(&batch, TIMEOUT)).collect();
        for invocation in invocations {
            let Answer::Response(answer) = invocation.wait(TIMEOUT) else { panic!() };
            assert!(failures(&answer).is_empty());
        }
    }
    assert_eq!(sink.s3.objects(&bucket, "").len(), 15);
    assert_eq!(crate::function::records(sink.s3, &to).len(), 150);
}

#[test]
fn killed_200_times_loses_nothing_and_leaves_nothing_half_written() {
    let Some(s3) = S3Server::shared() else { return };
    let bucket = s3.bucket("killed");
    let to = format!("s3://{bucket}/lake");
    let start = |api: &RuntimeApi| {
        let mut command = command();
        command.envs(s3.environment()).env("TRAILSINK_TO", &to).env("TRAILSINK_LOG_EVENTS", "none");
        Function::start(api, command)
    };
    let batch = |number: usize| sqs(&messages(20 * number..20 * (number + 1), 4));
    let deliver = |number: usize, at_most: Duration| {
        let api = RuntimeApi::start();
        let mut function = start(&api);
        let answer = api.invoke(&batch(number), TIMEOUT).wait(at_most);
        function.kill();
        match answer {
            Answer::Response(answer) => {
                assert!(failures(&answer).is_empty());
                true
            }
            Answer::Nothing => false,
            Answer::Error(error) => panic!("{error}"),
        }
    };
    let timed = || {
        let started = Instant::now();
        assert!(deliver(0, TIMEOUT));
        started.elapsed()
    };
    let whole = [timed(), timed(), timed(), timed()].into_iter().min().unwrap();
    // A batch comes again until it is acknowledged; moments are spread over all that a delivery takes, the start included.
    let (mut number, mut cut) = (1, 0);
    for kill in 0..200 {
        if deliver(number, whole.mul_f64((f64::from(kill) * 0.618_034).fract() * 1.2)) {
            number += 1;
        } else {
            cut += 1;
        }
    }
    assert!(deliver(number, TIMEOUT));
    let stored = crate::function::records(s3, &to);
    let mut ids: Vec<String> = stored.iter().map(|record| record["eventID"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    println!(
        "200 times killed, {cut} of them before the answer ({} ms a delivery): {} rows, none lost, none twice",
        whole.as_millis(),
        ids.len()
    );
    assert!(cut > 20 && number > 5, "{cut} {number}: the moments are not spread");
    assert_eq!(ids, event_ids(0..20 * (number + 1)));
}
