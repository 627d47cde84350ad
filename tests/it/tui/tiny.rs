//! Terminals of any size, down to nothing: keys, the mouse and pictures go on.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::tui::keymap::Key;
use jwtrail::tui::log::Tail;
use jwtrail::tui::message::{Action, Message, Pointer};
use jwtrail::tui::page::{self, Page};
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;
use jwtrail::tui::view;

use super::store;
use crate::trail::support::{batch, read, runs, trail};

const SIZES: [(u16, u16); 14] = [
    (0, 0),
    (1, 0),
    (0, 1),
    (1, 1),
    (2, 2),
    (3, 5),
    (7, 3),
    (20, 4),
    (4, 40),
    (300, 1),
    (300, 3),
    (59, 16),
    (60, 15),
    (60, 16),
];

/// A screen with all that there is to show, on this page.
fn state(page: Page, size: (u16, u16)) -> State {
    let mut state = State::default();
    update(&mut state, Message::Resize(120, 40));
    update(&mut state, Message::Snapshot(store()));
    state.view = page;
    if page == Page::Trace {
        state.view = Page::Map;
        let (spans, logs) = read(&runs("drop-in-fanout.jsonl"));
        let mut trail = trail(Policy::default());
        trail.ingest(batch(spans, logs), UnixNanos(0));
        trail.settle_all();
        let id = trail.trace_ids()[0];
        page::trace::open(&mut state, id);
        page::trace::answered(&mut state, id, trail.trace_view(id).map(Arc::new));
    }
    let laid = jwtrail::tui::graph::lay_out(&state.ask());
    update(&mut state, Message::Laid(Arc::new(laid)));
    update(&mut state, Message::Resize(size.0, size.1));
    state
}

fn points(state: &mut State, (width, height): (u16, u16)) {
    for pointer in [Pointer::Click, Pointer::Drag, Pointer::WheelDown, Pointer::WheelUp] {
        for (x, y) in [(0, 0), (width / 2, height / 2), (width, height), (u16::MAX, u16::MAX)] {
            update(state, Message::Point(pointer, x, y));
            view::picture(state);
        }
    }
}

#[test]
fn no_size_is_too_small_to_go_on() {
    for size in SIZES {
        for page in Page::VIEWS.into_iter().chain([Page::Trace]) {
            let mut shown = state(page, size);
            view::picture(&shown);
            for action in Action::ALL {
                let mut state = shown.clone();
                update(&mut state, Message::Act(*action));
                view::picture(&state);
                // What it opened takes keys of its own.
                for key in
                    [Key::Char('x'), Key::Code(KeyCode::Down), Key::Code(KeyCode::Tab), Key::Code(KeyCode::Enter)]
                {
                    update(&mut state, Message::Press(key));
                }
                let tail = Tail { lines: vec!["2026-01-01T00:00:00Z  INFO a line".to_owned(); 40], before: 7 };
                update(&mut state, Message::Log(Ok(tail)));
                update(&mut state, Message::Done(Err("it failed".to_owned())));
                view::picture(&state);
            }
            points(&mut shown, size);
        }
    }
}
