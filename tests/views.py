#!/usr/bin/env python3
"""Checks the view schemas/views/events_distinct.sql with DuckDB, on a lake in which rows are there twice.

    python -m pip install -r tests/requirements.txt
    python tests/views.py --trailsink target/release/trailsink

Made-up events of three days are converted in two runs that overlap, as redelivered messages or a folder that has grown
would be. The view, translated from Athena's dialect, must show each event once, and a filter by a partition column must
still choose the files that are read. One line a check; the last line counts them; the exit status is 1 if one failed.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import sys
import tempfile

import duckdb
import sqlglot
from sqlglot import exp

# Checks leave nothing beside the files of the repository, so neither may the next import.
sys.dont_write_bytecode = True
from readers import Checks, Program, category, made_event, parquet_files, partition_of  # noqa: E402

VIEWS = pathlib.Path(__file__).resolve().parent.parent / "schemas" / "views"
VIEW = VIEWS / "events_distinct.sql"
PARTITION_BY = "PARTITION BY category, event_date, event_id"
TWICE = 20


def record_of(event):
    return event.get("detail", event)


def changed(event, **members):
    """The event with members of its record replaced, or taken away where the new value is None."""
    record = {k: v for k, v in (record_of(event) | members).items() if v is not None}
    return event | {"detail": record} if "detail" in event else record


def redelivered(number, event):
    """The same record as it may come again: as it was, in another envelope or in none."""
    if "detail" not in event or number % 3 == 0:
        return event
    return event["detail"] if number % 3 == 1 else event | {"id": f"again-{number}"}


def made_runs():
    """The events of two runs; the second has half of the first's again."""
    rng = random.Random(11)
    events = [made_event(rng, 3) for _ in range(600)]
    with_id = [event for event in events[200:400] if record_of(event).get("eventID")]
    some = iter(with_id)
    special = [changed(next(some), eventID=None) for _ in range(TWICE)]
    special += [changed(next(some), recipientAccountId="999988887777") for _ in range(TWICE)]
    special += [changed(next(some), recipientAccountId=None) for _ in range(TWICE)]
    special += [changed(next(some), userAgent="another program") for _ in range(TWICE)]
    first = events[:400] + special
    again = events[200:400] + special
    return first, [redelivered(*pair) for pair in enumerate(again)] + events[400:]


def identity(event):
    """What the view shows once, from the JSON; of events without an eventID nothing tells whether they are the same."""
    record = record_of(event)
    return category(record), record["eventTime"][:10], record.get("eventID"), record.get("recipientAccountId")


def connect(lake):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"CREATE VIEW events AS SELECT * FROM read_parquet('{lake}/events/**/*.parquet', hive_partitioning = true, "
        "hive_types = {'category': VARCHAR, 'event_date': VARCHAR})"
    )
    return connection


def translated(text):
    """A statement in DuckDB's dialect; two things the translator leaves as they are, or does not do everywhere."""
    tree = sqlglot.parse_one(text, read="athena")
    for row in list(tree.find_all(exp.Struct)):
        row.replace(exp.Anonymous(this="ROW", expressions=row.expressions))
    for call in tree.find_all(exp.Anonymous):
        if call.name.upper() == "ZIP":
            call.set("this", "LIST_ZIP")
    return tree.sql(dialect="duckdb", comments=False)


def create(connection, text):
    connection.execute(translated(text))


def described(connection, relation):
    return [row[:2] for row in connection.execute(f"DESCRIBE {relation}").fetchall()]


def plain_type(text, dialect):
    """A type in one spelling for all dialects."""
    of = exp.DataType.build(text, dialect=dialect).sql(dialect="duckdb").replace('"', "").upper()
    return re.sub(r"TIMESTAMP\w*( WITH TIME ZONE)?(\(3\))?", "TIMESTAMP", of).replace("VARCHAR", "TEXT")


def check_catalog(check, connection, name):
    """The columns that a catalog is told are those that the view has, in both of its spellings."""
    catalog = json.loads((VIEWS / f"{name}.json").read_text(encoding="utf-8"))
    columns = [(column, plain_type(of, "duckdb")) for column, of in described(connection, name)]
    for key, dialect in (("type", "hive"), ("presto_type", "trino")):
        told = [(column["name"], plain_type(column[key], dialect)) for column in catalog]
        wrong = [f"{a} is {b}" for a, b in zip(told, columns) if a != b]
        check.nothing(f"catalog: {key} of each column", wrong + ["length"] * (len(told) != len(columns)), len(told))


def scans(node):
    """The scans in a profile."""
    if "Total Files Read" in node.get("extra_info", {}):
        yield node["extra_info"]
    for child in node.get("children", []):
        yield from scans(child)


def files_read(connection, where, view="events_distinct"):
    """How many files a query of the view reads, all its columns asked for, and the names of the first few."""
    query = f"EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM {view} WHERE {where}"
    (scan,) = scans(json.loads(connection.execute(query).fetchone()[1]))
    names = [name for name in scan.get("Filename(s)", "").split(", ") if name.endswith(".parquet") and "*" not in name]
    return int(scan["Total Files Read"]), names


def check_text(check, text):
    tree = sqlglot.parse_one(text, read="athena")
    name = tree.find(exp.Table).name
    view = isinstance(tree, exp.Create) and tree.args["kind"] == "VIEW" and tree.args["replace"]
    alone = len(sqlglot.parse(text, read="athena")) == 1
    check("text: one statement, which creates the view or replaces it", view and alone, name)
    check.nothing("text: no line is longer than 120", [line for line in text.splitlines() if len(line) > 120])


def check_lake(check, connection, lake, runs):
    """What the other checks rely on: that they could fail."""
    rows = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    check("the lake: all rows of both runs", rows == sum(map(len, runs)), rows)
    folders = collections.Counter(path.parent for path in parquet_files(lake))
    both = [folder for folder in folders if partition_of(folder)["category"] in ("data", "management")]
    check("the lake: two files for each of three days, of both categories",
          len(both) == 6 and all(folders[folder] == 2 for folder in both), f"{sum(folders.values())} files")
    doubled = collections.Counter(identity(event) for run in runs for event in run)
    twice = [key for key, count in doubled.items() if key[2] and count > 1]
    check("the lake: events that are there twice", len(twice) > 200, f"{len(twice)} of {len(doubled)}")


def check_rows(check, connection, runs):
    wanted = collections.Counter(identity(event) for run in runs for event in run)
    asked = "SELECT category, event_date, event_id, recipient_account_id FROM events_distinct"
    shown = collections.Counter(connection.execute(asked).fetchall())
    with_id = {key for key in wanted if key[2] is not None}
    check.nothing("rows: each event_id and recipient is there", sorted(with_id - set(shown), key=str), len(with_id))
    check.nothing("rows: and is there once", [key for key in shown if key[2] is not None and shown[key] > 1])
    recipients = collections.defaultdict(set)
    for key in shown:
        recipients[key[2]].add(key[3])
    several = [of for name, of in recipients.items() if name is not None and len(of) > 1]
    check("rows: one for each recipient of the same event_id, also for the missing one",
          len(several) == 2 * TWICE and sum(None in of for of in several) == TWICE, f"{len(several)} event_ids")

    without = {key: count for key, count in wanted.items() if key[2] is None}
    kept = {key: count for key, count in shown.items() if key[2] is None}
    check("rows: those without event_id are all kept", kept == without and sum(kept.values()) >= 2 * TWICE,
          f"{sum(kept.values())} of {sum(without.values())}")
    count = "SELECT count(*) FROM (SELECT * FROM {} EXCEPT ALL SELECT * FROM {})"
    lost = connection.execute(count.format("(FROM events WHERE event_id IS NULL)", "events_distinct")).fetchone()[0]
    check("rows: with all their columns", lost == 0, f"{lost} lost")
    invented = connection.execute(count.format("events_distinct", "events")).fetchone()[0]
    check("rows: each is a row of the table in all columns", invented == 0, f"{invented} are not")

    # Of copies in several envelopes it is always the same one that is shown.
    envelopes = collections.defaultdict(set)
    for run in runs:
        for event in run:
            envelopes[identity(event)].add(event["id"] if "detail" in event else None)
    several = {key: of for key, of in envelopes.items() if key[2] is not None and len(of) > 1}
    asked = "SELECT category, event_date, event_id, recipient_account_id, bridge_event_id FROM events_distinct"
    chosen = {row[:4]: row[4] for row in connection.execute(asked).fetchall()}
    wrong = [key for key, of in several.items() if chosen[key] != min(of - {None})]
    check.nothing("rows: of copies in several envelopes the first", wrong, f"{len(several)} events")


def check_filters(check, connection, lake, runs):
    """A filter by partition columns must read the files of those partitions and no others."""
    files = parquet_files(lake)
    partitions = {path: partition_of(path.relative_to(lake)) for path in files}
    wanted = collections.Counter()
    for key, count in collections.Counter(identity(event) for run in runs for event in run).items():
        wanted[key[:2]] += count if key[2] is None else 1
    day, last = "2026-10-02", "2026-10-03"
    filters = {
        f"event_date = '{day}'": lambda kind, date: date == day,
        f"event_date BETWEEN '{day}' AND '{last}'": lambda kind, date: day <= date <= last,
        "category = 'data'": lambda kind, date: kind == "data",
        f"category IN ('data', 'management') AND event_date = '{day}' AND outcome <> 'other'":
            lambda kind, date: kind in ("data", "management") and date == day,
    }
    for where, matches in filters.items():
        inside = {str(path) for path, of in partitions.items() if matches(of["category"], of["event_date"])}
        number, names = files_read(connection, where)
        only = number == len(inside) < len(files) and names and set(names) <= inside
        check(f"files: {where}", only, f"{number} of {len(files)} read")
        rows = connection.execute(f"SELECT count(*) FROM events_distinct WHERE {where}").fetchone()[0]
        right = sum(count for key, count in wanted.items() if matches(*key))
        check(f"files: and all rows, {where}", rows == right, f"{rows} of {right}")


def check_other_windows(check, connection, lake, text):
    """The same view with fewer partition columns in its window reads more: the count of files can tell."""
    every = len(parquet_files(lake))
    days = "event_date = '2026-10-02'"
    check("other windows: the view has the text that is replaced here", text.count(PARTITION_BY) == 1)
    create(connection, text.replace(PARTITION_BY, "PARTITION BY event_id"))
    for where in (days, "category = 'data'"):
        number, _ = files_read(connection, where)
        check(f"other windows: without partition columns, {where}", number == every, f"{number} of {every} read")
    create(connection, text.replace(PARTITION_BY, "PARTITION BY event_date, event_id"))
    (by_day, _), (by_category, _) = files_read(connection, days), files_read(connection, "category = 'data'")
    check("other windows: without category, category = 'data'", by_day < by_category == every,
          f"{by_day} by day, {by_category} by category of {every} read")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trailsink", required=True, help="the program to check")
    args = parser.parse_args()
    if not os.path.isfile(args.trailsink):
        parser.error(f"there is no file {args.trailsink}")
    check, program = Checks(), Program(os.path.abspath(args.trailsink))
    with tempfile.TemporaryDirectory(prefix="views-") as folder:
        run(check, program, pathlib.Path(folder))
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


def run(check, program, folder):
    text = VIEW.read_text(encoding="utf-8")
    with check.group("text"):
        check_text(check, text)
    with check.group("the view"):
        lake, runs = folder / "lake", made_runs()
        for number, events in enumerate(runs):
            path = folder / f"{number}.jsonl"
            path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
            program.convert(path, lake)
        connection = connect(lake)
        create(connection, text)
        with check.group("the lake"):
            check_lake(check, connection, lake, runs)
        with check.group("columns"):
            table = [column["name"] for column in json.loads(program.run("schema", "--format", "glue"))]
            columns = described(connection, "events_distinct")
            same = columns == described(connection, "events") and [name for name, _ in columns][: len(table)] == table
            check("columns: those of the table, in its order", same, f"{len(columns)}, with the partition columns")
            check_catalog(check, connection, "events_distinct")
        with check.group("rows"):
            check_rows(check, connection, runs)
        with check.group("files"):
            check_filters(check, connection, lake, runs)
        with check.group("other windows"):
            check_other_windows(check, connection, lake, text)


if __name__ == "__main__":
    sys.exit(main())
