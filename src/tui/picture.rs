//! The screen as SVG: text and colours on a monospace grid, for the README and for bug reports.

mod strokes;

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::theme::{Hue, LIGHT, Palette, Theme};
use strokes::Strokes;

const CELL_WIDTH: f32 = 8.4;
const CELL_HEIGHT: f32 = 18.0;
const PADDING: f32 = 12.0;

/// What a picture stands on where a cell has no colour of its own: as the terminal that it is a picture of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ground {
    paper: (u8, u8, u8),
    ink: (u8, u8, u8),
}

impl Ground {
    /// Dark, as most terminals are.
    pub const DARK: Self = Self { paper: (0x16, 0x18, 0x1d), ink: (0xd5, 0xd8, 0xdd) };
    /// Light, for the colours that are made for it.
    pub const LIGHT: Self = Self { paper: (0xff, 0xff, 0xff), ink: (0x24, 0x29, 0x2f) };

    /// The ground that a theme's colours can be read on.
    pub fn of(theme: Theme) -> Self {
        let Palette { name, foreground, background, .. } = theme.palette;
        let base = if name == LIGHT.name { Self::LIGHT } else { Self::DARK };
        let full = |hue: Option<Hue>, base| match hue.map(|hue| hue.full) {
            Some(Color::Rgb(r, g, b)) => (r, g, b),
            _ => base,
        };
        Self { paper: full(background, base.paper), ink: full(foreground, base.ink) }
    }

    fn paper(self) -> String {
        hex(self.paper)
    }

    fn ink(self) -> String {
        hex(self.ink)
    }
}

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// How a run of cells looks.
#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    paper: Option<String>,
    bold: bool,
    dim: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell, ground: Ground) -> Self {
        let (mut ink, mut paper) = (colour(cell.fg), colour(cell.bg));
        if cell.modifier.contains(Modifier::REVERSED) {
            (ink, paper) = (Some(paper.unwrap_or_else(|| ground.paper())), Some(ink.unwrap_or_else(|| ground.ink())));
        }
        Self {
            ink: ink.unwrap_or_else(|| ground.ink()),
            paper,
            bold: cell.modifier.contains(Modifier::BOLD),
            dim: cell.modifier.contains(Modifier::DIM),
            underlined: cell.modifier.contains(Modifier::UNDERLINED),
        }
    }
}

/// A buffer as a standalone SVG document.
pub fn svg(buffer: &Buffer, ground: Ground) -> String {
    document(size(buffer), ground, "", &drawn(buffer, ground))
}

/// Buffers of one size as an SVG document that shows one after the other, each for so long, again and again.
pub fn animation(frames: &[(Buffer, Duration)]) -> String {
    let whole: f32 = frames.iter().map(|(_, time)| time.as_secs_f32()).sum();
    let (mut style, mut body) = (String::from("<style>g.f{visibility:hidden}"), String::new());
    let mut begins = 0.0;
    for (at, (buffer, time)) in frames.iter().enumerate() {
        let (from, to) = (begins * 100.0 / whole, (begins + time.as_secs_f32()) * 100.0 / whole);
        begins += time.as_secs_f32();
        let _ = write!(
            style,
            "@keyframes f{at}{{0%,{from:.2}%{{visibility:hidden}}{:.2}%,{to:.2}%{{visibility:visible}}{:.2}%,100%{{visibility:hidden}}}}\
             #f{at}{{animation:f{at} {whole:.1}s step-end infinite}}",
            from + 0.01,
            (to + 0.01).min(100.0),
        );
        let _ = writeln!(body, "<g class=\"f\" id=\"f{at}\">\n{}</g>", drawn(buffer, Ground::DARK));
    }
    style.push_str("</style>\n");
    document(frames.first().map_or((0.0, 0.0), |(buffer, _)| size(buffer)), Ground::DARK, &style, &body)
}

/// Width and height of a picture, in its own units.
fn size(buffer: &Buffer) -> (f32, f32) {
    let area = buffer.area;
    let along = |cells: u16, each: f32| f32::from(cells) * each + 2.0 * PADDING;
    (along(area.width, CELL_WIDTH), along(area.height, CELL_HEIGHT))
}

fn document((width, height): (f32, f32), ground: Ground, style: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" role=\"img\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         {style}<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n{body}</svg>\n",
        ground.paper()
    )
}

/// What a buffer holds, without the document around it.
fn drawn(buffer: &Buffer, ground: Ground) -> String {
    let area = buffer.area;
    let mut papers = String::new();
    let mut texts = String::new();
    let mut strokes = Strokes::default();
    for y in 0..area.height {
        let mut run: Option<(u16, u16, Look, String)> = None;
        let mut x = 0;
        while x < area.width {
            let cell = &buffer[(area.x + x, area.y + y)];
            let columns = u16::try_from(cell.symbol().width().max(1)).unwrap_or(1);
            let look = Look::of(cell, ground);
            let symbol = if strokes.draw(cell.symbol(), x, y, &look.ink) { " " } else { cell.symbol() };
            // Signs outside ASCII come in glyphs of any width: each gets a place of its own, so that the grid holds.
            let joins =
                symbol.is_ascii() && run.as_ref().is_some_and(|(_, _, last, text)| *last == look && text.is_ascii());
            if let (true, Some((_, end, _, text))) = (joins, run.as_mut()) {
                text.push_str(symbol);
                *end = x + columns;
            } else {
                put(&mut papers, &mut texts, y, run.take());
                run = Some((x, x + columns, look, symbol.to_owned()));
            }
            x += columns;
        }
        put(&mut papers, &mut texts, y, run);
    }
    format!("{papers}{}<g xml:space=\"preserve\">\n{texts}</g>\n", strokes.svg())
}

fn put(papers: &mut String, texts: &mut String, y: u16, run: Option<(u16, u16, Look, String)>) {
    let Some((start, end, look, text)) = run else { return };
    let place = |start: u16, end: u16| (PADDING + f32::from(start) * CELL_WIDTH, f32::from(end - start) * CELL_WIDTH);
    let (left, width) = place(start, end);
    let top = PADDING + f32::from(y) * CELL_HEIGHT;
    if let Some(paper) = &look.paper {
        let _ = writeln!(
            papers,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{paper}\"/>"
        );
    }
    // Blanks at the ends are left to the grid: viewers do not agree on them.
    let before = text.len() - text.trim_start_matches(' ').len();
    let after = text.len() - text.trim_end_matches(' ').len();
    if before == text.len() {
        return;
    }
    let columns = |blanks: usize| u16::try_from(blanks).unwrap_or(0);
    let (left, width) = place(start + columns(before), end - columns(after));
    let text = text.trim_matches(' ');
    let mut style = String::new();
    for (on, attribute) in [
        (look.bold, " font-weight=\"bold\""),
        (look.dim, " opacity=\"0.6\""),
        (look.underlined, " text-decoration=\"underline\""),
    ] {
        if on {
            style.push_str(attribute);
        }
    }
    let _ = writeln!(
        texts,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\"{style}>{}</text>",
        top + CELL_HEIGHT * 0.75,
        look.ink,
        escape(text)
    );
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ if character.is_control() => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

fn colour(colour: Color) -> Option<String> {
    let rgb = |(r, g, b): (u8, u8, u8)| Some(hex((r, g, b)));
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => rgb((r, g, b)),
        Color::Indexed(index) => rgb(indexed(index)),
        named => {
            const NAMED: [Color; 16] = [
                Color::Black,
                Color::Red,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::Magenta,
                Color::Cyan,
                Color::Gray,
                Color::DarkGray,
                Color::LightRed,
                Color::LightGreen,
                Color::LightYellow,
                Color::LightBlue,
                Color::LightMagenta,
                Color::LightCyan,
                Color::White,
            ];
            let index = NAMED.iter().position(|candidate| *candidate == named)?;
            rgb(indexed(u8::try_from(index).ok()?))
        }
    }
}

/// The xterm palette.
fn indexed(index: u8) -> (u8, u8, u8) {
    const FIRST: [(u8, u8, u8); 16] = [
        (0x2a, 0x2d, 0x34),
        (0xe0, 0x4f, 0x50),
        (0x1f, 0xa6, 0x7a),
        (0xd7, 0x87, 0x1f),
        (0x4c, 0x8d, 0xf6),
        (0xc7, 0x5f, 0xd1),
        (0x2a, 0xa1, 0xb3),
        (0xb8, 0xbc, 0xc4),
        (0x8a, 0x8a, 0x8a),
        (0xf0, 0x7f, 0x80),
        (0x5f, 0xc9, 0xa5),
        (0xe8, 0xb0, 0x60),
        (0x80, 0xb0, 0xff),
        (0xdd, 0x90, 0xe4),
        (0x6c, 0xc8, 0xd6),
        (0xf2, 0xf4, 0xf8),
    ];
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    match index {
        0..16 => FIRST[usize::from(index)],
        16..232 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        _ => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
    }
}
