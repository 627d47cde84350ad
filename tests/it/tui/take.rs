//! What people take along: menus over what is selected, and what is asked of the program for it.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::model::SpanId;
use jwtrail::trail::views::TraceView;
use jwtrail::tui::clipboard::{Between, LONGEST, sequence};
use jwtrail::tui::effect::{Effect, PolicyEdit, Request};
use jwtrail::tui::graph::EdgeKey;
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::page;
use jwtrail::tui::state::Selection;
use jwtrail::tui::{Mode, take};

use super::fixture;
use super::{Driven, store};

/// The effects since the last look.
fn effects(driven: &mut Driven) -> Vec<Effect> {
    std::mem::take(&mut driven.state.effects)
}

fn copied(keys: &str) -> (&'static str, String) {
    let mut driven = Driven::new(120, 40, store()).keys("j").keys(keys);
    match effects(&mut driven).pop() {
        Some(Effect::Copy { what, text }) => (what, text),
        other => panic!("nothing was copied: {other:?}"),
    }
}

#[test]
fn the_menus_say_what_there_is() {
    insta::assert_snapshot!("menu_save", Driven::new(80, 24, store()).keys("js").text());
    insta::assert_snapshot!("menu_policy", Driven::new(80, 24, store()).keys("jp").text());
    let mut driven = Driven::new(80, 24, store()).keys("ji");
    for letter in "a test".chars() {
        driven.press(KeyCode::Char(letter));
    }
    insta::assert_snapshot!("prompt_reason", driven.text());
}

#[test]
fn what_is_copied_is_what_was_chosen() {
    assert_eq!(copied("yt"), ("trace id", "4eca9a010203040506070809".to_owned() + "0a0b0c0d"));
    assert_eq!(copied("yi").1, SpanId([7; 8]).to_string());
    let (_, command) = copied("yk");
    assert_eq!(command, "jwtrail check traces.jsonl --where 'caller:orders callee:shipping verdict:dropped'");
    let filter = "caller:orders callee:shipping verdict:dropped";
    assert!(filter.parse::<jwtrail::filter::Filter>().is_ok());
    insta::assert_snapshot!("problem_markdown", copied("ym").1);
    let mut driven = Driven::new(120, 40, store());
    driven.state.mode = Mode::Replay { file: "my traces.jsonl".to_owned() };
    driven.state.filter.filter = Some("verdict:dropped".parse().expect("a filter"));
    "verdict:dropped".clone_into(&mut driven.state.filter.text);
    let mut driven = driven.keys("yk");
    let Some(Effect::Copy { text, .. }) = effects(&mut driven).pop() else { panic!("no command") };
    assert!(text.starts_with("jwtrail check 'my traces.jsonl' --where "), "{text}");
    let mut driven = driven.keys("yf");
    assert!(
        matches!(effects(&mut driven).pop(), Some(Effect::Copy { what: "filter", text }) if text == "verdict:dropped")
    );
}

#[test]
fn names_in_a_command_are_words_of_the_filter() {
    let mut hop = fixture::dropped();
    hop.callee.service = "it's (new) service|x".into();
    let build = fixture::Build::new().services(&["orders"]).problem(hop, 1, 2);
    let mut driven = Driven::new(120, 40, build.done()).keys("yk");
    let Some(Effect::Copy { text, .. }) = effects(&mut driven).pop() else { panic!("no command") };
    let filter = text.split_once("--where ").expect("a filter").1.trim_matches('\'').replace("'\\''", "'");
    let parsed = filter.parse::<jwtrail::filter::Filter>();
    assert!(parsed.is_ok(), "{filter}: {parsed:?}");
}

#[test]
fn hostile_names_are_no_markup() {
    let mut hop = fixture::dropped();
    hop.callee.service = "a|b`c](http://x) @everyone\u{1b}[2J<script>".into();
    hop.hint = Some("see | <b>this</b> @all".to_owned());
    let text = take::markdown::hop(&hop, None, &[hop.trace_id]);
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| | |")) {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 3, "{line}");
    }
    assert!(!text.contains('\u{1b}') && !text.contains("<b>") && !text.contains(" @all"), "{text}");
}

#[test]
fn saving_asks_the_program_for_files_with_clear_names() {
    let mut driven = Driven::new(120, 40, store()).keys("jst");
    let Some(Effect::Host(Request::SaveTraces { name, traces })) = effects(&mut driven).pop() else {
        panic!("nothing was saved")
    };
    assert_eq!((name.as_str(), traces.len()), ("orders-shipping", 1));
    let before = driven.text();
    let mut driven = driven.keys("sp");
    let Some(Effect::Host(Request::SaveText { name, extension, text })) = effects(&mut driven).pop() else {
        panic!("no picture")
    };
    assert_eq!((name.as_str(), extension), ("map", "svg"));
    assert!(text.contains("Call graph") && !text.contains("Save to the working"), "the menu is not in the picture");
    assert_eq!(driven.text(), before);
    let mut driven = driven.keys("sr");
    assert_eq!(effects(&mut driven), [Effect::Host(Request::SaveReport)]);
}

#[test]
fn an_ignored_problem_needs_a_reason() {
    let mut driven = Driven::new(120, 40, store()).keys("jpi\n");
    assert!(driven.text().contains("expected why this is accepted"), "{}", driven.text());
    driven = driven.keys("a known one\n");
    let edit = PolicyEdit::Ignore {
        from: "orders".to_owned(),
        to: "shipping".to_owned(),
        kind: "verdict",
        what: "dropped".to_owned(),
        reason: "a known one".to_owned(),
    };
    assert_eq!(effects(&mut driven), [Effect::Host(Request::Policy(edit))]);
    assert!(driven.state.prompt.is_none());
}

#[test]
fn edges_are_marked_and_entries_come_from_the_client() {
    let mut driven = Driven::new(120, 40, store());
    driven.state.selection = Selection::Edge(EdgeKey { caller: None, callee: "gateway".into() });
    driven.state.follow = false;
    let mut driven = driven.keys("po");
    let edit = PolicyEdit::Optional { from: "client".to_owned(), to: "gateway".to_owned() };
    assert_eq!(effects(&mut driven), [Effect::Host(Request::Policy(edit))]);
    let mut driven = driven.keys("i");
    assert!(effects(&mut driven).is_empty() && driven.state.prompt.is_none());
    assert!(driven.text().contains("select a problem to ignore it"));
}

#[test]
fn nothing_selected_is_said() {
    for (key, word) in [("y", "copied"), ("E", "opened"), ("p", "select an edge"), ("i", "select a problem")] {
        let driven = Driven::new(120, 40, Arc::default()).keys(key);
        assert!(driven.state.menu.is_none() && driven.text().contains(word), "{key}: {}", driven.text());
    }
}

#[test]
fn an_open_trace_is_opened_as_a_waterfall() {
    let run = crate::trail::support::runs("drop-in-fanout.jsonl");
    let (spans, logs) = crate::trail::support::read(&run);
    let mut trail = crate::trail::support::trail(jwtrail::model::policy::Policy::default());
    trail.ingest(crate::trail::support::batch(spans, logs), jwtrail::model::UnixNanos(0));
    trail.settle_all();
    let id = trail.trace_ids()[0];
    let view: TraceView = trail.trace_view(id).expect("a trace");
    let mut driven = Driven::new(120, 40, store());
    page::trace::open(&mut driven.state, id);
    // The hop that dropped the token is selected by itself: its line is not its place among all spans.
    page::trace::answered(&mut driven.state, id, Some(view.into()));
    driven.say(Message::Act(Action::Open));
    let Some(Effect::Open { name, text }) = effects(&mut driven).pop() else { panic!("nothing was opened") };
    assert_eq!(name, "trace");
    assert!(!text.contains("eyJ"));
    insta::assert_snapshot!("waterfall", text);
    driven.say(Message::Act(Action::Policy));
    let text = driven.text();
    assert!(text.contains("no token need go from orders to shipping"), "the span's own hop is meant:\n{text}");
}

#[test]
fn osc_52_goes_through_multiplexers() {
    let text = "4eca9a01";
    let plain = "\u{1b}]52;c;NGVjYTlhMDE=\u{7}";
    assert_eq!(sequence(text, Between::Nothing), Ok(plain.as_bytes().to_vec()));
    let tmux = format!("{plain}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;NGVjYTlhMDE=\u{7}\u{1b}\\");
    assert_eq!(sequence(text, Between::Tmux), Ok(tmux.into_bytes()));
    assert_eq!(sequence(text, Between::Screen), Ok(format!("\u{1b}P{plain}\u{1b}\\").into_bytes()));

    let long = "x".repeat(LONGEST);
    let chunks = sequence(&long, Between::Screen).expect("it fits");
    let (mut joined, mut rest) = (Vec::new(), chunks.as_slice());
    while let Some(body) = rest.strip_prefix(b"\x1bP") {
        let end = body.windows(2).position(|two| two == b"\x1b\\").expect("an end");
        assert!(end <= 512, "screen drops a longer string");
        joined.extend_from_slice(&body[..end]);
        rest = &body[end + 2..];
    }
    assert!(rest.is_empty());
    assert_eq!(Ok(joined), sequence(&long, Between::Nothing));
    let error = sequence(&"x".repeat(LONGEST + 1), Between::Nothing).expect_err("too much");
    assert_eq!(
        error.to_string(),
        "expected at most 74994 bytes, found 74995: terminals drop more than that; save it instead"
    );
}

#[test]
fn the_environment_says_what_stands_between() {
    let between = |vars: &[(&str, &str)]| {
        Between::of(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(between(&[("TERM", "xterm-256color")]), Between::Nothing);
    assert_eq!(between(&[("TERM", "screen-256color"), ("TMUX", "/tmp/tmux,1,0")]), Between::Tmux);
    assert_eq!(between(&[("TERM", "tmux-256color")]), Between::Tmux);
    assert_eq!(between(&[("TERM", "screen"), ("STY", "1.pts")]), Between::Screen);
    assert!(Between::Tmux.needs().contains("set-clipboard on") && Between::Nothing.needs().is_empty());
}
