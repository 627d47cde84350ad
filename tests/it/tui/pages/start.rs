//! The screen before anything is seen.

use std::sync::Arc;

use jwtrail::tui::Mode;
use jwtrail::tui::Switch;
use jwtrail::tui::effect::{Effect, Request};
use jwtrail::tui::replay::Playback;
use jwtrail::tui::stacks::{Here, Stack};

use super::SIZES;
use crate::tui::Driven;
use crate::tui::fixture::Build;

fn copied(driven: &mut Driven) -> String {
    match driven.state.effects.pop() {
        Some(Effect::Copy { text, .. }) => text,
        other => panic!("nothing was copied: {other:?}"),
    }
}

#[test]
fn the_first_service_ticks_at_once() {
    let mut build = Build::new().services(&["gateway", "orders"]);
    (build.snapshot.totals.spans, build.snapshot.totals.traces, build.snapshot.totals.hops) = (3, 1, 0);
    build.snapshot.services[1].captures_inbound = Some(false);
    build.snapshot.services[1].captures_outbound = None;
    let snapshot = build.done();
    for (width, height) in SIZES {
        insta::assert_snapshot!(
            format!("first_service_{width}x{height}"),
            Driven::new(width, height, snapshot.clone()).text()
        );
    }
}

#[test]
fn each_stack_is_copied_with_the_ports_that_listen() {
    let mut driven = Driven::new(120, 40, Arc::default());
    driven.state.listening = vec!["127.0.0.1:14317 gRPC".to_owned(), "0.0.0.0:14318 HTTP".to_owned()];
    driven = driven.keys("c");
    insta::assert_snapshot!("settings_menu", driven.text());
    let mut all = copied(&mut driven.keys("1"));
    for key in 2..=6 {
        let mut driven = Driven::new(120, 40, Arc::default());
        driven.state.listening = vec!["127.0.0.1:14317 gRPC".to_owned(), "0.0.0.0:14318 HTTP".to_owned()];
        all.push('\n');
        all.push_str(&copied(&mut driven.keys(&format!("c{key}"))));
    }
    insta::assert_snapshot!("settings_copied", all);
}

#[test]
fn settings_name_no_port_that_does_not_listen() {
    let here = Here::of(&["[::]:9318 HTTP".to_owned()]);
    for stack in Stack::OFFERED {
        let text = stack.whole(&here);
        assert!(!text.contains("4317") && text.contains("[::1]:9318"), "{text}");
    }
    let here = Here::of(&["127.0.0.1:4317 gRPC over TLS".to_owned(), "127.0.0.1:4318 HTTP over TLS".to_owned()]);
    assert!(Stack::Python.whole(&here).contains("ENDPOINT=https://127.0.0.1:4317\n"), "nothing else is taken there");
    assert!(Stack::Collector.whole(&here).contains("ca_file:"));
    assert!(!Stack::Python.whole(&Here::default()).contains("ENDPOINT"), "a replay listens nowhere");
}

#[test]
fn the_demo_starts_only_where_nothing_came_yet() {
    let mut driven = Driven::new(80, 24, Arc::default()).keys("D");
    assert_eq!(driven.state.effects.pop(), Some(Effect::Host(Request::Demo)));
    driven.state.switches = vec![Switch { key: '1', name: "dropped".to_owned(), on: true }];
    let mut driven = driven.keys("D");
    assert!(matches!(driven.state.effects.pop(), Some(Effect::Tell(Err(_)))), "it runs already");
    let mut seen = Driven::new(80, 24, Build::new().services(&["gateway"]).done()).keys("D");
    assert!(matches!(seen.state.effects.pop(), Some(Effect::Tell(Err(_)))), "other services are there");
    assert!(!seen.text().contains("D demo"), "{}", seen.text());
}

#[test]
fn a_replay_without_hops_says_why() {
    let mut build = Build::new().services(&["gateway"]);
    (build.snapshot.totals.spans, build.snapshot.totals.traces, build.snapshot.totals.hops) = (7, 7, 0);
    let mut driven = Driven::new(80, 24, build.done());
    driven.state.mode = Mode::Replay { file: "traces.jsonl".to_owned() };
    assert!(driven.text().contains("Reading traces.jsonl: 7 spans, 7 traces, no hop yet"), "{}", driven.text());
    driven.state.playback = Some(Arc::new(Playback::default()));
    insta::assert_snapshot!("replay_without_hops", driven.text());
}

#[test]
fn lists_have_words_of_their_own_before_anything_is_seen() {
    for (key, words) in [("3", "trace"), ("4", "No span yet"), ("5", "No service yet")] {
        let text = Driven::new(80, 24, Arc::default()).keys(key).text();
        assert!(text.contains(words) && !text.contains("Point an exporter"), "{key}: {text}");
    }
}
