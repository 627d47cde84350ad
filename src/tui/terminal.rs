//! The terminal, taken and given back: on leaving, on a panic, on a signal, on suspension.

use std::cell::Cell;
use std::io::{self, IsTerminal, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::TuiError;
use super::clipboard::{self, Between};

/// Whether the terminal is ours: whoever gives it back does so once.
static TAKEN: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Set on threads whose panics are caught and cost nothing but a picture: the hook leaves the screen alone.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Columns and rows of the terminal, `None` where it does not tell.
pub fn size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0)
}

/// Columns of the terminal, `None` where it does not tell.
pub fn columns() -> Option<u16> {
    crossterm::terminal::size().ok().map(|(columns, _)| columns).filter(|columns| *columns > 0)
}

/// Says that panics of this thread are caught by whoever started it.
pub(super) fn contain_panics() {
    CONTAINED.with(|contained| contained.set(true));
}

/// The terminal in raw mode on its alternate screen, until dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    /// What the terminal shows, to write nothing where nothing changed.
    shown: Option<Buffer>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take(mouse: bool) -> Result<Self, TuiError> {
        if !io::stdout().is_terminal() {
            return Err(TuiError::NoTerminal);
        }
        restore_on_panic();
        let mut screen = Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?, mouse, shown: None };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.redraw()
    }

    /// Whether a panic somewhere gave the terminal back: what is drawn now would land in the user's shell.
    pub(super) fn is_lost() -> bool {
        !TAKEN.load(Ordering::SeqCst)
    }

    /// Forgets what the terminal shows: the next drawing writes all of it.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.shown = None;
        // `clear` would ask the terminal for its cursor and wait for an answer that the event stream takes away.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Takes or gives back the mouse.
    pub(super) fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        if mouse != self.mouse {
            self.mouse = mouse;
            if mouse {
                execute!(io::stdout(), EnableMouseCapture)?;
            } else {
                execute!(io::stdout(), DisableMouseCapture)?;
            }
        }
        Ok(())
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Keeps everybody else from writing to the terminal, a panic's message included: held while a picture is drawn, so
    /// that none lands on top of what was said after the terminal was given back. Reentrant: a panic while drawing is told.
    pub(super) fn hold() -> io::StdoutLock<'static> {
        io::stdout().lock()
    }

    /// Shows a picture. Writes what changed, as one update, and nothing at all if nothing did.
    pub(super) fn show(&mut self, picture: Buffer) -> io::Result<()> {
        if self.shown.as_ref() == Some(&picture) {
            return Ok(());
        }
        execute!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            let buffer = frame.buffer_mut();
            // The terminal may have shrunk since the picture was drawn: what lies outside is left out.
            let area = buffer.area.intersection(picture.area);
            for y in area.top()..area.bottom() {
                for x in area.left()..area.right() {
                    buffer[(x, y)] = picture[(x, y)].clone();
                }
            }
        })?;
        execute!(io::stdout(), EndSynchronizedUpdate)?;
        self.shown = Some(picture);
        Ok(())
    }

    /// Puts text on the user's clipboard; answers what a multiplexer in between needs for that.
    pub(super) fn copy(text: &str) -> io::Result<&'static str> {
        let between = Between::of(|name| std::env::var(name).ok());
        let bytes = clipboard::sequence(text, between).map_err(io::Error::other)?;
        let mut out = io::stdout();
        out.write_all(&bytes)?;
        out.flush()?;
        Ok(between.needs())
    }

    /// Gives the terminal back for as long as another program has it.
    pub(super) fn lend() {
        restore();
    }

    /// Takes the terminal again after it was lent.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        self.enter()
    }

    /// Gives the terminal to the shell, stops, and takes it again when woken.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. Every step is tried whatever became of the one before.
fn restore() {
    let _held = Screen::hold();
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, EndSynchronizedUpdate, DisableMouseCapture, DisableBracketedPaste);
        let _ = execute!(out, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
        let _ = out.flush();
    }
}

/// A panic anywhere gives the terminal back before its message is printed, so that the message can be read.
fn restore_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CONTAINED.with(Cell::get) {
                tracing::warn!(panic = %info, "a layout was given up");
                return;
            }
            let ours = TAKEN.load(Ordering::SeqCst);
            restore();
            before(info);
            if ours {
                // Wakes the screen, which sees that it lost the terminal and ends.
                let _ = signal_hook::low_level::raise(signal_hook::consts::SIGCONT);
            }
        }));
    });
}
