//! Parse, run, exit status.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// The system's allocator costs about twice as much per span (small, short-lived values on several threads). Freed
/// memory is overwritten, whoever held it: the buffers of the transport and of its libraries hold raw tokens too.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    jwtrail::app::main()
}
