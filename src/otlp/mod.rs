//! The only code that knows OTLP: receivers, walkers, file formats.

pub mod data;
pub mod extract;
pub mod redact;
