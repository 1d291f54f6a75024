"""What the event patterns of terraform/ match, for tests/terraform.py: fixtures and made-up events, two matchers."""

import copy
import json
import pathlib
import re

from terraform_emulator import ACCOUNT, BUCKET

EVENTS = pathlib.Path(__file__).resolve().parent.parent / "events" / "eventbridge"
OWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/trailsink-function"


def fixtures():
    for path in sorted(EVENTS.iterdir()):
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        for number, line in enumerate(line for line in lines if line.strip()):
            yield f"{path.stem}{f' {number + 1}' if len(lines) > 1 else ''}", json.loads(line)


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def made_events():
    """Events that no fixture has: what the function itself causes, and what is not CloudTrail's."""
    put = event("s3-put-object")
    own = copy.deepcopy(put)
    own["detail"]["requestParameters"] |= {"bucketName": BUCKET, "key": "events/category=data/event_date=2026-10-04/a.parquet"}
    own["detail"]["userIdentity"]["arn"] = f"arn:aws:sts::{ACCOUNT}:assumed-role/trailsink-function/trailsink"
    own["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = OWN_ROLE
    yield "own write", own, False
    person = copy.deepcopy(put)
    person["detail"]["requestParameters"]["bucketName"] = BUCKET
    yield "another's write to the lake", person, True
    alike = copy.deepcopy(own)
    alike["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = OWN_ROLE + "-2"
    yield "a role whose name begins the same", alike, True
    native = {key: put[key] for key in ("version", "id", "account", "time", "region")}
    yield (
        "native Object Created",
        native
        | {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "resources": [f"arn:aws:s3:::{BUCKET}"],
            "detail": {
                "version": "0",
                "bucket": {"name": BUCKET},
                "object": {"key": "k", "size": 1},
                "reason": "PutObject",
            },
        },
        False,
    )
    yield (
        "native EC2 state change",
        native
        | {
            "source": "aws.ec2",
            "detail-type": "EC2 Instance State-change Notification",
            "resources": [],
            "detail": {"instance-id": "i-0a1b2c3d", "state": "running"},
        },
        False,
    )
    yield (
        "native EBS notification",
        native
        | {
            "source": "aws.ec2",
            "detail-type": "EBS Volume Notification",
            "resources": [],
            "detail": {"event": "createVolume"},
        },
        False,
    )


class Matchers:
    """Two matchers of event patterns that share no code."""

    def __init__(self, aws):
        self.aws = aws

    def emulator(self, pattern, event):
        return self.aws.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    @staticmethod
    def moto(pattern, event):
        from moto.events.models import EventPattern

        return EventPattern(pattern, json.loads(pattern)).matches_event(event)


def check_patterns(check, terraform, aws, settings):
    matchers = Matchers(aws)
    ends = lambda e: e["detail-type"].endswith(" via CloudTrail")  # noqa: E731
    # CloudTrail's name of each service's events; Insights come from CloudTrail itself.
    of_source = lambda source: lambda e: ends(e) and e["source"] == source  # noqa: E731

    def narrow(e):
        name, bucket = e["detail"].get("eventName", ""), (e["detail"].get("requestParameters") or {}).get("bucketName")
        return (
            e["source"] == "aws.s3"
            and ends(e)
            and (name == "PutObject" or name.startswith("Delete"))
            and bucket in (None, "acme-lake-raw")
        )

    variants = [
        ("default", [], {"s3": of_source("aws.s3"), "ec2": of_source("aws.ec2")}),
        ("all", ['-var=sources=["*"]'], {"all": ends}),
        (
            "narrow",
            ['-var=event_names={"aws.s3"=["PutObject","Delete*"]}', '-var=buckets=["acme-lake-raw"]'],
            {"s3": narrow, "ec2": of_source("aws.ec2")},
        ),
    ]
    for variant, more, rules in variants:
        result = terraform("console", *settings, *more, input="jsonencode(local.event_patterns)\n")
        try:
            patterns = json.loads(json.loads(result.stdout.strip().splitlines()[-1]))
        except (ValueError, IndexError):
            check(f"patterns, {variant}: can be had", False, result.stdout + result.stderr)
            continue
        check(f"patterns, {variant}: rules", set(patterns) == set(rules), set(patterns))
        check.nothing(
            f"patterns, {variant}: within EventBridge's 2,048 characters",
            {key: len(text) for key, text in patterns.items() if len(text) > 2048},
        )
        events = [(name, e, None) for name, e in fixtures()] + list(made_events())
        wrong, taken = [], 0
        for name, e, allowed in events:
            for key, takes in rules.items():
                expected = bool(takes(e)) and allowed is not False
                got = matchers.emulator(patterns[key], e), matchers.moto(patterns[key], e)
                taken += expected
                if got != (expected, expected):
                    wrong.append((name, key, "expected", expected, "emulator and moto", got))
        check.nothing(
            f"patterns, {variant}: {len(events)} events against {len(rules)} rules by two matchers, {taken} are taken",
            wrong,
        )
        if variant == "default":
            for name, e, allowed in made_events():
                got = any(matchers.emulator(patterns[key], e) for key in rules)
                check(f"patterns: {name} is {'taken' if allowed else 'left out'}", got == allowed)
            for name, e in fixtures():
                got = any(matchers.emulator(patterns[key], e) for key in rules)
                check(
                    f"patterns: {name} is {'taken' if e['source'] in ('aws.s3', 'aws.ec2') else 'left out'}",
                    got == (e["source"] in ("aws.s3", "aws.ec2")),
                )


def changed(e, **members):
    e = copy.deepcopy(e)
    e["detail"] |= members
    return e


def alert_events():
    yield from fixtures()
    put = event("s3-put-object")
    lake = {"bucketName": BUCKET, "key": "events/category=data/event_date=2026-10-04/v1-0.parquet"}
    yield "delete from the lake", changed(put, eventName="DeleteObject", requestParameters=lake)
    yield "put into the lake", changed(put, requestParameters=lake)
    yield (
        "key deletion",
        changed(put, eventSource="kms.amazonaws.com", eventName="ScheduleKeyDeletion", requestParameters={"keyId": "k"})
        | {"source": "aws.kms"},
    )
    opened = event("ec2-authorize-ingress-items")
    yield "opened, refused", changed(opened, errorCode="Client.UnauthorizedOperation", responseElements=None)
    yield (
        "opened to an office",
        changed(
            opened,
            requestParameters={"groupId": "sg-1", "cidrIp": "203.0.113.0/24", "ipProtocol": "tcp", "ipPermissions": {}},
        ),
    )
    closed = event("s3-put-public-access-block")
    blocks = {
        name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    }
    yield (
        "public access blocked",
        changed(closed, requestParameters={"bucketName": "b", "PublicAccessBlockConfiguration": blocks}),
    )


def expected_alerts(name, e):
    """Which alerts an event must cause, said without patterns."""
    detail = e["detail"]
    if "errorCode" in detail or not e["detail-type"].endswith(" via CloudTrail"):
        return set()
    user, call, request = (
        detail.get("userIdentity") or {},
        detail.get("eventName"),
        json.dumps(detail.get("requestParameters") or {}),
    )
    alerts = {
        "root-use": user.get("type") == "Root"
        and "invokedBy" not in user
        and detail.get("readOnly") is False
        and detail["eventType"] != "AwsServiceEvent",
        "bucket-made-public": name
        in ("s3-put-bucket-policy", "s3-put-object-acl-public", "s3-put-public-access-block"),
        "security-group-opened": call in ("AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules")
        and ('"0.0.0.0/0"' in request or '"::/0"' in request),
        "trail-stopped": e["source"] == "aws.cloudtrail" and call == "StopLogging",
        "shared-with-everyone": '"group": "all"' in request
        and call in ("ModifySnapshotAttribute", "ModifyImageAttribute")
        and '"add"' in request,
        "key-disabled": call == "ScheduleKeyDeletion",
        "console-login-without-mfa": call == "ConsoleLogin"
        and (detail.get("additionalEventData") or {}).get("MFAUsed") == "No"
        and (detail.get("responseElements") or {}).get("ConsoleLogin") == "Success"
        and user.get("type") in ("IAMUser", "Root"),
        "lake-changed": name == "delete from the lake",
    }
    return {alert for alert, caused in alerts.items() if caused}


def at(path, e):
    for member in path.removeprefix("$.").split("."):
        e = e.get(member) if isinstance(e, dict) else None
    return e


def check_alerts(check, aws):
    matchers, seen, wrong, empty = Matchers(aws), set(), [], []
    rules = [rule for rule in aws.events.list_rules()["Rules"] if rule["Name"].startswith("trailsink-alert-")]
    check.nothing(
        "alerts: patterns within EventBridge's 2,048 characters",
        [(rule["Name"], len(rule["EventPattern"])) for rule in rules if len(rule["EventPattern"]) > 2048],
    )
    transformers = {
        rule["Name"]: aws.events.list_targets_by_rule(Rule=rule["Name"])["Targets"][0]["InputTransformer"]
        for rule in rules
    }
    events = list(alert_events())
    for name, e in events:
        got = {
            rule["Name"].removeprefix("trailsink-alert-")
            for rule in rules
            if matchers.emulator(rule["EventPattern"], e)
        }
        seen |= got
        if got != expected_alerts(name, e):
            wrong.append((name, "got", got, "expected", expected_alerts(name, e)))
        for alert in got:
            paths = transformers[f"trailsink-alert-{alert}"]["InputPathsMap"]
            empty += [
                (alert, name, path)
                for key, path in paths.items()
                if at(path, e) is None and key in ("who", "event", "time", "id", "account")
            ]
    check.nothing(f"alerts: {len(events)} events, each causes the alerts it must and no other", wrong)
    check(
        "alerts: each was caused by an event",
        {f"trailsink-alert-{alert}" for alert in seen} == {rule["Name"] for rule in rules},
        seen,
    )
    check.nothing("alerts: who, what, when and where are in every event that causes one", empty)
    for name, transformer in transformers.items():
        used = set(re.findall(r"<(\w+)>", transformer["InputTemplate"]))
        check.nothing(f"alerts: {name}: the sentence uses what is there", used - set(transformer["InputPathsMap"]))
