//! The mouse in a terminal: a click selects what it hits, the wheel moves, dragging moves the graph.

use super::{holds, marked, replay, settle, time, wide};
use crate::pty::keys::table::Then;
use crate::terminal::Terminal;

/// The column and row of a text, counted from one as terminals do.
fn place(terminal: &Terminal, text: &str) -> (usize, usize) {
    let screen = terminal.text();
    let found = screen.lines().enumerate().find_map(|(row, line)| {
        let column = line[..line.find(text)?].chars().count();
        Some((column + 1, row + 1))
    });
    found.unwrap_or_else(|| panic!("no {text}\n{screen}"))
}

/// What a terminal sends for a button at a place.
fn button(code: u8, (column, row): (usize, usize)) -> String {
    format!("\u{1b}[<{code};{column};{row}M")
}

fn click(terminal: &mut Terminal, at: (usize, usize)) {
    terminal.press(&format!("{}\u{1b}[<0;{};{}m", button(0, at), at.0, at.1));
}

#[test]
fn clicks_and_the_wheel_over_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = replay(folder.path());
    let row = place(&terminal, "! orders → payment");
    click(&mut terminal, row);
    terminal.wait("the row selected", |screen| marked(screen).contains("! orders → payment"));
    terminal.wait_for("┌ orders → payment");
    terminal.press(&button(64, row));
    terminal.wait("the row above by the wheel", |screen| marked(screen).contains("◆ orders → payment"));
    terminal.press(&button(65, row));
    terminal.wait("the row below by the wheel", |screen| marked(screen).contains("! orders → payment"));
    let edge = place(&terminal, "✗─▸│ shipping");
    click(&mut terminal, edge);
    terminal.wait_for("┌ orders → shipping");
    terminal.wait_for("┌ ▸ Call graph");
    let node = place(&terminal, "│ payment │");
    click(&mut terminal, (node.0 + 3, node.1));
    terminal.wait_for("┌ payment ─");
    let bar = place(&terminal, "█▁▁█");
    click(&mut terminal, bar);
    terminal.wait("the start of the replay", |screen| time(screen) == "00:00.0");
    click(&mut terminal, (bar.0 + 20, bar.1));
    terminal.wait("the middle of it", |screen| !time(screen).is_empty() && time(screen) != "00:00.0");
    terminal.press("3");
    terminal.wait_for("start▾");
    let heading = place(&terminal, "hops  worst");
    click(&mut terminal, heading);
    terminal.wait_for("hops▾");
    terminal.press("\u{3}");
    assert!(terminal.ended().0.success());
}

#[test]
fn dragging_moves_the_graph() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = wide(folder.path());
    terminal.press(&button(0, (50, 15)));
    settle(&mut terminal);
    let grabbed = terminal.screen().clone();
    terminal.press(&button(32, (20, 15)));
    terminal.wait("the graph elsewhere", |screen| holds(Then::Pans, &grabbed, screen));
    terminal.press("\u{1b}[<0;20;15m");
    terminal.press("\u{3}");
    assert!(terminal.ended().0.success());
}
