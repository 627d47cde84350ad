//! The first line: what runs, how much, how much of it is broken; and the second: what is wrong with the set-up.

use ratatui::style::{Modifier, Style};

use super::pen::{Pen, Row};
use crate::engine::{Losses, Totals};
use crate::model::Verdict;
use crate::trail::summary::SetupNote;
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{count, mebibytes, things};

/// Draws both lines.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let mut row = Row::new().plain(" ").text("jwtrail", state.theme.strong()).plain("  ").then(status(state));
    let mut parts = parts(state);
    let all =
        |parts: &[(u8, Row)], gap: usize| row.width() + parts.iter().map(|(_, part)| part.width() + gap).sum::<usize>();
    // The way to the files goes before any number does; then what matters least, and what stays keeps its order.
    if let (false, Mode::Replay { file }, true) = (state.paused, &state.mode, all(&parts, 2) > usize::from(area.w)) {
        parts[0].1 = Row::new().own(&short(file), state.theme.quiet());
    }
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
        return (8, Row::new().own(&format!("{}, {} behind", things(spans, "span"), things(hops, "hop")), quiet));
    }
    if let Mode::Replay { file } = &state.mode {
        return (8, Row::new().own(file, quiet));
    }
    let ports: Vec<String> =
        state.listening.iter().filter_map(|address| port(address)).map(|port| format!(":{port}")).collect();
    (3, Row::new().own(&ports.join(" "), quiet))
}

/// The names of files without the way to them; how many there are where they are several.
fn short(names: &str) -> String {
    match names.split(", ").count() {
        1 => names.rsplit_once('/').map_or(names, |(_, name)| name).to_owned(),
        several => format!("{several} files"),
    }
}

fn port(address: &str) -> Option<&str> {
    address.split_whitespace().next()?.rsplit_once(':').map(|(_, port)| port)
}

/// The rest of the first line, each part with its weight.
fn parts(state: &State) -> Vec<(u8, Row)> {
    let (theme, totals) = (state.theme, &state.snapshot.totals);
    let (quiet, plain) = (theme.quiet(), Style::new());
    let number = |number: u64, unit: &str| Row::new().own(&count(number), plain).own(&format!(" {unit}"), quiet);
    let several = |sum: u64, thing: &str| number(sum, &format!("{thing}{}", if sum == 1 { "" } else { "s" }));
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
        (5, several(totals.traces, "trace")),
        (7, several(totals.hops, "hop")),
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
    // A finding is no verdict, and yet a problem: where there is one, the line must not read as if all were well.
    let findings = state.snapshot.problems.iter().filter(|problem| problem.finding.is_some());
    let (number, worst) =
        findings.fold((0, None), |(sum, worst), problem| (sum + problem.count, worst.max(Some(problem.severity))));
    let Some(worst) = worst else { return row };
    let word = if number == 1 { "finding" } else { "findings" };
    let sign = if theme.plain { word } else { theme.finding_glyph() };
    let said = if theme.plain { format!("{} {sign}", count(number)) } else { format!("{sign} {}", count(number)) };
    row.plain("  ").own(&said, theme.severity(worst).remove_modifier(Modifier::REVERSED))
}

/// What is wrong with the set-up, worst first. One line each.
pub fn notes(state: &State) -> Vec<String> {
    let mut notes: Vec<(u8, String)> = state.snapshot.setup.iter().map(note).collect();
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
        (lost.refused_requests, "request", "refused (intake full, exporters come again)"),
        (lost.rejected, "span", "could not be read"),
        (lost.evicted_traces, "trace", "evicted to stay within memory"),
        (lost.trace_overflow, "span", "over the bound for one trace"),
        (lost.bad_tags, "jwtrail.* fingerprint", "malformed"),
    ];
    let said: Vec<String> = all
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, thing, what)| format!("{} {what}", things(*number, thing)))
        .collect();
    (!said.is_empty()).then(|| format!("lost: {}", said.join(", ")))
}
