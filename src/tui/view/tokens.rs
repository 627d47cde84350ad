//! The page of tokens: the list, those of one subject together.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use super::table::{Column, Table, cell, first};
use super::words::{self, key_does};
use super::{split, token_detail};
use crate::model::{SubjectKind, Token, TokenFormat, UnixNanos, Verdict};
use crate::trail::tokens::{TokenOrder, TokenPage, TokenRow};
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::state::State;
use crate::tui::text::{count, stretch, things};
use crate::tui::theme::Theme;

/// Cells of the bar of a token's life.
const BAR: u64 = 8;

/// The list's and the detail's place.
pub fn parts(state: &State) -> (Area, Area) {
    split::parts(state.body(), state.tokens.rows().len())
}

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    split::inner(state.body(), parts(state).0).h.saturating_sub(1)
}

/// The row at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let area = split::inner(state.body(), parts(state).0);
    let line = y.checked_sub(area.y + 1).filter(|line| line + 1 < area.h)?;
    Some(first(state.tokens.at(), area.h - 1) + usize::from(line))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let (upper, lower) = parts(state);
    let title = Row::new().text("Tokens", theme.strong());
    let page = state.tokens.page.as_deref().filter(|page| !page.rows.is_empty());
    let Some(page) = page else {
        let inner = super::page_frame(state, pen, area, title, Row::new());
        return nothing(state, pen, inner);
    };
    let note = Row::new().own(&numbers(state, page), theme.quiet());
    let inner = split::list(state, pen, upper, title, note);
    let by = |order| state.tokens.order == order;
    let columns = [
        Column::left("token", 6, 255),
        Column::left("subject", 13, 220),
        Column::left("life left", 24, 200).sorted(by(TokenOrder::Expiry)),
        Column::left("issuer", 16, 60).growing(),
        Column::left("audience", 12, 70).growing(),
        Column::left("kid", 12, 80),
        Column::left("alg", 6, 40),
        Column::right("traces", 7, 110).sorted(by(TokenOrder::Traces)),
        Column::right("services", 9, 100).sorted(by(TokenOrder::Services)),
        Column::right("refused", 7, 150),
        Column::right("seen", 5, 90).sorted(by(TokenOrder::LastSeen)),
    ];
    let table =
        Table { columns: &columns, rows: page.rows.len(), at: state.tokens.at(), reverse: state.tokens.reverse };
    table.render(pen, inner, theme, |at| cells(state, &page.rows[at], page.rows.get(at + 1)));
    token_detail::render(state, pen, lower);
}

/// Words for a page without a row.
fn nothing(state: &State, pen: &mut Pen, area: Area) {
    let (strong, quiet) = (state.theme.strong(), state.theme.quiet());
    let lines = match (&state.tokens.page, state.snapshot.totals.spans) {
        _ if super::traces::calls_alone(state) => {
            let text = format!("{}, so no token either: replay the traces themselves", super::traces::CALLS_ALONE);
            vec![Row::new().own(&text, quiet)]
        }
        (None, 1..) => vec![Row::new().text("Looking through the spans held …", strong)],
        (_, 0) => vec![
            Row::new().text("No span yet, so no token either.", strong),
            key_does(state, Action::ViewMap, "shows where exporters are to be pointed"),
            key_does(state, Action::CopySnippet, "copies the settings for a stack"),
        ],
        (Some(page), _) if page.held > 0 => vec![
            Row::new().own(&format!("None of {} matches the filter.", things(page.held, "token")), strong),
            key_does(state, Action::Back, "shows them all again"),
        ],
        (Some(_), _) => vec![
            Row::new().text("No span held shows a token.", strong),
            Row::new().text("Tokens are known by captured headers, or by the tags jwtrail.token.*", quiet),
            key_does(state, Action::ViewServices, "shows which service captures nothing, and what to set there"),
        ],
    };
    words::nothing(pen, area, lines);
}

/// How the list is sorted, where the selection stands in it, and what it leaves out.
fn numbers(state: &State, page: &TokenPage) -> String {
    let order = match state.tokens.order {
        TokenOrder::LastSeen => "by last seen",
        TokenOrder::Traces => "by traces",
        TokenOrder::Services => "by services",
        TokenOrder::Expiry => "by expiry",
    };
    let held = page.rows.len() as u64;
    let at = count((state.tokens.at() as u64 + 1).min(held));
    let mut said = format!("{order}  {at} of {}", count(held));
    if page.left_out > 0 {
        said = format!("{said}, {} more left out", count(page.left_out));
    }
    let hidden = page.held.saturating_sub(held + page.left_out);
    if hidden > 0 {
        said = format!("{said}, {} filtered out", count(hidden));
    }
    said
}

fn cells(state: &State, row: &TokenRow, next: Option<&TokenRow>) -> Vec<Row> {
    let (theme, now) = (state.theme, state.snapshot.now);
    let (plain, quiet) = (Style::new(), theme.quiet());
    let token = &row.token;
    let text =
        |text: Option<&str>| cell(text.unwrap_or(theme.sign("—", "-")), if text.is_some() { plain } else { quiet });
    let refused = match row.refused() {
        0 => Row::new(),
        refused => {
            let style = theme.verdict(Verdict::Failed);
            Row::new().text(theme.glyph(Verdict::Failed), style).own(&format!(" {}", count(refused)), style)
        }
    };
    vec![
        bracket(theme, row, next).then(name(theme, token)),
        subject(theme, token),
        life(theme, token, now),
        text(token.iss.as_deref().map(bare)),
        text(Some(token.aud.join(" ")).filter(|aud| !aud.is_empty()).as_deref()),
        text(token.kid.as_deref()),
        text(token.alg.as_deref()),
        cell(&count(row.traces), plain),
        cell(&count(row.standings.len() as u64), plain),
        refused,
        cell(&state.since(row.last_seen), quiet),
    ]
}

/// A line down the side of the tokens of one subject.
fn bracket(theme: Theme, row: &TokenRow, next: Option<&TokenRow>) -> Row {
    let goes_on = next.is_some_and(|next| next.grouped);
    let sign = match (row.grouped, goes_on) {
        (false, false) => " ",
        (false, true) => theme.sign("╭", "/"),
        (true, true) => theme.sign("│", "|"),
        (true, false) => theme.sign("╰", "\\"),
    };
    Row::new().text(sign, theme.quiet())
}

/// A token's name in its colour.
pub fn name(theme: Theme, token: &Token) -> Row {
    let name = token.short_name();
    if name.is_empty() { Row::new().text("?", theme.quiet()) } else { Row::new().own(&name, theme.token(&name)) }
}

/// Whom it speaks for; what it is, where it does not say.
fn subject(theme: Theme, token: &Token) -> Row {
    let Some(subject) = token.subject_name() else {
        let what = match token.format {
            Some(TokenFormat::Opaque) => "opaque",
            Some(TokenFormat::Jwe) => "encrypted",
            _ if token.shows_claims() || token.alg.is_some() => "none named",
            _ => "not shown",
        };
        return Row::new().text(what, theme.quiet());
    };
    let kind = match token.subject_kind {
        Some(SubjectKind::Workload) => " workload",
        Some(SubjectKind::User) => " user",
        None => "",
    };
    Row::new().own(&subject, Style::new()).text(kind, theme.quiet())
}

/// Without the scheme, which says nothing here.
fn bare(issuer: &str) -> &str {
    issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")).unwrap_or(issuer)
}

/// How much of its life is left: as a bar where its beginning is known, and in words.
pub fn life(theme: Theme, token: &Token, now: UnixNanos) -> Row {
    let Some(exp) = token.exp else {
        let said = if token.shows_claims() { "no expiry" } else { "expiry not shown" };
        return Row::new().text(said, theme.quiet());
    };
    let left = exp.saturating_sub(now.seconds());
    let begun = token.iat.or(token.nbf).filter(|begun| *begun < exp);
    let share = begun.map(|begun| {
        let whole = exp.saturating_sub(begun).unsigned_abs();
        u64::try_from(left.max(0)).unwrap_or(0).min(whole) as f64 / whole as f64
    });
    let style = match share {
        _ if left <= 0 => theme.verdict(Verdict::Failed),
        Some(share) if share < 0.1 => theme.warning(),
        _ => theme.good(),
    };
    let mut row = Row::new();
    if let Some(share) = share {
        // A token that lives still shows one cell of it.
        let full = if left > 0 { (1..=BAR).rev().find(|n| *n as f64 <= share * BAR as f64).unwrap_or(1) } else { 0 };
        let bar = theme.sign("█", "#").repeat(full as usize);
        let rest = theme.sign("░", ".").repeat((BAR - full) as usize);
        row = row.own(&bar, style).own(&rest, theme.quiet()).plain(" ");
    }
    row.own(&words(left), if left > 0 { Style::new() } else { style })
}

/// `expires in 58 m`, `expired 3 m ago`.
pub fn words(left: i64) -> String {
    let time = stretch(left.unsigned_abs());
    if left > 0 { format!("expires in {time}") } else { format!("expired {time} ago") }
}
