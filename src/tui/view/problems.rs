//! The list of problems, worst first.

use ratatui::style::Style;

use super::frame;
use super::pen::{Pen, Row};
use crate::model::{Cause, Finding, Hop, Severity, Verdict};
use crate::trail::summary::ProblemRow;
use crate::tui::geometry::{Area, Frame, Pane};
use crate::tui::state::{ProblemKey, Selection, State};
use crate::tui::text::{Safe, count, share};

/// Draws the pane.
pub fn render(state: &State, pen: &mut Pen, area: Area, shape: Frame) {
    let rows = state.problems();
    let all = state.snapshot.problems.len();
    let theme = state.theme;
    let mut title = Row::new().text("Problems", theme.strong());
    let arrow = theme.sign("→", "->");
    title = match &state.selection {
        Selection::Edge(edge) => title.own(&format!(" on {}", edge.title(arrow)), theme.quiet()),
        Selection::Node(node) => {
            title.own(&format!(" of {}", node.as_deref().unwrap_or(crate::tui::graph::OUTSIDE)), theme.quiet())
        }
        Selection::None | Selection::Problem(_) => title,
    };
    let (left, room) = (state.all_problems().len(), usize::from(area.w).saturating_sub(title.width() + 16));
    title = title.then(state.filter_words(Some((left, all)), u16::try_from(room).unwrap_or(0)));
    let number = match rows.len() {
        // The filter's words say it.
        number if number == left && left < all => String::new(),
        number if number == all => count(all as u64),
        number => format!("{number} of {all}"),
    };
    frame(state, pen, area, shape, Pane::Problems, title, Row::new().own(&number, theme.quiet()));

    let inner = area.inner(shape);
    if rows.is_empty() {
        return nothing(state, pen, inner, all);
    }
    let lines = lines_each(inner);
    let first = first_row(state, inner);
    for (row, top) in rows.iter().skip(first).zip((inner.y..inner.y + inner.h).step_by(usize::from(lines))) {
        let lit = state.selection == Selection::Problem(ProblemKey::of(row));
        let mark = if lit { theme.sign("▌", ">") } else { " " };
        let style = if lit { theme.focus() } else { Style::new() };
        for y in top..(top + lines).min(inner.y + inner.h) {
            pen.row(inner.x, y, 1, &Row::new().text(mark, style));
        }
        headline(state, pen, inner, (top, lines), row, lit);
        if lines > 1 && top + 1 < inner.y + inner.h {
            let ago = Row::new().own(&ago(state, row), theme.quiet());
            let columns = u16::try_from(ago.width()).unwrap_or(0).min(inner.w);
            let width = usize::from(inner.w.saturating_sub(columns + 6));
            let line = Row::new().plain("  ").then(second_line(state, row, width));
            pen.row(inner.x + 1, top + 1, inner.w.saturating_sub(columns + 3), &line);
            pen.row(inner.x + inner.w - columns - 1, top + 1, columns, &ago);
        }
    }
}

fn nothing(state: &State, pen: &mut Pen, area: Area, all: usize) {
    let theme = state.theme;
    let text = if state.all_problems().is_empty() && all > 0 {
        return super::traces::says(state, pen, area, &super::problem_list::nothing(state, all));
    } else if all > 0 {
        "none here: Tab to this list and move to see all".to_owned()
    } else {
        super::problem_list::no_problem(&state.snapshot.totals)
    };
    for (y, line) in (area.y..area.y + area.h).zip(Safe::new(&text).wrap(usize::from(area.w.saturating_sub(2)))) {
        pen.put(area.x + 1, y, area.w.saturating_sub(1), &line, theme.quiet());
    }
}

/// Lines that each problem takes.
fn lines_each(area: Area) -> u16 {
    if area.h >= 4 { 2 } else { 1 }
}

/// The first problem that is shown: the list moves just enough to keep the selected one in sight.
fn first_row(state: &State, area: Area) -> usize {
    let rows = state.problems();
    let fit = usize::from((area.h / lines_each(area)).max(1));
    let at = match &state.selection {
        Selection::Problem(key) => rows.iter().position(|row| ProblemKey::of(row) == *key).unwrap_or(0),
        _ => 0,
    };
    (at + 1).saturating_sub(fit)
}

/// The problem at a line of the screen.
pub fn row_at(state: &State, area: Area, y: u16) -> Option<usize> {
    let line = y.checked_sub(area.y).filter(|line| *line < area.h)?;
    Some(first_row(state, area) + usize::from(line / lines_each(area)))
}

fn headline(state: &State, pen: &mut Pen, area: Area, (y, lines): (u16, u16), row: &ProblemRow, lit: bool) {
    let theme = state.theme;
    let (glyph, word, style) = match (row.verdict, row.finding) {
        (Some(verdict), _) => (theme.glyph(verdict), verdict.name(), theme.verdict(verdict)),
        (None, Some(finding)) => (theme.finding_glyph(), finding.name(), theme.severity(row.severity)),
        (None, None) => (theme.glyph(Verdict::Unknown), "", theme.quiet()),
    };
    // What the policy accepts stands back, and says so where no second line does.
    let (word, style) = match ignored(row) {
        Some(_) if lines == 1 => (format!("{word}, ignored"), theme.quiet()),
        Some(_) => (word.to_owned(), theme.quiet()),
        None => (word.to_owned(), style),
    };
    let width = usize::from(area.w.saturating_sub(2));
    let numbers = share(row.count, row.of, if width < 60 { 10 } else { 23 });
    let ago = ago(state, row);
    // Columns of the right side; ages and then counts give way to names where the pane is narrow.
    let mut right = Row::new().own(&word.replace('_', " "), style);
    if width >= 40 {
        right = right.own(&format!("  {numbers:>10}"), Style::new());
    }
    if width >= 52 && lines == 1 {
        right = right.own(&format!("{ago:>10}"), theme.quiet());
    }
    let room = width.saturating_sub(right.width() + 3);
    let name = Safe::new(&edge(state, row)).fit(room);
    let gap = room.saturating_sub(name.width());
    let left = Row::new()
        .text(glyph, style)
        .plain(" ")
        .safe(name, if lit { theme.strong() } else { Style::new() })
        .own(&" ".repeat(gap + 1), Style::new());
    pen.row(area.x + 1, y, area.w.saturating_sub(1), &left.then(right));
}

fn edge(state: &State, row: &ProblemRow) -> String {
    ProblemKey::of(row).edge.title(state.theme.sign("→", "->"))
}

pub(super) fn ago(state: &State, row: &ProblemRow) -> String {
    format!("{} ago", state.since(row.last_seen))
}

/// Seconds of calls without a problem after which it is said to have ended.
const OVER: u64 = 10;

/// Whether it seems mended: the same call went on without it.
pub(super) fn is_over(state: &State, row: &ProblemRow) -> bool {
    let edge = state.edge(&ProblemKey::of(row).edge);
    edge.is_some_and(|edge| edge.last_seen.0.saturating_sub(row.last_seen.0) >= OVER * 1_000_000_000)
}

fn second_line(state: &State, row: &ProblemRow, width: usize) -> Row {
    let theme = state.theme;
    let what = match (row.cause, row.finding) {
        (Some(cause), _) => cause_text(cause, &row.sample),
        (None, Some(finding)) => finding_detail(finding, &row.sample),
        (None, None) => String::new(),
    };
    let status = row.sample.status.map(|status| Row::new().own(&status.to_string(), theme.quiet()));
    let parts = [
        status,
        Some(Row::new().text(standing(row), theme.severity(row.severity))),
        Some(Row::new().text(row.confidence.name(), theme.quiet())),
    ];
    let mut line = Row::new().own(&what, theme.quiet());
    for part in parts.into_iter().flatten() {
        // A part that does not fit is left out: half a word says less than none.
        if line.width() + part.width() + 3 <= width {
            line = line.text(theme.sign(" · ", " - "), theme.quiet()).then(part);
        }
    }
    line
}

/// Why the policy ignores a problem, if it does: only it makes light of what is accused, and says so on the hop.
pub(super) fn ignored(row: &ProblemRow) -> Option<&str> {
    let hit = row.finding.and_then(|finding| row.sample.findings.iter().find(|hit| hit.finding == finding));
    let said = hit.map_or(row.sample.detail.as_deref(), |hit| Some(&*hit.detail));
    let (_, reason) = said.filter(|_| row.severity == Severity::Info)?.split_once("ignored by the policy: ")?;
    Some(if hit.is_some() { reason.trim_end_matches(')') } else { reason })
}

/// How much a problem matters, in one word.
pub(super) fn standing(row: &ProblemRow) -> &'static str {
    if ignored(row).is_some() { "ignored" } else { row.severity.name() }
}

/// What a finding found on this hop, in words.
pub(super) fn finding_detail(finding: Finding, hop: &Hop) -> String {
    let hit = hop.findings.iter().find(|hit| hit.finding == finding);
    hit.map_or_else(|| finding_text(finding).to_owned(), |hit| hit.detail.clone())
}

/// A cause in words, with the names of the hop where they help.
pub fn cause_text(cause: Cause, hop: &Hop) -> String {
    let caller = hop.caller.as_ref().map_or("the caller", |party| &party.service);
    let callee = &hop.callee.service;
    match cause {
        Cause::NotSent => format!("not sent by {caller}"),
        Cause::Stripped => "taken off on the way".to_owned(),
        Cause::Lost => "lost between what came in and what arrived".to_owned(),
        Cause::Placeholder => "sent as a placeholder such as `undefined`".to_owned(),
        Cause::Prefix => "the same token behind a broken scheme".to_owned(),
        Cause::Reencoded => "the same token, quoted or percent-encoded".to_owned(),
        Cause::Truncated => "the token was cut".to_owned(),
        Cause::SignatureStripped => "its signature was taken off".to_owned(),
        Cause::Tampered => "same signature, other content".to_owned(),
        Cause::Resigned => "same content, signed anew".to_owned(),
        Cause::SubjectSwitched => "another subject's token".to_owned(),
        Cause::Reminted => "another token was made".to_owned(),
        Cause::Replaced => "another token, of which nothing shows".to_owned(),
        Cause::Signature => format!("{callee} finds the signature wrong"),
        Cause::UnknownKey => format!("{callee} has no key for it"),
        Cause::Algorithm => format!("{callee} does not allow its algorithm"),
        Cause::Expired => "expired".to_owned(),
        Cause::NotYetValid => "not valid yet".to_owned(),
        Cause::Audience => format!("{callee} is not its audience"),
        Cause::Issuer => format!("{callee} does not accept its issuer"),
        Cause::Claim => "a claim is missing or wrong".to_owned(),
        Cause::Malformed => format!("{callee} cannot read it"),
        Cause::Multiple => "more than one token".to_owned(),
        Cause::JwksUnavailable => format!("{callee} could not fetch its keys"),
        Cause::Missing => format!("{callee} says that it saw none"),
        Cause::Forbidden => "known, but not allowed".to_owned(),
        Cause::Rejected => format!("refused by {callee}, which does not say why"),
        other => other.name().replace('_', " "),
    }
}

const fn finding_text(finding: Finding) -> &'static str {
    match finding {
        Finding::Leaked => "a received token goes to a host outside",
        Finding::Exposed => "a token stands in plain text",
        Finding::AcceptedUnverified => "accepted without a check",
        Finding::Disagreement => "accepted by one, refused by another",
        Finding::ScopeWidened => "more scopes than before",
        Finding::BoundTokenForwarded => "a bound token sent as a plain bearer",
        Finding::MultipleTokens => "two different tokens at once",
        Finding::ExpiredInFlight => "expired on the way",
        Finding::Unwanted => "the policy wants no token here",
        Finding::Moved => "the same token in another carrier",
        Finding::LongLived => "lives longer than it should",
    }
}
