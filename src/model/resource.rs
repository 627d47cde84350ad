//! The process that a span comes from (OpenTelemetry resource semantic conventions).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A service's identity: `(service.namespace, service.name)`, and for nameless ones the instance.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ServiceName {
    /// `service.namespace`, empty where not set.
    pub namespace: Arc<str>,
    /// `service.name`; `unknown_service…@INSTANCE` where none was set.
    pub name: Arc<str>,
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// What jwtrail keeps of a resource. One value per distinct resource, shared by its spans.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resource {
    /// Identity of the service; a missing or `unknown_service*` name is already told apart by instance here.
    pub service: ServiceName,
    /// Whether the service has no name of its own (missing or `unknown_service*`).
    pub nameless: bool,
    /// The process: `service.instance.id`, else host and pid, else a digest of the whole resource.
    pub instance: Arc<str>,
    /// `telemetry.sdk.language`, empty where not set.
    pub language: Arc<str>,
    /// `telemetry.sdk.name`, empty where not set (Envoy says `envoy`).
    pub sdk: Arc<str>,
    /// `host.name`, empty where not set.
    pub host: Arc<str>,
}
