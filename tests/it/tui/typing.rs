//! The line that is typed into: what it offers, what it remembers, and how it says what is wrong.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::query::TracePage;
use jwtrail::engine::{Answer, Query};
use jwtrail::model::{TraceId, UnixNanos};
use jwtrail::tui::effect::{Effect, Request};
use jwtrail::tui::keymap::Key;
use jwtrail::tui::log::Tail;
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::page::Page;
use jwtrail::tui::replay::{Control, Playback};
use jwtrail::tui::saved::SavedView;
use jwtrail::tui::state::Selection;
use jwtrail::tui::{Depth, keymap};

use super::{Driven, store};

fn driven(keys: &str) -> Driven {
    Driven::new(120, 40, store()).keys(keys)
}

fn line(driven: &Driven) -> (String, usize) {
    let prompt = driven.state.prompt.as_ref().expect("an open line");
    (prompt.text.clone(), prompt.cursor)
}

fn typed(keys: &str) -> String {
    line(&driven(keys)).0
}

#[test]
fn tab_goes_through_what_fits_and_on_to_the_values() {
    insta::assert_snapshot!("typing_filter_80x24", Driven::new(80, 24, store()).keys("/service:\t\t").snapshot());
    insta::assert_snapshot!("typing_filter_60x16", Driven::new(60, 16, store()).keys("/\t").text());
    let mut driven = driven("/verd\t");
    assert_eq!(line(&driven), ("verdict:".to_owned(), 8), "the only one is put in");
    driven = driven.keys("dro\t");
    assert_eq!(line(&driven).0, "verdict:dropped");
    driven = driven.keys(" service:sh\t");
    assert_eq!(line(&driven).0, "verdict:dropped service:shipping", "a service that is there right now");
    assert!(driven.text().contains("1 of 3 problems, "), "{}", driven.text());
    driven = driven.keys("\n");
    assert!(driven.state.prompt.is_none() && driven.state.filter.text == "verdict:dropped service:shipping");
}

#[test]
fn tab_comes_back_to_the_first_and_back_tab_goes_the_other_way() {
    let first = typed("/se\t");
    assert_ne!(typed("/se\t\t"), first);
    let mut around = driven("/se");
    let count = around.state.prompt.as_ref().map_or(0, |prompt| prompt.aid.offers.len());
    around = around.keys(&"\t".repeat(count + 1));
    assert_eq!(line(&around).0, first);
    around.press(KeyCode::BackTab);
    around.press(KeyCode::Tab);
    assert_eq!(line(&around).0, first);
    assert_eq!(typed("/token:k3\t"), "token:k3va", "names of tokens that show");
    assert_eq!(typed("/zzz\t"), "zzz", "nothing to offer leaves the line as it is");
}

#[test]
fn the_history_goes_back_and_forth_and_knows_no_token() {
    let mut driven = driven("/service:orders\n\u{1b}/verdict:failed\n/");
    let ups = |driven: &mut Driven, count: usize| (0..count).for_each(|_| driven.press(KeyCode::Up));
    assert_eq!(line(&driven).0, "verdict:failed", "the filter in force is there to be changed");
    ups(&mut driven, 1);
    assert_eq!(line(&driven).0, "service:orders");
    ups(&mut driven, 5);
    assert_eq!(line(&driven).0, "service:orders");
    driven.press(KeyCode::Down);
    driven.press(KeyCode::Down);
    assert_eq!(line(&driven).0, "verdict:failed");
    let kept: Vec<String> = driven
        .state
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Host(Request::Remember { command: false, line }) => Some(line.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(kept, ["service:orders", "verdict:failed"]);
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImxhYiJ9.eyJzdWIiOiJ4In0.c2ln";
    for opener in ["/token:", ":service ", ":filter ", ":save-view ", ":view ", ":"] {
        let before = driven.state.effects.len();
        driven.press(KeyCode::Esc);
        driven = driven.keys(&format!("{opener}{token}\n"));
        assert_eq!(driven.state.effects.len(), before, "{opener}");
        assert!(driven.state.prompt.as_ref().is_some_and(|prompt| prompt.error.is_some()), "{opener}");
        driven.press(KeyCode::Esc);
        let history = driven.state.filter.history.iter().chain(&driven.state.typing.commands);
        assert!(history.clone().all(|line| !line.contains("eyJ")), "{opener}");
    }
}

#[test]
fn mistakes_are_quiet_while_typing_and_pointed_at_on_enter() {
    let quiet = driven("/servce:orders verdict:dropped");
    assert!(!quiet.text().contains("unknown field"), "{}", quiet.text());
    let loud = quiet.keys("\n");
    insta::assert_snapshot!("typing_mistake_120x40", loud.snapshot());
    assert_eq!(line(&loud).1, 6, "the cursor stands where it is to be mended");
    let mended = loud.keys("");
    let narrow = Driven::new(80, 24, store()).keys("/verdict:dropped service:orders status>=aaa\n");
    insta::assert_snapshot!("typing_mistake_80x24", narrow.snapshot());
    let text = mended.text();
    let rows: Vec<&str> = text.lines().collect();
    let (above, below) = (rows[rows.len() - 2], rows[rows.len() - 1]);
    assert_eq!(above.find("servce"), below.find("^^^^^^"), "{text}");
    let gone = mended.keys("x");
    assert!(!gone.text().contains("unknown field"), "what is typed on is no longer scolded");
}

#[test]
fn long_and_wide_lines_keep_the_cursor_in_sight() {
    let long = format!("/{} verdict:dropped 注文サービス", "service:orders ".repeat(12));
    let mut driven = Driven::new(80, 24, store()).keys(&long);
    let last = |driven: &Driven| driven.text().lines().last().expect("a last line").to_owned();
    assert!(last(&driven).starts_with("/…") && last(&driven).contains("注文サービス"), "{}", last(&driven));
    driven.press(KeyCode::Home);
    assert!(last(&driven).starts_with("/service:orders ") && last(&driven).ends_with('…'), "{}", last(&driven));
    for _ in 0..300 {
        driven.press(KeyCode::Right);
        let picture = driven.picture();
        let y = picture.area.height - 1;
        let lit = |x| picture[(x, y)].modifier.contains(ratatui::style::Modifier::REVERSED);
        assert!((0..80).any(lit), "the cursor is in sight");
    }
}

#[test]
fn what_is_pasted_goes_into_the_line_and_nowhere_else() {
    let mut driven = driven("/");
    driven.say(Message::Paste("service:or\u{1b}[31m\nq".to_owned()));
    assert_eq!(line(&driven).0, "service:or[31mq");
    driven.press(KeyCode::Esc);
    driven.say(Message::Paste("q".to_owned()));
    assert!(!driven.state.quit);
}

#[test]
fn commands_are_listed_with_their_help_and_done() {
    insta::assert_snapshot!("typing_command_120x40", driven(":\t").snapshot());
    insta::assert_snapshot!("typing_command_80x24", Driven::new(80, 24, store()).keys(":pa").text());
    assert_eq!(typed(":onl\t"), "only-broken");
    assert!(driven(":only-broken\n").state.only_broken);
    assert!(driven(":q\n").state.quit);
    assert_eq!(driven(":traces\n").state.view, Page::Traces);
    assert_eq!(driven(":filter verdict:failed\n").state.filter.text, "verdict:failed");
    let selected = driven(":service ship\t\n").state.selection;
    assert_eq!(selected, Selection::Node(Some("shipping".into())));
    for action in Action::ALL {
        let text = typed(&format!(":{}", action.name()));
        assert_eq!(text, action.name());
    }
}

#[test]
fn unknown_words_name_the_nearest() {
    let said = |keys: &str| driven(keys).state.prompt.and_then(|prompt| prompt.error).unwrap_or_default();
    assert_eq!(said(":only-brokn\n"), "unknown command `only-brokn`: did you mean `only-broken`?");
    assert_eq!(said(":zzz\n"), "unknown command `zzz`: Tab lists them");
    assert_eq!(said(":service shiping\n"), "unknown service `shiping`: did you mean `shipping`?");
    assert_eq!(said(":view trces\n"), "unknown view `trces`: did you mean `traces`?");
    assert_eq!(said(":trace xyz\n"), "expected a trace id of 32 hex digits or the beginning of one, found `xyz`");
    assert_eq!(said(":trace\n"), "expected ID behind `trace`, found nothing");
    assert_eq!(said(":quit now\n"), "expected nothing behind `quit`, found `now`");
    assert!(said(":theme dim\n").starts_with("expected a theme (dark, light, "));
    assert_eq!(said(":speed 2\n"), "expected a replay, found none: `jwtrail replay FILE` plays saved traces");
    let within = driven(":filter verdict:dropt\n");
    let prompt = within.state.prompt.as_ref().expect("an open line");
    assert_eq!(prompt.aid.wrong.clone().map(|range| &prompt.text[range]), Some("dropt"), "the place within the line");
}

#[test]
fn the_replay_is_steered_by_name() {
    let mut driven = driven("");
    let playback = Playback { start: UnixNanos(1_000_000_000), ..Playback::default() };
    driven.say(Message::Playback(Arc::new(playback)));
    let dark = driven.state.theme;
    driven = driven.keys(":theme light\n");
    assert_ne!(driven.state.theme, dark);
    driven = driven.keys(":theme dark\n:speed 0.5\n:speed max\n:seek 00:12.5\n");
    let controls: Vec<&Control> = driven
        .state
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Replay(control) = effect { Some(control) } else { None })
        .collect();
    assert_eq!(
        controls,
        [&Control::Speed(Some(0.5)), &Control::Speed(None), &Control::Seek(UnixNanos(13_500_000_000))]
    );
}

#[test]
fn a_trace_is_opened_by_the_beginning_of_its_id() {
    let whole = driven(&format!(":trace {}\n", "ab".repeat(16)));
    assert_eq!(whole.state.trace.map(|trace| trace.id), Some(TraceId([0xab; 16])));
    let mut driven = driven(":trace 4eca\n");
    let [Query::Traces(query)] = &*driven.state.wants() else { panic!("the engine is asked") };
    let answer = Answer::Traces(query.clone(), TracePage::default());
    driven.say(Message::Answered(Arc::new(answer)));
    assert!(driven.text().contains("no trace that is held begins with 4eca"), "{}", driven.text());
    assert!(driven.state.wants().is_empty(), "asked once");
}

#[test]
fn saved_views_are_shown_by_name_and_key_and_kept() {
    let broken = SavedView {
        name: "broken payments".to_owned(),
        key: Some(Key::Code(KeyCode::F(2))),
        page: Page::Traces,
        filter: "callee:pay* verdict:failed".to_owned(),
        sort: Some("-duration".to_owned()),
    };
    let mut driven = driven("");
    driven.state.typing.views = Arc::new(vec![broken]);
    driven.press(KeyCode::F(2));
    let shown = |driven: &Driven| (driven.state.view, driven.state.filter.text.clone(), driven.state.traces.reverse);
    let expected = (Page::Traces, "callee:pay* verdict:failed".to_owned(), true);
    assert_eq!(shown(&driven), expected);
    driven = driven.keys(":map\n:filter orders\n:view bro\t\n");
    assert_eq!(shown(&driven), expected);
    driven.say(Message::Resize(120, 110));
    let help = driven.keys("?");
    let listed = help.text().lines().find(|line| line.contains("broken payments")).map(str::to_owned);
    let listed = listed.expect("a line of the help");
    assert!(listed.contains("F2") && listed.contains("traces callee:pay* verdict:failed"), "{listed}");
    driven = help.keys("?:save-view slow ones\n");
    let kept = driven.state.effects.iter().rev().find_map(|effect| match effect {
        Effect::Host(Request::SaveView(view)) => Some(view.clone()),
        _ => None,
    });
    let kept = kept.expect("the view is handed on");
    assert_eq!((kept.name.as_str(), kept.sort.as_deref()), ("slow ones", Some("-duration")));
    driven = driven.keys(":save-view slow ones\n");
    assert!(driven.state.prompt.is_some(), "a name is given once");
}

#[test]
fn the_log_is_read_over_the_page_and_follows() {
    let mut driven = Driven::new(80, 24, store());
    driven.state.log_path = "/var/tmp/jwtrail.log".to_owned();
    driven = driven.keys("L");
    assert!(driven.text().contains("reading …"), "{}", driven.text());
    let logged = |count: usize| {
        let lines = (1..=count).map(|at| {
            let level = if at % 10 == 0 { " WARN" } else { " INFO" };
            format!("2026-11-27T19:00:{:02}.000000Z {level} jwtrail::app: line {at}", at % 60)
        });
        Message::Log(Ok(Tail { lines: lines.collect(), before: 0 }))
    };
    driven.say(logged(50));
    insta::assert_snapshot!("log_80x24", driven.snapshot());
    driven = driven.keys("kk");
    driven.say(logged(60));
    assert!(driven.text().contains("line 48") && !driven.text().contains("line 60"), "{}", driven.text());
    driven = driven.keys("G");
    driven.say(logged(70));
    assert!(driven.text().contains("line 70"), "{}", driven.text());
    driven.say(Message::Log(Err("permission denied".to_owned())));
    assert!(driven.text().contains("the log cannot be read: permission denied"), "{}", driven.text());
    assert!(!driven.keys("L").text().contains("Log"), "the same key closes it");
}

#[test]
fn ascii_has_twins_for_the_line_too() {
    let driven = Driven::new(80, 24, store()).themed(true, Depth::None);
    for keys in ["/", "/se\t", ":\t", "/verdict:\u{1b}/servce:x\n", ":only-brokn\n"] {
        let text = Driven { state: driven.state.clone() }.keys(keys).text();
        assert!(text.is_ascii(), "{text}");
    }
    assert_eq!(keymap::written(Key::Code(KeyCode::F(2))), "F2");
}
