//! State and message in, next state out. No input, no output, no clock: what is to be done outside is left in
//! [`State::effects`].

use std::sync::Arc;

use crossterm::event::KeyCode;

use crate::engine::{Answer, Snapshot};
use crate::filter::holds_token;

use super::effect::Effect;
use super::geometry::Pane;
use super::graph::{self, EdgeKey};
use super::index::Index;
use super::keymap::Key;
use super::menu::{self, Choice, Menu};
use super::message::{Action, Message, Pointer};
use super::page::{self, Page};
use super::prompt::{Prompt, Purpose, Typed};
use super::replay::Control;
use super::state::{ProblemKey, Selection, State, Toast};
use super::{command, log, saved, typing};

/// Seconds that one key goes in a replay.
const SEEK: i64 = 5;

/// Lets a message happen.
pub fn update(state: &mut State, message: Message) {
    let filter = state.filter.filter.clone();
    let (before, said) = (place(state), state.toast.clone());
    happen(state, message);
    super::filtering::refiltered(state, filter.as_ref());
    // What was said of one page is not true of the next.
    if state.toast == said && place(state) != before {
        state.toast = None;
    }
}

fn place(state: &State) -> (Page, Option<crate::model::TraceId>) {
    (state.view, state.trace.as_ref().map(|trace| trace.id))
}

fn happen(state: &mut State, message: Message) {
    match message {
        Message::Press(key) => press(state, key),
        Message::Paste(text) => {
            typing::paste(state, &text);
        }
        Message::Act(action) => act(state, action),
        Message::Point(pointer, x, y) => point(state, pointer, x, y),
        Message::Resize(width, height) => state.size = (width, height),
        Message::Snapshot(snapshot) => publish(state, snapshot),
        Message::Answered(answer) => answered(state, &answer),
        Message::Laid(answer) => state.laid = answer,
        Message::Log(tail) => log::took(state, tail),
        Message::Playback(playback) => state.playback = Some(playback),
        Message::Minutes(minutes) => state.minutes = minutes,
        Message::Done(Ok(text)) => state.toast = Some(Toast { text, failed: false }),
        Message::Done(Err(text)) => state.toast = Some(Toast { text, failed: true }),
        Message::ToastOver => state.toast = None,
        Message::PulseOver => state.pulses.clear(),
    }
}

fn answered(state: &mut State, answer: &Arc<Answer>) {
    match &**answer {
        Answer::Traces(query, rows) => {
            // An answer that is late shows where the user was, not where they are.
            let listed = page::wants(state).contains(&answer.query());
            command::found(state, query, rows);
            if listed {
                page::traces::answered(state, query, rows.clone());
            }
        }
        Answer::Trace(id, view) => page::trace::answered(state, *id, view.clone()),
        Answer::Twin(route, twin) => page::trace::twin_answered(state, route, twin),
        Answer::Tokens(_, tokens) => page::tokens::answered(state, tokens.clone()),
    }
}

fn publish(state: &mut State, snapshot: Arc<Snapshot>) {
    state.newest = snapshot;
    state.minutes = 0;
    if !state.paused {
        show(state);
    }
}

/// Shows the newest snapshot. What is selected stays selected while it exists; an edge outlives its problems.
fn show(state: &mut State) {
    state.pulses = graph::pulses(&state.snapshot, &state.newest);
    state.snapshot = state.newest.clone();
    state.index = Index::of(&state.snapshot, &state.index);
    if state.follow {
        return select_worst(state);
    }
    match &state.selection {
        Selection::Problem(key) if state.problem(key).is_none() => {
            let edge = key.edge.clone();
            select(state, Selection::Edge(edge));
            show_selection(state);
        }
        _ => show_selection(state),
    }
}

/// Lets go of an edge or node that is gone.
fn show_selection(state: &mut State) {
    let gone = match &state.selection {
        Selection::Edge(edge) => state.edge(edge).is_none(),
        Selection::Node(Some(name)) => state.service(name).is_none(),
        Selection::Node(None) | Selection::None | Selection::Problem(_) => false,
    };
    if gone {
        state.follow = true;
        select_worst(state);
    }
}

/// Selects the worst problem there is.
pub(super) fn select_worst(state: &mut State) {
    let worst = state.all_problems().first().map(|row| Selection::Problem(ProblemKey::of(row)));
    // Nothing broken: the first edge that carries a token shows what a hop looks like.
    let first = || {
        let row = state.snapshot.edges.iter().find(|row| !graph::stands_back(row) && state.shows(*row))?;
        Some(Selection::Edge(EdgeKey::of(row)))
    };
    let selection = worst.or_else(first).unwrap_or_default();
    if selection != state.selection {
        select(state, selection);
    }
}

fn select(state: &mut State, selection: Selection) {
    if state.selection != selection {
        state.selection = selection;
        state.scroll = 0;
        state.pan = (0, 0);
    }
}

/// A selection that the user made.
pub(super) fn choose(state: &mut State, selection: Selection) {
    state.follow = false;
    select(state, selection);
}

/// Gives the keyboard to a pane of the map.
pub(super) fn focus_pane(state: &mut State, pane: Pane) {
    state.pane = pane;
    if pane != Pane::Detail {
        state.upper = pane;
    }
    state.scroll = 0;
}

/// A key: what is typed has it first, then a menu, then the keymap.
fn press(state: &mut State, key: Key) {
    let action = state.keymap.action(key);
    // What the terminal itself is told means the same whatever lies on top; a letter is typed.
    let of_terminal = matches!(action, Some(Action::Suspend | Action::Redraw));
    if state.prompt.is_some() && !(of_terminal && matches!(key, Key::Ctrl(_))) {
        if typing::press(state, key) == Typed::Entered {
            entered(state);
        }
        return;
    }
    if state.menu.is_some() && !of_terminal && action != Some(Action::Quit) {
        match menu::press(&mut state.menu, key, action) {
            Some(Choice::Effect(effect)) => state.effects.push(*effect),
            Some(Choice::Act(action)) => act(state, action),
            None => {}
        }
        return;
    }
    if let Some(action) = action {
        act(state, action);
        if action == Action::Back && key == Key::Code(KeyCode::Esc) {
            stay(state);
        }
    } else if let Some(view) = state.typing.views.clone().iter().find(|view| view.key == Some(key)) {
        (state.log, state.help) = (None, None);
        if let Err(text) = saved::show(state, view) {
            state.toast = Some(Toast { text, failed: true });
        }
    }
}

/// Esc goes back and nothing else: pressed once too often, it must not throw away all that came in.
fn stay(state: &mut State) {
    if std::mem::take(&mut state.quit) {
        let leaves = |action| state.keymap.keys(action).into_iter().find(|key| key != "Esc");
        let text = match leaves(Action::Back).or_else(|| leaves(Action::Quit)) {
            Some(key) => format!("nothing to go back from; {key} quits"),
            None => "nothing to go back from; :quit quits".to_owned(),
        };
        state.toast = Some(Toast { text, failed: false });
    }
}

/// What was typed is done.
fn entered(state: &mut State) {
    let Some(prompt) = state.prompt.take() else { return };
    match &prompt.purpose {
        Purpose::Filter => typing::filter(state, prompt),
        Purpose::Command => command::entered(state, prompt),
        Purpose::Reason(edit) => {
            let error = match edit.because(prompt.text.trim()) {
                // A policy is shared: what stands in it is read by many.
                Some(_) if holds_token(&prompt.text) => "expected why this is accepted, found a token: leave it out",
                Some(edit) => return state.effects.push(Effect::Host(super::effect::Request::Policy(edit))),
                None => "expected why this is accepted, found nothing",
            };
            state.prompt = Some(Prompt { error: Some(error.to_owned()), ..prompt });
        }
    }
}

pub(super) fn act(state: &mut State, action: Action) {
    if state.help.is_some() && help(state, action) {
        return;
    }
    if log::act(state, action) || everywhere(state, action) || page::act(state, action) {
        return;
    }
    if action == Action::All {
        state.let_go_of_filter();
    }
    if action == Action::Back && !super::filtering::go_back(state) && !state.let_go_of_filter() {
        if state.view == Page::Map {
            state.quit = true;
        } else {
            state.view = Page::Map;
        }
    }
}

/// What means the same on every page; false for what is the page's own.
fn everywhere(state: &mut State, action: Action) -> bool {
    match action {
        Action::Quit => state.quit = true,
        Action::Help => state.help = Some(0),
        Action::Pause => pause(state),
        Action::Mouse => state.mouse = !state.mouse,
        Action::Suspend => state.effects.push(Effect::Suspend),
        Action::Redraw => state.effects.push(Effect::Redraw),
        Action::Filter => typing::open(state, Purpose::Filter),
        Action::Command => typing::open(state, Purpose::Command),
        Action::Log => log::toggle(state),
        Action::Faults => match menu::faults(state) {
            Some(menu) => state.menu = Some(menu),
            None => not_here(state, "there are no faults to turn here: `jwtrail demo` has nine"),
        },
        _ => return view(state, action) || replay(state, action) || super::take::act(state, action),
    }
    true
}

/// Says why a key does nothing here.
fn not_here(state: &mut State, why: &str) {
    state.effects.push(Effect::Tell(Err(why.to_owned())));
}

fn view(state: &mut State, action: Action) -> bool {
    let Some(view) = Page::VIEWS.into_iter().find(|view| view.action() == Some(action)) else { return false };
    (state.view, state.trace) = (view, None);
    state.back.clear();
    true
}

fn replay(state: &mut State, action: Action) -> bool {
    let control = match action {
        Action::NextHop => Control::NextHop,
        Action::PreviousHop => Control::PreviousHop,
        Action::SeekForward => Control::Seconds(SEEK),
        Action::SeekBack => Control::Seconds(-SEEK),
        Action::NextAccused => Control::NextAccused,
        Action::PreviousAccused => Control::PreviousAccused,
        Action::Faster => Control::Faster,
        Action::Slower => Control::Slower,
        Action::Loop => Control::Loop,
        _ => return false,
    };
    match &state.playback {
        Some(playback) if playback.following.is_none() => state.effects.push(Effect::Replay(control)),
        Some(_) => not_here(state, "what is followed goes on by itself: there is no time to steer"),
        None => not_here(state, "this key steers a replay: `jwtrail replay FILE` plays saved traces"),
    }
    true
}

/// Keys while the help lies on top; false for those that it leaves to the screen below.
fn help(state: &mut State, action: Action) -> bool {
    let Some(line) = state.help else { return false };
    let most = super::view::help::rows(state).saturating_sub(state.size.1.saturating_sub(2));
    state.help = match action {
        Action::Help | Action::Back | Action::Enter => None,
        Action::Up => Some(line.saturating_sub(1)),
        Action::Down => Some((line + 1).min(most)),
        Action::PageUp | Action::First => Some(0),
        Action::PageDown | Action::Last => Some(most),
        Action::Quit | Action::Suspend | Action::Mouse | Action::Redraw | Action::Pause => return false,
        _ => Some(line),
    };
    true
}

fn pause(state: &mut State) {
    // What is followed goes on by itself: there only the picture can stand still.
    if state.playback.as_ref().is_some_and(|playback| playback.following.is_none()) {
        return state.effects.push(Effect::Replay(Control::Toggle));
    }
    state.paused = !state.paused;
    if !state.paused {
        show(state);
    }
}

fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    if state.help.is_some() {
        match pointer {
            Pointer::Click => state.help = None,
            Pointer::WheelUp => act(state, Action::Up),
            Pointer::WheelDown => act(state, Action::Down),
            Pointer::Drag => {}
        }
        return;
    }
    if state.log.is_some() {
        return log::point(state, pointer);
    }
    if state.is_tiny() || state.prompt.is_some() {
        return;
    }
    if let Some(Menu { .. }) = state.menu {
        if pointer == Pointer::Click {
            state.menu = None;
        }
        return;
    }
    if !super::view::replay_bar::point(state, pointer, x, y) {
        page::point(state, pointer, x, y);
    }
}
