//! The real program replays in a terminal, driven by every key of a replay.

use std::path::Path;

use portable_pty::CommandBuilder;

use crate::terminal::Terminal;

fn replay(args: &[&str]) -> (Terminal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.arg("replay");
    command.args(args);
    command.env_clear();
    command.cwd(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
    command.env("XDG_STATE_HOME", folder.path());
    command.env("TERM", "xterm-256color");
    (Terminal::start(command, 120, 40), folder)
}

fn bar(screen: &vt100::Screen) -> String {
    screen.contents().lines().nth(38).unwrap_or_default().to_owned()
}

/// The replayed time, as the bar shows it.
fn time(screen: &vt100::Screen) -> Option<String> {
    let bar = bar(screen);
    Some(bar.split(" / ").next()?.split_whitespace().last()?.to_owned())
}

#[test]
fn each_key_of_a_replay_works_in_a_terminal() {
    let (mut terminal, _folder) = replay(&["runs/drop-in-fanout.jsonl"]);
    terminal.wait("everything, at the end", |screen| {
        bar(screen).contains("at the end")
            && bar(screen).contains('✗')
            && screen.contents().contains("orders → shipping")
    });
    let end = time(terminal.screen());
    let go = |terminal: &mut Terminal, key: &str, what: &str| {
        let before = time(terminal.screen());
        terminal.press(key);
        terminal.wait(what, |screen| time(screen) != before);
    };
    go(&mut terminal, "{", "the problem before");
    assert!(bar(terminal.screen()).contains("paused"), "{}", bar(terminal.screen()));
    let problem = time(terminal.screen());
    go(&mut terminal, ",", "the hop before");
    go(&mut terminal, ".", "the next hop");
    terminal.press("}");
    terminal.wait("the next problem", |screen| time(screen) == problem);
    terminal.press("[");
    terminal.wait("the start, where nothing has come", |screen| {
        time(screen).as_deref() == Some("00:00.000") && screen.contents().contains("No hop yet at this moment")
    });
    terminal.press("]");
    terminal.wait("the end again", |screen| time(screen) == end && bar(screen).contains("at the end"));
    terminal.press("<");
    terminal.wait_for("×1000");
    terminal.press(">");
    terminal.wait("as fast as possible", |screen| bar(screen).contains("  max  "));
    terminal.press("R");
    terminal.wait_for("↻ loops");
    terminal.press("<<<<<<<<<<");
    terminal.wait_for("×0.1");
    terminal.press(" ");
    terminal.wait("it plays", |screen| bar(screen).contains("playing") && time(screen) != end);
    terminal.wait("it is over", |screen| bar(screen).contains("at the end"));
    terminal.wait("it begins again", |screen| bar(screen).contains("playing"));
    terminal.press(" ");
    terminal.wait("it stands", |screen| bar(screen).contains("paused") || bar(screen).contains("at the end"));
    // A click on the first column of the hops over time, as terminals say it (SGR).
    let first = bar(terminal.screen()).chars().position(|sign| "▁┃✗".contains(sign)).unwrap();
    terminal.press(&format!("\u{1b}[<0;{};39M\u{1b}[<0;{};39m", first + 1, first + 1));
    terminal.wait("the start", |screen| time(screen).as_deref() == Some("00:00.000"));
    terminal.press("q");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}

#[test]
fn a_dependency_list_shows_its_calls_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("calls.json");
    let items: Vec<String> = (0..4_000)
        .map(|n| format!(r#"{{"parent":"s{}","child":"s{}","callCount":{}}}"#, n % 97, n % 1_201, n + 1))
        .collect();
    std::fs::write(&list, format!("[{}]", items.join(","))).unwrap();
    let (mut terminal, _folder) = replay(&[list.to_str().unwrap()]);
    terminal.wait_for("a dependency list: who calls whom how often");
    terminal.wait_for(" more, 0 shows all");
    terminal.press("e");
    terminal.wait("the list of calls", |screen| {
        screen.contents().lines().any(|line| line.contains("s22 → s396") && line.contains("? unknown"))
    });
    terminal.press("q");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}

#[test]
fn a_recording_from_standard_input_of_a_shell_plays() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", &format!("cat runs/intact.jsonl | {} replay -", env!("CARGO_BIN_EXE_jwtrail"))]);
    command.env("XDG_STATE_HOME", folder.path());
    command.env("TERM", "xterm-256color");
    command.cwd(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
    let mut terminal = Terminal::start(command, 80, 24);
    terminal.wait_for("at the end");
    terminal.press("q");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
}
