//! How bad a verdict is (verdicts.md section 9), and what the policy makes of it.

use ahash::AHashSet;

use crate::model::policy::TokenRule;
use crate::model::{Cause, Confidence, Severity, SpanId, SubjectKind, Verdict};

use super::judge::{Case, Judged};
use super::profile::Fact;

/// Grades every hop of a trace.
pub fn grade(case: &Case<'_, '_>, hops: &mut [Judged<'_>]) {
    // Breaks whose consequences were refused further down.
    let refused_below: AHashSet<SpanId> = hops
        .iter()
        .filter(|hop| hop.ruling.verdict == Verdict::Absent && hop.answer.refused && !hop.recovered)
        .filter_map(|hop| hop.blame)
        .collect();
    for hop in hops {
        let below = hop.key_span(case.forest).is_some_and(|span| refused_below.contains(&span.span_id));
        hop.severity = of(case, hop, below);
    }
}

fn of(case: &Case<'_, '_>, hop: &Judged<'_>, refused_below: bool) -> Severity {
    let severity = match hop.ruling.verdict {
        _ if hop.recovered => return Severity::Info,
        Verdict::Failed if hop.ruling.cause == Some(Cause::Forbidden) => Severity::Medium,
        Verdict::Failed => Severity::High,
        Verdict::Changed => changed(hop),
        Verdict::Dropped => dropped(case, hop, refused_below),
        Verdict::Absent => absent(case, hop),
        _ => Severity::Info,
    };
    if hop.ruling.confidence == Confidence::Possible && hop.ruling.verdict.accuses() {
        severity.min(Severity::Low)
    } else {
        severity
    }
}

fn changed(hop: &Judged<'_>) -> Severity {
    match hop.ruling.cause {
        Some(Cause::Tampered | Cause::SignatureStripped) => Severity::Critical,
        Some(Cause::SubjectSwitched) => {
            let to = hop.ruling.change.as_ref().and_then(|change| change.to);
            let workload = to.is_some_and(|seen| seen.token.subject_kind == Some(SubjectKind::Workload));
            // Where nothing is known of the answer, nothing says that the callee minds.
            let minded = hop.answer.status.is_some() && !hop.answer.accepted();
            match (workload, hop.answer.refused || minded) {
                (false, _) => Severity::Critical,
                (true, true) => Severity::High,
                (true, false) => Severity::Low,
            }
        }
        _ => Severity::High,
    }
}

fn dropped(case: &Case<'_, '_>, hop: &Judged<'_>, refused_below: bool) -> Severity {
    if hop.rule == Some(TokenRule::Required) {
        return Severity::High;
    }
    if hop.redirected {
        return Severity::Low;
    }
    let usual = hop.pair.entry.is_some_and(|entry| {
        let service = case.forest.own().service(entry).clone();
        case.profile.holds(&Fact::ReceivesToken(service, super::facts::folded(&hop.operation)))
    });
    if hop.refused_itself() || refused_below || to_login(case, hop) || usual {
        Severity::High
    } else if hop.answer.accepted() {
        Severity::Low
    } else {
        Severity::Medium
    }
}

/// The callee sent the caller to a login or authorize page.
fn to_login(case: &Case<'_, '_>, hop: &Judged<'_>) -> bool {
    let entries = hop.pair.group.iter().map(|&i| case.forest.own().span(i));
    let calls = hop.pair.chain.iter().map(|&at| case.forest.span(at));
    hop.answer.redirected()
        && entries.chain(calls).filter_map(|span| span.own().location.as_deref()).any(|location| {
            let location = location.to_ascii_lowercase();
            ["login", "signin", "sign-in", "authorize", "/auth", "sso"].iter().any(|page| location.contains(page))
        })
}

fn absent(case: &Case<'_, '_>, hop: &Judged<'_>) -> Severity {
    let inner = hop.caller.is_some();
    // An edge that requires tokens means its calls, not the preflights and health checks among them.
    if hop.rule == Some(TokenRule::Required) && !super::exempt::nature(case, hop).exempt() {
        Severity::High
    } else if hop.ruling.anomaly
        || inner
            && hop.refused_itself()
            && !matches!((hop.answer.status, hop.answer.grpc), (Some(403), false) | (Some(7), true))
            && hop.ruling.cause != Some(Cause::Exempt)
    {
        Severity::Medium
    } else {
        Severity::Info
    }
}

/// The policy's overrides and ignores, over verdicts and findings.
pub fn apply_policy(case: &Case<'_, '_>, hops: &mut [Judged<'_>]) {
    for hop in hops {
        let (caller, callee) = (hop.caller.clone(), hop.callee.clone());
        let at = hop.key_span(case.forest).map(|span| span.start).unwrap_or_default();
        if !hop.recovered {
            let verdict = hop.ruling.verdict;
            hop.severity = overridden(case, hop).unwrap_or(hop.severity);
            let matters = verdict.accuses() || hop.severity > Severity::Info;
            let reason = case.rules.ignored(caller.as_deref(), &callee, Ok(verdict), at).filter(|_| matters);
            if let Some(reason) = reason {
                hop.severity = Severity::Info;
                hop.notes.push(format!("ignored by the policy: {reason}"));
            }
        }
        for hit in &mut hop.findings {
            hit.severity = case.rules.severity(&[hit.finding.name()]).unwrap_or(hit.severity);
            if let Some(reason) = case.rules.ignored(caller.as_deref(), &callee, Err(hit.finding), at) {
                hit.severity = Severity::Info;
                hit.detail = format!("{} (ignored by the policy: {reason})", hit.detail);
            }
        }
    }
}

/// The policy's own severity for the cause, else for the verdict. What is exempt is no absence that `absent` means.
fn overridden(case: &Case<'_, '_>, hop: &Judged<'_>) -> Option<Severity> {
    let cause = hop.ruling.cause.map_or("", Cause::name);
    if hop.ruling.cause == Some(Cause::Exempt) {
        return case.rules.severity(&[cause]);
    }
    case.rules.severity(&[cause, hop.ruling.verdict.name()])
}
