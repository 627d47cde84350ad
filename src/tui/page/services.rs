//! What each service tells of its tokens.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::Query;
use crate::engine::query::TokenQuery;
use crate::trail::summary::ServiceRow;
use crate::tui::effect::Effect;
use crate::tui::geometry::Pane;
use crate::tui::graph::Scope;
use crate::tui::message::{Action, Pointer};
use crate::tui::stacks::Stack;
use crate::tui::state::{Selection, State};
use crate::tui::update::{choose, focus_pane};
use crate::tui::view;

use super::Page;
use super::below::Below;

/// What services are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Those that show least first, then by name.
    #[default]
    Dark,
    /// By name.
    Name,
    /// Those with most problems first.
    Problems,
}

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Sorted by this.
    pub order: Order,
    /// The other way round.
    pub reverse: bool,
    /// The selected service by name; the first one until the user moves.
    pub selected: Option<Arc<str>>,
    /// The detail below the list.
    pub below: Below,
}

/// How much a service shows of its tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Light {
    /// Nothing, though it takes or makes calls.
    Dark,
    /// One side of its calls.
    Half,
    /// It takes no calls and makes none.
    Silent,
    /// All that it could.
    Lit,
}

impl Light {
    /// Of a service.
    pub fn of(row: &ServiceRow) -> Self {
        let sides = [row.captures_inbound, row.captures_outbound];
        match (sides.contains(&Some(true)), sides.contains(&Some(false))) {
            (false, true) => Self::Dark,
            (true, true) => Self::Half,
            (false, false) => Self::Silent,
            (true, false) => Self::Lit,
        }
    }
}

/// One line of the list.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'s> {
    /// A service, with its problems as caller and as callee.
    Service(&'s ServiceRow, [u64; 2]),
    /// What only stands between two services.
    Proxy(&'s Arc<str>),
}

impl Listed<'_> {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Service(row, _) => &row.name,
            Self::Proxy(name) => name,
        }
    }
}

/// The list: services in the order that is chosen, then what stands between them.
pub fn listed(state: &State) -> Vec<Listed<'_>> {
    let mut problems: HashMap<&str, [u64; 2]> = HashMap::new();
    for row in &state.snapshot.problems {
        if let Some(caller) = &row.caller {
            problems.entry(caller).or_default()[0] += 1;
        }
        problems.entry(&row.callee).or_default()[1] += 1;
    }
    let of = |row: &ServiceRow| problems.get(&*row.name).copied().unwrap_or_default();
    let mut rows: Vec<(&ServiceRow, [u64; 2])> =
        state.services_listed().into_iter().map(|row| (row, of(row))).collect();
    rows.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    match state.services.order {
        Order::Dark => rows.sort_by_key(|(row, _)| Light::of(row)),
        Order::Name => {}
        Order::Problems => rows.sort_by_key(|(_, [caller, callee])| Reverse(caller + callee)),
    }
    if state.services.reverse {
        rows.reverse();
    }
    let mut proxies: Vec<&Arc<str>> = state.snapshot.edges.iter().flat_map(|row| &row.waypoints).collect();
    proxies.sort();
    proxies.dedup();
    proxies.retain(|name| state.service(name).is_none());
    let services = rows.into_iter().map(|(row, problems)| Listed::Service(row, problems));
    services.chain(proxies.into_iter().map(Listed::Proxy)).collect()
}

/// What the page asks: all tokens, for the keys that services take.
pub fn wants() -> Vec<Query> {
    vec![Query::Tokens(TokenQuery::default())]
}

/// Keys in the list and in the detail below it.
pub fn act(state: &mut State, action: Action) -> bool {
    let (over, page) = (view::service_detail::overflow(state), view::services::rows(state));
    if state.services.below.act(action, over, page) {
        return true;
    }
    if let Some(by) = super::rows_of(action, page) {
        step(state, by);
        return true;
    }
    match action {
        Action::Enter => to_the_map(state),
        Action::CopySnippet => return copy(state),
        Action::Sort => {
            state.services.order = match state.services.order {
                Order::Dark => Order::Name,
                Order::Name => Order::Problems,
                Order::Problems => Order::Dark,
            };
        }
        Action::SortReverse => state.services.reverse = !state.services.reverse,
        _ => return false,
    }
    true
}

/// The selected row's place.
pub fn at(state: &State, rows: &[Listed<'_>]) -> usize {
    let selected = state.services.selected.as_ref();
    rows.iter().position(|row| Some(row.name()) == selected).unwrap_or(0)
}

/// The selected row.
pub fn selected(state: &State) -> Option<Listed<'_>> {
    let rows = listed(state);
    rows.get(at(state, &rows)).copied()
}

/// The map around the selected service; what stands between two is no node of it.
fn to_the_map(state: &mut State) {
    let Some(Listed::Service(row, _)) = selected(state) else { return };
    let name = Arc::clone(&row.name);
    let drawn = state.snapshot.edges.iter().any(|row| row.callee == name || row.caller.as_ref() == Some(&name));
    if !drawn {
        let why = format!("{name} has no hop yet, so the map does not show it");
        return state.effects.push(Effect::Tell(Err(why)));
    }
    choose(state, Selection::Node(Some(name)));
    (state.view, state.scope, state.only_broken) = (Page::Map, Scope::Focus, false);
    focus_pane(state, Pane::Map);
}

/// Copies the setting for the selected service; false where there is none to copy it for.
fn copy(state: &mut State) -> bool {
    let Some(Listed::Service(row, _)) = selected(state) else { return false };
    let stack = Stack::of(&row.language);
    state.effects.push(Effect::Copy { what: stack.what(), text: stack.light() });
    true
}

fn step(state: &mut State, by: i32) {
    let rows = listed(state);
    let name = rows.get(super::moved(at(state, &rows), by, rows.len())).map(|row| Arc::clone(row.name()));
    select(state, name);
}

fn select(state: &mut State, name: Option<Arc<str>>) {
    if name.is_some() && state.services.selected != name {
        state.services.selected = name;
        state.services.below.scroll = 0;
    }
}

/// The mouse in the list and in the detail.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    let in_detail = view::services::parts(state).1.holds(x, y);
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp | Pointer::WheelDown => {
            let up = pointer == Pointer::WheelUp;
            if in_detail {
                let over = view::service_detail::overflow(state);
                state.services.below.wheel(up, over);
            } else {
                step(state, if up { -1 } else { 1 });
            }
        }
        Pointer::Click => {
            state.services.below.focused = in_detail;
            let Some(row) = view::services::row_at(state, y).filter(|_| !in_detail) else { return };
            let name = listed(state).get(row).map(|row| Arc::clone(row.name()));
            select(state, name);
        }
    }
}
