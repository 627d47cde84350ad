//! One trace: recorded runs as waterfalls, what folds, what is found beside them, and what a hostile trace cannot do.

mod made;

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::{Answer, Clock, EngineHandle, EngineOptions, Query};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Carried, CarriedValue, Sink, SpanId, TraceId, UnixNanos, Verdict};
use jwtrail::trail::Trail;
use jwtrail::trail::views::TraceView;
use jwtrail::tui::Depth;
use jwtrail::tui::message::{Message, Pointer};
use jwtrail::tui::page::trace::{Trace, open, open_hop, wants};
use jwtrail::tui::waterfall::align::Difference;
use ratatui::style::Color;

use super::{Driven, store};
use crate::trail::support;

/// Recorded runs, judged together.
fn judged(names: &[&str]) -> Trail {
    let mut trail = support::trail(support::policy_of(&run(names[0])));
    for (at, name) in names.iter().enumerate() {
        let now = UnixNanos(at as u64 * 1_000_000);
        let (spans, logs) = support::read(&run(name));
        trail.ingest(support::batch(spans, logs), now);
        trail.tick(now);
    }
    trail.settle_all();
    trail
}

fn run(name: &str) -> std::path::PathBuf {
    support::runs("").join(format!("{name}.jsonl"))
}

/// The first trace of a run with an accused hop, else its first.
fn worst(trail: &Trail) -> TraceId {
    let ids = trail.trace_ids();
    let broken = |id: &&TraceId| trail.hops_of(**id).iter().any(|hop| hop.verdict.accuses());
    *ids.iter().find(broken).or(ids.first()).expect("a trace")
}

/// A screen with a trace of these runs open.
pub(super) fn opened(names: &[&str], width: u16, height: u16) -> (Driven, Trail) {
    let trail = judged(names);
    let id = worst(&trail);
    (showing(trail.trace_view(id).expect("it is held"), width, height), trail)
}

pub(super) fn showing(view: TraceView, width: u16, height: u16) -> Driven {
    let mut driven = Driven::new(width, height, store());
    open(&mut driven.state, view.id);
    answer(&mut driven, view.id, Some(view));
    driven
}

pub(super) fn answer(driven: &mut Driven, id: TraceId, view: Option<TraceView>) {
    driven.say(Message::Answered(Arc::new(Answer::Trace(id, view.map(Arc::new)))));
}

/// Lets the trail answer what the page asks of twins.
pub(super) fn with_twin(mut driven: Driven, trail: &Trail) -> Driven {
    driven = driven.keys("t");
    for query in wants(&driven.state) {
        if let Query::Twin(route) = query {
            let twin = trail.twin(&route);
            driven.say(Message::Answered(Arc::new(Answer::Twin(route, twin))));
        }
    }
    driven
}

fn trace(driven: &Driven) -> &Trace {
    driven.state.trace.as_ref().expect("a trace is open")
}

/// The selected span as people name it.
fn selected(driven: &Driven) -> String {
    let trace = trace(driven);
    let view = trace.view.as_ref().expect("it is held");
    trace.span().map_or_else(String::new, |at| {
        let (service, span) = &view.spans[at];
        format!("{service} {:?}", span.kind)
    })
}

#[test]
fn a_dropped_token_as_a_waterfall() {
    insta::assert_snapshot!("trace_60x16", opened(&["drop-in-fanout"], 60, 16).0.text());
}

#[test]
fn each_kind_of_break_reads_as_what_it_is() {
    for name in ["wrong-key", "exchanged", "stripped-by-proxy", "undefined-handed-on", "third-parties", "reminted"] {
        insta::assert_snapshot!(format!("trace_of_{name}"), opened(&[name], 120, 40).0.text());
    }
    for name in ["envoy-sidecars", "py-confluent-kafka", "py-retry", "self-call"] {
        let name = format!("shapes/{name}");
        insta::assert_snapshot!(format!("trace_of_{}", &name[7..]), opened(&[&name], 120, 40).0.keys("a").text());
    }
}

#[test]
fn a_twin_shows_where_the_two_first_part() {
    let names = ["drop-in-fanout", "intact"];
    let shown = |width, height| {
        let (driven, trail) = opened(&names, width, height);
        with_twin(driven, &trail)
    };
    insta::assert_snapshot!("twin_60x16", shown(60, 16).text());
    let closed = shown(120, 40).keys("t");
    assert!(trace(&closed).beside.is_none());
}

#[test]
fn no_twin_says_how_many_were_searched() {
    let (driven, trail) = opened(&["drop-in-fanout"], 120, 40);
    let before = driven.keys("t");
    assert!(before.text().contains("looking for a trace on which orders → shipping went well"), "{}", before.text());
    let driven = with_twin(before.keys("t"), &trail);
    assert!(driven.text().contains("no twin: none of 2 other traces came over"), "{}", driven.text());
    assert_eq!(wants(&driven.state).len(), 1, "a search that found nothing is not made again and again");
}

#[test]
fn the_worst_hop_is_selected_until_the_user_moves_and_then_the_span_is_followed() {
    let (mut driven, trail) = opened(&["drop-in-fanout"], 120, 40);
    assert_eq!(selected(&driven), "shipping Server");
    let whole = trail.trace_view(trace(&driven).id).expect("it is held");
    driven = driven.keys("u");
    assert_eq!(selected(&driven), "orders Client");
    let (at, key) = (trace(&driven).at, trace(&driven).selected);
    let mut grown = whole.clone();
    let mut late = grown.spans[0].clone();
    late.1.span_id = SpanId([0xee; 8]);
    late.1.set_parent(Some(grown.spans[0].1.span_id));
    grown.spans.insert(1, late);
    let id = grown.id;
    answer(&mut driven, id, Some(grown));
    assert_eq!((selected(&driven).as_str(), trace(&driven).selected), ("orders Client", key));
    assert!(trace(&driven).at >= at);
}

#[test]
fn a_trace_opened_for_a_hop_opens_at_that_hop() {
    let trail = judged(&["drop-in-fanout"]);
    let view = trail.trace_view(worst(&trail)).expect("it is held");
    let hop = view.hops.iter().find(|hop| &*hop.callee.service == "payment").expect("a hop").clone();
    let mut driven = Driven::new(120, 40, store());
    open_hop(&mut driven.state, &hop);
    answer(&mut driven, view.id, Some(view));
    assert_eq!(selected(&driven), "payment Server");
}

#[test]
fn a_trace_opened_out_of_a_filtered_list_opens_at_what_the_filter_found() {
    let trail = judged(&["drop-in-fanout"]);
    let view = trail.trace_view(worst(&trail)).expect("it is held");
    let mut driven = Driven::new(120, 40, store());
    driven.state.filter.filter = Some("callee:payment".parse().expect("a filter"));
    open(&mut driven.state, view.id);
    answer(&mut driven, view.id, Some(view));
    assert_eq!(selected(&driven), "payment Server", "not the worst hop, which is another");
}

#[test]
fn folding_hides_what_stands_below_and_says_how_much() {
    let (driven, _) = opened(&["drop-in-fanout"], 120, 40);
    let all = trace(&driven).rows();
    let driven = driven.keys("gh");
    assert_eq!(trace(&driven).rows(), 1);
    assert!(driven.text().contains(&format!("+{}", all - 1)), "{}", driven.text());
    let driven = driven.keys("n");
    assert_eq!(selected(&driven), "shipping Server", "the next problem unfolds what hides it");
    let driven = driven.keys("ghl");
    assert_eq!(trace(&driven).rows(), all);
    let driven = driven.keys("l");
    assert_eq!(trace(&driven).at, 1, "right goes down once all is open");
    let driven = driven.keys("h");
    assert_eq!((trace(&driven).at, trace(&driven).rows()), (1, 2), "left folds");
}

#[test]
fn what_is_selected_and_folded_away_gives_way_to_what_it_is_under() {
    let (mut driven, _) = opened(&["drop-in-fanout"], 120, 40);
    driven = driven.keys("Gk");
    let view = trace(&driven).view.clone().expect("it is held");
    let (_, root) = view.root().expect("a root").clone();
    let mut folded = driven.state.clone();
    folded.trace.as_mut().expect("open").folded.insert(jwtrail::tui::waterfall::SpanKey::of(&root));
    let mut driven = Driven { state: folded }.keys("aa");
    assert_eq!((trace(&driven).at, trace(&driven).rows()), (0, 1));
    driven.press(KeyCode::Right);
    assert!(trace(&driven).rows() > 1);
}

#[test]
fn problems_are_walked_in_a_circle() {
    let (driven, _) = opened(&["401-propagates"], 120, 40);
    let problems = trace(&driven).fall.problems.len();
    let start = trace(&driven).at;
    let mut driven = driven;
    for _ in 0..problems {
        driven = driven.keys("n");
        let at = trace(&driven).span().expect("a span");
        assert!(trace(&driven).fall.problems.contains(&at));
    }
    assert_eq!(trace(&driven).at, start);
    let (mut well, _) = opened(&["intact"], 120, 40);
    well = well.keys("N");
    assert!(well.text().contains("no hop of this trace is accused"), "{}", well.text());
}

#[test]
fn the_mouse_selects_folds_and_moves() {
    let (mut driven, _) = opened(&["drop-in-fanout"], 120, 40);
    let y = |driven: &Driven, word: &str| {
        let text = driven.text();
        u16::try_from(text.lines().position(|line| line.contains(word)).expect("on the screen")).expect("a row")
    };
    let root = y(&driven, "▾ gateway");
    driven.say(Message::Point(Pointer::Click, 10, root));
    assert_eq!(trace(&driven).at, 0);
    driven.say(Message::Point(Pointer::Click, 10, root));
    assert_eq!(trace(&driven).rows(), 1, "a click on what is selected folds it");
    driven.say(Message::Point(Pointer::Click, 10, root));
    driven.say(Message::Point(Pointer::WheelDown, 10, root));
    assert_eq!(trace(&driven).at, 3);
    driven.say(Message::Point(Pointer::Click, 10, 30));
    assert!(trace(&driven).in_detail, "the detail takes the keyboard");
    driven.press(KeyCode::Esc);
    driven.press(KeyCode::Esc);
    assert!(driven.state.trace.is_none());
}

#[test]
fn loading_gone_evicted_and_unsettled_have_words() {
    let trail = judged(&["drop-in-fanout"]);
    let id = worst(&trail);
    let mut driven = Driven::new(80, 24, store());
    open(&mut driven.state, id);
    assert!(driven.text().contains("asking for the trace"), "{}", driven.text());
    answer(&mut driven, id, None);
    assert!(driven.text().contains("this trace is not held"), "{}", driven.text());
    let mut view = trail.trace_view(id).expect("it is held");
    view.settled = false;
    answer(&mut driven, id, Some(view));
    assert!(driven.text().contains("not settled: evidence may still come"), "{}", driven.text());
    answer(&mut driven, id, None);
    let text = driven.text();
    assert!(text.contains("evicted meanwhile") && text.contains("shipping"), "{text}");
    let empty = TraceView { spans: Vec::new(), hops: Vec::new(), ..trail.trace_view(id).expect("it is held") };
    assert!(showing(empty, 80, 24).text().contains("no span of this trace yet"));
}

#[test]
fn a_picture_that_stands_still_asks_for_nothing() {
    let (driven, _) = opened(&["drop-in-fanout"], 80, 24);
    assert_eq!(wants(&driven.state).len(), 1);
    assert!(wants(&driven.keys(" ").state).is_empty());
}

#[test]
fn ascii_and_no_colour_say_the_same() {
    for twin in [false, true] {
        let (driven, trail) = opened(&["drop-in-fanout", "intact"], 120, 40);
        let driven = if twin { with_twin(driven, &trail) } else { driven };
        let driven = driven.themed(true, Depth::None);
        let text = driven.text();
        assert!(text.is_ascii(), "{text}");
        assert!(driven.picture().content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        insta::assert_snapshot!(format!("trace_ascii_{}", if twin { "twin" } else { "alone" }), text);
    }
}

#[test]
fn hostile_names_cannot_break_the_screen() {
    let name = "pay\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}tnem\u{0}\u{301}\u{301}\u{301}注文サービス\u{200d}👩\u{200d}👧";
    let (driven, trail) = opened(&["drop-in-fanout", "intact"], 120, 40);
    let mut view = trail.trace_view(trace(&driven).id).expect("it is held");
    for (service, span) in &mut view.spans {
        *service = name.into();
        (span.name, span.scope, span.route, span.method) =
            (name.into(), name.into(), Some(name.into()), Some(name.into()));
        span.carried.push(Carried {
            carrier: name.into(),
            value: CarriedValue::OtherCredential(name.into()),
            anomalies: jwtrail::model::Anomalies(127),
            scheme: name.into(),
            captured_length: u32::MAX,
        });
    }
    for hop in &mut view.hops {
        (hop.callee.service, hop.operation, hop.hint) = (name.into(), name.into(), Some(name.to_owned()));
        hop.received.ground = name.to_owned();
    }
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let driven = with_twin(showing(view.clone(), width, height).keys("a"), &trail);
        for cell in &driven.picture().content {
            let bad = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
            assert!(!cell.symbol().contains(bad), "{:?}", cell.symbol());
        }
    }
    insta::assert_snapshot!("trace_hostile", showing(view, 120, 40).text());
}

#[test]
fn a_twin_has_the_same_root_and_its_hop_went_well() {
    let trail = judged(&["drop-in-fanout", "intact", "wrong-key"]);
    let (driven, _) = opened(&["drop-in-fanout", "intact", "wrong-key"], 120, 40);
    let driven = with_twin(driven, &trail);
    let (beside, twin) = trace(&driven).twin().expect("a twin");
    assert_ne!(twin.id, trace(&driven).id);
    let hops: Vec<_> = twin.hops.iter().filter(|hop| hop.callee.service == beside.route.callee).collect();
    assert!(!hops.is_empty() && hops.iter().all(|hop| hop.verdict == Verdict::Intact));
    let differs = beside.lines[beside.first.expect("they differ")].difference;
    assert_eq!(differs, Some(Difference::Token));
    assert_eq!(trace(&driven).at, beside.first.expect("they differ"), "it opens where they part");
}

#[test]
fn every_size_draws() {
    let (driven, trail) = opened(&["drop-in-fanout", "intact"], 120, 40);
    let mut driven = with_twin(driven, &trail);
    for twin in [true, false] {
        for width in (1..=220).step_by(13) {
            for height in (1..=70).step_by(3) {
                driven.say(Message::Resize(width, height));
                assert_eq!(driven.picture().area.width, width);
                driven.press(KeyCode::Down);
            }
        }
        if twin {
            driven = driven.keys("t");
        }
    }
}

#[tokio::test]
async fn a_running_engine_answers_with_a_trace_and_its_twin() {
    let options = EngineOptions { intake_bytes: 64 << 20, memory: 64 << 20 };
    let clock: Clock = Arc::new(|| UnixNanos(1_000_000_000));
    let engine = EngineHandle::start(support::trail(Policy::default()), options, clock).expect("an engine");
    for name in ["drop-in-fanout", "intact"] {
        let (spans, logs) = support::read(&run(name));
        engine.intake().accept(support::batch(spans, logs)).expect("there is room");
    }
    let (mut driven, trail) = opened(&["drop-in-fanout", "intact"], 120, 40);
    open(&mut driven.state, worst(&trail));
    for _ in 0..2 {
        for query in wants(&driven.state) {
            let answer = engine.asker().ask(query.clone()).await.expect("the engine runs");
            assert_eq!(answer.query(), query);
            driven.say(Message::Answered(Arc::new(answer)));
        }
        driven = if trace(&driven).beside.is_none() { driven.keys("t") } else { driven };
    }
    assert!(driven.text().contains("the first difference: orders → GET /: not sent here"), "{}", driven.text());
}

#[test]
fn of_several_breaks_the_one_that_was_asked_about_is_the_first_difference() {
    let trail = judged(&["drop-in-fanout", "intact"]);
    let mut view = trail.trace_view(worst(&trail)).expect("it is held");
    let [lost, asked] = ["payment", "shipping"].map(|name| {
        let hop = view.hops.iter().position(|hop| &*hop.callee.service == name);
        hop.expect("a hop")
    });
    // Earlier in the trace, a second token is lost.
    (view.hops[lost].verdict, view.hops[lost].received) = (Verdict::Dropped, view.hops[asked].received.clone());
    for (hop, place) in [(lost, "payment GET /{p:path}"), (asked, "orders → GET /")] {
        let mut driven = Driven::new(120, 40, store());
        open_hop(&mut driven.state, &view.hops[hop]);
        answer(&mut driven, view.id, Some(view.clone()));
        let text = with_twin(driven, &trail).text();
        assert!(text.contains(&format!("the first difference: {place}: ")), "{text}");
    }
}
