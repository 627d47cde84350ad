//! The detail below a list: it takes the keyboard by Tab and is scrolled then.

use crate::tui::message::Action;

/// Whether it has the keyboard, and its first line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Below {
    /// Whether keys move in it, not in the list.
    pub focused: bool,
    /// The first line that shows.
    pub scroll: u16,
}

impl Below {
    /// A key; false for what is the list's. `over` are the lines that do not fit, `page` the lines that do.
    pub fn act(&mut self, action: Action, over: u16, page: u16) -> bool {
        match action {
            Action::NextPane | Action::PreviousPane => self.focused = !self.focused,
            Action::Back if self.focused => self.focused = false,
            _ if !self.focused => return false,
            _ => {
                let Some(by) = super::rows_of(action, page) else { return false };
                let line = i32::from(self.scroll.min(over)).saturating_add(by).clamp(0, i32::from(over));
                self.scroll = u16::try_from(line).unwrap_or(0);
            }
        }
        true
    }

    /// The wheel over it.
    pub fn wheel(&mut self, up: bool, over: u16) {
        let line = self.scroll.min(over);
        self.scroll = if up { line.saturating_sub(3) } else { (line + 3).min(over) };
    }
}
