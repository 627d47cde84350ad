//! The filter in force: what it hides on every page, the words that say so, and how it is let go.

use crate::filter::{Context, Facts, Filter};
use crate::model::{Cause, Finding, Verdict};
use crate::trail::summary::{EdgeRow, NodeKind, ProblemRow};

use super::message::Action;
use super::page::{self, Page};
use super::state::{Filtering, Selection, State};
use super::text::{Safe, count};
use super::update::select_worst;
use super::view::pen::Row;

/// Where the user was before a list was opened for them: `Esc` brings it back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The page.
    pub view: Page,
    /// What was filtered there.
    pub filter: Option<Filter>,
    /// As it was typed.
    pub text: String,
}

impl State {
    /// Whether the filter in force leaves a row on the screen: not hidden for sure.
    pub fn shows(&self, row: &dyn Facts) -> bool {
        let context = Context { now: self.snapshot.now };
        self.filter.filter.as_ref().is_none_or(|filter| filter.shows(row, context))
    }

    /// What a page's title says of the filter in force, in at most so many columns: `filter: verdict:dropped (3 of 7)`.
    /// Nothing where everything is shown; no numbers where they are not known yet.
    pub fn filter_words(&self, shown_of: Option<(usize, usize)>, room: u16) -> Row {
        if self.filter.filter.is_none() {
            return Row::new();
        }
        let numbers = shown_of.map(|(shown, of)| format!(" ({} of {})", count(shown as u64), count(of as u64)));
        let (head, numbers) = ("  filter: ", numbers.unwrap_or_else(|| " (searching)".to_owned()));
        let room = usize::from(room).saturating_sub(head.len() + numbers.len());
        let text = Safe::new(&self.filter_text()).fit(room.max(8));
        let style = self.theme.warning();
        Row::new().text(head, style).safe(text, self.theme.strong()).own(&numbers, style)
    }

    /// The filter in force as it was typed, or as it prints where it was put in force by a key.
    pub fn filter_text(&self) -> String {
        match &self.filter.filter {
            Some(filter) if self.filter.text.is_empty() => filter.to_string(),
            Some(_) => self.filter.text.clone(),
            None => String::new(),
        }
    }

    /// How to see what the filter hides, in words: `Esc shows all 42`.
    pub fn filter_way_out(&self, of: usize) -> String {
        let keys: Vec<String> = [Action::Back, Action::All]
            .into_iter()
            .filter_map(|action| self.keymap.keys(action).into_iter().next())
            .collect();
        format!("{} shows all {}", keys.join(" or "), count(of as u64))
    }

    /// Calls that the filter and `b` leave.
    pub fn edges_shown(&self) -> impl Iterator<Item = &EdgeRow> {
        let broken = |row: &&EdgeRow| !self.only_broken || super::graph::is_broken(row);
        self.snapshot.edges.iter().filter(broken).filter(|row| self.shows(*row))
    }

    /// Services that export, filtered or not.
    pub fn services_known(&self) -> usize {
        self.snapshot.services.iter().filter(|row| row.kind == NodeKind::Service).count()
    }

    /// Lets the filter go. False where there was none.
    pub fn let_go_of_filter(&mut self) -> bool {
        self.filter.text.clear();
        self.filter.filter.take().is_some()
    }
}

/// After each message: where another filter is in force, what it hides is not selected any more, and lists begin anew.
pub(super) fn refiltered(state: &mut State, before: Option<&Filter>) {
    if before == state.filter.filter.as_ref() {
        return;
    }
    page::traces::refiltered(state);
    let hidden = match &state.selection {
        Selection::Problem(key) => state.problem(key).is_some_and(|row| !state.shows(row)),
        Selection::Edge(key) => state.edge(key).is_some_and(|row| !state.shows(row)),
        Selection::Node(_) | Selection::None => false,
    };
    if hidden || state.follow {
        // The map and the problems show what is left; on a page without either, nothing is to be moved behind its back.
        if matches!(state.view, Page::Map | Page::Problems) {
            select_worst(state);
        }
    }
}

/// Shows the traces of a problem: the one that is known, or the list of traces with a filter that finds them.
pub(super) fn open_traces_of(state: &mut State, row: &ProblemRow) {
    let filter = filter_of(row);
    match (&row.traces[..], filter) {
        ([only], _) if row.sample.trace_id != *only => page::trace::open(state, *only),
        // A name that no filter can hold still has the hop that shows it.
        ([_], _) | (_, None) => page::trace::open_hop(state, &row.sample),
        (_, Some((text, filter))) => {
            let Filtering { filter: before, text: typed, .. } = &state.filter;
            let place = Place { view: state.view, filter: before.clone(), text: typed.clone() };
            state.back.push(place);
            (state.filter.filter, state.filter.text) = (Some(filter), text);
            state.view = Page::Traces;
            page::traces::begin(state);
        }
    }
}

/// Back to where a list was opened from. False where none was.
pub(super) fn go_back(state: &mut State) -> bool {
    let Some(place) = state.back.pop() else { return false };
    (state.view, state.filter.filter, state.filter.text) = (place.view, place.filter, place.text);
    true
}

/// The filter that finds the hops of a problem, as it would be typed.
fn filter_of(row: &ProblemRow) -> Option<(String, Filter)> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let caller = row.caller.as_deref().map_or_else(|| "is:entry".to_owned(), |name| format!("caller:{}", quoted(name)));
    let mut text = format!("{caller} callee:{}", quoted(&row.callee));
    let what = [
        ("verdict", row.verdict.map(Verdict::name)),
        ("cause", row.cause.map(Cause::name)),
        ("finding", row.finding.map(Finding::name)),
    ];
    for (field, name) in what.into_iter().filter_map(|(field, name)| Some((field, name?))) {
        text = format!("{text} {field}:{name}");
    }
    let filter = Filter::parse(&text).ok()?;
    // As short as it prints: without the quotes that a plain name does not need.
    Some((filter.to_string(), filter))
}
