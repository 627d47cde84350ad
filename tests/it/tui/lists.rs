//! The lists of problems and of traces: what they say in each state, and that rows stand still under the hand.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::query::{Answer, TraceOrder, TracePage, TraceQuery, Window};
use jwtrail::engine::{Query, Snapshot};
use jwtrail::model::{Cause, Finding, Severity, TraceId, Verdict};
use jwtrail::trail::views::TraceRow;
use jwtrail::tui::message::{Message, Pointer};
use jwtrail::tui::state::{ProblemKey, Selection};
use jwtrail::tui::view::table;
use jwtrail::tui::{Depth, Mode};
use proptest::prelude::*;

use super::fixture::{self, seconds};
use super::{Driven, store};

pub(super) const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

pub(super) fn id(number: u64) -> TraceId {
    // As random as ids are, and the same each time.
    TraceId((u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) ^ 0x4eca_9a01).to_be_bytes())
}

/// The `number`th trace, the newest first.
fn row(number: u64) -> TraceRow {
    let services = ["gateway", "orders", "shipping", "payment", "cart"];
    let broken = [None, Some((Verdict::Dropped, Cause::NotSent)), None, Some((Verdict::Failed, Cause::UnknownKey))];
    let worst = broken[usize::try_from(number % 4).unwrap()];
    TraceRow {
        id: id(number),
        start: jwtrail::model::UnixNanos(seconds(3).0 - number * 7_300_000_000),
        duration: [212_000_000, 1_250_000_000, 950_000, 31_000_000][usize::try_from(number % 4).unwrap()],
        service: "gateway".into(),
        operation: ["GET /orders/{id}", "POST /checkout", "GET /"][usize::try_from(number % 3).unwrap()].into(),
        services: services[..usize::try_from(2 + number % 4).unwrap()].iter().map(|name| (*name).into()).collect(),
        spans: 9,
        hops: usize::try_from(3 + number % 5).unwrap(),
        accused: usize::try_from(number % 4 % 3).unwrap() + usize::from(number % 4 == 3),
        worst: worst.map(|(verdict, _)| verdict),
        cause: worst.map(|(_, cause)| cause),
        severity: if worst.is_some() { Severity::High } else { Severity::Info },
        tokens: ["k3va", "zz9q", "p0sx", "m4x2"][..usize::try_from(1 + number % 4).unwrap()]
            .iter()
            .map(|name| fixture::token(name))
            .collect(),
        status: Some(if worst.is_some() { 401 } else { 200 }),
        settled: true,
    }
}

/// So many rows of a list of `matching`, from the `first` on.
pub(super) fn page(first: u64, rows: u64, matching: usize) -> TracePage {
    TracePage {
        held: 3_120,
        matching,
        searched: 3_120,
        evicted_until: None,
        first: usize::try_from(first).unwrap(),
        rows: (first..first + rows).map(row).collect(),
    }
}

/// The traces' page with this answer to what it asks.
fn traces(size: (u16, u16), answer: TracePage) -> Driven {
    let mut driven = Driven::new(size.0, size.1, store()).keys("3");
    answered(&mut driven, answer);
    driven
}

pub(super) fn query(driven: &Driven) -> TraceQuery {
    match driven.state.wants().pop() {
        Some(Query::Traces(query)) => query,
        other => panic!("a page of traces is wanted, not {other:?}"),
    }
}

pub(super) fn answered(driven: &mut Driven, page: TracePage) {
    let query = query(driven);
    driven.say(Message::Answered(Arc::new(Answer::Traces(query, page))));
}

pub(super) fn filtered(driven: Driven, text: &str) -> Driven {
    driven.keys(&format!("/{text}\n"))
}

fn selected(driven: &Driven) -> String {
    let text = driven.text();
    text.lines().find_map(|line| line.split_once('▌')).map(|(_, row)| row.to_owned()).unwrap_or_default()
}

/// The line on which the selected row stands.
fn lit(driven: &Driven) -> usize {
    driven.text().lines().position(|line| line.contains('▌')).unwrap_or(usize::MAX)
}

#[test]
fn traces_where_there_is_little_room() {
    insta::assert_snapshot!("traces_60x16", traces((60, 16), page(0, 200, 3_120)).keys("jjj").snapshot());
    insta::assert_snapshot!("traces_loading_60x16", Driven::new(60, 16, store()).keys("3").text());
    insta::assert_snapshot!("traces_empty_60x16", traces((60, 16), TracePage::default()).text());
}

#[test]
fn traces_in_each_state() {
    for (w, h) in SIZES {
        let name = |state: &str| format!("traces_{state}_{w}x{h}");
        let mut none = filtered(Driven::new(w, h, store()).keys("3"), "service:checkout verdict:dropped");
        answered(&mut none, page(0, 0, 0));
        insta::assert_snapshot!(name("no_match"), none.text());

        let mut partial = filtered(Driven::new(w, h, store()).keys("3"), "received:present");
        let evicted_until = Some(seconds(2 * 3_600 + 150));
        answered(&mut partial, TracePage { held: 100_000, searched: 12_400, evicted_until, ..page(0, 200, 310) });
        insta::assert_snapshot!(name("partial"), partial.text());

        let mut long = page(0, 3, 3);
        long.rows[0].service = "a-service-with-a-very-long-name-that-nobody-reads".into();
        long.rows[0].operation = format!("GET /{}", "segment/".repeat(30)).into();
        long.rows[0].services = (0..40).map(|at| format!("service-number-{at}").into()).collect();
        (long.rows[0].hops, long.rows[0].accused, long.rows[0].worst) = (12_345_678, 1_234_567, Some(Verdict::Changed));
        long.rows[0].cause = Some(Cause::SignatureStripped);
        (long.rows[0].duration, long.rows[1].duration) = (u64::MAX, 999_999_999);
        long.rows[0].tokens = (0..8).map(|at| fixture::token(&format!("tok{at}"))).collect();
        long.rows[1].service = "注文サービス".into();
        long.rows[1].operation = "GET /re\u{301}sume\u{301}/👩‍👧".into();
        (long.rows[2].hops, long.rows[2].settled, long.rows[2].worst) = (0, false, None);
        insta::assert_snapshot!(name("overflow"), traces((w, h), long).text());
    }
}

pub(super) fn problems(size: (u16, u16), snapshot: Arc<Snapshot>) -> Driven {
    Driven::new(size.0, size.1, snapshot).keys("2")
}

/// The store, with a finding beside its three problems.
pub(super) fn with_finding() -> fixture::Build {
    let hop = fixture::hop(Some("gateway"), "orders", Verdict::Intact);
    let detail = "in X-Access-Token, where it was in Authorization before";
    fixture::store().finding(hop, Finding::Moved, Severity::Low, detail)
}

/// Many problems, of which one has names that fit nowhere.
fn many() -> fixture::Build {
    (0..70).fold(with_finding(), |build, number| {
        let mut hop = fixture::dropped();
        hop.caller.as_mut().expect("a caller").service = format!("service-{number:02}").into();
        hop.callee.service = match number {
            3 => "a-callee-with-a-name-that-is-longer-than-any-screen-is-wide-they-say".into(),
            4 => "注文サービス".into(),
            _ => "shipping".into(),
        };
        build.problem(hop, 1_234_567, 12_345_678)
    })
}

#[test]
fn problems_where_there_is_little_room() {
    insta::assert_snapshot!("problems_60x16", problems((60, 16), with_finding().done()).keys("j").snapshot());
    let well = fixture::Build::new().services(&["gateway"]).edge(None, "gateway", Verdict::Originated);
    insta::assert_snapshot!("problems_empty_60x16", problems((60, 16), well.done()).text());
}

#[test]
fn problems_in_each_state() {
    for (w, h) in SIZES {
        let name = |state: &str| format!("problems_{state}_{w}x{h}");
        let none = filtered(problems((w, h), store()), "caller:checkout");
        insta::assert_snapshot!(name("no_match"), none.text());
        let some = filtered(problems((w, h), store()), "verdict:dropped");
        insta::assert_snapshot!(name("filtered"), some.text());
        insta::assert_snapshot!(name("overflow"), problems((w, h), many().done()).keys("jjjjjjj").text());
    }
}

#[test]
fn the_lists_are_drawn_in_ascii_alone() {
    for (w, h) in SIZES {
        let partial = TracePage { held: 100_000, searched: 12_400, ..page(0, 200, 3_120) };
        let text = traces((w, h), partial).themed(true, Depth::Indexed).text();
        assert!(text.is_ascii(), "{text}");
        let text = problems((w, h), with_finding().done()).themed(true, Depth::Indexed).text();
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn rows_stand_still_while_the_selection_moves_among_them() {
    let mut driven = traces((120, 40), page(0, 200, 3_120)).keys("jjjjj");
    let before = driven.text();
    assert!(selected(&driven).contains("36 s"), "{before}");
    driven = driven.keys("kk");
    let differ = driven.text().lines().zip(before.lines()).filter(|(new, old)| new != old).count();
    assert_eq!(differ, 3, "two rows and the number in the title");
    for _ in 0..50 {
        driven.press(KeyCode::Down);
    }
    let bottom = lit(&driven);
    driven = driven.keys("kkk");
    assert_eq!(lit(&driven), bottom - 3, "up again, within what is seen");
}

#[test]
fn what_comes_meanwhile_moves_neither_the_selection_nor_its_line() {
    let mut driven = traces((120, 40), page(0, 200, 3_120)).keys("jjjjjjjj");
    let (before, line) = (driven.state.traces.selected, lit(&driven));
    let mut newer = page(0, 200, 3_125);
    newer.rows.rotate_right(5);
    answered(&mut driven, newer);
    assert_eq!((driven.state.traces.selected, lit(&driven)), (before, line));
    // It left the part that is shown: it is asked for where it is now, and meanwhile nothing moves.
    let text = driven.text();
    answered(&mut driven, page(400, 200, 3_600));
    assert_eq!(driven.text(), text);
    let around = before.expect("a selection");
    assert!(matches!(driven.state.traces.window, Window::Around(id, _) if id == around));
    answered(&mut driven, page(0, 200, 3_600));
    assert_eq!((driven.state.traces.selected, lit(&driven)), (before, line));
}

#[test]
fn a_trace_that_is_gone_leaves_the_selection_in_its_place() {
    let mut driven = traces((120, 40), page(0, 200, 3_120));
    for _ in 0..190 {
        driven.press(KeyCode::Down);
    }
    let Window::Around(around, place) = query(&driven).window else { panic!("asks for more") };
    assert_eq!((place, Some(around)), (190, driven.state.traces.selected), "asked on the way");
    answered(&mut driven, page(60, 200, 3_120));
    let gone = driven.state.traces.selected.expect("a selection");
    let mut without = page(60, 200, 3_119);
    without.rows.retain(|row| row.id != gone);
    answered(&mut driven, without.clone());
    answered(&mut driven, without);
    assert_eq!(driven.state.traces.selected, Some(id(191)), "the next one");
}

#[test]
fn the_ends_of_a_long_list() {
    let mut driven = traces((120, 40), page(0, 200, 3_120)).keys("G");
    assert_eq!(query(&driven).window, Window::Last);
    answered(&mut driven, page(2_920, 200, 3_120));
    assert!(driven.text().contains("3,120 of 3,120"), "{}", driven.text());
    driven = driven.keys("k");
    assert_eq!(query(&driven).window, Window::Around(id(3_118), 3_118));
    driven = driven.keys("g");
    answered(&mut driven, page(0, 200, 3_120));
    assert!(driven.text().contains("1 of 3,120"));
    assert_eq!(query(&driven).window, Window::First);
}

#[test]
fn columns_are_sorted_by_key_and_by_click() {
    let mut driven = traces((120, 40), page(0, 200, 3_120));
    assert!(driven.text().contains("start▾"));
    driven = driven.keys("o");
    assert_eq!(query(&driven).order, TraceOrder::Severity);
    assert!(driven.text().contains("worst▾"));
    driven = driven.keys("O");
    assert!(query(&driven).reverse && driven.text().contains("worst▴"));
    let text = driven.text();
    let (y, heading) = text.lines().enumerate().find(|(_, line)| line.contains("worst▴")).expect("headings");
    let x =
        heading.chars().take_while(|c| !heading.split_once("time").expect("time").1.is_empty() && *c != 'h').count();
    driven.say(Message::Point(Pointer::Click, u16::try_from(x).unwrap(), u16::try_from(y).unwrap()));
    assert_eq!((query(&driven).order, query(&driven).reverse), (TraceOrder::Hops, false));

    let mut driven = problems((120, 40), with_finding().done());
    let callers = |driven: &Driven| {
        let rows = jwtrail::tui::page::problems::rows(&driven.state);
        rows.iter().map(|row| row.callee.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(callers(&driven), ["pricing", "shipping", "payment", "orders"], "the worst first");
    let orders = [["shipping", "payment", "pricing", "orders"], ["shipping", "payment", "orders", "pricing"]];
    for order in orders {
        driven = driven.keys("o");
        assert_eq!(callers(&driven), order);
    }
    driven = driven.keys("o");
    assert_eq!(callers(&driven), ["pricing", "orders", "payment", "shipping"], "by caller");
    driven = driven.keys("O");
    assert_eq!(callers(&driven), ["shipping", "payment", "orders", "pricing"]);
}

#[test]
fn a_second_click_opens_and_the_wheel_moves() {
    let mut driven = traces((120, 40), page(0, 200, 3_120));
    let click = |driven: &mut Driven, y| driven.say(Message::Point(Pointer::Click, 20, y));
    click(&mut driven, 6);
    assert_eq!((driven.state.traces.selected, lit(&driven)), (Some(id(3)), 6));
    click(&mut driven, 6);
    assert_eq!(driven.state.trace.as_ref().map(|trace| trace.id), Some(id(3)));
    driven = driven.keys("\u{1b}");
    driven.say(Message::Point(Pointer::WheelDown, 20, 6));
    assert_eq!(driven.state.traces.selected, Some(id(6)));

    let mut driven = problems((120, 40), store());
    click(&mut driven, 4);
    assert_eq!(driven.state.selection, Selection::Problem(ProblemKey::of(&driven.state.snapshot.problems[1])));
    click(&mut driven, 4);
    assert!(driven.state.trace.is_some());
}

#[test]
fn a_replay_counts_ages_from_its_own_time() {
    let mut driven = traces((120, 40), page(0, 200, 3_120));
    driven.state.mode = Mode::Replay { file: "traces.jsonl".to_owned() };
    assert!(driven.text().contains("  7 s"), "{}", driven.text());
}

proptest! {
    #[test]
    fn the_selected_row_is_in_sight_and_no_line_stays_empty(
        rows in 1_usize..500, height in 1_u16..80, line in any::<u16>(), moves in prop::collection::vec(-90_i32..90, 1..20)
    ) {
        let (mut at, mut line) = (0, line);
        for by in moves {
            let first = table::top(at, line, height, rows);
            let to = jwtrail::tui::page::moved(at, by, rows);
            line = table::line_after(line, (at, to), height, rows);
            at = to;
            let now = table::top(at, line, height, rows);
            let seen = |first: usize| (first..first + usize::from(height)).contains(&at);
            prop_assert!(seen(now) && now + usize::from(height).min(rows) <= rows);
            prop_assert!(!seen(first) || now == first, "the rows moved though the selection stayed in sight");
        }
    }
}
