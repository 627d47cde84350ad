//! The page of services.

use std::sync::Arc;

use jwtrail::engine::Snapshot;
use jwtrail::model::Verdict;
use jwtrail::trail::summary::{CheckGround, ServiceRow};
use jwtrail::tui::Depth;
use jwtrail::tui::effect::Effect;
use jwtrail::tui::graph::Scope;
use jwtrail::tui::message::Message;
use jwtrail::tui::page::Page;
use jwtrail::tui::state::Selection;

use crate::tui::fixture::{self, Build};
use crate::tui::{Driven, forty};

fn change(build: &mut Build, name: &str, does: impl FnOnce(&mut ServiceRow)) {
    let row = build.snapshot.services.iter_mut().find(|row| &*row.name == name);
    does(row.expect("the service is there"));
}

/// The store with services of every light.
pub(in crate::tui) fn lights() -> Arc<Snapshot> {
    let mut build = fixture::store();
    change(&mut build, "payment", |row| {
        row.language = "python".into();
        (row.captures_inbound, row.captures_outbound, row.witness) = (Some(false), Some(false), false);
        row.verifies = None;
    });
    change(&mut build, "cart", |row| {
        row.language = "java".into();
        (row.captures_outbound, row.verifies) = (Some(false), Some(false));
        row.check.says = true;
    });
    change(&mut build, "orders", |row| {
        row.check =
            CheckGround { says: true, refuses: true, keys: vec!["s256:Kq8F1aBcDeFgHi".into(), "lab-2026".into()] };
    });
    change(&mut build, "gateway", |row| {
        (row.verifies, row.check.refuses) = (Some(true), true);
    });
    change(&mut build, "shipping", |row| {
        (row.language, row.captures_inbound, row.captures_outbound) = ("".into(), None, None);
        (row.sdk, row.verifies) = ("envoy".into(), None);
    });
    for edge in &mut build.snapshot.edges {
        if &*edge.callee == "shipping" {
            edge.waypoints = vec!["edge-proxy".into()];
        }
    }
    build.done()
}

fn names(driven: &Driven) -> Vec<String> {
    jwtrail::tui::page::services::listed(&driven.state).iter().map(|row| row.name().to_string()).collect()
}

#[test]
fn services_where_there_is_little_room_and_few_signs() {
    insta::assert_snapshot!("services_60x16", Driven::new(60, 16, lights()).keys("5").text());
    let ascii = Driven::new(120, 40, lights()).themed(true, Depth::None).keys("5").text();
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn what_is_lit_tells_how_that_is_known() {
    let mut driven = Driven::new(120, 40, lights()).keys("5");
    driven.state.services.selected = Some("orders".into());
    insta::assert_snapshot!("services_lit", driven.text());
    driven.state.services.selected = Some("edge-proxy".into());
    let text = driven.text();
    assert!(text.contains("only stands between two services") && text.contains("orders → shipping"), "{text}");
}

#[test]
fn the_dark_come_first_and_their_setting_is_copied() {
    let mut driven = Driven::new(120, 40, lights()).keys("5");
    assert_eq!(names(&driven)[..2], ["payment", "cart"], "dark, then half");
    driven = driven.keys("c");
    let Some(Effect::Copy { what, text }) = driven.state.effects.pop() else { panic!("nothing was copied") };
    assert_eq!(what, "settings for Python");
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains(
        "export OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=authorization,traceparent,user-agent\n"
    ));
    driven = driven.keys("jc");
    let Some(Effect::Copy { text, .. }) = driven.state.effects.pop() else { panic!("nothing was copied") };
    assert!(text.contains("OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS"), "{text}");
}

#[test]
fn orders_and_the_selection_that_stays() {
    let mut driven = Driven::new(120, 40, lights()).keys("5jj");
    let selected = driven.state.services.selected.clone();
    driven = driven.keys("o");
    let by_name = names(&driven);
    assert!(by_name[..6].is_sorted() && by_name[6] == "edge-proxy", "{by_name:?}");
    driven = driven.keys("o");
    assert_eq!(names(&driven)[0], "orders", "most problems first");
    assert_eq!(driven.state.services.selected, selected);
    driven.say(Message::Snapshot(fixture::store().edge(Some("a"), "b", Verdict::Intact).done()));
    assert_eq!(driven.state.services.selected, selected);
}

#[test]
fn enter_shows_the_map_around_it() {
    let mut driven = Driven::new(120, 40, lights()).keys("5");
    driven.state.services.selected = Some("orders".into());
    driven = driven.keys("\n");
    assert_eq!((driven.state.view, driven.state.scope), (Page::Map, Scope::Focus));
    assert_eq!(driven.state.selection, Selection::Node(Some("orders".into())));
}

#[test]
fn services_without_a_hop() {
    let mut build = Build::new().services(&["gateway"]);
    build.snapshot.totals.hops = 0;
    let driven = Driven::new(80, 24, build.done()).keys("5");
    insta::assert_snapshot!("services_before_the_first_hop", driven.text());
    let mut driven = driven.keys("\n");
    assert!(matches!(driven.state.effects.pop(), Some(Effect::Tell(Err(why))) if why.contains("no hop yet")));
    assert_eq!(driven.state.view, Page::Services);
}

#[test]
fn many_services_scroll() {
    let driven = Driven::new(80, 24, forty()).keys("5G");
    insta::assert_snapshot!("services_forty_80x24", driven.text());
}
