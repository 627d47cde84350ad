//! What the screen says must be true when it is read: of what was seen, of this page, of this file.

use crossterm::event::KeyCode;
use jwtrail::model::{Finding, Severity, Verdict};
use jwtrail::trail::summary::ProblemRow;
use jwtrail::tui::Mode;
use jwtrail::tui::message::Message;

use super::fixture::{self, Build};
use super::{Driven, store};

/// The map of hops with these verdicts, none of them a problem.
fn quiet(verdicts: &[(Verdict, u64)]) -> String {
    let mut build = Build::new().services(&["a", "b"]).edge(Some("a"), "b", Verdict::Intact);
    build.snapshot.problems.clear();
    build.snapshot.totals.verdicts = [0; 8];
    for (verdict, hops) in verdicts {
        build.snapshot.totals.verdicts[*verdict as usize] = *hops;
    }
    build.snapshot.totals.hops = verdicts.iter().map(|(_, hops)| hops).sum();
    let text = Driven::new(200, 60, build.done()).text();
    let said = text.lines().find_map(|line| line.split("││ ").nth(1)).unwrap_or_default();
    said.trim_end_matches([' ', '│']).to_owned()
}

#[test]
fn an_empty_list_promises_no_more_than_was_seen() {
    use Verdict::{Absent, Intact, Unknown};
    assert_eq!(quiet(&[(Intact, 5)]), "none: every token that was seen got through");
    assert_eq!(quiet(&[(Unknown, 5)]), "nothing can be judged yet: no service shows its tokens");
    assert_eq!(quiet(&[(Unknown, 4), (Absent, 1)]), "no token was seen: 1 hop carried none, 4 of 5 show nothing");
    assert_eq!(quiet(&[(Absent, 3)]), "no token was seen: 3 hops carried none");
    assert_eq!(
        quiet(&[(Intact, 2), (Unknown, 4)]),
        "none: every token that was seen got through, but 4 of 6 hops show nothing"
    );
}

#[test]
fn a_finding_counts_in_the_header() {
    let (first, second) = (Driven::new(120, 40, store()).text(), {
        let mut build = fixture::store();
        let found = ProblemRow {
            verdict: None,
            finding: Some(Finding::Moved),
            severity: Severity::Low,
            count: 3,
            ..build.snapshot.problems[0].clone()
        };
        build.snapshot.problems = vec![found];
        Driven::new(120, 40, build.done()).text()
    });
    let header = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    assert!(!header(&first).contains('◆') || first.matches('◆').count() > 1, "{first}");
    assert!(header(&second).contains("◆ 3"), "{second}");
}

#[test]
fn one_is_not_many() {
    let mut build = fixture::store();
    (build.snapshot.totals.traces, build.snapshot.totals.hops) = (1, 1);
    let text = Driven::new(120, 40, build.done()).text();
    assert!(text.contains(" 1 trace  ") && text.contains(" 1 hop  "), "{text}");
}

#[test]
fn a_long_way_to_a_file_goes_before_the_numbers() {
    let header = |file: &str, width| {
        let mut driven = Driven::new(width, 24, store());
        driven.state.mode = Mode::Replay { file: file.to_owned() };
        driven.text().lines().next().unwrap_or_default().to_owned()
    };
    let (one, way) = ("traces.jsonl", "/srv/captures/2026/november/the-day-it-broke/traces.jsonl");
    assert!(header("captures/traces.jsonl", 200).contains("captures/traces.jsonl"));
    assert_eq!(header(way, 80), header(one, 80), "no number gives way to folders");
    assert!(
        header("/a/very/long/way/to/the/first.jsonl, /a/very/long/way/to/the/second.jsonl", 80).contains("2 files")
    );
}

#[test]
fn what_was_said_of_one_page_does_not_stand_below_the_next() {
    let mut driven = Driven::new(120, 40, store());
    driven.say(Message::Done(Ok("saved to jwtrail-map.svg".to_owned())));
    driven.press(KeyCode::Down);
    assert!(driven.text().contains("saved to"), "moving on a page leaves it");
    driven.press(KeyCode::Char('3'));
    assert!(!driven.text().contains("saved to"), "{}", driven.text());
}

#[test]
fn escape_never_ends_it_and_says_what_does() {
    let mut driven = Driven::new(80, 24, store()).keys("\u{1b}\u{1b}\u{1b}");
    assert!(!driven.state.quit);
    assert!(driven.text().contains("q quits"), "{}", driven.text());
    driven.press(KeyCode::Char('q'));
    assert!(driven.state.quit);
}

#[test]
fn a_reason_says_what_it_is_for() {
    let driven = Driven::new(80, 24, store()).keys("ji");
    assert!(driven.text().contains("reason:") && driven.text().contains("Enter writes it   Esc leaves"));
}

#[test]
fn a_picture_of_a_light_screen_is_light_and_holds_no_passing_word() {
    let saved = |theme| {
        let mut driven = Driven::new(80, 24, store());
        driven.state.theme = driven.state.theme.switched(theme).expect("a theme");
        driven.say(Message::Done(Ok("copied the trace id".to_owned())));
        driven = driven.keys("sp");
        let effects = std::mem::take(&mut driven.state.effects);
        format!("{effects:?}")
    };
    let (dark, light, loud) = (saved("dark"), saved("light"), saved("high-contrast"));
    assert!(dark.contains("#16181d") && !dark.contains("copied"));
    assert!(light.contains("#ffffff") && !light.contains("#16181d"));
    assert!(!loud.contains("#16181d"), "its own black, to the edge");
}

#[test]
fn a_dependency_list_waits_for_nothing() {
    let mut build = fixture::store();
    (build.snapshot.totals.spans, build.snapshot.totals.traces) = (0, 0);
    let mut driven = Driven::new(120, 40, build.done());
    driven.state.mode = Mode::Replay { file: "calls.json".to_owned() };
    for page in "34".chars() {
        driven.press(KeyCode::Char(page));
        let text = driven.text();
        assert!(text.contains("a dependency list holds no span") && !text.contains("asking"), "{text}");
    }
}

#[test]
fn what_the_policy_ignores_says_so_and_why() {
    let mut hop = fixture::failed();
    hop.severity = Severity::Info;
    hop.detail = Some("bad key; ignored by the policy: known until May".to_owned());
    let build = || Build::new().services(&["orders", "payment"]).problem(hop.clone(), 3, 3);
    let text = |width, height| Driven::new(width, height, build().done()).text();
    assert!(text(120, 40).contains("ignored: known until May"), "{}", text(120, 40));
    assert!(text(80, 24).contains("failed, ignored"), "{}", text(80, 24));
    assert!(Driven::new(120, 40, build().done()).keys("2").text().contains("ignored"));
    // A callee's own words are no policy.
    hop.severity = Severity::High;
    let build = || Build::new().services(&["orders", "payment"]).problem(hop.clone(), 3, 3);
    assert!(!Driven::new(80, 24, build().done()).text().contains("failed, ignored"));
}
