//! Bytes in, visits out: walkers, receivers, files.

mod server;
mod support;

mod access;
mod bounds;
mod buffer;
mod exporter;
mod files;
mod forms;
mod grpc;
mod http;
mod json;
mod live;
mod protobuf;
mod split;
mod tls;

pub(crate) use server::{gzip, zstd};
