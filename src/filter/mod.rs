//! One filter language for the screens, `check --where` and saved views.
//!
//! ```text
//! service:orders verdict:dropped,failed status>=400 -route:/health token:k3va since:5m (caller:gw* or callee:pay*)
//! ```
//!
//! Terms stand side by side and must all hold; `or`, `not` (or `-`) and parentheses do what they say; `and` may be
//! written. A term is a field, `:` (or `=`, `!=`, `<`, `<=`, `>`, `>=`) and values, any of which is enough; a word
//! without a field searches names. `*` and `?` stand for any characters and any one; quotes take them as they are. Case
//! never matters. The fields stand in [`FIELDS`], which the parser, its errors, the help and completion share.
//!
//! A filter asks [`Facts`], so that hops and the rows that sum them up answer the same questions. A hop knows all of
//! its own; a row may not, and answers [`Truth::Maybe`]: a row is hidden only where no hop of it can match.
//!
//! A filter is printed again, so a text that holds a raw token is refused, and its error does not show it.
//!
//! Nothing here knows the clock: the moment that `since:5m` counts from comes with the [`Context`].

mod complete;
mod error;
mod expr;
mod facts;
mod field;
mod help;
mod parse;
mod pattern;
mod raw;
mod rows;
mod sketch;
mod value;
mod when;

use std::fmt;
use std::str::FromStr;

use crate::model::{Hop, UnixNanos};

pub use complete::{Completion, complete};
pub use error::FilterError;
pub use facts::{Fact, Facts, Truth};
pub use field::{FIELDS, Field, FieldInfo, Kind};
pub use help::listing;
pub use parse::{MAX_DEPTH, MAX_LENGTH};
pub use rows::SeenToken;

use expr::Expr;

/// What a filter is asked against, beside the thing itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context {
    /// The moment that ages count from: the screen's own, or the end of the last span of a file.
    pub now: UnixNanos,
}

/// Whether a text holds what looks like a raw token: it is neither kept nor shown again.
pub fn holds_token(text: &str) -> bool {
    raw::find(text).is_some()
}

/// A parsed filter. Prints a form of itself that parses back to the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter(Expr);

impl Filter {
    /// Reads a filter; blank text is one that everything matches.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(Self)
    }

    /// Whether everything matches, because nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0 == Expr::All
    }

    /// Whether its answers stay the same while time goes by: it asks for no age.
    pub fn is_timeless(&self) -> bool {
        self.0.is_timeless()
    }

    /// What can be said of anything that answers for itself.
    pub fn ask(&self, facts: &dyn Facts, context: Context) -> Truth {
        self.0.ask(facts, context)
    }

    /// Whether a hop matches. A hop that lacks a value does not match a term that asks for it, so it matches the
    /// term's negation.
    pub fn matches(&self, hop: &Hop, context: Context) -> bool {
        self.ask(hop, context) == Truth::Yes
    }

    /// Whether a row is shown: not hidden for sure.
    pub fn shows(&self, row: &dyn Facts, context: Context) -> bool {
        self.ask(row, context) != Truth::No
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
