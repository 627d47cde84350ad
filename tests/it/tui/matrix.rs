//! Every screen in every state at every size: what a stranger may meet, as pictures that are read.

mod made;
mod over;
mod pages;

use std::collections::BTreeSet;

use super::Driven;

/// Columns and rows.
type Size = (u16, u16);

/// Sizes that people have.
const SIZES: [Size; 3] = [(80, 24), (120, 40), (200, 60)];

/// What a screen can have to show.
const STATES: [&str; 6] = ["empty", "loading", "normal", "overflowing", "error", "partial"];

/// A screen in one state: how to get there, or why nobody gets there.
enum Cell {
    Shown(fn(Size) -> Driven),
    Never(&'static str),
}

use Cell::{Never, Shown};

/// A screen in the order of [`STATES`].
type Line = (&'static str, [Cell; 6]);

/// The matrix.
const MATRIX: [Line; 12] = [
    pages::NOTHING_YET,
    pages::MAP,
    pages::PROBLEMS,
    pages::TRACES,
    pages::TRACE,
    pages::TWIN,
    pages::TOKENS,
    pages::SERVICES,
    over::REPLAY,
    over::FILTER,
    over::MENU,
    over::HELP,
];

/// Every picture of the matrix with the name of its file.
fn cells() -> impl Iterator<Item = (&'static str, &'static str, fn(Size) -> Driven)> {
    MATRIX.into_iter().flat_map(|(screen, cells)| {
        STATES.into_iter().zip(cells).filter_map(move |(state, cell)| match cell {
            Shown(made) => Some((screen, state, made)),
            Never(_) => None,
        })
    })
}

fn file(screen: &str, state: &str, (width, height): Size) -> String {
    format!("{screen}_{state}_{width}x{height}")
}

fn pictures(screen: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("matrix/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for (_, state, made) in cells().filter(|(name, ..)| *name == screen) {
            for size in SIZES {
                let driven = made(size);
                agrees(&driven.text());
                insta::assert_snapshot!(file(screen, state, size), driven.snapshot());
            }
        }
    });
}

/// One thing is not said as if it were many.
fn agrees(text: &str) {
    let things = ["spans", "traces", "hops", "lines", "problems", "services", "tokens", "requests", "calls", "others"];
    for wrong in things.map(|things| format!("1 {things}")) {
        let alone = |(at, _): (usize, &str)| {
            !text[..at].ends_with(|before: char| before.is_ascii_digit() || before == ',' || before == '.')
                && !text[..at].ends_with("of ")
        };
        assert!(!text.match_indices(&wrong).any(alone), "{wrong}:\n{text}");
    }
}

macro_rules! screens {
    ($($test:ident = $screen:literal,)+) => {
        $(#[test] fn $test() { pictures($screen); })+

        #[test]
        fn every_screen_has_its_pictures() {
            let drawn = [$($screen),+];
            assert_eq!(MATRIX.map(|(screen, _)| screen), drawn);
        }
    };
}

screens! {
    nothing_yet = "nothing-yet",
    map = "map",
    problems = "problems",
    traces = "traces",
    trace = "trace",
    twin = "twin",
    tokens = "tokens",
    services = "services",
    replay = "replay",
    filter = "filter",
    menu = "menu",
    help = "help",
}

#[test]
fn no_other_cell_is_missing() {
    let missing = MATRIX.into_iter().flat_map(|(screen, cells)| {
        STATES.into_iter().zip(cells).filter_map(move |(state, cell)| match cell {
            Never(why) => Some(format!("{screen} is never {state}: {why}\n")),
            Shown(_) => None,
        })
    });
    insta::with_settings!({snapshot_path => "matrix/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("never", missing.collect::<String>());
    });
}

#[test]
fn each_picture_that_is_kept_is_one_of_the_matrix() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tui/matrix/snapshots");
    let kept: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the pictures")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".snap").map(str::to_owned))
        .collect();
    let mut drawn: BTreeSet<String> =
        cells().flat_map(|(screen, state, _)| SIZES.map(|size| file(screen, state, size))).collect();
    drawn.insert("never".to_owned());
    assert_eq!(kept, drawn);
}

#[test]
fn no_state_looks_like_another() {
    for (screen, _) in MATRIX {
        let texts: Vec<(&str, String)> = cells()
            .filter(|(name, ..)| *name == screen)
            .map(|(_, state, made)| (state, made((80, 24)).text()))
            .collect();
        for (at, (state, text)) in texts.iter().enumerate() {
            let twin = texts[..at].iter().find(|(_, other)| other == text);
            assert!(twin.is_none(), "{screen}: {state} looks like {twin:?}");
        }
    }
}

#[test]
fn a_share_that_does_not_fit_is_rounded_down() {
    let said = [(42, 90), (1_234, 9_999), (999, 12_845), (123_456, 999_999), (1_234_567, 12_345_678)];
    let said = said.map(|(part, of)| jwtrail::tui::text::share(part, of, 10));
    assert_eq!(said, ["42 of 90", "1.2k/9.9k", "999/12k", "123k/999k", "1.2M/12M"]);
    assert_eq!(jwtrail::tui::text::share(1_234_567, 12_345_678, 23), "1,234,567 of 12,345,678");
}
