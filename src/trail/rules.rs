//! The policy, ready to be matched (verdicts.md section 12).

use globset::{Glob, GlobMatcher};

use crate::model::policy::{Limits, Policy, TokenRule};
use crate::model::{Finding, Severity, Span, UnixNanos, Verdict};

use super::rejections::Rejections;

/// The policy with its globs compiled.
pub struct Rules {
    edges: Vec<EdgeRule>,
    ignores: Vec<IgnoreRule>,
    assume: Vec<Pattern>,
    proxies: Vec<Pattern>,
    internal: Vec<Pattern>,
    allowed: Vec<Pattern>,
    severity: Vec<(String, Severity)>,
    assume_all: bool,
    /// Bounds on time.
    pub limits: Limits,
    /// Texts that tell why a token was refused.
    pub rejections: Rejections,
}

struct EdgeRule {
    from: Pattern,
    to: Pattern,
    route: Option<Pattern>,
    token: TokenRule,
    audience: Option<String>,
}

struct IgnoreRule {
    from: Pattern,
    to: Pattern,
    verdict: Option<Verdict>,
    finding: Option<Finding>,
    reason: String,
    until: Option<UnixNanos>,
}

/// Scopes of proxies' own instrumentations, by the start of their name.
const PROXY_SCOPES: [&str; 6] = ["nginx", "traefik", "github.com/traefik", "kong", "envoy", "ngx_"];

impl Rules {
    /// Compiles a policy. A glob that cannot be read matches its own text only; `config` refuses it before.
    pub fn new(policy: Policy, assume_all: bool) -> Self {
        let edges = policy.edge.iter().map(|edge| EdgeRule {
            from: Pattern::new(&edge.from),
            to: Pattern::new(&edge.to),
            route: edge.route.as_deref().map(Pattern::new),
            token: edge.token,
            audience: edge.audience.clone(),
        });
        let ignores = policy.ignore.iter().map(|ignore| IgnoreRule {
            from: Pattern::new(&ignore.from),
            to: Pattern::new(&ignore.to),
            verdict: ignore.verdict.as_deref().and_then(Verdict::from_name),
            finding: ignore.finding.as_deref().and_then(Finding::from_name),
            reason: ignore.reason.clone(),
            until: ignore.until.as_deref().and_then(end_of_day),
        });
        Self {
            edges: edges.collect(),
            ignores: ignores.collect(),
            assume: patterns(&policy.capture.assume),
            proxies: patterns(&policy.proxies.services),
            internal: patterns(&policy.hosts.internal),
            allowed: patterns(&policy.hosts.allowed),
            severity: policy.severity,
            assume_all,
            limits: policy.limits,
            rejections: Rejections::new(&policy.rejection),
        }
    }

    /// Whether a proxy made this span, by its own marks or by the policy's list.
    pub fn is_proxy(&self, span: &Span) -> bool {
        span.proxy
            || &*span.resource.sdk == "envoy"
            || PROXY_SCOPES.iter().any(|scope| span.scope.starts_with(scope))
            || self.proxies.iter().any(|glob| glob.is_match(&span.resource.service.name))
    }

    /// Whether the user says that this service captures whatever is there.
    pub fn assumes_captured(&self, span: &Span) -> bool {
        self.assume_all || self.assume.iter().any(|glob| glob.is_match(&span.resource.service.name))
    }

    /// The first rule that matches a hop. A request that enters here has the caller `client`.
    pub fn edge(&self, caller: Option<&str>, callee: &str, operation: &str) -> Option<(TokenRule, Option<&str>)> {
        let caller = caller.unwrap_or("client");
        let rule = self.edges.iter().find(|edge| {
            edge.from.is_match(caller)
                && edge.to.is_match(callee)
                && edge.route.as_ref().is_none_or(|route| {
                    route.is_match(operation) || operation.split_once(' ').is_some_and(|(_, path)| route.is_match(path))
                })
        })?;
        Some((rule.token, rule.audience.as_deref()))
    }

    /// Whether a verdict depends on when it was: some rules end on a day.
    pub fn looks_at_time(&self) -> bool {
        self.ignores.iter().any(|ignore| ignore.until.is_some())
    }

    /// Why a verdict or finding on this edge is ignored, if it is.
    pub fn ignored(
        &self,
        caller: Option<&str>,
        callee: &str,
        what: Result<Verdict, Finding>,
        at: UnixNanos,
    ) -> Option<&str> {
        let caller = caller.unwrap_or("client");
        let rule = self.ignores.iter().find(|rule| {
            let meant = match what {
                Ok(verdict) => rule.verdict == Some(verdict) || rule.verdict.is_none() && rule.finding.is_none(),
                Err(finding) => rule.finding == Some(finding) || rule.verdict.is_none() && rule.finding.is_none(),
            };
            meant
                && rule.from.is_match(caller)
                && rule.to.is_match(callee)
                && rule.until.is_none_or(|until| at <= until)
        })?;
        Some(&rule.reason)
    }

    /// The policy's severity for any of these names, the most specific first.
    pub fn severity(&self, names: &[&str]) -> Option<Severity> {
        names.iter().find_map(|name| self.severity.iter().find(|(key, _)| key == name).map(|(_, level)| *level))
    }

    /// Whether a host belongs to the cluster or the machine, by its name alone or by the policy.
    pub fn is_internal_host(&self, host: &str) -> bool {
        is_internal(host) || self.internal.iter().any(|glob| glob.is_match(host))
    }

    /// Whether the policy lets this host have tokens.
    pub fn is_allowed_host(&self, host: &str) -> bool {
        self.allowed.iter().any(|glob| glob.is_match(host))
    }
}

/// `localhost`, private addresses, one-label names and the suffixes of clusters (verdicts.md section 10, `leaked`).
fn is_internal(host: &str) -> bool {
    const SUFFIXES: [&str; 5] = [".svc", ".cluster.local", ".internal", ".local", ".localhost"];
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return match address {
            std::net::IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared(v4),
            std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        };
    }
    !host.contains('.') || SUFFIXES.iter().any(|suffix| host.ends_with(suffix)) || host.contains(".svc.")
}

/// RFC 6598 shared address space, which clusters use inside.
fn is_shared(address: std::net::Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && (64..128).contains(&b)
}

/// A glob over names; one that cannot be read matches its own text only.
struct Pattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), glob: Glob::new(text).ok().map(|glob| glob.compile_matcher()) }
    }

    fn is_match(&self, name: &str) -> bool {
        self.glob.as_ref().map_or(self.text == name, |glob| glob.is_match(name))
    }
}

fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn end_of_day(date: &str) -> Option<UnixNanos> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let midnight = jiff::tz::TimeZone::UTC.to_timestamp(date.tomorrow().ok()?.at(0, 0, 0, 0)).ok()?;
    u64::try_from(midnight.as_nanosecond()).ok().map(|nanos| UnixNanos(nanos.saturating_sub(1)))
}
