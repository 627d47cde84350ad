//! A user's own colours: the `[theme]` table of a TOML file.

use std::str::FromStr;

use ratatui::style::Color;
use toml::{Table, Value};

use super::palette::{DARK, Hue, PALETTES, Palette};

/// Why there is no such theme.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ThemeError {
    /// No theme of this name.
    #[error("expected a theme ({}), found `{found}`", names())]
    Name {
        /// What was asked for.
        found: String,
    },
    /// The file is no TOML.
    #[error("expected TOML, found {0}")]
    Syntax(String),
    /// The file holds no `[theme]`.
    #[error("expected a table `[theme]`, found none: its keys are {}", KEYS.join(", "))]
    NoTable,
    /// A key that themes do not have.
    #[error("[theme]: expected one of {}, found the key `{key}`", KEYS.join(", "))]
    Key {
        /// Which.
        key: String,
    },
    /// A value that is no colour, or no theme.
    #[error("[theme] {key}: expected {expected}, found {found}")]
    Value {
        /// Whose.
        key: String,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
}

const COLOUR: &str = "a colour (\"#e04f50\", \"red\", \"light-blue\" or a number from 0 to 255)";

/// Everything that `[theme]` may hold.
const KEYS: [&str; 12] = [
    "base",
    "intact",
    "originated",
    "exchanged",
    "dropped",
    "changed",
    "failed",
    "quiet",
    "focus",
    "tokens",
    "foreground",
    "background",
];

/// The names that there are, for people.
fn names() -> String {
    PALETTES.map(|palette| palette.name).join(", ")
}

/// The same, each by itself.
pub(super) fn each_name() -> impl Iterator<Item = &'static str> {
    PALETTES.iter().map(|palette| palette.name)
}

/// The set of this name.
pub(super) fn named(name: &str) -> Result<Palette, ThemeError> {
    let found = PALETTES.iter().find(|palette| palette.name == name);
    found.map(|palette| **palette).ok_or_else(|| ThemeError::Name { found: name.to_owned() })
}

/// The set that a file describes.
pub(super) fn read(text: &str) -> Result<Palette, ThemeError> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| {
        // Its own message spans lines; the first says what, the span says where.
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        ThemeError::Syntax(format!("{} in line {line}", error.message()))
    })?;
    let Some(Value::Table(table)) = file.get("theme") else { return Err(ThemeError::NoTable) };
    let mut palette = match table.get("base") {
        None => DARK,
        Some(Value::String(name)) => named(name).map_err(|_| wrong("base", names(), &Value::String(name.clone())))?,
        Some(other) => return Err(wrong("base", names(), other)),
    };
    palette.name = "own";
    for (key, value) in table {
        set(&mut palette, key, value)?;
    }
    Ok(palette)
}

fn set(palette: &mut Palette, key: &str, value: &Value) -> Result<(), ThemeError> {
    let place = match key {
        "base" => return Ok(()),
        "tokens" => return tokens(palette, value),
        "foreground" => palette.foreground.insert(DARK.quiet),
        "background" => palette.background.insert(DARK.quiet),
        "intact" => &mut palette.intact,
        "originated" => &mut palette.originated,
        "exchanged" => &mut palette.exchanged,
        "dropped" => &mut palette.dropped,
        "changed" => &mut palette.changed,
        "failed" => &mut palette.failed,
        "quiet" => &mut palette.quiet,
        "focus" => &mut palette.focus,
        _ => return Err(ThemeError::Key { key: key.to_owned() }),
    };
    *place = colour(value).ok_or_else(|| wrong(key, COLOUR.to_owned(), value))?;
    Ok(())
}

/// As many as are given, over and over.
fn tokens(palette: &mut Palette, value: &Value) -> Result<(), ThemeError> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| wrong("tokens", "a list of colours".to_owned(), value))?;
    let hues: Vec<Hue> = list
        .iter()
        .map(|value| colour(value).ok_or_else(|| wrong("tokens", COLOUR.to_owned(), value)))
        .collect::<Result<_, _>>()?;
    for (place, hue) in palette.tokens.iter_mut().zip(hues.iter().cycle()) {
        *place = *hue;
    }
    Ok(())
}

fn colour(value: &Value) -> Option<Hue> {
    let colour = match value {
        Value::Integer(at) => Color::Indexed(u8::try_from(*at).ok()?),
        Value::String(text) => Color::from_str(text.trim()).ok()?,
        _ => return None,
    };
    Some(Hue::of(colour))
}

fn wrong(key: &str, expected: String, found: &Value) -> ThemeError {
    let found = match found {
        Value::Table(_) => "a table".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        other => format!("`{}`", other.to_string().trim_matches('"')),
    };
    ThemeError::Value { key: key.to_owned(), expected, found }
}
