//! One integration test binary that mirrors the modules.
//!
//! A property that fails writes its case to `tests/proptest-regressions`: commit it with the fix, it is tried first
//! from then on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy takes helpers of tests for no tests")]

mod architecture;
mod canary;
mod check;
mod cli;
mod config;
mod demo;
mod engine;
mod extract;
mod keys;
mod otlp;
mod pty;
mod redact;
mod remote_keys;
mod report;
mod spans;
mod spool;
mod suggest;
mod tags;
mod terminal;
mod token;
mod trail;
mod tui;
