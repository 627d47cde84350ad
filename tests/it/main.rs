//! One integration test binary that mirrors the modules.
//!
//! A property that fails writes its case to `tests/proptest-regressions`: commit it with the fix, it is tried first
//! from then on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy takes helpers of tests for no tests")]

mod architecture;
mod canary;
mod change_policy;
mod check;
mod check_live;
mod cli;
mod config;
mod demo;
mod demo_start;
mod engine;
mod examples;
mod export;
mod extract;
mod filter;
mod follow;
mod foreign;
mod formats;
mod forward;
mod graph;
mod guarded;
mod keys;
mod memory;
mod observe;
mod otlp;
mod preferences;
mod pty;
mod record;
mod redact;
mod redact_file;
mod remote_keys;
mod replay;
mod report;
mod reports;
mod serving;
mod shell;
mod spans;
mod spool;
mod suggest;
mod tags;
mod terminal;
mod token;
mod trail;
mod tui;
