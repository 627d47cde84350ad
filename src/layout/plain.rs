//! Layers without routing, for graphs that are too large for more: linear in nodes and edges but for one sort a sweep.

use super::{GAP, Layout, Link, Point, Route, Size};

/// Sweeps that pull nodes towards their neighbours.
const SWEEPS: usize = 8;
/// Between two columns.
const COLUMN: f64 = 160.0;

/// Lays out.
pub(super) fn lay_out(nodes: &[Size], links: &[Link]) -> Layout {
    let forward = forward(nodes.len(), links);
    let ranks = ranks(nodes.len(), &forward);
    let mut columns = columns(&ranks);
    let mut rows = rows(&columns, nodes.len());
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for &(from, to) in &forward {
        near[from].push(to);
        near[to].push(from);
    }
    for _ in 0..SWEEPS {
        for column in &mut columns {
            let mut keyed: Vec<(f64, usize)> = column.iter().map(|&at| (pull(&near[at], &rows, at), at)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *column = keyed.into_iter().map(|(_, at)| at).collect();
            number(column, &mut rows);
        }
    }
    placed(nodes, links, &columns)
}

/// The edges without those that close a circle (they are turned around), found without recursion.
fn forward(count: usize, links: &[Link]) -> Vec<(usize, usize)> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in links {
        out[link.from].push(link.to);
    }
    let (mut found, mut state) = (Vec::with_capacity(links.len()), vec![0_u8; count]);
    for start in 0..count {
        let mut path = if state[start] == 0 { vec![(start, 0)] } else { continue };
        while let Some((at, next)) = path.last_mut() {
            let (node, edge) = (*at, *next);
            state[node] = 1;
            let Some(&to) = out[node].get(edge) else {
                state[node] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            found.push(if state[to] == 1 { (to, node) } else { (node, to) });
            if state[to] == 0 {
                path.push((to, 0));
            }
        }
    }
    found
}

/// The longest way to each node.
fn ranks(count: usize, forward: &[(usize, usize)]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut waits = vec![0_usize; count];
    for &(from, to) in forward {
        out[from].push(to);
        waits[to] += 1;
    }
    let mut ranks = vec![0; count];
    let mut ready: Vec<usize> = (0..count).filter(|&at| waits[at] == 0).collect();
    while let Some(at) = ready.pop() {
        for &to in &out[at] {
            ranks[to] = ranks[to].max(ranks[at] + 1);
            waits[to] -= 1;
            if waits[to] == 0 {
                ready.push(to);
            }
        }
    }
    ranks
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

/// Between the sides that face one another.
fn route(spots: &[Point], sizes: &[Size], link: &Link) -> Route {
    let (from, to) = (spots[link.from], spots[link.to]);
    let side = if from.x < to.x { 0.5 } else { -0.5 };
    let start = Point { x: from.x + side * sizes[link.from].w, y: from.y };
    let end = Point { x: to.x - side * sizes[link.to].w, y: to.y };
    let label = Point { x: f64::midpoint(start.x, end.x), y: f64::midpoint(start.y, end.y) };
    Route { points: vec![start, end], label }
}
