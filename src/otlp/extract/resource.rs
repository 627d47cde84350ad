//! The process that spans come from, and how nameless ones are told apart (shapes.md, "names").

use std::sync::Arc;

use aws_lc_rs::digest;

use super::fields::{number, text};
use super::names::Names;
use super::text::capped;
use crate::model::{Resource, ServiceName};
use crate::otlp::data::{Attributes, Value};
use crate::token::{Shared, TagKey};

const LONGEST: usize = 128;

/// Tells processes apart as [`Resource::instance`] does, written down where the attributes are about to change.
pub(crate) const INSTANCE: &str = "jwtrail.resource.instance";

/// Reads a resource. Equal attributes give equal resources, whatever the process or the run.
pub(super) fn read(attributes: &Attributes<'_>, shared: &Shared, names: &mut Names) -> Resource {
    let find = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let mut name_of = |key: &str| {
        let value = find(key).and_then(text).map_or("", str::trim);
        names.get(capped(&shared.scrub(value), LONGEST))
    };
    let (namespace, name) = (name_of("service.namespace"), name_of("service.name"));
    let (host, instance_id) = (name_of("host.name"), name_of("service.instance.id"));
    let (language, sdk) = (name_of("telemetry.sdk.language"), name_of("telemetry.sdk.name"));
    let told = name_of(INSTANCE);
    let pid = find("process.pid").and_then(number);
    let instance = match (instance_id.is_empty(), pid) {
        (false, _) => Arc::clone(&instance_id),
        (true, Some(pid)) => names.get(&format!("{host}/{pid}")),
        (true, None) if !told.is_empty() => told,
        (true, None) => names.get(&digest_of(attributes)),
    };
    let nameless = name.is_empty() || name.starts_with("unknown_service");
    let name = if nameless {
        let base = if name.is_empty() { "unknown_service" } else { &name };
        let told_apart_by = match (instance_id.is_empty(), pid, host.is_empty()) {
            (false, ..) => instance_id.to_string(),
            (true, Some(pid), _) => pid.to_string(),
            (true, None, false) => host.to_string(),
            (true, None, true) => instance.to_string(),
        };
        names.get(&format!("{base}@{told_apart_by}"))
    } else {
        name
    };
    Resource { service: ServiceName { namespace, name }, nameless, instance, language, sdk, host }
}

/// The instance of a process that nothing tells from others but all of its attributes together.
pub(crate) fn instance_by_attributes(attributes: &Attributes<'_>) -> Option<String> {
    let find = |key: &str| attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let says = |key: &str| find(key).and_then(text).is_some_and(|text| !text.trim().is_empty());
    let known = says("service.instance.id") || says(INSTANCE) || find("process.pid").and_then(number).is_some();
    (!known).then(|| digest_of(attributes))
}

/// A keyed hash of a resource as sent: finds the one that was read before.
pub(super) fn key_of(attributes: &Attributes<'_>, shared: &Shared) -> TagKey {
    let mut builder = shared.wide_key();
    feed(attributes, &mut |bytes| builder.add(0, bytes));
    builder.finish()
}

/// Eight hex digits of SHA-256 over the attributes in the order of their keys.
fn digest_of(attributes: &Attributes<'_>) -> String {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut context = digest::Context::new(&digest::SHA256);
    for (key, value) in sorted {
        context.update(key.as_bytes());
        feed_value(value, &mut |bytes| {
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        });
    }
    let hash = context.finish();
    let mut first = [0_u8; 4];
    first.copy_from_slice(&hash.as_ref()[..4]);
    format!("{:08x}", u32::from_be_bytes(first))
}

fn feed(attributes: &Attributes<'_>, sink: &mut dyn FnMut(&[u8])) {
    for (key, value) in attributes {
        sink(key.as_bytes());
        feed_value(value, sink);
    }
}

fn feed_value(value: &Value<'_>, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Empty => sink(b"e"),
        Value::Str(text) => sink(text.as_bytes()),
        Value::Bool(flag) => sink(&[u8::from(*flag)]),
        Value::Int(number) => sink(&number.to_le_bytes()),
        Value::Double(number) => sink(&number.to_bits().to_le_bytes()),
        Value::Bytes(bytes) => sink(bytes),
        Value::Array(items) => items.iter().for_each(|item| feed_value(item, sink)),
        Value::Map(entries) => feed(entries, sink),
    }
}
