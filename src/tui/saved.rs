//! Saved views: a page, a filter and an order under a name, as `[[view]]` of the configuration holds them.

use super::keymap::Key;
use super::page::Page;
use super::state::State;
use crate::engine::query::{TraceOrder, Window};
use crate::filter::Filter;

/// One view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedView {
    /// What it is called.
    pub name: String,
    /// The key that shows it.
    pub key: Option<Key>,
    /// What fills the screen.
    pub page: Page,
    /// The filter in force there; empty for none.
    pub filter: String,
    /// What its list is sorted by, one of [`sorts`], with `-` in front for the other way round.
    pub sort: Option<String>,
}

const TRACE_SORTS: [(&str, TraceOrder); 5] = [
    ("start", TraceOrder::Start),
    ("severity", TraceOrder::Severity),
    ("duration", TraceOrder::Duration),
    ("hops", TraceOrder::Hops),
    ("service", TraceOrder::Service),
];

/// What a page can be sorted by; nothing where it has no order that can be chosen.
pub fn sorts(page: Page) -> Vec<&'static str> {
    match page {
        Page::Traces => TRACE_SORTS.iter().map(|(name, _)| *name).collect(),
        _ => Vec::new(),
    }
}

/// The page with this title, of those that have a key of their own.
pub fn page(name: &str) -> Option<Page> {
    Page::VIEWS.into_iter().find(|page| page.title() == name)
}

/// Shows a view.
pub fn show(state: &mut State, view: &SavedView) -> Result<(), String> {
    let filter: Filter = view.filter.parse().map_err(|error| format!("the filter of `{}`: {error}", view.name))?;
    (state.view, state.trace) = (view.page, None);
    state.filter.filter = (!filter.is_empty()).then_some(filter);
    state.filter.text.clone_from(&view.filter);
    if let Some(sort) = &view.sort {
        let (reverse, name) = sort.strip_prefix('-').map_or((false, sort.as_str()), |name| (true, name));
        if view.page == Page::Traces
            && let Some((_, order)) = TRACE_SORTS.iter().find(|(known, _)| *known == name)
        {
            (state.traces.order, state.traces.reverse) = (*order, reverse);
            (state.traces.selected, state.traces.window) = (None, Window::First);
        }
    }
    Ok(())
}

/// What is shown now, under a name.
pub fn current(state: &State, name: &str) -> SavedView {
    let sort = (state.view == Page::Traces).then(|| {
        let order =
            TRACE_SORTS.iter().find(|(_, order)| *order == state.traces.order).map_or("start", |(name, _)| *name);
        format!("{}{order}", if state.traces.reverse { "-" } else { "" })
    });
    SavedView { name: name.to_owned(), key: None, page: state.view, filter: state.filter.text.clone(), sort }
}
