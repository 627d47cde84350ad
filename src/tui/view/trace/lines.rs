//! The waterfall: who called whom, when, how it ended, and the token beside it.

use ratatui::style::Style;

use super::places::Places;
use super::{bar, bar_style, first};
use crate::model::{Span, StatusCode};
use crate::trail::views::TraceView;
use crate::tui::geometry::Area;
use crate::tui::page::trace::Trace;
use crate::tui::state::State;
use crate::tui::text::{Safe, duration};
use crate::tui::theme::Theme;
use crate::tui::view::pen::{Pen, Row};
use crate::tui::waterfall::align::failed;
use crate::tui::waterfall::lane::{Held, Mark};
use crate::tui::waterfall::{Line, Node};

/// Columns that one step down the tree moves to the right.
const STEP: usize = 2;
/// Columns for a status behind a bar.
const STATUS: u16 = 4;

/// Columns of the parts of a line, from left to right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Columns {
    /// Service and operation.
    pub label: u16,
    /// The bar and the status at its end; 0 where there is no room for one.
    pub bar: u16,
    /// The token lane.
    pub lane: u16,
}

impl Columns {
    /// Divides a line of some width.
    fn of(width: u16) -> Self {
        let lane = (width * 3 / 10).clamp(21, 38);
        let rest = width.saturating_sub(lane + 3);
        // Where there is little room, names matter more than times.
        let bar = if width < 100 { rest * 2 / 5 } else { rest * 9 / 20 };
        Self { label: rest - bar, bar, lane }
    }
}

/// Draws the list.
pub fn render(state: &State, pen: &mut Pen, places: &Places, trace: &Trace, view: &TraceView) {
    let theme = state.theme;
    let columns = Columns::of(places.list.w);
    if places.heading > 0 {
        heading(pen, places.list, columns, trace.fall.axis, theme);
    }
    let [Some(list), _] = places.lists() else { return };
    let top = first(trace, list.h);
    for (row, y) in (top..trace.lines.len()).zip(list.y..list.y + list.h) {
        let line = &trace.lines[row];
        let area = Area { y, h: 1, ..list };
        one(state, pen, area, columns, (trace, view), line);
        if row == trace.at {
            select(pen, area, theme, !trace.in_detail);
        }
    }
}

/// Marks the selected line, by a sign and by weight.
pub fn select(pen: &mut Pen, line: Area, theme: Theme, has_keyboard: bool) {
    let style = if has_keyboard { theme.focus() } else { theme.quiet() };
    pen.row(line.x, line.y, 1, &Row::new().text(theme.sign("▌", ">"), style));
    pen.wash(Area { x: line.x + 1, w: line.w.saturating_sub(1), ..line }, theme.strong());
}

fn heading(pen: &mut Pen, list: Area, columns: Columns, axis: (u64, u64), theme: Theme) {
    let quiet = theme.quiet();
    pen.row(list.x + 1, list.y, columns.label, &Row::new().text("span", quiet));
    let x = list.x + 1 + columns.label + 1;
    pen.row(x, list.y, columns.bar, &Row::new().text("0", quiet));
    let long = Row::new().own(&duration(axis.1 - axis.0), quiet);
    let width = u16::try_from(long.width()).unwrap_or(0);
    let end = columns.bar.saturating_sub(STATUS + 1);
    if end > width + 2 {
        pen.row(x + end - width, list.y, width, &long);
    }
    pen.row(x + columns.bar + 1, list.y, columns.lane, &Row::new().text("token", quiet));
}

fn one(state: &State, pen: &mut Pen, area: Area, columns: Columns, (trace, view): (&Trace, &TraceView), line: &Line) {
    let theme = state.theme;
    let (service, span) = &view.spans[line.span];
    let node = &trace.fall.nodes[line.span];
    let fold = match (line.opens, line.folded) {
        (false, _) => Fold::Leaf,
        (true, 0) => Fold::Open,
        (true, folded) => Fold::Closed(folded),
    };
    let step = if columns.label < 30 { 1 } else { STEP };
    let label = label(theme, (service, span), node, (line.depth, step), &fold, usize::from(columns.label));
    pen.row(area.x + 1, area.y, columns.label, &label);
    let x = area.x + 1 + columns.label + 1;
    let axis = Area { x, w: columns.bar.saturating_sub(STATUS + 1), ..area };
    if axis.w > 0 {
        let time = bar::eighths(trace.fall.axis, trace.fall.bar(line.span, span), axis.w);
        let after = bar::draw(pen, axis, time, bar_style(state, &trace.fall, view, line.span));
        pen.row(after + 1, area.y, STATUS, &status(theme, span));
    }
    let lane = lane(theme, node.mark.as_ref());
    pen.row(x + columns.bar + 1, area.y, columns.lane, &lane);
}

/// Whether anything stands below a line.
pub enum Fold {
    /// Nothing does.
    Leaf,
    /// It shows.
    Open,
    /// So many lines are folded away.
    Closed(usize),
}

/// Who did what: `gateway GET /` for what arrived, `gateway → GET` for what was sent.
pub fn label(
    theme: Theme,
    (service, span): (&str, &Span),
    node: &Node,
    (depth, step): (usize, usize),
    fold: &Fold,
    width: usize,
) -> Row {
    // Beyond half of the room the depth is a number: the names matter more.
    let indent = depth * step;
    let mut row = if indent > width / 2 {
        let number = format!("{depth}{} ", theme.sign("›", ">"));
        Row::new().own(&format!("{number:>room$}", room = width / 2), theme.quiet())
    } else {
        Row::new().own(&" ".repeat(indent), Style::new())
    };
    row = match fold {
        Fold::Leaf => row.plain("  "),
        Fold::Open => row.text(theme.sign("▾ ", "- "), theme.quiet()),
        Fold::Closed(_) => row.text(theme.sign("▸ ", "+ "), theme.focus()),
    };
    if node.orphan {
        row = row.text(theme.sign("┄ ", "~ "), theme.warning());
    }
    let call = span.is_call();
    let arrives = span.is_entry() || node.parent.is_none();
    row = row.own(service, if arrives { theme.strong() } else { theme.quiet() }).plain(" ");
    if call {
        row = row.text(theme.sign("→ ", "-> "), theme.quiet());
        if let Some(callee) = &node.calls {
            row = row.own(callee, theme.strong()).plain(" ");
        }
    }
    row = row.safe(Safe::new(&span.operation()), if arrives || call { Style::new() } else { theme.quiet() });
    match fold {
        Fold::Closed(folded) => {
            // How much is folded away must not be cut off.
            let more = Row::new().own(&format!(" +{folded}"), theme.focus());
            cut(row, width.saturating_sub(more.width())).then(more)
        }
        _ => row,
    }
}

/// The beginning of a line within some columns.
pub fn cut(row: Row, width: usize) -> Row {
    if row.width() <= width {
        return row;
    }
    let mut out = Row::new();
    for (text, style) in row.parts() {
        let room = width.saturating_sub(out.width());
        if room == 0 {
            break;
        }
        out = out.safe(text.fit(room), *style);
    }
    out
}

/// How a span ended, where it did not end well.
pub fn status(theme: Theme, span: &Span) -> Row {
    if !failed(span) {
        return Row::new();
    }
    let number = span.http_status.filter(|status| *status >= 400).or(span.grpc_status.filter(|status| *status != 0));
    match number {
        Some(number) => Row::new().own(&number.to_string(), theme.warning()),
        None if span.status == StatusCode::Error => Row::new().text("err", theme.warning()),
        None => Row::new(),
    }
}

/// The token's name in its colour, the verdict's sign, and what happened.
pub fn lane(theme: Theme, mark: Option<&Mark>) -> Row {
    let Some(mark) = mark else { return Row::new() };
    let row = match &mark.held {
        Held::Token(name) => Row::new().own(&format!("{name:<4} "), theme.token(name)),
        Held::Hidden => Row::new().text(theme.sign("▒▒▒▒ ", "**** "), theme.quiet()),
        Held::Nothing => Row::new().text(theme.sign("—    ", "-    "), theme.strong()),
        Held::Unknown if mark.verdict.is_some() => Row::new().plain("     "),
        Held::Unknown => Row::new().text("?    ", theme.quiet()),
    };
    let style = mark.verdict.map_or(theme.quiet(), |verdict| theme.verdict(verdict));
    let glyph = mark.verdict.map_or(" ", |verdict| theme.glyph(verdict));
    let row = row.text(glyph, style).plain(" ").own(&mark.words, style);
    if mark.more > 0 { row.own(&format!(" (+{})", mark.more), theme.quiet()) } else { row }
}
