//! The first line: what runs, how much, how much of it is broken; and the second: what is wrong with the set-up.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::engine::{Losses, Totals};
use crate::model::Verdict;
use crate::trail::summary::SetupNote;
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{count, mebibytes};

/// Draws both lines.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let mut row = Row::new().plain(" ").text("jwtrail", state.theme.strong()).plain("  ").then(status(state));
    let mut parts = parts(state);
    // What matters least goes first where the line is short; what stays keeps its order.
    let all =
        |parts: &[(u8, Row)], gap: usize| row.width() + parts.iter().map(|(_, part)| part.width() + gap).sum::<usize>();
    while all(&parts, 2) > usize::from(area.w) {
        let Some(least) = parts.iter().map(|(weight, _)| *weight).min() else { break };
        parts.retain(|(weight, _)| *weight != least);
    }
    let gap = if all(&parts, 3) <= usize::from(area.w) { "   " } else { "  " };
    for (_, part) in parts.into_iter().filter(|(_, part)| part.width() > 0) {
        row = row.plain(gap).then(part);
    }
    pen.row(area.x, area.y, area.w, &row);
    if area.h > 1 {
        let notes = notes(state);
        let mut second = Row::new().plain(" ").text(state.theme.sign("▲ ", "! "), state.theme.warning());
        if notes.len() > 1 {
            second = second.own(&format!("1 of {}, ? shows all: ", notes.len()), state.theme.quiet());
        }
        if let Some(note) = notes.first() {
            second = second.own(note, state.theme.warning());
        }
        pen.row(area.x, area.y + 1, area.w, &second);
    }
}

fn status(state: &State) -> Row {
    let theme = state.theme;
    if state.paused {
        return Row::new().text(theme.sign("‖ paused", "|| paused"), theme.warning());
    }
    match &state.mode {
        Mode::Live => Row::new().text(theme.sign("● live", "* live"), theme.good()),
        Mode::Demo => Row::new().text(theme.sign("● demo", "* demo"), theme.good()),
        Mode::Replay { .. } => Row::new().text(theme.sign("▶ replay", "> replay"), theme.good()),
    }
}

/// What stands behind the status: how much is behind, what listens, what is read.
fn beside(state: &State) -> (u8, Row) {
    let quiet = state.theme.quiet();
    if state.paused {
        let spans = state.newest.totals.spans.saturating_sub(state.snapshot.totals.spans);
        let hops = state.newest.totals.hops.saturating_sub(state.snapshot.totals.hops);
        return (8, Row::new().own(&format!("{} spans, {} hops behind", count(spans), count(hops)), quiet));
    }
    if let Mode::Replay { file } = &state.mode {
        return (8, Row::new().own(file, quiet));
    }
    let ports: Vec<String> =
        state.listening.iter().filter_map(|address| port(address)).map(|port| format!(":{port}")).collect();
    (3, Row::new().own(&ports.join(" "), quiet))
}

fn port(address: &str) -> Option<&str> {
    address.split_whitespace().next()?.rsplit_once(':').map(|(_, port)| port)
}

/// The rest of the first line, each part with its weight.
fn parts(state: &State) -> Vec<(u8, Row)> {
    let (theme, totals) = (state.theme, &state.snapshot.totals);
    let (quiet, plain) = (theme.quiet(), Style::new());
    let number = |number: u64, unit: &str| Row::new().own(&count(number), plain).own(&format!(" {unit}"), quiet);
    let lost = totals.lost.spans() + totals.lost.refused_requests;
    let unknown = match totals.hops {
        0 => 0.0,
        hops => totals.verdicts[Verdict::Unknown as usize] as f64 * 100.0 / hops as f64,
    };
    let [used, limit] = [totals.memory_used, totals.memory_limit].map(mebibytes);
    let memory_style = if used * 10 > limit * 9 { theme.warning() } else { quiet };
    let mut parts = vec![
        beside(state),
        (4, number(whole(totals.spans_per_second), "spans/s")),
        (5, number(totals.traces, "traces")),
        (7, number(totals.hops, "hops")),
        (9, broken(state, totals)),
        (
            6,
            Row::new().own(
                &format!("{} {unknown:.0} %", if theme.plain { "unknown" } else { theme.glyph(Verdict::Unknown) }),
                quiet,
            ),
        ),
        (if lost > 0 { 8 } else { 2 }, {
            Row::new().own(&format!("lost {}", count(lost)), if lost > 0 { theme.warning() } else { quiet })
        }),
    ];
    if limit > 0 {
        parts.push((1, Row::new().own(&format!("mem {used}/{limit} MiB"), memory_style)));
    }
    parts
}

#[expect(clippy::cast_sign_loss, reason = "the rate is not below zero")]
fn whole(rate: f32) -> u64 {
    rate.max(0.0).round() as u64
}

fn broken(state: &State, totals: &Totals) -> Row {
    let theme = state.theme;
    let mut row = Row::new();
    for (at, verdict) in [Verdict::Dropped, Verdict::Changed, Verdict::Failed].into_iter().enumerate() {
        let mut number = totals.verdicts[verdict as usize];
        if verdict == Verdict::Dropped {
            number = number.saturating_sub(totals.dropped_low);
        }
        let style = if number > 0 { theme.verdict(verdict) } else { theme.quiet() };
        row = row.own(if at > 0 { "  " } else { "" }, style);
        let said = if theme.plain {
            format!("{} {verdict}", count(number))
        } else {
            format!("{} {}", theme.glyph(verdict), count(number))
        };
        row = row.own(&said, style);
    }
    row
}

/// What is wrong with the set-up, worst first. One line each.
pub fn notes(state: &State) -> Vec<String> {
    let setup = &state.snapshot.setup;
    let dark = setup.iter().filter(|note| matches!(note, SetupNote::Dark { .. })).count();
    // Many dark services are one thing to mend, and its advice is on a page of its own.
    let each = setup.iter().filter(|note| dark < 2 || !matches!(note, SetupNote::Dark { .. }));
    let mut notes: Vec<(u8, String)> = each.map(note).collect();
    if dark >= 2 {
        let number = count(dark as u64);
        notes.push((4, format!("{number} services show nothing about tokens: {}", super::words::settings(state))));
    }
    if let Some(note) = losses(&state.snapshot.totals.lost) {
        notes.push((1, note));
    }
    notes.sort_by_key(|(rank, _)| *rank);
    notes.into_iter().map(|(_, note)| note).collect()
}

fn note(note: &SetupNote) -> (u8, String) {
    match note {
        SetupNote::ContextBroken { single, all } => (
            0,
            format!("{} of {} traces hold one service: trace context is not propagated", count(*single), count(*all)),
        ),
        SetupNote::Intake(text) => (1, text.clone()),
        SetupNote::SkewSuspected { caller, callee, ms } => {
            (3, format!("the clocks of {caller} and {callee} stand {} ms apart or more", count(*ms)))
        }
        SetupNote::Dark { service, advice } => (4, format!("{service} shows nothing about tokens: {advice}")),
        SetupNote::Nameless { service } => (5, format!("{service} has no name: set OTEL_SERVICE_NAME")),
    }
}

fn losses(lost: &Losses) -> Option<String> {
    let all = [
        (lost.refused_requests, "requests refused (intake full, exporters come again)"),
        (lost.rejected, "spans could not be read"),
        (lost.evicted_traces, "traces evicted to stay within memory"),
        (lost.trace_overflow, "spans over the bound for one trace"),
        (lost.bad_tags, "malformed jwtrail.* fingerprints"),
    ];
    let said: Vec<String> = all
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect();
    (!said.is_empty()).then(|| format!("lost: {}", said.join(", ")))
}
