//! What a request is for, where that alone tells that no token is expected (verdicts.md section 8).

use std::borrow::Cow;

use crate::model::Span;

/// The purpose of a request as far as it excuses a missing or different token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nature {
    /// Nothing special.
    Ordinary,
    /// A message: exempt unless a carrier was ever seen on its destination.
    Message,
    /// CORS preflight.
    Preflight,
    /// OAuth token endpoint (RFC 6749 section 3.2).
    TokenEndpoint,
    /// Token introspection (RFC 7662).
    Introspection,
    /// Discovery, JWKS, authorize, revocation, userinfo.
    IdentityProvider,
    /// Health, readiness, metrics, actuator, probes.
    Health,
    /// Telemetry export.
    Telemetry,
    /// Instance metadata of a cloud.
    InstanceMetadata,
    /// An AWS API, signed in its own way.
    AwsApi,
    /// A database or cache.
    Database,
    /// Name lookups and connection spans: no request at all.
    Connection,
}

impl Nature {
    /// Whether section 8 excuses this request by nature; messages are decided with the profile.
    pub fn exempt(self) -> bool {
        !matches!(self, Self::Ordinary | Self::Message)
    }

    /// Whether such a span can call a service at all.
    pub fn calls_nobody(self) -> bool {
        matches!(self, Self::Database | Self::Connection)
    }

    /// Reads it off a span.
    pub fn of(span: &Span) -> Self {
        if is_connection(span) {
            return Self::Connection;
        }
        if span.db_system.is_some() {
            return Self::Database;
        }
        if let Some(nature) = span.rpc_system.as_deref().and_then(|system| of_rpc(span, system)) {
            return nature;
        }
        if span.method.as_deref() == Some("OPTIONS") {
            return Self::Preflight;
        }
        if span.host.as_deref().is_some_and(|host| METADATA_HOSTS.contains(&host)) {
            return Self::InstanceMetadata;
        }
        if span.user_agent.as_deref().is_some_and(is_probe) {
            return Self::Health;
        }
        let path = span.path.as_deref().or(span.route.as_deref());
        if let Some(nature) = path.and_then(|path| of_path(path, span.method.as_deref())) {
            return nature;
        }
        if span.messaging_system.is_some() { Self::Message } else { Self::Ordinary }
    }
}

const METADATA_HOSTS: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "metadata.google.internal", "100.100.100.200", "fd00:ec2::254"];

const PROBES: [&str; 8] = [
    "kube-probe/",
    "elb-healthchecker/",
    "googlehc/",
    "prometheus/",
    "consul health check",
    "envoy/hc",
    "blackbox exporter",
    "amazon-route53-health",
];

fn is_probe(user_agent: &str) -> bool {
    PROBES.iter().any(|probe| user_agent.get(..probe.len()).is_some_and(|head| head.eq_ignore_ascii_case(probe)))
}

fn is_connection(span: &Span) -> bool {
    const NAMES: [&str; 6] = ["dns.lookup", "tcp.connect", "tls.connect", "ipc.connect", "connect", "kong.dns"];
    const SCOPES: [&str; 3] = ["instrumentation-dns", "instrumentation-net", "otelhttptrace"];
    span.method.is_none()
        && span.rpc_system.is_none()
        && span.messaging_system.is_none()
        && (NAMES.contains(&&*span.name) || SCOPES.iter().any(|scope| span.scope.ends_with(scope)))
}

fn of_rpc(span: &Span, system: &str) -> Option<Nature> {
    if system == "aws-api" {
        return Some(Nature::AwsApi);
    }
    let service = span.rpc_service.as_deref()?;
    if service.starts_with("grpc.health.") || service.starts_with("grpc.reflection.") {
        Some(Nature::Health)
    } else if service.starts_with("opentelemetry.proto.collector.") {
        Some(Nature::Telemetry)
    } else {
        None
    }
}

fn of_path(path: &str, method: Option<&str>) -> Option<Nature> {
    let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
    let path = path[..end].trim_end_matches('/');
    let upper = path.bytes().any(|byte| byte.is_ascii_uppercase());
    let path = if upper { Cow::Owned(path.to_ascii_lowercase()) } else { Cow::Borrowed(path) };
    let (within, last) = within(&path);
    let posted = method.is_none_or(|method| method == "POST");
    match last {
        _ if within == Some(Nature::IdentityProvider) => within,
        "token" | "access_token" if posted => Some(Nature::TokenEndpoint),
        "introspect" | "introspection" | "check_token" | "tokeninfo" => Some(Nature::Introspection),
        "jwks" | "jwks.json" | "certs" | "userinfo" | "revoke" | "revocation" | "authorize" => {
            Some(Nature::IdentityProvider)
        }
        "keys" | "auth" if ["oauth", "oidc", "openid", "discovery"].iter().any(|part| path.contains(part)) => {
            Some(Nature::IdentityProvider)
        }
        "health" | "healthz" | "healthcheck" | "ready" | "readyz" | "readiness" | "live" | "livez" | "liveness"
        | "metrics" => Some(Nature::Health),
        "actuator" if path.len() > last.len() => Some(Nature::Health),
        _ if within == Some(Nature::Health) => within,
        "traces" | "logs" | "spans" if ["/v1/traces", "/v1/logs", "/api/v2/spans", "/api/traces"].contains(&&*path) => {
            Some(Nature::Telemetry)
        }
        _ => None,
    }
}

/// What the segments before the last one tell, and the last one, in one pass over the bytes: every span's path is
/// looked at, and segments are too short for a searcher to pay.
fn within(path: &str) -> (Option<Nature>, &str) {
    let (mut before, mut found, mut from): (&str, _, _) = ("", None, 0);
    for (at, _) in path.bytes().enumerate().filter(|(_, byte)| *byte == b'/') {
        let segment = if from == 0 { "" } else { &path[from..at] };
        found = told_by(before, segment, found);
        (before, from) = (segment, at + 1);
    }
    let last = &path[from..];
    (told_by(before, last, found), last)
}

/// What a segment that is not the last one tells.
fn told_by(before: &str, segment: &str, found: Option<Nature>) -> Option<Nature> {
    match before {
        _ if found == Some(Nature::IdentityProvider) => found,
        ".well-known" => Some(Nature::IdentityProvider),
        "actuator" | "health" | "healthz" => Some(Nature::Health),
        "-" if segment.starts_with("healthy") || segment.starts_with("ready") => Some(Nature::Health),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_excuse_what_they_name_and_nothing_else() {
        let excused = [
            ("/.well-known/openid-configuration", Nature::IdentityProvider),
            ("/realms/shop/.Well-Known/jwks", Nature::IdentityProvider),
            ("/oauth2/keys/", Nature::IdentityProvider),
            ("/oauth/token?x=1", Nature::TokenEndpoint),
            ("/actuator", Nature::Health),
            ("/shop/actuator/info", Nature::Health),
            ("/health/db", Nature::Health),
            ("/-/readyz", Nature::Health),
            ("/v1/metrics", Nature::Health),
            ("/v1/traces", Nature::Telemetry),
        ];
        for (path, nature) in excused {
            assert_eq!(of_path(path, Some("POST")), Some(nature), "{path}");
        }
        for path in ["/orders/7", "/healthy/food", "/shop/actuators", "/keys", "actuator", "/.well-known", "/-/x", ""] {
            assert_eq!(of_path(path, Some("POST")), None, "{path}");
        }
    }
}
