//! Copy, save, policy and pager in a real terminal, with the real program around the screen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;
use crate::trail::support::runs;

/// A replay in a folder of its own.
fn replay(folder: &Path, variables: &[(&str, &str)]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["replay", "--speed", "max"]);
    command.arg(runs("drop-in-fanout.jsonl"));
    command.env_clear();
    command.cwd(folder);
    command.env("XDG_STATE_HOME", folder);
    command.env("TERM", "xterm-256color");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in variables {
        command.env(name, value);
    }
    let mut terminal = Terminal::start(command, 120, 40);
    terminal.wait_for("verdict  ✗ dropped");
    terminal
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == extension))
        .collect();
    found.sort();
    found
}

fn leave(mut terminal: Terminal) -> Vec<u8> {
    terminal.press("\u{3}");
    let (status, written) = terminal.ended();
    assert!(status.success(), "{status}");
    written
}

#[test]
fn copies_reach_the_terminal_and_say_what_tmux_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = replay(folder.path(), &[("TMUX", "/tmp/tmux-0/default,1,0")]);
    terminal.press("y");
    terminal.wait_for("trace id   ");
    terminal.press("t");
    terminal.wait_for("copied the trace id (tmux needs set-clipboard on)");
    let written = leave(terminal);
    let has = |part: &[u8]| memchr::memmem::find(&written, part).is_some();
    assert!(has(b"\x1b]52;c;") && has(b"\x1bPtmux;\x1b\x1b]52;c;"));
}

#[test]
fn what_is_saved_is_there_and_judged_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = replay(folder.path(), &[]);
    for key in ["t", "t", "m", "p", "r"] {
        terminal.press("s");
        terminal.wait_for("Save to the working directory");
        terminal.press(key);
        terminal.wait_for("saved ");
        // The next toast is told from this one by the menu between them.
    }
    terminal.wait_for("saved the report on");
    leave(terminal);
    let (traces, texts) = (files(folder.path(), "jsonl"), files(folder.path(), "md"));
    assert_eq!((traces.len(), texts.len(), files(folder.path(), "svg").len()), (2, 2, 1), "nothing is overwritten");
    let name = traces[0].file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.starts_with("jwtrail-orders-shipping-"), "{name}");
    for path in traces.iter().chain(&texts) {
        assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(!fs::read_to_string(path).expect("text").contains("eyJ"));
    }
    let check =
        std::process::Command::new(env!("CARGO_BIN_EXE_jwtrail")).arg("check").arg(&traces[0]).output().expect("check");
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(said.contains("orders → shipping") && said.contains("dropped"), "{said}");
}

#[test]
fn the_policy_is_written_and_judged_by_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = replay(folder.path(), &[]);
    terminal.press("i");
    terminal.wait_for("reason: ");
    terminal.press("known since spring\r");
    terminal.wait_for("dropped from orders to shipping is ignored: jwtrail.toml:3 (new), judged anew");
    terminal.wait_for("ignored by the policy: known since spring");
    terminal.press("p");
    terminal.wait_for("optional: no token need go from orders to shipping");
    terminal.press("o");
    terminal.wait_for("no token need go from orders to shipping: jwtrail.toml:9, judged anew");
    terminal.wait("no problem on that edge", |screen| !screen.contents().contains("verdict  ✗ dropped"));
    leave(terminal);
    let text = fs::read_to_string(folder.path().join("jwtrail.toml")).expect("a policy");
    assert!(text.contains("reason = \"known since spring\"") && text.contains("token = \"optional\""), "{text}");
}

#[test]
fn a_pager_has_the_terminal_to_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let pager = folder.path().join("pager.sh");
    // Ctrl-C does not end it. It wipes the terminal at its end, so that the second one is not taken for the first.
    let script = r#"#!/bin/sh
trap 'printf not-yet' INT
cat "$1"
printf 'it is my turn: '
until read -r line < /dev/tty; do :; done
printf '%s' "$line" > got
printf '\033[2J'
"#;
    fs::write(&pager, script).expect("a script");
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).expect("a program");
    let mut terminal = replay(folder.path(), &[("PAGER", pager.to_str().expect("text"))]);
    for line in ["every key is mine", "and once more"] {
        terminal.press("E");
        terminal.wait_for("it is my turn: ");
        assert!(!terminal.screen().alternate_screen() && !terminal.is_raw() && terminal.text().contains("look at"));
        terminal.press("\u{3}");
        terminal.wait_for("not-yet");
        terminal.press(line);
        terminal.press("\r");
        terminal.wait("the screen again", |screen| {
            screen.alternate_screen() && screen.contents().contains("verdict  ✗ dropped")
        });
        assert_eq!(fs::read_to_string(folder.path().join("got")).expect("what it read"), line);
    }
    terminal.press("?");
    terminal.wait_for("─ Help ─");
    leave(terminal);
}

#[test]
fn a_pager_that_fails_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = replay(folder.path(), &[("PAGER", "false")]);
    terminal.press("E");
    terminal.wait_for("`false` ended with exit status: 1");
    leave(terminal);
    let mut terminal = replay(folder.path(), &[("PAGER", "no-such-pager")]);
    terminal.press("E");
    terminal.wait_for("`no-such-pager` was not found");
    leave(terminal);
}
