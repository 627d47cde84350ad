//! The evidence: what came in, what was sent, what arrived, what the callee said, and where to look.

use ratatui::style::Style;

use super::frame;
use super::pen::{Pen, Row};
use super::problems::cause_text;
use crate::model::{Anomaly, Hop, Presence, Segment, Side, SubjectKind, Token, Verdict, VerifyResult, VerifySource};
use crate::trail::summary::{EdgeRow, ProblemRow};
use crate::tui::geometry::{Area, Frame, Pane};
use crate::tui::graph::OUTSIDE;
use crate::tui::state::{Selection, State};
use crate::tui::text::{Safe, count, stretch};
use crate::tui::theme::{Theme, sparkline};

/// Columns of the labels at the left.
const LABEL: usize = 10;

/// Draws the pane.
pub fn render(state: &State, pen: &mut Pen, area: Area, shape: Frame) {
    let inner = area.inner(shape);
    let rows = rows(state, inner);
    let over = rows.len().saturating_sub(usize::from(inner.h));
    let note = match over {
        0 => Row::new(),
        _ => Row::new()
            .own(&format!("{} lines more", over.saturating_sub(usize::from(state.scroll))), state.theme.quiet()),
    };
    frame(state, pen, area, shape, Pane::Detail, title(state), note);
    let first = usize::from(state.scroll).min(over);
    for (y, row) in (inner.y..inner.y + inner.h).zip(rows.iter().skip(first)) {
        pen.row(inner.x, y, inner.w, row);
    }
}

/// Lines that do not fit: how far the pane can be scrolled.
pub fn overflow(state: &State) -> u16 {
    let screen = state.screen();
    let inner = screen.detail.inner(screen.frame);
    let rows = rows(state, inner).len();
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(inner.h)
}

fn title(state: &State) -> Row {
    let theme = state.theme;
    let arrow = theme.sign("→", "->");
    match &state.selection {
        Selection::None => Row::new().text("Evidence", theme.strong()),
        Selection::Node(node) => Row::new().own(node.as_deref().unwrap_or(OUTSIDE), theme.strong()),
        Selection::Edge(edge) => Row::new().own(&edge.title(arrow), theme.strong()),
        Selection::Problem(key) => Row::new().own(&key.edge.title(arrow), theme.strong()),
    }
}

fn rows(state: &State, area: Area) -> Vec<Row> {
    let mut page = Page {
        theme: state.theme,
        width: usize::from(area.w.saturating_sub(1)),
        height: usize::from(area.h),
        rows: Vec::new(),
    };
    match &state.selection {
        Selection::Problem(key) => {
            if let Some(row) = state.problem(key) {
                page.problem(row);
            }
        }
        Selection::Edge(key) => {
            if let Some(row) = state.edge(key) {
                page.edge(row);
            }
        }
        Selection::Node(Some(name)) => {
            if let Some(row) = state.service(name) {
                page.service(state, row);
            }
        }
        Selection::Node(None) => page.outside(state),
        Selection::None => page.text("", "select an edge or a problem to see its evidence", state.theme.quiet()),
    }
    page.rows
}

/// Lines in the making.
pub(super) struct Page {
    pub(super) theme: Theme,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rows: Vec<Row>,
}

impl Page {
    /// A labelled text, wrapped, the label before its first line.
    pub(super) fn text(&mut self, label: &'static str, text: &str, style: Style) {
        self.text_after(label, Row::new(), text, style);
    }

    /// The same, with something before the text on its first line.
    fn text_after(&mut self, label: &'static str, before: Row, text: &str, style: Style) {
        let indent = LABEL + before.width();
        let indent = if indent > self.width / 2 { LABEL } else { indent };
        let lines = Safe::new(text).wrap(self.width.saturating_sub(indent).max(10));
        let mut before = Some(before);
        for (at, line) in lines.into_iter().enumerate() {
            let row = if at == 0 { self.label(label) } else { Row::new().own(&" ".repeat(indent), style) };
            self.rows.push(row.then(before.take().unwrap_or_default()).safe(line, style));
        }
    }

    fn label(&self, label: &'static str) -> Row {
        Row::new().own(&format!(" {label:<width$}", width = LABEL - 1), self.theme.quiet())
    }

    /// Parts joined by dots, wrapped between parts, the label before the first line.
    pub(super) fn parts(&mut self, label: &'static str, before: Row, parts: Vec<Row>) {
        let indent = LABEL + before.width();
        let mut row = self.label(label).then(before);
        let mut empty = true;
        for part in parts.into_iter().filter(|part| part.width() > 0) {
            if !empty && row.width() + 3 + part.width() > self.width {
                self.rows.push(std::mem::take(&mut row));
                row = Row::new().own(&" ".repeat(indent), Style::new());
                empty = true;
            }
            if !empty {
                row = row.text(self.theme.sign(" · ", " - "), self.theme.quiet());
            }
            row = row.then(part);
            empty = false;
        }
        self.rows.push(row);
    }

    fn problem(&mut self, row: &ProblemRow) {
        let hop = &row.sample;
        let (glyph, word, style) = match (row.verdict, row.finding) {
            (Some(verdict), _) => (self.theme.glyph(verdict), verdict.name(), self.theme.verdict(verdict)),
            (None, Some(finding)) => (self.theme.finding_glyph(), finding.name(), self.theme.severity(row.severity)),
            (None, None) => ("?", "unknown", self.theme.quiet()),
        };
        let mut parts = vec![Row::new().text(glyph, style).plain(" ").own(&word.replace('_', " "), style)];
        if let Some(cause) = row.cause {
            parts.push(Row::new().own(&cause_text(cause, hop), Style::new()));
        }
        match (row.verdict, row.segment) {
            (Some(Verdict::Changed), Some(Segment::Relay)) => {
                parts.push(Row::new().text("by the caller", Style::new()));
            }
            (Some(Verdict::Changed), Some(Segment::Transit)) => parts.push(Row::new().text("on the way", Style::new())),
            _ => {}
        }
        parts.push(Row::new().text(row.severity.name(), self.theme.severity(row.severity)));
        parts.push(Row::new().text(row.confidence.name(), Style::new()));
        parts.push(Row::new().own(&format!("{} of {} hops", count(row.count), count(row.of)), Style::new()));
        self.parts("verdict", Row::new(), parts);
        self.evidence(hop, row.hint.as_deref().or(hop.hint.as_deref()));
        let minutes = "in 5 min";
        let seen = Row::new().own(&sparkline(&row.spark, self.theme), style).own(
            &format!("  {} {minutes}", count(row.spark.iter().map(|slot| u64::from(*slot)).sum())),
            self.theme.quiet(),
        );
        self.trace(hop, Some(seen));
    }

    fn edge(&mut self, row: &EdgeRow) {
        let hop = &row.sample;
        let style = self.theme.verdict(hop.verdict);
        let mut parts =
            vec![Row::new().text(self.theme.glyph(hop.verdict), style).plain(" ").text(hop.verdict.name(), style)];
        if let Some(cause) = hop.cause {
            parts.push(Row::new().own(&cause_text(cause, hop), Style::new()));
        }
        if !hop.settled {
            parts.push(Row::new().text("not settled: evidence may still come", self.theme.quiet()));
        }
        parts.push(Row::new().text(hop.confidence.name(), Style::new()));
        parts.push(Row::new().own(&format!("{} hops", count(row.hops)), Style::new()));
        if row.rate > 0.0 {
            parts.push(Row::new().own(&format!("{:.1}/s", row.rate), Style::new()));
        }
        self.parts("verdict", Row::new(), parts);
        let tally = Verdict::ALL.iter().filter(|verdict| row.verdicts[**verdict as usize] > 0);
        let tally: Vec<Row> = tally
            .map(|verdict| {
                let number = count(row.verdicts[*verdict as usize]);
                Row::new()
                    .own(&format!("{} {number} {verdict}", self.theme.glyph(*verdict)), self.theme.verdict(*verdict))
            })
            .collect();
        if tally.len() > 1 {
            self.parts("hops", Row::new(), tally);
        }
        self.evidence(hop, hop.hint.as_deref());
        self.trace(hop, None);
    }

    /// The hop and the hint. Where not all of it fits, the hint comes first: it is what people came for.
    fn evidence(&mut self, hop: &Hop, hint: Option<&str>) {
        let start = self.rows.len();
        self.hop(hop);
        let evidence = self.rows.len();
        if let Some(hint) = hint {
            self.text("look at", hint, self.theme.strong());
        }
        if self.rows.len() > self.height {
            self.rows[start..].rotate_left(evidence - start);
        }
    }

    /// What every hop shows: the three observations, the callee's check, the way, the details.
    fn hop(&mut self, hop: &Hop) {
        let caller = hop.caller.as_ref().map(|party| &*party.service);
        if caller.is_some() {
            self.side("inbound", &hop.inbound, None, hop);
            self.side("sent", &hop.sent, Some(("inbound", &hop.inbound)), hop);
        }
        self.side("received", &hop.received, caller.map(|_| ("sent", &hop.sent)), hop);
        let mut answer = vec![Row::new().own(&hop.operation, Style::new())];
        if let Some(status) = hop.status {
            let style = if status == 401 || status == 403 { self.theme.strong() } else { Style::new() };
            answer.push(Row::new().own(&format!("{status} from {}", hop.callee.service), style));
        }
        answer.push(Self::check(hop));
        self.parts("answer", Row::new(), answer);
        if hop.gap {
            self.text("gap", "a part of the way was not seen", self.theme.quiet());
        }
        if !hop.waypoints.is_empty() {
            let names: Vec<&str> = hop.waypoints.iter().map(|name| &**name).collect();
            self.text("through", &names.join(", "), Style::new());
        }
        if let Some(detail) = hop.detail.as_deref() {
            self.text("detail", detail, Style::new());
        }
        for hit in &hop.findings {
            let name = hit.finding.name().replace('_', " ");
            let before = Row::new()
                .text(self.theme.finding_glyph(), self.theme.severity(hit.severity))
                .own(&format!(" {name}: "), self.theme.severity(hit.severity));
            self.text_after("also", before, &hit.detail, Style::new());
        }
    }

    /// One observation; what is like the one before it says so instead of saying it again.
    fn side(&mut self, label: &'static str, side: &Side, before: Option<(&'static str, &Side)>, hop: &Hop) {
        let theme = self.theme;
        let Some(token) = side.token.as_deref() else {
            let word = match side.presence {
                _ if side.anomalies.contains(Anomaly::Placeholder) => "placeholder",
                Presence::Absent => theme.sign("—", "-"),
                Presence::Unknown => "?",
                other => other.name(),
            };
            let before = Row::new().own(&format!("{word:<6} "), theme.strong());
            return self.text_after(label, before, &side.ground, theme.quiet());
        };
        let name = token.short_name();
        let style = theme.token(&name);
        let alike = before.filter(|(_, other)| {
            other.token.as_deref() == Some(token) && other.carrier == side.carrier && other.anomalies == side.anomalies
        });
        let before = Row::new().own(&name, style).plain(" ").text(theme.sign("●", "o"), style).plain(" ");
        if let Some((other, _)) = alike {
            let same = Row::new().text("the same as ", theme.quiet()).text(other, theme.quiet());
            return self.parts(label, before, vec![same]);
        }
        let mut parts = vec![Row::new().own(carrier(&side.carrier), Style::new())];
        parts.extend(claims(token, hop).into_iter().map(|claim| Row::new().own(&claim, Style::new())));
        parts.extend(side.anomalies.names().map(|name| Row::new().own(&name.replace('_', " "), theme.warning())));
        if side.anomalies.contains(Anomaly::Placeholder) || token.fingerprint().is_none() {
            parts.push(Row::new().own(&side.ground, theme.quiet()));
        }
        self.parts(label, before, parts);
    }

    fn check(hop: &Hop) -> Row {
        let check = &hop.verification;
        let own = check.source == Some(VerifySource::Jwtrail);
        let reason = check.reason.map_or_else(String::new, |reason| format!(": {}", reason.name().replace('_', " ")));
        let mut said = match check.result {
            VerifyResult::Ok if own => "jwtrail finds it valid".to_owned(),
            VerifyResult::Ok => "verified".to_owned(),
            VerifyResult::Failed if own => format!("jwtrail's own check fails{reason}"),
            VerifyResult::Failed => format!("refused{reason}"),
            VerifyResult::Skipped => "says that it does not verify".to_owned(),
            VerifyResult::Unknown => return Row::new(),
        };
        if check.source == Some(VerifySource::Status) {
            said.push_str(", by its status alone");
        }
        if let Some(evidence) = check.evidence.as_deref() {
            said = format!("{said}, \"{evidence}\"");
        }
        Row::new().own(&said, Style::new())
    }

    fn trace(&mut self, hop: &Hop, seen: Option<Row>) {
        let mut row = self.label("trace").own(&hop.trace_id.to_string(), self.theme.quiet());
        if let Some(seen) = seen {
            let seen = Row::new().text("   seen ", self.theme.quiet()).then(seen);
            if row.width() + seen.width() > self.width {
                self.rows.push(std::mem::take(&mut row));
                row = self.label("seen").then(seen_only(&seen));
            } else {
                row = row.then(seen);
            }
        }
        self.rows.push(row);
    }
}

/// The sparkline without the words before it: they became the label.
fn seen_only(row: &Row) -> Row {
    let mut rest = Row::new();
    for (text, style) in row.parts().iter().skip(1) {
        rest = rest.safe(text.clone(), *style);
    }
    rest
}

fn carrier(carrier: &str) -> &str {
    carrier.strip_prefix("header:").unwrap_or(carrier)
}

/// What is known of a token, each a few words.
fn claims(token: &Token, hop: &Hop) -> Vec<String> {
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
