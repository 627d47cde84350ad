//! Which key does what, as data: the help, the footer and the keys of the configuration file read the same table.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::message::Action;

/// One key, as pressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Key {
    /// A character, shift already applied.
    Char(char),
    /// A character with Ctrl.
    Ctrl(char),
    /// Any other key.
    Code(KeyCode),
    /// Any other key with Shift.
    Shift(KeyCode),
}

/// Where a key does something; the help lists the keys by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// In every view.
    Everywhere,
    /// On the map.
    Map,
    /// In lists.
    Lists,
    /// In one trace.
    Trace,
    /// In a replay.
    Replay,
}

impl Scope {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 5] = [Self::Everywhere, Self::Map, Self::Lists, Self::Trace, Self::Replay];

    /// Its heading in the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Keys",
            Self::Map => "On the map",
            Self::Lists => "In lists",
            Self::Trace => "In a trace",
            Self::Replay => "In a replay",
        }
    }
}

/// One line of the help: what it does, where, and the keys that do it unless the user's configuration says otherwise.
pub struct Binding {
    /// What happens.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// What it does, for the help screen.
    pub does: &'static str,
    /// Keys that trigger it.
    on: &'static [Key],
}

const fn bind(scope: Scope, action: Action, does: &'static str, on: &'static [Key]) -> Binding {
    Binding { action, scope, does, on }
}

use Scope::{Everywhere, Lists, Map, Replay, Trace};

/// Every action with its keys, in the order of the help.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    bind(Everywhere, Action::Up, "move up", &[Key::Code(KeyCode::Up), Key::Char('k')]),
    bind(Everywhere, Action::Down, "move down", &[Key::Code(KeyCode::Down), Key::Char('j')]),
    bind(Everywhere, Action::Left, "move left along the graph; fold", &[Key::Code(KeyCode::Left), Key::Char('h')]),
    bind(Everywhere, Action::Right, "move right along the graph; unfold", &[Key::Code(KeyCode::Right), Key::Char('l')]),
    bind(Everywhere, Action::First, "first", &[Key::Char('g'), Key::Code(KeyCode::Home)]),
    bind(Everywhere, Action::Last, "last", &[Key::Char('G'), Key::Code(KeyCode::End)]),
    bind(Everywhere, Action::PageUp, "a page up", &[Key::Code(KeyCode::PageUp), Key::Ctrl('u')]),
    bind(Everywhere, Action::PageDown, "a page down", &[Key::Code(KeyCode::PageDown), Key::Ctrl('d')]),
    bind(Everywhere, Action::NextPane, "next pane", &[Key::Code(KeyCode::Tab)]),
    bind(Everywhere, Action::PreviousPane, "previous pane", &[Key::Code(KeyCode::BackTab)]),
    bind(Everywhere, Action::Enter, "go in: evidence, traces, spans", &[Key::Code(KeyCode::Enter)]),
    bind(Everywhere, Action::Back, "back; then q quits", &[Key::Code(KeyCode::Esc), Key::Char('q')]),
    bind(Everywhere, Action::ViewMap, "the call graph", &[Key::Char('1')]),
    bind(Everywhere, Action::ViewProblems, "problems", &[Key::Char('2')]),
    bind(Everywhere, Action::ViewTraces, "traces", &[Key::Char('3')]),
    bind(Everywhere, Action::ViewTokens, "tokens", &[Key::Char('4')]),
    bind(Everywhere, Action::ViewServices, "services: who tells what", &[Key::Char('5')]),
    bind(Everywhere, Action::Filter, "filter", &[Key::Char('/')]),
    bind(Everywhere, Action::Command, "command by name", &[Key::Char(':')]),
    bind(Everywhere, Action::Pause, "pause the picture, not the intake", &[Key::Char(' ')]),
    bind(Everywhere, Action::Copy, "copy", &[Key::Char('y')]),
    bind(Everywhere, Action::CopySnippet, "copy the settings for a service", &[Key::Char('c')]),
    bind(Everywhere, Action::Save, "save what is seen", &[Key::Char('s')]),
    bind(Everywhere, Action::Open, "open the selection in $PAGER or $EDITOR", &[Key::Char('E')]),
    bind(Everywhere, Action::Policy, "write into the policy: optional, exchange, ignore", &[Key::Char('p')]),
    bind(Everywhere, Action::Ignore, "ignore the problem, with a reason", &[Key::Char('i')]),
    bind(Everywhere, Action::Log, "the log", &[Key::Char('L')]),
    bind(Everywhere, Action::Faults, "the demo's faults", &[Key::Char('x')]),
    bind(Everywhere, Action::Demo, "start the demo, where nothing is received yet", &[Key::Char('D')]),
    bind(Everywhere, Action::Mouse, "mouse on or off, to select text", &[Key::Char('m')]),
    bind(Everywhere, Action::Redraw, "draw the screen anew", &[Key::Ctrl('l')]),
    bind(Everywhere, Action::Help, "this help", &[Key::Char('?'), Key::Code(KeyCode::F(1))]),
    bind(Everywhere, Action::Suspend, "suspend", &[Key::Ctrl('z')]),
    bind(Everywhere, Action::Quit, "quit at once", &[Key::Ctrl('c')]),
    bind(Map, Action::Worst, "follow the worst problem", &[Key::Char('w')]),
    bind(Map, Action::OnlyBroken, "only broken edges", &[Key::Char('b')]),
    bind(Map, Action::Focus, "two hops around the selection", &[Key::Char('f')]),
    bind(Map, Action::All, "everything again, without a filter", &[Key::Char('0')]),
    bind(Map, Action::EdgeList, "graph or list of calls", &[Key::Char('e')]),
    bind(Map, Action::PanLeft, "move the graph left", &[Key::Char('H'), Key::Shift(KeyCode::Left)]),
    bind(Map, Action::PanDown, "move the graph down", &[Key::Char('J'), Key::Shift(KeyCode::Down)]),
    bind(Map, Action::PanUp, "move the graph up", &[Key::Char('K'), Key::Shift(KeyCode::Up)]),
    bind(Map, Action::PanRight, "move the graph right", &[Key::Shift(KeyCode::Right)]),
    bind(Lists, Action::Sort, "sort by the next column", &[Key::Char('o')]),
    bind(Lists, Action::SortReverse, "sort the other way round", &[Key::Char('O')]),
    bind(Trace, Action::AllSpans, "all spans, or those with tokens", &[Key::Char('a')]),
    bind(Trace, Action::NextProblem, "next problem", &[Key::Char('n')]),
    bind(Trace, Action::PreviousProblem, "previous problem", &[Key::Char('N')]),
    bind(Trace, Action::ParentSpan, "to the parent", &[Key::Char('u')]),
    bind(Trace, Action::Twin, "beside a trace where the token arrived", &[Key::Char('t')]),
    bind(Replay, Action::NextHop, "next hop", &[Key::Char('.')]),
    bind(Replay, Action::PreviousHop, "previous hop", &[Key::Char(',')]),
    bind(Replay, Action::SeekForward, "5 s on", &[Key::Char(']')]),
    bind(Replay, Action::SeekBack, "5 s back", &[Key::Char('[')]),
    bind(Replay, Action::NextAccused, "next problem", &[Key::Char('}')]),
    bind(Replay, Action::PreviousAccused, "previous problem", &[Key::Char('{')]),
    bind(Replay, Action::Faster, "faster", &[Key::Char('>')]),
    bind(Replay, Action::Slower, "slower", &[Key::Char('<')]),
    bind(Replay, Action::Loop, "begin again at the end", &[Key::Char('R')]),
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
        KeyCode::BackTab => Some(Key::Code(KeyCode::BackTab)),
        code if event.modifiers.contains(KeyModifiers::SHIFT) => Some(Key::Shift(code)),
        code => Some(Key::Code(code)),
    }
}

/// Keys and what they do for this user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keymap {
    keys: HashMap<Key, Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = BINDINGS.iter().flat_map(|binding| binding.on.iter().map(|key| (*key, binding.action))).collect();
        Self { keys }
    }
}

impl Keymap {
    /// What a key does.
    pub fn action(&self, key: Key) -> Option<Action> {
        self.keys.get(&key).copied()
    }

    /// Gives an action these keys in place of its own; whatever else they did they do no more.
    pub fn rebind(&mut self, action: Action, keys: &[Key]) {
        self.keys.retain(|key, bound| *bound != action && !keys.contains(key));
        self.keys.extend(keys.iter().map(|key| (*key, action)));
    }

    /// The keys of an action as people write them: `Up, k`. Empty where it has none.
    pub fn keys(&self, action: Action) -> Vec<String> {
        let defaults = BINDINGS.iter().filter(|binding| binding.action == action).flat_map(|binding| binding.on);
        let mut keys: Vec<Key> = defaults.copied().filter(|key| self.action(*key) == Some(action)).collect();
        let mut own: Vec<Key> = self
            .keys
            .iter()
            .filter(|(key, bound)| **bound == action && !keys.contains(key))
            .map(|(key, _)| *key)
            .collect();
        own.sort_by_key(|key| written(*key));
        keys.extend(own);
        keys.into_iter().map(written).collect()
    }
}

/// A key as people write it: `Up`, `^c`, `Shift-Tab`.
pub fn written(key: Key) -> String {
    match key {
        Key::Char(' ') => "Space".to_owned(),
        Key::Char(character) => character.to_string(),
        Key::Ctrl(character) => format!("^{character}"),
        Key::Code(code) => name(code),
        Key::Shift(code) => format!("Shift-{}", name(code)),
    }
}

fn name(code: KeyCode) -> String {
    match code {
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::F(number) => format!("F{number}"),
        other => format!("{other:?}"),
    }
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
    fn every_action_has_a_line_in_the_help() {
        for action in Action::ALL {
            assert!(BINDINGS.iter().any(|binding| binding.action == *action), "{}", action.name());
            assert_eq!(Action::from_name(action.name()), Some(*action), "two actions share a name");
        }
    }

    #[test]
    fn shift_and_control_are_read() {
        let keymap = Keymap::default();
        let press = |code, modifiers| key(KeyEvent::new(code, modifiers)).and_then(|key| keymap.action(key));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Action::Last));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), Some(Action::CopySnippet));
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT), Some(Action::PreviousPane));
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Action::PreviousPane));
        assert_eq!(press(KeyCode::Left, KeyModifiers::SHIFT), Some(Action::PanLeft));
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::ALT), None);
    }

    #[test]
    fn a_rebound_action_leaves_its_old_keys() {
        let mut keymap = Keymap::default();
        keymap.rebind(Action::Quit, &[Key::Char('k')]);
        assert_eq!(keymap.action(Key::Char('k')), Some(Action::Quit));
        assert_eq!(keymap.action(Key::Ctrl('c')), None);
        assert_eq!(keymap.keys(Action::Up), ["Up"]);
        assert_eq!(keymap.keys(Action::Quit), ["k"]);
    }
}
