//! How sure a verdict is, in words that name what it stands on.

use crate::model::{Cause, Confidence, Hop, Presence, Side, Verdict, VerifySource};

/// Clauses of grounds that infer an absence instead of seeing it (tagging.md section 3).
const INFERRED: [&str; 5] = [
    "captured other headers",
    "captures Authorization on other spans",
    "refusal says",
    "said to capture everything",
    "carries another credential",
];

/// Why it is proven, likely or possible: one sentence.
pub(crate) fn why(hop: &Hop) -> String {
    let doubts = doubts(hop);
    let doubts =
        if doubts.is_empty() { "what was seen allows another reading too".to_owned() } else { doubts.join("; ") };
    match hop.confidence {
        Confidence::Proven if hop.verdict == Verdict::Failed => match hop.verification.source {
            Some(VerifySource::Jwtrail) => {
                "proven: it was refused, and jwtrail's own check finds the reason".to_owned()
            }
            _ => "proven: the callee's refusal and its reason are on record".to_owned(),
        },
        // Nothing was looked at where nothing could be: a list of calls has no span.
        Confidence::Proven if hop.verdict == Verdict::Unknown => {
            format!("nothing was there to judge by: {}", hop.received.ground)
        }
        Confidence::Proven => {
            "proven: each side that the verdict stands on was looked at, nothing is inferred".to_owned()
        }
        Confidence::Likely => format!("likely, not proven: {doubts}"),
        Confidence::Possible => format!("only possible: {doubts}"),
    }
}

fn doubts(hop: &Hop) -> Vec<String> {
    let mut doubts = Vec::new();
    let callee = &hop.callee.service;
    if let Some(caller) = &hop.caller {
        doubts.extend(doubt(&hop.sent, &format!("what {} sent", caller.service)));
        if hop.inbound.ground.starts_with("known from the hop above") {
            doubts.push(format!("what {} received is taken from the hop above", caller.service));
        } else {
            doubts.extend(doubt(&hop.inbound, &format!("what {} received", caller.service)));
        }
    }
    if hop.callee.span_id.is_none() {
        doubts.push(format!("{callee} sends no spans"));
    } else {
        doubts.extend(doubt(&hop.received, &format!("what {callee} received")));
    }
    if hop.gap {
        doubts.push("a part of the way was not seen".to_owned());
    }
    if hop.verdict == Verdict::Failed && matches!(hop.verification.source, Some(VerifySource::Status) | None) {
        doubts.push(format!("{callee} refused, and no reason was recorded"));
    }
    if hop.verdict == Verdict::Exchanged && hop.cause == Some(Cause::OpaqueToJws) {
        doubts.push("that it was exchanged is read from the tokens' forms".to_owned());
    }
    doubts
}

fn doubt(side: &Side, what: &str) -> Option<String> {
    match side.presence {
        Presence::Unknown => Some(format!("{what} is not known, {}", side.ground)),
        Presence::Redacted => Some(format!("{what} was hidden before it came here")),
        Presence::Absent if INFERRED.iter().any(|clause| side.ground.contains(clause)) => {
            Some(format!("that {what} held no token is inferred: {}", side.ground))
        }
        _ => None,
    }
}
