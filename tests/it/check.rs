//! `jwtrail check` and `jwtrail serve` as CI runs them: the real program over files and sockets, its output and status.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const KEY: &str = "a fingerprint key of thirty-two bytes and more";

fn token() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}));
    let claims = part(json!({"iss": "https://id.example", "sub": "alice", "iat": 1_790_000_000, "exp": 1_790_003_600}));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7_u8; 256]))
}

/// One span. `carries` is what its captured Authorization header held; none is captured as `[""]`.
fn span(trace: u8, id: u8, parent: u8, kind: u8, carries: bool, status: u16) -> Value {
    let header = if carries { format!("Bearer {}", token()) } else { String::new() };
    let hex = |byte: u8, length: usize| format!("{byte:02x}").repeat(length);
    let start = 1_790_000_100_000_000_000_u64 + u64::from(trace) * 1_000_000_000 + u64::from(id) * 1_000_000;
    json!({
        "traceId": hex(trace, 16),
        "spanId": hex(id, 8),
        "parentSpanId": if parent == 0 { String::new() } else { hex(parent, 8) },
        "name": "GET /",
        "kind": kind,
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 500_000_000 - u64::from(id) * 10_000_000).to_string(),
        "attributes": [
            {"key": "http.request.method", "value": {"stringValue": "GET"}},
            {"key": "http.response.status_code", "value": {"intValue": status.to_string()}},
            {"key": "http.request.header.authorization",
             "value": {"arrayValue": {"values": [{"stringValue": header}]}}},
        ],
    })
}

/// gateway → orders → shipping; orders forgets the token.
fn dropped(trace: u8) -> Value {
    let resource = |service: &str, spans: Vec<Value>| {
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"scope": {"name": "test.http"}, "spans": spans}],
        })
    };
    json!({"resourceSpans": [
        resource("gateway", vec![span(trace, 1, 0, 2, true, 401), span(trace, 2, 1, 3, true, 401)]),
        resource("orders", vec![span(trace, 3, 2, 2, true, 401), span(trace, 4, 3, 3, false, 401)]),
        resource("shipping", vec![span(trace, 5, 4, 2, false, 401)]),
    ]})
}

fn lines() -> String {
    (1..=3).map(|trace| dropped(trace).to_string()).collect::<Vec<String>>().join("\n") + "\n"
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
        command.args(args).current_dir(self.path()).env_clear().env("JWTRAIL_FP_KEY", KEY);
        command.env("XDG_STATE_HOME", self.path().join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn holds_token(shown: &str) -> bool {
    let token = token();
    // The header part is the same for everyone and tells nothing; eight characters of the rest are too many.
    token
        .split('.')
        .skip(1)
        .any(|part| part.as_bytes().windows(9).any(|piece| shown.contains(std::str::from_utf8(piece).unwrap())))
}

#[test]
fn check_finds_the_drop_and_says_so_by_its_status() {
    let folder = Folder::new();
    folder.write("t.jsonl", &lines());
    let output = folder.run(&["check", "t.jsonl"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(shown.starts_with("✗ high      orders → shipping  dropped: not sent  3 of 3 hops  proven\n"), "{shown}");
    assert!(shown.contains("● gateway ─✓─▸ orders ─✗─▸ shipping"), "{shown}");
    assert!(shown.ends_with("1 problem found, the worst is high\n"), "{shown}");
    assert_eq!(folder.run(&["check", "t.jsonl", "--fail-on", "critical"]).status.code(), Some(0));
}

#[test]
fn check_prints_the_same_json_twice_and_no_piece_of_a_token() {
    let folder = Folder::new();
    folder.write("t.jsonl", &lines());
    let args = ["check", "t.jsonl", "--format", "json"];
    let (first, second) = (folder.run(&args), folder.run(&args));
    let shown = text(&first.stdout);
    assert_eq!(shown, text(&second.stdout));
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["input"]["files"], json!(["t.jsonl"]));
    assert_eq!((&report["input"]["spans"], &report["input"]["traces"]), (&json!(15), &json!(3)));
    assert_eq!(report["summary"]["verdicts"]["dropped"], 3);
    assert_eq!(report["issues"].as_array().unwrap().len(), 1);
    assert_eq!(report["hops"].as_array().unwrap().len(), 9);
    let log = std::fs::read_to_string(folder.path().join("state/jwtrail/jwtrail.log")).unwrap_or_default();
    for output in [&shown, &text(&first.stderr), &text(&folder.run(&args[..2]).stdout), &log] {
        assert!(!holds_token(output));
    }
    assert!(holds_token(&lines()), "else this test could not fail");
}

#[test]
fn several_files_and_standard_input_are_one_set() {
    let folder = Folder::new();
    folder.write("1.jsonl", &format!("{}\n", dropped(1)));
    let mut child =
        folder.command(&["check", "1.jsonl", "-", "--format", "json"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The first trace comes again: its spans are duplicates and are judged once.
    stdin.write_all(format!("{}\n{}\n", dropped(1), dropped(2)).as_bytes()).unwrap();
    drop(stdin);
    let report: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(report["input"]["files"], json!(["1.jsonl", "-"]));
    assert_eq!(report["input"]["duplicates"], 5);
    assert_eq!(report["summary"]["verdicts"]["dropped"], 2);
}

#[test]
fn damaged_records_are_named_and_the_rest_is_read() {
    let folder = Folder::new();
    folder.write("t.jsonl", &format!("{}\n{{\"resourceSpans\": [oops\n{}\n", dropped(1), dropped(2)));
    let output = folder.run(&["check", "t.jsonl", "--format", "json"]);
    let error = text(&output.stderr);
    assert!(error.starts_with("t.jsonl: line 2: "), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["verdicts"]["dropped"], 2);
}

#[test]
fn a_file_without_a_span_is_bad_input() {
    let folder = Folder::new();
    folder.write("empty.jsonl", "");
    folder.write("other.json", "[{\"parent\": \"a\", \"child\": \"b\", \"callCount\": 3}]");
    for file in ["empty.jsonl", "other.json"] {
        let output = folder.run(&["check", file]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{file}: {error}");
        assert!(error.starts_with("error: ") && error.contains(file), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_files_have_no_use_for_is_refused() {
    let folder = Folder::new();
    folder.write("t.jsonl", &lines());
    for args in [
        &["t.jsonl", "--", "touch", "ran"][..],
        &["t.jsonl", "--record", "r.jsonl"],
        &["--follow", "t.jsonl", "--record", "r.jsonl"],
    ] {
        let output = folder.run(&[&["check"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains("--live"), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
    assert!(!folder.path().join("ran").exists() && !folder.path().join("r.jsonl").exists());
}

#[test]
fn a_folder_without_traces_is_bad_input_for_every_command() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("none")).unwrap();
    folder.write("none/notes.txt", "nothing here");
    for args in [
        &["check", "none"][..],
        &["graph", "none"],
        &["redact", "none", "-o", "out.jsonl"],
        &["policy", "suggest", "none"],
    ] {
        let output = folder.run(args);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(error.contains("none/notes.txt: expected") && error.contains("in none"), "{args:?}: {error}");
        assert!(output.stdout.is_empty());
    }
    assert!(!folder.path().join("out.jsonl").exists());
}

#[test]
fn a_report_takes_no_input_away_and_leaves_no_empty_file() {
    let folder = Folder::new();
    let input = folder.write("t.jsonl", &lines());
    for out in ["t.jsonl", "./t.jsonl"] {
        let output = folder.run(&["check", "t.jsonl", "-o", out]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("t.jsonl is read and cannot be written"), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_to_string(input).unwrap(), lines());
    assert_eq!(folder.run(&["check", "nowhere.jsonl", "-o", "new.json"]).status.code(), Some(2));
    assert!(!folder.path().join("new.json").exists());
    let old = folder.write("old.json", "");
    assert_eq!(folder.run(&["check", "nowhere.jsonl", "-o", "old.json"]).status.code(), Some(2));
    assert!(old.exists(), "what was there stays");
}

#[test]
fn a_short_fingerprint_key_is_refused_and_not_printed() {
    let folder = Folder::new();
    folder.write("t.jsonl", &lines());
    let output = folder.command(&["check", "t.jsonl"]).env("JWTRAIL_FP_KEY", "too-short-a-secret").output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("32 bytes") && !error.contains("too-short"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    folder.write("t.jsonl", &lines());
    let mut child = folder.command(&["check", "t.jsonl"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
}

/// `serve`, with the address that it printed.
struct Serving {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    http: SocketAddr,
}

impl Serving {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut command = folder.command(&[&["serve", "--no-grpc", "--http", "127.0.0.1:0"], args].concat());
        let mut child = command.spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on ").and_then(|rest| rest.split(' ').next());
        let http = address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, errors, http }
    }

    /// Sends a request and returns the head of the answer.
    fn post(&self, body: &str) -> String {
        let mut stream = TcpStream::connect(self.http).unwrap();
        let length = body.len();
        let head = "POST /v1/traces HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nconnection: close\r\n";
        write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// Ends it by a signal, as `docker stop` or Ctrl-C would, and waits.
    fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        let (mut shown, mut errors) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), shown, errors)
    }
}

#[cfg(unix)]
#[test]
fn serve_announces_and_reports_when_told_to_end() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, &["--fail-on", "high"]);
    assert_eq!(serving.post(&dropped(1).to_string()), "HTTP/1.1 200 OK");
    let (status, shown, errors) = serving.end("-TERM");
    assert_eq!(status, Some(1), "{errors}");
    let announced = shown.lines().next().unwrap_or_default();
    assert!(announced.starts_with("✗ high      orders → shipping  dropped: not sent  proven  trace 0101"), "{shown}");
    assert!(shown.ends_with("1 problem found, the worst is high\n"), "{shown}");
    assert!(!holds_token(&shown) && !holds_token(&errors));
}

#[cfg(unix)]
#[test]
fn serve_keeps_standard_output_for_the_json_report() {
    let folder = Folder::new();
    let serving = Serving::start(&folder, &["--format", "json"]);
    assert_eq!(serving.post(&dropped(1).to_string()), "HTTP/1.1 200 OK");
    let (status, shown, errors) = serving.end("-INT");
    assert_eq!(status, Some(0), "without --fail-on a clean end is 0: {errors}");
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["summary"]["verdicts"]["dropped"], 1);
    assert!(errors.contains("orders → shipping"), "{errors}");
}

#[test]
fn serve_ends_by_itself_after_the_time_given() {
    let folder = Folder::new();
    let output = folder.run(&["serve", "--no-grpc", "--http", "127.0.0.1:0", "--for", "50ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("nothing can be said"), "{}", text(&output.stdout));
}

#[test]
fn a_busy_port_is_an_error_that_names_port_and_option() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = folder.run(&["serve", "--grpc", "127.0.0.1:0", "--http", &address]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains(&address) && error.contains("--http"), "{error}");
    assert!(!error.contains("listening on"), "no half start: {error}");
}
