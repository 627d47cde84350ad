//! The evidence of one hop: where to look, what came in, was sent and arrived, what the callee said, what became of the
//! token, and how sure that is.

mod claims;
mod life;
mod page;
mod sides;
mod why;

use ratatui::style::Style;

use super::pen::Row;
use crate::model::{Cause, Finding, Hop, Reason, SpanId, Verdict, VerifyResult, VerifySource};
use crate::tui::theme::Theme;

pub(super) use page::Page;
pub(crate) use sides::claims as claims_of;
pub(crate) use why::why;

/// A hop's evidence in lines of so many columns, the most important ones first.
pub fn rows(hop: &Hop, width: usize, theme: Theme) -> Vec<Row> {
    let mut page = Page::new(width, theme);
    page.hop(hop, hop.hint.as_deref(), None);
    page.done()
}

/// The claims in which the token changed, each as `name old → new`; empty where it did not.
pub(crate) fn differences_of(hop: &Hop) -> Vec<String> {
    let compared = claims::pair(hop).map(|(old, new)| claims::compared(old, new)).unwrap_or_default();
    let differing = compared.into_iter().filter(|claim| claim.old != claim.new);
    differing.map(|claim| format!("{} {} → {}", claim.name, claim.old, claim.new)).collect()
}

/// The beginning of a span's id: enough to find it by.
pub fn short(span: SpanId) -> String {
    span.to_string().chars().take(8).collect()
}

impl Page {
    /// All of it. The hint comes first: it is what people came for. A finding that is told already is left out.
    pub(super) fn hop(&mut self, hop: &Hop, hint: Option<&str>, told: Option<Finding>) {
        if let Some(hint) = hint {
            self.text("look at", hint, self.theme.strong());
        }
        self.way_back(hop);
        // What the verdict is about stands above what it was seen by.
        let (aged, changed) = (is_of_time(hop), hop.verdict == Verdict::Changed);
        if aged {
            self.life(hop);
        }
        if changed {
            self.differences(hop);
        }
        self.sides(hop);
        self.answer(hop);
        if !changed {
            self.differences(hop);
        }
        if !aged {
            self.life(hop);
        }
        self.on_the_way(hop);
        for hit in hop.findings.iter().filter(|hit| Some(hit.finding) != told) {
            let style = self.theme.severity(hit.severity);
            let name = hit.finding.name().replace('_', " ");
            let before = Row::new().text(self.theme.finding_glyph(), style).own(&format!(" {name}: "), style);
            self.text_after("also", before, &hit.detail, Style::new());
        }
        self.text("why", &why(hop), Style::new());
        // A list of calls knows no trace.
        if hop.trace_id.is_zero() {
            return;
        }
        let mut trace = vec![Row::new().own(&hop.trace_id.to_string(), self.theme.quiet())];
        trace.extend(hop.caller.as_ref().and_then(|party| {
            let other = party.trace_id?;
            Some(Row::new().own(&format!("called from trace {other}"), self.theme.quiet()))
        }));
        self.parts("trace", Row::new(), trace);
    }

    fn answer(&mut self, hop: &Hop) {
        let mut answer = vec![Row::new().own(&hop.operation, Style::new())];
        if let Some(status) = hop.status {
            let style = if status == 401 || status == 403 { self.theme.strong() } else { Style::new() };
            answer.push(Row::new().own(&format!("{status} from {}", hop.callee.service), style));
        }
        answer.push(Row::new().own(&check(hop), Style::new()));
        if answer.iter().any(|part| part.width() > 0) {
            self.parts("answer", Row::new(), answer);
        }
    }

    /// A refusal that only passes through here, and the hop that is to blame.
    fn way_back(&mut self, hop: &Hop) {
        let status = hop.status.map_or_else(|| "the refusal".to_owned(), |status| format!("the {status}"));
        if let Some(span) = hop.verification.relayed_from {
            let callee = &hop.callee.service;
            let way = format!("{status} comes from span {} further down, {callee} only hands it back", short(span));
            self.text("way back", &way, self.theme.warning());
        }
        if let Some(span) = hop.blame {
            let way = format!("lost before: span {} is where it broke, this hop only shows it", short(span));
            self.text("blame", &way, self.theme.warning());
        }
    }

    fn on_the_way(&mut self, hop: &Hop) {
        if hop.gap {
            self.text("gap", "a part of the way was not seen", self.theme.quiet());
        }
        if !hop.waypoints.is_empty() {
            let names: Vec<&str> = hop.waypoints.iter().map(|name| &**name).collect();
            self.text("through", &names.join(", "), Style::new());
        }
        // The check was quoted above.
        let quoted = |detail: &&str| hop.verification.evidence.as_deref() != Some(*detail);
        if let Some(detail) = hop.detail.as_deref().filter(quoted) {
            self.text("detail", detail, Style::new());
        }
    }
}

/// Whether the token's life is what it was refused for.
fn is_of_time(hop: &Hop) -> bool {
    let reasons = [Some(Reason::Expired), Some(Reason::NotYetValid)];
    matches!(hop.cause, Some(Cause::Expired | Cause::NotYetValid)) || reasons.contains(&hop.verification.reason)
}

/// What the callee's check said, and who says so.
pub(crate) fn check(hop: &Hop) -> String {
    let check = &hop.verification;
    let own = check.source == Some(VerifySource::Jwtrail);
    let reason = check.reason.map_or_else(String::new, |reason| format!(": {}", reason.name().replace('_', " ")));
    let mut said = match check.result {
        VerifyResult::Ok if own => "jwtrail finds it valid".to_owned(),
        VerifyResult::Ok => "verified".to_owned(),
        VerifyResult::Failed if own => format!("jwtrail's own check fails{reason}"),
        VerifyResult::Failed => format!("refused{reason}"),
        VerifyResult::Skipped => "says that it does not verify".to_owned(),
        VerifyResult::Unknown => return String::new(),
    };
    if check.source == Some(VerifySource::Status) {
        said.push_str(", by its status alone");
    }
    if let Some(evidence) = check.evidence.as_deref() {
        said = format!("{said}, \"{evidence}\"");
    }
    said
}
