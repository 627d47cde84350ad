//! What decoding leaves on the stack: registers are spilled there with pieces of tokens in them.

use std::hint::black_box;

/// Deeper than decoding goes, in bytes.
const DEPTH: usize = 64 << 10;

/// Overwrites the stack below the caller, which belongs to nobody any more.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "the stack is what it is for; threads have 2 MiB of it")]
pub(super) fn wipe() {
    let mut below = [0_u8; DEPTH];
    black_box(&mut below);
}
