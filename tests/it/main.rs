//! One binary, a module for each of the crate's.

mod extract;
mod keys;
mod redact;
mod spans;
mod tags;
mod token;
