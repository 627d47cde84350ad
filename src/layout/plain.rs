//! Layers without routing, for graphs that are too large for more: linear in nodes and edges but for one sort a sweep.

use std::collections::VecDeque;

use super::{GAP, Layout, Link, Point, Route, Size};

/// Sweeps that pull nodes towards their neighbours.
const SWEEPS: usize = 8;
/// Between two columns.
const COLUMN: f64 = 120.0;

/// Lays out.
pub(super) fn lay_out(nodes: &[Size], links: &[Link]) -> Layout {
    let ranks = ranks(nodes.len(), links);
    let mut columns = columns(&ranks);
    let mut rows = rows(&columns, nodes.len());
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for link in links {
        near[link.from].push(link.to);
        near[link.to].push(link.from);
    }
    for _ in 0..SWEEPS {
        for column in &mut columns {
            let mut keyed: Vec<(f64, usize)> = column.iter().map(|&at| (pull(&near[at], &rows, at), at)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *column = keyed.into_iter().map(|(_, at)| at).collect();
            number(column, &mut rows);
        }
    }
    // A rank of hundreds is folded into several columns, neighbours in it side by side: about as high as wide.
    let most = 2 * nodes.len().isqrt() + 1;
    let folded = columns.iter().flat_map(|column| {
        let folds = column.len().div_ceil(most).max(1);
        (0..folds).map(move |fold| column.iter().skip(fold).step_by(folds).copied().collect::<Vec<usize>>())
    });
    placed(nodes, links, &folded.collect::<Vec<_>>())
}

/// The shortest way to each node from one that nobody calls; where all that is left are circles, from the one that calls
/// most.
fn ranks(count: usize, links: &[Link]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut called = vec![false; count];
    for link in links.iter().filter(|link| link.from != link.to) {
        out[link.from].push(link.to);
        called[link.to] = true;
    }
    let mut busiest: Vec<usize> = (0..count).collect();
    busiest.sort_by_key(|&at| (called[at], std::cmp::Reverse(out[at].len()), at));
    let mut ranks = vec![None; count];
    let mut queue: VecDeque<usize> = (0..count).filter(|&at| !called[at]).collect();
    for &at in &queue {
        ranks[at] = Some(0);
    }
    for start in busiest {
        if ranks[start].is_none() {
            ranks[start] = Some(0);
            queue.push_back(start);
        }
        while let Some(at) = queue.pop_front() {
            for &to in &out[at] {
                if ranks[to].is_none() {
                    ranks[to] = ranks[at].map(|rank| rank + 1);
                    queue.push_back(to);
                }
            }
        }
    }
    ranks.into_iter().map(Option::unwrap_or_default).collect()
}

fn columns(ranks: &[usize]) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); ranks.iter().max().map_or(0, |most| most + 1)];
    for (at, &rank) in ranks.iter().enumerate() {
        columns[rank].push(at);
    }
    columns
}

/// Where each node stands in its column, from 0 to 1.
fn rows(columns: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut rows = vec![0.0; count];
    for column in columns {
        number(column, &mut rows);
    }
    rows
}

fn number(column: &[usize], rows: &mut [f64]) {
    for (row, &at) in column.iter().enumerate() {
        rows[at] = (row as f64 + 0.5) / column.len() as f64;
    }
}

/// The mean row of the neighbours, or its own.
fn pull(near: &[usize], rows: &[f64], own: usize) -> f64 {
    if near.is_empty() {
        return rows[own];
    }
    near.iter().map(|&at| rows[at]).sum::<f64>() / near.len() as f64
}

fn placed(nodes: &[Size], links: &[Link], columns: &[Vec<usize>]) -> Layout {
    let height = |column: &[usize]| column.iter().map(|&at| nodes[at].h + GAP).sum::<f64>();
    let tallest = columns.iter().map(|column| height(column)).fold(0.0, f64::max);
    let mut layout = Layout { nodes: vec![Point::default(); nodes.len()], plain: true, ..Layout::default() };
    let mut left = GAP;
    for column in columns {
        let widest = column.iter().map(|&at| nodes[at].w).fold(0.0, f64::max);
        let mut top = GAP + (tallest - height(column)) / 2.0;
        for &at in column {
            let spot = Point { x: left + widest / 2.0, y: top + nodes[at].h / 2.0 };
            layout.nodes[at] = spot;
            layout.grow(spot, nodes[at]);
            top += nodes[at].h + GAP;
        }
        left += widest + COLUMN;
    }
    layout.routes = links.iter().map(|link| route(&layout.nodes, nodes, link)).collect();
    layout
}

/// Between the sides that face one another; within a column, in a bow beside it.
fn route(spots: &[Point], sizes: &[Size], link: &Link) -> Route {
    let (from, to) = (spots[link.from], spots[link.to]);
    let level = (from.x - to.x).abs() < 1.0;
    let side = if from.x < to.x || level { 0.5 } else { -0.5 };
    let start = Point { x: from.x + side * sizes[link.from].w, y: from.y };
    let other = if level { side } else { -side };
    let end = Point { x: to.x + other * sizes[link.to].w, y: to.y };
    let label = Point { x: f64::midpoint(start.x, end.x), y: f64::midpoint(start.y, end.y) };
    if !level {
        return Route { points: vec![start, end], label, bow: false };
    }
    let far = start.x.max(end.x) + COLUMN / 2.0;
    let points = vec![start, Point { x: far, y: start.y }, Point { x: far, y: end.y }, end];
    Route { points, label: Point { x: far - COLUMN / 8.0, ..label }, bow: true }
}
