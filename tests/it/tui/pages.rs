//! The pages of tokens and services, and the screen before anything is seen.

pub(super) mod services;
mod start;
pub(super) mod tokens;

/// Sizes that people have.
const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];
