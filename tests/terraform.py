#!/usr/bin/env python3
"""Checks terraform/ without an AWS account.

    python -m pip install -r tests/terraform-requirements.txt
    python tests/terraform.py --trailsink target/lambda/bootstrap
    python tests/terraform.py --write        # the table of variables in terraform/README.md anew

Form, tests with a mock provider, a static security check, the README against the configuration; then everything is made
on an emulator on loopback: what EventBridge's patterns match, what a second plan would change, and the way of an event
from the queue through the real function to the answer of a query. Terraform and the AWS provider are taken from this
machine; where they are missing that is said, and only what needs neither is checked. Without a Linux binary for this
machine's processor the function is not run, which is said too. One line a check; the last line counts them; the exit
status is 1 if one failed.
"""

import argparse
import base64
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

# Checks leave nothing beside the files of the repository, so neither may the next imports.
sys.dont_write_bytecode = True
from terraform_emulator import ACCOUNT, BUCKET, REGION, Aws, emulator, function_zip, wait  # noqa: E402
from terraform_events import check_alerts, check_patterns, event, fixtures, made_events  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
TERRAFORM = ROOT / "terraform"
SCHEMAS = ROOT / "schemas"
CHECKOV = "checkov==3.3.30"

# What a second plan would change although nothing has changed, and why: resource, attributes, reason.
DIFFERENCES = [
    (
        r"aws_cloudwatch_metric_alarm\..+",
        {
            "actions_enabled",
            "alarm_actions",
            "alarm_description",
            "dimensions",
            "ok_actions",
            "period",
            "statistic",
            "treat_missing_data",
        },
        "the emulator answers DescribeAlarms in another protocol than the provider asks in, and it reads no value",
    ),
    (
        r"aws_cloudtrail\.this\[0\]",
        {"cloud_watch_logs_group_arn", "cloud_watch_logs_role_arn", "tags_all"},
        "the emulator forgets log group, role and tags that a trail is created with",
    ),
]

OVERRIDE = (
    """
provider "aws" {
  region                      = var.region
  access_key                  = "%s"
  secret_key                  = "test"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""
    % ACCOUNT
)


class Checks:
    """Counts, and prints a line each."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def __call__(self, name, holds, found=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(
            f"{'ok  ' if holds else 'FAIL'} {name}" + ("" if holds or found == "" else f": {str(found)[:2000]}"),
            flush=True,
        )
        return bool(holds)

    def nothing(self, name, found):
        return self(name, not found, found)


def skipped(what, why):
    print(f"\n**** SKIPPED: {what}\n**** {why}\n", flush=True)


def run(command, timeout=300, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **options)


# README against configuration


def variables(path):
    """Name, type, default and description of each variable."""
    for block in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', path.read_text(), re.S | re.M):
        name, body = block
        description = re.search(r'^  description = "((?:[^"\\]|\\.)*)"', body, re.M).group(1).replace('\\"', '"')
        default = re.search(r"^  default\s+= (.*)$", body, re.M)
        yield (
            name,
            re.search(r"^  type\s+= (.*)$", body, re.M).group(1),
            default.group(1) if default else None,
            description,
        )


def variables_table():
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, _, default, description in variables(TERRAFORM / "variables.tf"):
        shown = "**required**" if default is None else f"`{default}`"
        lines.append(f"| `{name}` | {shown} | {description.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def with_table(text):
    return re.sub(
        r"(<!-- variables -->\n).*?(<!-- /variables -->)",
        lambda m: m[1] + variables_table() + "\n" + m[2],
        text,
        flags=re.S,
    )


def check_readme(check):
    text = (TERRAFORM / "README.md").read_text()
    check(
        "README: the table of variables is that of variables.tf (else: tests/terraform.py --write)",
        with_table(text) == text,
    )

    alarms = (TERRAFORM / "alarms.tf").read_text()
    named = set(re.findall(r"README\.md#([a-z-]+)", alarms)) | set(
        re.findall(r"^      +([a-z]+(?:-[a-z]+)*) = \{\n +severity", alarms, re.M)
    )
    named |= {"failed-invocations"} if "failed-invocations-${key}" in alarms else set()
    runbook = text.split("## Runbook")[1]
    sections = set(re.findall(r"^### ([a-z-]+)$", runbook, re.M))
    check("README: the runbook has a section for each alarm and no other", named == sections, named ^ sections)
    check.nothing(
        "README: each section of the runbook says how urgent it is",
        [name for name in sections if not re.search(rf"### {name}\n\n\*(page|ticket)\.\*", runbook)],
    )

    rows = [
        [cell.strip(" *") for cell in line.split("|")[1:-1]]
        for line in text.split("## Cost")[1].splitlines()
        if line.startswith("|")
    ]
    rows = [row for row in rows if len(row) == 4 and re.fullmatch(r"[\d.]+", row[1])]
    parts = [row for row in rows if not row[0].startswith(("together", "logs"))]
    for column in (1, 2, 3):
        for kind in ("all", "none"):
            logs = next(float(row[column]) for row in rows if row[0].startswith("logs") and kind in row[0])
            total = next(float(row[column]) for row in rows if row[0].startswith("together") and kind in row[0])
            total_of_parts = sum(float(row[column]) for row in parts) + logs
            check(
                f"README: the costs add up, column {column}, log_events = {kind}",
                abs(total - total_of_parts) < 0.011,
                total_of_parts,
            )


def check_text(check):
    files = [
        path
        for path in TERRAFORM.rglob("*")
        if path.suffix in {".tf", ".hcl", ".md"} and ".terraform" not in path.parts
    ]
    check.nothing(
        "every .tf file says in its first line what it is",
        [path.name for path in files if path.suffix == ".tf" and not path.read_text().startswith("# ")],
    )
    unexplained = re.compile(r"checkov:skip=\w+\b(?!:.{25})")
    check.nothing(
        "every skipped finding has its reason beside it",
        [path.name for path in files if unexplained.search(path.read_text())],
    )


# Terraform itself


def find_provider():
    """The mirror that holds the AWS provider, or None."""
    found = run(
        [
            "find",
            "/",
            "(",
            "-path",
            "/proc",
            "-o",
            "-path",
            "/sys",
            ")",
            "-prune",
            "-o",
            "-name",
            "terraform-provider-aws_v*",
            "-print",
        ]
    )
    for line in sorted(found.stdout.splitlines()):
        folders = [parent for parent in pathlib.Path(line).parents if parent.name == "registry.terraform.io"]
        if folders and os.access(line, os.X_OK):
            return folders[0].parent
    return None


class Terraform:
    """Terraform in a copy of the configuration, so that nothing is left in the tree."""

    def __init__(self, work, mirror):
        self.work = work
        for folder in ("terraform", "schemas"):
            shutil.copytree(
                ROOT / folder, work / folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars")
            )
        (work / "terraformrc").write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path    = "{mirror}"\n'
            '    include = ["registry.terraform.io/*/*"]\n  }\n}\n'
        )
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}
        # One copy of the provider, which is large, for both roots.
        (work / "plugins").mkdir()
        self.environment |= {
            "TF_CLI_CONFIG_FILE": str(work / "terraformrc"),
            "TF_PLUGIN_CACHE_DIR": str(work / "plugins"),
            "TF_IN_AUTOMATION": "1",
        }

    def __call__(self, *arguments, folder="terraform", **options):
        return run(["terraform", *arguments], cwd=self.work / folder, env=self.environment, **options)

    def json(self, *arguments):
        return json.loads(self("show", "-json", *arguments).stdout)


def check_form(check, terraform):
    result = terraform("fmt", "-check", "-recursive", "-diff", ".")
    check("terraform fmt changes nothing", result.returncode == 0, result.stdout + result.stderr)
    for folder in ("terraform", "terraform/forwarder"):
        result = terraform("init", "-input=false", "-no-color", folder=folder)
        check(f"{folder}: init", result.returncode == 0, result.stderr)
        result = terraform("validate", "-no-color", folder=folder)
        check(f"{folder}: validate", result.returncode == 0, result.stdout + result.stderr)
        result = terraform("test", "-no-color", folder=folder)
        for name, outcome in re.findall(r'^  run "(\w+)"\.\.\. (\w+)', result.stdout, re.M):
            check(f"{folder}: test {name}", outcome == "pass")
        check(f"{folder}: terraform test", result.returncode == 0, result.stdout[-3000:] + result.stderr[-2000:])


def checkov_program(work):
    """checkov in an environment of its own, kept beside this one where that can be written."""
    inside = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
    home = pathlib.Path(sys.prefix if inside else work) / CHECKOV.replace("==", "-")
    program = home / "bin" / "checkov"
    if not program.exists():
        run([sys.executable, "-m", "venv", "--clear", home])
        result = run([home / "bin" / "python", "-m", "pip", "install", "--quiet", CHECKOV], timeout=600)
        if result.returncode:
            shutil.rmtree(home, ignore_errors=True)
            return None, result.stderr
    return program, ""


def check_security(check, work):
    program, error = checkov_program(work)
    if not check("checkov can be installed", program, error):
        return
    everything = work / "everything.tfvars"
    everything.write_text(
        f'region = "{REGION}"\nlake_bucket = "{BUCKET}"\ncreate_trail = true\npackage_type = "Image"\n'
    )
    accepted = {}
    for name, more in (("as it is by default", []), ("with a trail and a repository", ["--var-file", everything])):
        result = run([program, "-d", TERRAFORM, "--framework", "terraform", "--skip-download", "-o", "json", *more])
        report = json.loads(result.stdout)
        report = report[0] if isinstance(report, list) else report
        check.nothing(
            f"checkov, {name}: findings",
            [(finding["check_id"], finding["resource"]) for finding in report["results"]["failed_checks"]],
        )
        check(
            f"checkov, {name}: it looked",
            report["summary"]["passed"] > 100 and not report["summary"]["parsing_errors"],
            report["summary"],
        )
        for finding in report["results"]["skipped_checks"]:
            accepted[finding["check_id"], finding["resource"].replace("[0]", "")] = finding["check_result"][
                "suppress_comment"
            ]
    print(f"     {len(accepted)} findings are accepted:")
    for (identifier, resource), reason in sorted(accepted.items()):
        print(f"     {identifier} {resource}: {reason}")


def check_apply(check, terraform, settings):
    result = terraform("apply", "-auto-approve", "-input=false", "-no-color", *settings, timeout=400)
    made = re.search(r"Apply complete! Resources: (\d+) added", result.stdout)
    if not check("emulator: apply", made, result.stdout[-1500:] + result.stderr[-3000:]):
        return False
    print(f"     {made[1]} resources")
    check("emulator: no warning", "Warning" not in result.stdout, result.stdout[-3000:])

    terraform("plan", "-input=false", "-no-color", "-out=second", *settings)
    found, unexpected = set(), []
    for change in terraform.json("second")["resource_changes"]:
        if change["change"]["actions"] in (["no-op"], ["read"]):
            continue
        before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
        attributes = {name for name in before | after if before.get(name) != after.get(name)}
        for number, (resource, expected, _) in enumerate(DIFFERENCES):
            if (
                change["change"]["actions"] == ["update"]
                and re.fullmatch(resource, change["address"])
                and attributes <= expected
            ):
                found.add(number)
                break
        else:
            unexpected.append((change["address"], change["change"]["actions"], sorted(attributes)))
    check.nothing("emulator: a second plan changes only what is listed here", unexpected)
    gone = [DIFFERENCES[number][0] for number in range(len(DIFFERENCES)) if number not in found]
    check.nothing("emulator: each listed difference is still there", gone)
    for number in sorted(found):
        resource, attributes, reason = DIFFERENCES[number]
        print(f"     {resource} ({', '.join(sorted(attributes))}): {reason}")
    return True


def check_refusals(check, terraform):
    good = {
        "region": REGION,
        "lake_bucket": BUCKET,
        "function_zip": "versions.tf",
        "existing_trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/main",
    }
    for name, values, message in (
        ("an unknown region", {"region": "eu-west-9"}, "no region that is known here"),
        (
            "a partition list without event_date",
            {"partition_by": "category,account_id"},
            "event_date must be in the list",
        ),
        ("a bucket name with capitals", {"lake_bucket": "Acme-Lake"}, "capitals and underscores are not allowed"),
        (
            "an image by tag",
            {"package_type": "Image", "function_image": "x/trailsink:latest"},
            "give the image by digest",
        ),
        ("no zip", {"function_zip": "no/such.zip"}, "there is no file no/such.zip"),
    ):
        arguments = [f"-var={key}={value}" for key, value in (good | values).items()]
        result = terraform(
            "plan", "-input=false", "-no-color", "-lock=false", f"-state={terraform.work}/none.tfstate", *arguments
        )
        said = re.sub(r"[\s│]+", " ", result.stderr)
        check(f"refused, with what to do: {name}", result.returncode == 1 and message in said, said)
    result = terraform(
        "plan",
        "-input=false",
        "-no-color",
        "-lock=false",
        f"-state={terraform.work}/none.tfstate",
        *[f"-var={key}={value}" for key, value in good.items() if key != "existing_trail"],
    )
    said = re.sub(r"[\s│]+", " ", result.stdout + result.stderr)
    check(
        "warned of: a missing trail",
        result.returncode == 0 and "No trail is named" in said and "create_trail = true" in said,
        said[-1500:],
    )


def as_list(value):
    return value if isinstance(value, list) else [value]


def check_role(check, aws):
    policies = aws.iam.list_role_policies(RoleName="trailsink-function")["PolicyNames"]
    attached = aws.iam.list_attached_role_policies(RoleName="trailsink-function")["AttachedPolicies"]
    check("role: one policy", policies == ["least"] and not attached, (policies, attached))
    document = aws.iam.get_role_policy(RoleName="trailsink-function", PolicyName="least")["PolicyDocument"]
    found = {
        tuple(sorted(as_list(statement["Action"]))): sorted(as_list(statement["Resource"]))
        for statement in document["Statement"]
    }
    key = aws.kms.describe_key(KeyId="alias/trailsink")["KeyMetadata"]["Arn"]
    expected = {
        ("s3:PutObject",): [f"arn:aws:s3:::{BUCKET}/events/*", f"arn:aws:s3:::{BUCKET}/rejected/*"],
        ("kms:GenerateDataKey",): [key],
        ("logs:CreateLogStream", "logs:PutLogEvents"): [
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/trailsink:*"
        ],
        ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"): [
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:trailsink-events"
        ],
    }
    check("role: exactly the actions and resources of the README", found == expected, found)
    check("role: every statement allows", all(statement["Effect"] == "Allow" for statement in document["Statement"]))


def check_catalog(check, aws):
    table = aws.glue.get_table(DatabaseName="trailsink", Name="events")["Table"]
    ddl = (SCHEMAS / "athena.sql").read_text()
    body, _, rest = ddl.partition("PARTITIONED BY")
    columns = re.findall(r"^  (\w+) (\S+) COMMENT '((?:[^']|'')*)',?$", body, re.M)
    found = [(column["Name"], column["Type"], column["Comment"]) for column in table["StorageDescriptor"]["Columns"]]
    check(
        "catalog: the table's columns are those of the DDL",
        found == [(name, kind, text.replace("''", "'")) for name, kind, text in columns] and len(found) > 90,
        found[:3],
    )
    partitions = re.findall(r"^  (\w+) (\w+)", rest.partition("STORED AS")[0], re.M)
    check(
        "catalog: and its partitions",
        [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == partitions,
        table["PartitionKeys"],
    )
    properties = dict(re.findall(r"^  '([^']+)' = '([^']*)'", rest, re.M))
    properties["storage.location.template"] = properties["storage.location.template"].replace("BUCKET/PREFIX", BUCKET)
    check("catalog: and its properties", properties.items() <= table["Parameters"].items(), table["Parameters"])
    check("catalog: and its location", table["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/events/")

    texts = {}
    for types in sorted((SCHEMAS / "views").glob("*.json")):
        name, columns = types.stem, json.loads(types.read_text())
        view = aws.glue.get_table(DatabaseName="trailsink", Name=name)["Table"]
        text = json.loads(base64.b64decode(re.fullmatch(r"/\* Presto View: (\S+) \*/", view["ViewOriginalText"])[1]))
        texts[name] = text["originalSql"]
        check(
            f"catalog: view {name}: its text is the query of the file",
            text["originalSql"].startswith("SELECT")
            and not text["originalSql"].endswith(";")
            and types.with_suffix(".sql").read_text().rstrip().endswith(text["originalSql"] + ";"),
        )
        check(
            f"catalog: view {name}: its columns are those of the file",
            text["columns"] == [{"name": column["name"], "type": column["presto_type"]} for column in columns]
            and [column["Name"] for column in view["StorageDescriptor"]["Columns"]]
            == [column["name"] for column in columns],
        )
        check(
            f"catalog: view {name}: as Athena keeps views",
            view["TableType"] == "VIRTUAL_VIEW"
            and view["Parameters"]["presto_view"] == "true"
            and view["ViewExpandedText"] == "/* Presto View */"
            and text["catalog"] == "awsdatacatalog"
            and text["schema"] == "trailsink",
        )
    check(
        "catalog: every view of schemas/views",
        set(texts) == {path.stem for path in (SCHEMAS / "views").glob("*.sql")},
        set(texts),
    )
    saved = aws.athena.list_named_queries(WorkGroup="trailsink")["NamedQueryIds"]
    check(
        "athena: every query of schemas/queries is saved",
        len(saved) == len(list((SCHEMAS / "queries").glob("*.sql"))),
        len(saved),
    )
    return texts


# The way of an event


def check_chain(check, aws, views):
    """Queue -> event source mapping -> the real function -> Parquet -> a query."""
    queue = aws.sqs.get_queue_url(QueueName="trailsink-events")["QueueUrl"]
    events = list(fixtures())
    own = next(made_events())[1]
    bodies = [json.dumps(e) for _, e in events] + [json.dumps(own), "{ this is not JSON"]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + 10])]
        aws.sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    count = lambda: aws.ask("SELECT count(*) FROM events")  # noqa: E731
    rows = wait(lambda: count() == [[str(len(events))]] and count(), 90) or count()
    check(
        f"chain: {len(bodies)} messages, {len(events)} rows in the answer of a query",
        rows == [[str(len(events))]],
        rows,
    )

    days = aws.ask("SELECT event_id, category, event_date, event_name FROM events ORDER BY event_id")
    expected = sorted((e["detail"].get("eventID"), e["time"][:10], e["detail"].get("eventName")) for _, e in events)
    check(
        "chain: each event once, under its day",
        sorted((row[0], row[2], row[3]) for row in days) == expected,
        days[:3] if isinstance(days, list) else days,
    )
    distinct = aws.ask(f"WITH events_distinct AS ({views['events_distinct']}) SELECT count(*) FROM events_distinct")
    check("chain: the view events_distinct, as saved, gives as many", distinct == [[str(len(events))]], distinct)
    question = aws.ask(
        "SELECT user_name, event_name FROM events WHERE event_date = '2026-10-05' AND event_name = 'RunInstances'"
        " AND outcome = 'success'"
    )
    check(
        "chain: a question gets its answer",
        isinstance(question, list) and ["dana", "RunInstances"] in question,
        question,
    )
    rejected = aws.ask("SELECT reason, payload FROM rejected")
    check(
        "chain: what is no JSON is found in the table rejected",
        rejected == [["invalid_json", "{ this is not JSON"]],
        rejected,
    )
    undated = aws.ask("SELECT count(*) FROM rejected_undated")
    check("chain: and nothing in rejected_undated", undated == [["0"]], undated)

    key = aws.kms.describe_key(KeyId="alias/trailsink")["KeyMetadata"]["Arn"]
    objects = [entry["Key"] for entry in aws.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    lake = [name for name in objects if not name.startswith("athena-results/")]
    check.nothing(
        "chain: the function wrote below events/ and rejected/ only",
        [name for name in lake if not name.startswith(("events/category=", "rejected/reject_date="))],
    )
    keys = {aws.s3.head_object(Bucket=BUCKET, Key=name).get("SSEKMSKeyId") for name in lake}
    check("chain: every object asks for the key", keys == {key}, keys)
    left = aws.sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    check("chain: the queue is empty", set(left.values()) == {"0"}, left)

    lines = wait(
        lambda: (found := metric_lines(aws)) and sum(line["RecordsIn"] for line in found) >= len(bodies) and found, 20
    ) or metric_lines(aws)
    sums = {
        name: sum(line[name] for line in lines)
        for name in ("RecordsIn", "RowsWritten", "Duplicates", "Filtered", "Rejected")
    }
    check(
        "chain: the metrics that the alarms ask for: in = rows + duplicates + filtered + rejected",
        sums == {"RecordsIn": len(bodies), "RowsWritten": len(events), "Duplicates": 0, "Filtered": 1, "Rejected": 1},
        sums,
    )
    check.nothing(
        "chain: under the namespace and dimension that the alarms ask for",
        [
            line
            for line in lines
            if line["FunctionName"] != "trailsink"
            or line["_aws"]["CloudWatchMetrics"][0]["Namespace"] != "trailsink"
            or line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] != [["FunctionName"]]
        ],
    )


def metric_lines(aws):
    lines = []
    for stream in aws.logs.describe_log_streams(logGroupName="/aws/lambda/trailsink")["logStreams"]:
        for entry in aws.logs.get_log_events(
            logGroupName="/aws/lambda/trailsink", logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]:
            for line in entry["message"].splitlines():
                if '"_aws"' in line and line.startswith("{"):
                    lines.append(json.loads(line))
    return lines


def put_on_bus(aws, *events):
    """As nobody's source: the bus takes aws.s3 from AWS alone, so the rules must take all."""
    entries = [
        {"Source": "acme.test", "DetailType": e["detail-type"], "Detail": json.dumps(e["detail"])} for e in events
    ]
    return aws.events.put_events(Entries=entries)["FailedEntryCount"] == 0


def renamed(e, identifier):
    return e | {"detail": e["detail"] | {"eventID": identifier}}


def row_of(aws, identifier):
    return aws.ask(f"SELECT event_name FROM events WHERE event_id = '{identifier}'") or None


def received(aws):
    return sum(line["RecordsIn"] for line in metric_lines(aws))


def apply_also(check, terraform, name, settings):
    result = terraform("apply", "-auto-approve", "-input=false", "-no-color", *settings, timeout=400)
    return check(f"emulator: {name} is applied", result.returncode == 0, result.stderr[-2000:])


def check_bus(check, terraform, aws, settings, with_function):
    """Bus -> rule -> queue -> function; bus -> alert -> topic; bus -> rule -> function."""
    if not apply_also(check, terraform, "a change from two sources to all", settings):
        return
    listener = aws.sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=listener, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.sns.subscribe(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:trailsink-alerts", Protocol="sqs", Endpoint=arn)
    root = renamed(event("iam-create-access-key-root"), "c0ffee70-4a1b-4c2d-8e3f-0000000000ff")
    before = received(aws) if with_function else 0
    left_out = [e for name, e, _ in made_events() if name in ("own write", "native Object Created")]
    check("bus: takes events", put_on_bus(aws, root, *left_out))
    message = wait(lambda: aws.sqs.receive_message(QueueUrl=listener, WaitTimeSeconds=1).get("Messages"), 20)
    sentence = json.loads(json.loads(message[0]["Body"])["Message"]) if message else ""
    expected = (
        f"Root of account {ACCOUNT} called CreateAccessKey of iam.amazonaws.com in us-east-1 at"
        f" {root['detail']['eventTime']} from 198.51.100.7. Event {root['detail']['eventID']}."
    )
    check("bus: an alert arrives at the topic as one sentence", sentence == expected, sentence)
    if not with_function:
        return
    row = wait(lambda: row_of(aws, root["detail"]["eventID"]), 30)
    check("bus: the event becomes a row", row == [["CreateAccessKey"]], row)
    time.sleep(3)
    more = received(aws) - before
    check("bus: an own write and Object Created do not even reach the function", more == 1, more)

    if apply_also(check, terraform, "a change from queue to direct", [*settings, "-var=delivery=direct"]):
        stop = renamed(event("ec2-stop-instances"), "c0ffee70-4a1b-4c2d-8e3f-0000000000fe")
        put_on_bus(aws, stop)
        row = wait(lambda: row_of(aws, stop["detail"]["eventID"]), 30)
        check("bus: without the queue the event becomes a row too", row == [["StopInstances"]], row)


def check_destroy(check, terraform, settings):
    result = terraform("destroy", "-auto-approve", "-input=false", "-no-color", *settings, timeout=400)
    check("emulator: destroy", result.returncode == 0, result.stderr[-3000:])
    left = terraform("state", "list").stdout.split()
    check.nothing("emulator: nothing is left", left)


def check_on_emulator(check, terraform, work, binary):
    (work / "terraform" / "emulator_override.tf").write_text(OVERRIDE)
    zipped = function_zip(binary, work)
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    settings = [
        f"-var={setting}"
        for setting in (
            f"region={REGION}",
            f"lake_bucket={BUCKET}",
            f"function_zip={zipped}",
            f"architecture={architecture}",
            "create_trail=true",
            "force_destroy=true",
            'page_emails=["page@example.com"]',
        )
    ]
    with emulator(work) as address:
        terraform.environment["AWS_ENDPOINT_URL"] = address
        aws = Aws(address)
        if not check_apply(check, terraform, settings):
            return
        check_role(check, aws)
        views = check_catalog(check, aws)
        check_patterns(check, terraform, aws, settings)
        check_alerts(check, aws)
        check_refusals(check, terraform)
        if binary:
            check_chain(check, aws, views)
        else:
            skipped(
                "the way of an event through the function",
                "--trailsink PATH of a Linux binary for this processor is needed (make build-lambda)",
            )
        check_bus(check, terraform, aws, [*settings, '-var=sources=["*"]'], bool(binary))
        check_destroy(check, terraform, settings)


def runs_here(path):
    """The binary, if it is one for this machine."""
    machines = {"x86_64": b"\x3e\x00", "aarch64": b"\xb7\x00", "arm64": b"\xb7\x00"}
    if path is None or sys.platform != "linux":
        return None
    with open(path, "rb") as file:
        head = file.read(20)
    return path if head[:4] == b"\x7fELF" and head[18:20] == machines.get(platform.machine()) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trailsink", type=pathlib.Path, metavar="PATH", help="the function's binary")
    parser.add_argument(
        "--write", action="store_true", help="write the table of variables in terraform/README.md and do nothing else"
    )
    arguments = parser.parse_args()
    if arguments.write:
        readme = TERRAFORM / "README.md"
        readme.write_text(with_table(readme.read_text()))
        return 0

    program = pathlib.Path(sys.executable).parent / "ministack"
    if not program.exists() or not all(map(importlib.util.find_spec, ("boto3", "duckdb", "moto"))):
        print(
            "python -m pip install -r tests/terraform-requirements.txt, in an environment of its own", file=sys.stderr
        )
        return 2
    check = Checks()
    check_readme(check)
    check_text(check)
    mirror = find_provider() if shutil.which("terraform") else None
    if not mirror:
        what = "the AWS provider of Terraform" if shutil.which("terraform") else "Terraform"
        skipped(
            "everything that needs Terraform",
            f"{what} is not on this machine. Nothing of terraform/ but its README has been checked.",
        )
    with tempfile.TemporaryDirectory(prefix="trailsink-terraform-") as folder:
        work = pathlib.Path(folder)
        check_security(check, work)
        if mirror:
            terraform = Terraform(work, mirror)
            check_form(check, terraform)
            check_on_emulator(check, terraform, work, runs_here(arguments.trailsink))
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
