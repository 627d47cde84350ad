//! One broken trace among two thousand: the screen shows it, and why, before a key is pressed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;

fn run(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs").join(name);
    fs::read_to_string(path).unwrap()
}

/// The trace ids of a recorded run, each once.
fn trace_ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> =
        text.split("\"traceId\":\"").skip(1).map(|rest| rest.chars().take(32).collect()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// The run again, so many times, each with traces of its own.
fn again(text: &str, times: usize) -> String {
    let ids = trace_ids(text);
    let mut out = String::new();
    for time in 0..times {
        let mut copy = text.to_owned();
        for (at, id) in ids.iter().enumerate() {
            copy = copy.replace(id, &format!("{:032x}", (time + 1) * 16 + at));
        }
        let _ = writeln!(out, "{}", copy.trim_end());
    }
    out
}

#[test]
fn one_fault_among_two_thousand_traces_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let healthy = again(&run("intact.jsonl"), 667);
    assert!(trace_ids(&healthy).len() >= 2_000);
    // One of the three traces of the run with a fault.
    let broken = run("drop-in-fanout.jsonl");
    let only = trace_ids(&broken).remove(1);
    let file = folder.path().join("traces.jsonl");
    fs::write(&file, healthy).unwrap();
    let second = folder.path().join("broken.jsonl");
    fs::write(&second, filtered(&broken, &only)).unwrap();

    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["replay".as_ref(), file.as_os_str(), second.as_os_str()]);
    command.env("XDG_STATE_HOME", folder.path());
    command.env("XDG_CONFIG_HOME", folder.path());
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::start(command, 80, 24);
    terminal.wait("the broken hop, why, and what to look at", |screen| {
        let text = screen.contents();
        text.contains("orders → shipping") && text.contains("not sent by orders") && text.contains("look at ")
    });
    assert!(terminal.text().contains(" 1 of "), "one hop of many:\n{}", terminal.text());
    terminal.press("\u{3}");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}

/// The spans of one trace alone.
fn filtered(text: &str, id: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        for resource in value["resourceSpans"].as_array_mut().unwrap() {
            for scope in resource["scopeSpans"].as_array_mut().unwrap() {
                scope["spans"].as_array_mut().unwrap().retain(|span| span["traceId"] == id);
            }
        }
        let _ = writeln!(out, "{value}");
    }
    out
}
