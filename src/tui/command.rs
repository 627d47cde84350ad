//! What is typed behind `:`: actions by name, and commands that take a value.

use std::ops::Range;

use super::effect::{Effect, Request};
use super::graph::OUTSIDE;
use super::keymap::BINDINGS;
use super::message::Action;
use super::page::{self, Page};
use super::prompt::Prompt;
use super::replay::Control;
use super::state::{Selection, State, Toast};
use super::theme::Theme;
use super::typing::{self, Offer};
use super::{saved, update};
use crate::engine::Query;
use crate::engine::query::{TracePage, TraceQuery};
use crate::filter::Filter;
use crate::model::near::nearest;
use crate::model::{TraceId, UnixNanos};

/// What is wrong with a line, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Bytes of the line; empty at its end.
    pub range: Range<usize>,
    /// What was expected and found, and the nearest known word.
    pub message: String,
}

/// A command that takes a value.
struct Taking {
    name: &'static str,
    value: &'static str,
    help: &'static str,
}

const TAKING: [Taking; 8] = [
    Taking { name: "filter", value: "EXPR", help: "show what matches" },
    Taking { name: "save-view", value: "NAME", help: "keep page, filter and order in the configuration" },
    Taking { name: "seek", value: "00:12", help: "to this moment of the replay" },
    Taking { name: "service", value: "NAME", help: "select a service on the map" },
    Taking { name: "speed", value: "0.5|max", help: "how fast the replay goes" },
    Taking { name: "theme", value: "NAME", help: "other colours" },
    Taking { name: "trace", value: "ID", help: "open a trace by its id or the beginning of it" },
    Taking { name: "view", value: "NAME", help: "a saved view" },
];

/// Short for actions, as other programs have them.
const SHORT: [(&str, Action); 3] = [("q", Action::Quit), ("q!", Action::Quit), ("h", Action::Help)];
const SPEEDS: [&str; 8] = ["max", "0.1", "0.25", "0.5", "1", "2", "5", "10"];

/// A command was entered.
pub fn entered(state: &mut State, prompt: Prompt) {
    let line = prompt.text.trim().to_owned();
    match run(state, &prompt.text) {
        Ok(()) => typing::remember(state, true, &line),
        Err(mistake) => typing::refuse(state, prompt, mistake),
    }
}

/// A line cut into name and value, with the place of the value.
fn parts(text: &str) -> (Range<usize>, Range<usize>) {
    let start = text.len() - text.trim_start().len();
    let end = text[start..].find(char::is_whitespace).map_or(text.len(), |at| start + at);
    let value = end + (text[end..].len() - text[end..].trim_start().len());
    (start..end, value..value.max(text.trim_end().len()))
}

/// Does what a line says.
fn run(state: &mut State, text: &str) -> Result<(), Mistake> {
    let (name, place) = parts(text);
    let (word, value) = (&text[name.clone()], &text[place.clone()]);
    let wrong = |message: String| Mistake { range: place.clone(), message };
    if let Some(command) = TAKING.iter().find(|command| command.name == word && !value.is_empty()) {
        return take(state, command.name, value).map_err(|found| match found {
            Wrong::Value(message) => wrong(message),
            Wrong::Within(range, message) => {
                Mistake { range: place.start + range.start..place.start + range.end, message }
            }
        });
    }
    let short = SHORT.iter().find(|(short, _)| *short == word).map(|(_, action)| *action);
    if let Some(action) = Action::from_name(word).or(short) {
        if !value.is_empty() {
            return Err(wrong(format!("expected nothing behind `{word}`, found `{value}`")));
        }
        update::act(state, action);
        return Ok(());
    }
    if let Some(command) = TAKING.iter().find(|command| command.name == word) {
        return Err(wrong(format!("expected {} behind `{word}`, found nothing", command.value)));
    }
    let message = match nearest(word, names()) {
        _ if word.is_empty() => "expected a command, found nothing: Tab lists them".to_owned(),
        Some(near) => format!("unknown command `{word}`: did you mean `{near}`?"),
        None => format!("unknown command `{word}`: Tab lists them"),
    };
    Err(Mistake { range: name, message })
}

fn names() -> impl Iterator<Item = &'static str> {
    Action::ALL.iter().map(|action| action.name()).chain(TAKING.iter().map(|command| command.name))
}

enum Wrong {
    /// The whole value.
    Value(String),
    /// A part of it.
    Within(Range<usize>, String),
}

fn take(state: &mut State, name: &str, value: &str) -> Result<(), Wrong> {
    match name {
        "filter" => {
            let filter: Filter = value.parse().map_err(|error| {
                let Mistake { range, message } = typing::mistake(&error, value);
                Wrong::Within(range, message)
            })?;
            typing::set_filter(state, filter, value);
        }
        "save-view" => save_view(state, value).map_err(Wrong::Value)?,
        "service" => service(state, value).map_err(Wrong::Value)?,
        "theme" => state.theme = state.theme.switched(value).map_err(|error| Wrong::Value(error.to_string()))?,
        "trace" => trace(state, value).map_err(Wrong::Value)?,
        "view" => view(state, value).map_err(Wrong::Value)?,
        "speed" => play(state, Control::Speed(speed(value).map_err(Wrong::Value)?)).map_err(Wrong::Value)?,
        _ => {
            let offset = moment(value).map_err(Wrong::Value)?;
            let start = state.playback.as_ref().map_or(0, |playback| playback.start.0);
            play(state, Control::Seek(UnixNanos(start.saturating_add(offset)))).map_err(Wrong::Value)?;
        }
    }
    Ok(())
}

fn play(state: &mut State, control: Control) -> Result<(), String> {
    if state.playback.is_none() {
        return Err("expected a replay, found none: `jwtrail replay FILE` plays saved traces".to_owned());
    }
    state.effects.push(Effect::Replay(control));
    Ok(())
}

/// Reads a speed: `max`, or how many times as fast as it happened.
fn speed(value: &str) -> Result<Option<f64>, String> {
    if value == "max" {
        return Ok(None);
    }
    match value.trim_matches(['x', '×']).parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Some(factor)),
        _ => Err(format!("expected `max` or a factor such as 0.5, 1 or 10, found `{value}`")),
    }
}

/// Reads a moment from the start, as the replay's bar shows it: `00:12.4`, `1:02:03`, `12`. Nanoseconds.
fn moment(value: &str) -> Result<u64, String> {
    let wrong = || format!("expected a moment such as 00:12, 1:02:03 or 12.5, found `{value}`");
    let fields: Vec<&str> = value.trim_end_matches('s').split(':').collect();
    if fields.len() > 3 {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    for field in fields {
        let digits = !field.is_empty() && field.chars().all(|c| c.is_ascii_digit() || c == '.');
        let number = field.parse::<f64>().ok().filter(|_| digits).ok_or_else(wrong)?;
        seconds = seconds * 60.0 + number;
    }
    let time = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    u64::try_from(time.as_nanos()).map_err(|_| wrong())
}

fn service(state: &mut State, name: &str) -> Result<(), String> {
    let names = || state.snapshot.services.iter().map(|row| &row.name);
    let alike = |known: &&std::sync::Arc<str>| known.eq_ignore_ascii_case(name);
    let Some(found) = names().find(|known| &***known == name).or_else(|| names().find(alike)).cloned() else {
        return Err(unknown("service", name, names().map(|known| &**known)));
    };
    (state.view, state.trace) = (Page::Map, None);
    update::choose(state, Selection::Node(Some(found)));
    Ok(())
}

fn unknown<'a>(kind: &str, found: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(found, known) {
        Some(near) => format!("unknown {kind} `{found}`: did you mean `{near}`?"),
        None => format!("unknown {kind} `{found}`: Tab lists them"),
    }
}

fn view(state: &mut State, name: &str) -> Result<(), String> {
    let views = state.typing.views.clone();
    if let Some(view) = views.iter().find(|view| view.name == name) {
        return saved::show(state, view);
    }
    let Some(page) = saved::page(name) else {
        let pages = Page::VIEWS.iter().map(|page| page.title());
        return Err(unknown("view", name, views.iter().map(|view| view.name.as_str()).chain(pages)));
    };
    (state.view, state.trace) = (page, None);
    Ok(())
}

fn save_view(state: &mut State, name: &str) -> Result<(), String> {
    if crate::filter::holds_token(name) {
        return Err("expected a name, found a token".to_owned());
    }
    if state.typing.views.iter().any(|view| view.name == name) || saved::page(name).is_some() {
        return Err(format!("there is a view `{name}` already: choose another name"));
    }
    let view = saved::current(state, name);
    std::sync::Arc::make_mut(&mut state.typing.views).push(view.clone());
    state.effects.push(Effect::Host(Request::SaveView(view)));
    Ok(())
}

/// Opens a trace: at once where its id is whole or plain from what shows, else when the engine has looked.
fn trace(state: &mut State, value: &str) -> Result<(), String> {
    let prefix = value.trim_end_matches('…').to_ascii_lowercase();
    if prefix.is_empty() || prefix.len() > 32 || !prefix.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(format!("expected a trace id of 32 hex digits or the beginning of one, found `{value}`"));
    }
    if prefix.len() == 32 {
        let mut id = [0; 16];
        for (byte, digits) in id.iter_mut().zip(prefix.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
        }
        page::trace::open(state, TraceId(id));
        return Ok(());
    }
    let filter = format!("trace:{prefix}").parse::<Filter>().map_err(|error| error.to_string())?;
    state.typing.lookup = Some(TraceQuery { filter: Some(filter), ..TraceQuery::default() });
    Ok(())
}

/// What the engine is asked for a command.
pub fn wants(state: &State) -> Option<Query> {
    state.typing.lookup.clone().map(Query::Traces)
}

/// Takes the answer to what a command asked; false for any other.
pub fn found(state: &mut State, query: &TraceQuery, page: &TracePage) -> bool {
    if state.typing.lookup.as_ref() != Some(query) {
        return false;
    }
    state.typing.lookup = None;
    let filter = query.filter.as_ref().map(ToString::to_string).unwrap_or_default();
    let prefix = filter.strip_prefix("trace:").unwrap_or(&filter);
    let text = match &*page.rows {
        [row] => {
            page::trace::open(state, row.id);
            return true;
        }
        [] => format!("no trace that is held begins with {prefix}"),
        _ => format!("{} traces begin with {prefix}: give more of the id", page.matching),
    };
    state.toast = Some(Toast { text, failed: true });
    true
}

/// What could stand at the cursor: a command's name, or its value.
pub fn complete(state: &State, text: &str, cursor: usize) -> Vec<Offer> {
    let (name, value) = parts(text);
    if cursor <= name.end {
        return of_name(state, name.start.min(cursor)..cursor, &text[name.start.min(cursor)..cursor]);
    }
    let start = value.start.min(cursor);
    let typed = &text[start..cursor];
    let values: Vec<(String, String)> = match &text[name] {
        "filter" => {
            let mut found = typing::of_filter(state, &text[start..], cursor - start);
            for offer in &mut found {
                offer.range = offer.range.start + start..offer.range.end + start;
            }
            return found;
        }
        "speed" => SPEEDS.iter().map(|speed| ((*speed).to_owned(), String::new())).collect(),
        "theme" => Theme::names().map(|name| (name.to_owned(), String::new())).collect(),
        "service" => {
            state.snapshot.services.iter().map(|row| (row.name.to_string(), row.language.to_string())).collect()
        }
        "view" => views(state),
        "trace" => traces(state),
        _ => Vec::new(),
    };
    fitting(values, typed).map(|(text, help)| Offer { range: start..cursor, text, help }).collect()
}

/// Those that begin with what was typed, then those that hold it.
fn fitting(values: Vec<(String, String)>, typed: &str) -> impl Iterator<Item = (String, String)> {
    let typed = typed.to_lowercase();
    let (first, rest): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|(text, _)| text.to_lowercase().starts_with(&typed));
    let holds = move |value: &(String, String)| value.0.to_lowercase().contains(&typed);
    first.into_iter().chain(rest.into_iter().filter(holds))
}

fn of_name(state: &State, range: Range<usize>, typed: &str) -> Vec<Offer> {
    let mut all: Vec<(String, String)> = Vec::new();
    for command in &TAKING {
        all.push((format!("{} ", command.name), format!("{}  {}", command.value, command.help)));
    }
    for binding in BINDINGS {
        // The line that is typed into needs no command; a filter's has a command of its own.
        if matches!(binding.action, Action::Command | Action::Filter) {
            continue;
        }
        let keys = state.keymap.keys(binding.action);
        let key = keys.first().map(|key| format!("  [{key}]")).unwrap_or_default();
        all.push((binding.action.name().to_owned(), format!("{}{key}", binding.does)));
    }
    all.sort();
    fitting(all, typed).map(|(text, help)| Offer { range: range.clone(), text, help }).collect()
}

fn views(state: &State) -> Vec<(String, String)> {
    let own = state.typing.views.iter().map(|view| {
        let key = view.key.map(|key| format!("  [{}]", super::keymap::written(key))).unwrap_or_default();
        (view.name.clone(), format!("{} {}{key}", view.page.title(), view.filter))
    });
    let pages = Page::VIEWS.iter().map(|page| (page.title().to_owned(), "the whole page".to_owned()));
    own.chain(pages).collect()
}

/// Traces that show somewhere: those that problems name, and those of the list.
fn traces(state: &State) -> Vec<(String, String)> {
    let of_problems = state.snapshot.problems.iter().flat_map(|row| {
        let caller = row.caller.as_deref().unwrap_or(OUTSIDE);
        let about = format!("{caller} → {}", row.callee);
        row.traces.iter().map(move |id| (id.to_string(), about.clone()))
    });
    let listed = state.traces.page.iter().flat_map(|page| &page.rows);
    let listed = listed.map(|row| (row.id.to_string(), format!("{} {}", row.service, row.operation)));
    let mut all: Vec<(String, String)> = of_problems.chain(listed).collect();
    all.sort();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_speeds_are_read_as_the_bar_shows_them() {
        let seconds = |text| moment(text).map(|nanos| nanos / 1_000_000);
        assert_eq!(seconds("00:12"), Ok(12_000));
        assert_eq!(seconds("00:12.4"), Ok(12_400));
        assert_eq!(seconds("1:02:03"), Ok(3_723_000));
        assert_eq!(seconds("90s"), Ok(90_000));
        for wrong in ["", "a", "1:2:3:4", "-5", "1e9", "inf", ":"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!((speed("max"), speed("×4"), speed("0.5")), (Ok(None), Ok(Some(4.0)), Ok(Some(0.5))));
        assert!(speed("0").is_err() && speed("fast").is_err() && speed("-1").is_err());
    }
}
