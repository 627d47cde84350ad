//! `--forward` as a user meets it.

use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

use crate::redact_file::tokens;
use crate::serving::{address, interrupt, post};
use crate::spans::assert_no_piece;
use crate::trail::support::runs;

fn jwtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear();
    command.env("JWTRAIL_FP_KEY", "a fingerprint key of thirty-two bytes and more");
    command.env("XDG_STATE_HOME", folder.join("state"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// `serve` on free ports.
struct Serving {
    child: Child,
    errors: BufReader<ChildStderr>,
    grpc: String,
    http: String,
}

impl Serving {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let args = ["serve", "--for", "120s", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut child = jwtrail(folder, &[&args, more].concat()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let (grpc, http) = (address(&mut errors), address(&mut errors));
        Self { child, errors, grpc, http }
    }

    fn post(&self, body: &[u8]) {
        let answer = post(&self.http, body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Ends it as Ctrl-C would; what it said.
    fn end(mut self) -> String {
        let mut said = String::new();
        interrupt(&self.child);
        self.errors.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }
}

fn hops(folder: &Path, file: &Path, more: &[&str]) -> Value {
    let args = [&["check", file.to_str().unwrap(), "--format", "json"], more].concat();
    let Output { stdout, stderr, .. } = jwtrail(folder, &args).stdout(Stdio::piped()).output().unwrap();
    let report: Value =
        serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&stderr)));
    report["hops"].clone()
}

/// services → jwtrail → jwtrail, which records what came to it.
#[test]
fn a_second_jwtrail_judges_as_the_first_one() {
    let jwks = runs("jwks.json");
    let keys = ["--jwks", jwks.to_str().unwrap()];
    for (run, grpc) in [
        ("drop-in-fanout.jsonl", true),
        ("wrong-key.jsonl", false),
        ("moved-header.jsonl", true),
        ("shapes/node-grpc.jsonl", false),
    ] {
        let (folder, run) = (tempfile::tempdir().unwrap(), runs(run));
        let second = Serving::start(folder.path(), &["--record", "t.jsonl"]);
        let url = if grpc { format!("grpc://{}", second.grpc) } else { format!("http://{}", second.http) };
        let first =
            Serving::start(folder.path(), &[&keys[..], &["--forward", &url, "--forward-compression", "gzip"]].concat());
        let given = std::fs::read(&run).unwrap();
        for line in given.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            first.post(line);
        }
        let said = first.end();
        let place = url.replace("grpc://", "http://");
        assert!(said.contains(&format!("forwarding to {place}\n")), "{said}");
        assert!(said.contains(&format!("spans to {place}\n")) && !said.contains("warning"), "{said}");
        second.end();
        let recorded = folder.path().join("t.jsonl");
        let (before, after) = (hops(folder.path(), &run, &keys), hops(folder.path(), &recorded, &[]));
        assert!(before.as_array().unwrap().len() > 3);
        assert_eq!(before, after, "{}", run.display());
        let recorded = std::fs::read(recorded).unwrap();
        for token in tokens(&given) {
            assert_no_piece(std::str::from_utf8(token).unwrap(), &recorded, "what was forwarded");
        }
    }
}

#[test]
fn what_cannot_be_forwarded_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    // A port that is free: this program listens on it and is told to forward to it.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = held.local_addr().unwrap().to_string();
    drop(held);
    std::fs::write(folder.path().join("headers"), "x-api-key: sesame\n").unwrap();
    let itself = format!("http://{own}");
    for (args, said) in [
        (&["--forward", &*itself][..], "found jwtrail's own 127.0.0.1:"),
        (&["--forward", "collector:4317"], "expected --forward with a URL such as"),
        (&["--forward", "http://me:sesame@c"], "without a user or a password"),
        (
            &["--forward", "http://127.0.0.1:1", "--forward-header-file", "headers"],
            "headers, named by --forward-header-file: expected headers as name=value",
        ),
        (&["--forward", "http://127.0.0.1:1", "--forward-ca", "headers"], "expected --forward with https://"),
        (&["--forward", "https://127.0.0.1:1", "--forward-ca", "headers"], "expected certificates in PEM"),
        (
            &["--forward", "https://127.0.0.1:1", "--forward-cert", "headers"],
            "--forward-cert and --forward-key together",
        ),
        (&["--forward", "http://127.0.0.1:1", "--forward-queue", "5"], "expected --forward-queue of 64KiB or more"),
        (&["--forward-compression", "gzip"], "expected --forward URL beside"),
        (&["--forward", "http://127.0.0.1:1", "--forward-protocol", "http/json"], "expected grpc or http/protobuf"),
    ] {
        let args = [&["serve", "--for", "1s", "--no-grpc", "--http", &own], args].concat();
        let output = jwtrail(folder.path(), &args).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        assert!(errors.contains(said) && !errors.contains("sesame"), "{errors}");
    }
    let check = jwtrail(folder.path(), &["check", "t.jsonl", "--forward", &itself]).output().unwrap();
    assert!(String::from_utf8_lossy(&check.stderr).contains("expected --live where something is forwarded"));
}

/// The collector's key by file and by environment, over the user's file; it arrives, and is seen nowhere else.
#[test]
fn headers_come_from_a_file_and_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(folder.path().join("headers"), "x-api-key=sesame%201\n").unwrap();
    let options = format!("[options]\nforward = \"http://{}\"\n", collector.local_addr().unwrap());
    let policy = options + "forward-header-file = \"headers\"\nforward-timeout = \"20s\"\nforward-queue = \"1MiB\"\n";
    std::fs::write(folder.path().join("jwtrail.toml"), policy).unwrap();
    let mut command = jwtrail(
        folder.path(),
        &["serve", "--for", "120s", "--no-grpc", "--http", "127.0.0.1:0", "--policy", "jwtrail.toml"],
    );
    let mut child = command.env("JWTRAIL_FORWARD_HEADERS", "x-team=sesame2").spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let http = address(&mut errors);
    let serving = Serving { child, errors, grpc: String::new(), http };
    let run = std::fs::read(runs("intact.jsonl")).unwrap();
    serving.post(run.split(|byte| *byte == b'\n').next().unwrap());
    let (mut stream, _) = collector.accept().unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "the request broke off");
        head.extend_from_slice(&bytes[..read]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("x-api-key: sesame 1") && head.contains("x-team: sesame2"), "{head}");
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    let said = serving.end();
    assert!(
        said.contains("warning: 1 requests with ") && said.contains("were not forwarded: it answered HTTP 400"),
        "{said}"
    );
    let log = std::fs::read_to_string(folder.path().join("state/jwtrail/jwtrail.log")).unwrap();
    assert!(log.contains("it answered HTTP 400"), "{log}");
    assert!(!(said + &log).contains("sesame"));
}
