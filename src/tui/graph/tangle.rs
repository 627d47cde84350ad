//! Whether a drawing can be followed by eye.

use std::collections::HashMap;

use super::{DOWN, Drawing, LEFT, RIGHT, UP};

/// Crossings up to which an eye follows every line without effort.
const BEARABLE: usize = 4;

/// Whether more lines cross than an eye can follow. What was too much once must become clearly less before it is drawn
/// with crossing lines again: a map that changes its manner with each call would be read anew each time.
pub(super) fn tangled(drawing: &Drawing, before: Option<&Drawing>) -> bool {
    crossings(drawing) > if before.is_some_and(|before| before.tree) { BEARABLE / 2 } else { BEARABLE }
}

/// Cells in which lines of two trunks cross.
fn crossings(drawing: &Drawing) -> usize {
    let mut level = HashMap::new();
    let steps = || drawing.lines.iter().flat_map(|line| line.steps.iter().map(|step| (line.trunk, step)));
    for (trunk, step) in steps().filter(|(_, step)| step.arms == LEFT | RIGHT) {
        level.insert((step.x, step.y), trunk);
    }
    let mut crossed: Vec<(u16, u16)> = steps()
        .filter(|(_, step)| step.arms == UP | DOWN)
        .map(|(trunk, step)| ((step.x, step.y), trunk))
        .filter(|(at, trunk)| level.get(at).is_some_and(|other| other != trunk))
        .map(|(at, _)| at)
        .collect();
    crossed.sort_unstable();
    crossed.dedup();
    crossed.len()
}
