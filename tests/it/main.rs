//! One binary for all integration tests; the modules mirror `src`.

mod architecture;
mod check;
mod cli;
mod config;
mod engine;
mod report;
