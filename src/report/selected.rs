//! Those hops of a source that a filter leaves.

use std::io;

use super::{EachTrace, HopSource};
use crate::filter::{Context, Filter};
use crate::model::Hop;

/// A source behind a filter.
pub struct Selected<'a> {
    source: &'a dyn HopSource,
    filter: &'a Filter,
    context: Context,
}

impl<'a> Selected<'a> {
    /// Takes the hops of `source` that match.
    pub fn new(source: &'a dyn HopSource, filter: &'a Filter, context: Context) -> Self {
        Self { source, filter, context }
    }
}

impl HopSource for Selected<'_> {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        self.walk_within(&mut |_, chosen| each(chosen))
    }

    fn walk_within(&self, each: &mut EachTrace<'_>) -> io::Result<()> {
        self.source.walk_within(&mut |trace, hops| {
            let chosen: Vec<Hop> = hops.iter().filter(|hop| self.filter.matches(hop, self.context)).cloned().collect();
            each(trace, &chosen)
        })
    }

    fn filter(&self) -> Option<String> {
        Some(self.filter.to_string())
    }
}
