//! Colours in each depth, and the sets of them that have a name.
//!
//! What a set promises is held by tests: each colour can be read on its background (4.5:1, what stands back 3:1), and
//! verdicts stay apart for eyes without red or green cones.

use ratatui::style::Color;

/// One hue in each depth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hue {
    /// Among the sixteen that the user's own scheme defines.
    pub sixteen: Color,
    /// In the xterm palette.
    pub indexed: Color,
    /// In 24 bits.
    pub full: Color,
}

/// A set of colours: one for each thing that has a colour at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Palette {
    /// What it is called.
    pub name: &'static str,
    /// The token arrived as it was sent; what runs well.
    pub intact: Hue,
    /// The token enters here.
    pub originated: Hue,
    /// It changed on purpose.
    pub exchanged: Hue,
    /// There was one and none arrived.
    pub dropped: Hue,
    /// Another one arrived, and nothing says that it was meant.
    pub changed: Hue,
    /// It was refused; warnings about the set-up.
    pub failed: Hue,
    /// What matters less: absent, unknown, lines, labels.
    pub quiet: Hue,
    /// What has the keyboard.
    pub focus: Hue,
    /// Tokens, each by its name.
    pub tokens: [Hue; 8],
    /// All other text; `None` is the terminal's own.
    pub foreground: Option<Hue>,
    /// Behind everything; `None` is the terminal's own.
    pub background: Option<Hue>,
}

const fn hue(sixteen: Color, indexed: u8, (r, g, b): (u8, u8, u8)) -> Hue {
    Hue { sixteen, indexed: Color::Indexed(indexed), full: Color::Rgb(r, g, b) }
}

/// Red apart from green by lightness too, on whatever dark background the terminal has.
pub const DARK: Palette = Palette {
    name: "dark",
    intact: hue(Color::Green, 72, (0x5f, 0xaf, 0x87)),
    originated: hue(Color::Cyan, 37, (0x2a, 0xa1, 0xb3)),
    exchanged: hue(Color::Blue, 69, (0x4c, 0x8d, 0xf6)),
    dropped: hue(Color::Red, 167, (0xe5, 0x57, 0x58)),
    changed: hue(Color::Magenta, 170, (0xc7, 0x5f, 0xd1)),
    failed: hue(Color::Yellow, 172, (0xd7, 0x87, 0x1f)),
    quiet: hue(Color::DarkGray, 245, (0x8a, 0x8a, 0x8a)),
    focus: hue(Color::Blue, 69, (0x4c, 0x8d, 0xf6)),
    tokens: [
        hue(Color::LightBlue, 74, (0x5f, 0xaf, 0xd7)),
        hue(Color::LightYellow, 179, (0xd7, 0xaf, 0x5f)),
        hue(Color::LightGreen, 107, (0x87, 0xaf, 0x5f)),
        hue(Color::LightMagenta, 140, (0xaf, 0x87, 0xd7)),
        hue(Color::LightCyan, 73, (0x5f, 0xaf, 0xaf)),
        hue(Color::LightRed, 174, (0xd7, 0x87, 0x87)),
        hue(Color::Yellow, 137, (0xaf, 0x87, 0x5f)),
        hue(Color::Cyan, 110, (0x87, 0xaf, 0xd7)),
    ],
    foreground: None,
    background: None,
};

/// Darker hues, for a light background.
pub const LIGHT: Palette = Palette {
    name: "light",
    intact: hue(Color::Green, 23, (0x00, 0x77, 0x44)),
    originated: hue(Color::Cyan, 25, (0x00, 0x55, 0x77)),
    exchanged: hue(Color::Blue, 27, (0x00, 0x22, 0xbb)),
    dropped: hue(Color::Red, 88, (0xbb, 0x11, 0x33)),
    changed: hue(Color::Magenta, 127, (0x66, 0x00, 0x88)),
    failed: hue(Color::Yellow, 94, (0x99, 0x66, 0x00)),
    quiet: hue(Color::DarkGray, 243, (0x76, 0x76, 0x76)),
    focus: hue(Color::Blue, 27, (0x00, 0x22, 0xbb)),
    tokens: [
        hue(Color::Blue, 24, (0x00, 0x5f, 0x87)),
        hue(Color::Yellow, 58, (0x5f, 0x5f, 0x00)),
        hue(Color::Green, 22, (0x00, 0x5f, 0x00)),
        hue(Color::Magenta, 91, (0x87, 0x00, 0xaf)),
        hue(Color::Cyan, 61, (0x5f, 0x5f, 0xaf)),
        hue(Color::Red, 95, (0x87, 0x5f, 0x5f)),
        hue(Color::LightMagenta, 89, (0x87, 0x00, 0x5f)),
        hue(Color::LightBlue, 54, (0x5f, 0x00, 0x87)),
    ],
    foreground: None,
    background: None,
};

/// White and loud on black, whatever the terminal's own background.
pub const HIGH_CONTRAST: Palette = Palette {
    name: "high-contrast",
    intact: hue(Color::LightGreen, 46, (0x00, 0xff, 0x00)),
    originated: hue(Color::LightCyan, 87, (0x5f, 0xff, 0xff)),
    exchanged: hue(Color::LightBlue, 111, (0x87, 0xaf, 0xff)),
    dropped: hue(Color::LightRed, 204, (0xff, 0x5f, 0x87)),
    changed: hue(Color::LightMagenta, 206, (0xff, 0x5f, 0xd7)),
    failed: hue(Color::LightYellow, 216, (0xff, 0xaf, 0x87)),
    quiet: hue(Color::Gray, 250, (0xbc, 0xbc, 0xbc)),
    focus: hue(Color::LightYellow, 226, (0xff, 0xff, 0x00)),
    tokens: [
        hue(Color::LightBlue, 117, (0x87, 0xd7, 0xff)),
        hue(Color::LightYellow, 228, (0xff, 0xff, 0x87)),
        hue(Color::LightGreen, 156, (0xaf, 0xff, 0x87)),
        hue(Color::LightMagenta, 219, (0xff, 0xaf, 0xff)),
        hue(Color::LightCyan, 159, (0xaf, 0xff, 0xff)),
        hue(Color::LightRed, 217, (0xff, 0xaf, 0xaf)),
        hue(Color::Yellow, 222, (0xff, 0xd7, 0x87)),
        hue(Color::White, 189, (0xd7, 0xd7, 0xff)),
    ],
    foreground: Some(hue(Color::White, 231, (0xff, 0xff, 0xff))),
    background: Some(hue(Color::Black, 16, (0x00, 0x00, 0x00))),
};

/// As far apart as eyes without red or green cones can tell hues on a dark background.
pub const COLOUR_BLIND: Palette = Palette {
    name: "colour-blind",
    intact: hue(Color::LightGreen, 46, (0x00, 0xff, 0x00)),
    originated: hue(Color::LightCyan, 123, (0x87, 0xff, 0xff)),
    exchanged: hue(Color::Blue, 33, (0x00, 0x87, 0xff)),
    dropped: hue(Color::LightRed, 203, (0xff, 0x5f, 0x5f)),
    changed: hue(Color::Magenta, 176, (0xd7, 0x87, 0xd7)),
    failed: hue(Color::Yellow, 136, (0xaf, 0x87, 0x00)),
    quiet: hue(Color::DarkGray, 247, (0x9e, 0x9e, 0x9e)),
    focus: hue(Color::Blue, 33, (0x00, 0x87, 0xff)),
    tokens: DARK.tokens,
    foreground: None,
    background: None,
};

/// The sets that have a name.
pub const PALETTES: [&Palette; 4] = [&DARK, &LIGHT, &HIGH_CONTRAST, &COLOUR_BLIND];

/// The sixteen as xterm shows them: to find the nearest where a terminal has no more.
const SIXTEEN: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

impl Hue {
    /// A colour that somebody chose, with the nearest ones for terminals that have fewer.
    pub fn of(colour: Color) -> Self {
        match colour {
            Color::Rgb(r, g, b) => Self { sixteen: sixteen((r, g, b)), indexed: indexed((r, g, b)), full: colour },
            Color::Indexed(at) => {
                let sixteen = SIXTEEN.get(usize::from(at)).map_or_else(|| sixteen(xterm(at)), |(colour, _)| *colour);
                Self { sixteen, indexed: colour, full: colour }
            }
            _ => Self { sixteen: colour, indexed: colour, full: colour },
        }
    }
}

/// What the xterm palette holds at an index: sixteen, a cube of six steps, a ramp of greys.
pub fn xterm(at: u8) -> (u8, u8, u8) {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match at {
        0..16 => SIXTEEN[usize::from(at)].1,
        16..232 => {
            let at = usize::from(at - 16);
            (STEPS[at / 36], STEPS[at / 6 % 6], STEPS[at % 6])
        }
        232.. => {
            let grey = 8 + 10 * (at - 232);
            (grey, grey, grey)
        }
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    square(a.0, b.0) * 2 + square(a.1, b.1) * 4 + square(a.2, b.2) * 3
}

fn indexed(rgb: (u8, u8, u8)) -> Color {
    // The first sixteen are the user's own: nobody knows what they look like.
    Color::Indexed((16..=u8::MAX).min_by_key(|at| distance(xterm(*at), rgb)).unwrap_or(16))
}

fn sixteen(rgb: (u8, u8, u8)) -> Color {
    SIXTEEN.iter().min_by_key(|(_, other)| distance(*other, rgb)).map_or(Color::Reset, |(colour, _)| *colour)
}
