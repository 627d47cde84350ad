//! What came in, by protocol, and over which connections: every loss is counted and shown.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of all receivers.
#[derive(Default, Debug)]
pub struct Counters {
    /// OTLP over gRPC.
    pub grpc: ProtocolCounters,
    /// OTLP over HTTP.
    pub http: ProtocolCounters,
    /// Connections, whatever is spoken over them.
    pub connections: ConnectionCounters,
}

impl Counters {
    /// The counters that exist once for each protocol, with its name.
    pub fn protocols(&self) -> [(&'static str, &ProtocolCounters); 2] {
        [("grpc", &self.grpc), ("http", &self.http)]
    }
}

/// One figure as `OpenMetrics` wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figure {
    /// Its name, without the program's prefix and without a unit's suffix.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Whether it also goes down.
    pub gauge: bool,
    /// Now.
    pub value: u64,
}

/// A struct of counters whose descriptions are both their documentation and what `/metrics` says of them.
macro_rules! counters {
    ($(#[$about:meta])* $type:ident { $($field:ident $(($gauge:ident))? as $name:literal: $help:literal,)* }) => {
        $(#[$about])*
        #[derive(Default, Debug)]
        pub struct $type {
            $(#[doc = concat!($help, ".")] pub $field: AtomicU64,)*
        }

        impl $type {
            /// Every figure, in a lasting order.
            pub fn each(&self) -> impl Iterator<Item = Figure> {
                [$(Figure {
                    name: $name,
                    help: $help,
                    gauge: false $(|| stringify!($gauge) == "gauge")?,
                    value: self.$field.load(Ordering::Relaxed),
                },)*].into_iter()
            }
        }
    };
}

counters! {
    /// Counters of one protocol; read without a lock, each by itself.
    ProtocolCounters {
        requests as "requests": "Export requests that were let in, of whatever outcome",
        bytes as "request_bytes": "Bytes of export requests, unpacked",
        spans as "spans": "Spans handed on to be judged",
        logs as "logs": "Log records handed on to be judged",
        rejected as "rejected_spans": "Spans that could not be taken, and were answered so",
        refused as "refused_requests": "Requests refused because the intake was full or closed",
        malformed as "malformed_requests": "Requests that could not be read",
        too_large as "too_large_requests": "Requests over the size limit, on the wire or unpacked",
        slow as "slow_requests": "Requests whose body did not arrive in time",
        large_heads as "large_head_requests": "Requests whose headers were over the size limit",
        unauthenticated as "unauthenticated_requests": "Requests without a secret that is known",
        forbidden_origins as "forbidden_origin_requests": "Requests of browser pages whose origin is not allowed",
    }
}

counters! {
    /// Counters of the connections of all receivers.
    ConnectionCounters {
        accepted as "connections": "Connections taken",
        open (gauge) as "connections_open": "Connections open now",
        waited as "connections_waited": "Connections that had to wait because as many as may be open were",
        idle_closed as "connections_idle_closed": "Connections without a request that gave their place to a new one",
        slow_closed as "connections_slow_closed": "Connections that waited for their sender and gave their place to a new one",
        silent as "connections_silent": "Connections that did not say in time what they speak",
        tls_failures as "tls_failures": "Connections whose TLS handshake failed or took too long",
    }
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_named_once_and_only_what_goes_down_is_a_gauge() {
        let counters = Counters::default();
        add(&counters.grpc.spans, 3);
        let protocol: Vec<Figure> = counters.grpc.each().collect();
        assert_eq!(protocol.iter().find(|figure| figure.name == "spans").map(|figure| figure.value), Some(3));
        let all: Vec<Figure> = protocol.into_iter().chain(counters.connections.each()).collect();
        let gauges: Vec<&str> = all.iter().filter(|figure| figure.gauge).map(|figure| figure.name).collect();
        assert_eq!(gauges, ["connections_open"]);
        let mut names: Vec<&str> = all.iter().map(|figure| figure.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }
}
