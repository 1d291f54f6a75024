#!/usr/bin/env python3
"""Checks the view schemas/views/cloudtrail_logs.sql with DuckDB: queries for AWS's CloudTrail table run unchanged.

    python -m pip install -r tests/requirements.txt
    python tests/compatibility.py --trailsink target/release/trailsink

The events of events/ are converted and every column of the view is compared with what the shapes of AWS's table make of
the same JSON. Queries in the form of AWS's documentation are translated from Athena's dialect, otherwise as they are,
and must give the rows that a person finds in events/. A filter by days must choose the files that are read. One line a
check; the last line counts them; the exit status is 1 if one failed.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

# Checks leave nothing beside the files of the repository, so neither may the next import.
sys.dont_write_bytecode = True
from readers import Checks, Program, parquet_files, partition_of  # noqa: E402
from views import VIEWS, check_catalog, check_text, connect, create, files_read, translated  # noqa: E402

EVENTS = pathlib.Path(__file__).resolve().parent.parent / "events"
DANA, ROOT = "arn:aws:iam::111122223333:user/dana", "arn:aws:iam::111122223333:root"
ETL = "arn:aws:sts::111122223333:assumed-role/etl-writer/etl-1"
WEB = "arn:aws:sts::111122223333:assumed-role/web-1/i-0a1b2c3d4e5f60001"

# The columns of AWS's table, written once more and not taken from the view: str is text, dict a map of text to text.
AWS_TABLE = {
    "eventVersion": str,
    "userIdentity": {
        "type": str, "principalId": str, "arn": str, "accountId": str, "invokedBy": str, "accessKeyId": str,
        "userName": str, "onBehalfOf": {"userId": str, "identityStoreArn": str},
        "sessionContext": {
            "attributes": {"mfaAuthenticated": str, "creationDate": str},
            "sessionIssuer": {"type": str, "principalId": str, "arn": str, "accountId": str, "userName": str},
            "ec2RoleDelivery": str, "webIdFederationData": {"federatedProvider": str, "attributes": dict}}},
    "eventTime": str, "eventSource": str, "eventName": str, "awsRegion": str, "sourceIPAddress": str, "userAgent": str,
    "errorCode": str, "errorMessage": str, "requestParameters": str, "responseElements": str,
    "additionalEventData": str, "requestID": str, "eventID": str, "readOnly": str,
    "resources": [{"ARN": str, "accountId": str, "type": str}],
    "eventType": str, "apiVersion": str, "recipientAccountId": str, "serviceEventDetails": str, "sharedEventID": str,
    "vpcEndpointId": str, "vpcEndpointAccountId": str, "eventCategory": str,
    "addendum": {"reason": str, "updatedFields": str, "originalRequestID": str, "originalEventID": str},
    "sessionCredentialFromConsole": str, "edgeDeviceDetails": str,
    "tlsDetails": {"tlsVersion": str, "cipherSuite": str, "clientProvidedHostHeader": str},
}
PARTITIONS = ["category", "event_date", "region", "year", "month", "day", "timestamp"]

# Name, query, rows in any order unless the query says one. Written as AWS's documentation writes them. Rows that the
# query's order does not tell apart are a set: an engine with threads gives them now this way round, now the other.
QUERIES = [
    ("the template of the user guide", """
        SELECT
         useridentity.arn,
         eventname,
         sourceipaddress,
         eventtime
        FROM cloudtrail_logs
        LIMIT 100;""", 100),
    ("nested fields", """
        SELECT
            eventsource,
            eventname,
            useridentity.sessioncontext.attributes.creationdate,
            useridentity.sessioncontext.sessionissuer.arn
        FROM cloudtrail_logs
        WHERE useridentity.sessioncontext.sessionissuer.arn IS NOT NULL
        ORDER BY eventsource, eventname
        LIMIT 3""", [
            ("cloudtrail.amazonaws.com", "StopLogging", "2026-10-04T08:00:00Z", "arn:aws:iam::111122223333:role/admin"),
            ("ec2.amazonaws.com", "DescribeSnapshots", "2026-10-04T08:00:00Z", "arn:aws:iam::111122223333:role/web-1"),
            ("ec2.amazonaws.com", "GetPasswordData", "2026-10-04T08:00:00Z", "arn:aws:iam::111122223333:role/audit")]),
    ("unnest of resources: who touched an object", """
        SELECT
            awsregion,
            replace(unnested.resources_entry.ARN,'arn:aws:s3:::') as s3_resource,
            eventname,
            eventtime,
            useragent
        FROM cloudtrail_logs t
        CROSS JOIN UNNEST(t.resources) unnested (resources_entry)
        WHERE unnested.resources_entry.ARN LIKE '%in/older.csv'
        ORDER BY eventtime""", [
            ("eu-west-1", "acme-lake-raw/in/older.csv", "DeleteObject", "2026-10-04T09:04:30Z",
             "[aws-sdk-rust/1.13 os/linux lang/rust]")]),
    ("unnest of resources: deleted buckets", """
        SELECT
            awsregion,
            replace(unnested.resources_entry.ARN,'arn:aws:s3:::') as deleted_bucket,
            eventtime AS time_deleted,
            useridentity.username,
            unnested.resources_entry.accountid as bucket_acct_id
        FROM cloudtrail_logs t
        CROSS JOIN UNNEST(t.resources) unnested (resources_entry)
        WHERE eventname = 'DeleteBucket'
        ORDER BY eventtime""", [("eu-west-1", "acme-old", "2026-10-06T13:00:03Z", "dana", "111122223333")]),
    ("anonymous requests", """
        SELECT *
        FROM cloudtrail_logs
        WHERE
            eventsource = 's3.amazonaws.com' AND
            eventname in ('GetObject') AND
            useridentity.accountid = 'anonymous' AND
            useridentity.arn IS NULL AND
            requestparameters LIKE '%acme-public-site%';""", 1),
    ("console logins", """
        SELECT eventtime, useridentity.username, sourceipaddress,
               json_extract_scalar(responseelements, '$.ConsoleLogin') AS login,
               json_extract_scalar(additionaleventdata, '$.MFAUsed') AS mfa
        FROM cloudtrail_logs
        WHERE eventname = 'ConsoleLogin'
        ORDER BY eventtime""", [
            ("2026-10-06T06:00:05Z", "dana", "198.51.100.7", "Success", "No"),
            ("2026-10-06T06:00:20Z", "HIDDEN_DUE_TO_SECURITY_REASONS", "198.51.100.7", "Failure", "No")]),
    ("root use", """
        SELECT eventtime, eventname, useridentity.arn, useridentity.sessioncontext.attributes.mfaauthenticated
        FROM cloudtrail_logs
        WHERE useridentity.type = 'Root'
          AND useridentity.invokedby IS NULL
          AND eventtype != 'AwsServiceEvent'""", [("2026-10-06T06:01:05Z", "CreateAccessKey", ROOT, "false")]),
    ("changes of a security group", """
        select eventname, useridentity.username, sourceipaddress, eventtime
        from cloudtrail_logs
        where (requestparameters like '%sg-0a1b2c3d4e5f60006%')
        and eventname in ('AuthorizeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress',
                          'RevokeSecurityGroupEgress', 'RevokeSecurityGroupIngress')
        and eventtime > '2026-10-05T14:11:00Z' and eventtime < '2026-10-05T14:11:16Z'
        order by eventtime asc;""", [
            ("AuthorizeSecurityGroupIngress", "dana", "198.51.100.7", "2026-10-05T14:11:05Z"),
            ("AuthorizeSecurityGroupIngress", "dana", "198.51.100.7", "2026-10-05T14:11:10Z")]),
    ("who put objects, from the S3 user guide", """
        SELECT
          eventTime,
          eventName,
          eventSource,
          sourceIpAddress,
          json_extract_scalar(requestParameters, '$.bucketName') as bucketName,
          json_extract_scalar(requestParameters, '$.key') as object,
          userIdentity.arn as userArn
        FROM
          cloudtrail_logs
        WHERE
          eventName = 'PutObject'
          AND eventTime BETWEEN '2026-10-09T00:00:00Z' and '2026-10-10T00:00:00Z'""", [
            ("2026-10-09T11:20:31Z", "PutObject", "s3.amazonaws.com", "10.0.0.9", "acme-reports",
             "daily/2026-10-09/sales.parquet", WEB)]),
    ("versions of the signature, from the S3 user guide", """
        SELECT json_extract_scalar(additionaleventdata, '$.SignatureVersion') AS signature, count(*) AS requests
        FROM cloudtrail_logs
        WHERE eventsource = 's3.amazonaws.com'
          AND json_extract_scalar(additionalEventData, '$.SignatureVersion') IS NOT NULL
        GROUP BY 1""", [("SigV4", 31)]),
    ("requests that need an access control list, from the S3 user guide", """
        SELECT eventtime, eventname, json_extract_scalar(requestparameters, '$.bucketName') AS bucket
        FROM cloudtrail_logs
        WHERE json_extract_scalar(additionaleventdata, '$.aclRequired') = 'Yes'""", [
            ("2026-10-04T09:02:40Z", "GetObject", "acme-lake-raw")]),
    ("errors by code", """
        SELECT errorcode, count(*) AS count
        FROM cloudtrail_logs
        WHERE errorcode IS NOT NULL
        GROUP BY errorcode
        ORDER BY count DESC, errorcode""", [
            ("AccessDenied", 2), ("Client.AuthFailure", 1), ("Client.DryRunOperation", 1),
            ("Client.InvalidPermission.NotFound", 1), ("Client.OperationNotPermitted", 1),
            ("Client.UnauthorizedOperation", 1), ("InvalidPart", 1), ("NoSuchKey", 1), ("VpceAccessDenied", 1)]),
    ("denied calls by caller", """
        SELECT count (*) as TotalEvents, useridentity.arn, eventsource, eventname, errorCode
        FROM cloudtrail_logs
        WHERE (errorcode like '%Denied%' or errorcode like '%Unauthorized%')
        AND eventtime >= '2026-10-05T00:00:00Z'
        AND eventtime < '2026-10-09T00:00:00Z'
        GROUP by eventsource, eventname, errorCode, useridentity.arn
        ORDER by TotalEvents DESC""", [{
            (1, WEB, "ec2.amazonaws.com", "RunInstances", "Client.UnauthorizedOperation"),
            (1, WEB, "ec2.amazonaws.com", "DescribeSnapshots", "VpceAccessDenied")}]),
    ("the trail stopped, and for whom", """
        SELECT eventtime, json_extract_scalar(requestparameters, '$.name') AS trail,
               useridentity.onbehalfof.userid, useridentity.sessioncontext.sessionissuer.username
        FROM cloudtrail_logs
        WHERE eventsource = 'cloudtrail.amazonaws.com'
          AND eventname IN ('StopLogging', 'DeleteTrail', 'UpdateTrail')""", [
            ("2026-10-06T06:04:05Z", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main",
             "94d8b4c8-aaaa-4bbb-8ccc-0123456789ab", "admin")]),
    ("roles that were assumed", """
        SELECT json_extract_scalar(requestparameters, '$.roleArn') AS role, useridentity.invokedby, eventname
        FROM cloudtrail_logs
        WHERE eventsource = 'sts.amazonaws.com' AND eventname LIKE 'AssumeRole%'
        ORDER BY role""", [
            ("arn:aws:iam::111122223333:role/ci", None, "AssumeRoleWithWebIdentity"),
            ("arn:aws:iam::111122223333:role/report-mailer", "lambda.amazonaws.com", "AssumeRole"),
            ("arn:aws:iam::444455556666:role/deployer", None, "AssumeRole")]),
    ("old versions of TLS", """
        SELECT eventsource, eventname, tlsdetails.tlsversion, tlsdetails.clientprovidedhostheader
        FROM cloudtrail_logs
        WHERE tlsdetails.tlsversion IN ('TLSv1', 'TLSv1.1', 'TLSv1.2')""", [
            ("s3.amazonaws.com", "ListObjects", "TLSv1.2", None)]),
    ("an access key's calls", """
        SELECT eventname, count(*) AS calls
        FROM cloudtrail_logs
        WHERE useridentity.accesskeyid = 'ASIAEXAMPLEKEY000006'
        GROUP BY eventname""", [("CreateAccessKey", 1)]),
    ("a time range by time functions", """
        SELECT eventname
        FROM cloudtrail_logs
        WHERE from_iso8601_timestamp(eventtime) >= from_iso8601_timestamp('2026-10-10T08:00:00Z')
          AND date_parse(eventtime, '%Y-%m-%dT%H:%i:%sZ') < date_parse('2026-10-10 09:00:00', '%Y-%m-%d %H:%i:%s')
        ORDER BY eventtime""", [("PutObject",), ("TerminateInstances",)]),
    ("changes by region, with the partition columns of the user guide", """
        SELECT eventname, readonly
        FROM cloudtrail_logs
        WHERE region = 'us-east-1' AND year = '2026' AND month = '10' AND day = '10'""", [("CreateUser", "false")]),
    ("the last days, with the partition column of the user guide's projection", """
        SELECT "timestamp", count(*) AS events
        FROM cloudtrail_logs
        WHERE "timestamp" >= '2026/10/09'
        GROUP BY 1
        ORDER BY 1""", [("2026/10/09", 4), ("2026/10/10", 6)]),
    ("records that were updated later", """
        SELECT eventname, addendum.reason, addendum.originaleventid
        FROM cloudtrail_logs
        WHERE addendum.reason = 'UPDATED_DATA'""", [
            ("Decrypt", "UPDATED_DATA", "c0ffee00-4a1b-4c2d-8e3f-000000000000")]),
]


def shaped(value, shape):
    """A member as AWS's table has it."""
    if value is None or value == {} and shape is not str:
        return None
    if isinstance(shape, list):
        return [shaped(item, shape[0]) for item in value]
    if shape is dict:
        return value
    if isinstance(shape, dict):
        if shape.keys() == {"ARN", "accountId", "type"} and "ARN" not in value:
            value = value | {"ARN": value.get("ARNPrefix")}
        members = {name.lower(): shaped(value.get(name), of) for name, of in shape.items()}
        return members if any(member is not None for member in members.values()) else None
    if isinstance(value, bool):
        return str(value).lower()
    return value


def same(right, given):
    """Whether a cell is right: JSON held as text goes by what it says; no list is the same as an empty one."""
    if isinstance(right, (dict, list)) and isinstance(given, str):
        given = json.loads(given)
    return (right or None) == (given or None)


def check_columns(check, connection):
    names = [row[0] for row in connection.execute("DESCRIBE cloudtrail_logs").fetchall()]
    check("columns: those of AWS's table, and the partition columns",
          names == [name.lower() for name in AWS_TABLE] + PARTITIONS, len(names))
    check_catalog(check, connection, "cloudtrail_logs")


def check_values(check, connection):
    """The view's rows against records as AWS's table would show them; those of odd form are for other checks."""
    cursor = connection.execute("SELECT * FROM cloudtrail_logs WHERE eventid IS NOT NULL")
    names = [column[0] for column in cursor.description]
    rows = {row[names.index("eventid")]: dict(zip(names, row)) for row in cursor.fetchall()}
    wrong, records, seen = [], 0, set()
    for path in sorted((EVENTS / "eventbridge").iterdir()):
        text = path.read_text(encoding="utf-8")
        for event in map(json.loads, text.splitlines() if path.suffix == ".jsonl" else [text]):
            record = {"eventTime": event["time"]} | event["detail"]
            row, records = rows[record["eventID"]], records + 1
            for name, shape in AWS_TABLE.items():
                right, given = shaped(record.get(name), shape), row[name.lower()]
                seen |= {name} if right is not None else set()
                if not same(right, given):
                    wrong.append(f"{path.name} {name}: {given} in place of {right}")
            day = record["eventTime"][:10]
            days = [day, record["awsRegion"], *day.split("-"), day.replace("-", "/")]
            if [row[name] for name in PARTITIONS[1:]] != days:
                wrong.append(f"{path.name}: partition columns")
    check.nothing("values: every column of every record of events/eventbridge", wrong, f"{records} records")
    missing = set(AWS_TABLE) - seen - {"apiVersion", "sessionCredentialFromConsole"}
    check.nothing("values: a record for each column", sorted(missing), f"{len(seen)} columns")


def check_made_up(check, program, folder):
    """Members that no event of events/ has."""
    record = {
        "eventVersion": "1.08", "eventTime": "2026-10-06T01:02:03Z", "eventID": "1", "awsRegion": "eu-west-1",
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "apiVersion": "2006-03-01",
        "sessionCredentialFromConsole": "true",
        "userIdentity": {"type": "AssumedRole", "sessionContext": {"ec2RoleDelivery": "2.0", "webIdFederationData": {
            "federatedProvider": "www.amazon.com", "attributes": {"www.amazon.com:app_id": "a", "n": "1"}}}}}
    only_attributes = {"eventTime": "2026-10-06T01:02:04Z", "eventID": "2", "eventName": "GetObject", "userIdentity": {
        "sessionContext": {"webIdFederationData": {"attributes": {"k": "v"}}}}}
    nobody = {"eventTime": "2026-10-06T01:02:05Z", "eventID": "3", "eventName": "GetObject", "userIdentity": {}}
    (folder / "made.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (record, only_attributes, nobody)))
    program.convert(folder / "made.jsonl", folder / "made")
    connection = connect(folder / "made")
    create(connection, (VIEWS / "cloudtrail_logs.sql").read_text(encoding="utf-8"))
    cursor = connection.execute("SELECT * FROM cloudtrail_logs ORDER BY eventid")
    names = [column[0] for column in cursor.description]
    for given, row in zip((record, only_attributes, nobody), cursor.fetchall()):
        row = dict(zip(names, row))
        wrong = [f"{name}: {row[name.lower()]}" for name, shape in AWS_TABLE.items()
                 if not same(shaped(given.get(name), shape), row[name.lower()])]
        check.nothing(f"values: rare members, record {given['eventID']}", wrong)


def in_order(rows, right):
    """Whether these are the rows, in their order; those of a set may come in any."""
    rest = list(rows)
    for expected in right:
        tied = expected if isinstance(expected, set) else {expected}
        head, rest = rest[:len(tied)], rest[len(tied):]
        if len(head) != len(tied) or set(head) != tied:
            return False
    return not rest


def check_queries(check, connection):
    for name, query, right in QUERIES:
        rows = connection.execute(translated(query)).fetchall()
        if isinstance(right, int):
            check(f"query: {name}", len(rows) == right, f"{len(rows)} rows")
            continue
        ordered = re.search(r"\border by\b", query, re.IGNORECASE)
        found = in_order(rows, right) if ordered else sorted(rows, key=str) == sorted(right, key=str)
        check(f"query: {name}", found, f"{len(rows)} rows" if found else f"{rows} in place of {right}")


def check_files(check, connection, lake):
    """Filters by days must read the files of those days and no others."""
    files = parquet_files(lake)
    partitions = {path: partition_of(path.relative_to(lake)) for path in files}
    day = "2026-10-06"
    filters = {
        f"event_date = '{day}'": lambda kind, date: date == day,
        f"event_date BETWEEN '{day}' AND '2026-10-07' AND eventname <> 'x'":
            lambda kind, date: day <= date <= "2026-10-07",
        f"category = 'data' AND event_date >= '{day}'": lambda kind, date: kind == "data" and date >= day,
        f"event_date = '{day}' AND useridentity.type = 'IAMUser' AND eventtime > '{day}T06:00:00Z'":
            lambda kind, date: date == day,
        "year = '2026' AND month = '10' AND day = '06'": lambda kind, date: date == day,
        "year < '2026'": lambda kind, date: date < "2026",
        "\"timestamp\" = '2026/10/06'": lambda kind, date: date == day,
        "\"timestamp\" BETWEEN '2026/10/05' AND '2026/10/06'": lambda kind, date: "2026-10-05" <= date <= day,
    }
    for where, matches in filters.items():
        inside = {str(path) for path, of in partitions.items() if matches(of["category"], of["event_date"])}
        number, names = files_read(connection, where, "cloudtrail_logs")
        only = number == len(inside) < len(files) and names and set(names) <= inside
        check(f"files: {where}", only, f"{number} of {len(files)} read")
    # What the header warns of; it also shows that the count can tell.
    for where in (f"eventtime >= '{day}T00:00:00Z'", "region = 'eu-west-1'"):
        number, _ = files_read(connection, where, "cloudtrail_logs")
        check(f"files: all of them, {where}", number == len(files), f"{number} of {len(files)} read")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trailsink", required=True, help="the program to check")
    args = parser.parse_args()
    if not os.path.isfile(args.trailsink):
        parser.error(f"there is no file {args.trailsink}")
    check, program = Checks(), Program(os.path.abspath(args.trailsink))
    with tempfile.TemporaryDirectory(prefix="compatibility-") as folder:
        run(check, program, pathlib.Path(folder))
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


def run(check, program, folder):
    text = (VIEWS / "cloudtrail_logs.sql").read_text(encoding="utf-8")
    with check.group("text"):
        check_text(check, text)
    with check.group("the view"):
        lake = folder / "lake"
        program.convert(EVENTS, lake)
        connection = connect(lake)
        create(connection, text)
        for name, group in (("columns", check_columns), ("values", check_values), ("queries", check_queries)):
            with check.group(name):
                group(check, connection)
        with check.group("rare members"):
            check_made_up(check, program, folder)
        with check.group("files"):
            check_files(check, connection, lake)


if __name__ == "__main__":
    sys.exit(main())
