//! One integration test binary that mirrors the modules.

mod tui;
