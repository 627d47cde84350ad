//! The only code that knows OTLP: receivers, walkers, file formats.

pub mod data;
pub mod decode;

pub mod dependencies;
pub mod files;
pub mod json;
pub mod protobuf;

pub mod export;
pub mod extract;
pub mod redact;

pub mod buffer;
pub mod compression;
pub mod pack;

pub mod admin;
mod connections;
pub mod counters;
mod grpc;
mod http;
mod intake;
pub mod receivers;
pub mod record;
pub mod status;

pub use counters::{Counters, Figure};
pub use decode::{BatchBuilder, Decode, DecodeError, Encoding, Signal, VisitorDecoder};
pub use intake::MAX_REQUEST_BYTES;
pub use receivers::{Addresses, BindError, Bound, Receivers, ServeError};
