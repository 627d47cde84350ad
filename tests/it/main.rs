//! One integration test binary that mirrors the modules.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy takes helpers of tests for no tests")]

mod architecture;
mod check;
mod cli;
mod config;
mod demo;
mod engine;
mod extract;
mod keys;
mod otlp;
mod redact;
mod remote_keys;
mod report;
mod spans;
mod tags;
mod token;
mod trail;
mod tui;
