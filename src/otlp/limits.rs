//! How much receivers take at a time.

use std::time::Duration;

/// Largest request where nothing else is said, on the wire and unpacked, in bytes.
pub const MAX_REQUEST_BYTES: usize = 16 << 20;

/// Bounds of the receivers together. Each has a counter in [`Counters`](super::Counters) for what it turned away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Largest request, on the wire and unpacked, in bytes.
    pub request: usize,
    /// Bytes of requests in memory at the same time.
    pub in_flight: usize,
    /// Connections open at a time, over all ports.
    pub connections: usize,
    /// Requests open at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Largest head of a request, in bytes as HTTP/2 counts them: 32 more for each field than its name and value.
    pub head: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How long a TLS handshake, and then the head of a request, may take to arrive.
    pub head_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: MAX_REQUEST_BYTES,
            in_flight: 96 << 20,
            // Below the usual limit of open files.
            connections: 512,
            streams: 128,
            head: 16 << 10,
            body_time: Duration::from_secs(30),
            head_time: Duration::from_secs(30),
        }
    }
}
