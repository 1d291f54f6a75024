//! A proxy before the S3 server that fails as told, for requests that store objects.

use super::s3_server::percent_encoded;
use super::{Head, Listener, Response, answer};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a PUT.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fault {
    /// Nothing: it goes through.
    #[default]
    Pass,
    /// It is refused with a status and the error code of S3, and does not reach the server.
    Status(u16, &'static str),
    /// The connection is reset when all but the last byte has arrived; it does not reach the server.
    Reset,
    /// The connection closes after the head; it does not reach the server.
    ResetBefore,
    /// It is read and left without an answer for this long, then the connection closes; it does not reach the server.
    Stall(Duration),
    /// The server does what it says, and the connection closes without an answer.
    LostAnswer,
    /// The server does what it says, and the answer comes this much later.
    SlowAnswer(Duration),
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query as sent, so "=" of a key is "%3D".
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub fault: Fault,
    /// The status of the answer, whether or not the client got it; None while and where there is none.
    pub status: Option<u16>,
}

/// The proxy.
pub struct FaultProxy {
    listener: Listener,
    state: Arc<State>,
}

struct State {
    upstream: SocketAddr,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    script: VecDeque<Fault>,
    always: Option<(String, Fault)>,
    requests: Vec<Request>,
    connections: usize,
}

impl FaultProxy {
    /// Starts a proxy before the server at a port of loopback. Without more words all goes through.
    pub fn start(upstream_port: u16) -> FaultProxy {
        let upstream = (Ipv4Addr::LOCALHOST, upstream_port).into();
        let state = Arc::new(State { upstream, known: Mutex::default() });
        let served = Arc::clone(&state);
        FaultProxy { listener: Listener::start(move |stream| served.serve(stream)), state }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// What happens to the next PUTs, one after the other; this comes before [`Self::always`].
    pub fn script(&self, faults: Vec<Fault>) {
        self.state.known.lock().unwrap().script = faults.into();
    }

    /// What happens to every PUT whose path contains a text, written as in a key or as in a path; with None, nothing
    /// any more.
    pub fn always(&self, part: &str, fault: Option<Fault>) {
        self.state.known.lock().unwrap().always = fault.map(|fault| (part.to_owned(), fault));
    }

    /// Faults of the script that have not happened yet.
    pub fn script_left(&self) -> usize {
        self.state.known.lock().unwrap().script.len()
    }

    /// Connections on which requests came so far.
    pub fn connections(&self) -> usize {
        self.state.known.lock().unwrap().connections
    }

    /// All requests so far, in the order in which their heads arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.state.known.lock().unwrap().requests.clone()
    }
}

impl State {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        self.known.lock().unwrap().connections += 1;
        while let Some(head) = Head::read(&mut client)? {
            let (number, fault) = self.arrived(&head);
            if fault == Fault::ResetBefore {
                break;
            }
            if head.says("expect", "100-continue") {
                client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            if fault == Fault::Reset {
                return reset(&head, client);
            }
            let body = head.read_body(&mut client)?;
            if let Fault::Stall(time) = fault {
                thread::sleep(time);
                break;
            }
            if let Fault::Status(status, code) = fault {
                self.answered(number, status);
                let error = format!("<Error><Code>{code}</Code><Message>{code} by the tests</Message></Error>");
                let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{error}");
                answer(&mut client, status, &[("content-type", "application/xml")], xml.as_bytes())?;
                continue;
            }
            let response = self.forward(&head, &body)?;
            self.answered(number, response.status);
            match fault {
                Fault::LostAnswer => break,
                Fault::SlowAnswer(time) => thread::sleep(time),
                _ => {}
            }
            pass_on(&mut client, &head, &response)?;
        }
        Ok(())
    }

    /// Notes a request; gives its number and what happens to it.
    fn arrived(&self, head: &Head) -> (usize, Fault) {
        let mut known = self.known.lock().unwrap();
        let mut fault = Fault::Pass;
        if head.method() == "PUT" {
            let concerns = |part: &str| head.path().contains(part) || head.path().contains(&percent_encoded(part));
            let always = known.always.as_ref().filter(|(part, _)| concerns(part));
            let always = always.map(|(_, fault)| fault.clone());
            fault = known.script.pop_front().or(always).unwrap_or_default();
        }
        known.requests.push(Request {
            method: head.method().to_owned(),
            path: head.path().to_owned(),
            headers: head.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect(),
            fault: fault.clone(),
            status: None,
        });
        (known.requests.len() - 1, fault)
    }

    fn answered(&self, number: usize, status: u16) {
        self.known.lock().unwrap().requests[number].status = Some(status);
    }

    /// Sends a request to the server as it came, since its headers are signed, "Host" too.
    fn forward(&self, head: &Head, body: &[u8]) -> io::Result<Response> {
        let mut server = TcpStream::connect(self.upstream)?;
        server.set_nodelay(true)?;
        server.write_all(&text(&head.first, head.headers.iter()))?;
        if head.says("expect", "100-continue") {
            let first = Head::read(&mut server)?.ok_or(ErrorKind::UnexpectedEof)?;
            if first.status()? != 100 {
                return Response::read_after(first, &mut server, head.method());
            }
        }
        // A server that refuses a request early may close before it is sent whole, and has answered all the same.
        let sent = match head.says("transfer-encoding", "chunked") {
            true => server.write_all(&one_chunk(body)),
            false => server.write_all(body),
        };
        Response::read(&mut server, head.method()).map_err(|error| sent.err().unwrap_or(error))
    }
}

/// Closes a connection while bytes of a body are unread, which resets it.
fn reset(head: &Head, mut client: TcpStream) -> io::Result<()> {
    let length = head.length()?.unwrap_or(1);
    client.read_exact(&mut vec![0; length.saturating_sub(1)])?;
    client.peek(&mut [0])?;
    Ok(())
}

/// Answers a request with the server's answer.
fn pass_on(client: &mut TcpStream, head: &Head, response: &Response) -> io::Result<()> {
    // The body is no longer in chunks. Only an answer to HEAD tells a length that is not that of its body.
    let dropped: &[&str] = match head.method() {
        "HEAD" => &["transfer-encoding", "connection"],
        _ => &["transfer-encoding", "connection", "content-length"],
    };
    let length = ("content-length".to_owned(), response.body.len().to_string());
    let has_body = head.method() != "HEAD" && response.status != 204 && response.status != 304;
    let kept = response.head.headers.iter().filter(|(name, _)| !dropped.iter().any(|it| name.eq_ignore_ascii_case(it)));
    let mut bytes = text(&response.head.first, kept.chain(has_body.then_some(&length)));
    bytes.extend_from_slice(&response.body);
    client.write_all(&bytes)
}

/// A head as text.
fn text<'a>(first: &[String; 3], headers: impl Iterator<Item = &'a (String, String)>) -> Vec<u8> {
    let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>();
    format!("{}\r\n{headers}\r\n", first.join(" ")).into_bytes()
}

fn one_chunk(body: &[u8]) -> Vec<u8> {
    let mut chunk = Vec::new();
    if !body.is_empty() {
        chunk = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat();
    }
    chunk.extend_from_slice(b"0\r\n\r\n");
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{S3Server, exchange, send};
    use std::time::Instant;

    /// A server that stores nothing, and answers a request with its method, path, "Host" and body.
    fn echo() -> Listener {
        Listener::start(|mut stream| {
            while let Some(head) = Head::read(&mut stream)? {
                if head.says("expect", "100-continue") {
                    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
                }
                let body = head.read_body(&mut stream)?;
                let text = format!("{} {} {} ", head.method(), head.path(), head.header("host").unwrap_or_default());
                answer(&mut stream, 200, &[("etag", "x")], &[text.as_bytes(), &body].concat())?;
            }
            Ok(())
        })
    }

    fn put(proxy: &FaultProxy, path: &str) -> io::Result<Response> {
        send(proxy.address(), "PUT", path, &[], b"hello")
    }

    #[test]
    fn faults_come_as_told() {
        let server = echo();
        let proxy = FaultProxy::start(server.address().port());
        let time = Duration::from_millis(100);
        let faults = [
            Fault::Status(503, "SlowDown"),
            Fault::Reset,
            Fault::ResetBefore,
            Fault::Stall(time),
            Fault::LostAnswer,
            Fault::SlowAnswer(time),
        ];
        proxy.script(faults.to_vec());
        let refused = put(&proxy, "/b/k").unwrap();
        assert_eq!(refused.status, 503);
        assert!(
            refused.body.ends_with(b"<Error><Code>SlowDown</Code><Message>SlowDown by the tests</Message></Error>")
        );
        // A request that stores nothing is none of the script's.
        assert_eq!(send(proxy.address(), "GET", "/b/k", &[], b"").unwrap().status, 200);
        assert_eq!(put(&proxy, "/b/k").unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(put(&proxy, "/b/k").is_err());
        let start = Instant::now();
        assert!(put(&proxy, "/b/k").is_err());
        assert!(start.elapsed() >= time);
        assert!(put(&proxy, "/b/k").is_err());
        let start = Instant::now();
        assert_eq!(put(&proxy, "/b/k").unwrap().status, 200);
        assert!(start.elapsed() >= time);

        proxy.always("c/d=", Some(Fault::Status(500, "InternalError")));
        assert_eq!(put(&proxy, "/b/k").unwrap().status, 200);
        assert_eq!(put(&proxy, "/c/d%3Dk").unwrap().status, 500);
        assert_eq!(put(&proxy, "/c/d%3Dk").unwrap().status, 500);
        proxy.always("c/d%3D", Some(Fault::Status(503, "SlowDown")));
        assert_eq!(put(&proxy, "/c/d%3Dk").unwrap().status, 503);
        proxy.always("", None);
        assert_eq!(put(&proxy, "/c/d%3Dk?x=y").unwrap().status, 200);

        let requests = proxy.requests();
        let puts: Vec<_> = requests.iter().filter(|request| request.method == "PUT").collect();
        let statuses: Vec<_> = puts.iter().map(|request| request.status).collect();
        let s = Some;
        assert_eq!(statuses, [s(503), None, None, None, s(200), s(200), s(200), s(500), s(500), s(503), s(200)]);
        assert!(faults.iter().eq(puts.iter().take(faults.len()).map(|request| &request.fault)));
        assert_eq!(puts[10].path, "/c/d%3Dk?x=y");
        assert_eq!(puts[10].headers["content-length"], "5");
    }

    #[test]
    fn requests_go_through_as_they_came() {
        let server = echo();
        let proxy = FaultProxy::start(server.address().port());
        let host = proxy.address();
        let mut client = TcpStream::connect(host).unwrap();
        for method in ["PUT", "GET", "POST", "DELETE", "HEAD"] {
            let response = exchange(&mut client, method, "/b/a%3Db?c", &[], b"hello").unwrap();
            let expected = format!("{method} /b/a%3Db?c {host} hello");
            match method {
                "HEAD" => assert_eq!(response.head.header("content-length"), Some(expected.len().to_string().as_str())),
                _ => assert_eq!(String::from_utf8_lossy(&response.body), expected),
            }
        }
        let mut client = TcpStream::connect(host).unwrap();
        let head = "PUT /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        assert_eq!(Head::read(&mut client).unwrap().unwrap().status().unwrap(), 100);
        client.write_all(b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n").unwrap();
        assert_eq!(Response::read(&mut client, "PUT").unwrap().body, b"PUT /b/k h hello!");
    }

    #[test]
    fn a_lost_answer_is_a_stored_object() {
        let Some(server) = S3Server::shared() else { return };
        let bucket = server.bucket("faults");
        let proxy = FaultProxy::start(server.port());
        let path = format!("/{bucket}/k");
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        proxy.script(vec![Fault::Status(503, "SlowDown"), Fault::LostAnswer]);
        let mut put = || {
            let mut headers = server.signature(proxy.address(), server.credentials(), "PUT", &path);
            headers.extend([("If-None-Match".into(), "*".into()), ("Expect".into(), "100-continue".into())]);
            let result = exchange(&mut client, "PUT", &path, &headers, b"hello").map(|response| response.status);
            if result.is_err() {
                client = TcpStream::connect(proxy.address()).unwrap();
            }
            result
        };
        assert_eq!(put().unwrap(), 503);
        assert!(server.objects(&bucket, "").is_empty());
        assert!(put().is_err());
        assert_eq!(put().unwrap(), 412);
        assert_eq!(server.objects(&bucket, "")["k"], b"hello");
        let statuses: Vec<_> = proxy.requests().iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(503), Some(200), Some(412)]);
        assert_eq!(proxy.endpoint(), format!("http://{}", proxy.address()));
    }
}
