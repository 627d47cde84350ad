//! The real program in a terminal: what a new user sees, and what is left of it afterwards.

mod haystack;
mod keys;

use std::process::Command;

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;

/// The hop that the demo drops its token on.
const BROKEN: &str = "orders → shipping";

fn demo(args: &[&str], variables: &[(&str, &str)]) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.arg("demo");
    command.args(args);
    command.env_clear();
    command.cwd(folder.path());
    command.env("XDG_STATE_HOME", folder.path());
    command.env("TERM", "xterm-256color");
    for (name, value) in variables {
        command.env(name, value);
    }
    (Terminal::start(command, 120, 40), folder)
}

/// The problem that is selected: the first line of its row.
fn selected(screen: &vt100::Screen) -> Option<String> {
    let text = screen.contents();
    let row = text.lines().find(|line| line.contains('▌'))?;
    row.split('▌').nth(1).map(|name| name.chars().take(34).collect())
}

/// Moves down the problems to the one of this edge.
fn select(terminal: &mut Terminal, edge: &str) {
    terminal.press("g");
    loop {
        let before = selected(terminal.screen());
        if before.as_deref().is_some_and(|row| row.contains(edge)) {
            return;
        }
        terminal.press("j");
        terminal.wait("another row", |screen| selected(screen) != before);
    }
}

#[test]
fn a_new_user_finds_the_broken_hop_and_gets_the_terminal_back() {
    let (mut terminal, _folder) = demo(&[], &[]);
    terminal.wait("call graph with its problems", |screen| {
        let text = screen.contents();
        let edges = [BROKEN, "orders → stock", "orders → tracking", "cart → stock", "gateway → tracking"];
        edges.iter().all(|edge| text.contains(edge)) && text.contains("─▸ shipping") && text.contains("─▸ orders")
    });
    assert!(terminal.is_raw() && terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    assert_ne!(terminal.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);

    select(&mut terminal, BROKEN);
    let told = |screen: &vt100::Screen| {
        let text = screen.contents();
        text.contains("verdict  ✗ dropped · not sent by orders") && text.contains("look at  ")
    };
    terminal.wait("evidence and hint of the dropped token", told);

    terminal.resize(60, 16);
    terminal.wait("narrow screen with the same problem selected", |screen| {
        let text = screen.contents();
        selected(screen).is_some_and(|row| row.contains(BROKEN))
            && text.contains("look at  ")
            && text.contains("q quit")
            && text.lines().all(|line| line.chars().count() <= 60)
    });
    terminal.resize(120, 40);
    terminal.wait("wide screen with the same problem selected", |screen| {
        told(screen)
            && screen.contents().contains("┌ Call graph ─")
            && selected(screen).is_some_and(|row| row.contains(BROKEN))
    });

    terminal.press("q");
    let (status, written) = terminal.ended();
    assert!(status.success(), "{status}");
    let position = b"\x1b[6n".as_slice();
    assert!(!written.windows(4).any(|four| four == position), "a terminal that never answers would hold it up");
    // A terminal keeps what was set before another was set in its place: each mode is left by its own name.
    for mode in ["?1049", "?1000", "?1002", "?1003", "?1006", "?2004", "?2026"] {
        let last = |end: &str| {
            let sequence = format!("\u{1b}[{mode}{end}");
            memchr::memmem::rfind(&written, sequence.as_bytes())
        };
        assert!(last("h").is_some() && last("l") > last("h"), "mode {mode} is left on");
    }
}

#[test]
fn a_termination_from_outside_gives_the_terminal_back() {
    for signal in ["TERM", "INT", "HUP"] {
        let (mut terminal, _folder) = demo(&["--no-mouse"], &[]);
        terminal.wait_for("─▸ gateway");
        assert!(terminal.is_raw());
        assert_eq!(terminal.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None, "--no-mouse");
        let sent = Command::new("kill").args(["-s", signal, &terminal.process().to_string()]).status().unwrap();
        assert!(sent.success());
        let (status, _) = terminal.ended();
        assert!(status.success(), "SIG{signal}: {status}");
    }
}

#[test]
fn ascii_and_no_color_mean_what_they_say() {
    let (mut terminal, _folder) = demo(&["--ascii"], &[("NO_COLOR", "1"), ("LANG", "C.UTF-8")]);
    terminal.wait_for("orders -> shipping");
    terminal.wait_for("look at  ");
    assert!(terminal.text().is_ascii(), "{}", terminal.text());
    let screen = terminal.screen();
    for (row, column) in (0..40).flat_map(|row| (0..120).map(move |column| (row, column))) {
        let cell = screen.cell(row, column).unwrap();
        let colours = (cell.fgcolor(), cell.bgcolor());
        assert_eq!(colours, (vt100::Color::Default, vt100::Color::Default), "row {row}, column {column}");
    }
    terminal.press("\u{3}");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}

/// A replay in a home of its own.
fn replay(home: &std::path::Path) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/runs/stripped-by-proxy.jsonl");
    command.args(["replay", traces]);
    command.env_clear();
    command.cwd(home);
    command.env("XDG_STATE_HOME", home.join("state"));
    command.env("XDG_CONFIG_HOME", home.join("config"));
    command.env("TERM", "xterm-256color");
    Terminal::start(command, 120, 40)
}

#[test]
fn what_was_typed_is_there_the_next_time_and_keys_are_the_users_own() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config/jwtrail/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let text = "[options]\nno-mouse = true\n[keys]\nhelp = \"ctrl-x\"\nquit = [\"ctrl-c\", \"Q\"]\n\
                [[view]]\nname = \"drops\"\nkey = \"F2\"\npage = \"problems\"\nfilter = \"verdict:dropped\"\n";
    std::fs::write(&config, text).unwrap();
    let mut terminal = replay(home.path());
    terminal.wait_for("gateway → orders");
    assert_eq!(terminal.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None, "no-mouse of the file");
    terminal.press("/serv\t");
    terminal.wait_for("/service:");
    terminal.press("\u{1b}[200~ord\n\u{1b}[201~\t");
    terminal.wait_for("/service:orders");
    terminal.press("\r");
    terminal.wait("the line gone", |screen| !screen.contents().contains("/service:orders"));
    terminal.press("\u{18}");
    terminal.wait_for("─ Help ─");
    terminal.wait_for("^x closes");
    terminal.resize(120, 110);
    terminal.wait_for("^c, Q");
    terminal.wait_for("drops  problems verdict:dropped");
    terminal.press("\u{18}:save-view mine\r");
    terminal.wait_for("saved the view `mine`");
    terminal.press("Q");
    assert!(terminal.ended().0.success());
    assert!(std::fs::read_to_string(&config).unwrap().contains("name = \"mine\""), "the view is kept");
    let history = home.path().join("state/jwtrail/history");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&history).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let mut terminal = replay(home.path());
    terminal.wait_for("gateway → orders");
    terminal.press("/\u{1b}[A");
    terminal.wait_for("/service:orders");
    terminal.press("\u{3}");
    terminal.wait("the line gone", |screen| !screen.contents().contains("/service:orders"));
    terminal.press(":\u{1b}[A");
    terminal.wait_for(":save-view mine");
    terminal.press("\u{3}Q");
    assert!(terminal.ended().0.success());
}

#[test]
fn the_log_shows_over_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = replay(home.path());
    terminal.wait_for("gateway → orders");
    let log = home.path().join("state/jwtrail/jwtrail.log");
    terminal.press(":log\r");
    terminal.wait_for("Log  ");
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    std::io::Write::write_all(&mut file, b"2026-11-27T19:00:00Z  WARN jwtrail: what just happened\n").unwrap();
    terminal.wait_for("19:00:00 WARN jwtrail: what just happened");
    terminal.press("L");
    terminal.wait("the log gone", |screen| !screen.contents().contains("what just happened"));
    terminal.press("\u{3}");
    assert!(terminal.ended().0.success());
}
