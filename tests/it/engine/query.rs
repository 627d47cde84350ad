//! Pages of traces out of a real trail: each row is in its place, and a filter shows what judging every hop would show.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use jwtrail::engine::Query;
use jwtrail::engine::query::{Answer, Answerer, PAGE_ROWS, TraceOrder, TracePage, TraceQuery, Window};
use jwtrail::filter::{Context, Filter};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, TraceId, UnixNanos};
use jwtrail::trail::views::TraceRow;
use jwtrail::trail::{Trail, TrailOptions};
use proptest::prelude::*;

use crate::trail::support::{batch, read, runs};

/// Runs with every kind of break, links, queues, proxies and tags.
const RUNS: [&str; 10] = [
    "drop-in-fanout.jsonl",
    "drop-then-chain.jsonl",
    "401-propagates.jsonl",
    "wrong-key.jsonl",
    "exchanged.jsonl",
    "self-tagged.jsonl",
    "third-parties.jsonl",
    "anonymous.jsonl",
    "shapes/envoy-sidecars.jsonl",
    "shapes/py-confluent-kafka.jsonl",
];

const SECOND: u64 = 1_000_000_000;

/// Copies of all runs: each copy's traces have ids of their own, and begin a second after the last copy's.
fn spans(copies: u8) -> Vec<Arrived> {
    static READ: LazyLock<Vec<Vec<Arrived>>> = LazyLock::new(|| RUNS.map(|run| read(&runs("").join(run)).0).into());
    let mut all = Vec::new();
    for spans in &*READ {
        for copy in 0..copies {
            let mine = |id: TraceId| {
                let mut bytes = id.0;
                bytes[15] ^= copy;
                TraceId(bytes)
            };
            for span in spans {
                let mut span = span.clone();
                span.trace_id = mine(span.trace_id);
                for link in &mut span.own_mut().links {
                    link.trace_id = mine(link.trace_id);
                }
                span.start = UnixNanos(span.start.0 + u64::from(copy) * SECOND);
                span.end = UnixNanos(span.end.0 + u64::from(copy) * SECOND);
                all.push(span);
            }
        }
    }
    all
}

fn trail_of(spans: Vec<Arrived>, memory: usize) -> Trail {
    let options =
        TrailOptions { assume_captured: false, settle: Duration::from_secs(15), memory, spans_per_trace: usize::MAX };
    let mut trail = Trail::new(Policy::default(), options);
    trail.ingest(batch(spans, Vec::new()), UnixNanos(1));
    trail.tick(UnixNanos(1));
    trail
}

/// The newest moment of the runs.
fn now(trail: &Trail) -> UnixNanos {
    trail.held().map(|held| UnixNanos(held.start().0 + held.duration())).max().unwrap()
}

fn ask(answerer: &mut Answerer, trail: &Trail, query: &TraceQuery) -> TracePage {
    match answerer.answer(trail, Query::Traces(query.clone()), now(trail)) {
        Answer::Traces(asked, page) => {
            assert_eq!(asked, *query);
            page
        }
        _ => panic!("a page was asked for"),
    }
}

/// Every row of a list, by walking through it as a screen does: around the last row that is known.
fn walk(trail: &Trail, query: &TraceQuery) -> Vec<TraceRow> {
    let mut answerer = Answerer::default();
    let mut all: Vec<TraceRow> = Vec::new();
    let mut window = Window::First;
    loop {
        let page = ask(&mut answerer, trail, &TraceQuery { window, ..query.clone() });
        assert!(page.rows.len() <= PAGE_ROWS && page.first <= all.len(), "rows were left out");
        assert_eq!(page.rows.len(), PAGE_ROWS.min(page.matching), "a page is as full as it can be");
        for (at, row) in page.rows.iter().enumerate() {
            match all.get(page.first + at) {
                Some(known) => assert_eq!(known, row, "a row changed its place"),
                None => all.push(row.clone()),
            }
        }
        if all.len() == page.matching {
            return all;
        }
        window = Window::Around(all.last().unwrap().id, 0);
    }
}

fn by_start(trail: &Trail) -> Vec<TraceId> {
    let mut ids = trail.trace_ids();
    ids.sort_by_key(|id| (std::cmp::Reverse(trail.held_one(*id).unwrap().start()), *id));
    ids
}

/// What rows are sorted by, the highest first.
type Key = fn(&TraceRow) -> u64;

#[test]
fn pages_hold_the_whole_list_in_its_order() {
    let trail = trail_of(spans(30), usize::MAX);
    let all = trail.trace_ids().len();
    assert!(all > 2 * PAGE_ROWS, "{all} traces are too few to page through");
    let query = TraceQuery::default();
    let ids: Vec<TraceId> = walk(&trail, &query).iter().map(|row| row.id).collect();
    assert_eq!(ids, by_start(&trail));
    let keys: [(TraceOrder, Key); 3] = [
        (TraceOrder::Severity, |row| {
            (u64::from(row.accused > 0) << 40) + ((row.severity as u64) << 32) + row.accused as u64
        }),
        (TraceOrder::Duration, |row| row.duration),
        (TraceOrder::Hops, |row| row.hops as u64),
    ];
    for (order, key) in keys {
        let rows = walk(&trail, &TraceQuery { order, ..query.clone() });
        assert!(rows.windows(2).all(|two| key(&two[0]) >= key(&two[1])), "{order:?}");
        assert!(rows.iter().any(|row| key(row) != key(&rows[0])), "{order:?} sorts nothing here");
        let mut back = walk(&trail, &TraceQuery { order, reverse: true, ..query.clone() });
        back.reverse();
        assert_eq!(back, rows, "{order:?} the other way round");
    }
    let rows = walk(&trail, &TraceQuery { order: TraceOrder::Service, ..query });
    assert!(rows.windows(2).all(|two| two[0].service <= two[1].service));
}

#[test]
fn a_window_stands_around_a_trace_or_where_it_stood() {
    let trail = trail_of(spans(30), usize::MAX);
    let ids = by_start(&trail);
    let mut answerer = Answerer::default();
    let mut page = |window| ask(&mut answerer, &trail, &TraceQuery { window, ..TraceQuery::default() });
    let around = page(Window::Around(ids[170], 0));
    assert_eq!((around.first, around.rows[100].id), (70, ids[170]));
    let gone = page(Window::Around(TraceId([9; 16]), 170));
    assert_eq!((gone.first, gone.rows[100].id), (70, ids[170]), "the place of a trace that is gone");
    let last = page(Window::Last);
    assert_eq!((last.first + last.rows.len(), last.rows.last().map(|row| row.id)), (ids.len(), ids.last().copied()));
    assert_eq!(page(Window::Around(ids[ids.len() - 1], 0)), last);
    assert_eq!(page(Window::First).rows[0].id, ids[0]);
}

#[test]
fn what_is_evicted_is_told_by_its_time() {
    let all = spans(20);
    let whole = trail_of(all.clone(), usize::MAX);
    assert_eq!(ask(&mut Answerer::default(), &whole, &TraceQuery::default()).evicted_until, None);
    let trail = trail_of(all, whole.stats().memory_used / 2);
    let gone = whole.held().filter(|held| trail.held_one(held.id).is_none()).map(|held| held.start()).max();
    assert!(gone.is_some(), "nothing was evicted");
    let page = ask(&mut Answerer::default(), &trail, &TraceQuery::default());
    assert_eq!((page.evicted_until, page.held), (gone, trail.trace_ids().len()));
}

/// What judging every hop of every trace would find.
fn by_judging(trail: &Trail, filter: &Filter) -> BTreeSet<TraceId> {
    let context = Context { now: now(trail) };
    let matches = |id: &TraceId| trail.hops_of(*id).iter().any(|hop| filter.matches(hop, context));
    trail.trace_ids().into_iter().filter(matches).collect()
}

#[test]
fn a_long_search_goes_on_and_is_true_at_each_step() {
    let trail = trail_of(spans(40), usize::MAX);
    let newest = by_start(&trail);
    // Only a judged hop knows this.
    let filter = Filter::parse("received:present -inbound:present").unwrap();
    let expected = by_judging(&trail, &filter);
    assert!(!expected.is_empty() && expected.len() < newest.len());
    let mut answerer = Answerer::default();
    let query = TraceQuery { filter: Some(filter), ..TraceQuery::default() };
    let mut searched = 0;
    loop {
        let page = ask(&mut answerer, &trail, &query);
        assert_eq!(page.held, newest.len());
        assert!(page.searched > searched || page.searched == page.held, "the search stands still");
        searched = page.searched;
        let sure = newest[..searched].iter().filter(|id| expected.contains(id)).count();
        assert_eq!(page.matching, sure, "of the newest {searched}");
        assert!(page.rows.iter().all(|row| expected.contains(&row.id)));
        let partial = Answer::Traces(query.clone(), page.clone()).is_partial();
        assert_eq!(partial, searched < page.held);
        if !partial {
            break;
        }
    }
    assert_eq!(ask(&mut answerer, &trail, &query).matching, expected.len(), "what was noted is the answer again");
}

#[test]
fn a_trace_that_grew_is_looked_at_anew() {
    let (first, late): (Vec<Arrived>, Vec<Arrived>) = spans(3).into_iter().partition(|span| span.parent_id().is_none());
    let mut trail = trail_of(first, usize::MAX);
    let mut answerer = Answerer::default();
    let filter = Filter::parse("is:accused").unwrap();
    let query = TraceQuery { filter: Some(filter.clone()), ..TraceQuery::default() };
    let before = ask(&mut answerer, &trail, &query).matching;
    trail.ingest(batch(late, Vec::new()), UnixNanos(2));
    trail.tick(UnixNanos(2));
    let after = ask(&mut answerer, &trail, &query).matching;
    assert_eq!(after, by_judging(&trail, &filter).len());
    assert!(after > before, "{before} were accused before and {after} are now");
    trail.tick(UnixNanos(60 * SECOND));
    let settled = ask(&mut answerer, &trail, &query).matching;
    assert_eq!(settled, by_judging(&trail, &filter).len(), "settling says more");
}

/// Terms of every field.
const TERMS: [&str; 44] = [
    "orders",
    "GET",
    "service:shipping",
    "caller:gw*",
    "caller:gateway",
    "callee:pay*",
    "via:*",
    "lang:nodejs",
    "lang:python",
    "library:*http*",
    "operation:*orders*",
    "route:/*",
    "method:POST",
    "status>=400",
    "status:200",
    "verdict:dropped",
    "verdict:intact,originated",
    "cause:not_sent",
    "cause:pending,callee_untraced",
    "segment:relay",
    "severity>=high",
    "confidence:proven",
    "finding:*",
    "is:entry",
    "is:accused",
    "is:problem",
    "gap:yes",
    "settled:no",
    "trace:4",
    "blame:*",
    "token:*",
    "token:a*",
    "inbound:present",
    "sent:absent",
    "received:present",
    "carrier:authorization",
    "anomaly:*",
    "issuer:*",
    "holder:user",
    "aud:*",
    "kid:*",
    "alg:RS256",
    "verified:failed",
    "since:7s",
];

fn filters() -> impl Strategy<Value = String> {
    let term = (prop::sample::select(&TERMS[..]), any::<bool>());
    let term = term.prop_map(|(term, not)| if not { format!("-{term}") } else { term.to_owned() });
    let pair = (prop::collection::vec(term, 1..4), any::<bool>());
    pair.prop_map(|(terms, or)| terms.join(if or { " or " } else { " " }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_shows_what_judging_every_hop_would(
        texts in prop::collection::vec(filters(), 12),
        settled in any::<bool>(),
        left_out in 0_usize..7,
    ) {
        let mut spans = spans(2);
        if left_out > 0 {
            // What never came leaves hops that wait, and gaps.
            let mut at = 0;
            spans.retain(|_| { at += 1; at % (left_out + 3) != 0 });
        }
        let mut trail = trail_of(spans, usize::MAX);
        if settled {
            trail.settle_all();
        }
        let mut answerer = Answerer::default();
        for text in texts {
            let filter = Filter::parse(&text).unwrap();
            let query = TraceQuery { filter: Some(filter.clone()), ..TraceQuery::default() };
            let expected = by_judging(&trail, &filter);
            for _ in 0..2 {
                let page = ask(&mut answerer, &trail, &query);
                prop_assert_eq!(page.searched, page.held);
                let found: BTreeSet<TraceId> = page.rows.iter().map(|row| row.id).collect();
                prop_assert!(expected.len() <= PAGE_ROWS, "too many traces for one page");
                prop_assert_eq!(&found, &expected, "{}", text);
            }
        }
    }
}
