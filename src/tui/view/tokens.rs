//! The page of tokens.

use super::page_frame;
use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::state::State;

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    page_frame(state, pen, area, Row::new().text("Tokens", theme.strong()), Row::new());
}
