//! The bar of a replay: what it says in each state, and what keys and mouse do with it.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::model::UnixNanos;
use jwtrail::tui::effect::Effect;
use jwtrail::tui::message::{Message, Pointer};
use jwtrail::tui::replay::{Control, Note, Playback};
use jwtrail::tui::{Depth, Mode};

use super::{Driven, store, styles, text};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const START: u64 = 1_768_478_400 * SECOND;

fn slots() -> Arc<[u32]> {
    (0..1_200)
        .map(|at| match at {
            300..310 => 1,
            700..705 => 6,
            1_150 => 3,
            _ => 0,
        })
        .collect()
}

pub(super) fn playback() -> Playback {
    Playback {
        now: UnixNanos(START + 12_400_000_000),
        start: UnixNanos(START),
        end: UnixNanos(START + 63 * SECOND),
        speed: Some(4.0),
        playing: true,
        accused: Some(slots()),
        ..Playback::default()
    }
}

pub(super) fn replay(width: u16, height: u16, playback: Playback) -> Driven {
    let mut driven = Driven::new(width, height, store());
    driven.state.mode = Mode::Replay { file: "traces.jsonl".to_owned() };
    driven.say(Message::Playback(Arc::new(playback)));
    driven
}

/// The bar alone, and its styles.
fn bar(driven: &Driven, styled: bool) -> String {
    let picture = driven.picture();
    let row = usize::from(driven.state.size.1) - 2;
    let line = |text: &str| text.lines().nth(row).unwrap_or_default().to_owned();
    if styled { format!("{}\n{}", line(&text(&picture)), line(&styles(&picture))) } else { line(&text(&picture)) }
}

fn states() -> Vec<(&'static str, Playback)> {
    let end = UnixNanos(START + 63 * SECOND);
    vec![
        ("playing", playback()),
        ("paused on a problem", Playback { playing: false, now: UnixNanos(START + 16 * SECOND), ..playback() }),
        ("at the end", Playback { playing: false, ended: true, now: end, speed: None, ..playback() }),
        ("looping", Playback { looping: true, ..playback() }),
        ("counting", Playback { accused: None, playing: false, note: Some(Note::Counting), ..playback() }),
        ("seeking", Playback { moving: true, seeking: Some(43), playing: false, ..playback() }),
        ("no later problem", Playback { playing: false, note: Some(Note::NoLaterProblem), ..playback() }),
        ("nothing broken", Playback { accused: Some([0; 1_200].into()), ..playback() }),
        ("no duration", Playback { now: UnixNanos(START), end: UnixNanos(START), ..playback() }),
        ("decades", Playback { start: UnixNanos(0), end: UnixNanos(START), ..playback() }),
        ("following", Playback { following: Some(0), ..Playback::default() }),
        ("following, behind", Playback { following: Some(7 << 20), ..Playback::default() }),
    ]
}

#[test]
fn the_bar_has_words_for_each_state() {
    for width in [60, 80, 120, 200] {
        let all: Vec<String> = states()
            .into_iter()
            .map(|(name, playback)| format!("{name}\n{}\n", bar(&replay(width, 24, playback), width == 120)))
            .collect();
        insta::assert_snapshot!(format!("replay_bar_{width}"), all.join("\n"));
    }
}

#[test]
fn the_bar_stands_above_the_keys_and_takes_nothing_from_others() {
    insta::assert_snapshot!("replay_60x16", replay(60, 16, playback()).text());
    let mut empty = replay(80, 24, Playback { playing: false, ..playback() });
    empty.say(Message::Snapshot(Arc::default()));
    assert!(empty.text().contains("No hop yet at this moment: 0 spans, 0 traces   . next hop"), "{}", empty.text());
}

#[test]
fn the_bar_needs_neither_signs_nor_colours() {
    for (name, playback) in states() {
        let ascii = replay(120, 24, playback.clone()).themed(true, Depth::Indexed);
        assert!(bar(&ascii, false).is_ascii(), "{name}: {}", bar(&ascii, false));
        let plain = replay(120, 24, playback).themed(false, Depth::None);
        let colours = |cell: &ratatui::buffer::Cell| cell.fg != ratatui::style::Color::Reset;
        assert!(!plain.picture().content.iter().any(colours), "{name}");
    }
}

#[test]
fn each_key_steers() {
    let mut driven = replay(120, 40, playback());
    let keys = [
        (' ', Control::Toggle),
        ('.', Control::NextHop),
        (',', Control::PreviousHop),
        (']', Control::Seconds(5)),
        ('[', Control::Seconds(-5)),
        ('}', Control::NextAccused),
        ('{', Control::PreviousAccused),
        ('>', Control::Faster),
        ('<', Control::Slower),
        ('R', Control::Loop),
    ];
    for (key, control) in keys {
        driven.press(KeyCode::Char(key));
        assert_eq!(std::mem::take(&mut driven.state.effects), [Effect::Replay(control)], "{key}");
    }
    let mut followed = replay(120, 40, Playback { following: Some(0), ..Playback::default() });
    followed.press(KeyCode::Char(' '));
    assert!(followed.state.paused && followed.state.effects.is_empty(), "what is followed can only stand still");
}

#[test]
fn the_mouse_goes_to_a_moment_and_can_be_dragged_off_the_line() {
    let mut driven = replay(120, 40, playback());
    let text = bar(&driven, false);
    let first = u16::try_from(text.chars().position(|sign| sign == '▁').expect("a track")).expect("a column");
    let length = text.chars().filter(|sign| "▁▂▃▄▅▆▇█┃✗".contains(*sign)).count();
    let last = first + u16::try_from(length).expect("a length") - 1;
    let mut point = |pointer, x, y| {
        driven.say(Message::Point(pointer, x, y));
        std::mem::take(&mut driven.state.effects)
    };
    let to = |seconds| vec![Effect::Replay(Control::Seek(UnixNanos(START + seconds * SECOND)))];
    assert_eq!(point(Pointer::Click, first, 38), to(0));
    assert_eq!(point(Pointer::Drag, last, 20), to(63));
    assert_eq!(point(Pointer::Drag, 119, 39), to(63), "beyond the end is the end");
    let middle = point(Pointer::Click, u16::midpoint(first, last), 38);
    let [Effect::Replay(Control::Seek(at))] = middle.as_slice() else { panic!("{middle:?}") };
    assert!((START + 30 * SECOND..START + 33 * SECOND).contains(&at.0), "{at:?}");
    assert_eq!(point(Pointer::WheelUp, first, 38), [Effect::Replay(Control::Seconds(-1))]);
    assert!(point(Pointer::Click, 5, 5).is_empty());
    assert!(point(Pointer::Drag, last, 38).is_empty(), "it began elsewhere");
}
