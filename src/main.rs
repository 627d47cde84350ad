//! Parse, run, exit status.

use std::process::ExitCode;

/// The system's allocator costs about twice as much per span (small, short-lived values on several threads).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    jwtrail::app::main()
}
