//! Bytes in, visits out: walkers, receivers, files.

mod server;
mod support;

mod files;
mod grpc;
mod http;
mod json;
mod protobuf;
