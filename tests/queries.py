"""Runs the questions of schemas/queries/*.sql against small lakes written by trailsink.

    pip install -r tests/requirements.txt
    python tests/queries.py --trailsink target/release/trailsink [--only NAME] [--techniques FOLDER]

Each query has tests/queries/<name>.json:
    parameters     the values of the ?, in order
    records        CloudTrail records; convert writes them to a lake
    rows           how many rows the query must return
    must_find      parts of rows; each must match exactly one row
    must_not_find  parts of rows that no row may match, with the reason ("why")
Where a row holds a list and the expected value is a single one, the list must contain it.

The .sql is Athena's dialect; sqlglot translates it to DuckDB's. FOLDER holds <name>.ndjson files with CloudTrail records
and <name>.techniques.tsv files (line number, attack technique): every query is run over them, with all days and the
thresholds of its header's examples, and the techniques that no query finds are listed.
"""

import argparse
import datetime
import decimal
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import duckdb
import sqlglot
from sqlglot import exp

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUERIES = ROOT / "schemas" / "queries"
FIXTURES = ROOT / "tests" / "queries"
DAY_PARAMETERS = {"first_day", "last_day", "baseline_first_day"}
# They return whatever the target or the dates cover, so a technique in their answer is no finding.
NOT_A_FINDING = {"who_causes_the_volume", "access_key_activity", "timeline_of_a_resource"}

PARAMETER = re.compile(r"-- \? (?P<name>[a-z_]+)  e\.g\. (?P<example>\S+)  (?P<meaning>\S.*)")


class Query:
    """One .sql file: its header and its text in both dialects."""

    def __init__(self, path):
        self.name = path.stem
        self.text = path.read_text(encoding="utf-8")
        self.problems = []
        lines = self.text.splitlines()
        header = [line for line in lines if line.startswith("--")]
        self.parameters = [m.groupdict() for m in map(PARAMETER.fullmatch, header) if m]
        self._check_header(lines, header)
        self.tree = sqlglot.parse_one(self.text, read="athena")
        self._check_tree()
        self.duckdb = self.tree.sql(dialect="duckdb", comments=False)

    def _check_header(self, lines, header):
        shape = ["question"] + ["?"] * len(self.parameters) + ["Needs:", "Blind spots:"]
        found = []
        for line in header:
            if PARAMETER.fullmatch(line):
                found.append("?")
            elif line.startswith(("-- Needs: ", "-- Blind spots: ")):
                found.append(line[3 : line.index(":") + 1])
            elif line.startswith("--   ") and found and found[-1].endswith(":"):
                pass
            else:
                found.append("question" if line.endswith("?") else "unreadable header line: " + line)
        if found != shape or lines[: len(header)] != header:
            self.problems.append(f"header is not question, parameters, Needs, Blind spots: {found}")
        if not re.fullmatch(r"[a-z0-9_]+", self.name):
            self.problems.append("file name is not snake_case")
        if any(len(line) > 120 for line in lines):
            self.problems.append("a line is longer than 120")

    def _check_tree(self):
        placeholders = list(self.tree.find_all(exp.Placeholder))
        body = "\n".join(line for line in self.text.splitlines() if not line.lstrip().startswith("--"))
        if not len(self.parameters) == len(placeholders) == body.count("?"):
            self.problems.append(f"{len(self.parameters)} parameters in the header, {body.count('?')} ? in the text")
        # Athena takes execution parameters in WHERE clauses only, at most 25 in its console.
        if not all(map(_in_where, placeholders)):
            self.problems.append("a ? stands outside of WHERE")
        for table in self.tree.find_all(exp.Table):
            if table.name == "events" and not _reads_bounded_days(table.find_ancestor(exp.Select)):
                self.problems.append("reads events without event_date BETWEEN ? AND ?: all partitions would be scanned")


def _in_where(node):
    while node is not None and not isinstance(node, exp.Select):
        if isinstance(node, exp.Where):
            return True
        node = node.parent
    return False


def _reads_bounded_days(select):
    where = select.args.get("where")
    return where is not None and any(
        between.this.name == "event_date" and isinstance(between.args["low"], exp.Placeholder)
        for between in where.find_all(exp.Between)
    )


class Lake:
    """What convert wrote, as the DuckDB view that stands for Athena's table."""

    def __init__(self, trailsink, records_file):
        self.folder = tempfile.TemporaryDirectory()
        command = [trailsink, "convert", "--to", self.folder.name, records_file]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"convert ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.show(copies=1)

    def show(self, copies):
        source = (
            f"SELECT * FROM read_parquet('{self.folder.name}/events/**/*.parquet', union_by_name = true, "
            "hive_partitioning = true, hive_types = {'event_date': VARCHAR, 'category': VARCHAR})"
        )
        self.connection.execute("CREATE OR REPLACE VIEW events AS " + " UNION ALL ".join([source] * copies))

    def ask(self, query, parameters):
        cursor = self.connection.execute(query.duckdb, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(plain, row))) for row in cursor.fetchall()]


def plain(value):
    """A result value as JSON would hold it, so that fixtures can name it."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            value = value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value


def matches(row, part):
    for column, wanted in part.items():
        if column == "why":
            continue
        if column not in row:
            raise KeyError(f"no column {column}; the query returns {', '.join(row)}")
        value = row[column]
        if not (wanted in value if isinstance(value, list) and not isinstance(wanted, list) else value == wanted):
            return False
    return True


def check_fixture(query, fixture):
    ids = [record.get("eventID") for record in fixture["records"]]
    if len(set(ids)) != len(ids):
        yield "two records have the same eventID"
    if len(fixture["parameters"]) != len(query.parameters):
        yield f"{len(fixture['parameters'])} parameters, the query takes {len(query.parameters)}"
    for kind, least in (("must_find", 1), ("must_not_find", 2)):
        if len(fixture[kind]) < least:
            yield f"fewer than {least} in {kind}"
    for part in fixture["must_not_find"]:
        if not part.get("why"):
            yield f"no reason why {part} must not be found"
        for column, value in part.items():
            if column.startswith("event_id") and value not in ids:
                yield f"{value} is in no record, so it can never be found"


def check_rows(rows, fixture):
    if len(rows) != fixture["rows"]:
        yield f"{len(rows)} rows instead of {fixture['rows']}: {json.dumps(rows, default=str)[:2000]}"
    for part in fixture["must_find"]:
        count = sum(matches(row, part) for row in rows)
        if count != 1:
            yield f"{count} rows instead of 1 match {json.dumps(part)}"
    for part in fixture["must_not_find"]:
        if any(matches(row, part) for row in rows):
            yield f"found, but must not be: {json.dumps(part)}"


def check_query(trailsink, query):
    """Yields (name of the check, problems)."""
    yield "form", query.problems
    fixture = json.loads((FIXTURES / f"{query.name}.json").read_text(encoding="utf-8"))
    yield "fixture", list(check_fixture(query, fixture))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in fixture["records"])
        file.flush()
        lake = Lake(trailsink, file.name)
    rows = lake.ask(query, fixture["parameters"])
    yield "rows", list(check_rows(rows, fixture))

    other_year = [
        "1999-01-01" if parameter["name"] in DAY_PARAMETERS else value
        for parameter, value in zip(query.parameters, fixture["parameters"])
    ]
    yield "days", ["rows of other days are returned"] if lake.ask(query, other_year) else []

    # Delivery is at least once: an event that lies in two files must not change the answer.
    lake.show(copies=2)
    again = lake.ask(query, fixture["parameters"])
    if not fixture.get("counts_redeliveries"):
        yield "redelivery", [] if again == rows else [f"changes with redelivered events: {json.dumps(again)[:2000]}"]


def generic_parameters(query, lake):
    """All days, the thresholds of the header's examples, and as targets the most frequent ones of the lake."""

    def most_frequent(column):
        return lake.connection.execute(
            f"SELECT value FROM (SELECT {column} AS value FROM events) WHERE value IS NOT NULL "
            "GROUP BY value ORDER BY count(*) DESC, value LIMIT 1"
        ).fetchone()

    first, last = lake.connection.execute("SELECT min(event_date), max(event_date) FROM events").fetchone()
    values = {
        "first_day": first,
        "last_day": last,
        "baseline_first_day": first,
        "known_egress": "^10[.]",
        "bucket": most_frequent("s3_bucket_name"),
        "key": most_frequent("s3_object_key"),
        "access_key": most_frequent("user_access_key_id"),
        "arn_or_id": most_frequent("unnest(any_arns)"),
    }
    chosen = []
    for parameter in query.parameters:
        name = parameter["name"]
        value = int(parameter["example"]) if name.startswith("min_") else values[name]
        chosen.append(value[0] if isinstance(value, tuple) else value)
    return chosen


def report_techniques(trailsink, queries, folder):
    """Prints which queries find which technique; yields the techniques that none finds."""
    for table in sorted(pathlib.Path(folder).glob("*.techniques.tsv")):
        records = table.with_name(table.name.replace(".techniques.tsv", ".ndjson"))
        ids = [json.loads(line).get("eventID") for line in records.read_text(encoding="utf-8").splitlines()]
        techniques = {}
        for line in table.read_text(encoding="utf-8").splitlines()[1:]:
            number, technique = line.split("\t")
            techniques.setdefault(technique, set()).add(ids[int(number) - 1])
        lake = Lake(trailsink, str(records))
        found = {technique: [] for technique in techniques}
        for query in queries:
            if query.name in NOT_A_FINDING:
                continue
            seen = set()
            for row in lake.ask(query, generic_parameters(query, lake)):
                for column, value in row.items():
                    if "event_id" in column:
                        seen.update(value if isinstance(value, list) else [value])
            for technique, events in techniques.items():
                if events & seen - {None}:
                    found[technique].append(query.name)
        for technique, names in found.items():
            print(f"  {technique}: {', '.join(names) or 'NOT FOUND'}")
        missing = [technique for technique, names in found.items() if not names]
        print(f"techniques found: {len(found) - len(missing)} of {len(found)}")
        yield from missing


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--trailsink", required=True, help="the program")
    arguments.add_argument("--techniques", help="folder with *.ndjson and *.techniques.tsv")
    arguments.add_argument("--only", help="run this query alone")
    options = arguments.parse_args()

    passed = failed = 0

    def count(name, check, problems):
        nonlocal passed, failed
        if problems:
            failed += 1
            for problem in problems:
                print(f"FAILED {name} ({check}): {problem}")
        else:
            passed += 1

    paths = sorted(QUERIES.glob("*.sql"))
    if not options.only:
        unpaired = {p.stem for p in paths} ^ {p.stem for p in FIXTURES.glob("*.json")}
        count("all", "pairs", [f"{name} has a query or a fixture, but not both" for name in sorted(unpaired)])
        count("all", "number", [] if len(paths) >= 25 else [f"only {len(paths)} queries"])
    queries = []
    for path in paths:
        if options.only and path.stem != options.only:
            continue
        try:
            query = Query(path)
            queries.append(query)
            for check, problems in check_query(options.trailsink, query):
                count(query.name, check, problems)
        except Exception as error:
            count(path.stem, "run", [f"{type(error).__name__}: {error}"])
    if options.techniques:
        for technique in report_techniques(options.trailsink, queries, options.techniques):
            count(technique, "technique", ["no query finds it"])
    print(f"{len(queries)} queries")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
