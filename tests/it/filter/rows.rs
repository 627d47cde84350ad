//! Rows answer with what they show, and are hidden only where no hop of theirs can match.

use std::sync::Arc;

use jwtrail::filter::{Facts, Filter, Truth};
use jwtrail::model::{Severity, TraceId, UnixNanos, Verdict};
use jwtrail::trail::summary::{CheckGround, EdgeRow, NodeKind, ProblemRow, ServiceRow};

use super::{NOW, START, dropped};

fn edge() -> EdgeRow {
    let mut verdicts = [0; 8];
    verdicts[Verdict::Intact as usize] = 4;
    verdicts[Verdict::Dropped as usize] = 3;
    EdgeRow {
        caller: Some("orders".into()),
        callee: "shipping".into(),
        hops: 7,
        verdicts,
        severity: Severity::High,
        shown: Verdict::Dropped,
        rate: 0.7,
        last_seen: UnixNanos(START),
        waypoints: vec!["envoy-edge".into()],
        sample: Arc::new(dropped()),
    }
}

fn problem() -> ProblemRow {
    let hop = dropped();
    ProblemRow {
        caller: Some("orders".into()),
        callee: "shipping".into(),
        verdict: Some(hop.verdict),
        cause: hop.cause,
        finding: None,
        segment: hop.segment,
        severity: hop.severity,
        confidence: hop.confidence,
        count: 3,
        of: 7,
        first_seen: UnixNanos(START - 600_000_000_000),
        last_seen: UnixNanos(START),
        traces: vec![TraceId([0x4e; 16])],
        spark: [0; 12],
        sample: Arc::new(hop),
        hint: None,
    }
}

fn service() -> ServiceRow {
    ServiceRow {
        name: "orders".into(),
        kind: NodeKind::Service,
        language: "nodejs".into(),
        sdk: "opentelemetry".into(),
        spans: 9,
        captures_inbound: None,
        captures_outbound: None,
        witness: false,
        verifies: None,
        check: CheckGround::default(),
    }
}

fn hold(row: &dyn Facts, table: &[(&str, Truth)]) {
    for (query, truth) in table {
        let filter = Filter::parse(query).unwrap();
        assert_eq!(filter.ask(row, NOW), *truth, "{query}");
        assert_eq!(filter.shows(row, NOW), *truth != Truth::No, "{query}");
    }
}

#[test]
fn an_edge_sums_hops_of_several_verdicts() {
    use Truth::{Maybe, No, Yes};
    let table = [
        ("", Yes),
        ("orders", Yes),
        ("envoy", Yes),
        ("nobody", No),
        ("service:shipping", Yes),
        ("caller:shipping", No),
        ("verdict:dropped", Maybe),
        ("-verdict:dropped", Maybe),
        ("verdict:dropped,intact", Yes),
        ("verdict:failed", No),
        ("-verdict:failed", Yes),
        ("severity>=high", Yes),
        ("-severity>=high", No),
        ("is:accused", Maybe),
        ("is:entry", No),
        ("via:envoy*", Maybe),
        ("via:nginx", No),
        ("since:10m", Maybe),
        ("since:5m", No),
        ("until:1m", Yes),
        ("token:k3va", Maybe),
        ("-token:k3va", Maybe),
        // One no is enough, whatever else cannot be said.
        ("token:k3va service:nobody", No),
        ("token:k3va or service:orders", Yes),
        ("not (token:k3va or service:orders)", No),
    ];
    hold(&edge(), &table);
    let mut first = edge();
    first.caller = None;
    hold(&first, &[("is:entry", Yes), ("caller:*", No), ("-is:entry", No)]);
}

#[test]
fn a_problem_answers_with_its_columns() {
    use Truth::{Maybe, No, Yes};
    let table = [
        ("verdict:dropped cause:not_sent segment:relay severity:high confidence:likely", Yes),
        ("verdict:intact", No),
        ("finding:*", No),
        ("-finding:leaked", Yes),
        ("is:accused is:problem -is:entry", Yes),
        ("trace:4e4e", Yes),
        ("trace:77", No),
        ("since:10m", Maybe),
        ("since:20m", Yes),
        ("until:7m", Maybe),
        ("until:17m", No),
        ("status>=400", Maybe),
        ("shipping -orders", No),
    ];
    hold(&problem(), &table);
}

#[test]
fn a_service_may_be_on_either_side() {
    use Truth::{Maybe, No, Yes};
    let table = [
        ("orders", Yes),
        ("service:ord*", Yes),
        ("service:shipping", No),
        ("language:nodejs", Yes),
        ("lang:go", No),
        ("caller:shipping", Maybe),
        ("verdict:dropped", Maybe),
    ];
    hold(&service(), &table);
}
