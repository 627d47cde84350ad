//! What hands do: selection follows what was selected, never where it stood.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::model::{UnixNanos, Verdict};
use jwtrail::trail::summary::SetupNote;
use jwtrail::tui::geometry::Pane;
use jwtrail::tui::graph::EdgeKey;
use jwtrail::tui::message::{Message, Pointer};
use jwtrail::tui::state::Selection;

use super::{Driven, fixture, forty, store};

fn edge(caller: &str, callee: &str) -> EdgeKey {
    EdgeKey { caller: Some(caller.into()), callee: callee.into() }
}

fn lit(driven: &Driven) -> String {
    driven.state.selection.edge().map_or_else(String::new, |edge| edge.title(">"))
}

#[test]
fn the_worst_problem_is_selected_until_the_user_moves() {
    let mut driven =
        Driven::new(120, 40, fixture::Build::new().services(&["a", "b"]).problem(fixture::dropped(), 1, 1).done());
    assert_eq!(lit(&driven), "orders > shipping");
    driven.say(Message::Snapshot(store()));
    assert_eq!(lit(&driven), "cart > pricing", "a worse one came first in the list");
    driven.press(KeyCode::Down);
    assert_eq!(lit(&driven), "orders > shipping");
    let mut other = fixture::store();
    other.snapshot.problems.reverse();
    driven.say(Message::Snapshot(other.done()));
    assert_eq!(lit(&driven), "orders > shipping", "the list turned around, the selection stayed");
    driven.press(KeyCode::Char('w'));
    assert_eq!(lit(&driven), "orders > payment", "followed again");
}

#[test]
fn a_problem_taken_back_leaves_its_edge_selected() {
    let mut driven = Driven::new(120, 40, store()).keys("j");
    let mut later = fixture::store();
    later.snapshot.problems.retain(|row| &*row.callee != "shipping");
    driven.say(Message::Snapshot(later.done()));
    assert_eq!(driven.state.selection, Selection::Edge(edge("orders", "shipping")));
    let empty = fixture::Build::new().services(&["x"]).edge(None, "x", Verdict::Originated);
    driven.say(Message::Snapshot(empty.done()));
    assert_eq!(lit(&driven), "client > x", "the edge is gone too: follow what there is");
}

#[test]
fn resize_keeps_the_selection() {
    let mut driven = Driven::new(120, 40, store()).keys("jj");
    for (width, height) in [(60, 16), (10, 5), (200, 60), (80, 24)] {
        driven.say(Message::Resize(width, height));
        assert_eq!(lit(&driven), "orders > payment");
    }
}

#[test]
fn arrows_walk_the_graph_from_edge_to_node_to_edge() {
    let mut driven = Driven::new(120, 40, store()).keys("w");
    driven.press(KeyCode::BackTab);
    assert_eq!(driven.state.pane, Pane::Map);
    driven = driven.keys("g");
    assert_eq!(driven.state.selection, Selection::Node(None), "the outside stands first");
    driven = driven.keys("l");
    assert_eq!(lit(&driven), "client > gateway");
    driven = driven.keys("l");
    assert_eq!(driven.state.selection, Selection::Node(Some("gateway".into())));
    let problems = driven.state.problems().len();
    assert_eq!(problems, 0, "a node filters the problems");
    driven = driven.keys("G");
    assert_eq!(driven.state.selection, Selection::Node(Some("stripe.example.com".into())));
    driven = driven.keys("h");
    assert_eq!(lit(&driven), "payment > stripe.example.com");
}

#[test]
fn every_edge_of_the_graph_can_be_reached_by_arrows() {
    let driven = Driven::new(200, 60, forty());
    let lines = driven.state.laid.drawing.as_ref().expect("a drawing").lines.len();
    let mut seen: Vec<Selection> = Vec::new();
    let mut open = vec![driven.state.selection.clone()];
    while let Some(selection) = open.pop() {
        if seen.contains(&selection) {
            continue;
        }
        seen.push(selection.clone());
        for key in ['h', 'j', 'k', 'l'] {
            let mut next = Driven { state: driven.state.clone() };
            (next.state.selection, next.state.pane, next.state.follow) = (selection.clone(), Pane::Map, false);
            open.push(next.keys(&key.to_string()).state.selection);
        }
    }
    let edges = seen.iter().filter(|selection| matches!(selection, Selection::Edge(_))).count();
    assert!(edges * 10 >= lines * 9, "{edges} of {lines}");
}

#[test]
fn an_edge_filters_the_problems_and_moving_in_them_leaves_the_filter() {
    let mut driven = Driven::new(120, 40, store());
    driven.state.selection = Selection::Edge(edge("gateway", "orders"));
    driven.state.follow = false;
    assert!(driven.text().contains("Problems on gateway → orders") && driven.text().contains("0 of 3"));
    driven.press(KeyCode::Down);
    assert_eq!(lit(&driven), "cart > pricing");
}

#[test]
fn clicks_select_what_they_hit() {
    let mut driven = Driven::new(120, 40, store());
    let find = |driven: &Driven, word: &str, below: u16| {
        let text = driven.text();
        let found = text.lines().enumerate().skip(usize::from(below)).find_map(|(y, line)| {
            let at = line.find(word)?;
            Some((u16::try_from(unicode_width::UnicodeWidthStr::width(&line[..at])).ok()?, u16::try_from(y).ok()?))
        });
        found.expect("the word is on the screen")
    };
    let (x, y) = find(&driven, "! orders", 0);
    driven.say(Message::Point(Pointer::Click, x + 5, y));
    assert_eq!(lit(&driven), "orders > payment");
    let (x, y) = find(&driven, "gateway", 2);
    driven.say(Message::Point(Pointer::Click, x, y));
    assert_eq!(driven.state.selection, Selection::Node(Some("gateway".into())));
    let line =
        driven.state.laid.drawing.as_ref().and_then(|d| d.lines.iter().find(|l| l.key == edge("orders", "shipping")));
    assert!(line.is_some());
    let (x, y) = find(&driven, "✗─▸", 2);
    driven.say(Message::Point(Pointer::Click, x, y));
    assert_eq!(lit(&driven), "orders > shipping");
    assert_eq!(driven.state.pane, Pane::Map);
    let before = driven.state.scroll;
    driven.say(Message::Point(Pointer::WheelDown, 5, 30));
    driven.say(Message::Point(Pointer::Click, 500, 500));
    assert!(driven.state.scroll >= before);
}

#[test]
fn enter_goes_in_and_escape_comes_back_then_q_quits() {
    let mut driven = Driven::new(120, 40, store());
    driven.press(KeyCode::Enter);
    assert_eq!(driven.state.pane, Pane::Detail);
    driven.press(KeyCode::Esc);
    assert_eq!((driven.state.pane, driven.state.quit), (Pane::Problems, false));
    driven.press(KeyCode::Char('b'));
    driven.press(KeyCode::Char('q'));
    assert!(!driven.state.only_broken && !driven.state.quit, "a filter is left before the program");
    driven.press(KeyCode::Char('?'));
    driven.press(KeyCode::Char('q'));
    assert!(driven.state.help.is_none() && !driven.state.quit);
    driven.press(KeyCode::Char('q'));
    assert!(driven.state.quit);
}

#[test]
fn escape_alone_never_leaves_the_program() {
    let mut driven = Driven::new(120, 40, store());
    for _ in 0..4 {
        driven.press(KeyCode::Esc);
    }
    assert!(!driven.state.quit, "what came in would be lost");
    assert!(driven.text().contains("q quits"), "{}", driven.text());
    driven.press(KeyCode::Char('q'));
    assert!(driven.state.quit);
}

#[test]
fn only_broken_hides_what_is_well() {
    let driven = Driven::new(120, 40, store()).keys("b");
    let drawing = driven.state.laid.drawing.clone().expect("a drawing");
    let mut names: Vec<_> = drawing.nodes.iter().filter_map(|node| node.node.key.clone()).collect();
    names.sort();
    assert_eq!(
        names.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["cart", "orders", "payment", "pricing", "shipping"]
    );
    assert_eq!(drawing.lines.len(), 3);
}

#[test]
fn focus_keeps_two_hops_around_and_counts_the_rest() {
    let mut driven = Driven::new(120, 40, forty()).keys("f");
    assert!(driven.state.laid.hidden > 0);
    assert!(driven.text().contains("more, 0 shows all"));
    driven.press(KeyCode::Char('0'));
    assert_eq!(driven.state.laid.hidden, 0);
    assert_eq!(lit(&driven), "service-05 > service-17", "the selection stays and stays in sight");
    assert!(driven.text().contains("━✗━▸"), "{}", driven.text());
}

#[test]
fn the_detail_scrolls_to_its_end_and_no_further() {
    let mut driven = Driven::new(60, 16, store()).keys("\n");
    let first = driven.text();
    for _ in 0..50 {
        driven.press(KeyCode::Down);
    }
    let last = driven.text();
    assert!(first != last && last.contains("in 5 min"), "{last}");
    driven.press(KeyCode::Char('g'));
    assert_eq!(driven.text(), first);
}

#[test]
fn nothing_breaks_when_every_key_meets_every_screen() {
    let mut no_graph = Driven::new(80, 24, store());
    no_graph.state.laid = Arc::default();
    for start in [no_graph.state, Driven::new(60, 16, Arc::default()).state, Driven::new(10, 3, store()).state] {
        for first in "hjklgGbf0w m?\t\n".chars() {
            for second in "hjklgGbf0w m?\t\n\u{1b}".chars() {
                let driven = Driven { state: start.clone() }.keys(&format!("{first}{second}"));
                driven.picture();
            }
        }
    }
}

#[test]
fn a_problem_that_ended_says_so() {
    let said = |later: u64| {
        let mut snapshot = (*store()).clone();
        let row = snapshot.problems[0].clone();
        for edge in &mut snapshot.edges {
            edge.last_seen = UnixNanos(row.last_seen.0 + later * 1_000_000_000);
        }
        let driven = Driven::new(120, 60, Arc::new(snapshot));
        [driven.text(), driven.keys("2").text()]
    };
    assert!(said(11).iter().all(|text| text.contains("later calls went without it")), "{}", said(11).concat());
    assert!(said(9).iter().all(|text| !text.contains("later calls")), "calls of a moment ago prove nothing");
}

#[test]
fn many_dark_services_are_one_note_that_leads_to_their_page() {
    let noted = |names: &[&str]| {
        let mut snapshot = (*store()).clone();
        let dark = |name: &&str| SetupNote::Dark { service: (*name).into(), advice: "OTEL_SOMETHING=authorization" };
        snapshot.setup = names.iter().map(dark).collect();
        Driven::new(120, 40, Arc::new(snapshot)).text()
    };
    assert!(noted(&["cart"]).contains("cart shows nothing about tokens: OTEL_SOMETHING"));
    let text = noted(&["cart", "orders"]);
    assert!(text.contains("2 services show nothing about tokens: 5 says what to set in each"), "{text}");
}
