//! Whether the callee refused, why, and who says so (verdicts.md section 7).

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{
    CarriedValue, Exception, Exposure, LogRecord, Reason, Span, SpanId, StatusCode, Token, UnixNanos, Verification,
    VerifyResult, VerifySource,
};

use super::pairing::{Forest, Pair};
use super::profile::{Checked, Profile};
use super::rejections::is_jwt_exception;
use super::rules::Rules;
use super::tree::{Role, Tree};

/// What the spans and log records of a trace say in words.
#[derive(Default)]
pub struct SaidInWords<'a> {
    logs: AHashMap<SpanId, Vec<&'a LogRecord>>,
    any: bool,
}

impl<'a> SaidInWords<'a> {
    /// Gathers a trace's exceptions and log records.
    pub fn new(spans: &[Span], logs: &'a [LogRecord]) -> Self {
        let any = !logs.is_empty() || spans.iter().any(|span| !span.own().exceptions.is_empty());
        let mut by_span: AHashMap<SpanId, Vec<&'a LogRecord>> = AHashMap::new();
        for record in logs {
            by_span.entry(record.span_id).or_default().push(record);
        }
        Self { logs: by_span, any }
    }

    /// Tokens that stood in a span's log records.
    pub fn exposures_of(&self, span: SpanId) -> impl Iterator<Item = &'a Exposure> {
        self.logs.get(&span).into_iter().flatten().flat_map(|record| &record.exposures)
    }
}

/// How the callee answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status, else gRPC status.
    pub status: Option<u16>,
    /// Whether that is a gRPC status.
    pub grpc: bool,
    /// Whether the callee refused the token or its absence.
    pub refused: bool,
    /// Whether the callee's own words say so, and not a status alone.
    pub own_words: bool,
    /// The refusal only passes on what a callee of the callee answered: its call span.
    pub relayed_from: Option<usize>,
    /// What is known of the callee's check.
    pub verification: Verification,
}

impl Answer {
    /// 2xx or gRPC 0; 101 (a websocket begins) and 304 (the cache is right) are as good.
    pub fn accepted(&self) -> bool {
        let well = |status| matches!(status, 101 | 200..300 | 304);
        !self.refused && self.status.is_some_and(|s| if self.grpc { s == 0 } else { well(s) })
    }

    /// A redirect.
    pub fn redirected(&self) -> bool {
        !self.grpc && self.status.is_some_and(|s| (300..400).contains(&s) && s != 304)
    }
}

/// Reads the callee's answer off its entry spans, the spans inside it and the caller's call span.
pub fn answer(forest: &Forest<'_>, pair: &Pair, said: &SaidInWords<'_>, rules: &Rules) -> Answer {
    let tree = forest.own();
    let entries: Vec<&Span> = pair.group.iter().map(|&i| tree.span(i)).collect();
    // A shared call span shows the status of its last callee only; an entry span speaks for itself.
    let calls: Vec<&Span> = pair.chain.iter().map(|&at| forest.span(at)).collect();
    let (status, grpc) = status(&entries, &calls);
    let refusing = matches!((status, grpc), (Some(401 | 403), false) | (Some(16 | 7), true))
        || refused_under_success(&entries, &calls)
        || graphql_code(tree, pair, said).is_some();
    // A server span says 0 even where its handler threw (Python): only the caller's view of gRPC is a success.
    let success = matches!((status, grpc), (Some(200..400), false)) || calls.iter().any(|s| s.grpc_status == Some(0));
    let mut verification = said_by_tags(&entries);
    let said_failed = verification.result == VerifyResult::Failed;
    let heard = match (status, grpc) {
        _ if refusing || said_failed => Heard::Refusal,
        (Some(400), false) => Heard::BadRequest,
        _ if success => Heard::Success,
        _ => Heard::Other,
    };
    let words = recorded(tree, pair, said, rules, &calls, heard);
    let relayed_from =
        if said_failed || words.as_ref().is_some_and(|w| w.library) { None } else { relayed(tree, pair) };
    let refused = refusing || said_failed || words.is_some();
    if let Some(words) = &words
        && verification.reason.is_none()
    {
        verification.result = VerifyResult::Failed;
        verification.reason = Some(words.reason);
        verification.source = Some(VerifySource::Rejection);
        verification.evidence = Some(words.evidence.clone());
    }
    let own_words = said_failed || words.is_some();
    Answer { status, grpc, refused, own_words, relayed_from: relayed_from.filter(|_| refused), verification }
}

fn status(entries: &[&Span], calls: &[&Span]) -> (Option<u16>, bool) {
    let grpc = calls.iter().find_map(|s| s.grpc_status).or_else(|| entries.iter().find_map(|s| s.grpc_status));
    let http = entries.iter().find_map(|s| s.http_status).or_else(|| calls.iter().find_map(|s| s.http_status));
    match (grpc, http) {
        (Some(code), None) => (Some(code), true),
        (Some(code), Some(http)) if http < 400 => (Some(code), true),
        (_, http) => (http, false),
    }
}

/// GraphQL and gRPC-web say no under a 200.
fn refused_under_success(entries: &[&Span], calls: &[&Span]) -> bool {
    entries.iter().chain(calls).any(|span| {
        span.error_code.as_deref().is_some_and(|code| {
            ["UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED", "PERMISSION_DENIED"]
                .iter()
                .any(|known| code.eq_ignore_ascii_case(known))
        })
    })
}

/// The code of a GraphQL error: the instrumentation records it as an exception's type on its own span.
fn graphql_code(tree: &Tree<'_>, pair: &Pair, said: &SaidInWords<'_>) -> Option<Reason> {
    if !said.any {
        return None;
    }
    let mut inside = Vec::new();
    pair.group.iter().for_each(|&i| spans_inside(tree, i, &mut inside));
    let graphql =
        inside.iter().map(|&i| tree.span(i)).filter(|span| span.scope.to_ascii_lowercase().contains("graphql"));
    graphql.flat_map(|span| &span.own().exceptions).find_map(|exception| match &*exception.kind {
        "UNAUTHENTICATED" | "UNAUTHORIZED" => Some(Reason::Rejected),
        "FORBIDDEN" | "PERMISSION_DENIED" => Some(Reason::Forbidden),
        _ => None,
    })
}

fn said_by_tags(entries: &[&Span]) -> Verification {
    let tags = entries.iter().filter_map(|span| span.tags()).find(|tags| tags.verify_result.is_some());
    let result = tags.and_then(|tags| tags.verify_result).unwrap_or(VerifyResult::Unknown);
    Verification {
        result,
        reason: tags.and_then(|tags| tags.verify_reason).filter(|_| result == VerifyResult::Failed),
        source: (result != VerifyResult::Unknown).then_some(VerifySource::Service),
        evidence: (result != VerifyResult::Unknown).then(|| format!("jwtrail.verify.result={result}").into()),
        relayed_from: None,
    }
}

/// How much an answer lets words count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Refused, by status or by its own word.
    Refusal,
    /// 400: refused for any reason there is.
    BadRequest,
    /// Let through.
    Success,
    /// Anything else.
    Other,
}

struct Words {
    reason: Reason,
    evidence: Arc<str>,
    library: bool,
}

/// Exceptions, log records and challenges: what the callee recorded of its refusal.
fn recorded(
    tree: &Tree<'_>,
    pair: &Pair,
    said: &SaidInWords<'_>,
    rules: &Rules,
    calls: &[&Span],
    heard: Heard,
) -> Option<Words> {
    let known = said_inside(tree, pair, said).into_iter().find_map(|exception| {
        let library = is_jwt_exception(exception);
        let reason = match heard {
            Heard::Refusal => rules.rejections.of_exception(exception),
            Heard::BadRequest if !library => rules.rejections.of_bad_request(exception),
            Heard::BadRequest | Heard::Other if library => rules.rejections.of_exception(exception),
            Heard::BadRequest | Heard::Other | Heard::Success => return None,
        };
        let reason = reason.or(library.then_some(Reason::Rejected))?;
        Some(Words { reason, evidence: describe(exception), library })
    });
    let known = known.or_else(|| {
        let reason = graphql_code(tree, pair, said)?;
        Some(Words { reason, evidence: "the GraphQL error's code".into(), library: false })
    });
    if known.is_some() || !matches!(heard, Heard::Refusal | Heard::BadRequest) {
        return known;
    }
    let entries: Vec<&Span> = pair.group.iter().map(|&i| tree.span(i)).collect();
    entries.iter().chain(calls).find_map(|span| {
        let challenge = span.own().challenge.as_ref()?;
        // A callee that never reports is judged by what it was sent.
        let none = says_none(challenge, if entries.is_empty() { calls } else { &entries });
        let none = none.then_some(Reason::Missing);
        let reason = rules.rejections.of_challenge(challenge).or(none)?;
        Some(Words { reason, evidence: format!("www-authenticate: {challenge}").into(), library: false })
    })
}

/// Exceptions and log records of the entry spans and of what is inside them.
fn said_inside<'t>(tree: &Tree<'t>, pair: &Pair, said: &SaidInWords<'t>) -> Vec<&'t Exception> {
    if !said.any {
        return Vec::new();
    }
    let mut inside = Vec::new();
    pair.group.iter().for_each(|&i| spans_inside(tree, i, &mut inside));
    inside
        .iter()
        .flat_map(|&i| {
            let records = said.logs.get(&tree.spans[i].span_id).into_iter().flatten().map(|record| &record.text);
            tree.spans[i].own().exceptions.iter().chain(records)
        })
        .collect()
}

fn describe(exception: &Exception) -> Arc<str> {
    match (exception.kind.is_empty(), exception.message.is_empty()) {
        (false, false) => format!("{}: {}", exception.kind, exception.message).into(),
        (false, true) => exception.kind.clone(),
        _ => exception.message.clone(),
    }
}

/// RFC 6750 section 3.1: a request without any authentication information gets a challenge without an error code.
///
/// The reverse holds only of servers that give codes at all. Python's frameworks answer a bad token with the same bare
/// challenge as none (Django REST framework, `FastAPI` as its tutorial has it): theirs tells nothing.
pub fn says_none(challenge: &str, seen: &[&Span]) -> bool {
    let lower = challenge.to_ascii_lowercase();
    let bare = lower.trim_start().starts_with("bearer") && !lower.contains("error=");
    let holds_one = |span: &&Span| span.carried.iter().any(|carried| matches!(carried.value, CarriedValue::Token(_)));
    bare && !seen.iter().any(|span| &*span.resource.language == "python" || holds_one(span))
}

/// The entry span and the inner spans below it that are reached without crossing another call or entry span.
fn spans_inside(tree: &Tree<'_>, entry: usize, found: &mut Vec<usize>) {
    let mut stack = vec![entry];
    while let Some(at) = stack.pop() {
        found.push(at);
        let inner = |&child: &usize| tree.nodes[child].role == Role::Inner && tree.same_service(child, entry);
        stack.extend(tree.children(at).iter().copied().filter(inner));
    }
}

/// A call span below the entry, in the same service, that saw a refusal itself; exempt endpoints do not count.
fn relayed(tree: &Tree<'_>, pair: &Pair) -> Option<usize> {
    let mut found: Vec<usize> = Vec::new();
    for &entry in &pair.group {
        let mut stack: Vec<(usize, bool)> = tree.children(entry).iter().map(|&child| (child, false)).collect();
        while let Some((at, below_call)) = stack.pop() {
            if !tree.same_service(at, entry) {
                // A proxy that answers for the service behind it shows no call span of its own.
                if !below_call && tree.spans[at].is_entry() && super::pairing::refuses(tree.span(at)) {
                    found.push(at);
                }
                continue;
            }
            let call = tree.nodes[at].role == Role::Call;
            if call && saw_refusal(tree, at) && !tree.nodes[at].nature.exempt() {
                found.push(at);
            }
            if tree.nodes[at].role != Role::Entry {
                stack.extend(tree.children(at).iter().map(|&child| (child, below_call || call)));
            }
        }
    }
    // The last one before the answer: retries come in order.
    found.into_iter().max()
}

/// Spans that are looked at for one answer of which the source may be lost.
const STEPS: usize = 1_000;

/// Refusals below spans that never came, by their start.
pub struct LostRefusals(Vec<(UnixNanos, usize)>);

impl LostRefusals {
    /// Gathers them.
    pub fn new(tree: &Tree<'_>) -> Self {
        let lost = |i: usize| tree.orphan(tree.root(i));
        let refusing = (0..tree.spans.len()).filter(|&i| super::pairing::refuses(tree.span(i)) && lost(i));
        Self(refusing.map(|i| (tree.span(i).start, i)).collect())
    }

    /// Whether one of them happened while this request was at work: it may be the source of the answer.
    pub fn may_be_source(&self, forest: &Forest<'_>, pair: &Pair) -> bool {
        let tree = forest.own();
        let outer = match (pair.entry, pair.chain.last()) {
            (Some(entry), _) => tree.span(entry),
            (None, Some(&at)) => forest.span(at),
            (None, None) => return false,
        };
        // Spans are in the order of their start, so the list is, too.
        let first = self.0.partition_point(|(start, _)| *start < outer.start);
        // Where it would take long to tell, it may be one.
        let mut steps = 0;
        self.0[first..].iter().take_while(|(start, _)| *start <= outer.end).any(|&(_, i)| {
            let mut within = std::iter::once(i).chain(tree.above(i)).inspect(|_| steps += 1);
            !within.by_ref().take(STEPS).any(|at| tree.span(at).span_id == outer.span_id) || steps > STEPS
        })
    }
}

fn saw_refusal(tree: &Tree<'_>, call: usize) -> bool {
    let span = tree.span(call);
    if span.http_status.is_some() || span.grpc_status.is_some() {
        return super::pairing::refuses(span);
    }
    // A call span without a status is read by its callee's.
    span.status != StatusCode::Ok
        && tree
            .children(call)
            .iter()
            .any(|&c| tree.spans[c].is_entry() && !tree.same_service(c, call) && super::pairing::refuses(tree.span(c)))
}

/// jwtrail's own check of a token at a span's time, in seconds; `None` where it finds nothing wrong or cannot say.
pub fn own_check(profile: &Profile, token: &Token, at: i64, skew: i64) -> Option<Reason> {
    if let Some(Checked::Failed(reason)) = profile.check(token) {
        return Some(reason);
    }
    if token.exp.is_some_and(|exp| at >= exp.saturating_add(skew)) {
        Some(Reason::Expired)
    } else if token.nbf.is_some_and(|nbf| at < nbf.saturating_sub(skew)) {
        Some(Reason::NotYetValid)
    } else {
        None
    }
}
