#!/usr/bin/env python3
"""Checks the Dockerfile, its context and the Makefile, on a machine without a Docker engine.

    python -m pip install -r tests/image-requirements.txt
    python tests/image.py                                    # builds the binary as the Dockerfile does
    python tests/image.py --skip-build [--trailsink BINARY]  # takes a built one, in seconds

The stages of the Dockerfile that run commands are carried out outside of it: each in a folder of its own, into which come
only the files that .dockerignore lets through and what the COPY lines name. So a file that is missing there is missing
here. What takes another machine (the base images, packages for another architecture) is done by stand-ins that write
down what they were asked. One line a check; the last line counts them; the exit status is 1 if one failed.
"""

import argparse
import http.server
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import traceback
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
# Of Amazon Linux 2023, which Lambda's provided.al2023 is.
GLIBC = (2, 34)
LIBRARIES = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
# Lambda loads the whole file before the first event, so growth is a decision and not an accident.
LARGEST_BINARY = 24 << 20
LARGEST_CONTEXT = 2 << 20
HOST = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
LOCALE = {"LC_ALL": "C"}


class Checks:
    """Prints one line for each check and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, ok, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        text = str(detail).strip().replace("\n", " | ")
        text = text if len(text) <= 800 else text[:400] + " ... " + text[-400:]
        print(f"{'ok    ' if ok else 'FAILED'} {name}{': ' + text if text else ''}", flush=True)

    def run(self, name, function, *arguments):
        """A check that passes if a function returns; what it returns is the detail. Says whether it passed."""
        try:
            detail = function(*arguments) or ""
        except AssertionError as error:
            self(name, False, error)
        except Exception:  # a missing file, an answer that is no JSON: as bad as a wrong one
            self(name, False, traceback.format_exc(limit=-1))
        else:
            self(name, True, detail)
            return True
        return False


def need(condition, message):
    """An assertion that `python -O` does not take away."""
    if not condition:
        raise AssertionError(message)


def command(arguments, **options):
    """Runs a program to its end; its output is text."""
    return subprocess.run(arguments, capture_output=True, text=True, **options)


def tool(name):
    """A program of image-requirements.txt: beside this Python, or on the path."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    need(found, f"{name} is missing: python -m pip install -r tests/image-requirements.txt")
    return found


# --- The context ------------------------------------------------------------------------------------------------------


def ignore_rule(pattern):
    """A pattern of .dockerignore as a regular expression: it matches a path, or a folder that the path is in."""
    pattern = pattern.strip().strip("/")
    expression, position = "", 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            expression, position = expression + "(?:.*/)?", position + 3
        elif pattern.startswith("**", position):
            expression, position = expression + ".*", position + 2
        else:
            character = pattern[position]
            expression += {"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character))
            position += 1
    return re.compile(f"(?:{expression})(?:/.*)?")


class Ignore:
    """The rules of .dockerignore: the last one that matches decides."""

    def __init__(self, text):
        lines = [line.strip() for line in text.splitlines()]
        self.rules = [
            (line.startswith("!"), ignore_rule(line.removeprefix("!"))) for line in lines if line and not line.startswith("#")
        ]

    def sends(self, path):
        sent = True
        for again, rule in self.rules:
            if rule.fullmatch(path):
                sent = again
        return sent

    def context(self, root):
        """The files that a builder is sent, by their paths below the root."""
        files = []
        for folder, folders, names in os.walk(root):
            # No rule lets anything of these through, and they hold very many files.
            folders[:] = [name for name in folders if pathlib.Path(folder, name) not in (root / "target", root / ".git")]
            files += (pathlib.Path(folder, name).relative_to(root).as_posix() for name in names)
        return sorted(path for path in files if self.sends(path))


def check_ignore_rules():
    rules = Ignore("*\n!src\n# a comment\n!Cargo.toml\n**/.*\nsrc/*/deep?.rs\n")
    sent = ["src/lib.rs", "src/a/b.rs", "Cargo.toml", "src/a/b/deep1.rs"]
    left = ["README.md", "target/release/x", "src/.env", ".git/HEAD", "src/a/deep1.rs", "sub/Cargo.toml", "srcs/x"]
    need([path for path in sent + left if rules.sends(path)] == sent, "the rules of .dockerignore are misread here")


def check_context(ignore, files):
    size = sum((REPOSITORY / path).stat().st_size for path in files)
    strange = [path for path in files if not re.fullmatch(r"Cargo\.(toml|lock)|src/[a-z0-9_/]+\.rs", path)]
    need(not strange, f"more than the program's sources is sent: {strange}")
    private = [".env", ".git/config", "src/.env", "terraform/terraform.tfvars", "target/release/trailsink", "lake/events/a.parquet"]
    need(not any(map(ignore.sends, private)), "private or large files would be sent")
    need(size <= LARGEST_CONTEXT, f"{size} bytes")
    return f"{len(files)} files, {size >> 10} KiB"


# --- The Dockerfile ---------------------------------------------------------------------------------------------------


class Stage:
    """From one FROM line to the next."""

    def __init__(self, image, name, platform):
        self.image, self.name, self.platform = image, name, platform
        self.instructions = []  # (word, rest)

    def all(self, word):
        return [rest for instruction, rest in self.instructions if instruction == word]


def read_dockerfile(text):
    """The stages, in order. Knows what our file uses, and no more."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    logical = re.sub(r"\\\n", "", "\n".join(lines)).splitlines()
    stages = []
    for line in filter(str.strip, logical):
        word, rest = line.strip().split(None, 1)
        word = word.upper()
        if word == "FROM":
            match = re.fullmatch(r"(?:--platform=(\S+)\s+)?(\S+)\s+AS\s+(\S+)", rest, re.IGNORECASE)
            need(match, f"cannot read FROM {rest}")
            stages.append(Stage(match[2], match[3], match[1]))
        else:
            known = {"ARG", "ENV", "WORKDIR", "SHELL", "COPY", "RUN", "CMD", "LABEL"}
            need(word in known and stages, f"this check does not know what to do with {word} {rest}")
            stages[-1].instructions.append((word, rest))
    return stages


class Builder:
    """Carries out stages in folders: a path P of stage S is FOLDER/S/P."""

    def __init__(self, folder, context, environment, tools=()):
        self.folder, self.context = folder, context
        self.environment = dict(environment)
        # Stand-ins come before the machine's programs.
        self.path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
        self.ran = 0
        self.last = None

    def copy(self, stage, place, rest):
        words = shlex.split(rest)
        options, (*sources, target) = [w for w in words if w.startswith("--")], [w for w in words if not w.startswith("--")]
        need(all(option.startswith("--from=") for option in options), f"cannot read COPY {rest}")
        destination = self.folder / stage.name / target.lstrip("/") if target.startswith("/") else place / target
        for source in sources:
            if options:  # the last of two options would count, so there is one
                origin = self.folder / options[-1].removeprefix("--from=") / source.lstrip("/")
                pairs = [(origin, "")]
            else:
                inside = [path for path in self.context if path == source or path.startswith(f"{source}/")]
                need(inside, f"COPY {rest}: {source} is not in the context")
                pairs = [(REPOSITORY / path, path[len(source) :].lstrip("/")) for path in inside]
            for origin, below in pairs:
                file = origin.name if target.endswith("/") and not below else below
                to = destination / file if file else destination
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, to)  # with its time, as a builder does

    def build(self, stage, until=None):
        """Runs a stage; `until` stops before the first COPY, for the commands that prepare it."""
        place = self.folder / stage.name
        # What a machine needs to reach its registries stands in the environment; a target of its own would change where
        # the binary lies.
        environment = {name: value for name, value in os.environ.items() if name not in ("CARGO_BUILD_TARGET", "CARGO_TARGET_DIR")}
        environment |= LOCALE | {"PATH": self.path}
        shell = ["/bin/sh", "-c"]
        for word, rest in stage.instructions:
            if word == until:
                break
            if word == "ARG":
                name, _, default = rest.partition("=")
                environment[name] = self.environment.get(name, default)
            elif word == "ENV":
                name, _, value = rest.partition("=")
                environment[name] = self.environment.get(name, str(self.folder / stage.name / value.lstrip("/")))
            elif word == "WORKDIR":
                place = self.folder / stage.name / rest.lstrip("/")
                place.mkdir(parents=True, exist_ok=True)
            elif word == "SHELL":
                shell = json.loads(rest)
            elif word == "COPY":
                self.copy(stage, place, rest)
            elif word == "RUN":
                need(not re.search(r"(?:^|[\s>=])/(?!dev/null)", rest), f"RUN {rest}: an absolute path cannot be tried outside")
                self.last = command([*shell, rest], cwd=place, env=environment)
                need(self.last.returncode == 0, f"RUN {rest}\nended with {self.last.returncode}:\n{self.last.stdout}{self.last.stderr}")
                self.ran += 1
        return place


def check_stages(stages):
    """What a builder would only find while building, or nobody would."""
    names = [stage.name for stage in stages]
    need(names == ["build", "zipped", "zip", "runtime"], f"the stages are {names}")
    by_name = dict(zip(names, stages))
    for stage in stages:
        pinned = stage.image == "scratch" or re.search(r":[a-z0-9.-]*[0-9][a-z0-9.-]*(@sha256:[0-9a-f]{64})?$", stage.image)
        need(pinned, f"{stage.image} is not pinned")
        for rest in stage.all("COPY"):
            origin = re.match(r"--from=(\S+)", rest)
            need(not origin or origin[1] in names[: names.index(stage.name)], f"COPY {rest}: no such stage before this one")
    rust = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["package"]["rust-version"]
    need(re.match(rf"rust:{re.escape(rust)}[.-]", by_name["build"].image), f"{by_name['build'].image}, but Cargo.toml says {rust}")
    need(by_name["build"].image.split("@")[0].endswith("bookworm"), "the build is not on Debian 12")
    # A command in an image for another architecture would need an emulator.
    need(by_name["build"].platform == by_name["zipped"].platform == "$BUILDPLATFORM", "commands run on the builder's platform")
    runtime = by_name["runtime"]
    need(runtime.platform is None and not runtime.all("RUN"), "the last stage is of the platform that was asked for, without commands")
    need(runtime.image.startswith("public.ecr.aws/lambda/provided:al2023"), runtime.image)
    need(runtime.all("COPY") == ["--from=build /build/out/bootstrap /var/runtime/bootstrap"], runtime.all("COPY"))
    need(len(json.loads(runtime.all("CMD")[0])) == 1, "the entrypoint of the base image wants exactly one argument")
    need(by_name["zip"].image == "scratch" and len(by_name["zip"].instructions) == 1, "the exported stage holds one file")
    return ", ".join(f"{stage.name} from {stage.image}" for stage in stages)


# --- Stand-ins --------------------------------------------------------------------------------------------------------


def stand_in(folder, name, script):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\nset -eu\n{script}\n")
    path.chmod(0o755)


def wanted_by_cargo():
    """What cargo looks for before it builds: also targets that it does not build, if Cargo.toml names them without a path."""
    manifest = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    folders = {"bin": "src/bin", "bench": "benches", "test": "tests", "example": "examples"}
    named = [f"{folder}/{t['name']}.rs" for kind, folder in folders.items() for t in manifest.get(kind, []) if "path" not in t]
    return ["Cargo.toml", "Cargo.lock", "src/main.rs", "src/lib.rs", *named]


def cargo_stand_in(folder, binary):
    """Wants what cargo wants of its folder, and gives the binary that is there already."""
    stand_in(
        folder,
        "cargo",
        f"""test "$1 $2 $3 $4 $5" = "build --locked --release --bin trailsink"
for file in {shlex.join(wanted_by_cargo())}; do
  test -f "$file" || {{ echo "cargo would miss $file" >&2; exit 101; }}
done
out="${{CARGO_TARGET_DIR:-target}}/release"
mkdir -p "$out"
cp {shlex.quote(str(binary))} "$out/trailsink"
test -e "$out/empty" || touch "$out/empty"
sleep 0.05""",
    )


# --- The binary -------------------------------------------------------------------------------------------------------


def check_glibc(binary):
    text = command(["readelf", "--version-info", "--wide", binary], env=os.environ | LOCALE, check=True).stdout
    versions = sorted({tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_(\d[\d.]*)", text)})
    need(versions, "no versions of symbols")
    newest = ".".join(map(str, versions[-1]))
    need(versions[-1] <= GLIBC, f"needs glibc {newest}, Lambda has {'.'.join(map(str, GLIBC))}")
    return f"at most {newest}"


def check_libraries(binary):
    text = command(["readelf", "--dynamic", "--wide", binary], env=os.environ | LOCALE, check=True).stdout
    libraries = set(re.findall(r"\(NEEDED\)\s+Shared library: \[(.*?)\]", text))
    need(libraries and libraries <= LIBRARIES, f"also needs {libraries - LIBRARIES}")
    need("RPATH" not in text and "RUNPATH" not in text, "looks for libraries in folders of its own")
    return ", ".join(sorted(libraries))


def check_size(binary):
    size = binary.stat().st_size
    need(1 << 20 < size <= LARGEST_BINARY, f"{size} bytes")
    need(binary.stat().st_mode & 0o777 == 0o755, "everybody must be able to run it: Lambda's user is not its owner")
    sections = command(["readelf", "--sections", "--wide", binary], env=os.environ | LOCALE, check=True).stdout
    need(not re.search(r"\.symtab|\.debug_(info|line)", sections), "not stripped")
    return f"{size:,} bytes"


def check_version(binary):
    said = command([binary, "--version"]).stdout.strip()
    wanted = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["package"]["version"]
    need(said == f"trailsink {wanted}", f"it says {said!r}, Cargo.toml says {wanted}")
    return said


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Hands out one event, as the emulator of the base image does, and keeps the answer."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing: the checks speak for themselves."""

    def do_GET(self):
        if self.server.given.is_set():
            self.server.ended.wait()
            self.close_connection = True
            return
        self.server.given.set()
        self.send_response(200)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000001",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 60) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:012345678912:function:test_function",
            "Lambda-Runtime-Trace-Id": "Root=1-67000000-000000000000000000000001",
            "Content-Length": str(len(self.server.event)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answer = (self.path, body)
        self.server.answered.set()


def check_invocation(binary, folder):
    """Started as the base image starts it, without arguments, with the event and the lake of `make run-local`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    server.event = (REPOSITORY / "events/lambda/sqs-batch.json").read_bytes()
    server.answer = None
    server.given, server.answered, server.ended = threading.Event(), threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "test_function",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": "bootstrap",
        "TRAILSINK_TO": str(folder / "lake"),
    }
    process = subprocess.Popen([binary], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        server.answered.wait(20)
    finally:
        process.kill()
        output = process.communicate()[0]
        server.ended.set()
        server.shutdown()
        server.server_close()
    need(server.answer, f"no answer in 20 s:\n{output}")
    path, body = server.answer
    need(path.endswith("/response") and isinstance(json.loads(body)["batchItemFailures"], list), f"{path}: {body}\n{output}")
    files = list((folder / "lake").rglob("*.parquet"))
    need(files, f"nothing was written:\n{output}")
    return f"{body.decode()}, {len(files)} Parquet files"


# --- The Makefile -----------------------------------------------------------------------------------------------------


def make(arguments, folder=REPOSITORY, tools=(), **environment):
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
    return command(["make", "--no-print-directory", *arguments], cwd=folder, env=kept | LOCALE | {"PATH": path} | environment)


def targets():
    phony = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    return phony[1].split()


def check_targets():
    wanted = {"help", "build-lambda", "build-docker", "run-local", "zip", "test", "bench", "deploy"}
    need(wanted <= set(targets()), f"missing: {wanted - set(targets())}")
    shown = make([]).stdout
    silent = [target for target in targets() if not re.search(rf"^  {target} +\S", shown, re.MULTILINE)]
    need(not silent, f"`make` does not list {silent}:\n{shown}")
    return ", ".join(targets())


def check_parses(target):
    for arch in ("", "arm64", "amd64"):
        done = make(["-n", target, f"ARCH={arch}"])
        need(done.returncode == 0, done.stderr)
    # $architecture is for deploy alone; a warning about it elsewhere says nothing.
    script = f"#!/bin/sh\n{done.stdout}"
    shell = command([tool("shellcheck"), "--shell=sh", "--exclude=SC2034", "-"], input=script)
    need(shell.returncode == 0, shell.stdout)


def check_messages(folder):
    """What is missing or wrong is said in a sentence."""
    tools = folder / "few"
    for name in ("sh", "make", "uname", "sed", "awk", "mkdir", "id", "cat"):
        tools.mkdir(parents=True, exist_ok=True)
        (tools / name).symlink_to(shutil.which(name))
    for arguments, wanted in (
        (["build-docker"], "docker is needed"),
        (["zip-docker"], "docker is needed"),
        (["build-lambda", "ARCH=mips"], "ARCH is arm64 or amd64"),
        (["build-lambda", f"ARCH={'arm64' if HOST == 'amd64' else 'amd64'}"], "-linux-gnu-gcc is needed: apt-get install gcc-"),
    ):
        done = make(arguments, PATH=str(tools))
        need(done.returncode and wanted in done.stderr, f"make {' '.join(arguments)}: {done.stdout}{done.stderr}")


def scratch_repository(folder, binary):
    """What `make zip` reads, with a cargo that has built already."""
    root = folder / "repository"
    for name in ("Makefile", *wanted_by_cargo()):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)
    cargo_stand_in(folder / "built", binary)
    return root, folder / "built"


def check_zip(root, tools):
    bootstrap, archive = root / "target/lambda/bootstrap", root / "target/lambda/bootstrap.zip"
    contents = []
    # The clock, the mask of the user and the time zone are no part of the binary.
    for umask, zone in ((0o022, "UTC"), (0o077, "Asia/Tokyo")):
        before = os.umask(umask)
        try:
            done = make(["zip"], root, [tools], TZ=zone)
        finally:
            os.umask(before)
        need(done.returncode == 0, f"{done.stdout}{done.stderr}")
        contents.append(archive.read_bytes())
        time.sleep(2.1)  # a zip counts in steps of two seconds
    need(contents[0] == contents[1], "a second `make zip` gives other bytes")
    with zipfile.ZipFile(archive) as opened:
        need(opened.testzip() is None, "the zip is damaged")
        (entry,) = opened.infolist()
        need(entry.filename == "bootstrap" and entry.create_system == 3, f"holds {entry}")
        need(entry.external_attr >> 16 == 0o100755, f"mode {entry.external_attr >> 16:o}")
        need(entry.compress_type == zipfile.ZIP_DEFLATED, "not compressed")
        need(opened.read(entry) == bootstrap.read_bytes(), "holds something else than the binary")
    return f"{archive.stat().st_size:,} bytes, twice the same"


def check_too_new(root, tools, folder):
    """A binary that Lambda could not start is refused, not shipped."""
    stand_in(folder / "newer", "readelf", "echo '0x0010:   Name: GLIBC_2.34  Flags: none'; echo '0x0020:   Name: GLIBC_2.38  Flags: none'")
    done = make(["zip"], root, [folder / "newer", tools])
    need(done.returncode and "GLIBC_2.38" in done.stderr, f"{done.stdout}{done.stderr}")
    need(not (root / "target/lambda/bootstrap").exists(), "the binary stays for the next step to take")
    need(make(["zip"], root, [tools]).returncode == 0, "the next build does not pass")


def check_deploy(root, tools, folder):
    """Terraform is given variables that it knows, and the zip."""
    log = folder / "terraform.log"
    stand_in(folder / "deploy", "terraform", f'for word; do echo "$word"; done >>{shlex.quote(str(log))}')
    done = make(["deploy", f"ARCH={HOST}"], root, [folder / "deploy", tools])
    need(done.returncode == 0, f"{done.stdout}{done.stderr}")
    words = log.read_text().splitlines()
    given = dict(word.split("=", 1) for option, word in zip(words, words[1:]) if option == "-var")
    need(pathlib.Path(given["function_zip"]) == root / "target/lambda/bootstrap.zip", given)
    need(given["architecture"] == ("arm64" if HOST == "arm64" else "x86_64"), given)
    declared = re.findall(r'^variable "(\w+)"', (REPOSITORY / "terraform/variables.tf").read_text(), re.MULTILINE)
    need(set(given) <= set(declared), f"unknown to terraform/variables.tf: {set(given) - set(declared)}")
    return ", ".join(sorted(given))


# --- All of it --------------------------------------------------------------------------------------------------------


def check_form(checks):
    def linted(program, *arguments):
        done = command([tool(program), *arguments], cwd=REPOSITORY)
        need(done.returncode == 0, done.stdout + done.stderr)

    checks.run("hadolint has nothing to say of the Dockerfile", linted, "hadolint", "Dockerfile")
    checks.run("shellcheck has nothing to say of .ci/run", linted, "shellcheck", ".ci/run")

    def same_glibc():
        for file in ("Dockerfile", "Makefile"):
            found = re.search(r"LAMBDA_GLIBC ?= ?([\d.]+)", (REPOSITORY / file).read_text())
            need(found and found[1] == ".".join(map(str, GLIBC)), f"{file} says otherwise")

    checks.run("Dockerfile and Makefile know the same C library of Lambda's", same_glibc)


def check_other_architectures(checks, build, folder):
    """The commands for an architecture that is not the builder's, up to the point where they need its compiler."""

    def prepare(host, target):
        tools, log = folder / f"cross-{host}-{target}", folder / f"{host}-{target}.log"
        for name in ("apt-get", "rustup"):
            stand_in(tools, name, f'echo "{name} $*" >>{shlex.quote(str(log))}')
        builder = Builder(folder / f"{host}-{target}", [], {"BUILDARCH": host, "TARGETARCH": target}, [tools])
        place = builder.build(build, until="COPY")
        return place, log.read_text() if log.exists() else ""

    def cross(host, target, cpu):
        place, log = prepare(host, target)
        triple = f"{cpu}-unknown-linux-gnu"
        need(f"rustup target add {triple}\n" in log, log)
        package = f"gcc-{cpu.replace('_', '-')}-linux-gnu"
        need(re.search(rf"apt-get install .*{package} libc6-dev-{target}-cross\n", log), log)
        config = tomllib.loads((place / ".cargo/config.toml").read_text())
        need(config == {"build": {"target": triple}, "target": {triple: {"linker": f"{cpu}-linux-gnu-gcc"}}}, config)
        need((place / "build.env").read_text() == f"folder={triple}/release\ntools={cpu}-linux-gnu-\n", "build.env")
        # Debian's packages differ by the builder's architecture, so only its own can be looked up.
        if host == HOST and shutil.which("apt-cache") and "bookworm" in pathlib.Path("/etc/os-release").read_text():
            names = re.search(r"apt-get install .*?((?:gcc|libc6)-.*)", log)[1].split()
            if "Candidate" in command(["apt-cache", "policy", "gcc"], env=os.environ | LOCALE).stdout:
                known = [command(["apt-cache", "policy", name], env=os.environ | LOCALE).stdout for name in names]
                need(all(re.search(r"Candidate: \d", text) for text in known), f"Debian does not know all of {names}")
                return f"Debian knows {' and '.join(names)}"
        return None

    checks.run("from amd64 to arm64: packages, target and linker", cross, "amd64", "arm64", "aarch64")
    checks.run("from arm64 to amd64: packages, target and linker", cross, "arm64", "amd64", "x86_64")

    def native():
        place, log = prepare("arm64", "arm64")
        need(log == "" and not (place / ".cargo").exists(), f"installs something: {log}")

    checks.run("on its own architecture nothing is installed", native)

    def refused():
        try:
            prepare("amd64", "riscv64")
        except AssertionError as error:
            need("Lambda runs arm64 and amd64, not 'riscv64'" in str(error), error)
        else:
            raise AssertionError("not refused")

    checks.run("an architecture that Lambda does not have is refused", refused)


def build_image(checks, stages, context, options, folder):
    """The stages `build` and `zipped`; gives the binary and the zip, or nothing."""
    build, zipped = stages[:2]
    environment = {"BUILDARCH": HOST, "TARGETARCH": HOST}
    tools = []
    if options.skip_build:
        cargo_stand_in(folder / "cargo", options.trailsink)
        tools.append(folder / "cargo")
        root = folder / "image"
    else:
        # At the same place each time: cargo knows the program by its folder, and would keep the old one beside the new.
        target = (options.target_dir or REPOSITORY / "target").resolve()
        environment["CARGO_TARGET_DIR"] = str(target)
        root = target / "image"
        shutil.rmtree(root, ignore_errors=True)
    builder = Builder(root, context, environment, tools)
    binary = root / "build/build/out/bootstrap"

    def built():
        began = time.monotonic()
        builder.build(build)
        if not options.skip_build:
            # Cargo takes the program it built of the context for the one it would build of the checkout, and would see no change
            # of that any more.
            for stamp in [*target.glob("*/.fingerprint/trailsink-*"), *target.glob("*/*/.fingerprint/trailsink-*")]:
                shutil.rmtree(stamp)
        return f"{builder.ran} commands, {time.monotonic() - began:.0f} s"

    how = "with a stand-in for cargo" if options.skip_build else "with cargo"
    if not checks.run(f"every command of the build stage runs on the files of the context, {how}", built):
        return None

    def fresh():
        if options.skip_build:
            empty = (root / "build/build/target/release/empty").stat().st_mtime_ns
            sources = list((root / "build/build/src").rglob("*.rs"))
            old = [path.name for path in sources if path.stat().st_mtime_ns <= empty]
            need(sources and not old, f"cargo would take these for unchanged: {old[:3]}")
        need((root / "build/build/src/main.rs").read_bytes() == (REPOSITORY / "src/main.rs").read_bytes(), "the empty program is left")

    checks.run("the program is built anew over the empty one", fresh)

    def refuses_newer():
        stand_in(folder / "newer", "readelf", "echo '  0x0010:   Name: GLIBC_2.38  Flags: none'")
        last = Stage(build.image, build.name, build.platform)
        last.instructions = [i for i in build.instructions if i[0] not in ("COPY", "RUN")] + [("RUN", build.all("RUN")[-1])]
        place = folder / "too-new/build/build"
        (place / "target/release").mkdir(parents=True)
        shutil.copy(binary, place / "target/release/trailsink")
        (place / "build.env").write_text("folder=release\ntools=\n")
        again = Builder(folder / "too-new", [], {}, [folder / "newer"])
        try:
            again.build(last)
        except AssertionError as error:
            need("the binary needs GLIBC_2.38, and Lambda has 2.34" in str(error), error)
        else:
            raise AssertionError("not refused")

    checks.run("the build stage refuses a binary for a newer C library", refuses_newer)

    def exported():
        place = builder.build(zipped)
        with zipfile.ZipFile(place / "bootstrap.zip") as opened:
            need(opened.namelist() == ["bootstrap"] and opened.read("bootstrap") == binary.read_bytes(), opened.namelist())
        return f"{(place / 'bootstrap.zip').stat().st_size:,} bytes"

    checks.run("the stage of the zip holds the binary", exported)
    return binary, root / "zipped/zipped/bootstrap.zip"


def check_makefile(checks, folder):
    checks.run("make lists its targets", check_targets)
    for target in targets():
        checks.run(f"make {target} parses, and its script is sound", check_parses, target)
    checks.run("make says what is missing", check_messages, folder)


def check_binary(checks, binary, image_zip, folder):
    checks.run("the binary needs no newer C library than Lambda has", check_glibc, binary)
    checks.run("the binary needs no other libraries than the C library's", check_libraries, binary)
    checks.run("the binary is stripped and within its limit", check_size, binary)
    checks.run("the binary is this version", check_version, binary)
    checks.run("the binary answers the event of `make run-local`", check_invocation, binary, folder)
    root, tools = scratch_repository(folder, binary)
    checks.run("make zip gives one executable file, and the same bytes again", check_zip, root, tools)

    def as_in_the_image():
        need(image_zip.read_bytes() == (root / "target/lambda/bootstrap.zip").read_bytes(), "differ")

    checks.run("make zip and the Dockerfile make the same zip of the same binary", as_in_the_image)
    checks.run("make refuses a binary for a newer C library", check_too_new, root, tools, folder)
    checks.run("make deploy gives Terraform the zip, by variables that it has", check_deploy, root, tools, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target-dir", type=pathlib.Path, help="cargo's folder, to build upon what is built; target")
    parser.add_argument("--skip-build", action="store_true", help="take a built binary in the place of calling cargo")
    parser.add_argument("--trailsink", type=pathlib.Path, help="the binary of --skip-build; TARGET_DIR/release/trailsink")
    options = parser.parse_args()
    options.trailsink = (options.trailsink or (options.target_dir or REPOSITORY / "target") / "release/trailsink").resolve()
    if options.skip_build and not options.trailsink.is_file():
        parser.error(f"{options.trailsink} is not there: build it, or name another with --trailsink")

    checks = Checks()
    ignore = Ignore((REPOSITORY / ".dockerignore").read_text())
    context = ignore.context(REPOSITORY)
    stages = read_dockerfile((REPOSITORY / "Dockerfile").read_text())
    check_form(checks)
    checks.run("the rules of .dockerignore are read as Docker reads them", check_ignore_rules)
    checks.run("the context is the program's sources and no more", check_context, ignore, context)
    checks.run("the stages are pinned and fit together", check_stages, stages)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_other_architectures(checks, stages[0], folder)
        image = build_image(checks, stages, context, options, folder)
        check_makefile(checks, folder)
        if image:
            check_binary(checks, *image, folder)
        else:
            print("The checks of the binary and of its zip were not made: there is none.")

    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
