//! A token that is sent in every way and every place there is, and looked for in everything that jwtrail puts out.

mod doors;
#[cfg(target_os = "linux")]
mod memory;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use jwtrail::engine::{EngineHandle, EngineOptions, INTAKE_BYTES};
use jwtrail::model::Sink;
use jwtrail::model::policy::Policy;
use jwtrail::trail::{Trail, TrailOptions};
use jwtrail::tui::graph::lay_out;
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;
use jwtrail::tui::{Depth, Mode, Theme, picture, view};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status};
use prost::Message as _;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;
use tonic::codec::CompressionEncoding;

use crate::otlp::gzip;
use crate::spans::{attribute, extract, list, request, span, text};
use crate::token::{shared, signed};

/// Who the token is about: no claim of a person is shown either.
const SUBJECT: &str = "canary-subject@example.test";

fn token(number: u8) -> String {
    let claims =
        json!({"iss": "https://idp.test", "sub": SUBJECT, "email": SUBJECT, "exp": 1_900_000_000, "n": number});
    signed(&claims)
}

/// Holds that no nine neighbouring characters of the token are in what was put out.
fn assert_clean(shown: &[u8], place: &str) {
    for token in [token(1), token(2)] {
        for piece in token.split('.').flat_map(|part| part.as_bytes().windows(9)) {
            let found = memchr::memmem::find(shown, piece).is_some();
            let piece = String::from_utf8_lossy(piece);
            assert!(!found, "{piece} of the token is left in {place}:\n{}", String::from_utf8_lossy(shown));
        }
    }
    assert!(memchr::memmem::find(shown, SUBJECT.as_bytes()).is_none(), "the subject is left in {place}");
}

/// A span with a token in every place that is no header.
fn planted(service: &str, id: u8, parent: u8, kind: i32, header: &str) -> ResourceSpans {
    let token = token(1);
    let mut span: Span = span(
        kind,
        vec![
            attribute("http.request.header.authorization", list(&[header])),
            attribute("http.request.header.user_agent", list(&[&format!("curl {token}")])),
            attribute("http.request.header.cookie", list(&[&format!("sid={token}")])),
            attribute("http.response.header.www-authenticate", list(&[&format!("Bearer error=\"{token}\"")])),
            attribute("http.response.status_code", text("401")),
            attribute("http.route", text(&format!("/verify/{token}"))),
            attribute("url.full", text(&format!("http://orders.test/a?access_token={token}"))),
            attribute("url.query", text(&format!("access_token={token}&id_token={token}"))),
            attribute("server.address", text(&format!("{token}.test"))),
            attribute("error.type", text(&token)),
            attribute("jwtrail.token.kid", text(&token)),
            attribute("jwtrail.verify.reason", text(&token)),
        ],
    );
    span.trace_id = vec![id / 10; 16];
    span.span_id = vec![id; 8];
    span.parent_span_id = if parent == 0 { Vec::new() } else { vec![parent; 8] };
    span.name = format!("GET /verify/{token}");
    span.trace_state = format!("a={token}");
    span.start_time_unix_nano = 1_790_000_000_000_000_000 + u64::from(id) * 1_000_000;
    span.end_time_unix_nano = 1_790_000_001_000_000_000 - u64::from(id) * 1_000_000;
    span.status = Some(Status { code: 2, message: format!("cannot verify {token}") });
    span.events = vec![Event {
        name: "exception".to_owned(),
        attributes: vec![
            attribute("exception.type", text("jwt.exceptions.InvalidSignatureError")),
            attribute("exception.message", text(&format!("signature of {token} is wrong"))),
            attribute("exception.stacktrace", text(&format!("File \"auth.py\"\n  decode('{token}')"))),
        ],
        ..Event::default()
    }];
    let resource = vec![
        attribute("service.name", text(service)),
        attribute("service.instance.id", text(&format!("{service}-{token}"))),
        attribute("process.command_args", list(&["serve", "--token", &token])),
    ];
    let mut resource_spans = request(resource, vec![span]).resource_spans.remove(0);
    let scope = resource_spans.scope_spans[0].scope.as_mut().unwrap();
    (scope.name, scope.version) = (format!("http {token}"), token);
    resource_spans
}

/// gateway → orders, which loses the token, and gateway → payment, which gets another one.
fn everywhere() -> ExportTraceServiceRequest {
    let (first, second) = (format!("Bearer {}", token(1)), format!("Bearer {}", token(2)));
    let spans = |trace: u8| {
        [
            planted("gateway", trace + 1, 0, 2, &first),
            planted("gateway", trace + 2, trace + 1, 3, ""),
            planted("orders", trace + 3, trace + 2, 2, ""),
            planted("gateway", trace + 4, trace + 1, 3, &second),
            planted("payment", trace + 5, trace + 4, 2, &second),
        ]
    };
    ExportTraceServiceRequest { resource_spans: [10, 20].into_iter().flat_map(spans).collect() }
}

fn logs() -> String {
    let token = token(1);
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "traceId": "01".repeat(16), "spanId": "0d".repeat(8), "severityText": "WARN",
        "body": {"stringValue": format!("InvalidSignatureError: {token}")},
        "attributes": [{"key": "message", "value": {"stringValue": format!("bad {token}")}}],
    }]}]}]})
    .to_string()
}

fn jwtrail(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(folder).env_clear();
    command.env("XDG_STATE_HOME", folder.join("state")).env("JWTRAIL_LOG", "trace").env("RUST_BACKTRACE", "full");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn log(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("state/jwtrail/jwtrail.log")).unwrap()
}

/// `serve` on free ports.
struct Serving {
    child: Child,
    errors: BufReader<ChildStderr>,
    grpc: String,
    http: String,
}

impl Serving {
    fn start(folder: &Path, format: &str) -> Self {
        let args = ["serve", "--for", "120s", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--format", format];
        let mut child = jwtrail(folder, &args).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut address = || {
            let mut line = String::new();
            errors.read_line(&mut line).unwrap();
            line.split(' ').nth(2).unwrap_or_else(|| panic!("no address in {line:?}")).to_owned()
        };
        let (grpc, http) = (address(), address());
        Self { child, errors, grpc, http }
    }

    /// Sends a request as it is written; the whole answer.
    fn raw(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        let bearer = format!("authorization: Bearer {}", token(1));
        let length = body.len();
        write!(stream, "{head}\r\nhost: test\r\n{bearer}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_clean(&answer, head);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn post(&self, path: &str, headers: &str, body: &[u8]) -> String {
        self.raw(&format!("POST {path} HTTP/1.1\r\n{headers}"), body)
    }

    /// Ends it as Ctrl-C would; everything that it printed.
    fn end(mut self) -> (Vec<u8>, Vec<u8>) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let (mut shown, mut errors) = (Vec::new(), Vec::new());
        self.child.stdout.take().unwrap().read_to_end(&mut shown).unwrap();
        self.errors.read_to_end(&mut errors).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&errors));
        (shown, errors)
    }
}

const PROTOBUF: &str = "content-type: application/x-protobuf";
const JSON: &str = "content-type: application/json";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_token_comes_out_of_serve() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), format);
        let spans = everywhere();
        for packing in [None, Some(CompressionEncoding::Gzip)] {
            let mut client = TraceServiceClient::connect(format!("http://{}", serving.grpc)).await.unwrap();
            if let Some(packing) = packing {
                client = client.send_compressed(packing);
            }
            let answer = client.export(spans.clone()).await.unwrap();
            assert_clean(format!("{answer:?}").as_bytes(), "the answer over gRPC");
        }
        let (binary, text) = (spans.encode_to_vec(), serde_json::to_vec(&spans).unwrap());
        let gzipped = format!("{PROTOBUF}\r\ncontent-encoding: gzip");
        for (headers, body) in [(PROTOBUF, &binary), (JSON, &text), (&*gzipped, &gzip(&binary))] {
            let answer = serving.post("/v1/traces", headers, body);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        assert!(serving.post("/v1/logs", JSON, logs().as_bytes()).starts_with("HTTP/1.1 200"));
        let (shown, errors) = serving.end();
        let report = String::from_utf8_lossy(&shown);
        assert!(report.contains("failed") && report.contains("orders") && report.contains("exposed"), "{report}");
        assert_clean(&shown, "standard output");
        assert_clean(&errors, "standard error");
        assert_clean(&log(folder.path()), "the log");
    }
}

/// Requests that cannot be read are refused without a word of what stood in them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_quotes_what_it_could_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), "text");
    let token = token(1);
    let broken = [
        token.clone(),
        format!("{{\"resourceSpans\": [{{\"{token}\": 1, {token}"),
        format!(
            "{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{{\"traceId\": \"{token}\", \"kind\": \"{token}\"}}]}}]}}]}}"
        ),
        format!("{{\"resourceSpans\": \"{token}\"}}"),
    ];
    for body in &broken {
        for headers in [JSON, PROTOBUF] {
            serving.post("/v1/traces", headers, body.as_bytes());
            serving.post("/v1/logs", headers, body.as_bytes());
        }
    }
    for headers in [
        format!("content-type: {token}"),
        format!("{JSON}\r\ncontent-encoding: {token}"),
        format!("{PROTOBUF}\r\ncontent-encoding: gzip"),
        format!("{JSON}\r\nx-custom: {token}"),
    ] {
        let answer = serving.post("/v1/traces", &headers, token.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{headers}: {answer}");
    }
    assert!(serving.post(&format!("/v1/{token}?access_token={token}"), JSON, b"{}").starts_with("HTTP/1.1 404"));
    assert!(serving.raw(&format!("{token} /v1/traces HTTP/1.1"), b"").starts_with("HTTP/1.1 4"));
    let grpc = format!("content-type: application/grpc+{token}");
    serving.post(&format!("/{token}/Export"), &grpc, token.as_bytes());
    let mut client = TraceServiceClient::connect(format!("http://{}", serving.grpc)).await.unwrap();
    let mut cut = everywhere();
    cut.resource_spans[0].scope_spans[0].spans[0].trace_id = token.clone().into_bytes();
    let answer = client.export(cut).await.unwrap();
    assert!(answer.get_ref().partial_success.is_some(), "{answer:?}");
    assert_clean(format!("{answer:?}").as_bytes(), "the partial success");
    let (shown, errors) = serving.end();
    assert_clean(&shown, "standard output");
    assert_clean(&errors, "standard error");
    assert_clean(&log(folder.path()), "the log");
}

#[test]
fn nothing_of_a_token_comes_out_of_check() {
    let folder = tempfile::tempdir().unwrap();
    let spans = everywhere();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let line = serde_json::to_string(&spans).unwrap();
    // The second line cannot be read, and is named on standard error.
    write("lines.jsonl", format!("{line}\n{{\"resourceSpans\": [{}\n{}\n", token(1), logs()).as_bytes());
    write("request.json", serde_json::to_string_pretty(&spans).unwrap().as_bytes());
    write("request.pb", &spans.encode_to_vec());
    write("garbage", token(1).as_bytes());
    for file in ["lines.jsonl", "request.json", "request.pb", "garbage"] {
        for format in ["text", "json"] {
            let output = jwtrail(folder.path(), &["check", file, "--format", format]).output().unwrap();
            let status = if file == "garbage" { 2 } else { 1 };
            assert_eq!(output.status.code(), Some(status), "{file}: {}", String::from_utf8_lossy(&output.stderr));
            assert_clean(&output.stdout, file);
            assert_clean(&output.stderr, file);
        }
    }
    if let Ok(log) = std::fs::read(folder.path().join("state/jwtrail/jwtrail.log")) {
        assert_clean(&log, "the log");
    }
}

/// What the screen shows of those spans, whatever is selected; and the snapshot that it is drawn from.
#[tokio::test]
async fn nothing_of_a_token_reaches_the_screen() {
    let options = TrailOptions {
        assume_captured: false,
        settle: std::time::Duration::ZERO,
        memory: 1 << 30,
        spans_per_trace: 100,
    };
    let bounds = EngineOptions { intake_bytes: INTAKE_BYTES, memory: 1 << 30 };
    let engine =
        EngineHandle::start(Trail::new(Policy::default(), options), bounds, jwtrail::app::clock::system()).unwrap();
    engine.intake().accept(extract(&shared(), &everywhere())).unwrap();
    let snapshot = engine.shutdown().unwrap().snapshot;
    assert_clean(format!("{snapshot:?}").as_bytes(), "the snapshot");
    let problems = snapshot.problems.len();
    assert!(problems > 1, "{problems} problems");
    let (width, height) = (200, 60);
    let theme = Theme { ascii: false, depth: Depth::True, ..Theme::default() };
    let mut state = State { size: (width, height), mode: Mode::Live, theme, ..State::default() };
    update(&mut state, Message::Snapshot(Arc::clone(&snapshot)));
    for step in 0..3 * (problems + 2) {
        let laid = lay_out(&state.ask());
        update(&mut state, Message::Laid(Arc::new(laid)));
        let buffer = view::picture(&state);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| frame.buffer_mut().clone_from(&buffer)).unwrap();
        assert_clean(terminal.backend().to_string().as_bytes(), "the screen");
        assert_clean(picture::svg(&buffer, picture::Ground::DARK).as_bytes(), "the picture");
        let next = if step % (problems + 2) == problems + 1 { Action::NextPane } else { Action::Down };
        update(&mut state, Message::Act(next));
    }
}
