//! The policy file's content (verdicts.md section 12): what the user says of issuers, edges, capture and limits.
//!
//! Plain data: `config` reads and checks it, `trail` matches it.

use serde::Deserialize;

use super::Severity;

/// `jwtrail.toml`. Everything is optional; an unknown key is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// `[[issuer]]`
    pub issuer: Vec<IssuerPolicy>,
    /// `[[edge]]`; the first that matches a hop wins.
    pub edge: Vec<EdgePolicy>,
    /// `[capture]`
    pub capture: CapturePolicy,
    /// `[proxies]`
    pub proxies: ProxyPolicy,
    /// `[hosts]`
    pub hosts: HostPolicy,
    /// `[limits]`
    pub limits: Limits,
    /// `[severity]`: overrides by the name of a verdict, cause or finding.
    #[serde(deserialize_with = "severities")]
    pub severity: Vec<(String, Severity)>,
    /// `[[ignore]]`
    pub ignore: Vec<IgnorePolicy>,
    /// `[[rejection]]`: rows in front of the built-in ones.
    pub rejection: Vec<RejectionPolicy>,
}

/// One issuer whose tokens jwtrail checks itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IssuerPolicy {
    /// Issuer URL for `OpenID` Connect discovery.
    pub url: Option<String>,
    /// JWKS file or URL, in place of discovery.
    pub jwks: Option<String>,
    /// A file that holds the secret of this issuer's HS256, HS384 or HS512.
    pub secret_file: Option<String>,
    /// The environment variable that holds it.
    pub secret_env: Option<String>,
    /// Audiences of this issuer's tokens.
    pub audiences: Vec<String>,
    /// Algorithms to accept (JOSE names).
    pub algorithms: Vec<String>,
}

/// What is expected of a token on an edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRule {
    /// Any absence is high.
    Required,
    /// Nothing sent is fine.
    Optional,
    /// A token is `unwanted`.
    Forbidden,
    /// Another token is exchanged on purpose.
    Exchange,
    /// The caller's own identity is expected.
    Own,
}

/// One edge rule; `from` and `to` are globs over service names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgePolicy {
    /// Caller glob.
    #[serde(default = "any")]
    pub from: String,
    /// Callee glob.
    #[serde(default = "any")]
    pub to: String,
    /// Operation glob.
    #[serde(default)]
    pub route: Option<String>,
    /// Rule.
    pub token: TokenRule,
    /// Audience that the callee expects: lets jwtrail's own check judge `aud`.
    #[serde(default)]
    pub audience: Option<String>,
}

/// What instrumentations capture here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapturePolicy {
    /// Header names that carry tokens, beside the built-in ones.
    pub carriers: Vec<String>,
    /// Cookie names that carry tokens whatever their shape.
    pub cookies: Vec<String>,
    /// Header names that prove capture, beside `traceparent`.
    pub witnesses: Vec<String>,
    /// Values that prove absence, beside `-`.
    pub sentinels: Vec<String>,
    /// Services (globs) whose unknown becomes absent, likely.
    pub assume: Vec<String>,
}

/// Proxies that no built-in mark gives away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyPolicy {
    /// Service globs.
    pub services: Vec<String>,
}

/// Hosts and what they are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostPolicy {
    /// Host globs that are internal.
    pub internal: Vec<String>,
    /// Host globs that may receive a token.
    pub allowed: Vec<String>,
}

/// Bounds on time; all in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest `exp − iat` that is no finding.
    pub max_lifetime: u64,
    /// Clock difference that is no error.
    pub clock_skew: u64,
    /// How long a trace must be quiet to be settled.
    pub settle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_lifetime: 24 * 3600, clock_skew: 60, settle: 15 }
    }
}

/// A verdict or finding that the team knows and accepts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnorePolicy {
    /// Caller glob.
    #[serde(default = "any")]
    pub from: String,
    /// Callee glob.
    #[serde(default = "any")]
    pub to: String,
    /// A verdict's name.
    #[serde(default)]
    pub verdict: Option<String>,
    /// A finding's name.
    #[serde(default)]
    pub finding: Option<String>,
    /// Why.
    pub reason: String,
    /// Last day on which it holds, `YYYY-MM-DD`, against the span's time.
    #[serde(default)]
    pub until: Option<String>,
}

/// A refusal's text of the user's own stack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectionPolicy {
    /// A reason's name.
    pub reason: String,
    /// `type`, `message`, `challenge`, joined by `|`.
    #[serde(default = "message")]
    pub field: String,
    /// `substring`, `word` (bounded by non-letters) or `whole`.
    #[serde(default = "substring")]
    pub r#match: String,
    /// The text.
    pub text: String,
}

fn any() -> String {
    "*".to_owned()
}

fn message() -> String {
    "message".to_owned()
}

fn substring() -> String {
    "substring".to_owned()
}

fn severities<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Severity)>, D::Error> {
    use serde::de::Error;
    let table = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
    table
        .into_iter()
        .map(|(name, level)| {
            let severity = Severity::from_name(&level).ok_or_else(|| {
                D::Error::custom(format!("expected info, low, medium, high or critical for `{name}`, found `{level}`"))
            })?;
            Ok((name, severity))
        })
        .collect()
}
