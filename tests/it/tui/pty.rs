//! The screen in a terminal of its own: it starts, answers, sleeps, and gives the terminal back as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use jwtrail::tui::{Depth, Feed, Mode, Switch, Switches, Theme, TuiOptions, run};
use portable_pty::CommandBuilder;
use tokio::sync::Notify;

use super::store;
use crate::terminal::Terminal;

const SCENE: &str = "JWTRAIL_TEST_SCENE";

#[derive(Default)]
struct Lamp {
    on: AtomicBool,
    turned: Notify,
}

impl Switches for Lamp {
    fn list(&self) -> Vec<Switch> {
        let on = self.on.load(Ordering::SeqCst);
        vec![Switch { key: '1', name: if on { "lamp is on" } else { "lamp is off" }.to_owned(), on }]
    }

    fn toggle(&self, key: char) {
        if key == '1' {
            self.on.fetch_xor(true, Ordering::SeqCst);
            self.turned.notify_one();
        }
    }
}

/// What runs inside the terminal: this test binary, started again for the one test that plays a scene if it is told one.
#[expect(clippy::print_stdout, reason = "the test outside reads it in its terminal")]
fn play(scene: &str) {
    let (snapshots, receiver) = tokio::sync::watch::channel(store());
    let feed = Feed::new(receiver, vec!["127.0.0.1:4317 gRPC".to_owned()], Mode::Demo);
    let theme = Theme { ascii: false, depth: Depth::Indexed, ..Theme::default() };
    let options = TuiOptions { theme, mouse: true, ..TuiOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let lamp = Arc::new(Lamp::default());
    let result = runtime.block_on(async {
        let quit = async {
            match scene {
                "quit" => {}
                "panic" => {
                    lamp.turned.notified().await;
                    panic!("as the test wants it");
                }
                "panic elsewhere" => {
                    lamp.turned.notified().await;
                    let thread = std::thread::spawn(|| panic!("as the test wants it"));
                    assert!(thread.join().is_err());
                    std::future::pending::<()>().await;
                }
                _ => std::future::pending().await,
            }
        };
        run(feed, options, Some(lamp.clone()), quit).await
    });
    drop(snapshots);
    println!("ended well: {}", result.is_ok());
}

/// A terminal in which a scene is played.
fn start(scene: &str, columns: u16, rows: u16) -> Terminal {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this binary"));
    let test = "tui::pty::the_program_can_end_the_screen";
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(SCENE, scene);
    command.env("RUST_BACKTRACE", "0");
    Terminal::start(command, columns, rows)
}

/// The scene is over, and the terminal is as it was before.
fn over(mut terminal: Terminal) {
    terminal.wait_for("test result");
    terminal.ended();
}

#[test]
fn a_session_from_start_to_quit() {
    let mut terminal = start("stay", 120, 40);
    terminal.wait_for("≠ changed · another subject's token");
    terminal.wait_for("▸│pricing│");
    assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    terminal.press("j");
    terminal.wait_for("look at  the HTTP call in orders");
    terminal.press("x");
    terminal.wait_for("off lamp is off");
    terminal.press("1\u{1b}");
    terminal.wait_for("lamp is on");
    terminal.resize(60, 16);
    terminal.wait("a narrow screen", |screen| {
        let text = screen.contents();
        text.contains("lines more")
            && text.contains("▌✗ orders → shipping")
            && text.lines().all(|line| line.chars().count() <= 60)
    });
    terminal.resize(120, 40);
    terminal.wait_for("┯━✗━▸│shipping│");
    terminal.press("m");
    terminal.wait("the mouse given back", |screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    terminal.press("?");
    terminal.wait_for("─ Help ─");
    terminal.press("\u{3}");
    over(terminal);
}

#[test]
fn an_idle_screen_writes_nothing() {
    let mut terminal = start("stay", 100, 30);
    terminal.wait_for("━▸ pricing  changed");
    terminal.wait_for("quit");
    // Whatever belongs to the last picture comes at once; then two seconds of silence.
    while terminal.output(Duration::from_millis(500)).is_ok() {}
    assert_eq!(terminal.output(Duration::from_secs(2)), Err(RecvTimeoutError::Timeout));
    // Nor does any other page, the help, or a line that waits to be typed into.
    for keys in ["2", "3", "4", "5", "1\t", "?", "?/", "\u{1b}"] {
        let before = terminal.screen().clone();
        terminal.press(keys);
        terminal.wait("another picture", |screen| screen.state_diff(&before).len() > 1);
        while terminal.output(Duration::from_millis(150)).is_ok() {}
        assert_eq!(terminal.output(Duration::from_millis(350)), Err(RecvTimeoutError::Timeout), "after {keys}");
    }
    terminal.press("\u{3}");
    over(terminal);
}

#[test]
fn a_replay_at_its_end_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/two-calls-one-drops.jsonl");
    command.args(["replay", file]);
    command.env("XDG_STATE_HOME", folder.path());
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::start(command, 120, 40);
    terminal.wait_for("6 hops");
    // Figures of the last seconds fade first.
    terminal.wait_for("  0 spans/s");
    while terminal.output(Duration::from_millis(1_200)).is_ok() {}
    assert_eq!(terminal.output(Duration::from_secs(2)), Err(RecvTimeoutError::Timeout), "{}", terminal.text());
    terminal.press("\u{3}");
    terminal.ended();
}

#[test]
fn the_program_can_end_the_screen() {
    if let Ok(scene) = std::env::var(SCENE) {
        return play(&scene);
    }
    let mut terminal = start("quit", 80, 24);
    terminal.wait_for("ended well: true");
    over(terminal);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    for scene in ["panic", "panic elsewhere"] {
        let mut terminal = start(scene, 80, 24);
        terminal.wait_for("lamp is off");
        terminal.press("x1");
        terminal.wait_for("as the test wants it");
        assert!(!terminal.screen().alternate_screen(), "{}", terminal.text());
        if scene == "panic elsewhere" {
            terminal.wait_for("ended well: false");
        }
        over(terminal);
    }
}
