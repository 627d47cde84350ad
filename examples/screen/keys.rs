//! Keys at random moments, each with a sign on the screen by which its answer is known from what comes anyway.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::terminal::Terminal;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest time between two keys.
const PAUSE: Duration = Duration::from_millis(120);

/// How long keys took.
#[derive(Default)]
pub(crate) struct Pressed {
    pub(crate) times: Vec<Duration>,
    pub(crate) by_kind: BTreeMap<&'static str, Vec<Duration>>,
    pub(crate) unanswered: Vec<String>,
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound.max(1)
    }
}

/// Presses keys until then.
pub(crate) fn press(terminal: &mut Terminal, end: Instant) -> anyhow::Result<Pressed> {
    let mut pressed = Pressed::default();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    while Instant::now() < end {
        let pause = u64::try_from(PAUSE.as_micros()).unwrap_or(0);
        terminal.rest(Duration::from_micros(dice.below(pause)))?;
        match dice.below(10) {
            0..5 => {
                let page = 1 + dice.below(5);
                if view(terminal.screen()) != Some(page) {
                    one(terminal, &mut pressed, "another page", &page.to_string(), |screen| {
                        view(screen) == Some(page)
                    })?;
                }
            }
            5..9 => {
                // The page of problems: its list moves by one row, and nothing else moves the mark.
                if view(terminal.screen()) != Some(2) {
                    one(terminal, &mut pressed, "another page", "2", |screen| view(screen) == Some(2))?;
                }
                for key in ["j", "k", "j", "k"] {
                    let before = mark(terminal.screen());
                    one(terminal, &mut pressed, "another row", key, |screen| mark(screen) != before)?;
                    terminal.rest(Duration::from_micros(dice.below(pause / 2)))?;
                }
            }
            _ => {
                one(terminal, &mut pressed, "help", "?", |screen| screen.contents().contains("─ Help"))?;
                terminal.rest(Duration::from_micros(dice.below(pause)))?;
                one(terminal, &mut pressed, "help closed", "?", |screen| !screen.contents().contains("─ Help"))?;
            }
        }
    }
    Ok(pressed)
}

fn one(
    terminal: &mut Terminal,
    pressed: &mut Pressed,
    kind: &'static str,
    key: &str,
    answered: impl Fn(&vt100::Screen) -> bool,
) -> anyhow::Result<()> {
    let at = terminal.press(key)?;
    match terminal.until(at + PATIENCE, answered)? {
        Some(seen) => {
            // What was read before the key was pressed and looked at after is no answer of any time.
            let time = seen.saturating_duration_since(at);
            pressed.times.push(time);
            pressed.by_kind.entry(kind).or_default().push(time);
        }
        None => pressed.unanswered.push(format!("{kind} ({key})")),
    }
    Ok(())
}

/// The view that the last line shows as chosen: its title has another colour than the others'.
fn view(screen: &vt100::Screen) -> Option<u64> {
    let (rows, columns) = screen.size();
    let last = u16::from(rows) - 1;
    let text: Vec<String> = (0..u16::from(columns))
        .map(|column| screen.cell(last, column).map_or_else(String::new, |cell| cell.contents().to_owned()))
        .collect();
    let colours = (1..=5_u64).map(|page| {
        let digit = page.to_string();
        let at =
            text.windows(2).position(|pair| matches!(pair, [a, b] if *a == digit && (b == " " || b.is_empty())))?;
        let cell = screen.cell(last, u16::try_from(at).ok()? + 2)?;
        Some((cell.fgcolor(), cell.bold()))
    });
    let colours = colours.collect::<Option<Vec<_>>>()?;
    let alone = |colour: &&(vt100::Color, bool)| colours.iter().filter(|other| other == colour).count() == 1;
    let chosen = colours.iter().find(alone)?;
    colours.iter().position(|colour| colour == chosen).map(|at| at as u64 + 1)
}

/// Where the mark of the selected row stands.
fn mark(screen: &vt100::Screen) -> Option<u16> {
    let (rows, columns) = screen.size();
    let marked = |row: &u16| {
        (0..u16::from(columns).min(4))
            .any(|column| screen.cell(*row, column).is_some_and(|cell| cell.contents() == "▌"))
    };
    (0..u16::from(rows)).find(marked)
}
