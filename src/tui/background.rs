//! Which colour the terminal's background has: asked once, by OSC 11, before the screen listens for keys.
//!
//! Not every terminal answers, and none must hold up the screen: after a short while it counts as one that does not. What
//! the user typed meanwhile is handed on, and an answer that comes too late is not taken for keys.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::theme::{DARK, LIGHT, Palette};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);
/// The question.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
/// How its answer begins.
const START: &[u8] = b"\x1b]11;";
/// Longest answer: `rgba:ffff/ffff/ffff/ffff` and its ends.
const LONGEST: usize = 64;

/// What came of asking.
pub(super) struct Asked {
    /// Colours that suit the background; `None` where the terminal did not say.
    pub palette: Option<Palette>,
    /// Keys that were pressed meanwhile.
    pub typed: Vec<KeyEvent>,
    /// What to do with an answer that comes later.
    pub late: Late,
}

/// Asks, and waits for a tenth of a second at most. The terminal must be raw, and nobody else may read from it meanwhile.
pub(super) fn ask() -> Asked {
    let mut bytes = Vec::new();
    let asked = exchange(&mut bytes);
    let Some((answer, rest)) = split(&bytes) else {
        // A terminal that cannot be written or read has not been asked.
        let late = if asked.is_ok() { Late::Waiting } else { Late::Over };
        return Asked { palette: None, typed: keys(&bytes), late };
    };
    let palette = colour(&answer).map(|rgb| if is_light(rgb) { LIGHT } else { DARK });
    Asked { palette, typed: keys(&rest), late: Late::Over }
}

fn exchange(bytes: &mut Vec<u8>) -> io::Result<()> {
    let stdin = io::stdin();
    // Where standard input is a file, keys come from the terminal itself, and so does the answer.
    let mut source =
        if stdin.is_terminal() { File::from(stdin.as_fd().try_clone_to_owned()?) } else { File::open("/dev/tty")? };
    let mut out = io::stdout();
    out.write_all(QUESTION)?;
    out.flush()?;
    let end = Instant::now() + PATIENCE;
    let mut chunk = [0; 256];
    while split(bytes).is_none() {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&source, PollFlags::IN)], Some(&left)) {
            Ok(0) => break,
            // A signal, such as of a window that changes its size: the answer is still to come.
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        // Raw mode: a read takes what is there and does not wait for more.
        let read = source.read(&mut chunk)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    Ok(())
}

/// The answer, and what stands before and behind it.
fn split(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let start = bytes.windows(START.len()).position(|window| window == START)?;
    let body = &bytes[start + START.len()..];
    let end = body.iter().take(LONGEST).position(|byte| matches!(byte, 0x07 | 0x1b))?;
    let after = match body[end..] {
        [0x07, ..] => end + 1,
        [0x1b, b'\\', ..] => end + 2,
        _ => return None,
    };
    let mut rest = bytes[..start].to_vec();
    rest.extend_from_slice(&body[after..]);
    Some((body[..end].to_vec(), rest))
}

/// `rgb:1e1e/1e1e/2e2e`, with one to four digits for each part.
fn colour(answer: &[u8]) -> Option<[f64; 3]> {
    let text = std::str::from_utf8(answer).ok()?;
    let mut parts = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?.split('/');
    let mut part = || {
        let digits = parts.next().filter(|digits| (1..=4).contains(&digits.len()))?;
        let most = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
        Some(f64::from(u32::from_str_radix(digits, 16).ok()?) / f64::from(most))
    };
    Some([part()?, part()?, part()?])
}

/// Whether black can be read on it better than white (WCAG 2: relative luminance).
fn is_light(rgb: [f64; 3]) -> bool {
    let [r, g, b] = rgb.map(|part| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
    0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179
}

/// Bytes as the keys that they stand for. Mouse reports and the like are left out.
fn keys(bytes: &[u8]) -> Vec<KeyEvent> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.chars().peekable();
    let mut keys = Vec::new();
    while let Some(first) = rest.next() {
        let (code, modifiers) = match first {
            '\u{1b}' if matches!(rest.peek(), Some('[' | 'O')) => {
                rest.next();
                let last = rest.by_ref().find(|c| matches!(c, '@'..='~'));
                let code = match last {
                    Some('A') => KeyCode::Up,
                    Some('B') => KeyCode::Down,
                    Some('C') => KeyCode::Right,
                    Some('D') => KeyCode::Left,
                    _ => continue,
                };
                (code, KeyModifiers::NONE)
            }
            '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
            '\r' => (KeyCode::Enter, KeyModifiers::NONE),
            '\t' => (KeyCode::Tab, KeyModifiers::NONE),
            '\u{7f}' | '\u{8}' => (KeyCode::Backspace, KeyModifiers::NONE),
            '\u{1}'..='\u{1a}' => (KeyCode::Char(char::from(first as u8 - 1 + b'a')), KeyModifiers::CONTROL),
            first if first.is_control() => continue,
            first => (KeyCode::Char(first), KeyModifiers::NONE),
        };
        keys.push(KeyEvent::new(code, modifiers));
    }
    keys
}

/// Takes an answer that comes too late out of the keys: to a reader of keys it looks like `Alt-]`, `1`, `1`, `;`, ….
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Late {
    /// None is expected.
    #[default]
    Over,
    /// It may come.
    Waiting,
    /// So many of its characters have come.
    Within(usize),
}

impl Late {
    /// Whether a key is a part of the answer.
    pub(super) fn takes(&mut self, key: KeyEvent) -> bool {
        let (next, part) = match (*self, key.code) {
            (Self::Waiting, KeyCode::Char(']')) if key.modifiers.contains(KeyModifiers::ALT) => (Self::Within(0), true),
            (Self::Waiting, _) => (Self::Waiting, false),
            (Self::Within(at), KeyCode::Char(c)) if key.modifiers.is_empty() && Self::fits(at, c) => {
                (Self::Within(at + 1), true)
            }
            // The end: BEL reads as Ctrl-G, ST as Alt-\.
            (Self::Within(_), KeyCode::Char('g' | '\\')) if !key.modifiers.is_empty() => (Self::Over, true),
            (Self::Within(_) | Self::Over, _) => (Self::Over, false),
        };
        *self = next;
        part
    }

    fn fits(at: usize, c: char) -> bool {
        match at {
            0 | 1 => c == '1',
            2 => c == ';',
            _ => at < LONGEST && (c.is_ascii_hexdigit() || matches!(c, 'r' | 'g' | ':' | '/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(keys: &[KeyEvent]) -> String {
        keys.iter().filter_map(|key| if let KeyCode::Char(c) = key.code { Some(c) } else { None }).collect()
    }

    #[test]
    fn an_answer_among_typed_keys_is_found_and_the_keys_stay() {
        for end in ["\u{7}", "\u{1b}\\"] {
            let bytes = format!("j\u{1b}]11;rgb:ffff/ffff/fafa{end}/x");
            let (answer, rest) = split(bytes.as_bytes()).expect("an answer");
            assert_eq!((colour(&answer).map(is_light), chars(&keys(&rest))), (Some(true), "j/x".to_owned()));
        }
        assert_eq!(split(b"\x1b]11;rgb:ffff/ff"), None, "half of it is none yet");
        assert_eq!(colour(b"rgb:1e/1e/2e").map(is_light), Some(false));
        assert_eq!(colour(b"rgb:0/0").map(is_light), None);
        assert_eq!(colour(b"what").map(is_light), None);
    }

    #[test]
    fn arrows_and_control_keys_are_read_as_such() {
        let read: Vec<KeyCode> = keys(b"\x1b[B\x1bOA\r\x03\x1b[<0;3;4M").iter().map(|key| key.code).collect();
        assert_eq!(read, [KeyCode::Down, KeyCode::Up, KeyCode::Enter, KeyCode::Char('c')]);
    }

    #[test]
    fn a_late_answer_is_no_key() {
        let mut late = Late::Waiting;
        assert!(!late.takes(KeyEvent::new(KeyCode::Char('b'), KeyModifiers::NONE)), "a key before it is a key");
        assert!(late.takes(KeyEvent::new(KeyCode::Char(']'), KeyModifiers::ALT)));
        for c in "11;rgb:1e1e/1e1e/1e1e".chars() {
            assert!(late.takes(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), "{c}");
        }
        assert!(late.takes(KeyEvent::new(KeyCode::Char('\\'), KeyModifiers::ALT)));
        assert!(!late.takes(KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE)));
        let mut late = Late::Within(0);
        assert!(!late.takes(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE)), "Alt-] by hand swallows nothing");
    }
}
