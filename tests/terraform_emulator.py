"""AWS on loopback, for tests/terraform.py: starts and ends the emulator, and asks it."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

ACCOUNT = "111122223333"
REGION = "eu-west-1"
BUCKET = "acme-cloudtrail-lake"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def emulator(work):
    """AWS on loopback; yields its address."""
    home = work / "emulator"
    home.mkdir()
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": address,
        "LAMBDA_EXECUTOR": "local",
        "ATHENA_ENGINE": "duckdb",
    }
    with open(home / "log", "w") as log:
        # In a group of its own, with the functions that it starts.
        process = subprocess.Popen(
            [pathlib.Path(sys.executable).parent / "ministack"],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait(lambda: answers(address) or process.poll() is not None, 30)
            if process.poll() is not None:
                raise RuntimeError(f"the emulator did not start: {(home / 'log').read_text()[-2000:]}")
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(address):
    try:
        urllib.request.urlopen(f"{address}/_ministack/health", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait(what, seconds):
    """The first true answer, else the last one."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.3)


class Aws:
    """Clients of the emulator, by service."""

    def __init__(self, address):
        self.address = address

    def __getattr__(self, service):
        import boto3

        client = boto3.client(
            service,
            endpoint_url=self.address,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="test",
        )
        setattr(self, service, client)
        return client

    def ask(self, query):
        """The rows of a query in the workgroup, or the error."""
        identifier = self.athena.start_query_execution(
            QueryString=query, QueryExecutionContext={"Database": "trailsink"}, WorkGroup="trailsink"
        )["QueryExecutionId"]
        status = lambda: self.athena.get_query_execution(QueryExecutionId=identifier)[  # noqa: E731
            "QueryExecution"
        ]["Status"]
        wait(lambda: status()["State"] not in ("QUEUED", "RUNNING"), 60)
        if status()["State"] != "SUCCEEDED":
            return status().get("StateChangeReason", "failed")
        rows = self.athena.get_query_results(QueryExecutionId=identifier)["ResultSet"]["Rows"]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def function_zip(binary, work):
    """A zip as Lambda wants it; without a binary one that makes a function nobody invokes."""
    path = work / "function.zip"
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(entry, binary.read_bytes() if binary else "#!/bin/sh\n", zipfile.ZIP_DEFLATED)
    return path
