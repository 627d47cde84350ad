//! The keys, the signs, and where logs go, on top of the screen.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::model::Verdict;
use crate::tui::geometry::Area;
use crate::tui::keymap::{BINDINGS, Scope};
use crate::tui::state::State;
use crate::tui::text::Safe;

const WIDTH: u16 = 76;

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Intact => "the callee got what the caller had",
        Verdict::Originated => "the token enters here",
        Verdict::Exchanged => "it changed on purpose",
        Verdict::Dropped => "there was one, the callee got none",
        Verdict::Changed => "the callee got another, unasked",
        Verdict::Failed => "it arrived, and the callee refused it",
        Verdict::Absent => "none, and none was lost here",
        Verdict::Unknown => "not enough evidence",
    }
}

fn lines(state: &State) -> Vec<Row> {
    let theme = state.theme;
    let mut lines = vec![Row::new().text(" Signs", theme.strong())];
    for verdict in Verdict::ALL {
        let style = theme.verdict(*verdict);
        lines.push(
            Row::new()
                .plain("   ")
                .text(theme.glyph(*verdict), style)
                .own(&format!(" {:<12}", verdict.name()), style)
                .text(meaning(*verdict), Style::new()),
        );
    }
    lines.push(
        Row::new()
            .plain("   ")
            .text(theme.finding_glyph(), theme.severity(crate::model::Severity::Medium))
            .plain(" a finding   beside the verdict: leaked, exposed, moved …"),
    );
    lines.push(Row::new());
    let notes = super::header::notes(state);
    if !notes.is_empty() {
        lines.push(Row::new().text(" Set-up", theme.strong()));
        for note in &notes {
            for line in Safe::new(note).wrap(usize::from(WIDTH) - 6) {
                lines.push(Row::new().plain("   ").safe(line, theme.warning()));
            }
        }
        lines.push(Row::new());
    }
    for scope in Scope::ALL {
        if scope != Scope::Everywhere {
            lines.push(Row::new());
        }
        lines.push(Row::new().own(&format!(" {}", scope.title()), theme.strong()));
        for binding in BINDINGS.iter().filter(|binding| binding.scope == scope) {
            let keys = state.keymap.keys(binding.action).join(", ");
            lines.push(Row::new().own(&format!("   {keys:<14}"), theme.strong()).text(binding.does, Style::new()));
        }
    }
    lines.extend(views(state));
    lines.push(Row::new());
    lines.push(Row::new().text(" A click selects, the wheel moves; m lets text be selected.", theme.quiet()));
    if !state.log_path.is_empty() {
        let mut label = Row::new().text(" Logs: ", theme.quiet());
        for line in Safe::new(&state.log_path).wrap(usize::from(WIDTH) - 10) {
            lines.push(label.safe(line, Style::new()));
            label = Row::new().plain("       ");
        }
    }
    lines
}

/// Views that the user saved, with their keys.
fn views(state: &State) -> Vec<Row> {
    let theme = state.theme;
    let views = &state.typing.views;
    let mut lines = Vec::new();
    if !views.is_empty() {
        lines.extend([Row::new(), Row::new().text(" Saved views", theme.strong())]);
    }
    for view in views.iter() {
        let key = view.key.map(crate::tui::keymap::written).unwrap_or_default();
        let row = Row::new().own(&format!("   {key:<14}"), theme.strong()).own(&view.name, Style::new());
        let about = format!("  {} {}", view.page.title(), view.filter);
        lines.push(row.own(about.trim_end(), theme.quiet()));
    }
    lines
}

/// Lines of the help without its frame.
pub fn rows(state: &State) -> u16 {
    u16::try_from(lines(state).len()).unwrap_or(u16::MAX)
}

/// Draws the help over whatever is there.
pub fn render(state: &State, pen: &mut Pen, whole: Area) {
    let lines = lines(state);
    let w = WIDTH.min(whole.w);
    let h = (rows(state) + 2).min(whole.h);
    let area = Area { x: (whole.w - w) / 2, y: (whole.h - h) / 2, w, h };
    pen.dim(whole);
    pen.clear(area);
    pen.outline(area, state.theme.focus());
    let title = Row::new().plain(" ").text("Help", state.theme.strong()).plain(" ");
    pen.row(area.x + 2, area.y, w - 4, &title);
    let over = lines.len().saturating_sub(usize::from(h.saturating_sub(2)));
    let first = usize::from(state.help.unwrap_or(0)).min(over);
    let key = state.keymap.keys(crate::tui::message::Action::Help).into_iter().next();
    let key = key.unwrap_or_else(|| "Esc".to_owned());
    let close = format!(" {}{key} closes ", if over > 0 { "arrows scroll, " } else { "" });
    pen.row(area.x + w.saturating_sub(28), area.y + h - 1, 26, &Row::new().own(&close, state.theme.quiet()));
    for (y, line) in (area.y + 1..area.y + h - 1).zip(lines.iter().skip(first)) {
        pen.row(area.x + 1, y, w - 2, line);
    }
}
