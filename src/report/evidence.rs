//! What each end of a hop saw, in words.

use std::fmt::Write as _;

use super::Style;
use super::safe::push;
use crate::model::{Hop, Presence, Reason, Side, Token, VerifyResult, VerifySource};

/// The three observations, each with its label.
pub(super) fn sides(hop: &Hop, style: Style) -> Vec<(&'static str, String)> {
    let mut lines = vec![("sent", side(&hop.sent, style)), ("received", side(&hop.received, style))];
    match &hop.caller {
        // An entry hop has one observation: what arrived.
        None => drop(lines.remove(0)),
        Some(_) => lines.insert(0, ("inbound", side(&hop.inbound, style))),
    }
    lines
}

fn side(side: &Side, style: Style) -> String {
    let mut line = match (&side.token, side.presence) {
        (Some(token), _) => style.bold(token.short_name()),
        (None, Presence::Present) => "a token".to_owned(),
        (None, Presence::Absent) => style.nothing().to_owned(),
        (None, Presence::Unknown) => "not known".to_owned(),
        (None, Presence::Redacted) => "hidden".to_owned(),
        (None, Presence::None) => "none: it answers no request".to_owned(),
    };
    let mut facts = Vec::new();
    if !side.carrier.is_empty() && side.presence != Presence::Absent {
        facts.push(side.carrier.to_string());
    }
    if let Some(token) = &side.token {
        facts.extend(claims(token));
    }
    facts.extend(side.anomalies.names().map(|name| name.replace('_', " ")));
    if !facts.is_empty() {
        line.push_str("  ");
        push(&mut line, &facts.join(", "));
    }
    if !side.ground.is_empty() {
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
    let digits = token.sub_hash.as_ref().and_then(|hash| hash.as_str().split_once(':').map(|(_, digits)| digits));
    facts.extend(digits.map(|digits| format!("subject {}", digits.chars().take(4).collect::<String>())));
    facts
}

/// What the callee's check said, `None` where nothing is known.
pub(super) fn verification(hop: &Hop) -> Option<String> {
    let check = &hop.verification;
    if check.result == VerifyResult::Unknown && check.reason.is_none() {
        return None;
    }
    let mut line = check.result.name().to_owned();
    if let Some(reason) = check.reason {
        line.push_str(": ");
        line.push_str(reason_words(reason));
    }
    let source = check.source.map(|source| match source {
        VerifySource::Service => "it says so itself",
        VerifySource::Rejection => "by what it recorded",
        VerifySource::Jwtrail => "by jwtrail's own check",
        VerifySource::Status => "by its status",
    });
    if let Some(source) = source {
        let _ = write!(line, " ({source})");
    }
    // The detail often begins with the text that the reason was read from: said once is enough.
    let said = |evidence: &str| hop.detail.as_deref().is_some_and(|detail| detail.contains(evidence));
    if let Some(evidence) = check.evidence.as_deref().filter(|evidence| !said(evidence)) {
        line.push_str("  ");
        push(&mut line, evidence);
    }
    if let Some(span) = check.relayed_from {
        let _ = write!(line, "  relayed from span {span}");
    }
    Some(line)
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Signature => "the signature does not verify",
        Reason::UnknownKey => "no key for its kid",
        Reason::Algorithm => "algorithm not allowed",
        Reason::Expired => "expired",
        Reason::NotYetValid => "not valid yet",
        Reason::Audience => "meant for another audience",
        Reason::Issuer => "from another issuer",
        Reason::Claim => "a claim is missing or wrong",
        Reason::Malformed => "not a token that can be read",
        Reason::Multiple => "more than one token",
        Reason::JwksUnavailable => "the key set could not be fetched",
        Reason::Missing => "it saw no token",
        Reason::Forbidden => "known, but not allowed",
        Reason::Rejected => "refused, nobody says why",
    }
}
