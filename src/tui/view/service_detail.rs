//! One service: both sides of its calls, its check, its problems, and the setting that turns its light on.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::style::Style;

use super::evidence::Page;
use super::pen::{Pen, Row};
use super::words::key_does;
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
    let mut page = Page::new(usize::from(inner.w.saturating_sub(1)), state.theme);
    match selected(state) {
        Some(Listed::Service(row, _)) => service(state, &mut page, row),
        Some(Listed::Proxy(name)) => proxy(state, &mut page, name),
        None => {}
    }
    page.done()
}

fn service(state: &State, page: &mut Page, row: &ServiceRow) {
    let (theme, plain) = (state.theme, Style::new());
    let light = Light::of(row);
    let about = match light {
        Light::Dark => "hops at its ends stay unknown",
        Light::Half => "one side of its calls shows nothing",
        Light::Silent => "no call was seen",
        Light::Lit => "its calls show what they carried",
    };
    page.parts("shows", Row::new(), vec![services::light(theme, light), Row::new().text(about, plain)]);
    if matches!(light, Light::Dark | Light::Half) {
        settings(state, page, row);
    }
    page.parts("received", Row::new(), side(state, row.captures_inbound, INBOUND));
    page.parts("sent", Row::new(), side(state, row.captures_outbound, OUTBOUND));
    let absence = if row.witness {
        "proven: it captures traceparent or user-agent as well, or tags that there was no token"
    } else {
        "not proven: it captures no header that is always there, such as traceparent or user-agent"
    };
    page.text("absence", absence, if row.witness { plain } else { theme.quiet() });
    page.text("verifies", ground(row), plain);
    keys(state, page, row);
    problems(state, page, &row.name);
    if matches!(light, Light::Lit | Light::Silent) {
        settings(state, page, row);
    }
}

/// What a side of its calls shows: where it is captured, where it is dark, where there is no such span.
type Told = [&'static str; 3];

const INBOUND: Told = [
    "its entry spans show what arrived",
    "its entry spans show no header and no jwtrail.token.* tag",
    "no request was seen to arrive",
];
const OUTBOUND: Told = [
    "its call spans show what it sent",
    "its call spans show no header and no jwtrail.token.* tag",
    "no call was seen to leave",
];

fn side(state: &State, captured: Option<bool>, told: Told) -> Vec<Row> {
    let theme = state.theme;
    let [lit, dark, none] = told;
    match captured {
        Some(true) => vec![Row::new().text("captured", theme.good()), Row::new().text(lit, theme.quiet())],
        Some(false) => vec![Row::new().text("dark", theme.warning()), Row::new().text(dark, theme.quiet())],
        None => vec![Row::new().text(none, theme.quiet())],
    }
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
    for (label, parts) in [("caller", caller), ("callee", callee)] {
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

/// The setting for its stack, as it is copied. Where it is in force already, one line says that it is there.
fn settings(state: &State, page: &mut Page, row: &ServiceRow) {
    let stack = Stack::of(&row.language);
    let lit = matches!(Light::of(row), Light::Lit | Light::Silent);
    let does = if lit { "copies what captures headers in " } else { "copies what turns the light on in " };
    let head = key_does(state, Action::CopySnippet, does).text(stack.name(), Style::new());
    page.parts("settings", Row::new(), vec![head]);
    if lit {
        return;
    }
    for line in stack.light().lines() {
        // A line to copy that does not fit is cut, not wrapped: the copy has all of it.
        page.rows.push(Row::new().plain("          ").own(&line.replace('\t', "  "), Style::new()));
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
