//! The tokens that were seen.

use std::sync::Arc;

use crate::engine::Query;
use crate::engine::query::TokenQuery;
use crate::model::Fingerprint;
use crate::trail::tokens::{TokenOrder, TokenPage, TokenRow};
use crate::tui::message::{Action, Pointer};
use crate::tui::state::State;
use crate::tui::view;

use super::Page;
use super::below::Below;

/// What the page knows.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Sorted by this.
    pub order: TokenOrder,
    /// The other way round.
    pub reverse: bool,
    /// The selected token; the first one until the user moves.
    pub selected: Option<Fingerprint>,
    /// The last answer.
    pub page: Option<Arc<TokenPage>>,
    /// The detail below the list.
    pub below: Below,
}

impl Tokens {
    /// The rows of the last answer.
    pub fn rows(&self) -> &[TokenRow] {
        self.page.as_ref().map(|page| page.rows.as_slice()).unwrap_or_default()
    }

    /// The selected row's place.
    pub fn at(&self) -> usize {
        let selected = |row: &TokenRow| self.selected.is_some() && row.id() == self.selected.as_ref();
        self.rows().iter().position(selected).unwrap_or(0)
    }

    /// The selected row.
    pub fn row(&self) -> Option<&TokenRow> {
        self.rows().get(self.at())
    }
}

/// What the page asks.
pub fn wants(state: &State) -> Vec<Query> {
    let Tokens { order, reverse, .. } = state.tokens;
    vec![Query::Tokens(TokenQuery { filter: state.filter.filter.clone(), order, reverse })]
}

/// Takes an answer: what is selected stays selected while it is held, and gives its place to the next one then.
pub fn answered(state: &mut State, page: TokenPage) {
    let at = state.tokens.at();
    let held = |id: &Fingerprint| page.rows.iter().any(|row| row.id() == Some(id));
    if state.tokens.selected.as_ref().is_some_and(|id| !held(id)) {
        let next = page.rows.get(at.min(page.rows.len().saturating_sub(1)));
        state.tokens.selected = next.and_then(TokenRow::id).cloned();
    }
    state.tokens.page = Some(Arc::new(page));
}

/// Keys in the list and in the detail below it.
pub fn act(state: &mut State, action: Action) -> bool {
    let (over, page) = (view::token_detail::overflow(state), view::tokens::rows(state));
    if state.tokens.below.act(action, over, page) {
        return true;
    }
    if let Some(by) = super::rows_of(action, page) {
        step(state, by);
        return true;
    }
    match action {
        Action::Enter => traces_of(state),
        Action::Sort => {
            state.tokens.order = match state.tokens.order {
                TokenOrder::LastSeen => TokenOrder::Traces,
                TokenOrder::Traces => TokenOrder::Services,
                TokenOrder::Services => TokenOrder::Expiry,
                TokenOrder::Expiry => TokenOrder::LastSeen,
            };
        }
        Action::SortReverse => state.tokens.reverse = !state.tokens.reverse,
        _ => return false,
    }
    true
}

/// The traces that hold the selected token.
fn traces_of(state: &mut State) {
    let name = state.tokens.row().map(|row| row.token.short_name()).filter(|name| !name.is_empty());
    if let Some(name) = name {
        super::show_filtered(state, Page::Traces, &format!("token:{name}"));
    }
}

fn step(state: &mut State, by: i32) {
    let rows = state.tokens.rows();
    let to = super::moved(state.tokens.at(), by, rows.len());
    let id = rows.get(to).and_then(TokenRow::id).cloned();
    select(state, id);
}

fn select(state: &mut State, id: Option<Fingerprint>) {
    if id.is_some() && state.tokens.selected != id {
        state.tokens.selected = id;
        state.tokens.below.scroll = 0;
    }
}

/// The mouse in the list and in the detail.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) {
    let in_detail = view::tokens::parts(state).1.holds(x, y);
    match pointer {
        Pointer::Drag => {}
        Pointer::WheelUp | Pointer::WheelDown => {
            let up = pointer == Pointer::WheelUp;
            if in_detail {
                let over = view::token_detail::overflow(state);
                state.tokens.below.wheel(up, over);
            } else {
                step(state, if up { -1 } else { 1 });
            }
        }
        Pointer::Click => {
            state.tokens.below.focused = in_detail;
            let Some(row) = view::tokens::row_at(state, y).filter(|_| !in_detail) else { return };
            let id = state.tokens.rows().get(row).and_then(TokenRow::id).cloned();
            select(state, id);
        }
    }
}
