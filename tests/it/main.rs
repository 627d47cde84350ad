//! One integration test binary that mirrors the modules.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy takes helpers of tests for no tests")]

mod otlp;
