#!/usr/bin/env python3
"""Checks what trailsink writes with readers that did not write it: DuckDB and PyArrow.

    python -m pip install -r tests/requirements.txt
    python tests/readers.py --trailsink target/release/trailsink [--events events.jsonl]

A sample of 5,000 made-up events is converted and compared with columns computed here from the same JSON. A large input
(`--events`, best 200,000 events of one day; without it as many are made here) shows how much of a file a query for a needle
can skip. One line a check; the last line counts them; the exit status is 1 if one failed.
"""

import argparse
import base64
import collections
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import traceback

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

UTC = datetime.timezone.utc
SAMPLE = 5_000
LARGE = 200_000
LEADING = ["event_source", "event_name", "event_time", "event_id"]
ARROW_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "timestamp": pa.timestamp("ms", "UTC"),
    "array<string>": pa.list_(pa.string()),
}
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "bigint": "BIGINT",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "array<string>": "VARCHAR[]",
}
# Columns that queries filter by, in every file; repetitive ones; and those in which no value comes twice.
WITH_STATISTICS = ["event_time", "event_name", "event_source", "event_id", "aws_region", "user_arn", "s3_bucket_name"]
WITH_DICTIONARY = ["event_name", "event_source", "aws_region", "event_type", "user_type", "outcome"]
WITHOUT_DICTIONARY = ["event_id", "request_id", "request_parameters", "response_elements", "bridge_event_id"]
PARTITIONS = ("category", "event_date", "account_id", "region")


class Checks:
    """Prints one line for each check and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, ok, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        text = str(detail)
        text = text if len(text) <= 600 else text[:600] + " ..."
        print(f"{'ok    ' if ok else 'FAILED'} {name}{': ' + text if text else ''}", flush=True)

    def nothing(self, name, problems, detail=""):
        """A check that passes if a list of problems is empty."""
        shown = "; ".join(map(str, problems[:3]))
        self(name, not problems, f"{len(problems)} problems, such as {shown}" if problems else detail)

    @contextlib.contextmanager
    def group(self, name):
        """Checks of which an exception fails one, and not the rest of the program."""
        try:
            yield
        except Exception:  # every reader raises its own kinds
            self(name, False, traceback.format_exc(limit=-3).strip().replace("\n", " | "))


# --- Made-up events ---------------------------------------------------------------------------------------------------

DAY = datetime.datetime(2026, 10, 1, tzinfo=UTC)
ACCOUNTS = ["111122223333", "444455556666", "777788889999"]
REGIONS = ["eu-west-1", "us-east-1", "eu-central-1"]


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def hex_id(rng, prefix, digits=17):
    return f"{prefix}-{rng.getrandbits(4 * digits):0{digits}x}"


def access_key(rng, prefix="ASIA"):
    return prefix + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def uuid(rng):
    bits = f"{rng.getrandbits(128):032x}"
    return "-".join((bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]))


def identity(rng, account, time):
    number = min(int(rng.expovariate(0.1)), 60)
    kind = number % 6
    if kind == 1:
        return {"type": "IAMUser", "principalId": f"AIDAEXAMPLEUSERID{number:04}", "accountId": account,
                "arn": f"arn:aws:iam::{account}:user/dana{number}", "accessKeyId": f"AKIAEXAMPLEKEY00{number:04}",
                "userName": f"dana{number}"}
    if kind == 2:
        return {"type": "AWSService", "invokedBy": "config.amazonaws.com"}
    if kind == 3 and rng.random() < 0.2:
        return {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account,
                "accessKeyId": "", "sessionContext": {"webIdFederationData": {}, "attributes": {
                    "creationDate": iso(time), "mfaAuthenticated": "true"}}}
    role, session = f"role-{number}", f"session-{number}"
    return {
        "type": "AssumedRole", "principalId": f"AROAEXAMPLEROLEID{number:04}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "accountId": account,
        "accessKeyId": f"ASIAEXAMPLEKEY00{number:04}",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": f"AROAEXAMPLEROLEID{number:04}", "accountId": account,
                              "arn": f"arn:aws:iam::{account}:role/{role}", "userName": role},
            "attributes": {"creationDate": iso(time - datetime.timedelta(minutes=number)),
                           "mfaAuthenticated": rng.choice(["false", "true"])}}}


def s3_event(rng, record):
    bucket, key = f"bucket-{int(rng.expovariate(0.2))}", f"in/{rng.getrandbits(40):010x}/r\u00e9sum\u00e9 \"a\".csv"
    account, name = record["recipientAccountId"], rng.choices(
        ["GetObject", "PutObject", "DeleteObjects", "ListObjects", "CopyObject", "PutBucketPolicy", "GetBucketAcl"],
        [50, 30, 3, 10, 3, 1, 3])[0]
    on_bucket = name in ("PutBucketPolicy", "GetBucketAcl")
    reads = name in ("GetObject", "ListObjects", "GetBucketAcl")
    request = {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com"}
    bucket_entry = {"accountId": account, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}
    object_entry = {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"}
    extra = {"SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader", "httpStatusCode": 200,
             "bytesTransferredIn": 0, "bytesTransferredOut": rng.choice([7, 7.0, "7", 123456789]),
             "x-amz-id-2": base64.b64encode(rng.randbytes(57)).decode()}
    response = None
    if name in ("GetObject", "PutObject", "CopyObject"):
        request["key"] = key
        extra["objectSize"] = rng.randrange(1 << 32)
    if name == "ListObjects":
        request |= {"list-type": "2", "prefix": "in/"}
        object_entry = {"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{bucket}/"}
    if name in ("PutObject", "CopyObject"):
        response = {"x-amz-server-side-encryption": "AES256", "x-amz-version-id": f"v{rng.getrandbits(64):x}"}
        extra["SSEApplied"] = "Default_SSE_S3"
    if name == "CopyObject":
        request["X-Amz-Copy-Source"] = f"{bucket}/old.csv"
    if name == "PutBucketPolicy":
        request["bucketPolicy"] = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:role/reader"}, "Action": "s3:GetObject",
             "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.20}}}]}
    record |= {"eventSource": "s3.amazonaws.com", "eventName": name, "requestParameters": request,
               "responseElements": response, "additionalEventData": extra, "readOnly": reads,
               "resources": [bucket_entry] if on_bucket else [bucket_entry, object_entry],
               "managementEvent": on_bucket, "eventCategory": "Management" if on_bucket else "Data"}
    if name == "GetObject" and rng.random() < 0.1:
        record |= {"errorCode": "AccessDenied", "errorMessage": f"not authorized for arn:aws:s3:::{bucket}"}


def ec2_event(rng, record):
    name = rng.choices(["DescribeInstances", "RunInstances", "StopInstances", "AuthorizeSecurityGroupIngress",
                        "ModifySnapshotAttribute", "DeleteFlowLogs", "CreateVolume"], [50, 10, 10, 8, 4, 2, 6])[0]
    instance, group, image = hex_id(rng, "i"), hex_id(rng, "sg", 8), hex_id(rng, "ami")
    request, response = {"instancesSet": {}, "filterSet": {}}, None
    if name == "RunInstances":
        request = {"instancesSet": {"items": [{"imageId": image, "minCount": 1, "maxCount": 2, "keyName": "ops"}]},
                   "instanceType": "m7g.large", "groupSet": {"items": [{"groupId": group}]}, "blockDeviceMapping": {},
                   "userData": "<sensitiveDataRemoved>"}
        response = {"requestId": uuid(rng), "instancesSet": {"items": [
            {"instanceId": i, "imageId": image, "instanceState": {"code": 0, "name": "pending"},
             "instanceType": "m7g.large", "launchTime": 1790812800000, "groupSet": {"items": [{"groupId": group}]},
             "privateIpAddress": "10.0.0.9",
             "networkInterfaceSet": {"items": [{"networkInterfaceId": hex_id(rng, "eni")}]}}
            for i in (instance, hex_id(rng, "i"))]}}
    elif name == "StopInstances":
        request = {"instancesSet": {"items": [{"instanceId": instance}]}, "force": False}
        response = {"instancesSet": {"items": [{"instanceId": instance, "currentState": {"code": 64, "name": "stopping"},
                                                "previousState": {"code": 16, "name": "running"}}]}}
    elif name == "AuthorizeSecurityGroupIngress" and rng.random() < 0.5:
        request = {"groupId": group, "ipPermissions": {}, "cidrIp": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 22,
                   "toPort": 22}
        response = {"_return": True}
    elif name == "AuthorizeSecurityGroupIngress":
        request = {"groupId": group, "ipPermissions": {"items": [
            {"ipProtocol": "tcp", "fromPort": 443, "toPort": 444, "groups": {},
             "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}, {"cidrIp": "192.0.2.0/24"}]},
             "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}, "prefixListIds": {}},
            {"ipProtocol": "-1", "groups": {"items": [{"groupId": "sg-0a1b2c3d", "userId": "111122223333"}]},
             "ipRanges": {}, "ipv6Ranges": {}, "prefixListIds": {}}]}}
        response = {"_return": True}
    elif name == "ModifySnapshotAttribute":
        request = {"snapshotId": hex_id(rng, "snap"), "attributeType": "CREATE_VOLUME_PERMISSION",
                   "createVolumePermission": {"add": {"items": [{"userId": "999988887777"}, {"group": "all"}]}}}
        response = {"_return": True}
    elif name == "DeleteFlowLogs":
        request = {"DeleteFlowLogsRequest": {"FlowLogId": {"content": hex_id(rng, "fl"), "tag": 1}}}
        response = {"DeleteFlowLogsResponse": {"requestId": uuid(rng), "unsuccessful": ""}}
    elif name == "CreateVolume":
        request = {"size": "100", "zone": record["awsRegion"] + "a", "encrypted": True}
        response = {"volumeId": hex_id(rng, "vol"), "size": "100", "iops": 3000}
    record |= {"eventSource": "ec2.amazonaws.com", "eventName": name, "requestParameters": request,
               "responseElements": response, "readOnly": name == "DescribeInstances", "managementEvent": True,
               "eventCategory": "Management"}
    if name in ("RunInstances", "StopInstances") and rng.random() < 0.2:
        code = rng.choice(["Client.DryRunOperation", "Client.UnauthorizedOperation", "Server.InternalError"])
        record |= {"errorCode": code, "errorMessage": "no", "responseElements": None}


def other_event(rng, record):
    account, kind = record["recipientAccountId"], rng.randrange(5)
    common = {"managementEvent": True, "eventCategory": "Management", "readOnly": True, "responseElements": None}
    if kind == 0:
        role = f"arn:aws:iam::{account}:role/role-{rng.randrange(20)}"
        key = access_key(rng)
        record |= common | {
            "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
            "requestParameters": {"roleArn": role, "roleSessionName": "nightly", "durationSeconds": 3600},
            "responseElements": {"credentials": {"accessKeyId": key, "sessionToken": "x" * 40}},
            "resources": [{"accountId": account, "type": "AWS::IAM::Role", "ARN": role}]}
    elif kind == 1:
        failed = rng.random() < 0.3
        record |= common | {
            "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn",
            "requestParameters": None, "responseElements": {"ConsoleLogin": "Failure" if failed else "Success"},
            "additionalEventData": {"MFAUsed": "No"}, "readOnly": False}
    elif kind == 2:
        record |= common | {
            "eventSource": "iam.amazonaws.com", "eventName": "CreateAccessKey", "readOnly": False,
            "requestParameters": {"userName": "dana1"},
            "responseElements": {"accessKey": {"userName": "dana1", "accessKeyId": access_key(rng, "AKIA")}}}
    elif kind == 3:
        record |= common | {
            "eventSource": "ec2.amazonaws.com", "eventName": "SharedSnapshotVolumeCreated", "requestParameters": None,
            "eventType": "AwsServiceEvent", "serviceEventDetails": {"snapshotId": hex_id(rng, "snap")},
            "userIdentity": {"type": "AWSAccount", "accountId": "999988887777", "invokedBy": "ec2.amazonaws.com"}}
    else:
        # Neither a name nor a source; the columns by which files are sorted are NULL.
        for name in ("userIdentity", "sourceIPAddress", "userAgent"):
            del record[name]
        record |= {"eventType": "AwsCloudTrailInsight", "eventCategory": "Insight", "insightDetails": {
            "state": "Start", "eventName": "RunInstances",
            "insightContext": {"statistics": {"baseline": {"average": 0.0017}}}}}


def oddities(rng, record):
    """Members that nobody knows, nulls, empty objects and values of an unexpected type, now and then."""
    if rng.random() < 0.02:
        record["futureMember"] = {"depth": [1, 2.50, None, {"a": "\u2603"}], "big": 123456789012345678901234567890}
    if rng.random() < 0.02:
        record["apiVersion"] = None
    if rng.random() < 0.02:
        record["tlsDetails"] = {}
    if rng.random() < 0.02 and "userIdentity" in record:
        record["userIdentity"]["assurance"] = "arn:aws:sts::111122223333:assurance"
    if rng.random() < 0.02:
        record["eventVersion"] = 1.11
    if rng.random() < 0.02:
        record["readOnly"] = str(record.get("readOnly", False)).lower()
    if rng.random() < 0.01:
        del record["eventID"]
    if rng.random() < 0.01:
        record["errorMessage"] = "line\n\ttab \"quoted\" \\ \u0001 \U0001f600"


def made_event(rng, days):
    """An EventBridge event or, now and then, the bare record."""
    time = DAY + datetime.timedelta(seconds=rng.randrange(days * 86_400))
    account, region = rng.choice(ACCOUNTS), rng.choice(REGIONS)
    record = {"eventVersion": "1.11", "userIdentity": identity(rng, account, time), "eventTime": iso(time),
              "awsRegion": region, "sourceIPAddress": f"198.51.100.{rng.randrange(256)}",
              "userAgent": rng.choice(["[Boto3/1.43.11]", "aws-cli/2.36.28", "[aws-sdk-rust/1.13 os/linux]"]),
              "requestID": uuid(rng), "eventID": uuid(rng), "eventType": "AwsApiCall", "recipientAccountId": account,
              "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"}}
    rng.choices([s3_event, ec2_event, other_event], [60, 30, 10])[0](rng, record)
    oddities(rng, record)
    if rng.random() < 0.1:
        return record
    return {"version": "0", "id": uuid(rng), "detail-type": "AWS API Call via CloudTrail", "source": "aws.any",
            "account": account, "time": iso(time), "region": region, "resources": [], "detail": record}


def write_sample(path, given):
    """Made-up events, half of them from `given` if there is a file; returns the lines."""
    rng = random.Random(7)
    count = SAMPLE // 2 if given else SAMPLE
    lines = [json.dumps(made_event(rng, 3), ensure_ascii=n % 2 == 0) for n in range(count)]
    if given:
        with open(given, encoding="utf-8") as file:
            lines += [line.rstrip("\n") for line, _ in zip(file, range(SAMPLE - count))]
    # The same record again, in an envelope of its own: a duplicate.
    for n in range(10):
        event = json.loads(lines[n])
        if "detail" in event and "eventID" in event["detail"]:
            lines.append(json.dumps(event | {"id": f"again-{n}"}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def write_large(path):
    """Many events of one day: a few hundred templates, each time with ids, time and key of their own."""
    rng = random.Random(8)
    templates = []
    while len(templates) < 400:
        event = made_event(rng, 1)
        record = event.get("detail", event)
        if "eventID" not in record:
            continue
        text = json.dumps(event).replace(record["eventID"], "\0E").replace(record["eventTime"], "\0T")
        text = text.replace(record["requestID"], "\0R")
        key = (record.get("requestParameters") or {}).get("key")
        if isinstance(key, str):
            text = text.replace(key.split("/")[1], "\0K")
        templates.append(text)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(LARGE):
            time = f"2026-10-01T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z"
            text = templates[int(rng.random() * len(templates))].replace("\0E", uuid(rng)).replace("\0T", time)
            file.write(text.replace("\0R", uuid(rng)).replace("\0K", f"{rng.getrandbits(40):010x}") + "\n")


# --- What the columns should hold, computed once more -----------------------------------------------------------------

S3_SOURCES = {f"{name}.amazonaws.com" for name in ("s3", "s3express", "s3-outposts", "s3-object-lambda")}
EC2_SOURCES = {"ec2.amazonaws.com", "ebs.amazonaws.com"}
RESOURCE_ID = re.compile(r"[a-z]{1,20}(-[a-z]{1,20}){0,3}-[0-9a-f]{8}([0-9a-f]{9})?")
ACCESS_KEY = re.compile(r"A[KS]IA[A-Z0-9]{16}")


def at(record, path):
    for name in path.split("."):
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def scalar(value):
    """A text column's value: a scalar as text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or isinstance(value, (int, float)):
        return json.dumps(value)
    return value if isinstance(value, str) else None


def integer(value):
    try:
        return int(float(value)) if not isinstance(value, bool) and float(value).is_integer() else None
    except (TypeError, ValueError):
        return None


def boolean(value):
    return {"true": True, "false": False}.get(str(value).lower()) if isinstance(value, (bool, str)) else None


def strings(value):
    """Every string value, in document order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def collected(values):
    return list(dict.fromkeys(value for value in values if value)) or None


def every(value, *names):
    """The values of members of these names at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from every(item, *names)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name[:1].lower() + name[1:] in names and not isinstance(member, (dict, list)):
                yield scalar(member)
            yield from every(member, *names)


def ip_rules(request):
    def one(rule, target):
        port = [rule.get(name, -1) for name in ("fromPort", "toPort")]
        port = ["*" if number in (-1, None) else str(number) for number in port]
        protocol = str(rule.get("ipProtocol", "-1"))
        return f"{'all' if protocol == '-1' else protocol} {port[0]}-{port[1]} {target}"

    targets = {"groups": "groupId", "ipRanges": "cidrIp", "ipv6Ranges": "cidrIpv6", "prefixListIds": "prefixListId"}
    for rule in at(request, "ipPermissions.items") or []:
        for ranges in rule:
            for entry in at(rule, f"{ranges}.items") or [] if ranges in targets else []:
                yield one(rule, entry[targets[ranges]])
    if request.get("cidrIp"):
        yield one(request, request["cidrIp"])


def outcome(record):
    code = record.get("errorCode") or ""
    if code == "Client.DryRunOperation":
        return "dry_run"
    if any(word in code for word in ("AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized", "AuthFailure")):
        return "denied"
    if code or record.get("errorMessage") or at(record, "responseElements.ConsoleLogin") == "Failure":
        return "failure"
    return "success"


def category(record):
    known = {"Management": "management", "Data": "data", "Insight": "insight", "NetworkActivity": "network"}
    value = record.get("eventCategory")
    if value is None:
        return "data" if boolean(record.get("managementEvent")) is False else "management"
    return known.get(value, "other")


def instant(text):
    return datetime.datetime.fromisoformat(text) if text else None


def expected(event):
    """Some of the columns of a record's row, from the contract and not from the program."""
    record = event["detail"] if "detail" in event else event
    source, name = record.get("eventSource"), record.get("eventName")
    request, response = record.get("requestParameters"), record.get("responseElements")
    calls = [value for key, value in record.items() if key in ("requestParameters", "responseElements")]
    described = [value for key, value in record.items()
                 if key in ("requestParameters", "responseElements", "serviceEventDetails")]
    resources = record.get("resources") or []
    row = {
        "event_time": instant(record["eventTime"]),
        "session_creation_date": instant(at(record, "userIdentity.sessionContext.attributes.creationDate")),
        "session_mfa_authenticated": boolean(at(record, "userIdentity.sessionContext.attributes.mfaAuthenticated")),
        "read_only": boolean(record.get("readOnly")),
        "management_event": boolean(record.get("managementEvent")),
        "outcome": outcome(record),
        "resource_arns": [r.get("ARN") or r.get("ARNPrefix") for r in resources] or None,
        "resource_types": [r.get("type") for r in resources] or None,
        "resource_account_ids": [r.get("accountId") for r in resources] or None,
        "any_arns": collected(text for text in strings(record) if text.startswith("arn:")),
        "any_resource_ids": collected(text for text in strings(described) if RESOURCE_ID.fullmatch(text)),
        "any_access_key_ids": collected(text for text in strings(record) if ACCESS_KEY.fullmatch(text)),
        "issued_access_key_id": at(response, "credentials.accessKeyId") or at(response, "accessKey.accessKeyId"),
        "bridge_event_id": event["id"] if "detail" in event else None,
        "bridge_detail_type": event["detail-type"] if "detail" in event else None,
        "log_file": None,
    }
    texts = {
        "event_id": "eventID", "event_name": "eventName", "event_source": "eventSource", "event_type": "eventType",
        "event_category": "eventCategory", "event_version": "eventVersion", "aws_region": "awsRegion",
        "source_ip_address": "sourceIPAddress", "user_agent": "userAgent", "error_code": "errorCode",
        "error_message": "errorMessage", "request_id": "requestID", "recipient_account_id": "recipientAccountId",
        "user_type": "userIdentity.type", "user_arn": "userIdentity.arn", "user_name": "userIdentity.userName",
        "user_principal_id": "userIdentity.principalId", "user_access_key_id": "userIdentity.accessKeyId",
        "user_account_id": "userIdentity.accountId", "user_invoked_by": "userIdentity.invokedBy",
        "session_issuer_arn": "userIdentity.sessionContext.sessionIssuer.arn",
        "session_issuer_user_name": "userIdentity.sessionContext.sessionIssuer.userName",
        "tls_version": "tlsDetails.tlsVersion", "assumed_role_arn": "requestParameters.roleArn",
        "role_session_name": "requestParameters.roleSessionName",
    }
    row |= {column: scalar(at(record, path)) for column, path in texts.items()}

    s3, ec2 = source in S3_SOURCES, source in EC2_SOURCES
    owners = [r.get("accountId") for r in resources if r.get("type") == "AWS::S3::Bucket"]
    lower = {key.lower(): value for key, value in request.items()} if isinstance(request, dict) else {}
    row |= {
        "s3_bucket_name": scalar(at(request, "bucketName")) if s3 else None,
        "s3_object_key": scalar(at(request, "key")) if s3 else None,
        "s3_prefix": scalar(at(request, "prefix")) if s3 else None,
        "s3_copy_source": scalar(lower.get("x-amz-copy-source")) if s3 else None,
        "s3_sse_applied": at(record, "additionalEventData.SSEApplied") if s3 else None,
        "s3_bytes_out": integer(at(record, "additionalEventData.bytesTransferredOut")) if s3 else None,
        "s3_object_size": integer(at(record, "additionalEventData.objectSize")) if s3 else None,
        "s3_http_status": integer(at(record, "additionalEventData.httpStatusCode")) if s3 else None,
        "s3_bucket_owner_account_id": owners[0] if s3 and owners else None,
    }
    lists = {
        "ec2_instance_ids": ["instanceId"], "ec2_image_ids": ["imageId"], "ec2_volume_ids": ["volumeId"],
        "ec2_snapshot_ids": ["snapshotId"], "ec2_network_interface_ids": ["networkInterfaceId"],
        "ec2_private_ip_addresses": ["privateIpAddress"],
    }
    row |= {column: collected(every(calls, *names)) if ec2 else None for column, names in lists.items()}
    groups = [text for text in every(calls, "groupId") if text and text.startswith("sg-")]
    row["ec2_security_group_ids"] = collected(groups) if ec2 else None
    row["ec2_instance_type"] = next(every(calls, "instanceType"), None) if ec2 else None
    rules = ec2 and name in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress",
                             "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress")
    row["ec2_ip_rules"] = collected(ip_rules(request)) if rules else None
    shared = [at(request, "createVolumePermission.add"), at(request, "launchPermission.add")]
    row["ec2_shared_with"] = collected(every(shared, "userId", "group", "organizationArn")) if ec2 else None
    return row


JSON_COLUMNS = {
    "request_parameters": "requestParameters", "response_elements": "responseElements",
    "additional_event_data": "additionalEventData", "service_event_details": "serviceEventDetails",
    "resources": "resources", "insight_details": "insightDetails",
}


class Number(str):
    """A number by its text."""


def exact(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def canonical(record):
    """A record as the contract compares it, as text."""

    def tidy(value, inside):
        if isinstance(value, list):
            return [tidy(item, inside) for item in value]
        if isinstance(value, Number):
            return {"number": str(value)}
        if not isinstance(value, dict):
            return value
        members = {k: tidy(v, inside or k in ("userIdentity", "tlsDetails")) for k, v in value.items() if v is not None}
        return {k: v for k, v in members.items() if not (inside and v == {})}

    return json.dumps(tidy(record, False), sort_keys=True)


# --- Running the program ----------------------------------------------------------------------------------------------

class Program:
    def __init__(self, path):
        self.path = path
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("TRAILSINK_", "AWS_"))}

    def run(self, *args):
        done = subprocess.run([self.path, *map(str, args)], env=self.env, capture_output=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"trailsink {args[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        return done.stdout.decode()

    def convert(self, events, lake, *options):
        return json.loads(self.run("convert", "--to", lake, "--summary", "json", *options, events))


def parquet_files(lake):
    return sorted(pathlib.Path(lake, "events").rglob("*.parquet"))


def digest(lake):
    return {str(p.relative_to(lake)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(pathlib.Path(lake).rglob("*")) if p.is_file()}


def partition_of(path):
    return dict(part.split("=", 1) for part in path.parts if "=" in part and part.split("=")[0] in PARTITIONS)


def ordered(value):
    """A key that sorts NULL first, text by its bytes, lists element by element."""
    if value is None:
        return (0,)
    if isinstance(value, str):
        return (1, value.encode())
    if isinstance(value, list):
        return (1, [ordered(item) for item in value])
    return (1, value)


# --- The checks -------------------------------------------------------------------------------------------------------

def check_schema(check, files, columns):
    """Names, order, types and field ids, in every file, by both readers."""
    wrong_names, wrong_types, wrong_ids, all_ids = [], [], [], set()
    for path in files:
        schema = pq.ParquetFile(path).schema_arrow
        if schema.names != list(columns):
            differs = [pair for pair in zip(schema.names, columns) if pair[0] != pair[1]][:1]
            wrong_names.append(f"{path.name}: {len(schema.names)} columns, {len(columns)} in the table, {differs}")
            continue
        ids = []
        for field in schema:
            if field.type != ARROW_TYPES[columns[field.name]]:
                wrong_types.append(f"{field.name} is {field.type}, {columns[field.name]} in the table")
            for part in [field] + ([field.type.value_field] if pa.types.is_list(field.type) else []):
                ids.append(int((part.metadata or {}).get(b"PARQUET:field_id", b"-1")))
        if min(ids) < 0 or len(set(ids)) < len(ids):
            missing = [field.name for field in schema if b"PARQUET:field_id" not in (field.metadata or {})]
            wrong_ids.append(f"{path.name}: {len(ids)} fields, {len(set(ids))} ids, none on {missing[:3]}")
        all_ids.add(tuple(ids))
    check.nothing("schema: every column of the table, in its order", wrong_names, f"{len(columns)} in {len(files)} files")
    check.nothing("schema: PyArrow reads the right types", wrong_types)
    check.nothing("schema: each field and list element has an id of its own", wrong_ids)
    check("schema: the same ids in every file", len(all_ids) == 1, f"{len(all_ids)} sets")

    wrong, duck_ids = [], set()
    for path in files:
        described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        got = {row[0]: row[1] for row in described}
        wrong += [f"{name} is {got.get(name)}" for name, kind in columns.items() if got.get(name) != DUCKDB_TYPES[kind]]
        ids = duckdb.sql(f"SELECT field_id FROM parquet_schema('{path}') WHERE field_id IS NOT NULL").fetchall()
        duck_ids.add(tuple(row[0] for row in ids))
    check.nothing("schema: DuckDB reads the right types", wrong)
    check("schema: DuckDB finds the same ids", duck_ids == all_ids, f"{[len(ids) for ids in duck_ids]} ids")


def check_layout(check, files, large, rows_of):
    """Compression, declared and real order, statistics, encodings."""
    plain, undeclared, unsorted, lacking, false = [], [], [], [], []
    codecs = collections.Counter()
    for path in files:
        meta = pq.ParquetFile(path).metadata
        names = {meta.schema.column(i).path: i for i in range(meta.num_columns)}
        table = rows_of(path)
        keys = [tuple(map(ordered, row)) for row in zip(*(table.column(name).to_pylist() for name in LEADING))]
        if any(a > b for a, b in zip(keys, keys[1:])):
            unsorted.append(path.name)
        start = 0
        for number in range(meta.num_row_groups):
            group = meta.row_group(number)
            declared = [(s.column_index, s.descending, s.nulls_first) for s in group.sorting_columns]
            if declared[:4] != [(names[name], False, True) for name in LEADING]:
                undeclared.append(f"{path.name}: {declared}")
            chunks = [group.column(i) for i in range(group.num_columns)]
            if path in large:
                codecs.update(chunk.compression for chunk in chunks)
            plain += [f"{path.name}: {chunk.path_in_schema}" for chunk in chunks if chunk.compression == "UNCOMPRESSED"]
            for name in WITH_STATISTICS:
                stats = group.column(names[name]).statistics
                values = [v for v in table.column(name).slice(start, group.num_rows).to_pylist() if v is not None]
                if stats is None or not stats.has_null_count or stats.has_min_max != bool(values):
                    lacking.append(f"{path.name}: {name} in row group {number}")
                elif stats.null_count != group.num_rows - len(values):
                    false.append(f"{path.name}: {stats.null_count} NULL in {name}")
                elif values and (stats.min > min(values) or stats.max < max(values)):
                    false.append(f"{path.name}: {name} from {stats.min} to {stats.max}")
            start += group.num_rows
    check.nothing("layout: compressed", plain)
    check("layout: large files with zstd", set(codecs) == {"ZSTD"}, dict(codecs))
    check.nothing("layout: row groups declare their order", undeclared, ", ".join(LEADING) + "; NULL first")
    check.nothing("layout: rows are in this order", unsorted, f"{len(files)} files")
    check.nothing("layout: statistics where queries filter", lacking, ", ".join(WITH_STATISTICS))
    check.nothing("layout: the statistics are true", false)


def check_encodings(check, path):
    meta = pq.ParquetFile(path).metadata
    wrong = []
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        for chunk in (group.column(i) for i in range(group.num_columns)):
            name = chunk.path_in_schema
            dictionary = any("DICTIONARY" in encoding for encoding in chunk.encodings)
            if (name in WITH_DICTIONARY and not dictionary) or (name in WITHOUT_DICTIONARY and dictionary):
                wrong.append(f"{name}: {chunk.encodings}")
    check.nothing("encodings: dictionaries where values repeat, none on ids and JSON", wrong)


def check_footer(check, files, version, rows_of):
    wrong = []
    for path in files:
        meta = pq.ParquetFile(path).metadata
        pairs = {k.decode(): v.decode() for k, v in (meta.metadata or {}).items()}
        times = rows_of(path).column("event_time").to_pylist()
        first, last = (t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03}Z"
                       for t in (min(times), max(times)))
        want = {"rows": str(meta.num_rows), "first_event_time": first, "last_event_time": last, "version": version}
        got = {name: pairs.get(f"trailsink.{name}") for name in want}
        schema = pairs.get("trailsink.schema_version", "")
        if got != want or not schema.isdigit():
            wrong.append(f"{path.name}: {pairs.keys()} {got}, should be {want}")
        elif not re.match(rf"v?{schema}\D", path.name):
            wrong.append(f"{path.name} does not begin with the schema version {schema}")
        if meta.num_rows != len(times):
            wrong.append(f"{path.name}: {len(times)} rows read, {meta.num_rows} in the footer")
    check.nothing("footer: versions, rows, first and last event time", wrong, f"{len(files)} files")


def check_summary(check, summary, lake, records):
    counts = [summary[name] for name in ("rows_written", "duplicates", "filtered", "rejected")]
    check("summary: the counts add up", summary["records_in"] == sum(counts) == records, counts)
    listed = {}
    for file in summary["files"]:
        path = pathlib.Path(file["path"])
        path = path if path.is_absolute() or path.exists() else pathlib.Path(lake, path)
        listed[path.resolve()] = (file["rows"], file["bytes"])
    found = {p.resolve(): (pq.ParquetFile(p).metadata.num_rows, p.stat().st_size) for p in parquet_files(lake)}
    check("summary: the files, their rows and bytes", listed == found, f"{len(listed)} listed, {len(found)} found")


def check_values(check, lines, lake, files, rows_of):
    """All rows against what is computed here from the JSON; the partition against the row."""
    events, envelopes = {}, collections.defaultdict(set)
    for line in lines:
        event = json.loads(line)
        record = event.get("detail", event)
        key = (record.get("eventID"), record.get("requestID"))
        events.setdefault(key, event)
        envelopes[key].add(event["id"] if "detail" in event else None)
    wrong, misplaced, strangers, seen = collections.defaultdict(list), [], [], set()
    compared = collections.Counter()
    for path in files:
        folder = partition_of(path.relative_to(lake))
        for row in rows_of(path).to_pylist():
            key = (row["event_id"], row["request_id"])
            if key not in events or key in seen:
                strangers.append(key)
                continue
            seen.add(key)
            event = events[key]
            record = event.get("detail", event)
            # Of duplicates any may be the one that is kept.
            values = expected(event)
            if row["bridge_event_id"] in envelopes[key]:
                values["bridge_event_id"] = row["bridge_event_id"]
            for column, value in values.items():
                compared[column] += value is not None
                if row[column] != value:
                    wrong[column].append(f"{column} of {key[0]} is {row[column]!r}, not {value!r}")
            for column, member in JSON_COLUMNS.items():
                text, value = row[column], record.get(member)
                compared[column] += value is not None
                if (None if text is None else json.loads(text)) != value:
                    wrong[column].append(f"{column} of {key[0]} is {text!r}, not {value!r}")
            want = {"category": category(record), "event_date": record["eventTime"][:10]}
            if folder != want:
                misplaced.append(f"{key[0]} is in {folder}, not in {want}")
    check("values: every record has its row", len(seen) == len(events) and not strangers,
          f"{len(seen)} rows of {len(events)} records, {len(strangers)} more")
    problems = [text for texts in wrong.values() for text in texts[:1]]
    check.nothing("values: equal to those computed from the JSON", problems,
                  f"{len(compared)} columns, {sum(compared.values())} values")
    empty = [column for column in compared if not compared[column] and column != "log_file"]
    check.nothing("values: no column was compared with NULL alone", empty)
    check.nothing("values: each row in the folder of its category and day", misplaced, f"{len(files)} files")


def check_readers_agree(check, files, name):
    """Row by row for small files; for large ones by a count and a checksum of each column."""
    wrong, rows = [], 0
    connection = duckdb.connect()
    connection.sql("SET TimeZone = 'UTC'")
    for path in files:
        scan = f"read_parquet('{path}', hive_partitioning = false)"
        arrow = pq.ParquetFile(path).read()
        rows += arrow.num_rows
        if arrow.num_rows <= 10_000:
            ours = [json.dumps(list(row.values()), default=str) for row in arrow.to_pylist()]
            cursor = connection.execute(f"SELECT * EXCLUDE (file_row_number) FROM read_parquet('{path}', "
                                        "hive_partitioning = false, file_row_number = true) ORDER BY file_row_number")
            theirs = [json.dumps(row, default=lambda value: str(value.astimezone(UTC))) for row in cursor.fetchall()]
            wrong += [f"{path.name} row {n}" for n, (a, b) in enumerate(zip(ours, theirs)) if a != b]
            wrong += [] if len(ours) == len(theirs) else [f"{path.name}: {len(ours)} rows and {len(theirs)}"]
        else:
            sums = ", ".join(f'count("{column}"), bit_xor(hash("{column}"))' for column in arrow.column_names)
            connection.register("arrow", arrow)
            theirs, ours = (connection.sql(f"SELECT {sums} FROM {source}").fetchall() for source in (scan, "arrow"))
            connection.unregister("arrow")
            wrong += [path.name] if theirs != ours else []
    check.nothing(f"readers: DuckDB and PyArrow agree on {name}", wrong, f"{rows} rows in {len(files)} files")


def check_pruning(check, lines, lake):
    """A query for one day of one category opens only its folder."""
    records = [event.get("detail", event) for event in map(json.loads, lines)]
    records = {record.get("eventID") or record["requestID"]: record for record in records}.values()
    days = collections.Counter((category(record), record["eventTime"][:10]) for record in records)
    (kind, day), rows = days.most_common(1)[0]
    scan = f"read_parquet('{lake}/events/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    query = f"SELECT count(*) FROM {scan} WHERE category = '{kind}' AND event_date = '{day}'"
    counted = duckdb.sql(query).fetchone()[0]
    check("partitions: DuckDB finds the rows of one day", counted == rows, f"{counted} in {kind} of {day}")
    plan = duckdb.sql("EXPLAIN " + query.replace("count(*)", "event_id")).fetchall()[0][1]
    scanned = re.search(r"Scanning Files: (\d+)/(\d+)", plan)
    check("partitions: DuckDB opens few files", scanned and int(scanned[1]) < int(scanned[2]) / 2, scanned and scanned[0])
    dataset = pyarrow.dataset.dataset(f"{lake}/events", format="parquet", partitioning="hive")
    wanted = (pyarrow.dataset.field("category") == kind) & (pyarrow.dataset.field("event_date") == day)
    few, every_file = list(dataset.get_fragments(filter=wanted)), list(dataset.get_fragments())
    check("partitions: PyArrow opens few files", 0 < len(few) < len(every_file) / 2, f"{len(few)} of {len(every_file)}")
    check("partitions: PyArrow finds as many rows", dataset.count_rows(filter=wanted) == rows, rows)


def check_cat(check, program, lines, lake):
    """The lake gives the records back."""

    def identify(record):
        members = json.loads(record)
        return json.dumps([members.get("eventID"), members.get("requestID")])

    want, seen = collections.Counter(), set()
    for line in lines:
        event = exact(line)
        record = canonical(event.get("detail", event))
        # A duplicate has an id; without one, nothing is a duplicate.
        if record not in seen or '"eventID"' not in record:
            want[record] += 1
        seen.add(record)
    output = program.run("cat", lake).splitlines()
    got = collections.Counter(canonical(exact(line)) for line in output)
    lost, invented = list((want - got).elements()), list((got - want).elements())
    detail = f"{len(output)} records"
    if lost or invented:
        pairs = zip(sorted(lost, key=identify), sorted(invented, key=identify))
        shown = next(((a, b) for a, b in pairs if identify(a) == identify(b)), ("".join(lost[:1]), "".join(invented[:1])))
        start = max(0, len(os.path.commonprefix(shown)) - 80)
        detail = f"{len(lost)} lost, {len(invented)} that never came; such as {[text[start:start + 200] for text in shown]}"
    check("cat: gives back the records", not lost and not invented, detail)


def check_same_bytes(check, program, events, lake, folder, summary):
    twice = folder / "twice"
    program.convert(events, twice, "--threads", 2)
    first = digest(lake)
    check("determinism: one thread and two write the same files", digest(twice) == first, f"{len(first)} files")
    again = program.convert(events, lake, "--threads", 2)
    check("determinism: a second run into the same lake adds nothing",
          digest(lake) == first and again["rows_written"] == summary["rows_written"], f"{again['rows_written']} rows")


def check_order_of_ties(check, program, folder):
    """Rows that share the leading columns are in the order of the others; records that differ are all kept."""
    rng, path = random.Random(9), folder / "ties.jsonl"
    records = []
    for number in range(300):
        record = {"eventTime": "2026-10-01T10:00:00Z", "eventSource": "ec2.amazonaws.com", "eventName": "StartInstances",
                  "eventID": f"shared-{number % 3}", "awsRegion": rng.choice(["eu-west-1", "us-east-1"]),
                  "requestParameters": {"instancesSet": {"items": [
                      {"instanceId": hex_id(rng, "i", 8)} for _ in range(rng.randrange(3))]}},
                  "userIdentity": {"type": "IAMUser", "userName": rng.choice(["a", "B", "\u00e9", "b"])}}
        if rng.random() < 0.5:
            del record["awsRegion"]
        records.append(record)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    program.convert(path, folder / "ties", "--partition-by", "event_date")
    (file,) = parquet_files(folder / "ties")
    table = pq.ParquetFile(file).read()
    rest = [name for name in table.column_names if name not in LEADING]
    keys = [tuple(ordered(row[name]) for name in LEADING + rest) for row in table.to_pylist()]
    different = len({json.dumps(record, sort_keys=True) for record in records})
    check("ties: records that share an id but differ are all kept", len(keys) == different, f"{len(keys)} of {different}")
    bad = [n for n, (a, b) in enumerate(zip(keys, keys[1:])) if a > b]
    check("ties: the remaining columns order rows with equal leading ones", not bad, f"{len(bad)} out of order")


def possible_groups(meta, ranges):
    """How many row groups could hold a row with each column in its range, by the statistics in the footer alone."""
    names = {meta.schema.column(i).path: i for i in range(meta.num_columns)}
    possible = 0
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        stats = {name: group.column(names[name]).statistics for name in ranges}
        possible += all(s is None or not s.has_min_max or (s.min <= high and low <= s.max)
                        for s, (low, high) in ((stats[name], bounds) for name, bounds in ranges.items()))
    return possible


def check_needles(check, path, rows_of):
    """Queries for a needle must be able to skip more than half of the row groups of a large file."""
    meta = pq.ParquetFile(path).metadata
    groups = meta.num_row_groups
    check("needles: the large file has several row groups", groups >= 4, f"{groups} for {meta.num_rows} rows")
    table = rows_of(path)
    kinds = collections.Counter(zip(table.column("event_source").to_pylist(), table.column("event_name").to_pylist()))
    kinds = {kind: rows for kind, rows in kinds.items() if None not in kind}
    times = table.column("event_time").to_pylist()
    noon = min(times).replace(hour=12, minute=0, second=0, microsecond=0)
    hour = (noon, noon + datetime.timedelta(hours=1))
    counts = {}
    for source, name in kinds:
        ranges = {"event_source": (source, source), "event_name": (name, name), "event_time": hour}
        counts[source, name] = possible_groups(meta, ranges)
    mean, often, seldom = sum(counts.values()) / len(counts), max(kinds, key=kinds.get), min(kinds, key=kinds.get)
    check("needles: a kind of event within an hour, by statistics", mean < groups / 2,
          f"{mean:.1f} of {groups} row groups on average of {len(kinds)} kinds; {counts[often]} for {often[1]} with "
          f"{kinds[often]} rows, {counts[seldom]} for {seldom[1]} with {kinds[seldom]}")
    source, name = often
    found = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}') WHERE event_source = '{source}' "
                       f"AND event_name = '{name}' AND event_time BETWEEN TIMESTAMPTZ '{hour[0]}' "
                       f"AND TIMESTAMPTZ '{hour[1]}'").fetchone()[0]
    rows = zip(table.column("event_source").to_pylist(), table.column("event_name").to_pylist(), times)
    held = sum(row[:2] == often and hour[0] <= row[2] <= hour[1] for row in rows)
    check("needles: DuckDB, which skips by them, misses nothing", found == held, f"{found} {name}")

    with_filter = [row[0] for row in duckdb.sql(
        f"SELECT DISTINCT path_in_schema FROM parquet_metadata('{path}') WHERE bloom_filter_offset IS NOT NULL").fetchall()]
    print(f"       bloom filters: {', '.join(sorted(with_filter)) or 'none'}")
    rng = random.Random(10)
    # What probes takes plain columns only, not the elements of lists.
    for column in ["event_id"] + sorted(name for name in with_filter if name != "event_id" and "." not in name):
        held = pq.ParquetFile(path).read(columns=[column]).column(column).unique().drop_null().to_pylist()
        probes = rng.sample(held, min(5, len(held))) + [f"absent-{n}" for n in range(5)]
        left, missed = [], 0
        for number, value in enumerate(probes):
            rows = duckdb.execute("SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)",
                                  [str(path), column, value]).fetchall()
            left.append(sum(not row[0] for row in rows))
            missed += number < len(probes) - 5 and left[-1] == 0
        detail = f"{left} of {groups} row groups left for {len(probes) - 5} values in the file and 5 absent ones"
        if column == "event_id":
            check("needles: an event id, by bloom filter", max(left) < groups / 2 and not missed, detail)
        else:
            check(f"needles: bloom filter of {column} is true", not missed, detail)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trailsink", required=True, help="the program to check")
    parser.add_argument("--events", help="events for the large input, one JSON a line")
    parser.add_argument("--keep", help="work in this folder and leave it")
    args = parser.parse_args()
    for path in filter(None, (args.trailsink, args.events)):
        if not os.path.isfile(path):
            parser.error(f"there is no file {path}")
    check, program = Checks(), Program(os.path.abspath(args.trailsink))
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(args.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="readers-")))
        folder.mkdir(parents=True, exist_ok=True)
        run(check, program, folder, args.events and pathlib.Path(args.events))
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


def run(check, program, folder, given):
    with check.group("the program"):
        version = program.run("--version").split()[-1]
        table = json.loads(program.run("schema", "--format", "glue"))
        columns = {column["name"]: column["type"] for column in table if column["name"] not in PARTITIONS}
        known = set(columns.values()) <= set(ARROW_TYPES)
        check("the program: its table has types that are known here", known, f"{len(columns)} columns")

    cache = {}

    def rows_of(path):
        """A file's rows; of large files only the columns that several checks look at."""
        if path not in cache:
            file = pq.ParquetFile(path)
            some = list(dict.fromkeys(LEADING + WITH_STATISTICS))
            cache[path] = file.read(columns=some if file.metadata.num_rows > 20_000 else None)
        return cache[path]

    with check.group("the sample"):
        events, lake = folder / "sample.jsonl", folder / "lake"
        lines = write_sample(events, given)
        summary = program.convert(events, lake, "--threads", 1)
        files = parquet_files(lake)
        with check.group("summary"):
            check_summary(check, summary, lake, len(lines))
        with check.group("schema"):
            check_schema(check, files, columns)
        with check.group("footer"):
            check_footer(check, files, version, rows_of)
        with check.group("values"):
            check_values(check, lines, lake, files, rows_of)
        with check.group("readers"):
            check_readers_agree(check, files, "the sample")
        with check.group("partitions"):
            check_pruning(check, lines, lake)
        with check.group("cat"):
            check_cat(check, program, lines, lake)
        with check.group("determinism"):
            check_same_bytes(check, program, events, lake, folder, summary)
        with check.group("ties"):
            check_order_of_ties(check, program, folder)

    with check.group("the large input"):
        events, lake = given or folder / "large.jsonl", folder / "large"
        if not given:
            write_large(events)
        summary = program.convert(events, lake, "--partition-by", "event_date")
        large = parquet_files(lake)
        biggest = max(large, key=lambda path: pq.ParquetFile(path).metadata.num_rows)
        rows, size = pq.ParquetFile(biggest).metadata.num_rows, biggest.stat().st_size
        print(f"       the largest of {len(large)} files: {rows} rows, {size} bytes, {size / rows:.0f} a row")
        check("the large input: nothing rejected", not summary["rejected"], f"{summary['rows_written']} rows")
        with check.group("schema of large files"):
            check_schema(check, [biggest], columns)
        with check.group("layout"):
            check_layout(check, files + [biggest], {biggest}, rows_of)
        with check.group("encodings"):
            check_encodings(check, biggest)
        with check.group("footer of large files"):
            check_footer(check, [biggest], version, rows_of)
        with check.group("readers on large files"):
            check_readers_agree(check, [biggest], "a large file")
        # Smaller files are read whole; what can be skipped in them says nothing.
        enough = rows >= LARGE // 2
        check("the large input: many rows in one file", enough, f"{rows}, {LARGE} of one day are best")
        with check.group("needles"):
            if enough:
                check_needles(check, biggest, rows_of)


if __name__ == "__main__":
    sys.exit(main())
