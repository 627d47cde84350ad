//! Colours: can be read on their backgrounds, stay apart for every eye, and come from a file as the user meant them.

use jwtrail::model::Verdict;
use jwtrail::tui::theme::{COLOUR_BLIND, DARK, HIGH_CONTRAST, LIGHT, PALETTES, Palette, xterm};
use jwtrail::tui::{Depth, Theme, theme_for};
use ratatui::style::{Color, Style};

use super::{Driven, store};

type Rgb = (u8, u8, u8);

/// What a terminal shows.
fn shown(style: Style) -> Rgb {
    match style.fg.expect("a colour") {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(at) => xterm(at),
        other => panic!("{other} is the user's own"),
    }
}

fn linear((r, g, b): Rgb) -> [f64; 3] {
    [r, g, b].map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

/// WCAG 2: from 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |rgb| {
        let [r, g, b] = linear(rgb);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b): (f64, f64) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How an eye sees linear light (Machado, Oliveira and Fernandes 2009, severity 1).
const EYES: [(&str, [[f64; 3]; 3]); 3] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "deuteranopia",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
];

/// CIE L*a*b* of a colour as an eye sees it.
#[expect(clippy::many_single_char_names, reason = "the names that colour science gives them")]
fn lab(rgb: Rgb, eye: &[[f64; 3]; 3]) -> [f64; 3] {
    let light = linear(rgb);
    let [r, g, b] = eye.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_437 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let [x, y, z] = [x, y, z].map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

const DEPTHS: [Depth; 2] = [Depth::Indexed, Depth::True];

fn theme(palette: Palette, depth: Depth) -> Theme {
    Theme { depth, ..Theme::default() }.wearing(palette)
}

#[test]
fn verdicts_stay_apart_for_every_eye() {
    // 2.3 is what a trained eye just tells apart.
    for (palette, least) in [(DARK, 10.0), (LIGHT, 10.0), (HIGH_CONTRAST, 10.0), (COLOUR_BLIND, 20.0)] {
        for depth in DEPTHS {
            let theme = theme(palette, depth);
            // Absent and unknown share the quiet colour: none is accused by either.
            let verdicts: Vec<_> = Verdict::ALL.iter().filter(|verdict| **verdict != Verdict::Unknown).collect();
            for (at, a) in verdicts.iter().enumerate() {
                for b in &verdicts[at + 1..] {
                    for (eye, matrix) in &EYES {
                        let [a_lab, b_lab] = [a, b].map(|verdict| lab(shown(theme.verdict(**verdict)), matrix));
                        let far = a_lab.iter().zip(b_lab).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(far >= least, "{} {depth:?}: {a} and {b} are {far:.1} apart, {eye}", palette.name);
                    }
                }
            }
        }
    }
}

#[test]
fn every_colour_can_be_read_on_its_background() {
    for palette in PALETTES {
        let backgrounds: &[Rgb] = match palette.name {
            "light" => &[(0xff, 0xff, 0xff), (0xf5, 0xf5, 0xf5)],
            "high-contrast" => &[(0, 0, 0)],
            _ => &[(0, 0, 0), (0x1e, 0x1e, 0x1e)],
        };
        let least = if palette.name == "high-contrast" { 7.0 } else { 4.5 };
        for depth in DEPTHS {
            let theme = theme(*palette, depth);
            for background in backgrounds {
                let can_be_read = |what: &str, style: Style, least: f64| {
                    let ratio = contrast(shown(style), *background);
                    assert!(ratio >= least, "{} {depth:?}: {what} has {ratio:.2} on {background:?}", palette.name);
                };
                for verdict in Verdict::ALL.iter().filter(|v| !matches!(v, Verdict::Absent | Verdict::Unknown)) {
                    can_be_read(verdict.name(), theme.verdict(*verdict), least);
                }
                for (at, _) in palette.tokens.iter().enumerate() {
                    let mut one = *palette;
                    one.tokens = [palette.tokens[at]; 8];
                    can_be_read(&format!("token {at}"), super::theme::theme(one, depth).token("k3va"), least);
                }
                can_be_read("focus", theme.focus(), least);
                can_be_read("quiet", theme.quiet(), 3.0);
            }
        }
    }
}

#[test]
fn each_theme_in_colour() {
    for palette in PALETTES {
        let mut driven = Driven::new(80, 24, store());
        driven.state.theme = theme(*palette, Depth::True);
        insta::assert_snapshot!(format!("theme_{}", palette.name), driven.snapshot());
    }
}

#[test]
fn a_theme_with_a_background_leaves_no_cell_without() {
    for depth in [Depth::Sixteen, Depth::Indexed, Depth::True] {
        let mut driven = Driven::new(120, 40, store());
        driven.state.theme = theme(HIGH_CONTRAST, depth);
        for driven in [Driven { state: driven.state.clone() }, driven.keys("?"), Driven::new(50, 10, store())] {
            let mut driven = driven;
            driven.state.theme = theme(HIGH_CONTRAST, depth);
            let bare = driven.picture().content.iter().filter(|cell| cell.bg == Color::Reset).count();
            assert_eq!(bare, 0, "{depth:?}");
        }
    }
}

#[test]
fn a_file_names_colours_in_every_way() {
    let text = "[theme]\nbase = \"light\"\ndropped = \"#e04f50\"\nfailed = \"red\"\nchanged = 167\n\
                quiet = \"dark-gray\"\ntokens = [\"#ff0000\", 4]\nbackground = \"#fdf6e3\"\n";
    let of = |depth, verdict| Theme { depth, ..Theme::default() }.read(text).expect("a theme").verdict(verdict).fg;
    assert_eq!(of(Depth::True, Verdict::Dropped), Some(Color::Rgb(0xe0, 0x4f, 0x50)));
    assert_eq!(of(Depth::Indexed, Verdict::Dropped), Some(Color::Indexed(167)), "the nearest of the palette");
    assert_eq!(of(Depth::Sixteen, Verdict::Failed), Some(Color::Red));
    assert_eq!(of(Depth::True, Verdict::Changed), Some(Color::Indexed(167)));
    assert_eq!(of(Depth::True, Verdict::Absent), Some(Color::DarkGray));
    assert_eq!(of(Depth::None, Verdict::Dropped), None);
    assert_eq!(of(Depth::True, Verdict::Intact), theme(LIGHT, Depth::True).verdict(Verdict::Intact).fg, "the base's");
}

#[test]
fn an_error_names_the_key_what_was_found_and_what_is_expected() {
    let error = |text: &str| Theme::default().read(text).expect_err("an error").to_string();
    let colour = "expected a colour (\"#e04f50\", \"red\", \"light-blue\" or a number from 0 to 255)";
    assert_eq!(error("[theme]\ndropped = \"rouge\""), format!("[theme] dropped: {colour}, found `rouge`"));
    assert_eq!(error("[theme]\nfailed = 256"), format!("[theme] failed: {colour}, found `256`"));
    assert_eq!(error("[theme]\ntokens = [true]"), format!("[theme] tokens: {colour}, found `true`"));
    assert_eq!(
        error("[theme]\nbase = \"drak\""),
        "[theme] base: expected dark, light, high-contrast, colour-blind, found `drak`"
    );
    assert!(error("[theme]\ndroped = 1").ends_with("found the key `droped`"));
    assert!(error("dropped = 1").starts_with("expected a table `[theme]`, found none"));
    assert!(error("[theme]\ndropped = \n").ends_with("in line 2"), "{}", error("[theme]\ndropped = \n"));
    assert!(Theme::named("drak").expect_err("an error").to_string().contains("found `drak`"));
    assert_eq!(Theme::named("light").expect("a theme").palette, LIGHT);
}

#[test]
fn the_terminal_is_asked_only_where_that_can_help() {
    let suiting = |vars: &[(&str, &str)]| {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let theme = theme_for(false, false, var).suiting(var);
        (theme.palette.name, theme.adapts)
    };
    assert_eq!(suiting(&[("TERM", "xterm-256color")]), ("dark", true));
    assert_eq!(suiting(&[("TERM", "rxvt"), ("COLORFGBG", "0;default;15")]), ("light", true));
    assert_eq!(suiting(&[("TERM", "xterm"), ("COLORFGBG", "15;0")]), ("dark", true));
    assert_eq!(suiting(&[("TERM", "xterm"), ("NO_COLOR", "1")]), ("dark", false));
    assert_eq!(suiting(&[("TERM", "linux")]), ("dark", false));
    assert!(!Theme::named("dark").expect("a theme").adapts, "who names one needs no answer");
}
