//! Text alone: what a screen reader reads, line by line.

use jwtrail::model::Verdict;
use jwtrail::tui::Theme;

use super::{Driven, fixture, store};

/// Signs that are read as noise, or not at all.
fn is_drawing(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '\u{2700}'..='\u{27bf}')
}

fn plain(width: u16, height: u16) -> Driven {
    let mut driven = Driven::new(width, height, store());
    driven.state.theme = Theme { plain: true, ..Theme::default() };
    driven
}

#[test]
fn a_screen_of_text_alone() {
    insta::assert_snapshot!("plain_120x40", plain(120, 40).text());
    insta::assert_snapshot!("plain_80x24", plain(80, 24).text());
    insta::assert_snapshot!("plain_60x16", plain(60, 16).text());
    insta::assert_snapshot!("plain_60x16_calls", plain(60, 16).keys("\t\t").text());
}

#[test]
fn no_page_draws_anything_but_text() {
    for (width, height) in [(120, 40), (80, 24), (60, 16)] {
        for keys in ["", "j", "\t", "\t\t", "2", "3", "4", "5", "?", "b", "e", "f", "0"] {
            let text = plain(width, height).keys(keys).text();
            let drawn = text.chars().find(|c| is_drawing(*c));
            assert_eq!(drawn, None, "{keys:?} at {width}x{height}:\n{text}");
        }
    }
}

#[test]
fn it_is_read_from_top_to_bottom() {
    let text = plain(120, 40).text();
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word} in\n{text}"));
    let order = [at("jwtrail"), at("Problems"), at("look at"), at("Calls"), at("client -> gateway")];
    assert!(order.is_sorted(), "{order:?}\n{text}");
}

#[test]
fn names_in_other_scripts_stay_as_they_are() {
    let build = fixture::Build::new().services(&["注文"]).edge(None, "注文", Verdict::Originated);
    let mut driven = Driven::new(80, 24, build.done());
    driven.state.theme = Theme { plain: true, ..Theme::default() };
    assert!(driven.text().contains("client -> 注文"), "{}", driven.text());
}
