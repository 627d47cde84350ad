//! What lies over a page, or beside it: the bar of a replay, the line that is typed into, menus, the help.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::query::TracePage;
use jwtrail::model::UnixNanos;
use jwtrail::tui::keymap::Key;
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::page::Page;
use jwtrail::tui::replay::{Note, Playback};
use jwtrail::tui::saved::SavedView;

use super::super::replay::{START, playback, replay};
use super::super::{fixture, lists, store};
use super::made::{at, failed, lossy, many, sixty, wrong};
use super::{Line, Never, Shown, made};
use jwtrail::tui::Mode;

pub const REPLAY: Line = (
    "replay",
    [
        Shown(|size| {
            let mut driven = replay(size.0, size.1, Playback { playing: false, ..playback() });
            driven.say(Message::Snapshot(Arc::default()));
            driven
        }),
        Shown(|size| {
            let counting = Playback { accused: None, note: Some(Note::Counting), seeking: Some(43), ..playback() };
            replay(size.0, size.1, Playback { moving: true, playing: false, ..counting })
        }),
        Shown(|size| replay(size.0, size.1, playback())),
        Shown(|size| {
            let decades = Playback { start: UnixNanos(0), end: UnixNanos(START), speed: Some(0.1), ..playback() };
            let mut driven = replay(size.0, size.1, Playback { looping: true, ..decades });
            driven.state.mode = Mode::Replay {
                file: (1..=40).map(|at| format!("traces-{at:02}.jsonl")).collect::<Vec<_>>().join(", "),
            };
            driven.say(Message::Snapshot(many()));
            driven
        }),
        Shown(|size| {
            let note = Some(Note::NoLaterProblem);
            let mut driven = replay(size.0, size.1, Playback { playing: false, note, ..playback() });
            driven.say(Message::Snapshot(wrong(fixture::store())));
            failed(driven, "traces.jsonl:4021: expected one request per line, found a part of one")
        }),
        Shown(|size| {
            let mut driven = replay(size.0, size.1, Playback { following: Some(7 << 20), ..Playback::default() });
            driven.say(Message::Snapshot(lossy(fixture::store())));
            driven
        }),
    ],
);

pub const FILTER: Line = (
    "filter",
    [
        Shown(|size| at(size, store()).keys("/")),
        Never("what it offers is on the screen already: nothing is asked for"),
        Shown(|size| at(size, store()).keys("/se")),
        Shown(|size| at(size, many()).keys("/service:orders-000 verdict:dropped,failed status>=400 service:\t\t")),
        Shown(|size| at(size, wrong(fixture::store())).keys("/servce:orders verdict:dropped\n")),
        Shown(|size| {
            let mut driven = lists::filtered(at(size, store()).keys("3"), "received:present");
            let page = TracePage { held: 100_000, searched: 12_400, ..lists::page(0, 200, 310) };
            lists::answered(&mut driven, page);
            driven.keys("/ verd")
        }),
    ],
);

pub const MENU: Line = (
    "menu",
    [
        Never("a menu without a choice does not open"),
        Never("its choices are there when it opens"),
        Shown(|size| at(size, store()).keys("jy")),
        Shown(|size| {
            let mut driven = at(size, store());
            driven.state.switches = sixty();
            driven.say(Message::Act(Action::Faults));
            driven.keys("9")
        }),
        Shown(|size| failed(at(size, wrong(fixture::store())).keys("js"), "cannot save: no space left on device")),
        Shown(|size| made::traces(size, store(), TracePage::default()).keys("y")),
    ],
);

pub const HELP: Line = (
    "help",
    [
        Never("it always has its keys to say"),
        Never("it is written already"),
        Shown(|size| at(size, store()).keys("?")),
        Shown(|size| {
            let mut driven = at(size, store());
            driven.state.log_path = format!("/var/{}jwtrail.log", "a-long-folder/".repeat(9));
            let view = |at: u8| SavedView {
                name: format!("a view that somebody saved under a long name {at}"),
                key: Some(Key::Code(KeyCode::F(at))),
                page: Page::Traces,
                filter: "callee:pay* verdict:failed,dropped status>=400 -route:/health".to_owned(),
                sort: None,
            };
            driven.state.typing.views = Arc::new((1..=12).map(view).collect());
            let mut driven = driven.keys("?");
            for _ in 0..30 {
                driven.press(KeyCode::PageDown);
            }
            driven
        }),
        Shown(|size| at(size, wrong(fixture::store())).keys("?")),
        Shown(|size| at(size, lossy(fixture::store())).keys("?jjjjj")),
    ],
);
