//! What a request is for, where that alone tells that no token is expected (verdicts.md section 8).

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
        if let Some(nature) = path.and_then(|path| of_path(path, span)) {
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
    const SCOPES: [&str; 3] = ["instrumentation-dns", "instrumentation-net", "httptrace"];
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

fn of_path(path: &str, span: &Span) -> Option<Nature> {
    let path = path.split(['?', '#']).next()?.trim_end_matches('/').to_ascii_lowercase();
    let (before, last) = path.rsplit_once('/')?;
    let posted = span.method.as_deref().is_none_or(|method| method == "POST");
    match last {
        _ if path.contains("/.well-known/") => Some(Nature::IdentityProvider),
        "introspect" | "introspection" | "check_token" | "tokeninfo" => Some(Nature::Introspection),
        "jwks" | "jwks.json" | "userinfo" => Some(Nature::IdentityProvider),
        // Shops authorize payments and revoke coupons: these words count at the root or where logins are at home.
        "token" | "access_token" if posted && (at_root(before) || of_logins(before, span)) => {
            Some(Nature::TokenEndpoint)
        }
        "certs" | "revoke" | "revocation" | "authorize" if at_root(before) || of_logins(before, span) => {
            Some(Nature::IdentityProvider)
        }
        "keys" | "auth" if ["oauth", "oidc", "openid", "discovery"].iter().any(|part| path.contains(part)) => {
            Some(Nature::IdentityProvider)
        }
        "health" | "healthz" | "healthcheck" | "readyz" | "readiness" | "livez" | "liveness" => Some(Nature::Health),
        "ready" | "live" | "metrics" if at_root(before) || of_operations(before) => Some(Nature::Health),
        _ if ["/actuator/", "/healthz/", "/-/healthy", "/-/ready"].iter().any(|p| path.contains(p))
            || path.starts_with("/health/")
            || path.ends_with("/actuator") =>
        {
            Some(Nature::Health)
        }
        _ if ["/v1/traces", "/v1/metrics", "/v1/logs", "/api/v2/spans", "/api/traces"].contains(&path.as_str()) => {
            Some(Nature::Telemetry)
        }
        _ => None,
    }
}

/// Whether nothing but `api` and a version stands in front of the last part of a path.
fn at_root(before: &str) -> bool {
    let version = |part: &str| part.strip_prefix('v').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    before.split('/').all(|part| part.is_empty() || part == "api" || version(part))
}

/// Whether path, host or the service's own name speak of logins.
fn of_logins(before: &str, span: &Span) -> bool {
    let login = |word: &str| {
        matches!(word, "connect" | "idp" | "identity" | "login" | "oidc" | "realms" | "signin" | "sso" | "sts" | "uaa")
            || ["oauth", "openid", "keycloak"].iter().any(|start| word.starts_with(start))
            || word.starts_with("auth") && !matches!(word, "author" | "authors")
    };
    let own = span.is_entry().then_some(&*span.resource.service.name);
    let places = [Some(before), span.host.as_deref(), own];
    places.into_iter().flatten().any(|place| place.split(|c: char| !c.is_ascii_alphanumeric()).any(login))
}

/// Whether the part before is one of those under which frameworks gather what operators ask.
fn of_operations(before: &str) -> bool {
    let part = before.rsplit('/').next().unwrap_or_default();
    part.contains("health") || ["actuator", "internal", "management", "probes", "q", "status", "-"].contains(&part)
}
