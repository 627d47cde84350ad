//! The only code that knows OTLP: receivers, walkers, file formats.

pub mod data;
pub mod decode;

pub mod json;
pub mod protobuf;
