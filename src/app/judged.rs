//! What came of files, in memory or on disk: sums, and hops to walk over.

use std::io;

use crate::model::{Hop, UnixNanos};
use crate::report::HopSource;
use crate::store::Kept;
use crate::trail::TrailStats;
use crate::trail::summary::Summary;

/// All traces, judged.
pub struct Judged(pub Kept);

impl Judged {
    /// Rows for a report, edges by caller and callee.
    pub fn summary(&mut self, now: UnixNanos) -> Summary {
        let mut summary = self.0.trail.summary(now);
        summary.edges.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        summary
    }

    /// Counters.
    pub fn stats(&self) -> TrailStats {
        self.0.trail.stats()
    }
}

impl HopSource for Judged {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        match &self.0.sorted {
            Some(sorted) => sorted.walk(&mut |_, hops| each(&hops)),
            None => self.0.trail.walk(each),
        }
    }
}
