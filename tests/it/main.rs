//! One test binary, its modules named like the ones they test.
// Helpers of tests are no tests in clippy's eyes, and should fail as loudly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod demo;
