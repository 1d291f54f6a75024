#!/usr/bin/env python3
"""Measures speed, memory and size beside what they must be, prints a table and writes benches/RESULTS.md.

    python3 benches/bench.py             # builds, measures for some minutes, writes RESULTS.md
    python3 benches/bench.py --quick     # less of everything; writes nothing

Each ratio is of one run on one input, both sides in turns, the best of each side where nothing else is said: what else the
machine does meets both sides, and the share it took is written down. Events are generated into a temporary folder (TMPDIR;
the whole takes 3 GB).

What cannot be had here is "not measured", with the reason. What goes wrong is told, and the exit status is 1. A must that does
not hold only stands in the table: it may be the moment's fault.

Linux, Python 3.9 or newer, nothing to install but for the row with DuckDB: `cargo test` puts it into target/python, or --python
names another interpreter.
"""

import argparse
import datetime
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import typing

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
CARGO = os.environ.get("CARGO", "cargo")
MB = 1_000_000


class Row(typing.NamedTuple):
    """A row of the table: `better` is the sign between each value and its must."""

    measure: str
    better: str
    musts: tuple
    reach: tuple
    unit: str = ""
    labels: tuple = ("",)


ORDERS = ("", "keys shuffled")
SHAPES = ("generated", "keys shuffled", "fixtures")
HOSTILE = ("1 MB of [", "one key 100,000 times", "100,000 keys", "10 MB of escapes")
FILES = ("1 event", "100 events")
ROWS = {
    "sonic": Row(
        "record text -> RecordBatch, against sonic-rs skip + validate", ">=", (0.33, 0.25, 0.33), (0.75,), labels=SHAPES
    ),
    "value": Row("the same, against serde_json::Value", ">=", (2.0, 2.0, 2.0), (4.4,), labels=SHAPES),
    "duckdb": Row(
        "`convert` of 100,000 events, CPU seconds, against DuckDB with typed STRUCT columns", ">=", (1.5, 1.5), (3,), labels=ORDERS
    ),
    "arrow-json": Row("the same, against serde_json::Value -> arrow-json -> Parquet", ">=", (5, 5), (10,), labels=ORDERS),
    "threads": Row("two threads against one, wall time of `convert` on 300,000 events", ">=", (1.7,), (1.95,)),
    "memory": Row("peak memory of `convert` on 1,000,000 events (1.9 GB)", "<=", (300,), (150,), "MB"),
    "function": Row("peak memory of the function for a batch of 2,000 events", "<=", (64,), (40,), "MB"),
    "file": Row("time to make one file of 1 event, of 100 events", "<=", (1, 3), (0.2, 0.8), "ms", FILES),
    "start": Row("process start to first request, against a bare hello world", "<=", (1.5,), (1.1,)),
    "binary": Row("stripped release binary", "<=", (12,), (7,), "MB"),
    "bytes": Row("bytes an event in a file of 100,000 sorted rows, against gzip -6 of the lines", "<=", (0.85,), (0.6,)),
    "growth": Row("growth: wall time of 1,000,000 events over 10 x time of 100,000", "<=", (1.05,), (1.0,)),
    "hostile": Row("hostile input, time per byte, against ordinary input", "<=", (3, 3, 3, 3), (1,), labels=HOSTILE),
}


class NotMeasured(Exception):
    """A number that cannot be had here; the text says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def figure(value, unit=""):
    """Three digits and the unit."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    return f"{text} {unit}".rstrip()


def threads_in_words(threads):
    return f"{threads} thread" if threads == 1 else f"{threads} threads"


def need(program):
    if not shutil.which(program):
        raise NotMeasured(f"{program} is not installed")
    return program


class Usage(typing.NamedTuple):
    """What a process took: seconds and bytes; and what it said."""

    wall: float
    cpu: float
    peak: int
    output: bytes


def run(command, folder):
    """Runs a program to its end; its standard output must be short."""
    with tempfile.TemporaryFile(dir=folder) as output:
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{pathlib.Path(command[0]).name} ended with {process.returncode}")
        output.seek(0)
        return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output.read())


class Others:
    """The share of the machine that other programs took since this was made, in percent."""

    def __init__(self):
        self.began = self.now()

    @staticmethod
    def now():
        ticks = [int(part) for part in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(usage.ru_utime + usage.ru_stime for usage in used)
        idle = ticks[3] + ticks[4]
        return sum(ticks) / os.sysconf("SC_CLK_TCK"), (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK"), own

    def percent(self):
        everything, busy, own = (after - before for after, before in zip(self.now(), self.began))
        return 100 * max(0, busy - own) / everything if everything else 0

    def __str__(self):
        return f"other programs took {self.percent():.0f} % of the machine meanwhile"

    @classmethod
    def wait_for_quiet(cls, seconds):
        """Waits until others take next to nothing, but not for longer than that many seconds."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            others = cls()
            time.sleep(0.5)
            if others.percent() < 5:
                break


class Bench:
    """Everything that is measured. Each of the methods in `MEASURES` gives the values of one row or of several; nothing prints."""

    def __init__(self, quick, python, programs, folder):
        self.quick, self.python, self.folder = quick, python, folder
        self.rounds = 2 if quick else 5
        self.notes, self.also, self.estimates, self.duckdb_version = {}, [], {}, "not installed"
        # Now, as what is measured is what was built.
        changed = said_by("git", "status", "--porcelain", "--untracked-files=no")
        self.revision = said_by("git", "rev-parse", "--short", "HEAD") + (changed and ", with changes")
        # Copies, so that a build in the meantime does not change what is measured.
        self.programs = {name: shutil.copy2(path, folder / name) for name, path in programs.items()}

    def events(self, count, *options):
        """A file of generated events, made once."""
        path = self.folder / f"{'-'.join([str(count), *options])}.jsonl"
        if not path.exists():
            with path.open("wb") as file:
                subprocess.run([self.programs["generate"], str(count), *options], stdout=file, check=True)
        return path

    def convert(self, count, *options, events=(), threads=1):
        """Converts generated events and checks that all of them became rows; what it took, and its summary."""
        path, lake = self.events(count, *events), self.folder / "lake"
        command = [self.programs["trailsink"], "convert", "--threads", threads, "--to", lake, "--summary", "json", *options, path]
        usage = run(command, self.folder)
        shutil.rmtree(lake)
        summary = json.loads(usage.output)
        if summary["records_in"] != count or summary["rows_written"] != count:
            raise RuntimeError(f"of {count} events {summary['rows_written']} became rows")
        return usage, summary

    # By criterion.

    def benches(self):
        rounds = [self.criterion(number) for number in range(1 if self.quick else 3)]
        for names, (_, amount) in rounds[0].items():
            self.estimates[names] = statistics.median(estimates[names][0] for estimates in rounds), amount

        def a_byte(estimates, names):
            seconds, amount = estimates[names]
            return seconds / amount["bytes"]

        def ratios(pairs):
            """Of each pair, the median of the rounds: what the first takes a byte over what the second takes."""
            return [statistics.median(a_byte(e, first) / a_byte(e, second) for e in rounds) for first, second in pairs]

        def extraction(peer):
            groups = ("records", "records with shuffled keys", "records of the fixtures")
            return ratios([((group, peer), (group, "to RecordBatch columns")) for group in groups])

        return {
            "sonic": extraction("skip and validate, sonic-rs"),
            "value": extraction("to serde_json::Value"),
            "file": [1000 * self.estimates["one file", name][0] for name in FILES],
            "hostile": ratios([(("hostile", name), ("hostile", "ordinary lines")) for name in HOSTILE]),
        }

    def criterion(self, number):
        """Runs all benches; by the names of group and function the median in seconds, and the amount of work."""
        home, found = self.folder / f"criterion-{number}", {}
        times = ["--warm-up-time", "0.3" if self.quick else "0.5", "--measurement-time", "1" if self.quick else "2"]
        command = [self.programs["bench"], "--bench", *times]
        subprocess.run(command, env=os.environ | {"CRITERION_HOME": str(home)}, stdout=sys.stderr, check=True)
        for about in home.glob("**/new/benchmark.json"):
            names, estimates = json.loads(about.read_text()), json.loads((about.parent / "estimates.json").read_text())
            amount = names["throughput"].get("ElementsAndBytes") or {"bytes": names["throughput"]["Bytes"]}
            found[names["group_id"], names["function_id"]] = estimates["median"]["point_estimate"] / 1e9, amount
        return found

    # `convert` as a process.

    def duckdb(self):
        if subprocess.run([self.python, "-c", "import duckdb"], capture_output=True).returncode != 0:
            raise NotMeasured("duckdb is not installed")
        forms = {
            "structs": "free members as STRUCTs only, their text not kept",
            "both": "free members as text and as STRUCTs, as `convert` has them",
            "text": "free members as text only, no columns of S3 and EC2",
        }

        def peer(form):
            def cpu(events):
                command = [self.python, "-B", HERE / "duckdb_peer.py", events, out, "--form", form]
                result = json.loads(run(command, self.folder).output)
                if result["rows"] != 100_000:
                    raise RuntimeError(f"DuckDB wrote {result['rows']} rows")
                self.duckdb_version = result["version"]
                return result["cpu_s"]

            return cpu

        out = self.folder / "duckdb.parquet"
        also = {} if self.quick else {f"DuckDB, {what}": peer(form) for form, what in forms.items() if form != "structs"}
        return {"duckdb": self.cpu_seconds(f"DuckDB, {forms['structs']}", peer("structs"), also)}

    def arrow_json(self):
        out = self.folder / "arrow_json.parquet"

        def peer(events):
            usage = run([self.programs["arrow_json_peer"], events, out], self.folder)
            if int(usage.output) != 100_000:
                raise RuntimeError(f"arrow_json_peer wrote {int(usage.output)} rows")
            return usage.cpu

        return {"arrow-json": self.cpu_seconds("serde_json::Value -> arrow-json -> Parquet", peer, {})}

    def cpu_seconds(self, name, peer, also):
        """A peer's CPU seconds over those of `convert`, for both orders of keys. Other forms of it for one order only."""
        count, ratios = 100_000, []
        for order, options in zip(ORDERS, ((), ("--shuffle-keys",))):
            peers, ours = {name: peer} | ({} if order else also), []
            theirs = {name: [] for name in peers}
            for _ in range(self.rounds):
                ours.append(self.convert(count, events=options)[0].cpu)
                for each, cpu in peers.items():
                    theirs[each].append(cpu(self.events(count, *options)))
            best = {each: min(found) for each, found in theirs.items()}
            ratios.append(best[name] / min(ours))
            of = f"CPU seconds for {count:,} events{order and ', ' + order}"
            for each, seconds in best.items():
                what = f"{figure(seconds)}; {figure(min(ours))}; {figure(seconds / min(ours))}"
                self.also.append((f"{each}: {of}; of `convert` in turns with it; ratio", what))
        return ratios

    def two_threads(self):
        if len(os.sched_getaffinity(0)) < 2:
            raise NotMeasured("one core")
        count, walls, others = 300_000, {1: [], 2: []}, Others()
        for _ in range(self.rounds):
            # Two threads are no faster than one where another program has the second core.
            Others.wait_for_quiet(3 if self.quick else 15)
            for threads, found in walls.items():
                found.append(self.convert(count, threads=threads)[0].wall)
        self.notes["threads"] = str(others)
        for threads, found in walls.items():
            name = f"`convert` of {count:,} events, {threads_in_words(threads)}: wall seconds; events a second"
            self.also.append((name, f"{figure(min(found))}; {figure(count / min(found))}"))
        return {"threads": [min(walls[1]) / min(walls[2])]}

    def large(self):
        """The growth is of sums: of many events over that of a tenth of them ten times.

        Many events are first converted once beside it: they fill gigabytes of the page cache, and on a virtual machine memory that
        is used for the first time costs the host's time too, which a tenth of the events, ten times in the same memory, never pay.
        """
        count = 100_000 if self.quick else 1_000_000
        first = self.convert(count)[0]
        small, large, others = [], [], Others()
        for _ in range(2):
            small += [self.convert(count // 10)[0] for _ in range(5)]
            large.append(self.convert(count)[0])
            small += [self.convert(count // 10)[0] for _ in range(5)]
        wall, cpu = (sum(getattr(u, what) for u in large) / sum(getattr(u, what) for u in small) for what in ("wall", "cpu"))
        quick = ["quick: of a tenth of the events"] if self.quick else []
        tenths = sum(usage.wall for usage in small) / len(large)
        self.also.append((f"`convert` of {count:,} events for the first time, over 10 x a tenth", figure(first.wall / tenths)))
        self.notes["growth"] = "; ".join([*quick, f"CPU seconds: {figure(cpu)}", str(others)])
        self.notes["memory"] = "; ".join(quick)
        peaks = {1: max(usage.peak for usage in large), 2: self.convert(count, threads=2)[0].peak}
        for threads, peak in peaks.items():
            name = f"peak memory of `convert` on {count:,} events, {threads_in_words(threads)}"
            self.also.append((name, figure(peak / MB, "MB")))
        size, seconds = self.events(count).stat().st_size, min(usage.wall for usage in large)
        name = f"`convert` of {count:,} events ({size / MB:,.0f} MB), one thread: events; MB a second"
        self.also.append((name, f"{figure(count / seconds)}; {figure(size / MB / seconds)}"))
        return {"growth": [wall], "memory": [max(peaks.values()) / MB]}

    def bytes_an_event(self):
        """Bytes of one file of all rows over those of the same lines by gzip -6."""
        count, events = 100_000, ("--days", "1")
        files = self.convert(count, "--partition-by", "event_date", events=events)[1]["files"]
        if len(files) != 1:
            raise RuntimeError(f"the events became {len(files)} files, not one")
        with subprocess.Popen([need("gzip"), "-6", "-c", self.events(count, *events)], stdout=subprocess.PIPE) as gzip:
            zipped = sum(len(piece) for piece in iter(lambda: gzip.stdout.read(1 << 16), b""))
        if gzip.returncode != 0:
            raise RuntimeError("gzip failed")
        many = self.convert(count, events=events)[1]["files"]
        self.also += [
            (f"bytes an event in one file of {count:,} rows", figure(files[0]["bytes"] / count)),
            (f"the same events spread over {len(many)} partitions", figure(sum(file["bytes"] for file in many) / count)),
            ("their lines by gzip -6", figure(zipped / count)),
        ]
        return {"bytes": [files[0]["bytes"] / zipped]}

    # The function and the binary.

    def function(self):
        command = [sys.executable, "-B", HERE / "function.py", "--starts", 10 if self.quick else 40]
        for name in ("trailsink", "hello", "generate"):
            command += [f"--{name}", self.programs[name]]
        results = json.loads(run(command, self.folder).output)
        for name, what in {"trailsink": "the function", "hello": "the bare hello world"}.items():
            self.also.append((f"{what}: start to first request, median, ms", figure(results["start_ms"][name])))
        peaks = []
        for batch in results["batches"]:
            # function.py counts in MiB.
            peak = batch["peak_mb"] * (1 << 20) / MB
            if batch["events"] == 2000:
                peaks.append(peak)
            name = f"the function, {threads_in_words(batch['threads'])}, batch of {batch['events']:,}"
            name += f" ({batch['payload_bytes'] / MB:#.2g} MB): first ms; later ms; peak memory"
            self.also.append((name, f"{batch['first_ms']}; {batch['later_ms']}; {figure(peak, 'MB')}"))
        return {"start": [results["start_ms"]["trailsink"] / results["start_ms"]["hello"]], "function": [max(peaks)]}

    def binary(self):
        out = self.folder / "stripped"
        subprocess.run([need("strip"), "-o", out, self.programs["trailsink"]], check=True)
        return {"binary": [out.stat().st_size / MB]}


# Each with the rows that it gives.
MEASURES = {
    Bench.benches: ("sonic", "value", "file", "hostile"),
    Bench.duckdb: ("duckdb",),
    Bench.arrow_json: ("arrow-json",),
    Bench.two_threads: ("threads",),
    Bench.large: ("growth", "memory"),
    Bench.function: ("start", "function"),
    Bench.binary: ("binary",),
    Bench.bytes_an_event: ("bytes",),
}


def build():
    """Builds all that is measured; the programs by their names."""
    programs = {}
    for what in (["build", "--release", "--bin", "trailsink", "--examples"], ["bench", "--bench", "bench", "--no-run"]):
        command = [CARGO, *what, "--locked", "--message-format", "json-render-diagnostics"]
        said = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
        for message in map(json.loads, said.splitlines()):
            if message.get("executable"):
                # The bench brings the program along once more.
                programs.setdefault(message["target"]["name"], message["executable"])
    return programs


def cells(row, values, note):
    """A row of the table as text."""

    def bound(numbers):
        return ", ".join(f"{number} {row.unit}".strip() for number in (numbers if len(set(numbers)) > 1 else numbers[:1]))

    said = row.measure, f"{row.better} {bound(row.musts)}", bound(row.reach)
    if values is None:
        return *said, note, "not measured"
    measured = "; ".join(f"{label} {figure(value, row.unit)}".strip() for label, value in zip(row.labels, values))
    holds = all(value >= must if row.better == ">=" else value <= must for value, must in zip(values, row.musts))
    return *said, f"{measured} ({note})" if note else measured, "yes" if holds else "**no**"


def markdown(*rows):
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def said_by(*command):
    """The first line a program prints."""
    return (subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout.splitlines() or [""])[0]


def machine():
    """Processor, cores, memory, system."""
    about = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in about if line.startswith("model name")), "unknown processor")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = os.uname()
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, {system.sysname} {system.machine}"


def report(bench, values, missing, others):
    """The whole of RESULTS.md."""
    table = [cells(row, values.get(name), missing.get(name) or bench.notes.get(name)) for name, row in ROWS.items()]
    kept, broken = (sum(row[-1] == holds for row in table) for holds in ("yes", "**no**"))
    benches = [
        (
            f"{group}: {function}",
            figure(1000 * seconds, "ms"),
            figure(amount["bytes"] / MB / seconds),
            figure(amount["elements"] / seconds) if "elements" in amount else "",
        )
        for (group, function), (seconds, amount) in sorted(bench.estimates.items())
    ]
    return f"""# Results

Written by `make bench` ({'quick, with smaller inputs and fewer rounds' if bench.quick else 'in full'}); no number is typed by
hand. How each is taken: [`bench.py`](bench.py).

- Machine: {machine()}; {others}.
- Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC.
- Versions: {said_by(bench.programs['trailsink'], '--version')} ({bench.revision}); \
{said_by(os.environ.get('RUSTC', 'rustc'), '--version')}; duckdb {bench.duckdb_version}.

{markdown(('measure', 'must', 'reach for', 'measured', 'holds?'), *table)}

{kept} hold, {broken} do not hold, {len(table) - kept - broken} are not measured. A ratio of speeds is how many times as fast as
the other. MB are 1,000,000 bytes. The CPU seconds of `convert` are of the whole process, those of DuckDB of the statement
alone; neither DuckDB nor arrow-json sorts, checks or makes partitions.

{markdown(('also measured', ''), *bench.also)}

By criterion, the median of its rounds:

{markdown(('bench', 'time', 'MB/s', 'events/s'), *benches)}
"""


def main():
    installed = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target") / "python" / "bin" / "python"
    parser = argparse.ArgumentParser(description="Measures speed, memory and size beside what they must be.")
    parser.add_argument("--quick", action="store_true", help="less of everything; writes no file unless --results names one")
    parser.add_argument("--results", type=pathlib.Path, help="where to write; benches/RESULTS.md by default")
    parser.add_argument(
        "--python", default=installed if installed.exists() else sys.executable, help="one that has duckdb; that of target/python"
    )
    arguments = parser.parse_args()
    say("build")
    programs = build()

    values, missing, failed = {}, {}, False
    with tempfile.TemporaryDirectory(prefix="trailsink-bench-") as folder:
        bench, others = Bench(arguments.quick, arguments.python, programs, pathlib.Path(folder)), Others()
        for measure, rows in MEASURES.items():
            say(measure.__name__)
            try:
                values |= measure(bench)
            except NotMeasured as reason:
                missing |= dict.fromkeys(rows, str(reason))
            except Exception as error:  # noqa: BLE001
                # The other measures go on.
                say(traceback.format_exc())
                missing |= dict.fromkeys(rows, f"failed: {type(error).__name__}")
                failed = True
        text = report(bench, values, missing, others)
    print(text)
    results = arguments.results or (None if arguments.quick else HERE / "RESULTS.md")
    if results:
        results.write_text(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
