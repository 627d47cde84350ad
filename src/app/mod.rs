//! One file for each command: each only wires source, engine and consumer.

pub mod demo;
