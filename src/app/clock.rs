//! The one place that asks for the time of day.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::Clock;
use crate::model::UnixNanos;

/// The wall clock.
pub fn system() -> Clock {
    Arc::new(now)
}

/// Now, by the wall clock.
#[expect(clippy::disallowed_methods, reason = "the one place where the time of day comes in")]
pub fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
