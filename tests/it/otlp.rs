//! Bytes in, visits out: walkers, receivers, files.

mod server;
mod support;

mod buffer;
mod exporter;
mod files;
mod grpc;
mod http;
mod json;
mod live;
mod protobuf;
mod split;

pub(crate) use server::gzip;
