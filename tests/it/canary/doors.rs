//! The doors of the screens: pages, menus, what is copied, saved, opened, typed, and what `doctor` says.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use crossterm::event::KeyCode;
use jwtrail::model::UnixNanos;
use jwtrail::otlp::export;
use jwtrail::tui::keymap::Key;
use jwtrail::tui::page;
use portable_pty::CommandBuilder;

use super::*;
use crate::terminal::Terminal as Pty;

fn engine() -> EngineHandle {
    let options = TrailOptions {
        assume_captured: false,
        settle: std::time::Duration::ZERO,
        memory: 1 << 30,
        spans_per_trace: 100,
    };
    let bounds = EngineOptions { intake_bytes: INTAKE_BYTES, memory: 1 << 30 };
    EngineHandle::start(
        Trail::new(Policy::default(), options),
        bounds,
        Arc::new(|| UnixNanos(1_790_000_100_000_000_000)),
    )
    .unwrap()
}

/// Answers what the page asks until it asks nothing new, then looks at it.
async fn look(state: &mut State, engine: &EngineHandle, place: &str) {
    for _ in 0..3 {
        for query in state.wants() {
            let answer = engine.asker().ask(query).await.unwrap();
            assert_clean(format!("{answer:?}").as_bytes(), place);
            update(state, Message::Answered(Arc::new(answer)));
        }
    }
    let buffer = view::picture(state);
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    terminal.draw(|frame| frame.buffer_mut().clone_from(&buffer)).unwrap();
    assert_clean(terminal.backend().to_string().as_bytes(), place);
    assert_clean(picture::svg(&buffer, picture::Ground::DARK).as_bytes(), place);
}

/// What each page shows and asks, row by row; what its menus would copy, save or open.
#[tokio::test]
async fn nothing_of_a_token_leaves_by_any_page() {
    let engine = engine();
    engine.intake().accept(extract(&shared(), &everywhere())).unwrap();
    engine.settle().await.unwrap();
    let snapshot = engine.snapshots().borrow().clone();
    let mut state = State { size: (160, 50), mode: Mode::Live, ..State::default() };
    update(&mut state, Message::Snapshot(snapshot));
    let views = [Action::ViewMap, Action::ViewProblems, Action::ViewTraces, Action::ViewTokens, Action::ViewServices];
    let mut taken = 0;
    for view in views {
        update(&mut state, Message::Act(view));
        for step in 0..6 {
            let place = format!("{} at row {step}", view.name());
            look(&mut state, &engine, &place).await;
            for action in [Action::Copy, Action::Save, Action::Open, Action::Policy, Action::CopySnippet] {
                update(&mut state, Message::Act(action));
                let menu = state.menu.take();
                let (shown, effects) = (format!("{menu:?}"), std::mem::take(&mut state.effects));
                taken += menu.map_or(0, |menu| menu.items.len()) + effects.len();
                assert_clean(shown.as_bytes(), &format!("a menu of {place}"));
                assert_clean(format!("{effects:?}").as_bytes(), &format!("what {} takes of {place}", action.name()));
            }
            update(&mut state, Message::Act(Action::Down));
        }
    }
    assert!(taken > 60, "{taken} things to take: the menus were not there");
    let ids = engine.keeper().trace_ids().unwrap();
    for id in &ids {
        page::trace::open(&mut state, *id);
        update(&mut state, Message::Act(Action::AllSpans));
        for step in 0..8 {
            let place = format!("a trace at line {step}");
            look(&mut state, &engine, &place).await;
            for action in [Action::Copy, Action::Save, Action::Open] {
                update(&mut state, Message::Act(action));
                let (menu, effects) = (state.menu.take(), std::mem::take(&mut state.effects));
                assert_clean(format!("{menu:?} {effects:?}").as_bytes(), &format!("what {} takes", action.name()));
            }
            update(&mut state, Message::Act(if step == 4 { Action::Twin } else { Action::Down }));
        }
    }
    let kept = engine.keeper().take(ids).unwrap();
    assert!(kept.traces.len() > 1);
    for view in &kept.traces {
        let lines = export::lines(view.id, view.spans.iter().map(|(_, span)| span), &view.logs);
        assert!(memchr::memmem::find(&lines, b"jwtrail.token").is_some(), "no token is told of");
        assert_clean(&lines, "a saved trace");
    }
    engine.shutdown().unwrap();
}

/// A token that is typed or pasted is neither offered again nor written anywhere.
#[test]
fn a_token_that_is_typed_is_kept_nowhere() {
    let mut state = State { size: (120, 40), ..State::default() };
    let token = token(1);
    for open in ['/', ':'] {
        for line in [token.clone(), format!("token:{token}"), format!("save-view {token}"), format!("trace {token}")] {
            update(&mut state, Message::Press(Key::Char(open)));
            update(&mut state, Message::Paste(line));
            update(&mut state, Message::Press(Key::Code(KeyCode::Enter)));
            update(&mut state, Message::Press(Key::Code(KeyCode::Esc)));
        }
    }
    assert!(state.prompt.is_none());
    assert_clean(format!("{state:?}").as_bytes(), "the state");
}

#[test]
fn nothing_of_a_token_comes_out_of_doctor_or_any_report() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!("{}\n{}\n", serde_json::to_string(&everywhere()).unwrap(), logs());
    std::fs::write(folder.path().join("lines.jsonl"), lines).unwrap();
    for args in [
        ["doctor", "lines.jsonl", "--format", "text"],
        ["doctor", "lines.jsonl", "--format", "json"],
        ["check", "lines.jsonl", "--format", "markdown"],
        ["check", "lines.jsonl", "--format", "sarif"],
        ["check", "lines.jsonl", "--format", "junit"],
        ["check", "lines.jsonl", "--format", "github"],
        ["graph", "lines.jsonl", "--format", "svg"],
    ] {
        let output = jwtrail(folder.path(), &args).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("orders"), "{args:?}: {shown}{}", String::from_utf8_lossy(&output.stderr));
        assert_clean(&output.stdout, &format!("{args:?}"));
        assert_clean(&output.stderr, &format!("{args:?}"));
    }
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What was put on the clipboard by OSC 52.
fn copied(written: &[u8]) -> Vec<u8> {
    let start = memchr::memmem::find(written, b"\x1b]52;c;").expect("OSC 52") + 7;
    let end = start + written[start..].iter().position(|byte| *byte == 7).expect("its end");
    base64::engine::general_purpose::STANDARD.decode(&written[start..end]).expect("base64")
}

/// The program over a file, everything that it keeps within one folder.
fn replaying(lines: &std::path::Path, folder: &std::path::Path, pager: &std::path::Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(["replay", "--speed", "max"]);
    command.arg(lines);
    command.env_clear();
    command.cwd(folder);
    for (name, place) in [("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config"), ("TMPDIR", "tmp")] {
        command.env(name, folder.join(place));
    }
    command.env("PAGER", pager);
    command.env("TERM", "xterm-256color");
    command.env("JWTRAIL_LOG", "trace");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// The real program: what it saves, opens, copies, and keeps of what is typed.
#[test]
fn nothing_of_a_token_is_left_behind_by_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let input = tempfile::tempdir().unwrap();
    let lines = format!("{}\n{}\n", serde_json::to_string(&everywhere()).unwrap(), logs());
    std::fs::write(input.path().join("lines.jsonl"), lines).unwrap();
    let (pager, temporary) = (input.path().join("pager.sh"), folder.path().join("tmp"));
    std::fs::create_dir(&temporary).unwrap();
    std::fs::write(&pager, "#!/bin/sh\nstat -c %a \"$1\" > mode\ncp \"$1\" opened\n").unwrap();
    std::fs::set_permissions(&pager, std::fs::Permissions::from_mode(0o755)).unwrap();
    let command = replaying(&input.path().join("lines.jsonl"), folder.path(), &pager);
    let mut terminal = Pty::start(command, 120, 40);
    terminal.wait_for("Problems");
    for (key, said) in
        [("t", "saved 2 traces"), ("m", "saved to"), ("p", "saved to jwtrail-map"), ("r", "saved the report")]
    {
        terminal.press("s");
        terminal.wait_for("Save to the working directory");
        terminal.press(key);
        terminal.wait_for(said);
    }
    assert_clean(terminal.written(), "the terminal");
    terminal.press("y");
    terminal.wait_for("as Markdown, for an issue");
    terminal.press("m");
    terminal.wait_for("copied the problem");
    let copied = copied(terminal.written());
    assert!(copied.starts_with(b"### "), "{}", String::from_utf8_lossy(&copied));
    assert_clean(&copied, "the clipboard");
    terminal.press("E");
    let opened = || std::fs::read(folder.path().join("opened")).is_ok_and(|text| !text.is_empty());
    terminal.wait("the screen again", |screen| screen.alternate_screen() && opened());

    terminal.press("i");
    terminal.wait_for("reason: ");
    terminal.press(&format!("known: {}\r", token(1)));
    terminal.wait_for("expected why this is accepted, found a token: leave it out");
    terminal.press("\u{3}");
    terminal.press(&format!("/token:{}\r", token(1)));
    terminal.wait_for("token");
    terminal.press("\u{3}");
    terminal.press(":service orders\r");
    terminal.press("\u{3}");
    let (status, _) = terminal.ended();
    assert!(status.success(), "{status}");
    let all = files(folder.path());
    let named = |end: &str| all.iter().any(|path| path.to_string_lossy().ends_with(end));
    assert!([".jsonl", ".md", ".svg", "history", "jwtrail.log"].into_iter().all(named), "{all:?}");
    assert!(!named("jwtrail.toml"), "a policy was written");
    for path in &all {
        assert_clean(&std::fs::read(path).unwrap(), &path.display().to_string());
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("mode")).unwrap().trim(), "600");
    assert!(files(&temporary).is_empty(), "what the pager was given is still there");
}
