#!/usr/bin/env python3
"""Checks schemas/athena.sql with Spark, which takes Hive's DDL as Athena does: the table is made from it and read.

    apt-get install openjdk-17-jre-headless
    python -m pip install -r tests/spark-requirements.txt
    python tests/spark.py --trailsink target/release/trailsink

The statement runs as it is but for LOCATION, which is a lake made of events/. Its columns must be those of
schemas/glue_columns.json, and every column must read as DuckDB reads it: by Spark's own reader of Parquet, and all but
timestamps by Hive's. One line a check; the last line counts them; the exit status is 1 if one failed. Where
there is no Java or no pyspark it says so and ends with 0; with TRAILSINK_REQUIRE_SPARK set, with 1.
"""

import argparse
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Checks leave nothing beside the files of the repository, so neither may the next import.
sys.dont_write_bytecode = True

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "schemas"
EVENTS = SCHEMAS.parent / "events"
LEAST_JAVA = 17
# What a lake of events/ must have for the comparisons to say anything.
LEAST_ROWS, LEAST_PARTITIONS = 112, 10
# The same questions in both dialects; filters go by the statistics in the files and by the folders.
QUESTIONS = {
    "rows": ("SELECT count(*) FROM events",) * 2,
    "rows of a day": ("SELECT count(*) FROM events WHERE event_date = '2026-10-05' AND category = 'management'",) * 2,
    "rows of a name": ("SELECT count(*) FROM events WHERE event_name = 'GetObject'",) * 2,
    "rows of an hour": ("SELECT count(*) FROM events WHERE event_time >= TIMESTAMP '2026-10-05 14:00:00' "
                        "AND event_time < TIMESTAMP '2026-10-05 15:00:00'",) * 2,
    "sums": ("SELECT CAST(sum(s3_bytes_in) AS bigint), CAST(sum(s3_bytes_out) AS bigint), "
             "CAST(sum(s3_object_size) AS bigint), CAST(sum(s3_http_status) AS bigint) FROM events",) * 2,
    "truths": ("SELECT read_only, management_event, count(*) FROM events GROUP BY 1, 2",) * 2,
    "first and last time": ("SELECT unix_millis(min(event_time)), unix_millis(max(event_time)) FROM events",
                            "SELECT epoch_ms(min(event_time)), epoch_ms(max(event_time)) FROM events"),
    "an element of a list": ("SELECT count(*) FROM events WHERE array_contains(any_arns, 'arn:aws:s3:::acme-lake-raw')",
                             "SELECT count(*) FROM events WHERE list_contains(any_arns, 'arn:aws:s3:::acme-lake-raw')"),
    "elements of lists": ("SELECT arn, count(*) FROM events LATERAL VIEW explode(resource_arns) AS arn GROUP BY arn",
                          "SELECT arn, count(*) FROM (SELECT unnest(resource_arns) AS arn FROM events) GROUP BY arn"),
}


def skip(why):
    print(f"SKIPPED tests/spark.py: {why}", flush=True)
    print(f"SKIPPED tests/spark.py: {why}", file=sys.stderr, flush=True)
    sys.exit(1 if os.environ.get("TRAILSINK_REQUIRE_SPARK") else 0)


def java_home():
    """A Java that Spark runs on: the one that is set, else the package's, else the one on the path."""
    homes = [os.environ.get("JAVA_HOME"), *sorted(glob.glob(f"/usr/lib/jvm/java-{LEAST_JAVA}-openjdk-*"))]
    if on_path := shutil.which("java"):
        homes.append(pathlib.Path(on_path).resolve().parent.parent)
    for home in filter(None, homes):
        try:
            done = subprocess.run([f"{home}/bin/java", "-version"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        version = re.search(r'version "(\d+)', done.stderr)
        if version and int(version[1]) >= LEAST_JAVA:
            return str(home)
    return None


def session(folder):
    """Spark with a catalog of its own in the folder, and nothing open to other machines."""
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.master("local[2]").appName("trailsink")
    for key, value in {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder}/derby -Djava.io.tmpdir={folder}",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.local.dir": f"{folder}/local",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        # The properties have ${..} in them, which are for Athena.
        "spark.sql.variable.substitute": "false",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(key, value)
    return builder.enableHiveSupport().getOrCreate()


def check_table(check, spark, ddl, lake):
    """Makes the table and adds its partitions; its columns and properties against the other files and the statement."""
    statement = re.sub(r"LOCATION '[^']*'", f"LOCATION 'file://{lake}/events/'", ddl)
    check("table: only its location is another", statement != ddl and statement.count("LOCATION '") == 1)
    spark.sql(statement)
    for folder in sorted({path.parent for path in parquet_files(lake)}):
        values = ", ".join(f"{name} = '{value}'" for name, value in partition_of(folder.relative_to(lake)).items())
        spark.sql(f"ALTER TABLE events ADD PARTITION ({values}) LOCATION 'file://{folder}'")
    partitions = spark.sql("SHOW PARTITIONS events").count()
    check("table: a partition for each folder", partitions >= LEAST_PARTITIONS, partitions)

    described = [tuple(row) for row in spark.sql("DESCRIBE TABLE events").collect()]
    end = next(number for number, row in enumerate(described) if row[0].startswith("#"))
    glue = json.loads((SCHEMAS / "glue_columns.json").read_text(encoding="utf-8"))
    told = [(column["name"], column["type"], column["comment"]) for column in glue]
    columns, keys = described[: end - 2], described[end - 2 : end]
    wrong = [f"{a} in place of {b}" for a, b in zip(columns, told) if a != b]
    check.nothing("table: name, type and comment of each column are those of glue_columns.json",
                  wrong + ["length"] * (len(columns) != len(told)), f"{len(told)} columns")
    check("table: partition columns", [key[:2] for key in keys] == [("category", "string"), ("event_date", "string")])

    properties = {row[0]: row[1] for row in spark.sql("SHOW TBLPROPERTIES events").collect()}
    written = dict(re.findall(r"^  '([^']+)' = '([^']*)'", ddl[ddl.index("TBLPROPERTIES") :], re.MULTILINE))
    wrong = [key for key, value in written.items() if properties.get(key) != value]
    check.nothing("table: its properties", wrong + ["none"] * (not written), f"{len(written)} properties")
    return told


def plain(rows):
    return sorted((tuple(row) for row in rows), key=str)


def check_columns(check, spark, duck, columns, reader):
    """Every column, each row by row."""
    key = ["category", "event_date", "event_id"]
    names = [name for name, _, _ in columns]
    millis = {name for name, kind, _ in columns if kind == "timestamp"}

    def read(connection, function):
        asked = ", ".join(f"{function}({name})" if name in millis else name for name in names)
        return [tuple(row) for row in connection(f"SELECT {', '.join(key)}, {asked} FROM events")]

    spark_rows = read(lambda query: spark.sql(query).collect(), "unix_millis")
    duck_rows = read(lambda query: duck.execute(query).fetchall(), "epoch_ms")
    wrong, filled = [], 0
    for number, name in enumerate(names, len(key)):
        given, right = ([(*row[: len(key)], row[number]) for row in rows] for rows in (spark_rows, duck_rows))
        filled += any(row[-1] is not None for row in right)
        if plain(given) != plain(right):
            pair = next((pair for pair in zip(plain(given), plain(right)) if pair[0] != pair[1]), "number of rows")
            wrong.append(f"{name}: {pair}")
    check.nothing(f"{reader}: every column in every row", wrong, f"{len(names)} columns, {filled} with values")


def check_questions(check, spark, duck, reader, but=()):
    for name, (for_spark, for_duck) in QUESTIONS.items():
        if any(column in for_spark for column in but):
            continue
        given, right = plain(spark.sql(for_spark).collect()), plain(duck.execute(for_duck).fetchall())
        found = any(any(row) for row in right)
        check(f"{reader}: {name}", given == right and found,
              f"{len(given)} rows" if given == right else f"{given}, DuckDB {right}")


def check_distinct_view(check, spark):
    """The one view that is plain SQL runs as it is; for the other's types the dialects differ too much."""
    spark.sql((SCHEMAS / "views" / "events_distinct.sql").read_text(encoding="utf-8"))
    shown = spark.sql("SELECT count(*) FROM events_distinct").collect()[0][0]
    right = spark.sql("SELECT count(*) FROM (SELECT DISTINCT category, event_date, event_id, recipient_account_id FROM "
                      "events WHERE event_id IS NOT NULL)").collect()[0][0]
    rows, without = spark.sql("SELECT count(*), count_if(event_id IS NULL) FROM events").collect()[0]
    check("events_distinct: each event once", shown == right + without < rows, f"{shown} of {rows} rows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trailsink", required=True, help="the program to check")
    args = parser.parse_args()
    if not os.path.isfile(args.trailsink):
        parser.error(f"there is no file {args.trailsink}")
    check, program = Checks(), Program(os.path.abspath(args.trailsink))
    with tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True) as folder:
        # Spark writes to the folder it is started in if it is told nothing else.
        os.chdir(folder)
        with check.group("Spark"):
            run(check, program, folder)
        os.chdir("/")
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


def run(check, program, folder):
    lake = pathlib.Path(folder, "lake")
    # Some events lie in two files, as redelivered messages would: those of days for which the second run gives another.
    program.convert(EVENTS, lake)
    program.convert(EVENTS / "eventbridge", lake)
    duck = connect(lake)
    rows = duck.execute("SELECT count(*) FROM events").fetchone()[0]
    check("the lake: rows", rows >= LEAST_ROWS, rows)
    spark = session(folder)
    try:
        columns = check_table(check, spark, (SCHEMAS / "athena.sql").read_text(encoding="utf-8"), lake)
        with check.group("events_distinct"):
            check_distinct_view(check, spark)
        with check.group("Spark's reader"):
            check_columns(check, spark, duck, columns, "Spark's reader")
            check_questions(check, spark, duck, "Spark's reader")
        with check.group("Hive's reader"):
            spark.conf.set("spark.sql.hive.convertMetastoreParquet", "false")
            # The reader of Hive 2.3, which Spark carries, knows timestamps of 96 bits alone, whatever unit these have.
            timestamps = [column[0] for column in columns if column[1] == "timestamp"]
            others = [column for column in columns if column[0] not in timestamps]
            check_columns(check, spark, duck, others, "Hive's reader")
            check_questions(check, spark, duck, "Hive's reader", but=timestamps)
    finally:
        spark.stop()


if __name__ == "__main__":
    try:
        from pyspark.sql import SparkSession
        from readers import Checks, Program, parquet_files, partition_of
        from views import connect
    except ImportError as error:
        skip(f"{error}; python -m pip install -r tests/spark-requirements.txt")
    home = java_home()
    if not home:
        skip(f"there is no Java {LEAST_JAVA} or newer; apt-get install openjdk-{LEAST_JAVA}-jre-headless")
    os.environ["JAVA_HOME"] = home
    sys.exit(main())
