//! The README's pictures: the real program in a terminal of its own, with hands that press its keys.
//!
//! `cargo build --release && cargo run --example picture -- target/release/jwtrail assets`

#[path = "picture/terminal.rs"]
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jwtrail::tui::picture;
use ratatui::buffer::Buffer;

use terminal::Terminal;

/// A run with one fault in it, for the replay's picture.
const RUN: &str = "tests/data/runs/drop-in-fanout.jsonl";
/// The problem that the pictures look into.
const SHOWN: &str = "orders → shipping";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "expected the program and a folder: cargo run --example picture -- target/release/jwtrail assets";
    let (program, folder) = arguments.next().zip(arguments.next()).context(usage)?;
    let keep = |name: &str, buffer: &Buffer| write(&folder, name, &picture::svg(buffer, picture::Ground::DARK));
    nothing_yet(&program).and_then(|buffer| keep("nothing-yet", &buffer))?;
    replay(&program).and_then(|buffer| keep("replay", &buffer))?;
    let mut frames = Vec::new();
    for (name, buffer, seconds) in demo(&program)? {
        keep(name, &buffer)?;
        frames.push((buffer, Duration::from_secs_f32(seconds)));
    }
    write(&folder, "demo", &picture::animation(&frames))
}

fn write(folder: &Path, name: &str, svg: &str) -> anyhow::Result<()> {
    let path = folder.join(format!("{name}.svg"));
    fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))
}

/// The first screen with no span.
fn nothing_yet(program: &Path) -> anyhow::Result<Buffer> {
    let mut terminal = Terminal::start(program, &["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])?;
    terminal.wait_for("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    terminal.quit()
}

/// Saved traces.
fn replay(program: &Path) -> anyhow::Result<Buffer> {
    let mut terminal = Terminal::start(program, &["replay", RUN])?;
    terminal.wait_for("look at")?;
    terminal.press("{")?;
    terminal.quit()
}

/// The demo, view by view: each picture with its name and the seconds that it stays in the animation.
fn demo(program: &Path) -> anyhow::Result<Vec<(&'static str, Buffer, f32)>> {
    let mut terminal = Terminal::start(program, &["demo"])?;
    let faults = [SHOWN, "orders → stock", "orders → tracking", "cart → stock", "gateway → tracking"];
    terminal.wait("every fault", |text| faults.iter().all(|edge| text.contains(edge)))?;
    let mut shown = vec![("map", terminal.still(), 3.0)];
    terminal.press("g")?;
    terminal.press_until("j", |text| text.lines().any(|line| line.contains(&format!("▌✗ {SHOWN}"))))?;
    shown.push(("map", terminal.still(), 4.0));
    for (keys, wanted, name, seconds) in [
        ("2", "Problems", "problems", 3.0),
        ("3", "Traces", "traces", 2.5),
        ("/verdict:dropped callee:shipping\r", "filter", "filter", 3.0),
        ("\r", "gateway", "trace", 4.0),
        ("\u{1b}\u{1b}4", "Tokens", "tokens", 3.0),
        ("5", "Services", "services", 3.0),
        ("1?", "Help", "help", 2.5),
    ] {
        terminal.press(keys)?;
        terminal.wait_for(wanted)?;
        shown.push((name, terminal.still(), seconds));
    }
    terminal.press("?")?;
    terminal.quit()?;
    Ok(shown)
}
