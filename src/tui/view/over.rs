//! What lies over a page: the menu, the line that is typed into, the toast.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::menu::Menu;
use crate::tui::state::{State, Toast};
use crate::tui::text::Safe;

/// Draws what is open; `last` is the last line of the screen.
pub fn render(state: &State, pen: &mut Pen, whole: Area, last: Area) {
    if let Some(menu) = &state.menu {
        self::menu(state, pen, whole, menu);
    }
    if let Some(toast) = &state.toast {
        self::toast(state, pen, last, toast);
    }
    if let Some(prompt) = &state.prompt {
        super::prompt::render(state, pen, whole, last, prompt);
    }
}

fn menu(state: &State, pen: &mut Pen, whole: Area, menu: &Menu) {
    let theme = state.theme;
    let widest = menu.items.iter().map(|item| Safe::new(&item.text).width() + 8).max().unwrap_or(0);
    let w = u16::try_from(widest.max(menu.title.len() + 8)).unwrap_or(u16::MAX).min(whole.w);
    let h = u16::try_from(menu.items.len() + 2).unwrap_or(u16::MAX).min(whole.h);
    let area = Area { x: (whole.w - w) / 2, y: (whole.h - h) / 2, w, h };
    pen.dim(whole);
    pen.clear(area);
    pen.outline(area, theme.focus());
    pen.row(area.x + 2, area.y, w - 4, &Row::new().plain(" ").text(menu.title, theme.strong()).plain(" "));
    let first = super::table::first(menu.at, h - 2);
    if menu.items.len() > usize::from(h - 2) {
        let place = format!(" {} of {} ", menu.at + 1, menu.items.len());
        let columns = u16::try_from(place.len()).unwrap_or(0).min(w - 4);
        pen.row(area.x + w - 2 - columns, area.y + h - 1, columns, &Row::new().own(&place, theme.quiet()));
    }
    for ((at, item), y) in menu.items.iter().enumerate().skip(first).zip(area.y + 1..area.y + h - 1) {
        let lit = at == menu.at;
        let style = if lit { theme.strong() } else { Style::new() };
        let mark = if lit { theme.sign("▌", ">") } else { " " };
        let row = Row::new().text(mark, theme.focus()).own(&item.key.to_string(), theme.strong());
        pen.row(area.x + 1, y, w - 2, &row.plain("  ").own(&item.text, style));
    }
}

fn toast(state: &State, pen: &mut Pen, last: Area, toast: &Toast) {
    let style = if toast.failed { state.theme.warning() } else { state.theme.good() };
    pen.clear(last);
    let mark = if toast.failed { state.theme.sign("▲ ", "! ") } else { state.theme.sign("✓ ", "ok ") };
    pen.row(last.x, last.y, last.w, &Row::new().plain(" ").text(mark, style).own(&toast.text, style));
}
