//! Text on the user's clipboard by OSC 52, which works through ssh; wrapped for the multiplexers that stand between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text that are sent at most: as base64 they are 100,000, which is where terminals begin to drop it without a
/// word.
pub const LONGEST: usize = 74_994;

/// GNU screen drops a control string that is longer than 768 bytes.
const CHUNK: usize = 512;

/// Who stands between this program and the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Between {
    /// Nobody.
    #[default]
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Between {
    /// What the environment says; `var` reads a variable.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| var(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("TMUX").is_some() || term.starts_with("tmux") {
            Self::Tmux
        } else if set("STY").is_some() || term.starts_with("screen") {
            Self::Screen
        } else {
            Self::Nothing
        }
    }

    /// What must be set there for a copy to arrive, for people.
    pub const fn needs(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Tmux => " (tmux needs set-clipboard on)",
            Self::Screen => " (screen passes it on to a terminal that takes OSC 52)",
        }
    }
}

/// More than terminals take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected at most {LONGEST} bytes, found {0}: terminals drop more than that; save it instead")]
pub struct TooLong(pub usize);

/// The bytes that put a text on the clipboard.
pub fn sequence(text: &str, between: Between) -> Result<Vec<u8>, TooLong> {
    if text.len() > LONGEST {
        return Err(TooLong(text.len()));
    }
    let plain = format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text));
    Ok(match between {
        Between::Nothing => plain.into_bytes(),
        // Which of the two it takes is a matter of its settings; both put the same text there.
        Between::Tmux => {
            let doubled = plain.replace('\u{1b}', "\u{1b}\u{1b}");
            format!("{plain}\u{1b}Ptmux;{doubled}\u{1b}\\").into_bytes()
        }
        Between::Screen => {
            let mut out = Vec::with_capacity(plain.len() * 2);
            for chunk in plain.as_bytes().chunks(CHUNK) {
                out.extend_from_slice(b"\x1bP");
                out.extend_from_slice(chunk);
                out.extend_from_slice(b"\x1b\\");
            }
            out
        }
    })
}
