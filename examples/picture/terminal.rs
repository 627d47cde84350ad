//! A terminal of its own for the program: keys go in, pictures come out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Columns and rows of every picture.
const SIZE: (u16, u16) = (120, 40);
/// What has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// A picture is whole when nothing more was written for so long.
const STILL: Duration = Duration::from_millis(150);
/// A screen that always moves is taken as it is after so long.
const MOVING: Duration = Duration::from_secs(2);

/// The program in its terminal.
pub struct Terminal {
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts it.
    pub fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let (cols, rows) = SIZE;
        let pair = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(std::env::current_dir()?);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        // What the user has set up for himself stays out of the pictures.
        command.env("XDG_CONFIG_HOME", std::env::temp_dir().join("jwtrail-pictures"));
        command.env("XDG_STATE_HOME", std::env::temp_dir().join("jwtrail-pictures"));
        let child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let size = |size| NonZeroU16::new(size).context("a terminal has columns and rows");
        let parser = vt100::Parser::new(size(rows)?, size(cols)?, 0);
        Ok(Self { keys: pair.master.take_writer()?, child, output, parser, _master: pair.master })
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) -> anyhow::Result<()> {
        for key in keys.chars() {
            self.keys.write_all(key.to_string().as_bytes())?;
            self.keys.flush()?;
            // Each key meets the screen that the one before has made.
            self.still();
        }
        Ok(())
    }

    /// Presses a key until the screen is as it should be.
    pub fn press_until(&mut self, key: &str, holds: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        for _ in 0..100 {
            if holds(&self.parser.screen().contents()) {
                return Ok(());
            }
            self.press(key)?;
        }
        bail!("pressed `{key}` in vain:\n{}", self.parser.screen().contents())
    }

    /// Waits until the screen shows this text.
    pub fn wait_for(&mut self, text: &str) -> anyhow::Result<()> {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.parser.screen().contents()) {
            self.read(end.saturating_duration_since(Instant::now()))
                .map_err(|error| anyhow!("no {what}: {error}\n{}", self.parser.screen().contents()))?;
        }
        Ok(())
    }

    fn read(&mut self, time: Duration) -> Result<(), RecvTimeoutError> {
        let bytes = self.output.recv_timeout(time)?;
        self.parser.process(&bytes);
        Ok(())
    }

    /// The screen once nothing more is written.
    pub fn still(&mut self) -> Buffer {
        let end = Instant::now() + MOVING;
        while Instant::now() < end && self.read(STILL).is_ok() {}
        buffer(self.parser.screen())
    }

    /// The screen as it is; then the program is told to end.
    pub fn quit(mut self) -> anyhow::Result<Buffer> {
        let last = self.still();
        self.keys.write_all(b"\x03")?;
        self.keys.flush()?;
        self.child.wait()?;
        Ok(last)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // What failed leaves no program behind.
        let _ = self.child.kill();
    }
}

fn buffer(screen: &vt100::Screen) -> Buffer {
    let (columns, rows) = SIZE;
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
        let Some(cell) = screen.cell(y, x).filter(|cell| cell.has_contents() || cell.inverse()) else { continue };
        let mut style = Style::new().fg(colour(cell.fgcolor())).bg(colour(cell.bgcolor()));
        for (on, modifier) in [
            (cell.bold(), Modifier::BOLD),
            (cell.dim(), Modifier::DIM),
            (cell.underline(), Modifier::UNDERLINED),
            (cell.inverse(), Modifier::REVERSED),
        ] {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        let symbol = if cell.has_contents() { cell.contents() } else { " " };
        buffer[(x, y)].set_symbol(symbol).set_style(style);
    }
    buffer
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
