//! A token's life as a bar, with a mark where the span stands.

use ratatui::style::Style;

use super::page::{LABEL, Page};
use crate::model::{Hop, Token};
use crate::tui::text::stretch;
use crate::tui::view::pen::Row;

/// Columns of the bar: no more than tells early from late, no fewer than shows both ends.
const BAR: (usize, usize) = (12, 40);

impl Page {
    /// The life of the token that the callee saw, else of the one that was meant for it.
    pub(super) fn life(&mut self, hop: &Hop) {
        let sides = [&hop.received, &hop.sent, &hop.inbound];
        let token = sides.into_iter().find_map(|side| side.token.as_deref());
        let Some((token, from, until)) = token.and_then(|token| Some((token, token.nbf.or(token.iat)?, token.exp?)))
        else {
            return;
        };
        let at = hop.start.seconds();
        let words = words(token, from, until, at);
        let outside = at < from || at >= until;
        let style = if outside { self.theme.warning() } else { self.theme.good() };
        let room = self.width.saturating_sub(LABEL + words.chars().count() + 2).clamp(BAR.0, BAR.1);
        let bar = Row::new().own(&self.bar((from, until, at), room), style);
        if LABEL + room + 2 + words.chars().count() <= self.width {
            let row = self.label("life").then(bar).plain("  ").own(&words, Style::new());
            self.rows.push(row);
        } else {
            let row = self.label("life").then(bar);
            self.rows.push(row);
            self.text("", &words, Style::new());
        }
    }

    fn bar(&self, (from, until, at): (i64, i64, i64), columns: usize) -> String {
        let (first, last) = (from.min(at), until.max(at));
        let span = i128::from(last.saturating_sub(first).max(1));
        let steps = i128::try_from(columns - 1).unwrap_or(1);
        let place = |moment: i64| {
            let step = i128::from(moment.saturating_sub(first).max(0)) * steps / span;
            usize::try_from(step).unwrap_or(0).min(columns - 1)
        };
        let (start, mut end, here) = (place(from), place(until), place(at));
        // A moment past the end stands past the end, however short that is on the scale.
        if at >= until && here <= end {
            end = here.saturating_sub(1);
        }
        (0..columns)
            .map(|column| match column {
                _ if column == here => self.theme.sign("●", "O"),
                _ if column == start => self.theme.sign("├", "["),
                _ if column == end => self.theme.sign("┤", "]"),
                _ if column > start && column < end => self.theme.sign("─", "="),
                _ => self.theme.sign("·", "."),
            })
            .collect()
    }
}

fn words(token: &Token, from: i64, until: i64, at: i64) -> String {
    let gap = |a: i64, b: i64| stretch(b.saturating_sub(a).unsigned_abs());
    let begins = if token.nbf.is_some() { "valid" } else { "issued" };
    if at < from {
        format!("{begins} only {} after this span began", gap(at, from))
    } else if at >= until {
        format!("expired {} before this span began, after a life of {}", gap(until, at), gap(from, until))
    } else {
        format!("{begins} {} before this span began, {} of {} left", gap(from, at), gap(at, until), gap(from, until))
    }
}
