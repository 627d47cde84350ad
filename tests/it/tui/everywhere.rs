//! Keys on every page and over whatever lies on top of it, and their names behind `:`.

use crossterm::event::KeyCode;
use jwtrail::tui::effect::{Effect, Request};
use jwtrail::tui::keymap::{Key, Keymap};
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::state::State;

use super::{Driven, store};

/// Each page, by the keys that lead there from a map on which the user has moved.
const PAGES: [&str; 6] = ["j", "j2", "j3", "j4", "j5", "j\n\n"];

fn at(keys: &str) -> Driven {
    Driven::new(120, 40, store()).keys(keys)
}

/// All that a state holds, in words: what was typed before aside.
fn whole(state: &State) -> String {
    let mut state = state.clone();
    state.typing.commands.clear();
    // Where it is drawn follows from the rest.
    state.laid = std::sync::Arc::default();
    state.effects.retain(|effect| !matches!(effect, Effect::Host(Request::Remember { .. })));
    format!("{state:?}")
}

/// What is on the page, whatever lies over it.
fn page(state: &State) -> String {
    let State { view, trace, selection, pane, only_broken, edge_list, scope, .. } = state;
    format!("{:?}", (view, trace, selection, pane, only_broken, edge_list, scope))
}

/// A key as the help writes it.
fn key(name: &str) -> Key {
    let code = match name {
        "Esc" => KeyCode::Esc,
        "Enter" => KeyCode::Enter,
        "Tab" => KeyCode::Tab,
        "Shift-Tab" => KeyCode::BackTab,
        "space" | "Space" => return Key::Char(' '),
        _ if name.starts_with('^') && name.len() == 2 => return Key::Ctrl(name.chars().last().expect("a letter")),
        _ => return Key::Char(name.chars().next().expect("a character")),
    };
    Key::Code(code)
}

#[test]
fn a_command_does_what_its_key_does() {
    let keymap = Keymap::default();
    for page in PAGES {
        let start = at(page).state;
        for action in Action::ALL {
            let names = keymap.keys(*action);
            // Keys with long names are pressed in a terminal; each of their actions has a letter too, or is one of these.
            // Esc alone never leaves; the action does, as q.
            let Some(name) = names.iter().find(|name| *name != "Esc" && keymap.action(key(name)) == Some(*action))
            else {
                assert!(matches!(action, Action::PanRight), "{names:?}");
                continue;
            };
            let mut pressed = Driven { state: start.clone() };
            pressed.say(Message::Press(key(name)));
            let typed = Driven { state: start.clone() }.keys(&format!(":{}\n", action.name()));
            assert_eq!(whole(&pressed.state), whole(&typed.state), "{name} and :{} on {page:?}", action.name());
        }
    }
}

#[test]
fn keys_that_are_no_keys_do_nothing() {
    let keymap = Keymap::default();
    let free =
        ('!'..='~').map(Key::Char).chain(('a'..='z').map(Key::Ctrl)).chain((2..=12).map(|n| Key::Code(KeyCode::F(n))));
    let free: Vec<Key> = free.filter(|key| keymap.action(*key).is_none()).collect();
    assert!(free.len() > 20);
    for page in PAGES {
        for key in &free {
            let mut driven = at(page);
            let before = whole(&driven.state);
            driven.say(Message::Press(*key));
            assert_eq!(whole(&driven.state), before, "{key:?} on {page:?}");
        }
    }
}

#[test]
fn what_lies_on_top_keeps_keys_from_the_page() {
    for below in PAGES {
        for top in ["?", "L", "y", "s", "/"] {
            for action in Action::ALL {
                for name in Keymap::default().keys(*action) {
                    let mut driven = at(below).keys(top);
                    // Where nothing can be copied there is no menu.
                    if top == "y" && driven.state.menu.is_none() {
                        continue;
                    }
                    let before = page(&driven.state);
                    driven.say(Message::Press(key(&name)));
                    assert_eq!(page(&driven.state), before, "{name} over {top} on {below:?}");
                }
            }
        }
    }
}

#[test]
fn the_help_opens_on_every_page_and_leaves_it_as_it_was() {
    for below in PAGES {
        let mut driven = at(below);
        let before = page(&driven.state);
        driven.press(KeyCode::Char('?'));
        assert!(driven.text().contains("─ Help ─"), "{below:?}");
        driven.press(KeyCode::Char('q'));
        assert!(driven.state.help.is_none() && !driven.state.quit && page(&driven.state) == before, "{below:?}");
    }
}

#[test]
fn the_terminals_own_keys_work_over_everything() {
    for top in ["", "?", "L", "y", "/serv", ":ma", "i"] {
        let mut driven = at("").keys(top);
        let before = driven.text();
        driven.state.effects.clear();
        driven.say(Message::Press(Key::Ctrl('z')));
        driven.say(Message::Press(Key::Ctrl('l')));
        assert_eq!(driven.state.effects, [Effect::Suspend, Effect::Redraw], "over {top}");
        assert_eq!(driven.text(), before, "over {top}");
    }
}

#[test]
fn the_footer_offers_no_key_that_does_nothing() {
    for page in PAGES {
        let driven = at(page);
        let text = driven.text();
        let footer = text.lines().last().expect("a footer").trim().to_owned();
        let own = driven.state.view.title();
        for offer in footer.split("  ") {
            let (name, does) = offer.trim().split_once(' ').unwrap_or_else(|| panic!("{offer:?} in {footer}"));
            let mut pressed = at(page);
            let before = whole(&pressed.state);
            pressed.say(Message::Press(key(name)));
            let changed = whole(&pressed.state) != before;
            assert!(changed || does == own, "{name} does not {does} on {page:?}");
        }
    }
    for (page, absent) in [("3", "open"), ("4", "open"), ("2", "sort")] {
        let text = Driven::new(120, 40, std::sync::Arc::default()).keys(page).text();
        let footer = text.lines().last().expect("a footer");
        assert!(!footer.contains(absent) && footer.contains("help"), "{footer}");
    }
}
