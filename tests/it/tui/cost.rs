//! What a picture costs where there is a lot to show: processor time of this thread, so that a busy machine changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use jwtrail::engine::Snapshot;
use jwtrail::model::{Hop, Verdict};
use jwtrail::tui::graph::EdgeKey;
use jwtrail::tui::index::Index;
use jwtrail::tui::message::Message;
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;

use super::{Driven, fixture};

const SERVICES: usize = 300;
const EDGES: usize = 3_000;
/// Many times what it takes unoptimised, for a machine that does ten other things spends more on each; far less than
/// what walks through all edges for each edge would take.
const MOST: Duration = Duration::from_millis(40);
const PICTURES: u32 = 40;

/// Many services that call many others, and some calls that lose the token.
fn crowd() -> fixture::Build {
    let names: Vec<String> = (0..SERVICES).map(|at| format!("service-{at:03}")).collect();
    let mut build = fixture::Build::new().services(&names.iter().map(String::as_str).collect::<Vec<_>>());
    build = build.edge(None, &names[0], Verdict::Originated);
    // A few of them apart, so that around the worst problem a graph can be drawn.
    let apart = 20;
    for edge in 0..EDGES {
        let others = SERVICES - apart;
        let (from, to) = match edge + 1 {
            to if to < apart => ((to - 1) / 2, to),
            _ => (apart + edge % others, apart + (edge % others + 1 + edge / others * 29) % others),
        };
        let hop = fixture::hop(Some(&names[from]), &names[to], Verdict::Intact);
        build = if edge % 40 == 7 {
            build.problem(Hop { caller: hop.caller, callee: hop.callee, ..fixture::dropped() }, 3, 90)
        } else {
            build.edge_of(hop, 90)
        };
    }
    build
}

/// What this thread has spent so far.
#[cfg(target_os = "linux")]
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this thread's times");
    Duration::from_nanos(stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds"))
}

#[test]
#[cfg(target_os = "linux")]
fn a_picture_of_thousands_of_edges_costs_little() {
    let build = crowd();
    assert_eq!((build.snapshot.services.len(), build.snapshot.edges.len()), (SERVICES, EDGES + 1));
    let mut driven = Driven::new(200, 60, Arc::new(build.snapshot.clone()));
    assert!(driven.state.laid.drawing.is_some(), "a part of the graph is drawn");
    for page in ['1', '2', '3', '4', '5'] {
        driven.press(KeyCode::Char(page));
        let snapshots: Vec<Arc<Snapshot>> = (0..PICTURES)
            .map(|turn| Arc::new(Snapshot { revision: u64::from(turn) + 2, ..build.snapshot.clone() }))
            .collect();
        let before = spent();
        for snapshot in snapshots {
            update(&mut driven.state, Message::Snapshot(snapshot));
            let ask = driven.state.ask();
            assert!(driven.state.laid.serves(&ask));
            std::hint::black_box((driven.state.wants(), driven.picture()));
        }
        let each = spent().saturating_sub(before) / PICTURES;
        assert!(each < MOST, "page {page}: {each:?} for each picture, expected less than {MOST:?}");
    }
}

#[test]
fn figures_alone_keep_the_index_and_a_new_edge_makes_another() {
    let build = crowd();
    let mut state = State::default();
    update(&mut state, Message::Snapshot(Arc::new(build.snapshot.clone())));
    let first = Arc::clone(&state.index);
    // Names of another allocation are the same names.
    update(&mut state, Message::Snapshot(crowd().done()));
    assert!(Arc::ptr_eq(&first, &state.index), "nothing but figures is new");
    let more = build.edge(Some("service-000"), "newcomer", Verdict::Intact).done();
    update(&mut state, Message::Snapshot(more.clone()));
    assert!(!Arc::ptr_eq(&first, &state.index));
    for row in &more.edges {
        let found = state.edge(&EdgeKey::of(row)).expect("each edge is found");
        assert!(std::ptr::eq(found, row));
    }
}

#[test]
fn an_index_of_another_snapshot_misleads_nobody() {
    let build = fixture::store();
    let index = Index::of(&build.snapshot, &Arc::default());
    let mut other = build.snapshot.clone();
    other.edges.reverse();
    for snapshot in [&other, &crowd().snapshot, &Snapshot::default()] {
        for row in build.snapshot.edges.iter().chain(&snapshot.edges) {
            let key = EdgeKey::of(row);
            let expected = snapshot.edges.iter().find(|row| row.caller == key.caller && row.callee == key.callee);
            assert_eq!(index.edge(snapshot, &key).map(std::ptr::from_ref), expected.map(std::ptr::from_ref));
        }
    }
}
