//! The judge, held to recorded runs with known truth and to its own invariants.

mod alike;
mod bounds;
mod checked;
mod evidence;
mod order;
mod policy;
mod refusals;
mod runs;
mod samples;
pub(crate) mod support;
mod tokens;
