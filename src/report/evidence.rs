//! What a hop shows, in labelled lines: the way of the request, what each end saw of the token, what was answered.

use std::fmt::Write as _;

use super::safe::{push, safe};
use super::{Issue, Style, path, words};
use crate::model::{Anomaly, Hop, Presence, Reason, Side, Token, VerifyResult, VerifySource};

/// All that is shown of an issue below its headline, each line with its label.
pub(super) fn lines(issue: &Issue, style: Style) -> Vec<(&'static str, String)> {
    let hop = &issue.sample;
    let mut lines = vec![("path", path::draw(&issue.path, style)), ("request", request(hop))];
    lines.extend(sides(hop, style));
    if !hop.waypoints.is_empty() {
        let names: Vec<String> = hop.waypoints.iter().map(|name| safe(name).to_string()).collect();
        lines.push(("through", names.join(", ")));
    }
    lines.extend(answer(hop).map(|text| ("answer", text)));
    lines.extend(words::detail(issue).map(|detail| ("detail", safe(detail).to_string())));
    lines.extend(words::advice(issue).map(|(label, text)| (label, style.bold(safe(text)))));
    lines.push(("traces", traces(issue)));
    lines
}

/// What is shown of an issue of a kind that was shown in full before.
pub(super) fn short(issue: &Issue, like: &str, style: Style) -> Vec<(&'static str, String)> {
    let mut lines = vec![("path", path::draw(&issue.path, style)), ("request", request(&issue.sample))];
    lines.extend(answer(&issue.sample).map(|text| ("answer", text)));
    lines.extend(words::detail(issue).map(|detail| ("detail", safe(detail).to_string())));
    lines.extend(words::advice(issue).map(|(label, _)| (label, format!("the same as for {like}"))));
    lines.push(("traces", traces(issue)));
    lines
}

fn traces(issue: &Issue) -> String {
    let traces: Vec<String> = issue.traces.iter().map(ToString::to_string).collect();
    traces.join(" ")
}

fn request(hop: &Hop) -> String {
    format!("{}  at {}", safe(&hop.operation), hop.start.rfc3339())
}

/// The three observations, each with its label.
fn sides(hop: &Hop, style: Style) -> Vec<(&'static str, String)> {
    let received = |before: Option<&Side>| {
        if hop.callee.span_id.is_none() {
            format!("not known  {}", style.dim("it sends no spans"))
        } else {
            side(&hop.received, before, style)
        }
    };
    // An entry hop has one observation: what arrived.
    if hop.caller.is_none() {
        return vec![("received", received(None))];
    }
    let before_received = if hop.sent.token.is_some() { &hop.sent } else { &hop.inbound };
    vec![
        ("inbound", side(&hop.inbound, None, style)),
        ("sent", side(&hop.sent, Some(&hop.inbound), style)),
        ("received", received(Some(before_received))),
    ]
}

/// One observation. Of a token that was described one line above, only what is new is said.
fn side(side: &Side, before: Option<&Side>, style: Style) -> String {
    let placeholder = side.token.is_none() && side.anomalies.contains(Anomaly::Placeholder);
    let mut line = match (&side.token, side.presence) {
        (Some(token), _) => style.bold(token.short_name()),
        (None, _) if placeholder => "a placeholder, no token".to_owned(),
        (None, Presence::Present) => "a token".to_owned(),
        (None, Presence::Absent) => style.nothing().to_owned(),
        (None, Presence::Unknown) => "not known".to_owned(),
        (None, Presence::Redacted) => "hidden".to_owned(),
        (None, Presence::None) => "none".to_owned(),
    };
    let same = before.filter(|before| side.token.is_some() && before.token == side.token);
    let mut facts = Vec::new();
    if same.is_some() {
        facts.push("the same token".to_owned());
    }
    if !side.carrier.is_empty()
        && side.presence != Presence::Absent
        && same.is_none_or(|before| before.carrier != side.carrier)
    {
        facts.push(side.carrier.to_string());
    }
    if let Some(token) = side.token.as_ref().filter(|_| same.is_none()) {
        facts.extend(claims(token));
    }
    if !placeholder {
        facts.extend(side.anomalies.names().map(|name| name.replace('_', " ")));
    }
    if !facts.is_empty() {
        line.push_str("  ");
        push(&mut line, &facts.join(", "));
    }
    if !side.ground.is_empty() && !placeholder {
        let mut ground = String::new();
        push(&mut ground, &side.ground);
        line.push_str("  ");
        line.push_str(&style.dim(ground));
    }
    line
}

/// What tells one token from another, for people.
fn claims(token: &Token) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(token.alg.iter().map(ToString::to_string));
    facts.extend(token.kid.iter().map(|kid| format!("kid {kid}")));
    facts.extend(token.iss.iter().map(|issuer| format!("issuer {issuer}")));
    if !token.aud.is_empty() {
        let audiences: Vec<&str> = token.aud.iter().map(AsRef::as_ref).collect();
        facts.push(format!("audience {}", audiences.join(" ")));
    }
    facts.extend(token.subject_name().map(|name| format!("subject {name}")));
    facts
}

/// What the callee answered and what its check said: `401, no reason given`.
fn answer(hop: &Hop) -> Option<String> {
    let check = &hop.verification;
    let status = hop.status.map(|status| if status < 100 { format!("gRPC {status}") } else { status.to_string() });
    let said = match (check.result, check.reason) {
        (VerifyResult::Ok, _) => Some("the token was verified"),
        (VerifyResult::Skipped, _) => Some("the token was not verified"),
        // What was recorded is a reason, though none that is known here.
        (_, Some(Reason::Rejected)) if check.source != Some(VerifySource::Status) => Some("the token was refused"),
        (_, Some(reason)) => Some(reason_words(reason)),
        (VerifyResult::Failed, None) => Some("the token was refused"),
        (VerifyResult::Unknown, None) => None,
    };
    // A bare status is no source that needs naming beside itself.
    let source = check.source.filter(|_| said.is_some()).and_then(|source| match source {
        VerifySource::Service => Some("it says so itself"),
        VerifySource::Rejection => Some("by what it recorded"),
        VerifySource::Jwtrail => Some("by jwtrail's own check"),
        VerifySource::Status => None,
    });
    let parts: Vec<&str> = status.as_deref().into_iter().chain(said).collect();
    if parts.is_empty() {
        return None;
    }
    let mut line = parts.join(", ");
    if let Some(source) = source {
        let _ = write!(line, " ({source})");
    }
    // The detail often begins with the text that the reason was read from: said once is enough.
    let told = |evidence: &str| hop.detail.as_deref().is_some_and(|detail| detail.contains(evidence));
    if let Some(evidence) = check.evidence.as_deref().filter(|evidence| !told(evidence)) {
        line.push_str("  ");
        push(&mut line, evidence);
    }
    if let Some(span) = check.relayed_from.map(|span| span.to_string()).filter(|span| !told(span)) {
        let _ = write!(line, "  relayed from span {span}");
    }
    Some(line)
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Signature => "the signature does not verify",
        Reason::UnknownKey => "no key for its kid",
        Reason::Algorithm => "algorithm not allowed",
        Reason::Expired => "the token is expired",
        Reason::NotYetValid => "the token is not valid yet",
        Reason::Audience => "the token is meant for another audience",
        Reason::Issuer => "the token is from another issuer",
        Reason::Claim => "a claim is missing or wrong",
        Reason::Malformed => "not a token that can be read",
        Reason::Multiple => "more than one token",
        Reason::JwksUnavailable => "the key set could not be fetched",
        Reason::Missing => "it saw no token",
        Reason::Forbidden => "the token is known, but not allowed",
        Reason::Rejected => "no reason given",
    }
}
