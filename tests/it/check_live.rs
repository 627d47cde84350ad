//! `jwtrail check --live` around real commands: what they get, what comes of their spans, whose status it is.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Names the file that the exporter below sends.
const SENT: &str = "JWTRAIL_TEST_SENT";

/// As long as anything here may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

fn run_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs").join(name)
}

/// Sends a file's lines to an OTLP endpoint as an exporter does.
fn export(endpoint: &str, file: &Path) {
    let address: SocketAddr = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    for body in std::fs::read_to_string(file).unwrap().lines() {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "POST /v1/traces HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\nconnection: close\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
        command.args(["check", "--live"]).args(args).current_dir(self.0.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("XDG_STATE_HOME", self.0.path().join("state"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn shell(&self, args: &[&str], script: &str) -> Command {
        self.command(&[args, &["--settle", "200ms", "--", "sh", "-c", script]].concat())
    }

    /// Wraps a script in which `"$@"` sends the file.
    fn sending(&self, file: &str, args: &[&str], script: &str) -> Output {
        let exporter = ["--exact", "check_live::what_a_command_exports_is_judged_when_it_has_ended"];
        let mut command = self.shell(args, script);
        command.arg("sh").arg(std::env::current_exe().unwrap()).args(exporter).env(SENT, run_file(file));
        command.output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), text(&output.stderr))
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn wait(child: &mut Child) -> Option<i32> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("jwtrail did not end");
}

/// Sends Ctrl-C until it ends: one that comes before the command's end is the command's own matter.
fn interrupted(child: &mut Child) -> Option<i32> {
    let end = Instant::now() + DEADLINE;
    while child.try_wait().unwrap().is_none() && Instant::now() < end {
        signal(child, "-INT");
        std::thread::sleep(Duration::from_millis(20));
    }
    wait(child)
}

fn line(from: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn what_a_command_exports_is_judged_when_it_has_ended() {
    // This binary is the exporter, too: the commands below run it again for this one test.
    if let Some(file) = std::env::var_os(SENT) {
        return export(&std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap(), Path::new(&file));
    }
    let folder = Folder::new();
    let output = folder.sending("stripped-by-proxy.jsonl", &[], "\"$@\"; echo tests are done");
    let (shown, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    let (own, report) = shown.split_once("tests are done\n").expect("the command's own output comes through");
    assert!(own.contains("1 passed"), "{own}");
    assert!(report.contains("dropped: stripped"), "{report}");
    assert!(errors.starts_with("listening on 127.0.0.1:") && errors.lines().count() == 1, "{errors}");
    let output = folder.sending("intact.jsonl", &[], "\"$@\"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let output = folder.sending("stripped-by-proxy.jsonl", &["--fail-on", "critical"], "\"$@\"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn a_report_for_programs_has_standard_output_to_itself() {
    let folder = Folder::new();
    let output = folder.sending("stripped-by-proxy.jsonl", &["--format", "json"], "\"$@\"; echo tests are done");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(report["summary"]["verdicts"]["dropped"], 0);
    assert!(text(&output.stderr).contains("\ntests are done\n"), "{}", text(&output.stderr));
}

#[test]
fn a_report_in_a_file_leaves_standard_output_to_the_command() {
    let folder = Folder::new();
    let file = folder.0.path().join("report.json");
    std::fs::write(&file, "x".repeat(1 << 20)).unwrap();
    let args = ["--format", "json", "-o", "report.json"];
    let output = folder.sending("stripped-by-proxy.jsonl", &args, "\"$@\" >/dev/null; echo tests are done");
    assert_eq!(text(&output.stdout), "tests are done\n");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_ne!(report["summary"]["verdicts"]["dropped"], 0);
    let (status, errors) = code(&mut folder.shell(&["-o", "no/such/folder/report"], "touch ran"));
    assert_eq!(status, Some(2));
    assert!(errors.contains("cannot write the report to no/such/folder/report"), "{errors}");
    assert!(!folder.0.path().join("ran").exists(), "a mistyped file is known before the tests have run");
}

#[test]
fn a_command_that_fails_keeps_its_status() {
    let folder = Folder::new();
    let output = folder.sending("stripped-by-proxy.jsonl", &[], "\"$@\"; exit 7");
    assert_eq!(output.status.code(), Some(7));
    assert!(text(&output.stdout).contains("dropped: stripped"), "the report is written all the same");
    let output = folder.sending("intact.jsonl", &[], "\"$@\"; exit 3");
    assert_eq!(output.status.code(), Some(3));
    let (status, _) = code(&mut folder.shell(&[], "kill -KILL $$"));
    assert_eq!(status, Some(137), "128 and the signal's number, as a shell has it");
}

#[test]
fn nothing_judged_is_no_pass() {
    let folder = Folder::new();
    let (status, errors) = code(&mut folder.shell(&[], "true"));
    assert_eq!(status, Some(2));
    assert!(errors.contains("error: no span came, so nothing was judged: is the service instrumented"), "{errors}");
    let (status, errors) = code(folder.shell(&[], "true").env("OTEL_SDK_DISABLED", "true"));
    assert_eq!(status, Some(2));
    assert!(errors.contains("OTEL_SDK_DISABLED=true is set"), "{errors}");
    let (status, errors) = code(folder.shell(&[], "true").env("OTEL_TRACES_EXPORTER", "console"));
    assert_eq!(status, Some(2));
    assert!(errors.contains("OTEL_TRACES_EXPORTER is set to something else"), "{errors}");
    let (status, errors) = code(&mut folder.command(&["--no-grpc", "--http", "127.0.0.1:0", "--for", "50ms"]));
    assert_eq!(status, Some(2), "without a command too");
    assert!(errors.contains("no span came"), "{errors}");
}

#[test]
fn a_command_that_cannot_be_run_is_bad_input() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("plain.txt"), "no program").unwrap();
    for (command, why) in [("no-such-program", "No such file"), ("./plain.txt", "Permission denied")] {
        let (status, errors) = code(&mut folder.command(&["--", command]));
        assert_eq!(status, Some(2), "{errors}");
        assert!(errors.contains(&format!("error: cannot run \"{command}\": {why}")), "{errors}");
    }
    let (status, errors) = code(&mut folder.command(&["traces.jsonl"]));
    assert_eq!(status, Some(2));
    assert!(errors.contains("cannot be used with"), "{errors}");
    let mut files = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    let (status, errors) = code(files.args(["check", "traces.jsonl", "--for", "3s"]));
    assert_eq!(status, Some(2));
    assert!(errors.contains("--live"), "{errors}");
}

#[test]
fn a_command_is_told_where_to_export_and_what_to_capture() {
    let folder = Folder::new();
    std::fs::write(folder.0.path().join("jwtrail.toml"), "[capture]\ncarriers = [\"x-session-jwt\"]\n").unwrap();
    let mut command = folder.shell(&[], "env");
    command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere.example:4318/v1/traces");
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").env("OTEL_SERVICE_NAME", "orders");
    let output = command.output().unwrap();
    let (shown, errors) = (text(&output.stdout), text(&output.stderr));
    let set: BTreeMap<&str, &str> = shown.lines().filter_map(|line| line.split_once('=')).collect();
    let endpoint = set["OTEL_EXPORTER_OTLP_ENDPOINT"].strip_prefix("http://").unwrap();
    assert!(errors.contains(&format!("{endpoint} HTTP")), "{errors}");
    assert!(!set.contains_key("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), "it would go before ours");
    assert_eq!(set["OTEL_EXPORTER_OTLP_PROTOCOL"], "grpc", "the user's choice, and this port speaks it");
    assert_eq!(set["OTEL_BSP_SCHEDULE_DELAY"], "500");
    assert_eq!(set["OTEL_SERVICE_NAME"], "orders");
    let captured = set.iter().filter(|(name, _)| name.contains("CAPTURE"));
    let captured: Vec<&str> = captured.map(|(_, headers)| *headers).collect();
    assert_eq!(captured, ["authorization,traceparent,user-agent,x-session-jwt"; 6]);
}

#[test]
fn sigterm_is_passed_on() {
    let folder = Folder::new();
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done";
    let mut child = folder.shell(&[], script).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(line(&mut shown), "ready");
    signal(&child, "-TERM");
    assert_eq!(wait(&mut child), Some(9));
}

#[test]
fn ctrl_c_is_the_commands_own_matter() {
    let folder = Folder::new();
    let script = "echo ready; read line; exit $line";
    let mut child = folder.shell(&[], script).stdin(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(line(&mut shown), "ready");
    // A terminal would send it to the command too; this one ignores it, and so it is waited for.
    signal(&child, "-INT");
    child.stdin.take().unwrap().write_all(b"5\n").unwrap();
    assert_eq!(wait(&mut child), Some(5), "standard input is the command's");
}

#[test]
fn a_ctrl_c_that_ends_the_command_does_not_end_the_wait_for_its_spans() {
    let folder = Folder::new();
    let script = "trap 'exit 6' INT; echo $OTEL_EXPORTER_OTLP_ENDPOINT; while :; do sleep 0.02; done";
    let mut command = folder.command(&["--settle", "10m", "--", "sh", "-c", script]);
    let mut child = command.process_group(0).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let endpoint = line(&mut shown);
    assert!(Command::new("kill").args(["-INT", "--", &format!("-{}", child.id())]).status().unwrap().success());
    let observed = Instant::now() + Duration::from_millis(300);
    while Instant::now() < observed {
        assert_eq!(child.try_wait().unwrap(), None, "spans may still come");
        std::thread::sleep(Duration::from_millis(20));
    }
    export(&endpoint, &run_file("stripped-by-proxy.jsonl"));
    assert_eq!(interrupted(&mut child), Some(6));
    let mut report = String::new();
    shown.read_to_string(&mut report).unwrap();
    assert!(report.contains("dropped: stripped"), "{report}");
}

#[test]
fn the_time_given_bounds_a_command() {
    let folder = Folder::new();
    let (status, errors) = code(&mut folder.shell(&["--for", "100ms"], "exec sleep 60"));
    assert_eq!(status, Some(143));
    assert!(errors.contains("still running when --for was over"), "{errors}");
    let script = "trap 'exit 0' TERM; while :; do sleep 0.02; done";
    let (status, errors) = code(&mut folder.shell(&["--for", "1500ms"], script));
    assert_eq!(status, Some(2), "what was cut short is no pass: {errors}");
}

#[test]
fn what_a_command_leaves_behind_is_not_waited_for() {
    let folder = Folder::new();
    let mut command = folder.shell(&[], "sleep 600 & echo $! >left; exit 4");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = wait(&mut child);
    let left = std::fs::read_to_string(folder.0.path().join("left")).unwrap();
    assert!(Command::new("kill").arg(left.trim()).status().unwrap().success(), "it still runs");
    assert_eq!(status, Some(4));
}

#[test]
fn spans_that_come_after_the_commands_end_are_judged_and_ctrl_c_ends_the_wait() {
    let folder = Folder::new();
    let script = "echo $OTEL_EXPORTER_OTLP_ENDPOINT";
    let mut child = folder.command(&["--settle", "10m", "--", "sh", "-c", script]).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    export(&line(&mut shown), &run_file("stripped-by-proxy.jsonl"));
    assert_eq!(interrupted(&mut child), Some(1));
    let mut report = String::new();
    shown.read_to_string(&mut report).unwrap();
    assert!(report.contains("dropped: stripped"), "{report}");
}
