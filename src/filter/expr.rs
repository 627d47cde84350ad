//! A filter as a tree: evaluated in three values, printed as it parses.

use std::fmt;

use super::Context;
use super::facts::{Facts, Truth};
use super::field::Field;
use super::pattern::{Pattern, is_special};
use super::value::{Op, Value};

/// One field asked for one or more values, any of which is enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Term {
    pub(super) field: Field,
    pub(super) op: Op,
    pub(super) values: Vec<Value>,
}

/// A filter. `And` holds no `And` and `Or` no `Or`; both hold at least two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Expr {
    /// Nothing is asked.
    All,
    Term(Term),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl Expr {
    /// All of them; one stands for itself.
    pub(super) fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            if let Self::And(inner) = part { flat.extend(inner) } else { flat.push(part) }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::And(flat) }
    }

    /// Any of them; one stands for itself.
    pub(super) fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            if let Self::Or(inner) = part { flat.extend(inner) } else { flat.push(part) }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Or(flat) }
    }

    /// Whether no term of it counts from now.
    pub(super) fn is_timeless(&self) -> bool {
        match self {
            Self::All => true,
            Self::Term(Term { values, .. }) => !values.iter().any(Value::is_age),
            Self::Not(inner) => inner.is_timeless(),
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::is_timeless),
        }
    }

    /// What can be said (Kleene's logic: one no settles an `and`, one yes an `or`).
    pub(super) fn ask(&self, facts: &dyn Facts, context: Context) -> Truth {
        match self {
            Self::All => Truth::Yes,
            Self::Term(Term { field, op, values }) => {
                facts.ask(*field, &mut |fact| values.iter().any(|value| value.holds(*field, *op, &fact, context)))
            }
            Self::Not(inner) => !inner.ask(facts, context),
            Self::And(parts) => {
                let mut all = Truth::Yes;
                for part in parts {
                    all = all.min(part.ask(facts, context));
                    if all == Truth::No {
                        break;
                    }
                }
                all
            }
            Self::Or(parts) => {
                let mut any = Truth::No;
                for part in parts {
                    any = any.max(part.ask(facts, context));
                    if any == Truth::Yes {
                        break;
                    }
                }
                any
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |parts: &[Self], with: &str, f: &mut fmt::Formatter<'_>| {
            parts.iter().enumerate().try_for_each(|(index, part)| {
                f.write_str(if index == 0 { "" } else { with })?;
                match (self, part) {
                    (Self::And(_), Self::Or(_)) => write!(f, "({part})"),
                    _ => write!(f, "{part}"),
                }
            })
        };
        match self {
            Self::All => Ok(()),
            Self::Term(term) => term.fmt(f),
            Self::Not(inner) if matches!(**inner, Self::And(_) | Self::Or(_)) => write!(f, "-({inner})"),
            Self::Not(inner) => write!(f, "-{inner}"),
            Self::And(parts) => joined(parts, " ", f),
            Self::Or(parts) => joined(parts, " or ", f),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(words) = self.bare() {
            return f.write_str(&words.join(","));
        }
        write!(f, "{}{}", self.field.info().name, self.op.text())?;
        self.values.iter().enumerate().try_for_each(|(index, value)| {
            f.write_str(if index == 0 { "" } else { "," })?;
            value.print(self.field, f)
        })
    }
}

impl Term {
    /// The words that search names, where the term does no more than that.
    fn bare(&self) -> Option<Vec<String>> {
        if self.field != Field::Name || self.op != Op::Is {
            return None;
        }
        let words = self.values.iter().map(|value| match value {
            Value::Text(pattern) => word(&pattern.searched()?),
            _ => None,
        });
        words.collect()
    }
}

/// The word as it is typed to search for it; `None` where it only can be written behind its field.
fn word(pattern: &Pattern) -> Option<String> {
    let text = pattern.text()?;
    let operator = |c: char| matches!(c, ':' | '=' | '!' | '<' | '>');
    let plain = !text.starts_with('-')
        && !["and", "or", "not"].iter().any(|keyword| keyword.eq_ignore_ascii_case(&text))
        && !text.chars().any(|c| operator(c) || is_special(c) || matches!(c, '*' | '?'));
    if plain {
        return Some(text);
    }
    let printed = pattern.to_string();
    printed.starts_with('"').then_some(printed)
}
