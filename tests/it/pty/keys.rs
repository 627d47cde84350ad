//! A test for each key in the help: pressed in a terminal, where the help says that it does something.

mod mouse;
mod table;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jwtrail::tui::keymap::{BINDINGS, Keymap};
use jwtrail::tui::message::Action;
use portable_pty::CommandBuilder;

use crate::terminal::Terminal;
use table::{LIVE, REPLAY, Row, Step, Then, WIDE};

/// What a terminal sends for a key, by the name that the help gives it.
fn sent(key: &str) -> String {
    let named = match key {
        "Up" => "\u{1b}[A",
        "Down" => "\u{1b}[B",
        "Right" => "\u{1b}[C",
        "Left" => "\u{1b}[D",
        "Home" => "\u{1b}[H",
        "End" => "\u{1b}[F",
        "PgUp" => "\u{1b}[5~",
        "PgDn" => "\u{1b}[6~",
        "Tab" => "\t",
        "Shift-Tab" => "\u{1b}[Z",
        "Shift-Up" => "\u{1b}[1;2A",
        "Shift-Down" => "\u{1b}[1;2B",
        "Shift-Right" => "\u{1b}[1;2C",
        "Shift-Left" => "\u{1b}[1;2D",
        "Enter" => "\r",
        "Esc" => "\u{1b}",
        "F1" => "\u{1b}OP",
        "Space" => " ",
        _ => "",
    };
    if !named.is_empty() {
        return named.to_owned();
    }
    let mut characters = key.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some('^'), Some(letter), None) => char::from(letter as u8 & 0x1f).to_string(),
        (Some(letter), None, None) => letter.to_string(),
        _ => panic!("what does a terminal send for {key}?"),
    }
}

fn program(folder: &Path, args: &[&str]) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args);
    command.env_clear();
    command.cwd(folder);
    command.env("XDG_STATE_HOME", folder);
    command.env("XDG_CONFIG_HOME", folder);
    command.env("TERM", "xterm-256color");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("PAGER", folder.join("pager.sh"));
    Terminal::start(command, 120, 40)
}

/// Several recorded runs as one: five problems, fifteen traces, a twin for those that dropped a token.
fn replay(folder: &Path) -> Terminal {
    let pager = folder.join("pager.sh");
    fs::write(&pager, "#!/bin/sh\nprintf 'it is my turn: '\nread -r line < /dev/tty\n").unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs");
    let names = ["drop-in-fanout", "wrong-key", "intact", "bearer-undefined", "stripped-by-proxy"];
    let files: Vec<String> =
        names.iter().map(|name| runs.join(name).with_extension("jsonl").display().to_string()).collect();
    let mut args = vec!["replay"];
    args.extend(files.iter().map(String::as_str));
    let mut terminal = program(folder, &args);
    terminal.wait("all of it", |screen| {
        let text = screen.contents();
        ["at the end", "●─▸│ gateway", "│▌≠ gateway → lab/orders", "┌ gateway → lab/orders"]
            .iter()
            .all(|part| text.contains(part))
    });
    terminal
}

/// A graph that is wider and higher than its pane.
fn wide(folder: &Path) -> Terminal {
    // Rows of calls side by side, behind one service: no part of the drawing is empty.
    let call = |from: String, to: String| format!(r#"{{"parent":"{from}","child":"{to}","callCount":7}}"#);
    let name = |row: usize, at: usize| if at == 0 { "step-00".to_owned() } else { format!("step-{row:02}-{at:02}") };
    let calls = (0..12).flat_map(|row| (0..8).map(move |at| (row, at)));
    let calls: Vec<String> = calls.map(|(row, at)| call(name(row, at), name(row, at + 1))).collect();
    let list = folder.join("calls.json");
    fs::write(&list, format!("[{}]", calls.join(","))).unwrap();
    let mut terminal = program(folder, &["replay", list.to_str().unwrap()]);
    terminal.wait_for("step-00");
    terminal.press("0");
    settle(&mut terminal);
    terminal.wait("all of it laid out", |screen| {
        let text = screen.contents();
        text.contains("step-") && !text.contains("0 shows all") && !text.contains("laying out")
    });
    terminal
}

fn marked(screen: &vt100::Screen) -> String {
    screen.contents().lines().filter(|line| line.contains("│▌")).collect::<Vec<_>>().join("\n")
}

fn last_line(screen: &vt100::Screen) -> String {
    screen.contents().lines().nth(39).unwrap_or_default().trim().to_owned()
}

/// The replayed time, as the bar shows it.
fn time(screen: &vt100::Screen) -> String {
    let text = screen.contents();
    let bar = text.lines().nth(38).and_then(|line| line.split(" / ").next()).unwrap_or_default();
    bar.split_whitespace().last().unwrap_or_default().to_owned()
}

/// The rows that the graph may stand on.
fn upper(screen: &vt100::Screen) -> Vec<String> {
    screen.contents().lines().skip(1).take(20).map(str::to_owned).collect()
}

/// Whether a screen is as a row wants it, before the key and after.
fn holds(then: Then, before: &vt100::Screen, now: &vt100::Screen) -> bool {
    let text = now.contents();
    match then {
        Then::Shows(part) => text.contains(part),
        Then::Hides(part) => !text.contains(part) && now.alternate_screen(),
        Then::Marks(part) => marked(now).contains(part),
        Then::Asks(sign) => last_line(now).starts_with(sign),
        Then::Seeks => !time(now).is_empty() && time(now) != time(before),
        Then::Pans => upper(now) != upper(before),
        Then::GivesMouse => now.mouse_protocol_mode() == vt100::MouseProtocolMode::None,
        Then::Cleans => !text.contains("SCRIBBLE"),
        Then::Stops | Then::Ends => false,
    }
}

/// Every key before this was heard and its picture drawn: the mouse was given back and taken again since.
fn settle(terminal: &mut Terminal) {
    let free = |screen: &vt100::Screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
    terminal.press("m");
    terminal.wait("the mouse given back", free);
    terminal.press("m");
    terminal.wait("the mouse taken again", |screen| !free(screen));
}

fn walk(terminal: &mut Terminal, steps: &[Step]) {
    for (keys, shows) in steps {
        terminal.press(keys);
        if !shows.is_empty() {
            terminal.wait(&format!("`{shows}` after {keys:?}"), |screen| {
                screen.alternate_screen() && screen.contents().contains(shows)
            });
        }
    }
}

/// The process stands still, the terminal is the shell's; then it goes on, and draws all of it.
fn stop_and_go_on(terminal: &mut Terminal, bytes: &str) {
    terminal.press(bytes);
    let process = terminal.process();
    let stopped = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    };
    let end = Instant::now() + Duration::from_secs(30);
    while !stopped() {
        assert!(Instant::now() < end, "it goes on");
        let _ = terminal.output(Duration::from_millis(10));
    }
    terminal.wait("the terminal given back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    assert!(!terminal.is_raw());
    assert!(Command::new("kill").args(["-s", "CONT", &process.to_string()]).status().unwrap().success());
    terminal.wait("the screen again", |screen| screen.alternate_screen() && screen.contents().contains("Call graph"));
    assert!(terminal.is_raw());
}

/// Presses each key of each row, each after the steps that lead there. The last row ends the program: all that it wrote.
fn press_all(mut terminal: Terminal, rows: &[Row], home: &[Step]) -> Vec<u8> {
    let keymap = Keymap::default();
    for row in rows {
        for key in keymap.keys(row.action) {
            walk(&mut terminal, home);
            walk(&mut terminal, row.go);
            settle(&mut terminal);
            if let Then::Cleans = row.then {
                terminal.scribble("\u{1b}[5;5HSCRIBBLE");
            }
            let what = format!("effect of {key} ({})", row.action.name());
            let before = terminal.screen().clone();
            let bytes = sent(&key);
            match row.then {
                Then::Ends => {
                    terminal.press(&bytes);
                    let (status, written) = terminal.ended();
                    assert!(status.success(), "{key}: {status}");
                    return written;
                }
                Then::Stops => stop_and_go_on(&mut terminal, &bytes),
                then => {
                    assert!(!holds(then, &before, &before), "{what}: it was there before\n{}", terminal.text());
                    terminal.press(&bytes);
                    terminal.wait(&what, |screen| holds(then, &before, screen));
                }
            }
            walk(&mut terminal, row.undo);
        }
    }
    panic!("the last row ends the program");
}

#[test]
fn each_key_of_the_help_has_a_row() {
    let keymap = Keymap::default();
    let mut rows = REPLAY.iter().chain(WIDE).chain(LIVE);
    let missing: Vec<&str> = BINDINGS
        .iter()
        .map(|binding| binding.action)
        .filter(|action| !rows.clone().any(|row| row.action == *action))
        .map(Action::name)
        .collect();
    assert!(missing.is_empty(), "no test presses {missing:?}");
    assert!(rows.all(|row| !keymap.keys(row.action).is_empty()));
    for key in BINDINGS.iter().flat_map(|binding| keymap.keys(binding.action)) {
        assert!(!sent(&key).is_empty());
    }
}

#[test]
fn each_key_does_over_a_replay_what_the_help_says() {
    let folder = tempfile::tempdir().unwrap();
    let terminal = replay(folder.path());
    let written = press_all(
        terminal,
        REPLAY,
        &[("1w0", "│▌≠ gateway → lab/orders"), ("", "●─▸│ gateway"), ("", "┌ gateway → lab/orders")],
    );
    assert!(memchr::memmem::find(&written, b"\x1b]52;c;").is_some(), "y reaches the clipboard by OSC 52");
    let saved = fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
    assert!(saved.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|ext| ext == "svg")), "s, p");
}

#[test]
fn each_key_moves_a_graph_that_is_larger_than_its_pane() {
    let folder = tempfile::tempdir().unwrap();
    let terminal = wide(folder.path());
    let quit = Row { action: Action::Quit, go: &[], then: Then::Ends, undo: &[] };
    let rows: Vec<Row> = WIDE.iter().map(|row| Row { ..*row }).chain([quit]).collect();
    press_all(terminal, &rows, &[("0", "step-")]);
}

#[test]
fn each_key_of_a_first_start_and_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = program(folder.path(), &["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    terminal.wait_for("Let it capture the header");
    press_all(terminal, LIVE, &[]);
}
