//! Two traces over one route: this one, and one on which the token arrived; side by side where there is room.

use std::sync::Arc;

use ratatui::style::Style;

use super::first;
use super::lines::{Fold, cut, label, lane, select, status};
use super::places::Places;
use crate::trail::views::TraceView;
use crate::tui::geometry::Area;
use crate::tui::page::trace::{Beside, Trace};
use crate::tui::state::State;
use crate::tui::text::count;
use crate::tui::theme::Theme;
use crate::tui::view::pen::{Pen, Row};
use crate::tui::waterfall::Waterfall;
use crate::tui::waterfall::align::{Aligned, Difference};
use crate::tui::waterfall::lane::{Held, Mark};

/// What to say of the twin above the lists: that it is looked for, that there is none, or where the two first part.
pub fn notice(state: &State, trace: &Trace, view: &TraceView) -> Option<(String, Style)> {
    let theme = state.theme;
    let beside = trace.beside.as_ref()?;
    let route = &beside.route;
    let edge = format!("{} → {}", route.caller.as_deref().unwrap_or("outside"), route.callee);
    let Some(answer) = &beside.answer else {
        return Some((format!("looking for a trace on which {edge} went well …"), theme.quiet()));
    };
    let Some(twin) = &answer.view else {
        let (searched, held) = (count(answer.searched as u64), count(answer.held.saturating_sub(1) as u64));
        let among = if searched == held { String::new() } else { format!(" searched of {held}") };
        let text = format!(
            "no twin: none of {searched} other traces{among} came over {} {} with {edge} intact",
            route.service, route.operation
        );
        return Some((text, theme.warning()));
    };
    let text = match beside.first.and_then(|at| beside.lines.get(at)) {
        Some(line) => format!("the first difference: {}", parting(line, (trace, view), (beside, twin))),
        None => format!("{edge} went well there, and what shows of the two does not differ"),
    };
    Some((text, theme.strong()))
}

/// Where two traces part, in words: `orders → GET /: not sent here, k3va sent there`.
fn parting(line: &Aligned, here: (&Trace, &TraceView), there: (&Beside, &TraceView)) -> String {
    let name = |view: &TraceView, at: usize| {
        let (service, span) = &view.spans[at];
        format!("{service}{}{}", if span.is_call() { " → " } else { " " }, span.operation())
    };
    let place = line.here.map(|at| name(here.1, at)).or_else(|| line.there.map(|at| name(there.1, at)));
    let place = place.unwrap_or_default();
    let said = |fall: &Waterfall, at: Option<usize>| words(at.and_then(|at| fall.nodes[at].mark.as_ref()));
    match line.difference {
        Some(Difference::OnlyHere) => format!("{place} is only here"),
        Some(Difference::OnlyThere) => format!("{place} is only in the twin"),
        Some(Difference::Status) => format!("{place} ended otherwise"),
        _ => format!("{place}: {} here, {} there", said(&here.0.fall, line.here), said(&there.0.fall, line.there)),
    }
}

fn words(mark: Option<&Mark>) -> String {
    match mark {
        Some(Mark { held: Held::Token(name), words, .. }) => format!("{name} {words}"),
        Some(mark) => mark.words.clone(),
        None => "nothing is known".to_owned(),
    }
}

/// One of the two lists.
struct Side<'a> {
    view: &'a TraceView,
    fall: &'a Waterfall,
    title: Row,
    of: fn(&Aligned) -> Option<usize>,
}

/// Draws both lists, line beside line.
pub fn render(
    state: &State,
    pen: &mut Pen,
    places: &Places,
    (trace, view): (&Trace, &TraceView),
    (beside, twin): (&Beside, &Arc<TraceView>),
) {
    let theme = state.theme;
    let id = twin.id.to_string();
    let sides = [
        Side { view, fall: &trace.fall, title: Row::new().text("this trace", theme.strong()), of: |line| line.here },
        Side {
            view: twin,
            fall: &beside.fall,
            title: Row::new().text("twin ", theme.strong()).own(&id, theme.quiet()),
            of: |line| line.there,
        },
    ];
    let areas = [Some(places.list), places.twin];
    for ((side, area), list) in sides.iter().zip(areas).zip(places.lists()) {
        let (Some(area), Some(list)) = (area, list) else { continue };
        pen.row(area.x + 1, area.y, area.w.saturating_sub(1), &side.title);
        let top = first(trace, list.h);
        for (row, y) in (top..beside.lines.len()).zip(list.y..list.y + list.h) {
            let line = &beside.lines[row];
            let place = Area { y, h: 1, ..list };
            one(pen, place, side, line, theme);
            if row == trace.at {
                select(pen, place, theme, !trace.in_detail);
            }
        }
    }
    signs(pen, places, trace, beside, theme);
}

/// Service, operation and status at the left, the token at the right; a gap where this side has no such span.
fn one(pen: &mut Pen, area: Area, side: &Side, line: &Aligned, theme: Theme) {
    let lane_width = (area.w * 2 / 5).clamp(18, 34);
    let room = area.w.saturating_sub(lane_width + 2);
    let step = if area.w < 80 { 1 } else { 2 };
    let Some(at) = (side.of)(line) else {
        let gap = Row::new()
            .own(&" ".repeat(line.depth * step + 2), Style::new())
            .text(theme.sign("╌╌╌", "..."), theme.quiet());
        pen.row(area.x + 1, area.y, room, &gap);
        return;
    };
    let (service, span) = &side.view.spans[at];
    let node = &side.fall.nodes[at];
    let status = status(theme, span);
    let width = usize::from(room).saturating_sub(status.width() + 1);
    let label = cut(label(theme, (service, span), node, (line.depth, step), &Fold::Leaf, usize::from(room)), width);
    pen.row(area.x + 1, area.y, room, &label.plain(" ").then(status));
    pen.row(area.x + 1 + room + 1, area.y, lane_width, &lane(theme, node.mark.as_ref()));
}

/// Signs where the two differ: between the lists, or before the lines where one stands above the other.
fn signs(pen: &mut Pen, places: &Places, trace: &Trace, beside: &Beside, theme: Theme) {
    for (list, which) in places.lists().into_iter().zip([0, 1]) {
        let Some(list) = list else { continue };
        let x = if places.side_by_side() { list.x + list.w + 1 } else { list.x + list.w - 1 };
        if places.side_by_side() && which == 1 {
            continue;
        }
        let top = first(trace, list.h);
        for (row, y) in (top..beside.lines.len()).zip(list.y..list.y + list.h) {
            if beside.lines[row].difference.is_none() {
                continue;
            }
            if beside.first == Some(row) {
                pen.sign(x, y, theme.sign("◀", "<"), theme.warning());
                if places.side_by_side() {
                    pen.sign(x - 1, y, theme.sign("◀", "<"), theme.warning());
                    pen.sign(x + 1, y, theme.sign("▶", ">"), theme.warning());
                    pen.sign(x, y, theme.sign("≠", "#"), theme.warning());
                }
            } else {
                pen.sign(x, y, theme.sign("≠", "#"), theme.quiet());
            }
        }
    }
}
