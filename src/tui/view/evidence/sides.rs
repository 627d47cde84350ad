//! The three observations: side by side where there is width, below each other else.

use ratatui::style::Style;

use super::page::{LABEL, Page};
use super::short;
use crate::model::{Anomaly, Hop, Presence, Segment, Side, SubjectKind, Token};
use crate::tui::text::stretch;
use crate::tui::view::pen::Row;

/// Columns from which on three sides stand beside each other.
const WIDE: usize = 96;
/// Columns between two of them.
const BETWEEN: usize = 3;

impl Page {
    /// What came in, what was sent, what arrived. An entry hop has only the last.
    pub(super) fn sides(&mut self, hop: &Hop) {
        let from = hop.caller.is_some();
        if from && self.width >= WIDE {
            return self.beside(hop);
        }
        if from {
            self.side("inbound", &hop.inbound, None, hop);
            self.side("sent", &hop.sent, Some(("inbound", &hop.inbound)), hop);
        }
        self.side("received", &hop.received, from.then_some(("sent", &hop.sent)), hop);
    }

    fn beside(&mut self, hop: &Hop) {
        let theme = self.theme;
        let width = (self.width - LABEL - 2 * BETWEEN) / 3;
        let sides = [
            ("inbound", &hop.inbound, None),
            ("sent", &hop.sent, Some(("inbound", &hop.inbound))),
            ("received", &hop.received, Some(("sent", &hop.sent))),
        ];
        let columns = sides.map(|(_, side, before)| {
            let mut column = Page::column(width, theme);
            column.side("", side, before, hop);
            column.rows
        });
        let mut head = self.label("token");
        for (at, (name, ..)) in sides.iter().enumerate() {
            if at > 0 {
                head = pad(head, LABEL + at * (width + BETWEEN) - BETWEEN).then(self.step(hop, at));
            }
            head = pad(head, LABEL + at * (width + BETWEEN)).text(name, theme.quiet());
        }
        self.rows.push(head);
        let lines = columns.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let mut row = Row::new();
            for (at, column) in columns.iter().enumerate() {
                if let Some(cell) = column.get(line) {
                    row = pad(row, LABEL + at * (width + BETWEEN)).then(fit(cell, width));
                }
            }
            self.rows.push(row);
        }
    }

    /// The sign between two sides: the verdict where the token broke.
    fn step(&self, hop: &Hop, at: usize) -> Row {
        let broke = match hop.segment {
            Some(Segment::Relay) => at == 1,
            Some(Segment::Transit) => at == 2,
            _ => false,
        };
        if hop.verdict.accuses() && broke {
            Row::new().text(self.theme.glyph(hop.verdict), self.theme.verdict(hop.verdict))
        } else {
            Row::new().text(self.theme.sign("▸", ">"), self.theme.quiet())
        }
    }

    /// One observation; what is like the one before it says so instead of saying it again.
    fn side(&mut self, label: &'static str, side: &Side, before: Option<(&'static str, &Side)>, hop: &Hop) {
        let theme = self.theme;
        let Some(token) = side.token.as_deref() else {
            let word = match side.presence {
                _ if side.anomalies.contains(Anomaly::Placeholder) => "placeholder:",
                Presence::Absent => theme.sign("—", "-"),
                Presence::Unknown => "?",
                other => other.name(),
            };
            let before = Row::new().own(&format!("{word} "), theme.strong());
            return self.text_after(label, before, &ground(side), theme.quiet());
        };
        let name = token.short_name();
        let style = theme.token(&name);
        let alike = before.filter(|(_, other)| {
            other.token.as_deref() == Some(token) && other.carrier == side.carrier && other.anomalies == side.anomalies
        });
        let before = Row::new().own(&name, style).plain(" ").text(theme.sign("●", "o"), style).plain(" ");
        let shown = Row::new().own(&ground(side), theme.quiet());
        if let Some((other, _)) = alike {
            let same = Row::new().text("the same as ", theme.quiet()).text(other, theme.quiet());
            return self.parts(label, before, vec![same, shown]);
        }
        let mut parts = vec![Row::new().own(carrier(&side.carrier), Style::new())];
        parts.extend(claims(token, hop).into_iter().map(|claim| Row::new().own(&claim, Style::new())));
        parts.extend(side.anomalies.names().map(|name| Row::new().own(&name.replace('_', " "), theme.warning())));
        parts.push(shown);
        self.parts(label, before, parts);
    }
}

/// A row filled up with blanks.
fn pad(row: Row, columns: usize) -> Row {
    let missing = columns.saturating_sub(row.width());
    row.own(&" ".repeat(missing), Style::new())
}

/// A row cut to its column.
fn fit(row: &Row, columns: usize) -> Row {
    let mut out = Row::new();
    for (text, style) in row.parts() {
        let room = columns.saturating_sub(out.width());
        if room == 0 {
            break;
        }
        out = out.safe(text.fit(room), *style);
    }
    out
}

/// Why this is known, and the span that shows it.
fn ground(side: &Side) -> String {
    let span = side.span_id.map(short);
    match span {
        None => side.ground.clone(),
        // That it was seen is said by showing it.
        Some(span) if side.token.is_some() && side.ground.starts_with("seen on the ") => {
            format!("{} {span}", side.ground.trim_start_matches("seen on the "))
        }
        Some(span) => format!("{} (span {span})", side.ground),
    }
}

/// A carrier as people call it.
pub(crate) fn carrier(carrier: &str) -> &str {
    carrier.strip_prefix("header:").unwrap_or(carrier)
}

/// What is known of a token, each a few words.
pub(crate) fn claims(token: &Token, hop: &Hop) -> Vec<String> {
    let mut claims = Vec::new();
    claims.extend(token.alg.as_deref().map(str::to_owned));
    claims.extend(token.kid.as_deref().map(|kid| format!("kid {kid}")));
    claims.extend(token.subject_name().map(|name| {
        let kind = if token.subject_kind == Some(SubjectKind::Workload) { "workload" } else { "subject" };
        format!("{kind} {name}")
    }));
    claims.extend(token.exp.map(|exp| {
        let left = exp.saturating_sub(hop.start.seconds());
        if left >= 0 {
            format!("expires in {}", stretch(left.unsigned_abs()))
        } else {
            format!("expired {} before", stretch(left.unsigned_abs()))
        }
    }));
    if claims.is_empty() {
        claims.push("no claims shown".to_owned());
    }
    claims
}
