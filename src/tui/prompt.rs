//! The line that is typed into: a filter, a command, a reason.

use crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation;

use super::effect::PolicyEdit;
use super::keymap::Key;
use super::typing::Aid;

/// Longest line, in bytes: each key looks at all of it, and whole files are pasted by mistake.
pub const LONGEST: usize = 4_096;

/// What is typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A filter.
    Filter,
    /// A command.
    Command,
    /// Why a problem is ignored; the edit's own reason is still empty.
    Reason(PolicyEdit),
}

impl Purpose {
    /// What stands before the text.
    pub const fn sign(&self) -> &'static str {
        match self {
            Self::Filter => "/",
            Self::Command => ":",
            Self::Reason(_) => "reason: ",
        }
    }
}

/// The line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prompt {
    /// What it is for.
    pub purpose: Purpose,
    /// What was typed.
    pub text: String,
    /// Where the next character goes, in bytes; always between graphemes.
    pub cursor: usize,
    /// What is wrong with it, if anything.
    pub error: Option<String>,
    /// Completion, history, and where it is wrong.
    pub aid: Aid,
}

/// What a key did to the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Typed {
    /// The text may have changed.
    On,
    /// It is done.
    Entered,
    /// It was left.
    Left,
}

impl Prompt {
    /// A line with this text, the cursor behind it.
    pub fn new(purpose: Purpose, text: String) -> Self {
        Self { purpose, cursor: text.len(), text, error: None, aid: Aid::default() }
    }

    /// Puts text at the cursor; what is no printable character is left out, and what is beyond the longest line.
    pub fn insert(&mut self, text: &str) {
        let mut room = LONGEST.saturating_sub(self.text.len());
        let fits = |character: &char| {
            let left = room.checked_sub(character.len_utf8());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let text: String = text.chars().filter(|character| !character.is_control()).take_while(fits).collect();
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
    }

    /// A key, edited as shells do.
    pub fn press(&mut self, key: Key) -> Typed {
        match key {
            Key::Char(character) => self.insert(character.encode_utf8(&mut [0; 4])),
            Key::Code(KeyCode::Enter) => return Typed::Entered,
            Key::Code(KeyCode::Esc) | Key::Ctrl('c') => return Typed::Left,
            Key::Code(KeyCode::Backspace) | Key::Ctrl('h') => {
                if self.text.is_empty() {
                    return Typed::Left;
                }
                self.delete(self.before(), self.cursor);
            }
            Key::Code(KeyCode::Delete) | Key::Ctrl('d') => self.delete(self.cursor, self.after()),
            Key::Code(KeyCode::Left) | Key::Ctrl('b') => self.cursor = self.before(),
            Key::Code(KeyCode::Right) | Key::Ctrl('f') => self.cursor = self.after(),
            Key::Code(KeyCode::Home) | Key::Ctrl('a') => self.cursor = 0,
            Key::Code(KeyCode::End) | Key::Ctrl('e') => self.cursor = self.text.len(),
            Key::Ctrl('u') => self.delete(0, self.cursor),
            Key::Ctrl('k') => self.delete(self.cursor, self.text.len()),
            Key::Ctrl('w') => {
                let kept = self.text[..self.cursor].trim_end();
                let start = kept.rfind(' ').map_or(0, |at| at + 1);
                self.delete(start, self.cursor);
            }
            _ => {}
        }
        Typed::On
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |first| self.cursor + first.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_edited_between_graphemes() {
        let mut prompt = Prompt::new(Purpose::Filter, "café e\u{301}".to_owned());
        prompt.press(Key::Code(KeyCode::Backspace));
        assert_eq!(prompt.text, "café ");
        prompt.press(Key::Ctrl('w'));
        assert_eq!((prompt.text.as_str(), prompt.cursor), ("", 0));
        prompt.insert("a\u{1b}[2Jb\n");
        assert_eq!(prompt.text, "a[2Jb", "what is pasted brings no control characters along");
        let mut long = Prompt::new(Purpose::Filter, String::new());
        long.insert(&"é".repeat(LONGEST));
        long.press(Key::Char('x'));
        assert_eq!((long.text.len(), long.text.contains('x')), (LONGEST, false), "a file pasted by mistake");
        prompt.press(Key::Code(KeyCode::Home));
        prompt.press(Key::Code(KeyCode::Delete));
        assert_eq!(prompt.text, "[2Jb");
        assert_eq!(prompt.press(Key::Code(KeyCode::Esc)), Typed::Left);
    }
}
