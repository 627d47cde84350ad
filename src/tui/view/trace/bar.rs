//! A span's bar on the time axis, in eighths of a cell where the terminal can draw them.

use ratatui::style::Style;

use crate::tui::geometry::Area;
use crate::tui::view::pen::Pen;

/// Signs that fill a cell from the left, by eighths.
const LEFT: [&str; 8] = ["▏", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// The eighths of a cell at which something begins and ends on an axis of some cells; at least one eighth long.
pub fn eighths(axis: (u64, u64), time: (u64, u64), cells: u16) -> (u64, u64) {
    let most = u64::from(cells) * 8;
    let long = u128::from(axis.1.saturating_sub(axis.0).max(1));
    let at = |nanos: u64| {
        let from = u128::from(nanos.saturating_sub(axis.0));
        u64::try_from(from * u128::from(most) / long).unwrap_or(most).min(most)
    };
    let start = at(time.0).min(most.saturating_sub(1));
    (start, at(time.1).clamp(start + 1, most.max(start + 1)))
}

/// Draws a bar into one line; returns the column after it.
pub fn draw(pen: &mut Pen, line: Area, (start, end): (u64, u64), style: Style) -> u16 {
    let (first, last) = (start / 8, (end - 1) / 8);
    for cell in first..=last {
        let x = line.x + u16::try_from(cell).unwrap_or(u16::MAX).min(line.w.saturating_sub(1));
        let from = start.saturating_sub(cell * 8).min(7);
        let to = (end - cell * 8).min(8);
        let sign = match (pen.theme.ascii, from, to) {
            (true, ..) => {
                if first == last {
                    "|"
                } else {
                    "="
                }
            }
            (_, 0..=2, 8) => "█",
            (_, 0, to) => LEFT[to as usize],
            (_, 7, _) => "▕",
            (_, _, 8) => "▐",
            _ => "▌",
        };
        pen.sign(x, line.y, sign, style);
    }
    line.x + u16::try_from(last + 1).unwrap_or(u16::MAX).min(line.w)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_lie_on_the_axis_whatever_the_clocks_say() {
        assert_eq!(eighths((100, 200), (100, 200), 10), (0, 80));
        assert_eq!(eighths((100, 200), (150, 150), 10), (40, 41), "what took no time still shows");
        assert_eq!(eighths((100, 200), (200, 200), 10), (79, 80));
        assert_eq!(eighths((100, 100), (100, 100), 10), (0, 1));
        assert_eq!(eighths((0, u64::MAX), (u64::MAX, u64::MAX), 300), (2_399, 2_400));
        assert_eq!(eighths((100, 200), (0, 900), 10), (0, 80));
        assert_eq!(eighths((100, 200), (100, 200), 0), (0, 1));
    }
}
