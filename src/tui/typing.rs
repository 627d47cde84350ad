//! What happens in the line that is typed into: completion, history, and what is wrong while it is typed.

use std::ops::Range;
use std::sync::Arc;

use crossterm::event::KeyCode;

use super::command::{self, Mistake};
use super::effect::{Effect, Request};
use super::keymap::Key;
use super::prompt::{Prompt, Purpose, Typed};
use super::saved::SavedView;
use super::state::State;
use crate::engine::query::TraceQuery;
use crate::filter::{self, Field, Filter, FilterError, holds_token};

/// Lines of each history that are kept.
pub const HISTORY: usize = 500;

/// What the screen knows for the line.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    /// Commands typed before, the newest last. Those of the filter stand beside it.
    pub commands: Vec<String>,
    /// Saved views.
    pub views: Arc<Vec<SavedView>>,
    /// A trace that is looked for by the beginning of its id.
    pub lookup: Option<TraceQuery>,
}

/// One way to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The bytes that it takes the place of.
    pub range: Range<usize>,
    /// What to put there.
    pub text: String,
    /// A few words on it.
    pub help: String,
}

/// What helps with one line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Aid {
    /// Ways to go on, from where the line was when Tab was first pressed.
    pub offers: Vec<Offer>,
    /// The one that was put in, and the line and cursor before that.
    pub chosen: Option<(usize, String, usize)>,
    /// Whether the offers show.
    pub open: bool,
    /// Where in the history the line is, and what was typed before.
    recalled: Option<(usize, String)>,
    /// What is wrong so far, in bytes; not said before Enter.
    pub wrong: Option<Range<usize>>,
}

/// Opens the line.
pub fn open(state: &mut State, purpose: Purpose) {
    let text = if purpose == Purpose::Filter { state.filter.text.clone() } else { String::new() };
    state.prompt = Some(Prompt::new(purpose, text));
}

/// A key while a line is open. What was entered is still to be done by the caller.
pub fn press(state: &mut State, key: Key) -> Typed {
    let Some(mut prompt) = state.prompt.take() else { return Typed::Left };
    let typed = match key {
        Key::Code(KeyCode::Tab) => {
            cycle(state, &mut prompt, true);
            Typed::On
        }
        Key::Code(KeyCode::BackTab) => {
            cycle(state, &mut prompt, false);
            Typed::On
        }
        Key::Code(KeyCode::Up) | Key::Ctrl('p') => {
            recall(state, &mut prompt, true);
            Typed::On
        }
        Key::Code(KeyCode::Down) | Key::Ctrl('n') => {
            recall(state, &mut prompt, false);
            Typed::On
        }
        _ => {
            let before = (prompt.text.clone(), prompt.cursor);
            let typed = prompt.press(key);
            if typed == Typed::On && before != (prompt.text.clone(), prompt.cursor) {
                edited(state, &mut prompt);
            }
            typed
        }
    };
    if typed != Typed::Left {
        state.prompt = Some(prompt);
    }
    typed
}

/// Text that was pasted.
pub fn paste(state: &mut State, text: &str) {
    let Some(mut prompt) = state.prompt.take() else { return };
    prompt.insert(text);
    edited(state, &mut prompt);
    state.prompt = Some(prompt);
}

/// The line is another one.
fn edited(state: &State, prompt: &mut Prompt) {
    prompt.error = None;
    prompt.aid = Aid { offers: offers(state, prompt), wrong: wrong(prompt), ..Aid::default() };
    // Behind a blank everything could follow: only Tab lists that.
    let begun = prompt.text[..prompt.cursor].chars().next_back().is_some_and(|last| !last.is_whitespace());
    let done = matches!(&*prompt.aid.offers, [only] if prompt.text[only.range.clone()] == *only.text.trim_end());
    prompt.aid.open = begun && !done && !prompt.aid.offers.is_empty();
}

fn offers(state: &State, prompt: &Prompt) -> Vec<Offer> {
    match prompt.purpose {
        Purpose::Filter => of_filter(state, &prompt.text, prompt.cursor),
        Purpose::Command => command::complete(state, &prompt.text, prompt.cursor),
        Purpose::Reason(_) => Vec::new(),
    }
}

/// What could stand in a filter at the cursor, with the names that are there right now.
pub fn of_filter(state: &State, text: &str, cursor: usize) -> Vec<Offer> {
    let found = filter::complete(text, cursor, &|field| live(state, field));
    found.into_iter().map(|one| Offer { range: one.range, text: one.text, help: one.help.to_owned() }).collect()
}

/// Values that a field has at the moment.
fn live(state: &State, field: Field) -> Vec<String> {
    let snapshot = &state.snapshot;
    let services = || snapshot.services.iter().map(|row| row.name.to_string());
    let hops = || snapshot.problems.iter().map(|row| &row.sample).chain(snapshot.edges.iter().map(|row| &row.sample));
    let tokens =
        || hops().flat_map(|hop| [&hop.inbound, &hop.sent, &hop.received]).filter_map(|side| side.token.as_ref());
    let mut found: Vec<String> = match field {
        Field::Service | Field::Caller | Field::Callee => services().collect(),
        Field::Name => services().chain(hops().map(|hop| hop.operation.to_string())).collect(),
        Field::Via => snapshot.edges.iter().flat_map(|row| &row.waypoints).map(ToString::to_string).collect(),
        Field::Language => snapshot.services.iter().map(|row| row.language.to_string()).collect(),
        Field::Operation => hops().map(|hop| hop.operation.to_string()).collect(),
        Field::Token | Field::Inbound | Field::Sent | Field::Received => {
            tokens().map(|token| token.short_name()).collect()
        }
        Field::Kid => tokens().filter_map(|token| token.kid.as_ref()).map(ToString::to_string).collect(),
        Field::Algorithm => tokens().filter_map(|token| token.alg.as_ref()).map(ToString::to_string).collect(),
        Field::Issuer => tokens().filter_map(|token| token.iss.as_ref()).map(ToString::to_string).collect(),
        Field::Trace => snapshot.problems.iter().flat_map(|row| &row.traces).map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    found.retain(|value| !value.is_empty());
    found.sort();
    found.dedup();
    found
}

/// What is wrong so far: not where the cursor is, for that is being typed.
fn wrong(prompt: &Prompt) -> Option<Range<usize>> {
    if prompt.purpose != Purpose::Filter {
        return None;
    }
    let range = mistake(&prompt.text.parse::<Filter>().err()?, &prompt.text).range;
    (!range.is_empty() && !(range.start..=range.end).contains(&prompt.cursor)).then_some(range)
}

/// A filter's error as the line shows it.
pub fn mistake(error: &FilterError, text: &str) -> Mistake {
    let rest = text.get(error.offset..).unwrap_or_default();
    let length = rest.char_indices().nth(error.length).map_or(rest.len(), |(at, _)| at);
    let mut message = error.message.clone();
    if let Some(nearest) = &error.nearest {
        message = format!("{message}: did you mean `{nearest}`?");
    }
    Mistake { range: error.offset..error.offset + length, message }
}

/// Puts the next offer in, or the one before.
fn cycle(state: &State, prompt: &mut Prompt, forward: bool) {
    if prompt.aid.chosen.is_none() {
        prompt.aid.offers = offers(state, prompt);
    }
    let count = prompt.aid.offers.len();
    if count == 0 {
        return;
    }
    let (at, text, cursor) = match prompt.aid.chosen.take() {
        None => (if forward { 0 } else { count - 1 }, prompt.text.clone(), prompt.cursor),
        Some((at, text, cursor)) => ((at + if forward { 1 } else { count - 1 }) % count, text, cursor),
    };
    let offer = &prompt.aid.offers[at];
    prompt.text.clone_from(&text);
    prompt.text.replace_range(offer.range.clone(), &offer.text);
    prompt.cursor = offer.range.start + offer.text.len();
    prompt.error = None;
    if count == 1 {
        // Nothing to choose from: the next Tab goes on from here.
        return edited(state, prompt);
    }
    prompt.aid.wrong = None;
    prompt.aid.open = true;
    prompt.aid.chosen = Some((at, text, cursor));
}

/// Shows an older line, or a newer one.
fn recall(state: &State, prompt: &mut Prompt, older: bool) {
    let history = match prompt.purpose {
        Purpose::Filter => &state.filter.history,
        Purpose::Command => &state.typing.commands,
        Purpose::Reason(_) => return,
    };
    let (at, draft) = prompt.aid.recalled.take().unwrap_or_else(|| (history.len(), prompt.text.clone()));
    let shows = |at: &usize| *history[*at] != prompt.text;
    let to = if older {
        (0..at.min(history.len())).rev().find(shows).unwrap_or(at)
    } else {
        (at + 1..history.len()).find(shows).unwrap_or(history.len())
    };
    let text = history.get(to).unwrap_or(&draft).clone();
    prompt.cursor = text.len();
    prompt.text = text;
    prompt.error = None;
    prompt.aid = Aid { recalled: (to < history.len()).then_some((to, draft)), ..Aid::default() };
}

/// The line stays open, and says what is wrong with it and where.
pub fn refuse(state: &mut State, mut prompt: Prompt, mistake: Mistake) {
    prompt.cursor = mistake.range.end.min(prompt.text.len());
    prompt.error = Some(mistake.message);
    prompt.aid = Aid { wrong: Some(mistake.range), ..Aid::default() };
    state.prompt = Some(prompt);
}

/// A filter was entered.
pub fn filter(state: &mut State, prompt: Prompt) {
    match prompt.text.parse::<Filter>() {
        Ok(filter) => {
            set_filter(state, filter, prompt.text.trim());
            remember(state, false, prompt.text.trim());
        }
        Err(error) => {
            let mistake = mistake(&error, &prompt.text);
            refuse(state, prompt, mistake);
        }
    }
}

/// Puts a filter in force.
pub fn set_filter(state: &mut State, filter: Filter, text: &str) {
    state.filter.filter = (!filter.is_empty()).then_some(filter);
    text.clone_into(&mut state.filter.text);
}

/// Keeps a line for the next time; one that holds a token is kept nowhere.
pub fn remember(state: &mut State, command: bool, line: &str) {
    let history = if command { &mut state.typing.commands } else { &mut state.filter.history };
    if line.is_empty() || holds_token(line) || history.last().is_some_and(|last| last == line) {
        return;
    }
    history.retain(|kept| kept != line);
    history.push(line.to_owned());
    if history.len() > HISTORY {
        history.remove(0);
    }
    state.effects.push(Effect::Host(Request::Remember { command, line: line.to_owned() }));
}
