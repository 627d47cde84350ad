//! Who may send and how much, as a user sets it: options, environment, configuration; and what an ending receiver owes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::Value;

const SECRET: &str = "made-for-this-test-77";

fn jwtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear();
    command.env("XDG_STATE_HOME", folder.join("state")).env("XDG_CONFIG_HOME", folder.join("config"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What was said until the address, and the address.
fn address(child: &mut Child) -> (Vec<String>, String, BufReader<std::process::ChildStderr>) {
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = Vec::new();
    loop {
        let mut line = String::new();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it ended: {said:?}");
        if let Some(rest) = line.strip_prefix("listening on ") {
            let address = rest.split(' ').next().unwrap().to_owned();
            return (said, address, errors);
        }
        said.push(line);
    }
}

fn request(id: u64, spans: u64, head: &str) -> String {
    let span =
        |index| format!(r#"{{"traceId":"{:032x}","spanId":"{:016x}","name":"GET /"}}"#, id + 1, id * spans + index + 1);
    let spans: Vec<String> = (0..spans).map(span).collect();
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
    let kind = "content-type: application/json";
    format!("POST /v1/traces HTTP/1.1\r\nhost: x\r\n{kind}\r\n{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// The status of the answer on a connection that stays; `None` where it is gone.
fn exchange(stream: &mut TcpStream, request: &str) -> Option<u16> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.ends_with(b"}") {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
        }
    }
    String::from_utf8(answer).unwrap().split(' ').nth(1)?.parse().ok()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Four exporters send without a pause while it is told to end: all that was acknowledged is judged and recorded.
#[test]
fn what_was_acknowledged_is_judged_and_recorded() {
    const SPANS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0", "--record", "t.jsonl", "--format", "json"];
    let mut child = jwtrail(folder.path(), &args).spawn().unwrap();
    let (_, address, mut errors) = address(&mut child);
    let (next, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut stdout = child.stdout.take().unwrap();
    let report: Value = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(&address).unwrap();
                loop {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    match exchange(&mut stream, &request(id, SPANS, "")) {
                        Some(200) => acknowledged.fetch_add(SPANS, Ordering::Relaxed),
                        // Refused or gone: an exporter would keep it.
                        _ => return,
                    };
                }
            });
        }
        while acknowledged.load(Ordering::Relaxed) < 100 * SPANS {
            thread::yield_now();
        }
        signal(&child, "-TERM");
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    let mut said = String::new();
    errors.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    let judged = report["input"]["spans"].as_u64().unwrap();
    let recorded = fs::read_to_string(folder.path().join("t.jsonl")).unwrap().matches("\"spanId\"").count() as u64;
    let acknowledged = acknowledged.into_inner();
    assert!(
        acknowledged <= judged && judged <= acknowledged + 4 * SPANS,
        "{acknowledged} acknowledged, {judged} judged"
    );
    assert_eq!(recorded, judged, "{said}");
}

#[test]
fn a_secret_by_file_or_environment_lets_in_and_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("senders");
    fs::write(&file, format!("# the shop\nbearer {SECRET}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let args = ["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0", "--auth-file", "senders"];
    let mut command = jwtrail(folder.path(), &args);
    let mut child = command.env("JWTRAIL_AUTH", format!("api-key {SECRET}-2")).spawn().unwrap();
    let (said, address, mut errors) = address(&mut child);
    assert!(said.iter().any(|line| line.contains("senders holds a secret") && line.contains("chmod 600")), "{said:?}");
    let mut stream = TcpStream::connect(&address).unwrap();
    for (head, status) in [
        (String::new(), 401),
        (format!("authorization: Bearer {SECRET}\r\n"), 200),
        (format!("x-api-key: {SECRET}-2\r\n"), 200),
        (format!("x-api-key: {SECRET}-3\r\n"), 401),
    ] {
        assert_eq!(exchange(&mut stream, &request(1, 1, &head)), Some(status), "{head}");
    }
    signal(&child, "-INT");
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    errors.read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success(), "{err}");
    assert!(out.contains("set-up: 2 requests showed no secret"), "the last second is in the report too: {out}");
    let log = fs::read_to_string(folder.path().join("state/jwtrail/jwtrail.log")).unwrap_or_default();
    for shown in [&out, &err, &log, &said.concat()] {
        assert!(!shown.contains(&SECRET[..8]), "{shown}");
    }
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad"), format!("{SECRET}\n")).unwrap();
    let refused: [(&[&str], &str); 10] = [
        (&["--tls-cert", "a.pem"], "expected --tls-key beside --tls-cert"),
        (&["--tls-client-ca", "a.pem"], "expected --tls-cert and --tls-key beside --tls-client-ca"),
        (&["--tls-cert", "a.pem", "--tls-key", "a.key"], "cannot read a.pem, named by --tls-cert"),
        (&["--auth-file", "bad"], "expected lines `bearer SECRET` or `api-key SECRET` in bad, found another in line 1"),
        (&["--cors-origin", "shop.example"], "expected an origin such as https://shop.example"),
        (&["--max-in-flight", "1MiB"], "at least twice --max-request"),
        (&["--max-connections", "0"], "--max-connections"),
        (&["--admin", "localhost:4319"], "expected an IP address and a port, such as 127.0.0.1:4317"),
        (&["--forward", "https://a.example", "--forward-ca", "ca.pem"], "cannot read ca.pem, named by --forward-ca"),
        (
            &["--forward", "https://a.example", "--forward-header-file", "bad"],
            "bad, named by --forward-header-file: expected headers as name=value",
        ),
    ];
    for (args, expected) in refused {
        let args = [&["serve", "--no-grpc", "--http", "127.0.0.1:0", "--for", "1s"], args].concat();
        let output = jwtrail(folder.path(), &args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected) && output.status.code() == Some(2), "{args:?}: {said}");
        assert!(!said.contains(&SECRET[..8]), "{said}");
    }
}

/// Whoever starts it reads at once what is amiss, not in the report at the end.
#[test]
fn what_is_amiss_is_said_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    // An address for documentation: nothing is sent there, for nothing comes.
    let next = "http://192.0.2.1:4318";
    let mut command = jwtrail(folder.path(), &["serve", "--no-grpc", "--http", "127.0.0.1:0", "--forward", next]);
    let mut child = command.env("JWTRAIL_FORWARD_HEADERS", format!("x-api-key={SECRET}")).spawn().unwrap();
    let (_, _, errors) = address(&mut child);
    let warned = errors.lines().map(Result::unwrap).find(|line| line.starts_with("warning: headers are sent to "));
    signal(&child, "-INT");
    assert!(child.wait().unwrap().success());
    assert!(warned.unwrap().ends_with("without TLS: anyone on the way can read them"));
}

/// Values as deep and as large as a request allows are taken by the whole program, and the next request is answered too.
#[test]
fn deep_and_huge_values_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        ["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0", "--record", "t.jsonl", "--format", "json"];
    let mut child = jwtrail(folder.path(), &args).spawn().unwrap();
    let (_, address, mut errors) = address(&mut child);
    let deep =
        format!(r#"{}{{"stringValue":"core"}}{}"#, r#"{"arrayValue":{"values":["#.repeat(10_000), "]}}".repeat(10_000));
    let huge = format!(r#"{{"stringValue":"{}"}}"#, "x".repeat(15 << 20));
    let brackets = "[".repeat(4 << 20);
    let mut stream = TcpStream::connect(&address).unwrap();
    for (value, status) in [(&deep, 200), (&huge, 200), (&brackets, 400), (&"{}".to_owned(), 200)] {
        let attribute = format!(r#""name":"GET /","attributes":[{{"key":"http.request.header.x","value":{value}}}]"#);
        let body = request(status, 1, "").replace(r#""name":"GET /""#, &attribute);
        // The length in the head is that of the body without the value.
        let body = body.split_once("\r\n\r\n").unwrap().1;
        let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        assert_eq!(exchange(&mut stream, &whole), Some(status.try_into().unwrap()), "{} bytes", value.len());
    }
    signal(&child, "-INT");
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    errors.read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success(), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["input"]["spans"], 3, "{err}");
}

/// The user's file names files beside itself, and `config show` tells bounds and where they come from.
#[test]
fn the_configuration_says_who_may_send() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config/jwtrail");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("senders"), format!("bearer {SECRET}\n")).unwrap();
    fs::write(
        config.join("config.toml"),
        "[options]\nauth-file = \"senders\"\nmax-request = \"2MiB\"\ncors-origin = [\"https://a.example\"]\n",
    )
    .unwrap();
    let shown = jwtrail(folder.path(), &["config", "show"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for expected in
        ["max-request = \"2MiB\"", "max-connections = \"512\"", "header-timeout = \"30s\"", "# JWTRAIL_AUTH: not set"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let mut child =
        jwtrail(folder.path(), &["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0"]).spawn().unwrap();
    let (_, address, _errors) = address(&mut child);
    let mut stream = TcpStream::connect(&address).unwrap();
    assert_eq!(exchange(&mut stream, &request(1, 1, "")), Some(401));
    assert_eq!(exchange(&mut stream, &request(1, 1, &format!("authorization: bearer {SECRET}\r\n"))), Some(200));
    let page = format!("authorization: bearer {SECRET}\r\norigin: https://a.example\r\n");
    assert_eq!(exchange(&mut stream, &request(2, 1, &page)), Some(200));
    signal(&child, "-INT");
    assert!(child.wait().unwrap().success());
}
