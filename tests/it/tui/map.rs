//! The map at any size: what is shown of what does not fit, what stands on an edge, how it is moved.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::Snapshot;
use jwtrail::model::{Severity, UnixNanos, Verdict};
use jwtrail::trail::summary::NodeKind;
use jwtrail::tui::Depth;
use jwtrail::tui::geometry::Pane;
use jwtrail::tui::graph::EdgeKey;
use jwtrail::tui::message::{Message, Pointer};
use jwtrail::tui::state::{Selection, State};
use jwtrail::tui::update::update;
use jwtrail::tui::view;
use ratatui::style::Modifier;

use super::fixture::{self, Build};
use super::{Driven, forty, store, text};

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

fn pictures(name: &str, snapshot: &Arc<Snapshot>, keys: &str) {
    for (width, height) in SIZES {
        let driven = Driven::new(width, height, Arc::clone(snapshot)).keys(keys);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), driven.text());
    }
}

/// One service that calls fifty, one of them without its token.
fn fan() -> Arc<Snapshot> {
    let names: Vec<String> = (0..50).map(|at| format!("worker-{at:02}")).collect();
    let mut build = Build::new().services(&["gateway", "orders"]);
    build = build.services(&names.iter().map(String::as_str).collect::<Vec<_>>());
    build = build.edge(None, "gateway", Verdict::Originated).edge(Some("gateway"), "orders", Verdict::Intact);
    for name in names.iter().filter(|name| *name != "worker-37") {
        build = build.edge(Some("orders"), name, Verdict::Intact);
    }
    let mut hop = fixture::dropped();
    hop.callee.service = "worker-37".into();
    build.problem(hop, 42, 42).done()
}

/// Everything that is no plain service, calls against the direction, and two parts that do not touch.
fn zoo() -> Arc<Snapshot> {
    let mut through = fixture::hop(Some("gateway"), "orders", Verdict::Intact);
    through.waypoints = vec!["envoy".into()];
    let mut two = fixture::hop(Some("orders"), "stock", Verdict::Exchanged);
    two.waypoints = vec!["istio-ingress".into(), "kong".into()];
    Build::new()
        .services(&["gateway", "orders", "stock", "audit", "cron", "mailer"])
        .service("jobs", NodeKind::Queue)
        .service("postgres", NodeKind::Database)
        .service("api.stripe.example.com", NodeKind::External)
        .edge(None, "gateway", Verdict::Originated)
        .edge_of(through, 90)
        .edge_of(two, 90)
        .edge(Some("orders"), "jobs", Verdict::Absent)
        .edge(Some("orders"), "postgres", Verdict::Absent)
        .edge(Some("stock"), "api.stripe.example.com", Verdict::Unknown)
        .edge(Some("stock"), "orders", Verdict::Intact)
        .edge(Some("jobs"), "audit", Verdict::Absent)
        .edge(Some("audit"), "audit", Verdict::Failed)
        .edge(Some("cron"), "mailer", Verdict::Absent)
        .done()
}

#[test]
fn a_fan_of_fifty() {
    pictures("fan", &fan(), "");
    for (width, height) in SIZES {
        let mut driven = Driven::new(width, height, fan());
        driven.state.upper = Pane::Map;
        let text = driven.text();
        assert!(text.contains("worker-37"), "the broken one is drawn at {width}x{height}\n{text}");
        let drawing = driven.state.laid.drawing.as_ref().expect("a drawing");
        let hub = drawing.nodes.iter().find(|node| node.node.key.as_deref() == Some("orders")).expect("the hub");
        let called = drawing.lines.iter().filter(|line| line.key.caller.as_deref() == Some("orders")).count();
        assert_eq!(called + hub.node.hidden_out, 50, "every call is drawn or counted");
        assert!(hub.node.hidden_out == 0 || text.contains(&format!("+{} ▸", hub.node.hidden_out)), "{text}");
    }
}

/// A shop in which everybody calls everybody's stock and tracking, with one edited token.
fn dense() -> Arc<Snapshot> {
    let mut hop = fixture::hop(Some("gateway"), "tracking", Verdict::Changed);
    hop.severity = Severity::Critical;
    Build::new()
        .services(&["gateway", "auth", "orders", "cart", "stock", "tracking", "shipping", "payment"])
        .edge(None, "gateway", Verdict::Originated)
        .edge(None, "auth", Verdict::Absent)
        .edge(Some("gateway"), "orders", Verdict::Intact)
        .edge(Some("gateway"), "cart", Verdict::Intact)
        .edge(Some("gateway"), "stock", Verdict::Intact)
        .edge(Some("gateway"), "shipping", Verdict::Intact)
        .edge(Some("orders"), "auth", Verdict::Absent)
        .edge(Some("orders"), "payment", Verdict::Failed)
        .edge(Some("orders"), "shipping", Verdict::Dropped)
        .edge(Some("orders"), "stock", Verdict::Dropped)
        .edge(Some("orders"), "tracking", Verdict::Intact)
        .edge(Some("cart"), "stock", Verdict::Intact)
        .edge(Some("cart"), "tracking", Verdict::Intact)
        .edge(Some("shipping"), "cart", Verdict::Intact)
        .problem(hop, 42, 42)
        .done()
}

#[test]
fn calls_that_would_tangle_are_a_tree() {
    pictures("dense", &dense(), "\t\t");
    let driven = Driven::new(120, 40, dense());
    let text = driven.text();
    assert!(text.contains("━≠━▸ tracking  changed"), "{text}");
    assert!(text.contains("─✗─▸ shipping") && text.contains("  dropped"), "{text}");
    assert!(Driven::new(120, 40, dense()).themed(true, Depth::Indexed).text().is_ascii());
    let small = Driven::new(80, 24, dense()).text();
    assert!(small.contains("▸ gateway") && small.contains("━≠━▸ tracking") && small.contains("inbound"), "{small}");
    let all = Driven::new(80, 24, dense()).keys("0").text();
    assert!(!all.contains("0 shows all"), "{all}");
}

#[test]
fn arrows_go_down_a_tree_row_by_row() {
    let mut driven = Driven::new(120, 40, dense()).keys("\t\tg");
    assert_eq!(driven.state.selection, Selection::Node(None));
    let rows = usize::from(driven.state.laid.drawing.as_ref().expect("a drawing").height);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 1..rows {
        driven.press(KeyCode::Down);
        let Selection::Edge(edge) = &driven.state.selection else { panic!("{:?}", driven.state.selection) };
        assert!(seen.insert(edge.clone()), "{edge:?} twice");
    }
    assert_eq!(seen.len(), dense().edges.len(), "each call is a row");
    driven.press(KeyCode::Up);
    driven.press(KeyCode::Right);
    assert!(matches!(driven.state.selection, Selection::Node(Some(_))), "{:?}", driven.state.selection);
}

#[test]
fn everything_that_is_no_plain_service() {
    pictures("zoo", &zoo(), "\t\t");
    let text = Driven::new(200, 60, zoo()).text();
    assert!(text.contains("◇envoy") && text.contains("◇istio-"), "{text}");
    assert!(text.contains("mailer"), "a part of its own");
    let ascii = Driven::new(200, 60, zoo()).themed(true, Depth::Indexed).text();
    assert!(ascii.is_ascii() && ascii.contains("&envoy"), "{ascii}");
}

#[test]
fn the_list_of_calls_reads_as_the_graph_does() {
    pictures("calls", &zoo(), "\t\te");
    let rows = |driven: &Driven| -> Vec<String> {
        driven.state.edges_listed().iter().map(|row| EdgeKey::of(row).title(">")).collect()
    };
    let listed = rows(&Driven::new(200, 60, store()));
    assert_eq!(&listed[..3], ["client > gateway", "gateway > cart", "gateway > orders"], "by rank, then row");
    let mut other = fixture::store();
    other.snapshot.edges.reverse();
    assert_eq!(rows(&Driven::new(200, 60, other.done())), listed, "whatever order they come in");
}

#[test]
fn a_click_in_the_list_selects_what_it_hits() {
    let mut driven = Driven::new(120, 40, store()).keys("e");
    let text = driven.text();
    let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains("orders → payment")).expect("a row");
    let x = line.split("orders").next().expect("a start").chars().count();
    driven.say(Message::Point(Pointer::Click, u16::try_from(x).expect("x"), u16::try_from(y).expect("y")));
    assert_eq!(driven.state.selection.edge().map(|edge| edge.title(">")), Some("orders > payment".to_owned()));
}

/// The dependency list of a large company, if the corpus is there; else one that is made up to be as large.
fn large() -> Arc<Snapshot> {
    let mut build = Build::new();
    let mut names = std::collections::BTreeSet::new();
    let mut edges = std::collections::BTreeSet::new();
    let mut seed = 7_u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    while edges.len() < 4_271 {
        // A few hubs, many leaves, circles too.
        let most = if edges.len() % 3 == 0 { 20 } else { 1_238 };
        edges.insert((next(1_238), next(most)));
    }
    for &(from, to) in &edges {
        names.extend([from, to]);
    }
    let names: Vec<String> = (0..1_238).map(|at| format!("service-{at:04}")).collect();
    build = build.services(&names.iter().map(String::as_str).collect::<Vec<_>>());
    build = build.edge(None, "service-0000", Verdict::Originated);
    for (from, to) in edges {
        let verdict = if (from + to) % 97 == 0 { Verdict::Dropped } else { Verdict::Intact };
        build = build.edge(Some(&names[from as usize]), &names[to as usize], verdict);
    }
    build.done()
}

#[test]
fn thousands_of_edges_neither_hang_nor_leave_the_screen_blank() {
    let snapshot = large();
    for keys in ["", "0", "f", "b", "e", "\t\t", "\t\teG"] {
        for (width, height) in [(80, 24), (200, 60)] {
            let start = std::time::Instant::now();
            let driven = Driven::new(width, height, Arc::clone(&snapshot)).keys(keys);
            let text = driven.text();
            assert!(text.matches("service-").count() > 3, "{keys:?} at {width}x{height}\n{text}");
            eprintln!("{keys:?} at {width}x{height}: {:?}", start.elapsed());
        }
    }
    let driven = Driven::new(120, 40, snapshot).keys("0");
    assert!(driven.text().contains("e lists"), "{}", driven.text());
    insta::assert_snapshot!("large_calls", driven.keys("\t\te").text());
}

#[test]
fn before_the_first_layout_the_map_says_so() {
    let mut state = State { size: (120, 40), ..State::default() };
    update(&mut state, Message::Snapshot(store()));
    assert!(text(&view::picture(&state)).contains("laying out …"));
}

/// The column and row where a word stands.
fn place(driven: &Driven, word: &str) -> (usize, usize) {
    let text = driven.text();
    let found = text.lines().enumerate().find_map(|(y, line)| Some((line[..line.find(word)?].chars().count(), y)));
    found.unwrap_or_else(|| panic!("{word} in\n{text}"))
}

#[test]
fn all_of_a_graph_is_moved_by_keys_and_by_the_mouse() {
    let mut driven = Driven::new(120, 40, forty()).keys("0\t\t");
    let screen = driven.state.screen();
    let map = screen.map.expect("a map");
    let drawing = driven.state.laid.drawing.as_ref().expect("all of it");
    assert!(drawing.nodes.len() > 40 && drawing.height > map.h, "it does not fit");
    driven = driven.keys("KKKKKKKKKKKKKKKKKKKK");
    let far = driven.text();
    driven.press(KeyCode::Char('K'));
    assert_eq!(driven.text(), far, "no further than the graph goes");
    // The problem's ends stand beside the map too.
    let names = (0..40).filter(|at| ![5, 17].contains(at)).map(|at| format!("service-{at:02}"));
    let seen = names.filter(|name| far.contains(name));
    let name = seen.min_by_key(|name| place(&driven, name).1).expect("a name");
    let (x, y) = place(&driven, &name);
    // Grabbed beside a node, so that nothing else is selected.
    let at = (map.x + 2, map.y + map.h - 2);
    driven.state.dragged = Some(at);
    driven.say(Message::Point(Pointer::Drag, at.0, at.1 + 3));
    assert_eq!(place(&driven, &name), (x, y + 3), "it follows the mouse");
    driven.say(Message::Point(Pointer::Drag, at.0, at.1));
    assert_eq!(driven.text(), far);
}

#[test]
fn a_click_on_the_map_begins_a_drag_and_one_elsewhere_does_not() {
    let mut driven = Driven::new(120, 40, store());
    let map = driven.state.screen().map.expect("a map");
    driven.say(Message::Point(Pointer::Click, map.x + 3, map.y + 3));
    assert_eq!(driven.state.dragged, Some((map.x + 3, map.y + 3)));
    driven.say(Message::Point(Pointer::Click, map.w + 5, 5));
    assert_eq!(driven.state.dragged, None);
}

#[test]
fn a_hop_makes_its_edge_bright_until_the_next_picture() {
    let mut driven = Driven::new(120, 40, store());
    driven.state.selection = Selection::None;
    let still = driven.snapshot();
    assert!(driven.state.pulses.is_empty(), "the first snapshot has nothing to differ from");
    let mut later = fixture::store();
    for row in &mut later.snapshot.edges {
        if matches!(&*row.callee, "orders" | "shipping") {
            row.last_seen = UnixNanos(row.last_seen.0 + 1);
        }
    }
    later.snapshot.now = fixture::seconds(4);
    (driven.state.follow, driven.state.selection) = (false, Selection::None);
    driven.say(Message::Snapshot(later.done()));
    let mut pulses: Vec<String> = driven.state.pulses.iter().map(|edge| edge.title(">")).collect();
    pulses.sort();
    assert_eq!(pulses, ["gateway > orders", "orders > shipping"]);
    let bright = driven.snapshot();
    assert_ne!(bright, still);
    let drawing = driven.state.laid.drawing.as_ref().expect("a drawing");
    let head = drawing.lines.iter().find(|line| &*line.key.callee == "shipping").expect("a line").head;
    let map = driven.state.screen().map.expect("a map");
    let (left, top) = view::map::viewport(&driven.state, drawing, map.inner(driven.state.screen().frame));
    let cell = |driven: &Driven| {
        let (x, y) = (i32::from(head.0) + left, i32::from(head.1) + top);
        driven.picture()[(u16::try_from(x).expect("x"), u16::try_from(y).expect("y"))].modifier
    };
    assert!(cell(&driven).contains(Modifier::REVERSED), "an accused edge shows it at its head");
    driven.say(Message::PulseOver);
    assert!(!cell(&driven).contains(Modifier::REVERSED));
    assert!(driven.state.pulses.is_empty());
}
