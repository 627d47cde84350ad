//! Bytes in, visits out: walkers, receivers, files.

mod support;

mod json;
mod protobuf;
