//! Texts with wildcards: `*` any characters, `?` any one. Case does not matter.

use std::fmt;

/// One piece of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// This character, folded when it is compared.
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
}

/// A text with wildcards.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Pattern(Vec<Piece>);

/// One way to write each character; the first of those that a capital turns into, on both sides alike.
fn fold(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

impl Pattern {
    /// Adds a character that stands for itself.
    pub(super) fn push(&mut self, c: char) {
        self.0.push(Piece::Char(c));
    }

    /// Adds `*`; one is as good as many.
    pub(super) fn push_many(&mut self) {
        if self.0.last() != Some(&Piece::Many) {
            self.0.push(Piece::Many);
        }
    }

    /// Adds `?`.
    pub(super) fn push_one(&mut self) {
        self.0.push(Piece::One);
    }

    /// A text that stands for itself.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(Piece::Char).collect())
    }

    /// Whether it is `*` alone: any value, as long as there is one.
    pub(super) fn is_any(&self) -> bool {
        self.0 == [Piece::Many]
    }

    /// The text, where it has no wildcard.
    pub(super) fn text(&self) -> Option<String> {
        let plain = |piece: &Piece| match piece {
            Piece::Char(c) => Some(*c),
            _ => None,
        };
        self.0.iter().map(plain).collect()
    }

    /// The same, anywhere in a text.
    pub(super) fn anywhere(self) -> Self {
        let mut within = Self(vec![Piece::Many]);
        for piece in self.0 {
            if piece == Piece::Many { within.push_many() } else { within.0.push(piece) }
        }
        within.push_many();
        within
    }

    /// What is searched for, of a pattern that fits anywhere.
    pub(super) fn searched(&self) -> Option<Self> {
        match &self.0[..] {
            [Piece::Many, within @ .., Piece::Many] if !within.is_empty() => Some(Self(within.to_vec())),
            _ => None,
        }
    }

    /// Whether the whole text fits.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.matches(text, false)
    }

    /// Whether the text begins so.
    pub(super) fn begins(&self, text: &str) -> bool {
        self.matches(text, true)
    }

    /// Goes back to the last `*` only, which is enough: what an earlier one could take, the last can take as well.
    fn matches(&self, text: &str, beginning: bool) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        let mut again: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let here = rest.clone();
            let next = rest.next();
            let fits = match (self.0.get(at), next) {
                (Some(Piece::Many), _) => {
                    again = Some((at + 1, here.clone()));
                    rest = here;
                    at += 1;
                    continue;
                }
                (None, None) => return true,
                (None, Some(_)) if beginning => return true,
                (Some(_), None) => return false,
                (Some(Piece::One), Some(_)) => true,
                (Some(Piece::Char(wanted)), Some(found)) => fold(*wanted) == fold(found),
                (None, Some(_)) => false,
            };
            if fits {
                at += 1;
                continue;
            }
            let Some((after, from)) = &mut again else { return false };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*after, from.clone());
        }
    }
}

/// Characters that end a value or open quotes, and those that would be read as something else at its beginning.
pub(super) fn is_special(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | ',' | '"')
}

/// Writes a text in quotes, as a value is read.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("\"\"");
        }
        let mut start = 0;
        while start < self.0.len() {
            let rest = &self.0[start..];
            let text: String =
                rest.iter().map_while(|piece| if let Piece::Char(c) = piece { Some(*c) } else { None }).collect();
            match &rest[0] {
                Piece::Many => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
                Piece::Char(_) => {
                    let wildcard = |c: char| matches!(c, '*' | '?');
                    let operator = start == 0 && text.starts_with([':', '=', '!', '<', '>']);
                    if operator || text.chars().any(|c| is_special(c) || wildcard(c)) {
                        quoted(&text, f)?;
                    } else {
                        f.write_str(&text)?;
                    }
                }
            }
            start += text.chars().count().max(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for c in text.chars() {
            match c {
                '*' => pattern.push_many(),
                '?' => pattern.push_one(),
                c => pattern.push(c),
            }
        }
        pattern
    }

    #[test]
    fn wildcards_stand_for_what_they_say() {
        let table = [
            ("orders", "Orders", true),
            ("orders", "orders-db", false),
            ("gw*", "gw", true),
            ("*db", "orders-db-db", true),
            ("*a*b", "xaxbxa", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("?", "", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("ÉTÉ*", "été 2026", true),
            ("*ab*ab", "abab", true),
            ("*aab", "aaab", true),
        ];
        for (wanted, text, fits) in table {
            assert_eq!(pattern(wanted).fits(text), fits, "{wanted} {text}");
        }
        assert!(pattern("4E").begins("4eca9a") && pattern("").begins("x") && !pattern("4ecb").begins("4eca"));
    }
}
