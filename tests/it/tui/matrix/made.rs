//! What the matrix shows: more than fits, and what went wrong.

use std::sync::{Arc, LazyLock};

use jwtrail::engine::Snapshot;
use jwtrail::engine::query::TracePage;
use jwtrail::model::{SpanId, Verdict};
use jwtrail::trail::summary::SetupNote;
use jwtrail::trail::tokens::TokenPage;
use jwtrail::trail::views::TraceView;
use jwtrail::tui::Switch;
use jwtrail::tui::message::Message;

use super::super::fixture::{self, Build};
use super::super::{Driven, lists, pages};
use super::Size;

pub fn at((width, height): Size, snapshot: Arc<Snapshot>) -> Driven {
    Driven::new(width, height, snapshot)
}

/// A screen on which something failed a moment ago.
pub fn failed(mut driven: Driven, why: &str) -> Driven {
    driven.say(Message::Done(Err(why.to_owned())));
    driven
}

/// A set-up that is wrong in each way that there is.
pub fn wrong(mut build: Build) -> Arc<Snapshot> {
    build.snapshot.setup.extend([
        SetupNote::Intake("0.0.0.0:4317 (gRPC) is open to the network: anyone who reaches it can send spans".into()),
        SetupNote::Intake("the keys of https://auth.example.com cannot be fetched: connection refused".into()),
        SetupNote::SkewSuspected { caller: "gateway".into(), callee: "orders".into(), ms: 1_250 },
        SetupNote::Dark {
            service: "shipping".into(),
            advice: "set OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=authorization",
        },
        SetupNote::Nameless { service: "unknown_service:node".into() },
    ]);
    build.done()
}

/// A store of which a part was lost.
pub fn lossy(mut build: Build) -> Arc<Snapshot> {
    let lost = &mut build.snapshot.totals.lost;
    (lost.evicted_traces, lost.evicted_spans, lost.rejected, lost.refused_requests) = (1_204, 9_640, 1, 1);
    build.snapshot.totals.memory_used = 251 << 20;
    build.done()
}

fn named(at: usize) -> String {
    let word = ["orders", "cart", "a-service-whose-name-is-longer-than-its-column", "pay", "注文サービス"][at % 5];
    format!("{word}-{at:03}")
}

/// Three hundred services, two hundred of their calls broken.
pub fn many() -> Arc<Snapshot> {
    static MANY: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
        let names: Vec<String> = (0..300).map(named).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut build = Build::new().services(&all).edge(None, all[0], Verdict::Originated);
        for at in 1..300 {
            let mut hop = if at % 2 == 0 { fixture::dropped() } else { fixture::failed() };
            hop.caller.as_mut().expect("a caller").service = all[(at - 1) / 3].into();
            hop.callee.service = all[at].into();
            build = if at % 3 == 0 {
                build.edge(Some(all[(at - 1) / 3]), all[at], Verdict::Intact)
            } else {
                build.problem(hop, 1_234_567, 12_345_678)
            };
        }
        build.done()
    });
    MANY.clone()
}

/// Three hundred services of which none is seen to call another.
pub fn without_hops(count: usize) -> Build {
    let names: Vec<String> = (0..count).map(named).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut build = Build::new().services(&all);
    let totals = &mut build.snapshot.totals;
    (totals.spans, totals.traces, totals.hops) = (count as u64 * 1_200, count as u64, 0);
    build
}

/// The page of traces with this answer.
pub fn traces(size: Size, snapshot: Arc<Snapshot>, page: TracePage) -> Driven {
    let mut driven = at(size, snapshot).keys("3");
    lists::answered(&mut driven, page);
    driven
}

/// The page of tokens with this answer.
pub fn tokens(size: Size, snapshot: Arc<Snapshot>, page: TokenPage) -> Driven {
    let mut driven = at(size, snapshot).keys("4");
    pages::tokens::answer(&mut driven, page);
    driven
}

/// A thousand tokens that each went through a dozen services.
pub fn thousand() -> TokenPage {
    let row = |at: u64| {
        let standings =
            (0..12).map(|n| pages::tokens::standing(&named(usize::try_from(n).unwrap()), [at, n, 0, 0], &[])).collect();
        let mut token = pages::tokens::user(&format!("t{at:03}"));
        token.iss = Some("https://login.example.com/a/very/long/path/of/a/tenant/that/nobody/reads".into());
        token.aud = vec!["an-audience-with-a-long-name".into(); 9];
        pages::tokens::row(token, at * 1_000, standings)
    };
    TokenPage { held: 13_345, rows: (0..1_000).map(row).collect(), left_out: 12_345 }
}

/// The same calls again and again below one root.
pub fn grown(view: &TraceView, spans: usize) -> TraceView {
    let root = view.root().expect("a root").1.span_id;
    let mut grown = view.clone();
    for copy in 1..=u8::MAX {
        if grown.spans.len() >= spans {
            break;
        }
        let other = |id: SpanId| {
            let mut id = id;
            id.0[0] ^= if id == root { 0 } else { copy };
            id
        };
        for (service, span) in view.spans.iter().filter(|(_, span)| span.span_id != root) {
            let mut span = span.clone();
            span.span_id = other(span.span_id);
            span.set_parent(span.parent_id().map(other));
            grown.spans.push((service.clone(), span));
        }
        for hop in view.hops.iter().filter(|hop| hop.callee.span_id != Some(root)) {
            let mut hop = hop.clone();
            hop.callee.span_id = hop.callee.span_id.map(other);
            if let Some(caller) = &mut hop.caller {
                caller.span_id = caller.span_id.map(other);
            }
            grown.hops.push(hop);
        }
    }
    grown.spans.sort_by_key(|(_, span)| span.start);
    grown
}

/// More switches than there are digits.
pub fn sixty() -> Vec<Switch> {
    let keys = ('0'..='9').chain('a'..='z').chain('A'..='X');
    keys.enumerate()
        .map(|(at, key)| Switch {
            key,
            name: format!("break call {at} of a shop in a way of its own"),
            on: at % 3 == 0,
        })
        .collect()
}
