//! The fields, for people: one table in the help, the manual and on the screen.

use std::fmt::Write as _;

use super::field::{FIELDS, FieldInfo, Kind};

/// Columns of a line of the listing.
const WIDTH: usize = 80;

/// Columns of a name with its other names.
const NAMES: usize = 24;

/// Every field with its other names, what it means, and the values that it may have; a line end behind each line but
/// the last.
pub fn listing() -> String {
    let mut text = String::new();
    for row in FIELDS {
        let names = [&[row.name], row.aliases].concat().join(", ");
        let mut line = format!("  {names:<NAMES$} {}", row.help);
        if let Some(values) = values(row) {
            let _ = write!(line, ": {values}");
        }
        wrap(&line, &mut text);
    }
    text.truncate(text.trim_end().len());
    text
}

/// The names that a field may have, where the help does not explain each.
fn values(row: &FieldInfo) -> Option<String> {
    let names: Vec<&str> = row.choices().collect();
    if names.first().is_some_and(|name| row.help.starts_with(name)) {
        return None;
    }
    match row.kind {
        Kind::Ranked(_) => Some(names.join(" < ")),
        Kind::Choice(_) => Some(names.join(", ")),
        _ => None,
    }
}

fn wrap(line: &str, text: &mut String) {
    let indent = NAMES + 3;
    let (head, rest) = line.split_at(indent.min(line.len()));
    text.push_str(head);
    let mut column = head.len();
    for (index, word) in rest.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}
