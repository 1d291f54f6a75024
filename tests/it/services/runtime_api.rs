//! The runtime API of Lambda, and the function as a process that asks it for events.

use super::{Head, Listener, answer, isolate};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PREFIX: &str = "/2018-06-01/runtime/";
const FUNCTION: &str = "trailsink";

/// The runtime API: events wait here until a function asks for the next one.
pub struct RuntimeApi {
    listener: Listener,
    state: Arc<State>,
}

/// An event on its way to a function and back.
pub struct Invocation {
    pub request_id: String,
    answer: Receiver<Answer>,
}

/// What a function said to an event.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Response(Value),
    Error(Value),
    /// No answer came in time.
    Nothing,
}

struct Event {
    request_id: String,
    payload: Vec<u8>,
    timeout: Duration,
}

#[derive(Default)]
struct State {
    known: Mutex<Known>,
    changed: Condvar,
}

#[derive(Default)]
struct Known {
    invocations: usize,
    waiting: VecDeque<Event>,
    unanswered: HashMap<String, Sender<Answer>>,
    first_request: Option<Instant>,
    init_errors: Vec<Value>,
    stopped: bool,
}

impl RuntimeApi {
    pub fn start() -> RuntimeApi {
        let state = Arc::new(State::default());
        let served = Arc::clone(&state);
        RuntimeApi { listener: Listener::start(move |stream| served.serve(stream)), state }
    }

    /// Host and port, as the function wants them.
    pub fn address(&self) -> String {
        self.listener.address().to_string()
    }

    /// Queues an event. The function learns that it has this long, from when it takes the event.
    pub fn invoke(&self, payload: &[u8], timeout: Duration) -> Invocation {
        let mut known = self.state.known.lock().unwrap();
        known.invocations += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012}", known.invocations);
        let (sender, answer) = channel();
        known.unanswered.insert(request_id.clone(), sender);
        known.waiting.push_back(Event { request_id: request_id.clone(), payload: payload.to_vec(), timeout });
        self.state.changed.notify_all();
        Invocation { request_id, answer }
    }

    /// When a function first asked for an event: its start is over.
    pub fn first_request(&self) -> Option<Instant> {
        self.state.known.lock().unwrap().first_request
    }

    /// What functions said of starts that failed.
    pub fn init_errors(&self) -> Vec<Value> {
        self.state.known.lock().unwrap().init_errors.clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.state.known.lock().unwrap().stopped = true;
        self.state.changed.notify_all();
    }
}

impl Invocation {
    /// Waits for the answer.
    pub fn wait(self, at_most: Duration) -> Answer {
        self.answer.recv_timeout(at_most).unwrap_or(Answer::Nothing)
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        while let Some(head) = Head::read(&mut stream)? {
            let body = head.read_body(&mut stream)?;
            let path = head.path().strip_prefix(PREFIX).unwrap_or_default();
            match (head.method(), path.split('/').collect::<Vec<_>>().as_slice()) {
                ("GET", ["invocation", "next"]) => self.next(&mut stream)?,
                ("POST", ["invocation", request_id, "response"]) => {
                    self.answered(&mut stream, request_id, Answer::Response(value(&body)))?;
                }
                ("POST", ["invocation", request_id, "error"]) => {
                    self.answered(&mut stream, request_id, Answer::Error(value(&body)))?;
                }
                ("POST", ["init", "error"]) => {
                    self.known.lock().unwrap().init_errors.push(value(&body));
                    accepted(&mut stream)?;
                }
                _ => answer(&mut stream, 404, &[], b"{}")?,
            }
        }
        Ok(())
    }

    /// Waits for an event and hands it out. An event is not taken for a function that is gone.
    fn next(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut known = self.known.lock().unwrap();
        known.first_request.get_or_insert_with(Instant::now);
        let event = loop {
            if known.stopped || is_closed(stream)? {
                return Err(ErrorKind::ConnectionAborted.into());
            }
            if let Some(event) = known.waiting.pop_front() {
                break event;
            }
            known = self.changed.wait_timeout(known, Duration::from_millis(20)).unwrap().0;
        };
        drop(known);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + event.timeout;
        let headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", &event.request_id),
            ("lambda-runtime-deadline-ms", &deadline.as_millis().to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                &format!("arn:aws:lambda:us-east-1:111122223333:function:{FUNCTION}"),
            ),
            ("lambda-runtime-trace-id", "Root=1-67000000-000000000000000000000001;Sampled=0"),
        ];
        let sent = answer(stream, 200, &headers, &event.payload);
        if sent.is_err() {
            self.known.lock().unwrap().waiting.push_front(event);
            self.changed.notify_all();
        }
        sent
    }

    fn answered(&self, stream: &mut TcpStream, request_id: &str, what: Answer) -> io::Result<()> {
        match self.known.lock().unwrap().unanswered.remove(request_id) {
            Some(invocation) => {
                // Whoever no longer waits for it does not want it.
                let _ = invocation.send(what);
                accepted(stream)
            }
            None => answer(stream, 400, &[], br#"{"errorType": "InvalidRequestID"}"#),
        }
    }
}

fn accepted(stream: &mut TcpStream) -> io::Result<()> {
    answer(stream, 202, &[("content-type", "application/json")], br#"{"status":"OK"}"#)
}

/// JSON; or as a text what is not JSON.
fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

/// Whether the peer has closed a connection on which it waits for an answer.
fn is_closed(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let found = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(match found {
        Ok(length) => length == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    })
}

/// A function: a process with the environment that Lambda gives it.
pub struct Function {
    child: Child,
    printed: Lines,
    errors: Lines,
    readers: Vec<JoinHandle<()>>,
}

type Lines = Arc<Mutex<Vec<String>>>;

impl Function {
    /// Starts a function that takes its events from an API. It sees no settings of the tests but those of the command.
    pub fn start(api: &RuntimeApi, mut command: Command) -> Function {
        isolate(&mut command);
        command
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{FUNCTION}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2025/01/01/[$LATEST]0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (printed, errors) = (Lines::default(), Lines::default());
        let readers = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&printed)),
            collect(child.stderr.take().unwrap(), Arc::clone(&errors)),
        ];
        Function { child, printed, errors, readers }
    }

    /// Lines of its standard output so far; all of them once it is killed or has ended.
    pub fn lines(&self) -> Vec<String> {
        self.printed.lock().unwrap().clone()
    }

    /// Lines of its standard error so far.
    pub fn error_lines(&self) -> Vec<String> {
        self.errors.lock().unwrap().clone()
    }

    /// What it logged so far: each line of its standard output is JSON.
    pub fn logged(&self) -> Vec<Value> {
        let value = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        self.lines().iter().map(value).collect()
    }

    /// Waits until it ends by itself; None if it does not.
    pub fn ended(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < at_most {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.read_to_end();
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// Ends it at once, as Lambda does when its time is up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.read_to_end();
    }

    fn read_to_end(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, into: Lines) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            into.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::{Response, exchange};
    use serde_json::json;

    const SECONDS: Duration = Duration::from_secs(10);

    fn connect(api: &RuntimeApi) -> TcpStream {
        TcpStream::connect(api.address()).unwrap()
    }

    fn ask(stream: &mut TcpStream, method: &str, path: &str, body: &[u8]) -> Response {
        exchange(stream, method, &format!("{PREFIX}{path}"), &[], body).unwrap()
    }

    #[test]
    fn events_go_out_and_answers_come_back() {
        let api = RuntimeApi::start();
        let mut function = connect(&api);
        assert_eq!(api.first_request(), None);
        let asking = thread::spawn(move || (ask(&mut function, "GET", "invocation/next", b""), function));
        while api.first_request().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let first = api.invoke(b"{}", Duration::from_secs(3));
        let second = api.invoke(b"[]", SECONDS);
        let (event, mut function) = asking.join().unwrap();
        assert_eq!((event.status, event.body.as_slice()), (200, b"{}".as_slice()));
        assert_eq!(event.head.header("Lambda-Runtime-Aws-Request-Id"), Some(first.request_id.as_str()));
        let deadline: u128 = event.head.header("Lambda-Runtime-Deadline-Ms").unwrap().parse().unwrap();
        assert!((before + 3000..before + 8000).contains(&deadline));
        assert!(event.head.header("Lambda-Runtime-Invoked-Function-Arn").unwrap().ends_with(":function:trailsink"));
        assert!(event.head.header("Lambda-Runtime-Trace-Id").is_some());

        let answer = ask(&mut function, "POST", &format!("invocation/{}/response", first.request_id), br#"{"a":1}"#);
        assert_eq!((answer.status, value(&answer.body)), (202, json!({"status": "OK"})));
        assert_eq!(first.wait(SECONDS), Answer::Response(json!({"a": 1})));
        assert_eq!(ask(&mut function, "GET", "invocation/next", b"").body, b"[]");
        let error = format!("invocation/{}/error", second.request_id);
        assert_eq!(ask(&mut function, "POST", &error, br#"{"errorType":"x"}"#).status, 202);
        assert_eq!(second.wait(SECONDS), Answer::Error(json!({"errorType": "x"})));
        assert_eq!(ask(&mut function, "POST", &error, b"{}").status, 400);

        assert_eq!(ask(&mut function, "POST", "init/error", b"no JSON").status, 202);
        assert_eq!(api.init_errors(), ["no JSON"]);
        assert_eq!(ask(&mut function, "GET", "other", b"").status, 404);
    }

    #[test]
    fn no_event_is_lost_to_a_function_that_is_gone() {
        let api = RuntimeApi::start();
        for _ in 0..20 {
            let mut gone = connect(&api);
            let next = format!("GET {PREFIX}invocation/next HTTP/1.1\r\n\r\n");
            io::Write::write_all(&mut gone, next.as_bytes()).unwrap();
            if api.first_request().is_none() {
                thread::sleep(Duration::from_millis(50));
            }
            drop(gone);
            let event = api.invoke(b"{}", SECONDS);
            let mut here = connect(&api);
            let taken = ask(&mut here, "GET", "invocation/next", b"");
            assert_eq!(taken.head.header("lambda-runtime-aws-request-id"), Some(event.request_id.as_str()));
            assert_eq!(event.wait(Duration::ZERO), Answer::Nothing);
        }
    }

    #[test]
    fn a_function_has_its_environment_and_is_heard() {
        let api = RuntimeApi::start();
        let script =
            r#"echo "{\"name\": \"$AWS_LAMBDA_FUNCTION_NAME\", \"api\": \"$AWS_LAMBDA_RUNTIME_API\"}"; echo oh >&2"#;
        let start = |script: String| {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            Function::start(&api, command)
        };
        let mut function = start(format!("{script}; exit 3"));
        assert_eq!(function.ended(SECONDS).unwrap().code(), Some(3));
        assert_eq!(function.logged(), [json!({"name": "trailsink", "api": api.address()})]);
        assert_eq!((function.lines().len(), function.error_lines()), (1, vec!["oh".to_owned()]));

        let mut function = start(format!("{script}; exec sleep 1000"));
        assert_eq!(function.ended(Duration::from_millis(200)), None);
        function.kill();
        assert_eq!(function.logged().len(), 1);
        assert!(function.ended(SECONDS).is_some());
    }
}
