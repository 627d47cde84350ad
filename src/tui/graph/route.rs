//! Lines between boxes on the grid: each the cheapest way in steps, bends and crossings.
//!
//! Lines of one trunk (all calls of one service) may share cells. Lines of different trunks may cross at right angles
//! and share nothing else, so that no line can be read as another's. The last cells of each edge are its own: there stand
//! its glyph, its head, and what it goes through.

use std::cell::Cell as Shared;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::place::{Dock, Placement};
use super::{Again, DOWN, Drawing, EdgeKey, LEFT, Line, Placed, RIGHT, Step, Topology, UP};

/// Free rows above and below the boxes, for lines that go around.
const MARGIN: usize = 2;

/// Boxes beyond which lines hurry to their ends: not the best of all ways, but found in a fraction of the time.
const MANY: usize = 160;

const STEP: u32 = 160;
const SHARED: u32 = 96;
const BEND: u32 = 224;
const CROSSING: u32 = 288;
/// Beside a box, where a line going up or down reads as its border.
const HUGGING: u32 = 96;
/// Most that a row up or down may cost more far from the caller than near it: among ways of one length the one that
/// turns early wins, so that near callers take the near tracks and lines nest instead of locking each other in.
const EARLY: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
    Left,
    Right,
}

const WAYS: [Way; 4] = [Way::Up, Way::Down, Way::Left, Way::Right];

impl Way {
    fn flat(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }

    fn arm(self) -> u8 {
        match self {
            Self::Up => UP,
            Self::Down => DOWN,
            Self::Left => LEFT,
            Self::Right => RIGHT,
        }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Cell {
    /// A box, or another edge's own end.
    closed: bool,
    /// Next to a box.
    hugging: bool,
    /// Trunk + 1 of the line that runs through level.
    flat: usize,
    /// Trunk + 1 of the line that runs through upright.
    upright: usize,
}

#[derive(Clone)]
struct Grid {
    width: usize,
    /// What a cell on the way to the goal is taken to cost.
    pull: u32,
    cells: Vec<Cell>,
}

/// One edge's task.
struct Task {
    edge: usize,
    trunk: usize,
    start: usize,
    way: Way,
    goal: usize,
    leg: usize,
}

/// How many steps a layout may look at: a graph that needs more is shown as a list, and no core is kept busy for it.
pub(super) struct Budget(Shared<u32>);

impl Budget {
    /// So many steps.
    pub(super) fn new(steps: u32) -> Self {
        Self(Shared::new(steps))
    }

    /// Takes one step; false if none is left.
    fn spend(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }

    /// Whether none is left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Times that routing begins anew, with the line that found no way before all others.
const TRIES: usize = 10;

/// Lines for every edge; `None` if they find no way in any order tried.
pub(super) fn route(topology: &Topology, placement: &Placement, boxed: bool, budget: &Budget) -> Option<Drawing> {
    let mut fresh = Grid::new(placement);
    let mut tasks: Vec<Task> = Vec::new();
    for (edge, (&(from, to), dock)) in topology.edges.iter().zip(&placement.docks).enumerate() {
        let trunk = if dock.back { topology.nodes.len() + edge } else { from } + 1;
        tasks.push(fresh.task(placement, edge, trunk, (from, to), *dock)?);
    }
    fresh.reserve(&tasks);
    tasks.sort_by_key(|task| (fresh.distance(task.start, task.goal), task.edge));
    for _ in 0..TRIES {
        match fresh.clone().route_all(topology, &tasks, budget) {
            Ok(lines) => return Some(crop(topology, placement, lines, boxed)),
            Err(_) if budget.is_spent() => return None,
            Err(stuck) => tasks[..=stuck].rotate_right(1),
        }
    }
    None
}

impl Grid {
    fn new(placement: &Placement) -> Self {
        let (width, height) = (placement.width, placement.height + 2 * MARGIN);
        let pull = if placement.places.len() > MANY { STEP } else { SHARED };
        let mut grid = Self { width, pull, cells: vec![Cell::default(); width * height] };
        for place in &placement.places {
            for y in place.y..place.y + place.h {
                let row = (y + MARGIN) * width;
                for x in place.x..place.x + place.w {
                    grid.cells[row + x].closed = true;
                }
                for x in [place.x.wrapping_sub(1), place.x + place.w].into_iter().filter(|x| *x < width) {
                    grid.cells[row + x].hugging = true;
                }
            }
        }
        grid
    }

    /// Both ends come first: no line may run over another's glyph, nor block the way out of a box.
    fn reserve(&mut self, tasks: &[Task]) {
        for task in tasks {
            let approach = if task.way == Way::Left { task.goal + 1 } else { task.goal - 1 };
            for cell in [task.start, approach] {
                self.cells[cell].flat = task.trunk;
            }
            for cell in Self::leg(task) {
                self.cells[cell].closed = true;
            }
        }
    }

    /// Lines in the order of the edges, or which of the tasks found no way.
    fn route_all(mut self, topology: &Topology, tasks: &[Task], budget: &Budget) -> Result<Vec<Line>, usize> {
        let mut lines = Vec::with_capacity(tasks.len());
        for (at, task) in tasks.iter().enumerate() {
            let mut path = self.cheapest(task, budget).ok_or(at)?;
            self.claim(task, &path);
            path.extend(Self::leg(task).map(|cell| (cell, task.way)));
            lines.push((task.edge, self.line(topology, task, &path)));
        }
        lines.sort_by_key(|(edge, _)| *edge);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    fn task(&self, placement: &Placement, edge: usize, trunk: usize, ends: (usize, usize), dock: Dock) -> Option<Task> {
        let (from, to) = (&placement.places[ends.0], &placement.places[ends.1]);
        let cell = |x: usize, y: usize| (y + MARGIN) * self.width + x;
        let (start, goal, way) = if dock.back {
            (cell(from.x.checked_sub(1)?, dock.from), cell(to.x + to.w + dock.leg - 1, dock.to), Way::Left)
        } else {
            (cell(from.x + from.w, dock.from), cell(to.x.checked_sub(dock.leg)?, dock.to), Way::Right)
        };
        Some(Task { edge, trunk, start, way, goal, leg: dock.leg })
    }

    /// The cells that are the edge's own, from its own line to its head.
    fn leg(task: &Task) -> impl Iterator<Item = usize> + use<> {
        let (goal, way, leg) = (task.goal, task.way, task.leg);
        (0..leg).map(move |step| if way == Way::Left { goal - step } else { goal + step })
    }

    fn distance(&self, a: usize, b: usize) -> usize {
        (a % self.width).abs_diff(b % self.width) + (a / self.width).abs_diff(b / self.width)
    }

    fn next(&self, at: usize, way: Way) -> Option<usize> {
        let (x, height) = (at % self.width, self.cells.len() / self.width);
        match way {
            Way::Up => at.checked_sub(self.width),
            Way::Down => (at / self.width + 1 < height).then(|| at + self.width),
            Way::Left => (x > 0).then(|| at - 1),
            Way::Right => (x + 1 < self.width).then(|| at + 1),
        }
    }

    /// What it costs to come into a cell by one way and leave it by another; `None` if another line forbids it.
    fn through(&self, at: usize, trunk: usize, came: Way, goes: Way) -> Option<u32> {
        let cell = self.cells[at];
        let free = |owner: usize| owner == 0 || owner == trunk;
        let (along, across) = if came.flat() { (cell.flat, cell.upright) } else { (cell.upright, cell.flat) };
        if came == goes {
            let crossing = if free(across) { 0 } else { CROSSING };
            let hugging = if cell.hugging && !came.flat() { HUGGING } else { 0 };
            return free(along).then_some(crossing + hugging);
        }
        (came != goes.opposite() && free(along) && free(across)).then_some(BEND)
    }

    /// The cheapest way from start to the cell before the goal, as (cell, way in which it was entered).
    fn cheapest(&self, task: &Task, budget: &Budget) -> Option<Vec<(usize, Way)>> {
        let state = |cell: usize, way: Way| cell * 4 + way as usize;
        let mut cost = vec![u32::MAX; self.cells.len() * 4];
        let mut came: Vec<u32> = vec![u32::MAX; self.cells.len() * 4];
        let mut heap = BinaryHeap::new();
        if task.start == task.goal {
            return Some(Vec::new());
        }
        if self.cells[task.start].closed {
            return None;
        }
        let first = state(task.start, task.way);
        cost[first] = 0;
        heap.push(Reverse((self.distance(task.start, task.goal) as u32 * self.pull, first)));
        while let Some(Reverse((_, here))) = heap.pop() {
            if !budget.spend() {
                return None;
            }
            let (cell, way) = (here / 4, WAYS[here % 4]);
            for goes in WAYS {
                let (Some(turn), Some(next)) = (self.through(cell, task.trunk, way, goes), self.next(cell, goes))
                else {
                    continue;
                };
                if next == task.goal {
                    if goes == task.way {
                        return Some(self.walk_back(&came, here));
                    }
                    continue;
                }
                let into = self.cells[next];
                let owner = if goes.flat() { into.flat } else { into.upright };
                if into.closed || (owner != 0 && owner != task.trunk) {
                    continue;
                }
                let late =
                    if goes.flat() { 0 } else { (next % self.width).abs_diff(task.start % self.width).min(EARLY) };
                let step = if owner == task.trunk { SHARED } else { STEP } + late as u32;
                let total = cost[here] + turn + step;
                let there = state(next, goes);
                if total < cost[there] {
                    cost[there] = total;
                    came[there] = here as u32;
                    heap.push(Reverse((total + self.distance(next, task.goal) as u32 * self.pull, there)));
                }
            }
        }
        None
    }

    fn walk_back(&self, came: &[u32], last: usize) -> Vec<(usize, Way)> {
        let mut path = Vec::new();
        let mut at = last;
        // A path has no more states than the grid: a bound that never bites, where a loop without one could hang.
        for _ in 0..self.cells.len() * 4 {
            path.push((at / 4, WAYS[at % 4]));
            match came[at] {
                u32::MAX => break,
                before => at = before as usize,
            }
        }
        path.reverse();
        path
    }

    fn claim(&mut self, task: &Task, path: &[(usize, Way)]) {
        for (at, &(cell, way)) in path.iter().enumerate() {
            let goes = path.get(at + 1).map_or(task.way, |&(_, goes)| goes);
            for way in [way, goes] {
                let cell = &mut self.cells[cell];
                *(if way.flat() { &mut cell.flat } else { &mut cell.upright }) = task.trunk;
            }
        }
    }

    fn line(&self, topology: &Topology, task: &Task, path: &[(usize, Way)]) -> Line {
        let steps: Vec<Step> = path
            .iter()
            .enumerate()
            .map(|(at, &(cell, way))| {
                let goes = path.get(at + 1).map_or(task.way, |&(_, goes)| goes);
                Step {
                    x: (cell % self.width) as u16,
                    y: (cell / self.width) as u16,
                    arms: way.opposite().arm() | goes.arm(),
                }
            })
            .collect();
        let from_end = |back: usize| steps.len().checked_sub(back).map_or((0, 0), |at| (steps[at].x, steps[at].y));
        let (from, to) = topology.edges[task.edge];
        let (glyph, head) = (from_end(3), from_end(1));
        let callee = topology.nodes[to].key.clone().unwrap_or_else(|| super::OUTSIDE.into());
        Line {
            key: EdgeKey { caller: topology.nodes[from].key.clone(), callee },
            trunk: task.trunk,
            steps,
            glyph,
            head,
            back: task.way == Way::Left,
        }
    }
}

/// Cuts off margins that no line used.
fn crop(topology: &Topology, placement: &Placement, mut lines: Vec<Line>, boxed: bool) -> Drawing {
    let rows = || lines.iter().flat_map(|line| line.steps.iter().map(|step| usize::from(step.y)));
    let top = rows().min().unwrap_or(MARGIN).min(MARGIN);
    let bottom = rows().max().unwrap_or(0).max(MARGIN + placement.height.saturating_sub(1));
    let up = top as u16;
    for line in &mut lines {
        line.glyph.1 -= up;
        line.head.1 -= up;
        line.steps.iter_mut().for_each(|step| step.y -= up);
    }
    let nodes = topology
        .nodes
        .iter()
        .zip(&placement.places)
        .map(|(node, place)| Placed {
            node: node.clone(),
            x: place.x as u16,
            y: (place.y + MARGIN - top) as u16,
            w: place.w as u16,
            h: place.h as u16,
            again: Again::No,
        })
        .collect();
    let height = (bottom + 1 - top) as u16;
    Drawing { nodes, lines, boxed, tree: false, level: 0, width: placement.width as u16, height }
}
