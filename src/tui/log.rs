//! The last lines of jwtrail's own log, over the page.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::message::{Action, Pointer};
use super::page;
use super::state::State;

/// Bytes of the log's end that are read; what was logged before is in the file.
const MOST: u64 = 256 * 1024;

/// The end of the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    /// Its lines, the newest last.
    pub lines: Vec<String>,
    /// Bytes before them that were not read.
    pub before: u64,
}

/// The log on the screen.
#[derive(Clone, Debug, Default)]
pub struct LogPane {
    /// What was read last; `None` until the first time.
    pub tail: Option<Result<Tail, String>>,
    /// The first line that shows; `None` stays at the end as the log grows.
    pub top: Option<usize>,
}

impl LogPane {
    /// The lines there are.
    pub fn lines(&self) -> &[String] {
        match &self.tail {
            Some(Ok(tail)) => &tail.lines,
            _ => &[],
        }
    }

    /// The first line that shows where so many fit.
    pub fn first(&self, rows: usize) -> usize {
        let most = self.lines().len().saturating_sub(rows);
        self.top.unwrap_or(most).min(most)
    }
}

/// Reads the end of a log.
pub fn read(path: &Path) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let before = length.saturating_sub(MOST);
    file.seek(SeekFrom::Start(before))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    if before > 0 {
        // The first one is but the end of a line.
        lines.next();
    }
    Ok(Tail { lines: lines.map(str::to_owned).collect(), before })
}

/// Opens or closes it.
pub fn toggle(state: &mut State) {
    state.log = if state.log.is_some() { None } else { Some(LogPane::default()) };
}

/// Takes what was read: what is looked at stays where it is as lines go at the beginning.
pub fn took(state: &mut State, tail: Result<Tail, String>) {
    let Some(log) = &mut state.log else { return };
    if let (Some(top), Ok(new), Some(Ok(old))) = (&mut log.top, &tail, &log.tail) {
        let gone = old.lines.get(*top).and_then(|line| new.lines.iter().rposition(|other| other == line));
        *top = gone.filter(|_| new.before > old.before).unwrap_or(*top);
    }
    log.tail = Some(tail);
}

/// Keys while it is open; false for those that it leaves to the screen.
pub fn act(state: &mut State, action: Action) -> bool {
    let rows = super::view::log::rows(state);
    let Some(log) = &mut state.log else { return false };
    if let Some(by) = page::rows_of(action, u16::try_from(rows).unwrap_or(u16::MAX)) {
        let most = log.lines().len().saturating_sub(rows);
        let to = page::moved(log.first(rows), by, most + 1);
        log.top = (to < most).then_some(to);
        return true;
    }
    match action {
        Action::Back | Action::Log | Action::Enter => state.log = None,
        Action::Quit | Action::Suspend | Action::Mouse | Action::Redraw | Action::Help | Action::Command => {
            return false;
        }
        _ => {}
    }
    true
}

/// The mouse while it is open.
pub fn point(state: &mut State, pointer: Pointer) {
    let action = match pointer {
        Pointer::WheelUp => Action::Up,
        Pointer::WheelDown => Action::Down,
        Pointer::Click | Pointer::Drag => return,
    };
    for _ in 0..3 {
        act(state, action);
    }
}
