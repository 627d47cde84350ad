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

pub mod access;
pub mod admin;
mod connections;
pub mod counters;
pub mod forward;
mod grpc;
mod http;
mod intake;
mod limits;
mod port;
pub mod receivers;
pub mod record;
mod stack;
pub mod status;
mod stream;

pub use counters::{Counters, Figure};
pub use decode::{BatchBuilder, Decode, DecodeError, Encoding, Signal, VisitorDecoder};
pub use limits::{Limits, MAX_REQUEST_BYTES};
pub use receivers::{Addresses, BindError, Bound, Receivers, ServeError};
