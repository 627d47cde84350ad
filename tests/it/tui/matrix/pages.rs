//! The pages: each fills the screen.

use std::sync::Arc;

use jwtrail::engine::query::TracePage;
use jwtrail::engine::{Answer, Query};
use jwtrail::model::Verdict;
use jwtrail::trail::tokens::TokenPage;
use jwtrail::trail::twin::Twin;
use jwtrail::trail::views::TraceView;
use jwtrail::tui::message::Message;
use jwtrail::tui::page::trace::{open, wants};
use jwtrail::tui::update::update;

use super::super::fixture::{Build, seconds};
use super::super::pages::{services, tokens};
use super::super::{Driven, fixture, lists, store, trace};
use super::made::{at, failed, grown, lossy, many, thousand, without_hops, wrong};
use super::{Line, Never, Shown, Size, made};

const RUN: [&str; 2] = ["drop-in-fanout", "intact"];

pub const NOTHING_YET: Line = (
    "nothing-yet",
    [
        Shown(|size| at(size, Arc::default())),
        Never("it is what shows while the first span is waited for: empty"),
        Shown(|size| at(size, without_hops(1).done())),
        Shown(|size| at(size, without_hops(300).done())),
        Shown(|size| failed(at(size, wrong(Build::default())), "cannot start the demo: docker is not running")),
        Shown(|size| at(size, lossy(without_hops(3)))),
    ],
);

pub const MAP: Line = (
    "map",
    [
        Shown(|size| lists::filtered(at(size, store()), "caller:checkout")),
        Shown(|size| {
            let mut driven = at(size, Arc::default());
            // The layout is made elsewhere, and is not there yet.
            update(&mut driven.state, Message::Snapshot(store()));
            driven
        }),
        Shown(|size| at(size, store())),
        Shown(|size| at(size, many())),
        Shown(|size| failed(at(size, wrong(fixture::store())), "cannot save map.svg: permission denied")),
        Shown(|size| at(size, lossy(fixture::store())).keys("b")),
    ],
);

pub const PROBLEMS: Line = (
    "problems",
    [
        Shown(|size| {
            let well = Build::new().services(&["gateway"]).edge(None, "gateway", Verdict::Originated);
            lists::problems(size, well.done())
        }),
        Never("they come with the snapshot; before the first one the screen is nothing-yet"),
        Shown(|size| lists::problems(size, lists::with_finding().done()).keys("j")),
        Shown(|size| lists::problems(size, many()).keys("jjjjjjj")),
        Shown(|size| {
            let driven = lists::problems(size, wrong(fixture::store()));
            failed(driven, "cannot write jwtrail.toml: read-only file system")
        }),
        Shown(|size| lists::filtered(lists::problems(size, lossy(fixture::store())), "verdict:dropped")),
    ],
);

pub const TRACES: Line = (
    "traces",
    [
        Shown(|size| made::traces(size, store(), TracePage::default())),
        Shown(|size| at(size, store()).keys("3")),
        Shown(|size| made::traces(size, store(), lists::page(0, 200, 3_120)).keys("jjj")),
        Shown(|size| {
            let page = |first| TracePage { held: 4_000, searched: 4_000, ..lists::page(first, 200, 4_000) };
            let mut driven = made::traces(size, many(), page(0)).keys("G");
            lists::answered(&mut driven, page(3_800));
            driven
        }),
        Shown(|size| {
            let driven = made::traces(size, wrong(fixture::store()), lists::page(0, 2, 2));
            failed(driven, "cannot save orders-shipping.jsonl: no space left on device")
        }),
        Shown(|size| {
            let mut driven = lists::filtered(at(size, lossy(fixture::store())).keys("3"), "received:present");
            let evicted_until = Some(seconds(2 * 3_600 + 150));
            let page = TracePage { held: 100_000, searched: 12_400, evicted_until, ..lists::page(0, 200, 310) };
            lists::answered(&mut driven, page);
            driven
        }),
    ],
);

/// A recorded trace with a dropped token.
fn view(size: Size) -> TraceView {
    let (driven, _) = trace::opened(&RUN, size.0, size.1);
    let view = driven.state.trace.and_then(|trace| trace.view).expect("it is held");
    TraceView::clone(&view)
}

pub const TRACE: Line = (
    "trace",
    [
        Shown(|size| {
            let empty = TraceView { spans: Vec::new(), hops: Vec::new(), ..view(size) };
            trace::showing(empty, size.0, size.1)
        }),
        Shown(|size| {
            let mut driven = at(size, store());
            open(&mut driven.state, lists::id(1));
            driven
        }),
        Shown(|size| trace::showing(view(size), size.0, size.1)),
        Shown(|size| trace::showing(grown(&view(size), 400), size.0, size.1).keys("a")),
        Shown(|size| {
            let mut driven = at(size, wrong(fixture::store()));
            open(&mut driven.state, lists::id(1));
            trace::answer(&mut driven, lists::id(1), None);
            failed(driven, "cannot open $PAGER: no such file")
        }),
        Shown(|size| {
            let mut seen = view(size);
            seen.settled = false;
            let id = seen.id;
            let mut driven = trace::showing(seen, size.0, size.1);
            trace::answer(&mut driven, id, None);
            driven
        }),
    ],
);

/// Answers what is asked of twins.
fn beside(mut driven: Driven, twin: Twin) -> Driven {
    driven = driven.keys("t");
    let route = wants(&driven.state).into_iter().find_map(|query| match query {
        Query::Twin(route) => Some(route),
        _ => None,
    });
    driven.say(Message::Answered(Arc::new(Answer::Twin(route.expect("a twin is asked for"), twin))));
    driven
}

fn with_twin(size: Size) -> Driven {
    let (driven, trail) = trace::opened(&RUN, size.0, size.1);
    trace::with_twin(driven, &trail)
}

pub const TWIN: Line = (
    "twin",
    [
        Shown(|size| beside(trace::showing(view(size), size.0, size.1), Twin { view: None, searched: 2, held: 3 })),
        Shown(|size| trace::showing(view(size), size.0, size.1).keys("t")),
        Shown(with_twin),
        Shown(|size| {
            let (driven, _) = trace::opened(&["intact"], size.0, size.1);
            let well = driven.state.trace.and_then(|trace| trace.view).expect("it is held");
            let twin = Twin { view: Some(Arc::new(grown(&well, 420))), searched: 20_000, held: 100_000 };
            beside(trace::showing(grown(&view(size), 400), size.0, size.1).keys("a"), twin)
        }),
        Shown(|size| {
            let mut driven = with_twin(size);
            driven.say(Message::Snapshot(wrong(fixture::store())));
            failed(driven, "cannot save the trace: permission denied")
        }),
        Shown(|size| {
            let mut driven = with_twin(size);
            let mut unsettled = view(size);
            unsettled.settled = false;
            let id = unsettled.id;
            trace::answer(&mut driven, id, Some(unsettled));
            driven
        }),
    ],
);

pub const TOKENS: Line = (
    "tokens",
    [
        Shown(|size| made::tokens(size, store(), TokenPage::default())),
        Shown(|size| at(size, store()).keys("4")),
        Shown(|size| made::tokens(size, store(), tokens::page())),
        Shown(|size| made::tokens(size, store(), thousand()).keys("G")),
        Shown(|size| {
            let driven = made::tokens(size, wrong(fixture::store()), tokens::page()).keys("jj");
            failed(driven, "cannot copy: the terminal takes 74,994 bytes at most")
        }),
        Shown(|size| {
            let page = TokenPage { left_out: 1_204, held: 1_210, ..tokens::page() };
            made::tokens(size, lossy(fixture::store()), page)
        }),
    ],
);

pub const SERVICES: Line = (
    "services",
    [
        Shown(|size| at(size, Arc::default()).keys("5")),
        Never("they come with the snapshot; before the first one there is none: empty"),
        Shown(|size| at(size, services::lights()).keys("5")),
        Shown(|size| at(size, many()).keys("5G")),
        Shown(|size| failed(at(size, wrong(fixture::store())).keys("5j"), "cannot copy: nothing listens here")),
        Shown(|size| at(size, lossy(without_hops(3))).keys("5")),
    ],
);
