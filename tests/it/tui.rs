//! The screen as a stranger sees it: text and colour of whole pictures, and what keys do to them.

#![expect(clippy::expect_used, reason = "what a test needs and does not find is its failure")]

mod cost;
mod everywhere;
mod evidence;
mod filtering;
mod fixture;
mod keys;
mod layout;
mod lists;
mod map;
mod matrix;
mod pages;
mod plain;
mod promises;
mod pty;
mod replay;
mod replay_pty;
mod take;
mod take_pty;
mod theme;
mod tiny;
mod trace;
mod typing;

use std::fmt::Write as _;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jwtrail::engine::Snapshot;
use jwtrail::model::{Finding, Severity, Verdict};
use jwtrail::trail::summary::{NodeKind, SetupNote};
use jwtrail::tui::graph::lay_out_after;
use jwtrail::tui::message::Message;
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;
use jwtrail::tui::{Depth, Mode, Switch, Theme, keymap, view};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// A screen that is driven without a terminal.
struct Driven {
    state: State,
}

impl Driven {
    fn new(width: u16, height: u16, snapshot: Arc<Snapshot>) -> Self {
        let listening = vec!["127.0.0.1:4317 gRPC".to_owned(), "127.0.0.1:4318 HTTP".to_owned()];
        let mut driven = Self { state: State { listening, ..State::default() } };
        driven.say(Message::Resize(width, height));
        driven.say(Message::Snapshot(snapshot));
        driven
    }

    fn themed(mut self, ascii: bool, depth: Depth) -> Self {
        self.state.theme = Theme { ascii, depth, ..Theme::default() };
        self
    }

    /// Lets a message happen, and the layout that the program's other thread would make.
    fn say(&mut self, message: Message) {
        update(&mut self.state, message);
        let ask = self.state.ask();
        if !self.state.laid.serves(&ask) {
            let laid = lay_out_after(&ask, Some(&self.state.laid));
            update(&mut self.state, Message::Laid(Arc::new(laid)));
        }
    }

    fn press(&mut self, code: KeyCode) {
        let key = keymap::key(KeyEvent::new(code, KeyModifiers::NONE)).expect("a key");
        self.say(Message::Press(key));
    }

    fn keys(mut self, keys: &str) -> Self {
        for key in keys.chars() {
            self.press(match key {
                '\t' => KeyCode::Tab,
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                other => KeyCode::Char(other),
            });
        }
        self
    }

    fn picture(&self) -> Buffer {
        view::picture(&self.state)
    }

    fn text(&self) -> String {
        text(&self.picture())
    }

    /// Text, then the same cells as letters for their styles, then what the letters mean.
    fn snapshot(&self) -> String {
        let buffer = self.picture();
        format!("{}\n{}", text(&buffer), styles(&buffer))
    }
}

fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).expect("a width");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn styles(buffer: &Buffer) -> String {
    let mut legend: Vec<Style> = Vec::new();
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let plain = cell.fg == Color::Reset && cell.modifier == Modifier::empty() && cell.bg == Color::Reset;
            // The colour of a blank shows only where it is turned inside out.
            if plain || (cell.symbol() == " " && !cell.modifier.contains(Modifier::REVERSED)) {
                line.push(' ');
                continue;
            }
            let at = legend.iter().position(|style| *style == cell.style()).unwrap_or_else(|| {
                legend.push(cell.style());
                legend.len() - 1
            });
            line.push(char::from(b'a' + u8::try_from(at).expect("few styles")));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for (at, style) in legend.iter().enumerate() {
        let fg = style.fg.filter(|fg| *fg != Color::Reset).map_or_else(|| "-".to_owned(), |fg| fg.to_string());
        let letter = char::from(b'a' + u8::try_from(at).expect("few styles"));
        let _ = writeln!(out, "{letter} = {fg} {:?}", style.add_modifier);
    }
    out
}

fn store() -> Arc<Snapshot> {
    fixture::store().done()
}

/// Forty services in a tree with some calls across, one edge broken.
fn forty() -> Arc<Snapshot> {
    let names: Vec<String> = (0..40).map(|at| format!("service-{at:02}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut build = fixture::Build::new().services(&all).edge(None, all[0], Verdict::Originated);
    for at in 1..40 {
        build = build.edge(Some(all[(at - 1) / 3]), all[at], Verdict::Intact);
        if at % 4 == 0 {
            build = build.edge(Some(all[at / 2]), all[(at * 7) % 40], Verdict::Intact);
        }
    }
    let mut hop = fixture::dropped();
    hop.caller.as_mut().expect("a caller").service = all[5].into();
    hop.callee.service = "service-17".into();
    build.snapshot.edges.retain(|row| &*row.callee != "service-17");
    build.problem(hop, 12, 90).done()
}

#[test]
fn nothing_yet() {
    insta::assert_snapshot!("nothing_yet_60x16", Driven::new(60, 16, Arc::default()).text());
}

#[test]
fn first_spans_tick_before_the_first_hop() {
    let mut build = fixture::Build::new().services(&["gateway"]);
    (build.snapshot.totals.spans, build.snapshot.totals.traces, build.snapshot.totals.hops) = (3, 1, 0);
    let text = Driven::new(80, 24, build.done()).text();
    assert!(text.contains("It works.  3 spans, 1 trace from gateway; no hop"), "{text}");
}

#[test]
fn the_map_answers_without_a_key() {
    insta::assert_snapshot!("map_60x16", Driven::new(60, 16, store()).snapshot());
}

#[test]
fn evidence_of_each_accusation() {
    insta::assert_snapshot!("detail_changed", Driven::new(120, 30, store()).text());
    insta::assert_snapshot!("detail_dropped", Driven::new(120, 30, store()).keys("j").snapshot());
    insta::assert_snapshot!("detail_failed", Driven::new(120, 30, store()).keys("jj").text());
    let placeholder = fixture::store().problem(fixture::placeholder(), 4, 40).done();
    insta::assert_snapshot!("detail_placeholder", Driven::new(120, 30, placeholder).keys("G").text());
    let hop = fixture::hop(Some("gateway"), "orders", Verdict::Intact);
    let detail = "in X-Access-Token, where it was in Authorization before";
    let moved = fixture::store().finding(hop, Finding::Moved, Severity::Low, detail).done();
    insta::assert_snapshot!("detail_finding", Driven::new(120, 30, moved).keys("G").text());
}

#[test]
fn a_node_tells_what_it_shows_and_whom_it_calls() {
    let mut driven = Driven::new(120, 40, store());
    driven.press(KeyCode::BackTab);
    driven = driven.keys("g");
    assert!(driven.text().contains("calls    ● gateway"), "{}", driven.text());
    driven = driven.keys("llll");
    insta::assert_snapshot!(driven.text());
}

#[test]
fn many_switches_leave_room_for_the_map() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut build = fixture::store();
        build.snapshot.setup.push(SetupNote::ContextBroken { single: 90, all: 100 });
        let mut driven = Driven::new(width, height, Arc::default());
        driven.state.switches = (b'1'..=b'9')
            .map(|key| Switch { key: key.into(), name: "break something in a shop".to_owned(), on: key % 2 == 0 })
            .collect();
        driven.say(Message::Snapshot(build.done()));
        let text = driven.text();
        assert!(text.contains("Call graph") && text.contains("Problems") && text.contains("look at"), "{text}");
        assert!(text.contains("gateway") && text.contains("9 ◻") == (width == 120), "{text}");
    }
}

#[test]
fn paused_shows_how_much_is_behind() {
    let mut driven = Driven::new(120, 40, store()).keys(" ");
    let before = driven.text();
    let mut later = fixture::store().edge(Some("orders"), "late", Verdict::Intact);
    later.snapshot.totals.spans += 1_234;
    later.snapshot.totals.hops += 400;
    driven.say(Message::Snapshot(later.done()));
    let paused = driven.text();
    insta::assert_snapshot!("paused_header", paused.lines().next().expect("a header"));
    assert!(!paused.contains("late") && paused.lines().skip(1).eq(before.lines().skip(1)));
    assert!(driven.keys(" ").text().contains("late"));
}

#[test]
fn help_lists_signs_keys_and_switches() {
    let mut driven = Driven::new(120, 48, store());
    driven.state.log_path = "/var/tmp/jwtrail.log".to_owned();
    driven.state.switches = vec![
        Switch { key: '1', name: "drop in a fan-out".to_owned(), on: true },
        Switch { key: '2', name: "send `undefined`".to_owned(), on: false },
    ];
    insta::assert_snapshot!(driven.keys("?").snapshot());
}

#[test]
fn ascii_draws_nothing_else() {
    let driven = Driven::new(120, 40, store()).themed(true, Depth::Indexed);
    let text = driven.text();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
    assert!(Driven::new(120, 40, Arc::default()).themed(true, Depth::Indexed).text().is_ascii());
    assert!(Driven::new(120, 60, store()).themed(true, Depth::Indexed).keys("?").text().is_ascii());
}

#[test]
fn no_color_leaves_only_weights() {
    let driven = Driven::new(120, 40, store()).themed(false, Depth::None);
    let picture = driven.picture();
    assert!(picture.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    insta::assert_snapshot!(driven.snapshot());
}

#[test]
fn circles_and_calls_to_oneself() {
    let build = fixture::Build::new()
        .services(&["cart", "orders", "audit"])
        .edge(None, "cart", Verdict::Originated)
        .edge(Some("cart"), "orders", Verdict::Intact)
        .edge(Some("orders"), "audit", Verdict::Intact)
        .edge(Some("audit"), "cart", Verdict::Intact)
        .edge(Some("orders"), "cart", Verdict::Exchanged)
        .edge(Some("orders"), "orders", Verdict::Failed);
    insta::assert_snapshot!(Driven::new(120, 40, build.done()).text());
}

#[test]
fn forty_services() {
    insta::assert_snapshot!("forty_200x60", Driven::new(200, 60, forty()).text());
    insta::assert_snapshot!("forty_120x40", Driven::new(120, 40, forty()).text());
    insta::assert_snapshot!("forty_only_broken", Driven::new(120, 40, forty()).keys("b").text());
}

#[test]
fn other_kinds_of_nodes_look_different() {
    let build = fixture::Build::new()
        .services(&["api"])
        .service("jobs", NodeKind::Queue)
        .service("postgres", NodeKind::Database)
        .service("api.example.org", NodeKind::External)
        .edge(None, "api", Verdict::Originated)
        .edge(Some("api"), "jobs", Verdict::Absent)
        .edge(Some("api"), "postgres", Verdict::Absent)
        .edge(Some("api"), "api.example.org", Verdict::Unknown);
    insta::assert_snapshot!(Driven::new(120, 40, build.done()).text());
}

#[test]
fn long_names_are_cut_and_setup_is_said() {
    let name = "a-service-with-a-very-long-name-that-nobody-can-read-at-a-glance-in-any-terminal";
    let mut hop = fixture::dropped();
    hop.callee.service = name.into();
    hop.operation = format!("GET /{}", "segment/".repeat(40)).into();
    let mut build = fixture::Build::new()
        .services(&["gateway", "orders", name])
        .edge(None, "gateway", Verdict::Originated)
        .edge(Some("gateway"), "orders", Verdict::Intact)
        .problem(hop, 1_234_567, 12_345_678);
    build.snapshot.totals.lost.evicted_traces = 12;
    build.snapshot.totals.lost.evicted_spans = 480;
    build.snapshot.setup.push(SetupNote::ContextBroken { single: 90, all: 100 });
    build.snapshot.setup.push(SetupNote::Nameless { service: "unknown_service:node".into() });
    insta::assert_snapshot!("overflow_120x40", Driven::new(120, 40, build.done()).text());
}

#[test]
fn hostile_names_cannot_break_the_screen() {
    let name = "pay\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}tnem\u{0}\u{301}\u{301}\u{301}注文サービス\u{200d}👩\u{200d}👧";
    let mut hop = fixture::dropped();
    hop.callee.service = name.into();
    hop.detail = Some(format!("said {name}\n\r\tand more"));
    hop.hint = Some(name.to_owned());
    hop.operation = name.into();
    hop.received.ground = name.to_owned();
    hop.waypoints = vec![name.into()];
    hop.verification.evidence = Some(name.into());
    let mut build = fixture::Build::new().services(&["orders", name]).problem(hop, 1, 2);
    build.snapshot.setup.push(SetupNote::Intake(name.to_owned()));
    let build = build.done();
    for (width, height) in [(120, 40), (80, 24), (60, 16)] {
        let driven = Driven::new(width, height, build.clone());
        for cell in &driven.picture().content {
            let bad = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            };
            assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
            assert!(cell.symbol().width() <= 2);
        }
    }
    insta::assert_snapshot!(Driven::new(120, 40, build).text());
}

#[test]
fn every_size_draws_and_too_small_says_so() {
    for width in (1..=220).step_by(13) {
        for height in (1..=70).step_by(5) {
            for snapshot in [store(), Arc::default()] {
                let driven = Driven::new(width, height, snapshot);
                assert_eq!(driven.picture().area.width, width);
                driven.keys("?").picture();
            }
        }
    }
    let text = Driven::new(59, 16, store()).text();
    assert!(text.contains("needs 60 x 16") && text.contains("this is 59 x 16"), "{text}");
}

#[test]
fn replay_names_its_file() {
    let mut driven = Driven::new(120, 40, store());
    driven.state.mode = Mode::Replay { file: "traces.jsonl".to_owned() };
    let text = driven.text();
    assert!(text.starts_with(" jwtrail  ▶ replay   traces.jsonl"), "{text}");
}

#[test]
fn the_svg_holds_the_same_text_and_is_well_formed() {
    let svg = jwtrail::tui::picture::svg(&Driven::new(120, 40, store()).picture(), jwtrail::tui::picture::Ground::DARK);
    for part in ["shipping", "changed", "✗", "▸", "Call graph", "subject", "k3va"] {
        assert!(svg.contains(part), "{part}");
    }
    let open = svg.matches("<text").count();
    assert!(open > 100 && open == svg.matches("</text>").count());
    // No ampersand and no angle bracket but those of the markup itself.
    assert!(svg.split('&').skip(1).all(|rest| ["lt;", "gt;", "amp;", "quot;"].iter().any(|e| rest.starts_with(e))));
}
