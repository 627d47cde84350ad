//! A short list of choices over the page, each with a key of its own.

use crossterm::event::KeyCode;

use super::effect::Effect;
use super::keymap::Key;
use super::message::Action;
use super::state::State;

/// What choosing an item does.
#[derive(Clone, PartialEq, Debug)]
pub enum Choice {
    /// Something outside of the state.
    Effect(Box<Effect>),
    /// An action of the screen.
    Act(Action),
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Its key.
    pub key: char,
    /// What it says.
    pub text: String,
    /// What it does.
    pub choice: Choice,
}

/// A menu that is open.
#[derive(Clone, PartialEq, Debug)]
pub struct Menu {
    /// Its heading.
    pub title: &'static str,
    /// Its lines.
    pub items: Vec<Item>,
    /// The selected line.
    pub at: usize,
    /// Whether it stays open after a choice, as switches do.
    pub stays: bool,
}

impl Menu {
    /// A menu that closes with the first choice.
    pub fn new(title: &'static str, items: Vec<Item>) -> Self {
        Self { title, items, at: 0, stays: false }
    }
}

/// The demo's faults, each turned by its own key.
pub fn faults(state: &State) -> Option<Menu> {
    let items = state.switches.iter().map(|switch| Item {
        key: switch.key,
        text: format!("{} {}", if switch.on { "on " } else { "off" }, switch.name),
        choice: Choice::Effect(Box::new(Effect::Switch(switch.key))),
    });
    let items: Vec<Item> = items.collect();
    (!items.is_empty()).then(|| Menu { stays: true, ..Menu::new("Faults", items) })
}

/// Shows a menu of switches as these stand now.
pub fn refresh(state: &mut State) {
    if let Some(Menu { stays: true, at, .. }) = state.menu {
        state.menu = faults(state).map(|menu| Menu { at, ..menu });
    }
}

/// A key while a menu is open. Returns what was chosen.
pub fn press(menu: &mut Option<Menu>, key: Key, action: Option<Action>) -> Option<Choice> {
    let open = menu.as_mut()?;
    let chosen = match (key, action) {
        (Key::Char(character), _) if open.items.iter().any(|item| item.key == character) => {
            open.at = open.items.iter().position(|item| item.key == character).unwrap_or(0);
            true
        }
        (Key::Code(KeyCode::Esc), _) | (_, Some(Action::Back)) => {
            *menu = None;
            return None;
        }
        (_, Some(Action::Up)) => {
            open.at = open.at.saturating_sub(1);
            false
        }
        (_, Some(Action::Down)) => {
            open.at = (open.at + 1).min(open.items.len().saturating_sub(1));
            false
        }
        (_, Some(Action::Enter)) => true,
        _ => false,
    };
    let choice = chosen.then(|| open.items.get(open.at).map(|item| item.choice.clone())).flatten();
    if choice.is_some() && !open.stays {
        *menu = None;
    }
    choice
}
