//! What people take along from the screen: onto the clipboard, into a file, into another program, into the policy.
//!
//! Everything is put together here, out of the state; nothing holds a raw token, because the state holds none.

mod copy;
pub mod markdown;
mod policy;
mod save;
pub mod waterfall;

use std::sync::Arc;

use super::effect::Effect;
use super::message::Action;
use super::page::Page;
use super::page::trace::Trace;
use super::state::{Selection, State, Toast};
use crate::model::{Hop, SpanId, TraceId};
use crate::trail::summary::ProblemRow;
use crate::trail::views::TraceView;

/// What is selected, whatever the page.
pub(crate) struct Subject<'s> {
    /// The hop whose evidence is shown.
    pub(crate) hop: Option<&'s Hop>,
    /// The problem that it is an example of.
    pub(crate) problem: Option<&'s ProblemRow>,
    /// The trace that is open.
    pub(crate) view: Option<&'s Arc<TraceView>>,
    /// Traces that show it, the nearest at hand first.
    pub(crate) traces: Vec<TraceId>,
    /// Spans that show it.
    pub(crate) spans: Vec<SpanId>,
}

impl<'s> Subject<'s> {
    /// What is selected on the page that is shown.
    pub(crate) fn of(state: &'s State) -> Self {
        match (state.page(), &state.trace) {
            (Page::Trace, Some(trace)) => Self::in_trace(trace),
            (Page::Traces, _) => {
                let rows = state.traces.page.as_ref().map(|page| page.rows.as_slice()).unwrap_or_default();
                let traces = rows.get(state.traces.at()).map(|row| row.id).into_iter().collect();
                Self { hop: None, problem: None, view: None, traces, spans: Vec::new() }
            }
            (Page::Map | Page::Problems, _) => Self::on_map(state),
            _ => Self { hop: None, problem: None, view: None, traces: Vec::new(), spans: Vec::new() },
        }
    }

    fn on_map(state: &'s State) -> Self {
        let hop = state.sample().map(|hop| &**hop);
        let problem = match &state.selection {
            Selection::Problem(key) => state.problem(key),
            _ => None,
        };
        let mut traces: Vec<TraceId> = hop.map(|hop| hop.trace_id).into_iter().collect();
        for id in problem.map(|row| row.traces.as_slice()).unwrap_or_default() {
            if !traces.contains(id) {
                traces.push(*id);
            }
        }
        Self { hop, problem, view: None, traces, spans: hop.map(spans_of).unwrap_or_default() }
    }

    fn in_trace(trace: &'s Trace) -> Self {
        let view = trace.view.as_ref();
        let span = view.and_then(|view| view.spans.get(trace.span()?)).map(|(_, span)| span.span_id);
        let on = |hop: &&Hop| span.is_some_and(|span| spans_of(hop).contains(&span));
        // The hop that the span was called by tells more of it than one that it called.
        let hops = || view.map(|view| view.hops.as_slice()).unwrap_or_default().iter();
        let hop = hops().find(|hop| span.is_some() && hop.callee.span_id == span).or_else(|| hops().find(on));
        Self { hop, problem: None, view, traces: vec![trace.id], spans: span.into_iter().collect() }
    }

    /// What it is called in the name of a file.
    pub(crate) fn name(&self) -> String {
        match self.hop {
            Some(hop) => {
                let caller = hop.caller.as_ref().map_or(super::graph::OUTSIDE, |party| &party.service);
                format!("{caller}-{}", hop.callee.service)
            }
            None => "trace".to_owned(),
        }
    }
}

/// The spans that a hop is known by: the call, and where it arrived.
fn spans_of(hop: &Hop) -> Vec<SpanId> {
    let caller = hop.caller.as_ref().and_then(|party| party.span_id);
    let sides = [&hop.inbound, &hop.sent, &hop.received].into_iter().filter_map(|side| side.span_id);
    let mut spans: Vec<SpanId> = Vec::new();
    for span in caller.into_iter().chain(hop.callee.span_id).chain(sides) {
        if !spans.contains(&span) {
            spans.push(span);
        }
    }
    spans
}

/// Actions that take something along; false for all others.
pub(super) fn act(state: &mut State, action: Action) -> bool {
    match action {
        Action::Copy => state.menu = copy::menu(state),
        Action::Save => state.menu = Some(save::menu(state)),
        Action::Open => open(state),
        Action::Policy => policy::choose(state),
        Action::Ignore => policy::ignore(state),
        _ => return false,
    }
    if action == Action::Copy && state.menu.is_none() {
        nothing(state, "nothing is selected that could be copied");
    }
    true
}

/// Says why nothing happens. It goes as any toast does, by being said through the loop.
fn nothing(state: &mut State, why: &str) {
    state.toast = Some(Toast { text: why.to_owned(), failed: true });
}

/// The open trace as a waterfall, else the problem as it would be copied.
fn open(state: &mut State) {
    let subject = Subject::of(state);
    let effect = match (subject.view, subject.hop) {
        (Some(view), _) => Effect::Open { name: "trace".to_owned(), text: waterfall::text(view) },
        (None, Some(hop)) => {
            let text = markdown::hop(hop, subject.problem, &subject.traces);
            Effect::Open { name: "problem".to_owned(), text }
        }
        (None, None) => return nothing(state, "nothing is selected that could be opened"),
    };
    state.effects.push(effect);
}
