//! The menu of what can be copied.

use super::{Subject, markdown};
use crate::tui::Mode;
use crate::tui::effect::Effect;
use crate::tui::menu::{Choice, Item, Menu};
use crate::tui::page::{Page, services};
use crate::tui::state::State;

/// What can be copied of the selection; `None` where there is nothing.
pub(super) fn menu(state: &State) -> Option<Menu> {
    let subject = Subject::of(state);
    let mut items = Vec::new();
    let mut item = |key, shown: String, what, text: String| {
        let choice = Choice::Effect(Box::new(Effect::Copy { what, text }));
        items.push(Item { key, text: shown, choice });
    };
    if let Some(trace) = subject.traces.first() {
        item('t', format!("trace id   {trace}"), "trace id", trace.to_string());
    }
    if subject.traces.len() > 1 {
        let ids: Vec<String> = subject.traces.iter().map(ToString::to_string).collect();
        item('a', format!("all {} trace ids that show it", ids.len()), "trace ids", ids.join("\n"));
    }
    if let Some(hop) = subject.hop {
        let text = markdown::hop(hop, subject.problem, &subject.traces);
        item('m', "the problem as Markdown, for an issue".to_owned(), "problem as Markdown", text);
    }
    if !subject.spans.is_empty() {
        let ids: Vec<String> = subject.spans.iter().map(ToString::to_string).collect();
        let shown = if ids.len() == 1 { format!("span id    {}", ids[0]) } else { format!("{} span ids", ids.len()) };
        item('i', shown, if ids.len() == 1 { "span id" } else { "span ids" }, ids.join("\n"));
    }
    if let Some((what, name)) = row_name(state) {
        item('n', format!("name       {name}"), what, name);
    }
    if let Some(command) = command(state, &subject) {
        item('k', format!("command    {command}"), "command", command);
    }
    if state.filter.filter.is_some() {
        let filter = state.filter_text();
        item('f', format!("filter     {filter}"), "filter", filter);
    }
    (!items.is_empty()).then(|| Menu::new("Copy", items))
}

/// The name of the selected token or service, on the page that lists them.
fn row_name(state: &State) -> Option<(&'static str, String)> {
    let (what, name) = match state.page() {
        Page::Tokens => ("name of the token", state.tokens.row()?.token.short_name()),
        Page::Services => ("name of the service", services::selected(state)?.name().to_string()),
        _ => return None,
    };
    (!name.is_empty()).then_some((what, name))
}

/// A command line that finds the same in saved traces.
fn command(state: &State, subject: &Subject<'_>) -> Option<String> {
    let file = match &state.mode {
        Mode::Replay { file } if !file.contains(", ") => quoted(file),
        _ => "traces.jsonl".to_owned(),
    };
    let filter = match (subject.hop, subject.traces.first()) {
        (Some(hop), _) => {
            let caller = hop.caller.as_ref().map(|party| format!("caller:{} ", named(&party.service)));
            let what = match subject.problem.and_then(|row| row.finding) {
                Some(finding) => format!("finding:{}", finding.name()),
                None => format!("verdict:{}", hop.verdict.name()),
            };
            format!("{}callee:{} {what}", caller.unwrap_or_default(), named(&hop.callee.service))
        }
        (None, Some(trace)) => format!("trace:{trace}"),
        (None, None) => match row_name(state)? {
            ("name of the token", name) => format!("token:{name}"),
            (_, name) => format!("service:{}", named(&name)),
        },
    };
    Some(format!("jwtrail check {file} --where {}", quoted(&filter)))
}

/// A name as the filter takes it.
fn named(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().all(plain) { name.to_owned() } else { format!("\"{}\"", name.replace(['"', '\\'], "?")) }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
