//! Keys by the names that people write in `[keys]`, in any of the spellings that terminals' own settings use.

use crossterm::event::KeyCode;

use super::keymap::Key;
use crate::model::near::nearest;

/// Keys without a character, each with its names; the first one is offered where another is near it.
const NAMED: [(KeyCode, &[&str]); 14] = [
    (KeyCode::Enter, &["enter", "return"]),
    (KeyCode::Esc, &["esc", "escape"]),
    (KeyCode::Tab, &["tab"]),
    (KeyCode::Backspace, &["backspace"]),
    (KeyCode::Delete, &["delete", "del"]),
    (KeyCode::Insert, &["insert", "ins"]),
    (KeyCode::Home, &["home"]),
    (KeyCode::End, &["end"]),
    (KeyCode::PageUp, &["page-up", "pgup", "pageup"]),
    (KeyCode::PageDown, &["page-down", "pgdn", "pagedown", "pgdown"]),
    (KeyCode::Up, &["up"]),
    (KeyCode::Down, &["down"]),
    (KeyCode::Left, &["left"]),
    (KeyCode::Right, &["right"]),
];

/// Reads a key's name: `Q`, `ctrl-c`, `^c`, `shift-tab`, `F5`, `space`, `Up`. Case matters only for a single character.
pub fn read(name: &str) -> Result<Key, String> {
    let mut characters = name.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return if character.is_control() { Err(wrong(name)) } else { Ok(Key::Char(character)) };
    }
    let lower = name.to_ascii_lowercase();
    if let Some(rest) = after(&lower, &["ctrl-", "ctrl+", "control-", "c-", "^"]) {
        return control(rest).ok_or_else(|| wrong(name));
    }
    if let Some(rest) = after(&lower, &["shift-", "shift+", "s-"]) {
        return shifted(rest).ok_or_else(|| wrong(name));
    }
    if after(&lower, &["alt-", "alt+", "meta-", "m-"]).is_some() {
        return Err(format!("expected a key without Alt, found `{name}`: terminals send those as Esc and the key"));
    }
    if lower == "space" {
        return Ok(Key::Char(' '));
    }
    code(&lower).map(Key::Code).ok_or_else(|| wrong(name))
}

fn after<'a>(name: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).filter(|rest| !rest.is_empty())
}

/// Ctrl with a letter. A terminal sends the same byte for some of them and for keys with a name.
fn control(rest: &str) -> Option<Key> {
    let mut characters = rest.chars();
    let (character, None) = (characters.next()?, characters.next()) else {
        return (rest == "space").then_some(Key::Ctrl(' '));
    };
    match character {
        'i' => Some(Key::Code(KeyCode::Tab)),
        'm' => Some(Key::Code(KeyCode::Enter)),
        '[' => Some(Key::Code(KeyCode::Esc)),
        _ if character.is_ascii_graphic() => Some(Key::Ctrl(character)),
        _ => None,
    }
}

fn shifted(rest: &str) -> Option<Key> {
    let mut characters = rest.chars();
    if let (Some(character @ 'a'..='z'), None) = (characters.next(), characters.next()) {
        return Some(Key::Char(character.to_ascii_uppercase()));
    }
    Some(match code(rest)? {
        KeyCode::Tab => Key::Code(KeyCode::BackTab),
        other => Key::Shift(other),
    })
}

fn code(lower: &str) -> Option<KeyCode> {
    if let Some(number) = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMED.iter().find(|(_, names)| names.contains(&lower)).map(|(code, _)| *code)
}

fn wrong(name: &str) -> String {
    let (prefix, rest) = name.rsplit_once(['-', '+']).map_or(("", name), |(before, rest)| (before, rest));
    let names = NAMED.iter().flat_map(|(_, names)| names.iter().copied()).chain(["space"]);
    let whole = nearest(name, names.clone()).map(str::to_owned);
    let near = whole.or_else(|| {
        let known = ["ctrl", "shift"];
        let prefix = nearest(prefix, known)?;
        Some(format!("{prefix}-{}", nearest(rest, names).unwrap_or(rest)))
    });
    match near {
        Some(near) => format!("unknown key `{name}`: did you mean `{near}`?"),
        None => format!("unknown key `{name}`: expected one such as `Q`, `ctrl-c`, `shift-tab`, `F5`, `space` or `Up`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::{Keymap, written};
    use crate::tui::message::Action;

    #[test]
    fn keys_are_read_in_every_spelling() {
        let table = [
            ("Q", Key::Char('Q')),
            ("ctrl-c", Key::Ctrl('c')),
            ("Ctrl+X", Key::Ctrl('x')),
            ("^r", Key::Ctrl('r')),
            ("^", Key::Char('^')),
            ("shift-tab", Key::Code(KeyCode::BackTab)),
            ("shift-a", Key::Char('A')),
            ("Shift-Left", Key::Shift(KeyCode::Left)),
            ("F12", Key::Code(KeyCode::F(12))),
            ("space", Key::Char(' ')),
            ("Up", Key::Code(KeyCode::Up)),
            ("PgDn", Key::Code(KeyCode::PageDown)),
            ("ctrl-i", Key::Code(KeyCode::Tab)),
            ("注", Key::Char('注')),
        ];
        for (name, key) in table {
            assert_eq!(read(name), Ok(key), "{name}");
        }
    }

    #[test]
    fn what_the_help_writes_is_read_back() {
        let keymap = Keymap::default();
        for action in Action::ALL {
            for name in keymap.keys(*action) {
                let key = read(&name).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!((written(key), keymap.action(key)), (name, Some(*action)));
            }
        }
    }

    #[test]
    fn a_mistake_names_what_was_meant() {
        let error = |name| read(name).map_or_else(|error| error, written);
        assert_eq!(error("pgup-"), "unknown key `pgup-`: did you mean `pgup`?");
        assert_eq!(error("ctlr-c"), "unknown key `ctlr-c`: did you mean `ctrl-c`?");
        assert_eq!(error("spcae"), "unknown key `spcae`: did you mean `space`?");
        assert!(error("alt-x").starts_with("expected a key without Alt"), "{}", error("alt-x"));
        assert!(error("F99").contains("expected one such as"), "{}", error("F99"));
    }
}
