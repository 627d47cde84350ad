//! One service: both sides of its calls, its check, its problems, and the setting that turns its light on.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::style::Style;

use super::detail::Page;
use super::pen::{Pen, Row};
use super::{services, split};
use crate::model::Verdict;
use crate::trail::summary::{ProblemRow, ServiceRow};
use crate::tui::geometry::Area;
use crate::tui::graph::OUTSIDE;
use crate::tui::message::Action;
use crate::tui::page::services::{Light, Listed, selected};
use crate::tui::stacks::Stack;
use crate::tui::state::State;
use crate::tui::text::{Safe, count, things};

/// Draws the detail of the selected service.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let title = selected(state).map_or_else(Row::new, |row| Row::new().own(row.name(), theme.strong()));
    split::detail(state, pen, area, state.services.below, title, &lines(state, area));
}

/// Lines that do not fit.
pub fn overflow(state: &State) -> u16 {
    let area = services::parts(state).1;
    split::overflow(state.body(), area, lines(state, area).len())
}

fn lines(state: &State, area: Area) -> Vec<Row> {
    let inner = split::inner(state.body(), area);
    let mut page = Page {
        theme: state.theme,
        width: usize::from(inner.w.saturating_sub(1)),
        height: usize::from(inner.h),
        rows: Vec::new(),
    };
    match selected(state) {
        Some(Listed::Service(row, _)) => service(state, &mut page, row),
        Some(Listed::Proxy(name)) => proxy(state, &mut page, name),
        None => {}
    }
    page.rows
}

fn service(state: &State, page: &mut Page, row: &ServiceRow) {
    let (theme, plain) = (state.theme, Style::new());
    let light = Light::of(row);
    let about = match light {
        Light::Dark => "its calls show nothing of a token: hops at its ends stay unknown",
        Light::Half => "one side of its calls shows nothing: what happens there can only be told by its neighbours",
        Light::Silent => "it takes no calls and makes none as far as seen",
        Light::Lit => "its calls show what they carried",
    };
    page.parts("shows", Row::new(), vec![services::light(theme, light), Row::new().text(about, plain)]);
    if matches!(light, Light::Dark | Light::Half) {
        settings(state, page, row);
    }
    page.parts("received", Row::new(), side(state, row.captures_inbound, "requests that arrived"));
    page.parts("sent", Row::new(), side(state, row.captures_outbound, "requests that it made"));
    let absence = if row.witness {
        "proven: it captures traceparent or user-agent as well, so a token that is not there was not there"
    } else {
        "not proven: it captures no header that is always there; add traceparent,user-agent to what it captures"
    };
    page.text("absence", absence, if row.witness { plain } else { theme.quiet() });
    page.text("verifies", ground(row), plain);
    keys(state, page, row);
    problems(state, page, &row.name);
    if matches!(light, Light::Lit | Light::Silent) {
        settings(state, page, row);
    }
}

fn side(state: &State, captured: Option<bool>, what: &'static str) -> Vec<Row> {
    let theme = state.theme;
    let (word, style) = match captured {
        Some(true) => ("captured", theme.good()),
        Some(false) => ("dark", theme.warning()),
        None => ("none seen", theme.quiet()),
    };
    vec![Row::new().text(word, style), Row::new().text(what, theme.quiet())]
}

/// How it is known whether it checks tokens.
fn ground(row: &ServiceRow) -> &'static str {
    match (row.verifies, row.check.says, row.check.refuses) {
        (Some(false), ..) => "no: its own tags say that it skips the check (jwtrail.verify.result)",
        (Some(true), true, true) => "yes: its own tags say so, and it was seen to refuse a token",
        (Some(true), true, false) => "yes: its own tags say so (jwtrail.verify.result)",
        (Some(true), ..) => "yes: it was seen to refuse a token by itself",
        (None, ..) => "not known: it refused none yet, and tags no jwtrail.verify.result",
    }
}

/// Tokens that a service took, summed up by their `kid`, in traces.
pub fn took(state: &State, service: &str) -> BTreeMap<Arc<str>, u64> {
    let mut kids = BTreeMap::new();
    for row in state.tokens.rows() {
        let Some(kid) = &row.token.kid else { continue };
        let standing = row.standings.iter().find(|standing| &*standing.service == service);
        let verified = standing.map_or(0, |standing| standing.verified);
        if verified > 0 {
            *kids.entry(Arc::clone(kid)).or_default() += verified;
        }
    }
    kids
}

fn keys(state: &State, page: &mut Page, row: &ServiceRow) {
    let (theme, plain) = (state.theme, Style::new());
    let named =
        row.check.keys.iter().map(|key| Row::new().text("says ", theme.quiet()).own(&services::short(key), plain));
    let mut parts: Vec<Row> = named.collect();
    for (kid, traces) in took(state, &row.name) {
        let said = format!(", tokens taken in {}", things(traces, "trace"));
        parts.push(Row::new().text("kid ", theme.quiet()).safe(Safe::new(&kid), plain).own(&said, theme.quiet()));
    }
    if parts.is_empty() {
        parts.push(Row::new().text("none known: no token was seen to be taken here", theme.quiet()));
    }
    page.parts("keys", Row::new(), parts);
}

fn problems(state: &State, page: &mut Page, name: &str) {
    let theme = state.theme;
    let rows = || state.snapshot.problems.iter();
    let caller: Vec<Row> = rows()
        .filter(|row| row.caller.as_deref() == Some(name))
        .map(|row| problem(state, row, theme.sign("→ ", "-> "), &row.callee))
        .collect();
    let callee: Vec<Row> = rows()
        .filter(|row| &*row.callee == name)
        .map(|row| problem(state, row, theme.sign("← ", "<- "), row.caller.as_deref().unwrap_or(OUTSIDE)))
        .collect();
    for (label, parts) in [("as caller", caller), ("as callee", callee)] {
        if !parts.is_empty() {
            page.parts(label, Row::new(), parts);
        }
    }
}

fn problem(state: &State, row: &ProblemRow, arrow: &'static str, other: &str) -> Row {
    let theme = state.theme;
    let (sign, style, word) = match (row.verdict, row.finding) {
        (Some(verdict), _) => (theme.glyph(verdict), theme.verdict(verdict), verdict.name()),
        (None, Some(finding)) => (theme.finding_glyph(), theme.severity(row.severity), finding.name()),
        (None, None) => (theme.glyph(Verdict::Unknown), theme.quiet(), ""),
    };
    let said = format!(" {} {}/{}", word.replace('_', " "), count(row.count), count(row.of));
    Row::new().text(sign, style).plain(" ").text(arrow, theme.quiet()).own(other, Style::new()).own(&said, style)
}

/// The setting for its stack, as `c` copies it.
fn settings(state: &State, page: &mut Page, row: &ServiceRow) {
    let theme = state.theme;
    let stack = Stack::of(&row.language);
    let key = state.keymap.keys(Action::CopySnippet).into_iter().next().unwrap_or_default();
    let lit = matches!(Light::of(row), Light::Lit | Light::Silent);
    let before = if lit { "what captures, for " } else { "what turns the light on, for " };
    let head = Row::new()
        .own(&key, theme.strong())
        .text(" copies ", theme.quiet())
        .text(before, theme.quiet())
        .text(stack.name(), Style::new());
    page.parts("settings", Row::new(), vec![head]);
    for line in stack.light().lines() {
        let line = line.replace('\t', "  ");
        // A line to copy that does not fit is cut, not wrapped: `c` has all of it.
        page.rows.push(Row::new().plain("           ").own(&line, if lit { theme.quiet() } else { Style::new() }));
    }
}

fn proxy(state: &State, page: &mut Page, name: &Arc<str>) {
    page.text("shows", "it only stands between two services: it is drawn on their edge, not as a node", Style::new());
    let arrow = state.theme.sign("→", "->");
    let edges = state.snapshot.edges.iter().filter(|row| row.waypoints.contains(name));
    let between = edges.map(|row| {
        let caller = row.caller.as_deref().unwrap_or(OUTSIDE);
        Row::new().own(&format!("{caller} {arrow} {}", row.callee), Style::new())
    });
    page.parts("between", Row::new(), between.collect());
}
