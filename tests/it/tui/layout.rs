//! The call graph on its grid: nothing covers anything, and no line can be read as another's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jwtrail::engine::Snapshot;
use jwtrail::model::Verdict;
use jwtrail::tui::graph::{Ask, DOWN, Drawing, EdgeKey, LEFT, Placed, RIGHT, Scope, UP, lay_out, lay_out_after};
use proptest::prelude::*;

use super::fixture::Build;

fn snapshot(nodes: usize, edges: &[(usize, usize)]) -> Snapshot {
    let names: Vec<String> = (0..nodes).map(|at| format!("service-{at}")).collect();
    let mut build = Build::new().services(&names.iter().map(String::as_str).collect::<Vec<_>>());
    build = build.edge(None, &names[0], Verdict::Originated);
    for &(from, to) in edges {
        build = build.edge(Some(&names[from % nodes]), &names[to % nodes], Verdict::Intact);
    }
    build.snapshot
}

fn whole(snapshot: &Snapshot, room: (u16, u16)) -> Option<Drawing> {
    lay_out(&Ask::new(snapshot, false, Scope::All, Vec::new(), room)).drawing
}

/// How many services are drawn: in a tree, some more than once.
fn named(drawing: &Drawing) -> usize {
    drawing.nodes.iter().map(|node| &node.node.key).collect::<BTreeSet<_>>().len()
}

/// What must hold of any drawing.
fn check(drawing: &Drawing) {
    let mut taken: BTreeMap<(u16, u16), &str> = BTreeMap::new();
    for node in &drawing.nodes {
        assert!(node.x + node.w <= drawing.width && node.y + node.h <= drawing.height);
        for x in node.x..node.x + node.w {
            for y in node.y..node.y + node.h {
                assert_eq!(taken.insert((x, y), node.node.label.as_str()), None, "boxes overlap at {x},{y}");
            }
        }
    }
    let mut owners: BTreeMap<(u16, u16, bool), (usize, &EdgeKey)> = BTreeMap::new();
    for line in &drawing.lines {
        for pair in line.steps.windows(2) {
            let far = pair[0].x.abs_diff(pair[1].x) + pair[0].y.abs_diff(pair[1].y);
            assert_eq!(far, 1, "a gap in {:?}", line.key);
        }
        for step in &line.steps {
            assert_eq!(taken.get(&(step.x, step.y)), None, "{:?} runs over a box", line.key);
            assert!(step.x < drawing.width && step.y < drawing.height);
            for (arms, flat) in [(LEFT | RIGHT, true), (UP | DOWN, false)] {
                if step.arms & arms != 0 {
                    let (trunk, other) = owners.entry((step.x, step.y, flat)).or_insert((line.trunk, &line.key));
                    assert_eq!(*trunk, line.trunk, "{:?} joins {other:?} at {},{}", line.key, step.x, step.y);
                }
            }
        }
        let last = line.steps.last().expect("a line");
        assert_eq!((last.x, last.y), line.head);
        let ends_at = if line.back { (last.x - 1, last.y) } else { (last.x + 1, last.y) };
        assert!(taken.contains_key(&ends_at), "{:?} ends in the open", line.key);
    }
    // The glyph's cell belongs to one edge alone.
    for line in &drawing.lines {
        let through = |other: &&jwtrail::tui::graph::Line| other.steps.iter().any(|s| (s.x, s.y) == line.glyph);
        assert_eq!(drawing.lines.iter().filter(through).count(), 1, "the glyph of {:?} is shared", line.key);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_is_drawn_without_false_links(
        nodes in 1_usize..30,
        edges in prop::collection::vec((0_usize..30, 0_usize..30), 0..45),
        width in 30_u16..200,
    ) {
        let snapshot = snapshot(nodes, &edges);
        if let Some(drawing) = whole(&snapshot, (width, 50)) {
            check(&drawing);
            let mut keys: Vec<EdgeKey> = snapshot.edges.iter().map(EdgeKey::of).filter(|key| !key.is_loop()).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(drawing.lines.len(), keys.len());
            prop_assert_eq!(named(&drawing), nodes + 1);
        }
    }
}

#[test]
fn everyday_graphs_are_always_drawn() {
    let chain: Vec<_> = (0..12).map(|at| (at, at + 1)).collect();
    let star: Vec<_> = (1..20).map(|at| (0, at)).collect();
    let hub: Vec<_> = (0..20).flat_map(|at| [(0, at + 1), (at + 1, 21)]).collect();
    let circle: Vec<_> = (0..10).map(|at| (at, (at + 1) % 10)).collect();
    let pairs: Vec<_> = (0..6).flat_map(|at| [(at, at + 1), (at + 1, at)]).collect();
    let mesh: Vec<_> = (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).collect();
    for (nodes, edges) in [(13, chain), (20, star), (22, hub), (10, circle), (7, pairs), (4, mesh)] {
        let drawing = whole(&snapshot(nodes, &edges), (120, 40));
        check(&drawing.unwrap_or_else(|| panic!("{nodes} nodes, {edges:?}")));
    }
}

/// Three services that call the same five: no paper is wide enough to draw it without crossings.
const DENSE: [(usize, usize); 12] =
    [(0, 1), (0, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 3), (2, 4), (2, 5), (0, 3), (0, 5), (0, 6)];

#[test]
fn lines_that_would_tangle_are_a_tree() {
    let snapshot = snapshot(7, &DENSE);
    let drawing = whole(&snapshot, (150, 50)).expect("a drawing");
    check(&drawing);
    assert!(drawing.tree && drawing.lines.len() == DENSE.len() + 1 && named(&drawing) == 8);
    let mut cells = BTreeMap::new();
    for line in &drawing.lines {
        let behind = |node: &&Placed| (node.x, node.y) == (line.head.0 + 1, line.head.1);
        let callee = drawing.nodes.iter().find(behind).expect("an arrow ends at a name");
        assert_eq!(callee.node.key.as_ref(), Some(&line.key.callee));
        for step in &line.steps {
            assert_eq!(*cells.entry((step.x, step.y)).or_insert(line.trunk), line.trunk, "lines of two callers meet");
        }
    }
}

#[test]
fn a_tree_of_few_rows_leads_to_what_is_selected_and_counts_the_rest() {
    let snapshot = snapshot(7, &DENSE);
    let ends = |edge: (usize, usize)| [edge.0, edge.1].map(|at| Some(format!("service-{at}").into())).to_vec();
    for rows in 3..13 {
        for edge in DENSE {
            let ask = Ask::new(&snapshot, false, Scope::Auto, ends(edge), (60, rows));
            let answer = lay_out(&ask);
            let drawing = answer.drawing.as_ref().expect("a drawing");
            check(drawing);
            assert!(drawing.tree && drawing.width <= 60 && drawing.height <= rows);
            assert_eq!(answer.hidden + drawing.lines.len(), DENSE.len() + 1, "calls are drawn or counted");
            let (caller, callee) = (&ask.centre[0], ask.centre[1].as_ref());
            let shown = |key: &EdgeKey| key.caller == *caller && Some(&key.callee) == callee;
            assert!(drawing.lines.iter().any(|line| shown(&line.key)), "{edge:?} is selected, {rows} rows");
            let out: usize = drawing.nodes.iter().map(|node| node.node.hidden_out).sum();
            assert!(out <= answer.hidden, "no call is counted twice");
            // What is in sight already does not move for being selected.
            let other = &drawing.lines[drawing.lines.len() - 1].key;
            let centre = vec![other.caller.clone(), Some(other.callee.clone())];
            let after = lay_out_after(&Ask { centre, ..ask.clone() }, Some(&answer));
            assert_eq!(after.drawing.as_ref(), Some(drawing));
        }
    }
}

#[test]
fn the_same_graph_is_drawn_the_same_way() {
    let snapshot = snapshot(12, &[(0, 1), (1, 2), (1, 3), (3, 0), (2, 4), (4, 5), (1, 6), (6, 7), (7, 1), (5, 5)]);
    let first = whole(&snapshot, (100, 30));
    assert!(first.is_some());
    for _ in 0..5 {
        assert_eq!(whole(&snapshot, (100, 30)), first);
    }
}

#[test]
fn hundreds_of_services_are_two_hops_and_counted_stubs() {
    let edges: Vec<_> = (1..300).flat_map(|at| [((at - 1) / 4, at), (at, (at * 7) % 300)]).collect();
    let snapshot = snapshot(300, &edges);
    let centre = vec![Some("service-40".into())];
    let answer = lay_out(&Ask::new(&snapshot, false, Scope::Auto, centre, (150, 50)));
    let drawing = answer.drawing.expect("the neighbourhood fits");
    check(&drawing);
    let shown = if drawing.tree { drawing.lines.len() } else { named(&drawing) };
    assert_eq!(answer.hidden + shown, if drawing.tree { snapshot.edges.len() } else { 301 });
    assert!(drawing.nodes.iter().any(|node| node.node.key.as_deref() == Some("service-40")));
    let counted: usize = drawing.nodes.iter().map(|node| node.node.hidden_in + node.node.hidden_out).sum();
    assert!(counted > 0, "what is left out is counted at its neighbours");
}

#[test]
fn all_of_it_is_drawn_at_any_size_that_has_a_way() {
    for nodes in [12, 60, 120, 300] {
        let edges: Vec<_> =
            (1..nodes).flat_map(|at| [((at - 1) / 4, at), if at % 5 == 0 { (at, at / 2) } else { (0, 1) }]).collect();
        let snapshot = snapshot(nodes, &edges);
        let start = Instant::now();
        let drawing = whole(&snapshot, (150, 50)).unwrap_or_else(|| panic!("{nodes} services are drawn"));
        eprintln!("{nodes} services: {:?}", start.elapsed());
        check(&drawing);
        assert_eq!(named(&drawing), nodes + 1);
    }
}

#[test]
fn of_hundreds_of_callers_those_that_fit_are_drawn_and_the_rest_is_counted() {
    let edges: Vec<_> = (1..300).map(|at| (at, 0)).collect();
    let mut snapshot = snapshot(300, &edges);
    snapshot.edges[200].verdicts[Verdict::Dropped as usize] = 3;
    let broken = snapshot.edges[200].caller.clone();
    let centre = vec![Some("service-0".into())];
    let answer = lay_out(&Ask::new(&snapshot, false, Scope::Auto, centre, (150, 50)));
    let drawing = answer.drawing.expect("some callers");
    check(&drawing);
    let hub = drawing.nodes.iter().find(|node| node.node.key.as_deref() == Some("service-0")).expect("the hub");
    assert_eq!(hub.node.hidden_in + drawing.lines.len(), 300, "every caller is drawn or counted");
    assert!(drawing.lines.len() >= 10 && drawing.height <= 50);
    assert!(drawing.nodes.iter().any(|node| node.node.key == broken), "broken edges come first");
}

/// Of the nodes that are in both, those that stand where they stood; the picture as a whole may have moved.
fn unmoved(before: &Drawing, after: &Drawing, columns: bool) -> (usize, usize) {
    let of = |drawing: &Drawing| -> BTreeMap<_, _> {
        drawing.nodes.iter().map(|node| (node.node.key.clone(), (i32::from(node.x), i32::from(node.y)))).collect()
    };
    let (before, after) = (of(before), of(after));
    let mut moves: BTreeMap<(i32, i32), usize> = BTreeMap::new();
    for (key, from) in before.iter().filter(|(key, _)| after.contains_key(*key)) {
        let right = if columns { after[key].0 - from.0 } else { 0 };
        *moves.entry((right, after[key].1 - from.1)).or_default() += 1;
    }
    (moves.values().copied().max().unwrap_or(0), moves.values().sum())
}

#[test]
fn what_stands_stays_while_edges_come_and_go() {
    let base = [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 6), (3, 7), (4, 8), (6, 8), (7, 9), (8, 10)];
    let ask = |nodes: usize, edges: &[(usize, usize)]| {
        Ask::new(&snapshot(nodes, edges), false, Scope::Auto, Vec::new(), (160, 50))
    };
    let first = lay_out(&ask(11, &base));
    let drawing = first.drawing.as_ref().expect("a drawing");
    let without: Vec<_> = base.iter().copied().filter(|edge| *edge != (6, 8)).collect();
    let across = [base.as_slice(), &[(5, 9), (3, 6)]].concat();
    let against = [base.as_slice(), &[(9, 1)]].concat();
    let another = [base.as_slice(), &[(5, 11)]].concat();
    // A line against the direction needs columns of its own between two ranks: all that is behind them makes room.
    for (nodes, edges, columns) in
        [(11, &without, true), (11, &across, true), (11, &against, false), (12, &another, true)]
    {
        let after = lay_out_after(&ask(nodes, edges), Some(&first)).drawing.expect("a drawing");
        check(&after);
        let (same, all) = unmoved(drawing, &after, columns);
        assert!(same * 10 >= all * if columns { 8 } else { 5 }, "{same} of {all} stand where they stood: {edges:?}");
        assert_eq!(after.lines.len(), edges.len() + 1);
    }
    let elsewhere = lay_out_after(&ask(5, &[(4, 3), (3, 2)]), Some(&first));
    assert_eq!(elsewhere.drawing, lay_out(&ask(5, &[(4, 3), (3, 2)])).drawing, "another graph begins anew");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_graph_that_changes_is_drawn_as_well_as_one_that_does_not(
        nodes in 4_usize..16,
        edges in prop::collection::vec((0_usize..16, 0_usize..16), 3..20),
        more in (0_usize..16, 0_usize..16),
    ) {
        let ask = |edges: &[(usize, usize)]| {
            Ask::new(&snapshot(nodes, edges), false, Scope::Auto, Vec::new(), (160, 50))
        };
        let first = lay_out(&ask(&edges));
        for after in [[edges.as_slice(), &[more]].concat(), edges[1..].to_vec()] {
            let answer = lay_out_after(&ask(&after), Some(&first));
            if let Some(drawing) = &answer.drawing {
                check(drawing);
            }
            prop_assert_eq!(answer.drawing.is_some(), lay_out(&ask(&after)).drawing.is_some());
        }
    }
}

#[test]
fn numbers_and_verdicts_do_not_ask_for_a_new_layout() {
    let mut snapshot = snapshot(6, &[(0, 1), (1, 2), (1, 3), (3, 4)]);
    let ask =
        |snapshot: &Snapshot, name: &str, room| Ask::new(snapshot, false, Scope::Auto, vec![Some(name.into())], room);
    let answer = lay_out(&ask(&snapshot, "service-1", (100, 30)));
    snapshot.edges[2].shown = Verdict::Dropped;
    snapshot.edges[2].hops += 100;
    assert!(answer.serves(&ask(&snapshot, "service-1", (100, 30))));
    assert!(
        answer.serves(&ask(&snapshot, "service-4", (100, 30))),
        "all of it is shown: the selection does not matter"
    );
    assert!(!answer.serves(&ask(&snapshot, "service-1", (60, 30))));
    snapshot.edges.pop();
    assert!(!answer.serves(&ask(&snapshot, "service-1", (100, 30))));
}
