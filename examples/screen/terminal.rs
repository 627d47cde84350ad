//! The program in a terminal of its own: keys go in, and each piece of output comes with the moment when it came.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

pub(crate) struct Terminal {
    /// Held, so that the terminal outlives the program.
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    bytes: u64,
}

impl Terminal {
    pub(crate) fn start(
        program: &Path,
        args: &[&str],
        log: &Path,
        (columns, rows): (u16, u16),
    ) -> anyhow::Result<Self> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let program = program.canonicalize().with_context(|| format!("no program at {}", program.display()))?;
        let mut command = CommandBuilder::new(&program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env("JWTRAIL_LOG", "jwtrail=debug");
        command.env("XDG_STATE_HOME", log);
        let child = pair.slave.spawn_command(command).with_context(|| format!("cannot start {}", program.display()))?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let piece = bytes.get(..read).unwrap_or_default().to_vec();
                if sender.send((Instant::now(), piece)).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer()?;
        let some = |size| NonZeroU16::new(size).context("a terminal without size");
        let parser = vt100::Parser::new(some(rows)?, some(columns)?, 0);
        Ok(Self { _master: pair.master, child, keys, output, parser, bytes: 0 })
    }

    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        self.child.process_id().context("the program has no process id")
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Bytes that the program wrote so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes what comes until then; the moment of the first piece after which `holds` does, if it does.
    pub(crate) fn until(
        &mut self,
        end: Instant,
        holds: impl Fn(&vt100::Screen) -> bool,
    ) -> anyhow::Result<Option<Instant>> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((at, piece)) => {
                    self.bytes += piece.len() as u64;
                    self.parser.process(&piece);
                    if holds(self.screen()) {
                        return Ok(Some(at));
                    }
                }
                Err(Timeout) => return Ok(None),
                Err(Disconnected) => bail!("the program ended early; its screen was:\n{}", self.screen().contents()),
            }
        }
    }

    /// Takes what comes within this time.
    pub(crate) fn rest(&mut self, time: Duration) -> anyhow::Result<()> {
        self.until(Instant::now() + time, |_| false).map(drop)
    }

    pub(crate) fn press(&mut self, keys: &str) -> anyhow::Result<Instant> {
        let at = Instant::now();
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()?;
        Ok(at)
    }

    /// Ends the program as a person would.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        self.press("\u{3}")?;
        let end = Instant::now() + Duration::from_secs(10);
        while self.child.try_wait()?.is_none() {
            if Instant::now() > end {
                bail!("the program did not end within 10 s of Ctrl-C");
            }
            drop(self.output.recv_timeout(Duration::from_millis(50)));
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}
