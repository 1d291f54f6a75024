"""Measures the function as a process: its start beside a function that does nothing, time and memory of batches.

    python benches/function.py --trailsink target/release/trailsink --hello target/release/examples/hello \
        --generate target/release/examples/generate

Speaks Lambda's runtime API to the process on loopback and stores nothing but in a server of its own that takes every PUT
at once: what is measured is the function, not S3. Prints one JSON object.
"""

import argparse
import http.server
import json
import os
import pathlib
import queue
import statistics
import subprocess
import threading
import time


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Hands out the events of a queue, one at a time."""

    protocol_version = "HTTP/1.1"
    events = None  # queue of payloads
    answers = None  # queue of (moment, what was said)
    asked = None  # queue of the moments at which an event was asked for

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.asked.put(time.perf_counter())
        payload = self.events.get()
        if payload is None:
            self.close_connection = True
            return
        head = ["HTTP/1.1 200 OK"]
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000001",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 60) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:111122223333:function:trailsink",
            "Lambda-Runtime-Trace-Id": "Root=1-67000000-000000000000000000000001",
            "Content-Type": "application/json",
            "Content-Length": str(len(payload)),
        }.items():
            head.append(f"{name}: {value}")
        # In one piece: two would wait for an acknowledgement between them, for 40 ms.
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + payload)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answers.put((time.perf_counter(), self.path, body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Bucket(http.server.BaseHTTPRequestHandler):
    """Takes what is put."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A function that was stopped has left its connections open: nothing to tell."""


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Function:
    """A process that asks for events."""

    def __init__(self, binary, bucket_port, threads):
        handler = type("Api", (RuntimeApi,), {n: queue.Queue() for n in ("events", "answers", "asked")})
        self.api, self.handler = serve(handler), handler
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "trailsink",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/trailsink",
            "AWS_LAMBDA_LOG_STREAM_NAME": "x",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{bucket_port}",
            "TRAILSINK_TO": "s3://acme-lake/lake",
            "TRAILSINK_THREADS": str(threads),
        }
        self.began = time.perf_counter()
        self.process = subprocess.Popen([binary], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        """Seconds from the start of the process to its first request for work."""
        return self.handler.asked.get(timeout=20) - self.began

    def invoke(self, payload):
        """Seconds from the event to the answer."""
        began = time.perf_counter()
        self.handler.events.put(payload)
        ended, path, body = self.handler.answers.get(timeout=60)
        if not path.endswith("/response") or json.loads(body) not in ({"batchItemFailures": []},):
            raise SystemExit(f"{path}: {body[:500]}")
        return ended - began

    def peak_memory(self):
        """Bytes, so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.handler.events.put(None)
        self.api.shutdown()


def batch(lines):
    """An SQS event of events."""
    records = [
        {
            "messageId": f"00000000-0000-4000-8000-{number:012}",
            "receiptHandle": "AQEB" + "x" * 380,
            "body": line,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1791446400000",
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": "1791446400001",
            },
            "messageAttributes": {},
            "md5OfBody": "0" * 32,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:trailsink",
            "awsRegion": "eu-west-1",
        }
        for number, line in enumerate(lines)
    ]
    return json.dumps({"Records": records}, separators=(",", ":")).encode()


def main():
    parser = argparse.ArgumentParser()
    for name in ("trailsink", "hello", "generate"):
        parser.add_argument(f"--{name}", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--starts", type=int, default=40)
    arguments = parser.parse_args()
    port = serve(Bucket).server_port

    starts = {"trailsink": [], "hello": []}
    for _ in range(arguments.starts):  # in turns, so that a noisy moment meets both
        for name, times in starts.items():
            function = Function(getattr(arguments, name), port, 1)
            times.append(function.start())
            function.stop()
    results = {
        "start_ms": {name: round(1000 * statistics.median(times), 2) for name, times in starts.items()},
        "batches": [],
    }
    results["start_ratio"] = round(results["start_ms"]["trailsink"] / results["start_ms"]["hello"], 2)

    lines = subprocess.run([arguments.generate, "2000", "--days", "1"], capture_output=True, text=True, check=True).stdout.splitlines()
    for threads in (1, 2):
        for count in (1, 100, 2000):
            payload = batch(lines[:count])
            firsts, later, peaks = [], [], []
            for _ in range(5):
                function = Function(arguments.trailsink, port, threads)
                function.start()
                firsts.append(function.invoke(payload))
                peaks.append(function.peak_memory())
                later += [function.invoke(payload) for _ in range(5)]
                function.stop()
            results["batches"].append(
                {
                    "threads": threads,
                    "events": count,
                    "payload_bytes": len(payload),
                    "first_ms": round(1000 * statistics.median(firsts), 1),
                    "later_ms": round(1000 * statistics.median(later), 1),
                    "peak_mb": round(statistics.median(peaks) / (1 << 20), 1),
                }
            )
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
