//! A terminal of its own for a program: keys go in, pictures come out, and its modes are known before and after.
#![allow(clippy::expect_used, reason = "what a test needs and does not find is its failure")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};

/// Longer than any machine should take: only a screen that never answers waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Held, so that the terminal and its modes outlive the program.
    _slave: Box<dyn SlavePty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    written: Vec<u8>,
    parser: vt100::Parser,
    modes: String,
}

impl Terminal {
    /// Runs a program in a terminal of this size. The terminal answers no question that a program may ask it.
    pub(crate) fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let modes = format!("{:?}", pair.master.get_termios());
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
        let parser = vt100::Parser::new(some(rows), some(columns), 0);
        Self { master: pair.master, _slave: pair.slave, child, keys, output, written: Vec::new(), parser, modes }
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub(crate) fn text(&self) -> String {
        self.screen().contents()
    }

    /// Every byte that the program wrote so far.
    pub(crate) fn written(&self) -> &[u8] {
        &self.written
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().expect("a process id")
    }

    /// Whether the program is in raw mode: neither lines nor echo are the terminal's.
    pub(crate) fn is_raw(&self) -> bool {
        format!("{:?}", self.master.get_termios()) != self.modes
    }

    /// What comes within this time, if anything.
    pub(crate) fn output(&mut self, time: Duration) -> Result<(), RecvTimeoutError> {
        let bytes = self.output.recv_timeout(time)?;
        self.parser.process(&bytes);
        self.written.extend_from_slice(&bytes);
        Ok(())
    }

    /// Reads on until the screen shows what it should.
    pub(crate) fn wait(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self.screen()) {
            if let Err(why) = self.output(end.saturating_duration_since(Instant::now())) {
                panic!("no {what}: {why}\n{}", self.text());
            }
        }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("keys are taken");
    }

    /// Another program writes on this terminal: the program inside knows nothing of it.
    pub(crate) fn scribble(&mut self, text: &str) {
        self.parser.process(text.as_bytes());
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(some(rows), some(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a resize");
    }

    /// Waits until the program has ended, and holds that the terminal is as it was before it. Gives every byte that the
    /// program wrote too.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<u8>) {
        // First what has a bound: a program that goes on is no reason to wait for ever.
        self.wait("screen given back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
        let status = self.child.wait().expect("an end");
        assert_eq!(self.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert_eq!(format!("{:?}", self.master.get_termios()), self.modes, "the line discipline is another one");
        (status, std::mem::take(&mut self.written))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves no program behind.
        let _ = self.child.kill();
    }
}

fn some(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).expect("a size")
}
