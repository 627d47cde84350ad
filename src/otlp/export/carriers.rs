//! What a span's carriers held, and which headers it captured.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};

use super::attributes::Attributes;
use crate::model::{Carried, CarriedValue, Span, TraceId};
use crate::otlp::redact::write::tags;
use crate::token::REDACTED;

/// Where the headers of each family of carriers are captured; cookies come in a header, queries in none.
const FAMILIES: [(&str, &str); 3] =
    [("header:", "http.request.header."), ("metadata:", "rpc.request.metadata."), ("message:", "messaging.header.")];

/// Writes carriers as tags beside masked headers, and the other headers that prove what was captured.
pub(super) fn write(trace: TraceId, span: &Span, out: &mut Attributes) {
    let captured = span.captured;
    let empty =
        |carrier: &Arc<str>| span.carried.iter().all(|c| c.carrier != *carrier || c.value == CarriedValue::Empty);
    // A captured header that is empty says so itself: a tag would say it in the service's own words.
    let bare =
        |carried: &&Carried| captured.carrier && attribute(&carried.carrier).is_some() && empty(&carried.carrier);
    let told: Vec<Carried> = span.carried.iter().filter(|carried| !bare(carried)).cloned().collect();
    let mut written = false;
    if captured.carrier {
        let mut names: Vec<&Arc<str>> = Vec::new();
        for carried in &span.carried {
            if !names.contains(&&carried.carrier) {
                names.push(&carried.carrier);
            }
        }
        for carrier in names {
            let held = if empty(carrier) { "" } else { REDACTED };
            written |= masked(carrier, held, out);
        }
        if !written {
            // A carrier was captured, and nothing is known of what it held.
            out.push("http.request.header.authorization", Any::BoolValue(false));
        }
    }
    out.extend(tags(&told));
    if captured.traceparent {
        let parent = span.parent_id().unwrap_or_default();
        let flags = if captured.unsampled_parent { "00" } else { "01" };
        list("http.request.header.traceparent", &format!("00-{trace}-{parent}-{flags}"), out);
    }
    let agent = span.user_agent.as_deref();
    match (captured.user_agent_or_host, agent) {
        (true, Some(agent)) => list("http.request.header.user-agent", agent, out),
        (true, None) => list("http.request.header.host", span.host.as_deref().unwrap_or_default(), out),
        (false, agent) => out.text("user_agent.original", agent.unwrap_or_default()),
    }
    if captured.any_header && !(captured.carrier || captured.traceparent || captured.user_agent_or_host) {
        list("http.request.header.x-other", "", out);
    }
}

fn attribute(carrier: &str) -> Option<String> {
    FAMILIES.iter().find_map(|(family, prefix)| carrier.strip_prefix(family).map(|name| format!("{prefix}{name}")))
}

/// A carrier's header with a mark in it; false for one that is no header of its own.
fn masked(carrier: &str, held: &str, out: &mut Attributes) -> bool {
    if let Some(key) = attribute(carrier) {
        list(&key, held, out);
    } else if let Some(name) = carrier.strip_prefix("cookie:") {
        list("http.request.header.cookie", &format!("{name}={REDACTED}"), out);
    } else {
        return false;
    }
    true
}

fn list(key: &str, text: &str, out: &mut Attributes) {
    let item = AnyValue { value: Some(Any::StringValue(text.to_owned())) };
    out.push(key, Any::ArrayValue(ArrayValue { values: vec![item] }));
}
