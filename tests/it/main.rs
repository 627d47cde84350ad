//! One binary, a module for each of the crate's.

mod extract;
mod token;
