//! The one owner of the trail: takes batches, judges, answers queries, publishes snapshots.

pub mod snapshot;

pub use snapshot::{Losses, Snapshot, Totals};
