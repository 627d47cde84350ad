//! A filter in force is said and let go on every page, and Esc goes back to where a list was opened.

use jwtrail::filter::Filter;
use jwtrail::tui::message::Message;
use jwtrail::tui::page::Page;
use jwtrail::tui::state::{ProblemKey, Selection};

use super::fixture::{self, seconds};
use super::lists::{SIZES, answered, filtered, id, page, problems, query};
use super::{Driven, store};

#[test]
fn enter_opens_the_traces_of_a_problem_and_esc_comes_back() {
    let mut build = fixture::store();
    build.snapshot.problems[1].traces = vec![id(1), id(5)];
    let mut driven = problems((120, 40), build.done()).keys("j");
    let before = driven.state.selection.clone();
    driven = driven.keys("\n");
    assert_eq!(driven.state.page(), Page::Traces);
    let wanted = Filter::parse("caller:orders callee:shipping verdict:dropped cause:not_sent").unwrap();
    assert_eq!(query(&driven).filter, Some(wanted));
    answered(&mut driven, page(0, 42, 42));
    insta::assert_snapshot!("traces_of_a_problem", driven.text());
    driven = driven.keys("j\n");
    assert_eq!(driven.state.trace.as_ref().map(|trace| trace.id), Some(id(1)));
    driven = driven.keys("\u{1b}");
    assert_eq!((driven.state.page(), driven.state.traces.selected), (Page::Traces, Some(id(1))));
    driven = driven.keys("\u{1b}");
    assert_eq!((driven.state.page(), &driven.state.selection), (Page::Problems, &before));
    assert_eq!(driven.state.filter.filter, None, "the filter of the list went with it");

    // The one trace that is known is opened at once.
    let mut driven = problems((120, 40), store()).keys("j\n");
    assert!(driven.state.trace.is_some());
    driven = driven.keys("\u{1b}");
    assert_eq!((driven.state.page(), &driven.state.selection), (Page::Problems, &before));
}

#[test]
fn a_name_of_any_kind_finds_its_traces() {
    let name = "pay\"m\\ent *? (or) -注文";
    let mut hop = fixture::dropped();
    hop.callee.service = name.into();
    hop.caller = None;
    let mut build = fixture::store().problem(hop.clone(), 3, 4);
    build.snapshot.problems.last_mut().expect("a problem").traces = vec![id(1), id(2)];
    let driven = problems((120, 40), build.done()).keys("G\n");
    let filter = query(&driven).filter.expect("a filter");
    let context = jwtrail::filter::Context { now: seconds(3) };
    assert!(filter.matches(&hop, context));
    hop.callee.service = "payment".into();
    assert!(!filter.matches(&hop, context));
}

#[test]
fn a_filter_is_said_and_let_go_on_every_page() {
    for (w, h) in SIZES {
        for (key, what) in [("1", "(1 of 7)"), ("2", "(1 of 3)"), ("3", "(42 of 3,120)"), ("5", "(1 of 6)")] {
            let text = if key == "5" { "service:orders" } else { "verdict:dropped" };
            for way_out in ["\u{1b}", "0"] {
                let mut driven = filtered(Driven::new(w, h, store()).keys(key), text);
                if key == "3" {
                    answered(&mut driven, page(0, 42, 42));
                }
                // The narrow map shows one of its lists.
                let what = if key == "1" && w < 100 && !driven.text().contains("Call") { "(1 of 3)" } else { what };
                let shown = driven.text();
                let title = shown.lines().find(|line| line.contains("filter: ")).expect("a title that says it");
                // A narrow title cuts the filter, never the numbers.
                let whole = if w < 80 { "" } else { text };
                assert!(title.contains(what) && title.contains(whole), "{w}x{h} {key}\n{shown}");
                let view = driven.state.view;
                driven = driven.keys(way_out);
                assert_eq!((driven.state.view, driven.state.filter.filter.is_some()), (view, false));
                assert!(!driven.text().contains("filter:"));
            }
        }
    }
}

#[test]
fn the_map_keeps_what_matches_and_selects_among_it() {
    let mut driven = filtered(Driven::new(120, 40, store()), "caller:orders");
    let drawing = driven.state.laid.drawing.clone().expect("a drawing");
    let names: Vec<_> = drawing.nodes.iter().filter_map(|node| node.node.key.clone()).collect();
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["orders", "payment", "shipping"]);
    let shipping = Selection::Problem(ProblemKey::of(&driven.state.snapshot.problems[1]));
    assert_eq!(driven.state.selection, shipping, "the worst of what is left");
    let ask = driven.state.ask();
    let mut later = fixture::store();
    later.snapshot.edges[4].hops += 100;
    driven.say(Message::Snapshot(later.done()));
    assert_eq!(driven.state.ask(), ask, "numbers ask for no new layout");
    insta::assert_snapshot!("map_filtered_120x40", driven.text());
    let none = filtered(Driven::new(120, 40, store()), "caller:nobody");
    insta::assert_snapshot!("map_no_match_120x40", none.text());
}
