//! The lines of the call graph: their strokes, what stands on them, and their ends.

use std::collections::{BTreeMap, HashMap};

use ratatui::style::{Modifier, Style};

use super::map::Window;
use super::pen::Pen;
use super::strokes;
use crate::trail::summary::EdgeRow;
use crate::tui::graph::{self, DOWN, Drawing, EdgeKey, Line, Step, UP};
use crate::tui::state::State;
use crate::tui::text::Safe;

/// All lines of a drawing, with what is known of their edges.
pub(super) struct Wires<'a> {
    /// What is drawn.
    pub state: &'a State,
    window: &'a Window,
    /// Where it stands.
    pub drawing: &'a Drawing,
    rows: HashMap<(Option<&'a str>, &'a str), &'a EdgeRow>,
}

/// How an edge is drawn.
pub(super) struct Look<'a> {
    /// How much it stands out: 3 is selected, 2 accused, 0 stands back.
    pub weight: u8,
    /// Its colour.
    pub style: Style,
    /// Whether a hop went over it just now.
    pulse: bool,
    /// What is known of it; `None` where it is gone and the drawing is a moment old.
    pub row: Option<&'a EdgeRow>,
}

#[derive(Clone, Copy)]
struct Stroke {
    arms: u8,
    /// Those of them that belong to the selected line.
    heavy: u8,
    trunk: usize,
    weight: u8,
    style: Style,
}

impl<'a> Wires<'a> {
    pub(super) fn new(state: &'a State, window: &'a Window, drawing: &'a Drawing) -> Self {
        let rows = state.snapshot.edges.iter().map(|row| ((row.caller.as_deref(), &*row.callee), row)).collect();
        Self { state, window, drawing, rows }
    }

    /// How much an edge stands out, and its colour.
    pub(super) fn look(&self, key: &EdgeKey) -> Look<'a> {
        let theme = self.state.theme;
        let lit = self.state.selection.edge() == Some(key);
        let pulse = self.state.pulses.contains(key);
        let row = self.rows.get(&(key.caller.as_deref(), &*key.callee)).copied();
        let Some(shown) = row.map(|row| row.shown) else { return Look { weight: 0, style: theme.quiet(), pulse, row } };
        let style = theme.verdict(shown);
        let (weight, style) = match shown {
            _ if lit => (3, style.add_modifier(Modifier::BOLD)),
            verdict if verdict.accuses() => (2, style),
            _ if row.is_some_and(graph::stands_back) => {
                (0, if pulse { style } else { style.add_modifier(Modifier::DIM) })
            }
            _ => (1, if pulse { style } else { theme.quiet() }),
        };
        Look { weight, style, pulse, row }
    }

    /// Strokes, and what stands on them.
    pub(super) fn lines(&self, pen: &mut Pen) {
        let mut cells: BTreeMap<(u16, u16), Stroke> = BTreeMap::new();
        let mut shared: HashMap<(u16, u16), u32> = HashMap::new();
        for line in &self.drawing.lines {
            let Look { weight, style, .. } = self.look(&line.key);
            for step in &line.steps {
                *shared.entry((step.x, step.y)).or_default() += 1;
                let heavy = if weight == 3 { step.arms } else { 0 };
                let new = Stroke { arms: step.arms, heavy, trunk: line.trunk, weight, style };
                cells
                    .entry((step.x, step.y))
                    .and_modify(|old| {
                        if old.trunk == new.trunk {
                            let (arms, heavy) = (old.arms | new.arms, old.heavy | new.heavy);
                            *old = if new.weight > old.weight { new } else { *old };
                            (old.arms, old.heavy) = (arms, heavy);
                        } else if new.weight == 3 || (old.weight < 3 && new.arms == UP | DOWN) {
                            // Lines that cross are no junction: the upright one runs over the level one, and what is
                            // selected over both.
                            *old = new;
                        }
                    })
                    .or_insert(new);
            }
        }
        for ((x, y), stroke) in cells {
            if let Some((x, y)) = self.window.cell(x, y) {
                pen.sign(x, y, strokes::sign(stroke.arms, stroke.heavy, self.state.theme.ascii), stroke.style);
            }
        }
        for line in &self.drawing.lines {
            self.waypoints(pen, line, |step| shared.get(&(step.x, step.y)) == Some(&1));
        }
    }

    /// What a call goes through, on the stretch that is the edge's own; its name where there is room.
    fn waypoints(&self, pen: &mut Pen, line: &Line, own: impl Fn(&Step) -> bool) {
        let look = self.look(&line.key);
        let Some([first, rest @ ..]) = look.row.map(|row| &*row.waypoints) else { return };
        let level = |step: &&Step| step.y == line.glyph.1 && step.arms & (UP | DOWN) == 0 && own(step);
        let before = line.steps.iter().rev().skip_while(|step| (step.x, step.y) != line.glyph).skip(1);
        let run = before.take_while(level).map(|step| step.x).collect::<Vec<_>>();
        let (Some(left), Some(right)) = (run.iter().min(), run.iter().max()) else { return };
        let room = usize::from(right - left);
        let theme = self.state.theme;
        let more = if rest.is_empty() { String::new() } else { format!(" +{}", rest.len()) };
        let name = Safe::new(first).fit(room.saturating_sub(more.len() + 2));
        let sign = theme.sign("◇", "&");
        // A name of which next to nothing is left says less than the sign alone.
        let text = if name.width() >= Safe::new(first).width().min(6) {
            Safe::new(&format!("{sign}{}{more}", name.as_str()))
        } else {
            Safe::new(sign)
        };
        let width = u16::try_from(text.width()).unwrap_or(0);
        let x = if width == 1 { *right } else { right.saturating_sub(width) };
        let style = if look.weight >= 2 { look.style } else { theme.strong() };
        self.window.put(pen, x, line.glyph.1, &text, style);
    }

    /// The glyphs and the heads at the callees' ends.
    pub(super) fn ends(&self, pen: &mut Pen) {
        let theme = self.state.theme;
        for line in &self.drawing.lines {
            let look = self.look(&line.key);
            let Some(row) = look.row else { continue };
            let style = if look.weight == 1 { theme.verdict(row.shown) } else { look.style };
            if let Some((x, y)) = self.window.cell(line.glyph.0, line.glyph.1) {
                let lit = if look.weight == 3 { style.add_modifier(Modifier::REVERSED) } else { style };
                pen.sign(x, y, theme.glyph(row.shown), lit);
            }
            if let Some((x, y)) = self.window.cell(line.head.0, line.head.1) {
                let head = if line.back { theme.sign("◂", "<") } else { theme.sign("▸", ">") };
                // An accused line is as bright as can be: its pulse is the head.
                let pulse = look.pulse && look.weight >= 2;
                pen.sign(x, y, head, if pulse { style.add_modifier(Modifier::REVERSED) } else { style });
            }
        }
    }

    /// In a tree, what is wrong with a call stands as a word behind its callee, where there is room for all of it.
    pub(super) fn words(&self, pen: &mut Pen) {
        for line in &self.drawing.lines {
            let look = self.look(&line.key);
            let Some(row) = look.row.filter(|row| row.shown.accuses()) else { continue };
            let place = (line.head.0 + 1, line.head.1);
            let node = self.drawing.nodes.iter().find(|node| (node.x, node.y) == place);
            let (Some(node), word) = (node, Safe::new(row.shown.name())) else { continue };
            let x = node.x + node.w + 1;
            if usize::from(x) + word.width() <= usize::from(self.drawing.width) {
                self.window.put(pen, x, node.y, &word, look.style);
            }
        }
    }
}
