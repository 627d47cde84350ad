//! What can be done before anything is seen: copy the settings of a stack, start the demo.

use crate::tui::Mode;
use crate::tui::effect::{Effect, Request};
use crate::tui::menu::{Choice, Item, Menu};
use crate::tui::message::Action;
use crate::tui::stacks::{Here, Stack};
use crate::tui::state::State;

/// Keys that no page took for itself.
pub fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::CopySnippet => state.menu = Some(stacks(state)),
        Action::Demo if can_start(state) => state.effects.push(Effect::Host(Request::Demo)),
        Action::Demo => {
            let why = "spans are here already: `jwtrail demo` runs the shop in another terminal";
            state.effects.push(Effect::Tell(Err(why.to_owned())));
        }
        _ => return false,
    }
    true
}

/// Whether the demo would not mix with what is there already.
pub fn can_start(state: &State) -> bool {
    state.mode == Mode::Live && state.switches.is_empty() && state.newest.totals.spans == 0
}

fn stacks(state: &State) -> Menu {
    let here = Here::of(&state.listening);
    let item = |(key, stack): (char, Stack)| Item {
        key,
        text: format!("{:<10} {}", stack.name(), stack.short()),
        choice: Choice::Effect(Box::new(Effect::Copy { what: stack.what(), text: stack.whole(&here) })),
    };
    Menu::new("Copy the settings for", ('1'..).zip(Stack::OFFERED).map(item).collect())
}
