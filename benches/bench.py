#!/usr/bin/env python3
"""Measures speed, memory and size beside what they must be, prints a table and writes benches/RESULTS.md.

    python3 benches/bench.py                                        # builds, measures for some minutes, writes RESULTS.md
    python3 benches/bench.py --quick                                # less of everything, under two minutes; writes nothing
    python3 benches/bench.py --no-build --results /tmp/results.md   # of what is built already

Each ratio is of one run on one input, both sides in turns, the best of each side where nothing else is said: what else the
machine does meets both sides, and the share it took is written down. Events are generated into a temporary folder (TMPDIR;
the whole takes 3 GB). A number that cannot be had is "not measured", with the reason. Linux, Python 3.9 or newer, nothing to
install but for the row with DuckDB: `cargo test` puts it into target/python, or --python names another interpreter.

Rows that are measured once something provides them:
- examples/arrow_json_peer.rs: `arrow_json_peer IN.jsonl OUT.parquet`, on one thread, by serde_json::Value and arrow-json.
- a criterion group "one file" with the functions "1 event" and "100 events", in one of BENCHES.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent
TARGET = REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target")
CARGO = os.environ.get("CARGO", "cargo")
BENCHES = ["extract"]
MB = 1_000_000
# What the kernel counts a process's peak memory in.
MAXRSS = 1 if sys.platform == "darwin" else 1024


def counted(threads):
    return f"{threads} thread" if threads == 1 else f"{threads} threads"


class NotMeasured(Exception):
    """A number that cannot be had here; the text says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def figure(value, unit=""):
    """Three digits and the unit."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    return f"{text} {unit}".rstrip()


class Usage:
    """What a process took."""

    def __init__(self, wall, usage, output):
        self.wall, self.output = wall, output
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss * MAXRSS


def run(command, folder):
    """Runs a program to its end; its standard output must be short."""
    with tempfile.TemporaryFile(dir=folder) as output, tempfile.TemporaryFile(dir=folder) as errors:
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:] or ["nothing said"]
            raise NotMeasured(f"{pathlib.Path(command[0]).name} ended with {process.returncode}: {last[0]}")
        return Usage(wall, usage, output.read())


class Others:
    """The share of the machine that other programs took since this was made."""

    def __init__(self):
        self.began = self.now()

    @staticmethod
    def now():
        try:
            ticks = [int(part) for part in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        except (OSError, ValueError):
            return None
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(usage.ru_utime + usage.ru_stime for usage in used)
        return sum(ticks) / os.sysconf("SC_CLK_TCK"), (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), own

    def percent(self):
        """None where it cannot be known."""
        now = self.now()
        if now is None or self.began is None or now[0] <= self.began[0]:
            return None
        everything, busy, own = (after - before for after, before in zip(now, self.began))
        return 100 * max(0, busy - own) / everything

    def __str__(self):
        percent = self.percent()
        if percent is None:
            return "what other programs took meanwhile is unknown"
        return f"other programs took {percent:.0f} % of the machine meanwhile"

    @classmethod
    def wait_for_quiet(cls, seconds):
        """Waits until others take next to nothing, but not for longer than that many seconds."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            others = cls()
            time.sleep(0.5)
            if (others.percent() or 0) < 5:
                break


class Bench:
    """Everything that is measured. Each method below `measures` gives values; nothing here prints."""

    def __init__(self, arguments, folder):
        self.quick, self.folder = arguments.quick, folder
        self.rounds = 2 if self.quick else 5
        self.python, self.starts = arguments.python, 10 if self.quick else 40
        self.built, self.also, self.versions = not arguments.no_build, [], {}
        self.programs = {}
        release = TARGET / "release"
        examples = release / "examples"
        for name, path in {
            "trailsink": arguments.trailsink or release / "trailsink",
            "generate": arguments.generate or examples / "generate",
            "hello": arguments.hello or examples / "hello",
            "arrow_json_peer": arguments.arrow_json_peer or examples / "arrow_json_peer",
        }.items():
            # A copy, so that a build in the meantime does not change what is measured.
            if path.exists():
                self.programs[name] = pathlib.Path(shutil.copy2(path, folder / name))

    def program(self, name):
        if name not in self.programs:
            raise NotMeasured(f"{name} is not built")
        return self.programs[name]

    def events(self, count, *options):
        """A file of generated events, made once."""
        path = self.folder / f"{'-'.join([str(count), *options])}.jsonl"
        if not path.exists():
            with path.open("wb") as file:
                subprocess.run([self.program("generate"), str(count), *options], stdout=file, check=True)
        return path

    def convert(self, count, *options, events=(), threads=1):
        """Converts generated events and checks that all of them became rows."""
        path, lake = self.events(count, *events), self.folder / "lake"
        shutil.rmtree(lake, ignore_errors=True)
        usage = run(
            [self.program("trailsink"), "convert", "--threads", threads, "--to", lake, "--summary", "json", *options, path],
            self.folder,
        )
        shutil.rmtree(lake, ignore_errors=True)
        usage.summary = json.loads(usage.output)
        if usage.summary["records_in"] != count or usage.summary["rows_written"] != count:
            raise NotMeasured(f"of {count} events {usage.summary['rows_written']} became rows")
        return usage

    # Extraction.

    def criterion(self):
        """Medians by group and function, in nanoseconds, and when they were written."""
        found = {}
        for about in (TARGET / "criterion").glob("**/new/benchmark.json"):
            names, estimates = json.loads(about.read_text()), about.parent / "estimates.json"
            if estimates.exists():
                median = json.loads(estimates.read_text())["median"]["point_estimate"]
                found[names["group_id"], names["function_id"]] = (median, estimates.stat().st_mtime)
        return found

    def run_criterion(self):
        """The estimates of each round; without building, those that are there."""
        if not self.built:
            say("criterion's estimates: those that are there")
            return [self.criterion()]
        rounds = []
        for number in range(1 if self.quick else 3):
            say(f"cargo bench, round {number + 1}")
            began = time.time()
            for bench in BENCHES:
                times = ["--warm-up-time", "0.5", "--measurement-time", "1" if self.quick else "2"]
                command = [CARGO, "bench", "--locked", "--bench", bench, "--", *times]
                subprocess.run(command, cwd=REPOSITORY, stdout=sys.stderr, check=True)
            rounds.append({names: found for names, found in self.criterion().items() if found[1] >= began - 2})
        return rounds

    def extraction(self, rounds, peer):
        """How many times as fast as the peer; with keys in CloudTrail's order and with keys shuffled."""
        ratios = {"records": [], "records with shuffled keys": []}
        for estimates in rounds:
            for group, found in ratios.items():
                names = [(group, "to RecordBatch columns"), (group, peer)]
                if any(name not in estimates for name in names):
                    raise NotMeasured("no estimates of criterion")
                (ours, ours_at), (theirs, theirs_at) = (estimates[name] for name in names)
                if abs(ours_at - theirs_at) > 600:
                    raise NotMeasured("criterion's estimates are of different runs")
                found.append(theirs / ours)
                if not self.built:
                    when = datetime.datetime.fromtimestamp(ours_at, datetime.timezone.utc)
                    self.estimates_of = f"{when:%Y-%m-%d %H:%M} UTC"
                    self.estimates_old = ours_at < self.program("trailsink").stat().st_mtime
        return [statistics.median(found) for found in ratios.values()]

    def one_file(self, rounds):
        """Milliseconds for a file of 1 event and of 100."""
        names = [("one file", "1 event"), ("one file", "100 events")]
        if any(name not in estimates for estimates in rounds for name in names):
            raise NotMeasured("no bench has it")
        return [statistics.median(estimates[name][0] for estimates in rounds) / 1e6 for name in names]

    # convert.

    def duckdb(self, events, form):
        out = self.folder / "duckdb.parquet"
        usage = run([self.python, "-B", HERE / "duckdb_peer.py", events, out, "--form", form], self.folder)
        result = json.loads(usage.output)
        self.versions["duckdb"] = result["version"]
        return result | {"bytes": out.stat().st_size}

    def against_duckdb(self):
        """CPU seconds of DuckDB over ours, for both orders of keys."""
        count, ratios = 100_000, []
        for order in ((), ("--shuffle-keys",)):
            forms = {form: [] for form in (["both"] if order else ["both", "structs", "text"])}
            path, ours = self.events(count, *order), []
            for _ in range(self.rounds):
                ours.append(self.convert(count, events=order).cpu)
                for form, found in forms.items():
                    result = self.duckdb(path, form)
                    if result["rows"] != count:
                        raise NotMeasured(f"DuckDB wrote {result['rows']} rows of {count}")
                    found.append(result["cpu_s"])
            best = {form: min(found) for form, found in forms.items()}
            ratios.append(best["both"] / min(ours))
            keys = ", keys shuffled" if order else ""
            self.also.append((f"`convert` of {count:,} events{keys}, one thread, CPU seconds", figure(min(ours))))
            for form, what in {
                "both": "free members as text and as STRUCTs, as `convert` has them",
                "structs": "free members as STRUCTs only, their text not kept",
                "text": "free members as text only, no columns of S3 and EC2",
            }.items():
                if form in best:
                    name = f"DuckDB on the same events{keys}, {what}: CPU seconds, and over `convert`"
                    self.also.append((name, f"{figure(best[form])}, {figure(best[form] / min(ours))}"))
        return ratios

    def against_arrow_json(self):
        peer, out = self.program("arrow_json_peer"), self.folder / "arrow_json.parquet"
        count, ratios = 100_000, []
        for order in ((), ("--shuffle-keys",)):
            path, ours, theirs = self.events(count, *order), [], []
            for _ in range(self.rounds):
                ours.append(self.convert(count, events=order).cpu)
                theirs.append(run([peer, path, out], self.folder).cpu)
                if not out.exists() or out.stat().st_size == 0:
                    raise NotMeasured("arrow_json_peer wrote nothing")
                out.unlink()
            ratios.append(min(theirs) / min(ours))
        return ratios

    def two_threads(self):
        if cores() < 2:
            raise NotMeasured("one core")
        count, walls, others = 300_000, {1: [], 2: []}, Others()
        for _ in range(self.rounds):
            # Two threads are no faster than one where another program has the second core.
            Others.wait_for_quiet(3 if self.quick else 15)
            for threads, found in walls.items():
                found.append(self.convert(count, threads=threads).wall)
        self.two_threads_note = str(others)
        best = {threads: min(found) for threads, found in walls.items()}
        for threads, seconds in best.items():
            name = f"`convert` of {count:,} events, {counted(threads)}, wall seconds, and events a second"
            self.also.append((name, f"{figure(seconds)}, {figure(count / seconds)}"))
        return [best[1] / best[2]]

    def large(self):
        """Wall and CPU seconds of many events over those of a tenth of them ten times; and the peak memory."""
        count = 100_000 if self.quick else 1_000_000
        small, large, others = [], [], Others()
        for _ in range(2):
            small += [self.convert(count // 10) for _ in range(5)]
            large.append(self.convert(count))
            small += [self.convert(count // 10) for _ in range(5)]
        self.growth_note = str(others)
        peaks = {1: max(usage.peak for usage in large)}
        if cores() > 1:
            peaks[2] = self.convert(count, threads=2).peak
        for threads, peak in peaks.items():
            name = f"peak memory of `convert` on {count:,} events, {counted(threads)}"
            self.also.append((name, figure(peak / MB, "MB")))
        size = self.events(count).stat().st_size
        seconds = min(usage.wall for usage in large)
        name = f"`convert` of {count:,} events ({size / MB:,.0f} MB), one thread, events and MB a second"
        self.also.append((name, f"{figure(count / seconds)}, {figure(size / MB / seconds)}"))
        growth = [sum(getattr(u, what) for u in large) / sum(getattr(u, what) for u in small) for what in ("wall", "cpu")]
        return growth, max(peaks.values()) / MB

    def size_of_rows(self):
        """Bytes of one file of all rows over those of the same lines by gzip -6."""
        count, events = 100_000, ("--days", "1")
        usage = self.convert(count, "--partition-by", "event_date", events=events)
        files = usage.summary["files"]
        if len(files) != 1 or files[0]["rows"] != count:
            raise NotMeasured(f"the events became {len(files)} files, not one")
        if not shutil.which("gzip"):
            raise NotMeasured("gzip is not installed")
        with subprocess.Popen(["gzip", "-6", "-c", self.events(count, *events)], stdout=subprocess.PIPE) as gzip:
            zipped = sum(len(piece) for piece in iter(lambda: gzip.stdout.read(1 << 16), b""))
        if gzip.returncode != 0:
            raise NotMeasured("gzip failed")
        many = self.convert(count, events=events).summary["files"]
        self.also += [
            (f"bytes an event in one file of {count:,} rows", figure(files[0]["bytes"] / count)),
            (f"the same events spread over {len(many)} partitions", figure(sum(file["bytes"] for file in many) / count)),
            ("their lines by gzip -6", figure(zipped / count)),
        ]
        return [files[0]["bytes"] / zipped]

    # The function and the binary.

    def function(self):
        command = [sys.executable, "-B", HERE / "function.py", "--starts", self.starts]
        for name in ("trailsink", "hello", "generate"):
            command += [f"--{name}", self.program(name)]
        results = json.loads(run(command, self.folder).output)
        for name, milliseconds in results["start_ms"].items():
            what = "the function" if name == "trailsink" else "the bare hello world"
            self.also.append((f"{what}: start to first request, median of {self.starts}, ms", figure(milliseconds)))
        peaks = []
        for batch in results["batches"]:
            # function.py counts in MiB.
            peak = batch["peak_mb"] * (1 << 20) / MB
            if batch["events"] == 2000:
                peaks.append(peak)
            name = f"the function, {counted(batch['threads'])}, batch of {batch['events']:,}"
            name += f" ({batch['payload_bytes'] / MB:#.2g} MB): first ms, later ms, peak memory"
            self.also.append((name, f"{batch['first_ms']}, {batch['later_ms']}, {figure(peak, 'MB')}"))
        if not peaks:
            raise NotMeasured("function.py has no batch of 2,000 events")
        return results["start_ms"]["trailsink"] / results["start_ms"]["hello"], max(peaks)

    def stripped(self):
        if not shutil.which("strip"):
            raise NotMeasured("strip is not installed")
        out = self.folder / "stripped"
        subprocess.run(["strip", "-o", out, self.program("trailsink")], check=True)
        return [out.stat().st_size / MB]


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Table:
    """The rows of the first table."""

    def __init__(self, folder):
        self.folder, self.rows, self.failed = str(folder), [], False

    @contextlib.contextmanager
    def trying(self, what):
        """Remembers why there are no values, whatever goes wrong; the other measures go on."""
        say(what)
        try:
            yield
        except NotMeasured as reason:
            self.reason = str(reason)
        except Exception as error:  # noqa: BLE001
            say(traceback.format_exc())
            self.failed, self.reason = True, f"failed: {type(error).__name__}"

    def add(self, measure, better, musts, reach, values, unit="", note="", labels=("",), quick=False):
        """A row; each value has a must. `better` is the sign between a value and its must."""
        signs = {">=": lambda value, must: value >= must, "<=": lambda value, must: value <= must}
        end = f" {unit}" if unit else ""
        bounds = [", ".join(f"{number}{end}" for number in dict.fromkeys(numbers)) for numbers in (musts, reach)]
        if values is None:
            reason = self.reason.replace(self.folder + os.sep, "").replace("|", "\\|")
            measured, holds = f"not measured: {reason}", "not measured"
        else:
            measured = "; ".join(f"{label} {figure(v, unit)}".strip() for label, v in zip([*labels, *[""] * 9], values))
            measured += f" ({note})" if note else ""
            kept = all(signs[better](value, must) for value, must in zip(values, musts))
            holds = ("yes, of the smaller input" if quick else "yes") if kept else "**no**"
        self.rows.append((measure, f"{better} {bounds[0]}", bounds[1], measured, holds))

    def __str__(self):
        head = [("measure", "must", "reach for", "measured", "holds?"), ("---",) * 5]
        return "\n".join("| " + " | ".join(row) + " |" for row in head + self.rows)

    def count(self):
        holds = [row[-1] for row in self.rows]
        kept, broken = sum(text.startswith("yes") for text in holds), holds.count("**no**")
        return f"{kept} hold, {broken} do not hold, {len(holds) - kept - broken} are not measured."


def measure(bench, table):
    trying, add = table.trying, table.add
    # First, as it needs a machine as quiet as can be just as much as the rest, and may build.
    rounds = []
    with trying("extraction"):
        rounds = bench.run_criterion()
    orders = ("", "keys shuffled")
    for measure, musts, reach, peer in (
        ("record text -> RecordBatch, against sonic-rs skip + validate", (0.33, 0.25), (0.75,), "skip and validate, sonic-rs"),
        ("the same, against serde_json::Value", (2.0, 2.0), (4.4,), "to serde_json::Value"),
    ):
        ratios, note = None, ""
        if not rounds and not table.failed:
            table.reason = "no estimates of criterion"
        if rounds:
            with trying(f"  {measure}"):
                ratios = bench.extraction(rounds, peer)
                if not bench.built:
                    note = f"of a run of {bench.estimates_of}" + (", before the program was built" if bench.estimates_old else "")
        add(measure, ">=", musts, reach, ratios, labels=orders, note=note)

    ratios = None
    with trying("convert against DuckDB"):
        ratios = bench.against_duckdb()
    add("`convert` of 100,000 events, CPU seconds, against DuckDB", ">=", (1.5, 1.5), (3,), ratios, labels=orders)
    ratios = None
    with trying("convert against arrow-json"):
        ratios = bench.against_arrow_json()
    add("the same, against serde_json::Value -> arrow-json -> Parquet", ">=", (5, 5), (10,), ratios, labels=orders)
    ratios, note = None, ""
    with trying("two threads against one"):
        ratios, note = bench.two_threads(), bench.two_threads_note
    add("two threads against one, wall time of `convert` on 300,000 events", ">=", (1.7,), (1.95,), ratios, note=note)

    small = "; quick: 100,000 events" if bench.quick else ""
    growth, peak, note = None, None, ""
    with trying("a large input"):
        growth, peak = bench.large()
        note = f"CPU seconds: {figure(growth[1])}; {bench.growth_note}"
    row = "peak memory of `convert` on 1,000,000 events"
    add(row, "<=", (300,), (150,), peak and [peak], unit="MB", note=small[2:], quick=bench.quick)

    start, memory = None, None
    with trying("the function"):
        start, memory = bench.function()
    row = "peak memory of the function for a batch of 2,000 events"
    add(row, "<=", (64,), (40,), memory and [memory], unit="MB")
    times = None
    with trying("small files"):
        times = bench.one_file(rounds)
    add("time to make one file of 1 event, of 100 events", "<=", (1, 3), (0.2, 0.8), times, unit="ms")
    if start is None:
        with trying("  start"):
            raise NotMeasured("function.py gave nothing")
    add("process start to first request, against a bare hello world", "<=", (1.5,), (1.1,), start and [start])
    size = None
    with trying("the binary"):
        size = bench.stripped()
    add("stripped release binary", "<=", (12,), (7,), size, unit="MB")
    ratio = None
    with trying("bytes an event"):
        ratio = bench.size_of_rows()
    add("bytes an event in a file of 100,000 sorted rows, against gzip -6 of the lines", "<=", (0.85,), (0.6,), ratio)
    if growth is None:
        with trying("  growth"):
            raise NotMeasured("no large input was converted")
    row = "growth: wall time of 1,000,000 events over 10 x time of 100,000"
    note += "; quick: 100,000 over 10 x 10,000" if bench.quick else ""
    add(row, "<=", (1.05,), (1.0,), growth and growth[:1], note=note, quick=bench.quick)


def said_by(*command):
    """The first line a program prints, or that it is not known."""
    try:
        lines = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
        return lines[0] if lines else ""
    except (OSError, subprocess.CalledProcessError):
        return None


def machine():
    """Processor, cores, memory, system."""
    model = platform.processor() or "unknown processor"
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{model}, {cores()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"


def revision(bench):
    version = said_by(bench.program("trailsink"), "--version") if "trailsink" in bench.programs else None
    version = version or "trailsink, unknown version"
    if not bench.built:
        return f"{version} (built before this run)"
    commit = said_by("git", "rev-parse", "--short", "HEAD")
    changed = said_by("git", "status", "--porcelain", "--untracked-files=no")
    return version + (f" ({commit}{', with changes' if changed else ''})" if commit else "")


def report(bench, table, others):
    """The whole of RESULTS.md."""
    now = datetime.datetime.now(datetime.timezone.utc)
    rustc = said_by(os.environ.get("RUSTC", "rustc"), "--version") or "rustc unknown"
    also = "\n".join(f"| {name} | {value} |" for name, value in bench.also)
    how = "quick, with smaller inputs and fewer rounds" if bench.quick else "in full"
    return f"""# Results

Written by `make bench` ({how}); no number is typed by hand. How each is taken: [`bench.py`](bench.py).

- Machine: {machine()}. {str(others).capitalize()}.
- Date: {now:%Y-%m-%d %H:%M} UTC.
- Versions: {revision(bench)}; {rustc}; duckdb {bench.versions.get('duckdb', 'not installed')}.

{table}

{table.count()} A ratio of speeds is how many times as fast as the other; of two values the second is with the keys of
every object shuffled, or the second of the two that the row names. MB are 1,000,000 bytes. The CPU seconds of `convert` are of
the whole process, those of DuckDB of the statement alone; DuckDB neither sorts nor checks nor makes partitions.

| also measured | |
|---|---|
{also}
"""


def main():
    parser = argparse.ArgumentParser(description="Measures speed, memory and size beside what they must be.")
    parser.add_argument("--quick", action="store_true", help="less of everything; writes no file unless --results names one")
    parser.add_argument("--no-build", action="store_true", help="take what is there; never run cargo")
    parser.add_argument("--results", type=pathlib.Path, help="where to write; benches/RESULTS.md by default")
    parser.add_argument("--python", help="an interpreter that has duckdb; that of target/python by default")
    for name in ("trailsink", "generate", "hello", "arrow-json-peer"):
        parser.add_argument(f"--{name}", type=pathlib.Path, help="another than that of target/release")
    arguments = parser.parse_args()
    installed = TARGET / "python" / "bin" / "python"
    arguments.python = arguments.python or (installed if installed.exists() else sys.executable)
    if not arguments.no_build:
        say("cargo build")
        build = [CARGO, "build", "--locked", "--release", "--bin", "trailsink", "--examples"]
        subprocess.run(build, cwd=REPOSITORY, stdout=sys.stderr, check=True)
        for bench in BENCHES:
            build = [CARGO, "bench", "--locked", "--bench", bench, "--no-run"]
            subprocess.run(build, cwd=REPOSITORY, stdout=sys.stderr, check=True)

    with tempfile.TemporaryDirectory(prefix="trailsink-bench-") as folder:
        bench, others = Bench(arguments, pathlib.Path(folder)), Others()
        table = Table(folder)
        measure(bench, table)
        text = report(bench, table, others)
    print(text)
    results = arguments.results or (None if arguments.quick else HERE / "RESULTS.md")
    if results:
        results.write_text(text)
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
