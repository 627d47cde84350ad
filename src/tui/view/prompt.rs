//! The line that is typed into: what of it is in sight, what is wrong with it, and what could follow.

use std::ops::Range;

use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;

use super::pen::{Pen, Row};
use crate::filter::{Context, Filter};
use crate::tui::geometry::Area;
use crate::tui::page::Page;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::state::State;
use crate::tui::text::{Safe, things};
use crate::tui::typing::Offer;

/// Offers that show at once.
const OFFERS: u16 = 10;
/// Widest name of an offer; longer ones are cut.
const WIDEST: usize = 40;

/// Draws the line at the bottom of the screen, and above it what could follow.
pub fn render(state: &State, pen: &mut Pen, whole: Area, last: Area, prompt: &Prompt) {
    let theme = state.theme;
    let sign = Row::new().text(prompt.purpose.sign(), theme.focus());
    let x = last.x + u16::try_from(sign.width()).unwrap_or(u16::MAX);
    let cells = Cells::of(prompt);
    let note = note(state, prompt);
    let mut room = usize::from(last.w.saturating_sub(x));
    let noted = cells.width + note.width() + 3 <= room;
    if noted {
        room -= note.width() + 2;
    }
    let first = cells.first(room);
    let wrong = prompt.aid.wrong.as_ref();
    let at = wrong.map(|range| (cells.column(range.start), cells.column(range.end)));
    let at = at.map(|(start, end)| (start.saturating_sub(first), end.max(start + 1).saturating_sub(first)));
    let complaint = prompt.error.as_deref().map(|said| Complaint::new(said, last, x, at));
    let below = complaint.as_ref().map_or(0, Complaint::rows);
    let line = Area { y: last.y - below.min(last.y), h: 1 + below, ..last };
    pen.clear(line);
    pen.row(line.x, line.y, line.w, &sign);
    if noted {
        let wide = u16::try_from(note.width() + 1).unwrap_or(u16::MAX);
        pen.row(line.x + line.w - wide, line.y, wide, &note);
    }
    cells.draw(pen, (x, line.y), first, room, wrong);
    if let Some(complaint) = complaint {
        complaint.draw(pen, Area { y: line.y + 1, h: below, ..line });
    }
    if prompt.aid.open && !prompt.aid.offers.is_empty() {
        let start = prompt.aid.offers[0].range.start;
        let column = u16::try_from(cells.column(start).saturating_sub(first)).unwrap_or(0);
        offers(state, pen, Area { h: line.y, ..whole }, x + column, prompt);
    }
}

/// The line as cells of the screen.
struct Cells<'a> {
    text: &'a str,
    cursor: usize,
    /// Columns of all of it, and one for the cursor behind it.
    width: usize,
}

impl<'a> Cells<'a> {
    fn of(prompt: &'a Prompt) -> Self {
        Self { text: &prompt.text, cursor: prompt.cursor, width: Safe::new(&prompt.text).width() + 1 }
    }

    /// The column of a byte.
    fn column(&self, at: usize) -> usize {
        self.text.grapheme_indices(true).take_while(|(start, _)| *start < at).map(|(_, g)| Safe::new(g).width()).sum()
    }

    /// The first column in sight: the cursor stays in the middle where not all of it fits.
    fn first(&self, room: usize) -> usize {
        let most = self.width.saturating_sub(room);
        self.column(self.cursor).saturating_sub(room / 2).min(most)
    }

    fn draw(&self, pen: &mut Pen, (x, y): (u16, u16), first: usize, room: usize, wrong: Option<&Range<usize>>) {
        let theme = pen.theme;
        let mut column = 0;
        let clusters = self.text.grapheme_indices(true).chain([(self.text.len(), " ")]);
        for (at, cluster) in clusters {
            let shown = Safe::new(cluster);
            let (start, end) = (column, column + shown.width());
            column = end;
            if start < first || end > first + room {
                continue;
            }
            let mut style = Style::new();
            if wrong.is_some_and(|range| range.contains(&at)) {
                style = theme.warning().add_modifier(Modifier::UNDERLINED);
            }
            if at == self.cursor {
                style = style.add_modifier(Modifier::REVERSED);
            }
            let place = x + u16::try_from(start - first).unwrap_or(u16::MAX);
            pen.put(place, y, u16::try_from(shown.width()).unwrap_or(2), &shown, style);
        }
        let more = Row::new().text("…", theme.quiet());
        if first > 0 {
            pen.row(x, y, 1, &more);
        }
        if column > first + room {
            pen.row(x + u16::try_from(room).unwrap_or(u16::MAX).saturating_sub(1), y, 1, &more);
        }
    }
}

/// What is wrong: carets under the mistake, the words beside them where they fit, else on lines of their own.
struct Complaint {
    /// First column and number of carets.
    carets: Option<(u16, u16)>,
    /// Column of the words, where they stand beside the carets.
    beside: Option<u16>,
    lines: Vec<Safe>,
}

/// Lines that words may take below the carets.
const WORDS: usize = 3;

impl Complaint {
    fn new(said: &str, line: Area, x: u16, at: Option<(usize, usize)>) -> Self {
        let columns = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let said = Safe::new(said);
        let wide = columns(said.width());
        let right = line.x + line.w;
        let carets =
            at.map(|(start, end)| (x.saturating_add(columns(start)), x.saturating_add(columns(end)).min(right)));
        let carets = carets.filter(|(start, end)| start < end);
        let beside = match carets {
            Some((_, end)) if end + 1 + wide <= right => Some(end + 1),
            Some((start, _)) if line.x + 2 + wide <= start => Some(start - 1 - wide),
            _ => None,
        };
        let lines = if beside.is_some() { vec![said] } else { said.wrap(usize::from(line.w.saturating_sub(2))) };
        let carets = carets.map(|(start, end)| (start, end - start));
        Self { carets, beside, lines: lines.into_iter().take(WORDS).collect() }
    }

    fn rows(&self) -> u16 {
        let words = if self.beside.is_some() { 0 } else { self.lines.len() };
        u16::from(self.carets.is_some()) + u16::try_from(words).unwrap_or(0)
    }

    fn draw(&self, pen: &mut Pen, area: Area) {
        let style = pen.theme.warning();
        let mut y = area.y;
        if let Some((start, count)) = self.carets {
            pen.put(start, y, count, &Safe::new(&"^".repeat(usize::from(count))), style);
            if let Some(x) = self.beside {
                pen.put(x, y, area.x + area.w - x, &self.lines[0], style);
                return;
            }
            y += 1;
        }
        for (line, y) in self.lines.iter().zip(y..) {
            pen.put(area.x + 1, y, area.w.saturating_sub(1), line, style);
        }
    }
}

/// What can be done here, or how much would be left.
fn note(state: &State, prompt: &Prompt) -> Row {
    let theme = state.theme;
    let text = match (&prompt.purpose, prompt.text.trim().is_empty()) {
        (Purpose::Filter, true) => "Tab what can be asked   ↑ earlier ones   Enter shows all   Esc leaves".to_owned(),
        (Purpose::Command, true) => "Tab lists commands   ↑ earlier ones   Esc leaves".to_owned(),
        (Purpose::Reason(_), true) => "why it is accepted   Enter writes it   Esc leaves".to_owned(),
        (Purpose::Filter, false) if prompt.error.is_none() => preview(state, &prompt.text).unwrap_or_default(),
        _ => String::new(),
    };
    let text = if theme.ascii { text.replace('↑', "Up") } else { text };
    Row::new().own(&text, theme.quiet())
}

/// How much would be left of what shows; nothing while the filter cannot be read.
fn preview(state: &State, text: &str) -> Option<String> {
    let filter: Filter = text.parse().ok()?;
    let (snapshot, context) = (&state.snapshot, Context { now: state.snapshot.now });
    let of = |left: usize, all: usize, thing: &str| {
        format!("{left} of {}", things(u64::try_from(all).unwrap_or(u64::MAX), thing))
    };
    let problems = snapshot.problems.iter().filter(|row| filter.shows(*row, context)).count();
    let problems = of(problems, snapshot.problems.len(), "problem");
    Some(match state.page() {
        Page::Map => {
            let calls = snapshot.edges.iter().filter(|row| filter.shows(*row, context)).count();
            format!("{problems}, {}", of(calls, snapshot.edges.len(), "edge"))
        }
        Page::Services => {
            let services = snapshot.services.iter().filter(|row| filter.shows(*row, context)).count();
            of(services, snapshot.services.len(), "service")
        }
        // Only the engine knows, and it is asked once the line is whole.
        Page::Traces | Page::Trace => "Enter searches the traces held".to_owned(),
        Page::Tokens => "Enter searches the tokens held".to_owned(),
        Page::Problems => problems,
    })
}

/// The list of what could follow, its left side where it would stand.
fn offers(state: &State, pen: &mut Pen, above: Area, x: u16, prompt: &Prompt) {
    let theme = state.theme;
    let all = &prompt.aid.offers;
    let name = |offer: &Offer| Safe::new(offer.text.trim_end()).fit(WIDEST);
    let names = all.iter().map(|offer| name(offer).width()).max().unwrap_or(0);
    let helps = all.iter().map(|offer| Safe::new(&offer.help).width()).max().unwrap_or(0);
    let least = 14;
    let w = u16::try_from(names + helps + 6).unwrap_or(u16::MAX).max(least).min(above.w);
    let rows = u16::try_from(all.len()).unwrap_or(u16::MAX).min(OFFERS).min(above.h.saturating_sub(4));
    let area = Area { x: x.saturating_sub(2).min(above.w - w), y: above.h - rows - 2, w, h: rows + 2 };
    pen.clear(area);
    pen.outline(area, theme.quiet());
    let chosen = prompt.aid.chosen.as_ref().map(|(at, ..)| *at);
    let first = chosen.map_or(0, |at| super::table::first(at, rows));
    for ((at, offer), y) in all.iter().enumerate().skip(first).zip(area.y + 1..area.y + 1 + rows) {
        let lit = chosen == Some(at);
        let mark = if lit { theme.sign("▌", ">") } else { " " };
        let style = if lit { theme.strong() } else { Style::new() };
        let text = name(offer);
        let gap = " ".repeat(names + 2 - text.width());
        let row = Row::new().text(mark, theme.focus()).safe(text, style).own(&gap, style);
        pen.row(area.x + 1, y, w - 2, &row.own(&offer.help, theme.quiet()));
    }
    if all.len() > usize::from(rows) {
        let text = format!(" {} of {} ", chosen.map_or(1, |at| at + 1), all.len());
        let text = if chosen.is_some() { text } else { format!(" {} in all ", all.len()) };
        let row = Row::new().own(&text, theme.quiet());
        pen.row(area.x + 2, area.y, w.saturating_sub(4), &row);
    }
    let keys = Row::new().text(" Tab ", theme.quiet());
    pen.row(area.x + w.saturating_sub(8), area.y + area.h - 1, 6, &keys);
}
