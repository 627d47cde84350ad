//! jwtrail watched from outside, as whoever runs it does: health, metrics, its own telemetry, its log.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::serving::{address, interrupt, post};
use crate::trail::support::runs;

const FREE: &str = "127.0.0.1:0";

fn jwtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear().env("XDG_STATE_HOME", folder.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// `serve` on free ports, with its health and metrics.
struct Serving {
    child: Child,
    http: String,
    admin: String,
}

impl Serving {
    fn start(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let args = ["serve", "--for", "120s", "--no-grpc", "--http", FREE, "--admin", FREE];
        let mut command = jwtrail(folder, &[&args, more].concat());
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let http = address(&mut errors);
        let mut admin = String::new();
        errors.read_line(&mut admin).unwrap();
        let admin = admin.trim().rsplit('/').next().unwrap().to_owned();
        // A pipe that is full, or gone, would be in its way.
        std::thread::spawn(move || drop(std::io::copy(&mut errors, &mut std::io::sink())));
        Self { child, http, admin }
    }

    /// The status line and headers of an answer, and its body.
    fn get(&self, path: &str, head: &str) -> (String, String) {
        ask(&self.admin, &format!("GET {path} HTTP/1.1\r\nhost: test\r\n{head}\r\n"))
    }

    /// The value of a series, as it is written.
    fn value(&self, series: &str) -> String {
        let text = self.get("/metrics", "").1;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).to_owned()
    }

    fn metric(&self, series: &str) -> u64 {
        self.value(series).parse().unwrap()
    }

    fn post(&self, body: &[u8]) -> String {
        post(&self.http, body)
    }

    fn interrupt(&self) {
        interrupt(&self.child);
    }

    fn end(mut self) {
        self.interrupt();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that ended as it should cannot be killed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head.to_owned(), body.to_owned())
}

/// Asks again until it is so.
fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lines(run: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read(runs(run)).unwrap();
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Each sample belongs to a metric that was announced with help and type, and no series stands there twice.
fn assert_well_formed(text: &str, open: bool) {
    let (mut family, mut kind, mut series) = ("", "", BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
            assert!(rest.len() > family.len() + 3, "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            kind = of;
        } else if line != "# EOF" {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let metric = name.split('{').next().unwrap();
            let announced = if open && kind == "counter" { format!("{family}_total") } else { family.to_owned() };
            assert_eq!(metric, announced, "{line}");
            assert_eq!(kind == "counter", metric.ends_with("_total"), "{line}");
            assert!(value.parse::<f64>().is_ok() && series.insert(name), "{line}");
        }
    }
    assert!(series.len() > 40, "{text}");
    assert_eq!(open, text.ends_with("# EOF\n"));
}

#[test]
fn health_and_metrics_tell_what_came() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--record", "t.jsonl"], &[]);
    let (head, body) = serving.get("/healthz", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "alive\n");
    until("ready", || serving.get("/readyz", "").0.starts_with("HTTP/1.1 200"));
    assert_eq!(serving.metric("jwtrail_spans_total"), 0);

    let run = lines("drop-in-fanout.jsonl");
    for line in &run {
        assert!(serving.post(line).starts_with("HTTP/1.1 200"));
    }
    assert!(serving.post(b"no json").starts_with("HTTP/1.1 400"));
    until("judged", || serving.metric("jwtrail_problems{verdict=\"dropped\"}") > 0);
    let spans = serving.metric("jwtrail_receiver_spans_total{protocol=\"http\"}");
    assert!(spans > 0);
    until("all judged", || serving.metric("jwtrail_spans_total") == spans);
    assert_eq!(serving.metric("jwtrail_receiver_malformed_requests_total{protocol=\"http\"}"), 1);
    assert_eq!(serving.metric("jwtrail_receiver_requests_total{protocol=\"http\"}"), run.len() as u64 + 1);
    assert!(serving.metric("jwtrail_hops{verdict=\"dropped\"}") > 0);
    assert!(serving.metric("jwtrail_memory_used_bytes") > 0);
    until("recorded", || serving.metric("jwtrail_recorded_spans_total") == spans);
    assert!(serving.value("process_cpu_seconds_total").parse::<f64>().unwrap() > 0.0);
    assert!(serving.metric("process_resident_memory_bytes") > 1_000_000);

    let (head, text) = serving.get("/metrics", "");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert_well_formed(&text, false);
    let accept = "accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4\r\n";
    let (head, text) = serving.get("/metrics", accept);
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert_well_formed(&text, true);
    // Who reads them learns how many services there are, and the name of none.
    assert!(!text.contains("orders") && !text.contains("gateway"), "{text}");
    serving.end();
}

#[test]
fn only_get_and_head_of_three_paths_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[], &[]);
    let status = |request: &str| {
        let (head, body) = ask(&serving.admin, &format!("{request}\r\nhost: test\r\n\r\n"));
        (head.split(' ').nth(1).unwrap().to_owned(), body)
    };
    assert_eq!(status("HEAD /metrics HTTP/1.1"), ("200".to_owned(), String::new()));
    assert_eq!(status("POST /metrics HTTP/1.1").0, "405");
    let (found, text) = status("GET /v1/traces HTTP/1.1");
    assert!(found == "404" && text.contains("/healthz, /readyz, /metrics"), "{text}");
    // A head without an end, and one beyond the bound.
    let (head, _) = ask(&serving.admin, &format!("GET /metrics HTTP/1.1\r\nx: {}", "y".repeat(64 << 10)));
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    assert_eq!(status("GET /healthz HTTP/1.1").0, "200");
}

#[test]
fn who_says_nothing_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[], &[]);
    // More than may be open at a time; each is closed after five seconds.
    let mut silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&serving.admin).unwrap()).collect();
    assert!(serving.get("/healthz", "").0.starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    silent[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    silent[0].read_to_end(&mut rest).unwrap();
}

#[test]
fn it_is_not_ready_while_it_drains() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[], &[]);
    until("ready", || serving.get("/readyz", "").0.starts_with("HTTP/1.1 200"));
    // A request whose body is still to come is waited for.
    let mut stream = TcpStream::connect(&serving.http).unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    until("begun", || serving.metric("jwtrail_ready") == 1);
    serving.interrupt();
    let why = || {
        let mut stream = TcpStream::connect(&serving.admin).ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: test\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    };
    until("not ready", || why().is_some_and(|answer| answer.contains("not ready: the receivers take no more")));
}

fn failed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: "), "{error}");
    error
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[], &[]);
    let run =
        |args: &[&str]| failed(&jwtrail(folder.path(), &[&["serve", "--no-grpc"], args].concat()).output().unwrap());
    let error = run(&["--http", FREE, "--admin", &serving.admin]);
    assert!(error.contains(&serving.admin) && error.contains("--admin ADDR:PORT"), "{error}");
    let own = std::net::TcpListener::bind(FREE).unwrap().local_addr().unwrap().to_string();
    let error = run(&["--http", &own, "--telemetry", &format!("http://{own}/")]);
    assert!(error.contains("leads to jwtrail's own receiver"), "{error}");
    let error = run(&["--http", FREE, "--telemetry", "localhost:4317"]);
    assert!(error.contains("expected a URL such as http://127.0.0.1:4318"), "{error}");
    let error = run(&["--http", FREE, "--log-level", "verbose"]);
    assert!(error.contains("expected error, warn, info, debug or trace"), "{error}");
    let error = run(&["--http", FREE, "--log-file", "no/such/folder/log"]);
    assert!(error.contains("cannot write the log no/such/folder/log"), "{error}");
}

#[test]
fn its_own_spans_and_logs_go_where_the_user_says_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Serving::start(folder.path(), &[], &[]);
    let url = format!("http://{}", collector.http);
    // A key set that nobody answers for: asking for it is a span of its own each time, never sampled away.
    let nobody = std::net::TcpListener::bind(FREE).unwrap().local_addr().unwrap();
    let jwks = format!("http://{nobody}/keys");
    let requests = || collector.metric("jwtrail_receiver_requests_total{protocol=\"http\"}");
    let spans = || collector.metric("jwtrail_receiver_spans_total{protocol=\"http\"}");

    let others = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    let quiet = Serving::start(folder.path(), &["--jwks", &jwks], &others);
    assert!(quiet.post(&lines("drop-in-fanout.jsonl")[0]).starts_with("HTTP/1.1 200"));
    quiet.end();
    assert_eq!(requests(), 0, "a variable that is meant for services");

    let told = Serving::start(folder.path(), &["--jwks", &jwks, "--telemetry", &url], &[]);
    assert!(told.post(&lines("drop-in-fanout.jsonl")[0]).starts_with("HTTP/1.1 200"));
    let before = Instant::now();
    until("the fetch", || spans() > 0);
    told.end();
    assert!(before.elapsed() < Duration::from_secs(30));
    // Spans and logs, in a request of their own each.
    assert!(requests() >= 2);

    // Nobody there: the log says so, and it ends in time all the same.
    let more = ["--telemetry", &format!("grpc://{nobody}"), "--log-file", "alone.log"];
    let alone = Serving::start(folder.path(), &more, &[]);
    let log = || std::fs::read_to_string(folder.path().join("alone.log")).unwrap();
    until("the failure", || log().contains("jwtrail's own telemetry cannot be sent"));
    let began = Instant::now();
    alone.end();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn the_log_tells_a_run_from_start_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--log-file", "own.log", "--log-format", "json"];
    let serving = Serving::start(folder.path(), &more, &[]);
    for line in lines("drop-in-fanout.jsonl") {
        serving.post(&line);
    }
    serving.post(b"no json");
    let read = || std::fs::read_to_string(folder.path().join("own.log")).unwrap();
    until("the problem", || read().contains("new problem"));
    until("the loss", || read().contains("could not be read"));
    serving.end();
    let events: Vec<Value> = read().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&str> = events.iter().filter_map(|event| event["fields"]["message"].as_str()).collect();
    for part in
        ["jwtrail starts", "listening on 127.0.0.1:", "new problem: high dropped", "judged in all", "jwtrail ends"]
    {
        assert!(told.iter().any(|message| message.starts_with(part)), "{part}: {told:#?}");
    }
    let sums = events.iter().find(|event| event["fields"]["message"] == "judged in all").unwrap();
    assert!(sums["fields"]["spans"].as_u64().unwrap() > 0);
    assert!(events.iter().all(|event| event["timestamp"].is_string() && event["level"].is_string()));

    let serving = Serving::start(folder.path(), &["--log-file", "own.log", "--log-level", "error"], &[]);
    serving.end();
    assert_eq!(read().lines().count(), events.len(), "an error is what there was none of");
}
