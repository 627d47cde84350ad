//! The menu of what can be saved.

use super::{Subject, markdown, waterfall};
use crate::tui::effect::{Effect, Request};
use crate::tui::menu::{Choice, Item, Menu};
use crate::tui::picture::Ground;
use crate::tui::state::State;
use crate::tui::text::things;
use crate::tui::{picture, view};

/// What can be saved of the selection and of the screen.
pub(super) fn menu(state: &State) -> Menu {
    let subject = Subject::of(state);
    let mut items = Vec::new();
    let mut item = |key, text: String, request| {
        items.push(Item { key, text, choice: Choice::Effect(Box::new(Effect::Host(request))) });
    };
    if !subject.traces.is_empty() {
        let traces = things(subject.traces.len() as u64, "trace");
        let request = Request::SaveTraces { name: subject.name(), traces: subject.traces.clone() };
        item('t', format!("{traces} as OTLP JSON without tokens, for check and replay"), request);
    }
    if let Some(hop) = subject.hop {
        let text = markdown::hop(hop, subject.problem, &subject.traces);
        let request = Request::SaveText { name: subject.name(), extension: "md", text };
        item('m', "the problem as Markdown".to_owned(), request);
    }
    if let Some(view) = subject.view {
        let text = waterfall::text(view);
        let request = Request::SaveText { name: "trace".to_owned(), extension: "txt", text };
        item('w', "the trace as text".to_owned(), request);
    }
    // What lies over the screen for a moment is no part of the picture.
    let bare = State { toast: None, menu: None, ..state.clone() };
    let text = picture::svg(&view::picture(&bare), Ground::of(state.theme));
    let name = state.page().title().to_owned();
    item('p', "this screen as a picture (SVG)".to_owned(), Request::SaveText { name, extension: "svg", text });
    item('r', "the report on everything as Markdown".to_owned(), Request::SaveReport);
    Menu::new("Save to the working directory", items)
}
