//! Frames, routes and bars as lines and rectangles: a font's own signs leave gaps between the rows of a picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{CELL_HEIGHT, CELL_WIDTH, PADDING};

/// Weights of the lines from the middle of a cell to its left, top, right and bottom edge; 0 is none.
type Arms = [u8; 4];

/// Signs that are drawn, each with its arms.
const SIGNS: [(char, Arms); 26] = [
    ('─', [1, 0, 1, 0]),
    ('│', [0, 1, 0, 1]),
    ('┌', [0, 0, 1, 1]),
    ('╭', [0, 0, 1, 1]),
    ('┐', [1, 0, 0, 1]),
    ('╮', [1, 0, 0, 1]),
    ('└', [0, 1, 1, 0]),
    ('╰', [0, 1, 1, 0]),
    ('┘', [1, 1, 0, 0]),
    ('╯', [1, 1, 0, 0]),
    ('├', [0, 1, 1, 1]),
    ('┤', [1, 1, 0, 1]),
    ('┬', [1, 0, 1, 1]),
    ('┴', [1, 1, 1, 0]),
    ('┼', [1, 1, 1, 1]),
    ('━', [2, 0, 2, 0]),
    ('┃', [0, 2, 0, 2]),
    ('┏', [0, 0, 2, 2]),
    ('┓', [2, 0, 0, 2]),
    ('┗', [0, 2, 2, 0]),
    ('┛', [2, 2, 0, 0]),
    ('┣', [0, 2, 2, 2]),
    ('┫', [2, 2, 0, 2]),
    ('┳', [2, 0, 2, 2]),
    ('┻', [2, 2, 2, 0]),
    ('╋', [2, 2, 2, 2]),
];

/// How a line looks, and the row or column, in half cells, that it runs along.
type Track = (String, u8, u16);

/// Everything that is drawn and not written. Positions are half cells, so that neighbours meet exactly.
#[derive(Default)]
pub(super) struct Strokes {
    rows: BTreeMap<Track, Vec<(u16, u16)>>,
    columns: BTreeMap<Track, Vec<(u16, u16)>>,
    bars: String,
}

impl Strokes {
    /// Draws the sign of a cell, if it is one that is drawn. Cells come row by row, from left to right.
    pub(super) fn draw(&mut self, symbol: &str, x: u16, y: u16, ink: &str) -> bool {
        let mut characters = symbol.chars();
        let (Some(sign), None) = (characters.next(), characters.next()) else { return false };
        match sign {
            '▁'..='█' => {
                let eighths = sign as u32 - '▁' as u32 + 1;
                self.bar(x, y, 1.0, eighths as f32 / 8.0, ink);
            }
            '▌' => self.bar(x, y, 0.5, 1.0, ink),
            _ => {
                let Some((_, arms)) = SIGNS.iter().find(|(known, _)| *known == sign) else { return false };
                self.arms(*arms, x, y, ink);
            }
        }
        true
    }

    fn bar(&mut self, x: u16, y: u16, width: f32, height: f32, ink: &str) {
        let (left, top) = (at(2 * x, CELL_WIDTH), at(2 * y, CELL_HEIGHT) + CELL_HEIGHT * (1.0 - height));
        let (width, height) = (CELL_WIDTH * width, CELL_HEIGHT * height);
        let _ = writeln!(
            self.bars,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{ink}\"/>"
        );
    }

    fn arms(&mut self, [left, up, right, down]: Arms, x: u16, y: u16, ink: &str) {
        let (x, y) = (2 * x, 2 * y);
        for (weight, from) in [(left, x), (right, x + 1)] {
            if weight > 0 {
                extend(self.rows.entry((ink.to_owned(), weight, y + 1)).or_default(), from);
            }
        }
        for (weight, from) in [(up, y), (down, y + 1)] {
            if weight > 0 {
                extend(self.columns.entry((ink.to_owned(), weight, x + 1)).or_default(), from);
            }
        }
    }

    /// All of it as SVG elements.
    pub(super) fn svg(&self) -> String {
        let mut paths: BTreeMap<(&str, u8), String> = BTreeMap::new();
        for ((ink, weight, y), runs) in &self.rows {
            let path = paths.entry((ink, *weight)).or_default();
            for (from, to) in runs {
                let _ =
                    write!(path, "M{:.1} {:.1}H{:.1}", at(*from, CELL_WIDTH), at(*y, CELL_HEIGHT), at(*to, CELL_WIDTH));
            }
        }
        for ((ink, weight, x), runs) in &self.columns {
            let path = paths.entry((ink, *weight)).or_default();
            for (from, to) in runs {
                let _ = write!(
                    path,
                    "M{:.1} {:.1}V{:.1}",
                    at(*x, CELL_WIDTH),
                    at(*from, CELL_HEIGHT),
                    at(*to, CELL_HEIGHT)
                );
            }
        }
        let mut out = String::new();
        for ((ink, weight), path) in paths {
            let width = if weight > 1 { 2.8 } else { 1.2 };
            let _ = writeln!(
                out,
                "<path d=\"{path}\" stroke=\"{ink}\" stroke-width=\"{width}\" stroke-linecap=\"square\" fill=\"none\"/>"
            );
        }
        if !self.bars.is_empty() {
            // A bar over several cells is several rectangles: softened edges would show as seams.
            let _ = writeln!(out, "<g shape-rendering=\"crispEdges\">\n{}</g>", self.bars);
        }
        out
    }
}

/// Adds half a cell to the run that ends there, or begins another.
fn extend(runs: &mut Vec<(u16, u16)>, from: u16) {
    match runs.last_mut() {
        Some((_, to)) if *to == from => *to = from + 1,
        _ => runs.push((from, from + 1)),
    }
}

/// Where a half cell begins.
fn at(half: u16, cell: f32) -> f32 {
    PADDING + f32::from(half) * cell / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_line_without_a_gap() {
        let mut strokes = Strokes::default();
        for (x, sign) in ["┌", "─", "─", "┐"].into_iter().enumerate() {
            assert!(strokes.draw(sign, u16::try_from(x).unwrap_or(0), 0, "#fff"));
        }
        assert!(strokes.draw("│", 0, 1, "#fff") && !strokes.draw("x", 1, 1, "#fff"));
        let svg = strokes.svg();
        assert!(svg.contains("M16.2 21.0H41.4") && svg.contains("M16.2 21.0V48.0"), "{svg}");
    }

    #[test]
    fn bars_stand_on_the_ground() {
        let mut strokes = Strokes::default();
        assert!(strokes.draw("▁", 0, 0, "#fff") && strokes.draw("█", 1, 0, "#fff"));
        let svg = strokes.svg();
        assert!(
            svg.contains("y=\"27.8\"") && svg.contains("height=\"2.2\"") && svg.contains("height=\"18.0\""),
            "{svg}"
        );
    }
}
