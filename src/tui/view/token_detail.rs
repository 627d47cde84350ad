//! One token: its claims, what it was exchanged into, and what each service did with it.

use ratatui::style::Style;

use super::evidence::Page;
use super::pen::{Pen, Row};
use super::{split, tokens};
use crate::model::{Cause, Check, Token, TokenFormat, Verdict};
use crate::trail::tokens::{MOST_FORKS, Standing, TokenRow};
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{Safe, count, stretch, things};
use crate::tui::theme::Theme;

/// Columns of a number of the matrix.
const CELL: usize = 11;
/// Lines below which the matrix comes first.
const LOW: u16 = 9;

/// Draws the detail of the selected token.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let title = state.tokens.row().map_or_else(Row::new, |row| {
        Row::new().text("Token ", state.theme.strong()).then(tokens::name(state.theme, &row.token))
    });
    split::detail(state, pen, area, state.tokens.below, title, &lines(state, area));
}

/// Lines that do not fit.
pub fn overflow(state: &State) -> u16 {
    let area = tokens::parts(state).1;
    split::overflow(state.body(), area, lines(state, area).len())
}

fn lines(state: &State, area: Area) -> Vec<Row> {
    let Some(row) = state.tokens.row() else { return Vec::new() };
    let inner = split::inner(state.body(), area);
    let mut page = Page::new(usize::from(inner.w.saturating_sub(1)), state.theme);
    // Where few lines show, they are those that only this page has.
    if inner.h < LOW {
        exchange(&mut page, row);
        matrix(state, &mut page, row);
        claims(state, &mut page, row);
    } else {
        claims(state, &mut page, row);
        exchange(&mut page, row);
        page.rows.push(Row::new());
        matrix(state, &mut page, row);
    }
    page.done()
}

fn claims(state: &State, page: &mut Page, row: &TokenRow) {
    let (plain, token) = (Style::new(), &row.token);
    let said = |name: &str, text: Option<&str>| {
        text.filter(|text| !text.is_empty()).map(|text| Row::new().own(name, plain).safe(Safe::new(text), plain))
    };
    let format = match token.format {
        Some(TokenFormat::Jws) => "signed (JWS)",
        Some(TokenFormat::Jwe) => "encrypted (JWE): its claims cannot be read",
        Some(TokenFormat::Opaque) => "opaque: it has no claims to read",
        None if token.shows_claims() => "",
        None => "known by its fingerprint alone: its service tags it and shows no claims",
    };
    let mut parts = vec![Row::new().text(format, plain)];
    parts.extend(said("", token.alg.as_deref()));
    parts.extend(said("kid ", token.kid.as_deref()));
    parts.extend(said("typ ", token.typ.as_deref()));
    parts.extend(said("issuer ", token.iss.as_deref()));
    parts.extend(said("subject ", token.subject_name().as_deref()));
    parts.extend(said("audience ", Some(&token.aud.join(", "))));
    parts.extend(said("scope ", Some(&token.scope.join(" "))));
    parts.extend(said("on behalf by ", Some(&token.actors.join(", "))));
    page.parts("claims", Row::new(), parts);
    page.parts("life", Row::new(), times(state, row));
    if let Some((text, style)) = own_check(state, token) {
        page.text("checked", text, style);
    }
}

fn times(state: &State, row: &TokenRow) -> Vec<Row> {
    let (theme, token, now) = (state.theme, &row.token, state.snapshot.now);
    let mut parts = vec![tokens::life(theme, token, now)];
    if let Some(iat) = token.iat {
        let age = now.seconds().saturating_sub(iat);
        let said = if age >= 0 {
            format!("issued {} ago", stretch(age.unsigned_abs()))
        } else {
            "issued in the future".to_owned()
        };
        parts.push(Row::new().own(&said, Style::new()));
    }
    if let (Some(iat), Some(exp)) = (token.iat, token.exp) {
        parts.push(
            Row::new().own(&format!("made for {}", stretch(exp.saturating_sub(iat).unsigned_abs())), Style::new()),
        );
    }
    let (first, last) = (state.since(row.first_seen), state.since(row.last_seen));
    let when = if first == last { last } else { format!("{first} to {last}") };
    let said = format!("seen in {}, {when} ago", things(row.traces, "trace"));
    parts.push(Row::new().own(&said, theme.quiet()));
    parts
}

fn own_check(state: &State, token: &Token) -> Option<(&'static str, Style)> {
    match &token.check {
        Check::NotChecked => None,
        Check::Valid(_) => Some(("jwtrail's own check: it holds under a key of its issuer", state.theme.good())),
        Check::Failed(_) => {
            Some(("jwtrail's own check: it does not hold under the keys given", state.theme.verdict(Verdict::Failed)))
        }
    }
}

fn exchange(page: &mut Page, row: &TokenRow) {
    if row.chain.is_empty() {
        return;
    }
    let theme = page.theme;
    let own = row.token.short_name();
    let mut line = Row::new();
    for (at, name) in row.chain.iter().enumerate() {
        if at > 0 {
            line = line.text(theme.sign(" → ", " -> "), theme.quiet());
        }
        let here = if **name == *own { theme.selected() } else { Style::new() };
        line = line.own(name, theme.token(name).patch(here));
    }
    if row.forks > 0 {
        let more = if row.forks >= MOST_FORKS { " or more" } else { "" };
        let others = if row.forks == 1 { "other" } else { "others" };
        line = line.own(&format!("  and into {}{more} {others}", count(row.forks)), theme.quiet());
    }
    page.parts("chain", Row::new(), vec![line]);
}

/// Services down, what they did across.
fn matrix(state: &State, page: &mut Page, row: &TokenRow) {
    let theme = state.theme;
    let names = row.standings.iter().map(|standing| Safe::new(&standing.service).width()).max().unwrap_or(0);
    let room = page.width.saturating_sub(3 * CELL + 16);
    let names = names.max("service".len()).min(room.max(8)) + 2;
    let head = |text: &str, width: usize| format!("{text:<width$}");
    let heading =
        [head(" service", names + 1), head("received", CELL), head("forwarded", CELL), head("verified", CELL)];
    page.rows.push(Row::new().own(&heading.concat(), theme.quiet()).text("refused", theme.quiet()));
    for standing in &row.standings {
        page.rows.push(line(state, standing, names));
    }
    let mut told = "in traces; verified: it says so, or answers well and refuses others".to_owned();
    if !row.standings.iter().all(|standing| known(state, standing).into_iter().all(|known| known)) {
        told.push_str("; ? not shown");
    }
    page.text("", &told, theme.quiet());
}

/// Whether what a service received, sent on and checked can be known at all.
fn known(state: &State, standing: &Standing) -> [bool; 3] {
    let service = state.service(&standing.service);
    let inbound = standing.received > 0 || service.is_some_and(|row| row.captures_inbound == Some(true));
    let outbound = standing.forwarded > 0 || service.is_some_and(|row| row.captures_outbound != Some(false));
    let check = standing.verified + standing.refused > 0 || service.is_some_and(|row| row.verifies.is_some());
    [inbound, outbound, check]
}

fn line(state: &State, standing: &Standing, names: usize) -> Row {
    let theme = state.theme;
    let [inbound, outbound, check] = known(state, standing);
    let name = Safe::new(&standing.service).fit(names - 1);
    let pad = |row: Row, width: usize| {
        let blanks = " ".repeat(width.saturating_sub(row.width()));
        row.own(&blanks, Style::new())
    };
    let number = |number: u64, known: bool, style: Style| match (number, known) {
        (0, true) => Row::new().text(theme.sign("—", "-"), theme.quiet()),
        (0, false) => Row::new().text("?", theme.quiet()),
        (number, _) => Row::new().text(theme.sign("✓", "v"), style).own(&format!(" {}", count(number)), Style::new()),
    };
    let verified = number(standing.verified, check, theme.good());
    let verified = match standing.said {
        0 => verified,
        _ => verified.text(" said", theme.quiet()),
    };
    let row = pad(Row::new().plain(" ").safe(name, theme.strong()), names + 1)
        .then(pad(number(standing.received, inbound, theme.good()), CELL))
        .then(pad(number(standing.forwarded, outbound, theme.good()), CELL))
        .then(pad(verified, CELL));
    row.then(refused(theme, standing, check))
}

fn refused(theme: Theme, standing: &Standing, known: bool) -> Row {
    if standing.refused == 0 {
        return if known {
            Row::new().text(theme.sign("—", "-"), theme.quiet())
        } else {
            Row::new().text("?", theme.quiet())
        };
    }
    let style = theme.verdict(Verdict::Failed);
    let word = |cause: Cause| cause.name().replace('_', " ");
    let why: Vec<String> = match standing.reasons.as_slice() {
        [(cause, _)] => vec![word(*cause)],
        reasons => reasons.iter().map(|(cause, traces)| format!("{} {}", word(*cause), count(*traces))).collect(),
    };
    let said = format!(" {} {}", count(standing.refused), why.join(", "));
    Row::new().text(theme.glyph(Verdict::Failed), style).own(&said, style)
}
