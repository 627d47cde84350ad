//! The screen in a terminal of its own: it starts, answers, sleeps, and gives the terminal back as it was.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use jwtrail::tui::{Depth, Feed, Mode, Switch, Switches, Theme, TuiOptions, run};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::Notify;

use super::store;

/// Longer than any machine should take: only a screen that never answers waits for it.
const PATIENCE: Duration = Duration::from_secs(30);
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

/// What runs inside the terminal: this test binary, started again by the tests below.
#[test]
#[ignore = "runs in a terminal that the other tests of this file make"]
fn inside() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    let (snapshots, receiver) = tokio::sync::watch::channel(store());
    let feed = Feed { snapshots: receiver, listening: vec!["127.0.0.1:4317 gRPC".to_owned()], mode: Mode::Demo };
    let theme = Theme { ascii: false, depth: Depth::Indexed };
    let options = TuiOptions { theme, mouse: true, log_path: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let lamp = Arc::new(Lamp::default());
    let result = runtime.block_on(async {
        let quit = async {
            match scene.as_str() {
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

fn some(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).expect("a size")
}

struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    modes: String,
}

impl Terminal {
    fn start(scene: &str, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let modes = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "tui::pty::inside", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(SCENE, scene);
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).expect("a child");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        Self {
            master: pair.master,
            child,
            keys,
            output,
            parser: vt100::Parser::new(some(rows), some(columns), 0),
            modes,
        }
    }

    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Reads on until the screen shows what it should.
    fn wait(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self.parser.screen()) {
            let left = end.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(why) => panic!("no {what}: {why}\n{}", self.text()),
            }
        }
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("keys are taken");
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(some(rows), some(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a resize");
    }

    /// The program ended, and the terminal is as it was before.
    fn ended(mut self) {
        self.wait_for("test result");
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(format!("{:?}", self.master.get_termios()), self.modes, "the line discipline is another one");
        self.child.wait().expect("an end");
    }
}

#[test]
fn a_session_from_start_to_quit() {
    let mut terminal = Terminal::start("stay", 120, 40);
    terminal.wait_for("≠ changed · another subject's token");
    terminal.wait_for("pricing│");
    assert!(terminal.parser.screen().alternate_screen() && terminal.parser.screen().hide_cursor());
    terminal.press("j");
    terminal.wait_for("look at  the HTTP call in orders");
    terminal.press("1");
    terminal.wait_for("lamp is on");
    terminal.resize(60, 16);
    terminal.wait("a narrow screen", |screen| {
        let text = screen.contents();
        text.contains("lines more")
            && text.contains("▌✗ orders → shipping")
            && text.lines().all(|line| line.chars().count() <= 60)
    });
    terminal.resize(120, 40);
    terminal.wait_for("┳━✗━▸│shipping│");
    terminal.press("m");
    terminal.wait("the mouse given back", |screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    terminal.press("?");
    terminal.wait_for("─ Help ─");
    terminal.press("\u{3}");
    terminal.ended();
}

#[test]
fn an_idle_screen_writes_nothing() {
    let mut terminal = Terminal::start("stay", 100, 30);
    terminal.wait_for("pricing│");
    terminal.wait_for("quit");
    // Whatever belongs to the last picture comes at once; then two seconds of silence.
    while terminal.output.recv_timeout(Duration::from_millis(500)).is_ok() {}
    assert_eq!(terminal.output.recv_timeout(Duration::from_secs(2)), Err(RecvTimeoutError::Timeout));
    terminal.press("q");
    terminal.ended();
}

#[test]
fn the_program_can_end_the_screen() {
    let mut terminal = Terminal::start("quit", 80, 24);
    terminal.wait_for("ended well: true");
    terminal.ended();
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    for scene in ["panic", "panic elsewhere"] {
        let mut terminal = Terminal::start(scene, 80, 24);
        terminal.wait_for("lamp is off");
        terminal.press("1");
        terminal.wait_for("as the test wants it");
        assert!(!terminal.parser.screen().alternate_screen(), "{}", terminal.text());
        if scene == "panic elsewhere" {
            terminal.wait_for("ended well: false");
        }
        terminal.ended();
    }
}
