//! The services around the program, on loopback: S3, faults before it, the Lambda runtime; and the HTTP they need.

mod fault_proxy;
mod runtime_api;
mod s3_server;

pub use fault_proxy::{Fault, FaultProxy};
pub use runtime_api::{Answer, Function, RuntimeApi};
pub use s3_server::S3Server;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Keeps the tests' own AWS and program settings from a command; what the command sets itself stays.
pub fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let foreign = text.starts_with("AWS_") || text.starts_with("TRAILSINK_");
        if foreign && !command.get_envs().any(|(given, _)| given == name) {
            command.env_remove(&name);
        }
    }
}

/// Listens on a free port of loopback, a thread for each connection, until it is dropped.
pub struct Listener {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Listener {
    pub fn start(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Listener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let (stop, serve) = (Arc::clone(&stopped), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let serve = Arc::clone(&serve);
                // A connection that breaks is the peer's to notice.
                thread::spawn(move || stream.set_nodelay(true).and_then(|()| serve(stream)));
            }
        });
        Listener { address, stopped }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, which then ends.
        drop(TcpStream::connect(self.address));
    }
}

/// The head of a request or of an answer.
#[derive(Debug)]
pub struct Head {
    /// The first line, split at its spaces: method, path, version; or version, status, reason.
    first: [String; 3],
    headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head and not a byte more; None if the peer closed before it.
    pub fn read(stream: &mut impl Read) -> io::Result<Option<Head>> {
        let first = read_line(stream)?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut words = first.splitn(3, ' ').map(str::to_owned);
        let first = std::array::from_fn(|_| words.next().unwrap_or_default());
        let mut headers = Vec::new();
        loop {
            let line = read_line(stream)?;
            if line.is_empty() {
                return Ok(Some(Head { first, headers }));
            }
            let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    pub fn method(&self) -> &str {
        &self.first[0]
    }

    pub fn path(&self) -> &str {
        &self.first[1]
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, value: &str) -> bool {
        self.header(name).is_some_and(|given| given.eq_ignore_ascii_case(value))
    }

    fn status(&self) -> io::Result<u16> {
        self.first[1].parse().map_err(|_| ErrorKind::InvalidData.into())
    }

    fn length(&self) -> io::Result<Option<usize>> {
        let length = self.header("content-length").map(str::parse).transpose();
        length.map_err(|_| ErrorKind::InvalidData.into())
    }

    /// Reads the body that a request with this head has.
    pub fn read_body(&self, stream: &mut impl Read) -> io::Result<Vec<u8>> {
        if self.says("transfer-encoding", "chunked") {
            return read_chunks(stream);
        }
        let mut body = vec![0; self.length()?.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        Ok(body)
    }
}

/// An answer to a request.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
}

impl Response {
    /// Reads the answer to a request of a method, past answers like "100 Continue".
    pub fn read(stream: &mut impl Read, method: &str) -> io::Result<Response> {
        loop {
            let head = Head::read(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
            if head.status()? >= 200 {
                return Response::read_after(head, stream, method);
            }
        }
    }

    fn read_after(head: Head, stream: &mut impl Read, method: &str) -> io::Result<Response> {
        let status = head.status()?;
        let mut body = Vec::new();
        if method != "HEAD" && status != 204 && status != 304 {
            if head.says("transfer-encoding", "chunked") || head.length()?.is_some() {
                body = head.read_body(stream)?;
            } else {
                stream.read_to_end(&mut body)?;
            }
        }
        Ok(Response { status, head, body })
    }
}

/// Sends a request on a connection of its own and reads the answer.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    exchange(&mut stream, method, path, headers, body)
}

/// Sends a request on a connection and reads the answer.
pub fn exchange(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Response> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", stream.peer_addr()?).into_bytes();
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n")?;
    }
    write!(request, "content-length: {}\r\n\r\n", body.len())?;
    request.extend_from_slice(body);
    // Whoever refuses a request early may close before it is sent whole, and has answered all the same.
    let sent = stream.write_all(&request);
    Response::read(stream, method).map_err(|error| sent.err().unwrap_or(error))
}

/// Answers a request.
pub fn answer(stream: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n")?;
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(body);
    stream.write_all(&text)
}

/// A line without its end, byte by byte, so that what follows stays unread; empty also if nothing follows.
fn read_line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        line.push(byte[0]);
        if let Some(line) = line.strip_suffix(b"\r\n") {
            return String::from_utf8(line.to_vec()).map_err(|_| ErrorKind::InvalidData.into());
        }
    }
    if line.is_empty() { Ok(String::new()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn read_chunks(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
        if size == 0 {
            while !read_line(stream)?.is_empty() {}
            return Ok(body);
        }
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        read_line(stream)?;
    }
}

#[test]
fn bodies_are_read_by_length_and_by_chunks_and_not_further() {
    for text in [
        "PUT /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nt: u\r\n\r\n",
    ] {
        let text = format!("{text}GET /next HTTP/1.1\r\n\r\n");
        let mut stream = text.as_bytes();
        let head = Head::read(&mut stream).unwrap().unwrap();
        assert_eq!(head.first, ["PUT", "/a", "HTTP/1.1"]);
        assert_eq!(head.read_body(&mut stream).unwrap(), b"hello");
        assert_eq!(Head::read(&mut stream).unwrap().unwrap().first[1], "/next");
        assert!(Head::read(&mut stream).unwrap().is_none());
    }
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end";
    assert_eq!(Response::read(&mut answer.as_bytes(), "GET").unwrap().body, b"to the end");
    assert!(Head::read(&mut b"GET /half".as_slice()).is_err());
}

#[test]
fn a_command_keeps_its_own_settings_only() {
    let mut command = Command::new("env");
    command.env("AWS_REGION", "us-east-1");
    isolate(&mut command);
    let kept: Vec<_> = command.get_envs().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect();
    assert_eq!(kept, ["AWS_REGION"]);
}
