//! One value of a term: read as its field wants it, compared, printed.

use std::fmt;

use super::Context;
use super::error::{Fault, shown};
use super::facts::Fact;
use super::field::{Field, FieldInfo, Kind};
use super::pattern::Pattern;
use super::when::When;

/// How a value is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Is,
    More,
    AtLeast,
    Less,
    AtMost,
}

impl Op {
    /// As it is written.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Is => ":",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }

    /// Whether `found` stands so to the range; one value is a range, too.
    fn holds<T: PartialOrd>(self, found: &T, low: &T, high: &T) -> bool {
        match self {
            Self::Is => low <= found && found <= high,
            Self::More => found > high,
            Self::AtLeast => found >= low,
            Self::Less => found < low,
            Self::AtMost => found <= high,
        }
    }
}

/// One value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// `*`: any, as long as there is one.
    Any,
    /// The whole text, or one of the field's names by a wildcard.
    Text(Pattern),
    /// The beginning of a text.
    Prefix(Pattern),
    /// From, to, both included.
    Number(u16, u16),
    /// The `n`th of the field's names.
    Nth(usize),
    /// A moment.
    When(When),
}

impl Value {
    /// Reads a value as the field wants it. `span` is where it stands.
    pub(super) fn read(row: &FieldInfo, pattern: Pattern, span: (usize, usize)) -> Result<Self, Fault> {
        let text = pattern.text();
        match row.kind {
            Kind::Time => match text.as_deref().and_then(When::read) {
                Some(when) => Ok(Self::When(when)),
                None => Err(Fault::new(
                    span,
                    format!(
                        "expected an age such as 5m or 1h30m, a time such as 2026-11-23T14:05:00Z, or a day, found `{}`",
                        shown(&pattern.to_string())
                    ),
                )),
            },
            _ if pattern.is_any() => Ok(Self::Any),
            Kind::Text => Ok(Self::Text(pattern)),
            Kind::Prefix => Ok(Self::Prefix(pattern)),
            Kind::Number => match text.as_deref().and_then(number) {
                Some((low, high)) if low <= high => Ok(Self::Number(low, high)),
                Some((low, high)) => {
                    Err(Fault::new(span, format!("expected a range from low to high, found `{low}..{high}`")))
                }
                None => Err(Fault::new(
                    span,
                    format!("expected a number, 4xx or 400..499, found `{}`", shown(&pattern.to_string())),
                )),
            },
            Kind::Choice(_) | Kind::Ranked(_) => choice(row, pattern, text.as_deref(), span),
        }
    }

    /// Whether it counts from now.
    pub(super) fn is_age(&self) -> bool {
        matches!(self, Self::When(When::Ago(_)))
    }

    /// Whether a fact of the field is what the value asks for.
    pub(super) fn holds(&self, field: Field, op: Op, fact: &Fact<'_>, context: Context) -> bool {
        match (self, fact) {
            (Self::Any, _) => true,
            (Self::Text(pattern), Fact::Text(text)) => pattern.fits(text),
            (Self::Prefix(pattern), Fact::Text(text)) => pattern.begins(text),
            (Self::Text(pattern), Fact::Nth(n)) => {
                field.info().choices().nth(*n).is_some_and(|name| pattern.fits(name))
            }
            (Self::Number(low, high), Fact::Number(number)) => op.holds(number, low, high),
            (Self::Nth(wanted), Fact::Nth(n)) => op.holds(n, wanted, wanted),
            (Self::When(when), Fact::Time(time)) => {
                let limit = when.seen_from(context.now);
                if field == Field::Until { *time <= limit } else { *time >= limit }
            }
            _ => false,
        }
    }

    /// Prints it as a value of the field.
    pub(super) fn print(&self, field: Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Text(pattern) | Self::Prefix(pattern) => write!(f, "{pattern}"),
            Self::Number(low, high) if low == high => write!(f, "{low}"),
            Self::Number(low, high) if low % 100 == 0 && *high == low + 99 && (1..=9).contains(&(low / 100)) => {
                write!(f, "{}xx", low / 100)
            }
            Self::Number(low, high) => write!(f, "{low}..{high}"),
            Self::Nth(n) => f.write_str(field.info().choices().nth(*n).unwrap_or_default()),
            Self::When(when) => write!(f, "{when}"),
        }
    }
}

/// `404`, `4xx`, `400..499`.
fn number(text: &str) -> Option<(u16, u16)> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    if let Some((low, high)) = text.split_once("..") {
        return Some((digits(low)?, digits(high)?));
    }
    match text.as_bytes() {
        [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => {
            let low = u16::from(class - b'0') * 100;
            Some((low, low + 99))
        }
        _ => digits(text).map(|number| (number, number)),
    }
}

fn choice(row: &FieldInfo, pattern: Pattern, text: Option<&str>, span: (usize, usize)) -> Result<Value, Fault> {
    let Some(text) = text else {
        if row.choices().any(|name| pattern.fits(name)) {
            return Ok(Value::Text(pattern));
        }
        let names: Vec<&str> = row.choices().collect();
        let message =
            format!("no {} is like `{}`: expected one of {}", row.name, shown(&pattern.to_string()), names.join(", "));
        return Err(Fault::new(span, message));
    };
    let written = text.replace(['-', ' '], "_");
    match row.choices().position(|name| name.eq_ignore_ascii_case(&written)) {
        Some(n) => Ok(Value::Nth(n)),
        None => Err(Fault::unknown(span, row.name, text, row.choices())),
    }
}
