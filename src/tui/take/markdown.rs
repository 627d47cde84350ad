//! A problem as Markdown, for an issue or a chat: nothing in it is markup but what stands here.

use std::fmt::Write as _;

use crate::model::text::Safe;
use crate::model::{Anomaly, Hop, Presence, Side, TraceId};
use crate::trail::summary::ProblemRow;
use crate::tui::graph::OUTSIDE;
use crate::tui::theme::Theme;
use crate::tui::view::evidence::{check, claims_of, differences_of, why};
use crate::tui::view::problems::cause_text;

/// Traces that are named.
const TRACES: usize = 5;

/// The hop, with what is known of all hops like it where it stands for a problem.
pub fn hop(hop: &Hop, problem: Option<&ProblemRow>, traces: &[TraceId]) -> String {
    let caller = hop.caller.as_ref().map_or(OUTSIDE, |party| &party.service);
    let theme = Theme::default();
    let finding = problem.and_then(|row| row.finding);
    let (mark, what) = match finding {
        Some(finding) => (theme.finding_glyph(), finding.name().replace('_', " ")),
        None => (theme.glyph(hop.verdict), hop.verdict.name().to_owned()),
    };
    let edge = code(&format!("{caller} → {}", hop.callee.service));
    let mut text = format!("### {mark} {edge} {what}\n\n| | |\n|---|---|\n");
    let mut row = |label: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "| {label} | {value} |");
        }
    };
    row("verdict", verdict(hop, problem));
    let way: Vec<&str> =
        std::iter::once(caller).chain(hop.waypoints.iter().map(|name| &**name)).chain([&*hop.callee.service]).collect();
    row("path", code(&way.join(" → ")));
    let status = hop.status.map(|status| format!(" answered {status}")).unwrap_or_default();
    row("request", format!("{}{status} at {}", code(&hop.operation), hop.start.rfc3339()));
    if hop.caller.is_some() {
        row("inbound", side(&hop.inbound, hop));
        row("sent", side(&hop.sent, hop));
    }
    row("received", side(&hop.received, hop));
    row("check", code(&check(hop)));
    row("changed", code(&differences_of(hop).join(", ")));
    row("detail", hop.detail.as_deref().map(code).unwrap_or_default());
    for hit in &hop.findings {
        row("also", format!("{}: {}", hit.finding.name().replace('_', " "), code(&hit.detail)));
    }
    let hint = problem.and_then(|row| row.hint.as_deref()).or(hop.hint.as_deref());
    row("look at", hint.map(plain).map(|hint| format!("**{hint}**")).unwrap_or_default());
    row("why", plain(&why(hop)));
    if let Some(problem) = problem {
        row("seen", format!("{} to {}", problem.first_seen.rfc3339(), problem.last_seen.rfc3339()));
    }
    let named: Vec<String> = traces.iter().take(TRACES).map(|id| code(&id.to_string())).collect();
    row("traces", named.join(" "));
    text
}

fn verdict(hop: &Hop, problem: Option<&ProblemRow>) -> String {
    let mut parts = vec![match problem.and_then(|row| row.finding) {
        Some(finding) => finding.name().replace('_', " "),
        None => hop.verdict.name().to_owned(),
    }];
    let cause = problem.map_or(hop.cause, |row| row.cause);
    parts.extend(cause.map(|cause| code(&cause_text(cause, hop))));
    parts.push(problem.map_or(hop.severity, |row| row.severity).name().to_owned());
    parts.push(problem.map_or(hop.confidence, |row| row.confidence).name().to_owned());
    parts.extend(problem.map(|row| format!("{} of {} hops", row.count, row.of)));
    parts.join(", ")
}

fn side(side: &Side, hop: &Hop) -> String {
    let ground = if side.ground.is_empty() { String::new() } else { format!(": {}", code(&side.ground)) };
    match (&side.token, side.presence) {
        (Some(token), _) => {
            let facts = claims_of(token, hop).join(", ");
            format!("token {} in {}, {}", code(&token.short_name()), code(&side.carrier), code(&facts))
        }
        (None, _) if side.anomalies.contains(Anomaly::Placeholder) => format!("a placeholder, no token{ground}"),
        (None, Presence::Absent) => format!("no token{ground}"),
        (None, Presence::Unknown) => format!("not known{ground}"),
        (None, other) => format!("{}{ground}", other.name()),
    }
}

/// Text of this program's own words with names in it, harmless within a table.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in Safe::new(text).as_str().chars() {
        if matches!(c, '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#' | '&') {
            out.push('\\');
        }
        out.push(if c == '@' { '＠' } else { c });
    }
    out
}

/// Foreign text as code: a bar would end the cell even there, so it becomes one that looks alike.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = Safe::new(text).as_str().replace('|', "│");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(code("a|b`c"), "``a│b`c``");
        assert_eq!(plain("[x](y) *z* @all"), "\\[x\\](y) \\*z\\* ＠all");
    }
}
