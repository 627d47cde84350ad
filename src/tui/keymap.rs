//! Which key does what, as data: the help screen and the footer read the same table.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::message::Action;

/// One key, as pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A character, shift already applied.
    Char(char),
    /// A character with Ctrl.
    Ctrl(char),
    /// Any other key.
    Code(KeyCode),
}

/// One line of the help: what it does, its keys as written for people, and the keys themselves.
pub struct Binding {
    /// What happens.
    pub action: Action,
    /// Keys for the help screen.
    pub keys: &'static str,
    /// What it does, for the help screen.
    pub does: &'static str,
    /// Keys that trigger it.
    on: &'static [Key],
}

const fn bind(action: Action, keys: &'static str, does: &'static str, on: &'static [Key]) -> Binding {
    Binding { action, keys, does, on }
}

/// Every key of the map screen, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    bind(Action::Up, "Up, k", "move up", &[Key::Code(KeyCode::Up), Key::Char('k')]),
    bind(Action::Down, "Down, j", "move down", &[Key::Code(KeyCode::Down), Key::Char('j')]),
    bind(Action::Left, "Left, h", "move left along the graph", &[Key::Code(KeyCode::Left), Key::Char('h')]),
    bind(Action::Right, "Right, l", "move right along the graph", &[Key::Code(KeyCode::Right), Key::Char('l')]),
    bind(Action::First, "g, Home", "first", &[Key::Char('g'), Key::Code(KeyCode::Home)]),
    bind(Action::Last, "G, End", "last", &[Key::Char('G'), Key::Code(KeyCode::End)]),
    bind(Action::PageUp, "PgUp, ^u", "a page up", &[Key::Code(KeyCode::PageUp), Key::Ctrl('u')]),
    bind(Action::PageDown, "PgDn, ^d", "a page down", &[Key::Code(KeyCode::PageDown), Key::Ctrl('d')]),
    bind(Action::NextPane, "Tab", "next pane", &[Key::Code(KeyCode::Tab)]),
    bind(Action::PreviousPane, "Shift-Tab", "previous pane", &[Key::Code(KeyCode::BackTab)]),
    bind(Action::Enter, "Enter", "go in: the evidence", &[Key::Code(KeyCode::Enter)]),
    bind(Action::Back, "Esc, q", "back, then quit", &[Key::Code(KeyCode::Esc), Key::Char('q')]),
    bind(Action::Worst, "w", "follow the worst problem", &[Key::Char('w')]),
    bind(Action::OnlyBroken, "b", "only broken edges", &[Key::Char('b')]),
    bind(Action::Focus, "f", "two hops around the selection", &[Key::Char('f')]),
    bind(Action::All, "0", "everything again", &[Key::Char('0')]),
    bind(Action::Pause, "Space", "pause the picture, not the intake", &[Key::Char(' ')]),
    bind(Action::Mouse, "m", "mouse on or off, to select text", &[Key::Char('m')]),
    bind(Action::Redraw, "^l", "draw the screen anew", &[Key::Ctrl('l')]),
    bind(Action::Help, "?, F1", "this help", &[Key::Char('?'), Key::Code(KeyCode::F(1))]),
    bind(Action::Suspend, "^z", "suspend", &[Key::Ctrl('z')]),
    bind(Action::Quit, "^c", "quit at once", &[Key::Ctrl('c')]),
];

/// The key of a terminal event, with what terminals report differently made equal.
pub fn key(event: KeyEvent) -> Option<Key> {
    match event.code {
        KeyCode::Char(character) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            Some(Key::Ctrl(character.to_ascii_lowercase()))
        }
        KeyCode::Char(_) if event.modifiers.contains(KeyModifiers::ALT) => None,
        KeyCode::Char(character) => Some(Key::Char(character)),
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Some(Key::Code(KeyCode::BackTab)),
        code => Some(Key::Code(code)),
    }
}

/// What a key does.
pub fn action(key: Key) -> Option<Action> {
    BINDINGS.iter().find(|binding| binding.on.contains(&key)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let mut keys: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.on).map(|key| format!("{key:?}")).collect();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn shift_and_control_are_read() {
        let press = |code, modifiers| key(KeyEvent::new(code, modifiers)).and_then(action);
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Action::Last));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT), Some(Action::PreviousPane));
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Action::PreviousPane));
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::ALT), None);
    }
}
