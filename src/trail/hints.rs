//! One sentence of what to look at, by cause and stack (verdicts.md section 11). A table: the first row that fits wins.

use crate::model::{Cause, Finding, Verdict};

struct Hint {
    cause: Cause,
    /// `telemetry.sdk.language` of the side that is to blame, empty for any.
    language: &'static str,
    /// A part of the instrumentation scope, empty for any.
    scope: &'static str,
    text: &'static str,
}

const fn hint(cause: Cause, language: &'static str, scope: &'static str, text: &'static str) -> Hint {
    Hint { cause, language, scope, text }
}

const HINTS: &[Hint] = &[
    hint(
        Cause::NotSent,
        "java",
        "feign",
        "Feign copies no headers by itself: a RequestInterceptor must add Authorization",
    ),
    hint(
        Cause::NotSent,
        "java",
        "",
        "a thread hand-over (@Async, WebClient, a pool) loses the security context; Feign needs a RequestInterceptor",
    ),
    hint(
        Cause::NotSent,
        "nodejs",
        "undici",
        "fetch sends only the headers of this call: Authorization must be copied from the incoming request",
    ),
    hint(
        Cause::NotSent,
        "nodejs",
        "grpc",
        "incoming metadata is not outgoing metadata: copy authorization into the call's Metadata",
    ),
    hint(
        Cause::NotSent,
        "nodejs",
        "",
        "the HTTP call of the caller: an undefined header is left out silently by axios and sent as the text `undefined` by fetch",
    ),
    hint(
        Cause::NotSent,
        "go",
        "grpc",
        "incoming metadata is not outgoing metadata: copy it with metadata.AppendToOutgoingContext",
    ),
    hint(
        Cause::NotSent,
        "go",
        "",
        "http.NewRequestWithContext copies no headers: set Authorization from the incoming request",
    ),
    hint(Cause::NotSent, "python", "grpc", "incoming metadata is not outgoing metadata: pass metadata= with the call"),
    hint(
        Cause::NotSent,
        "python",
        "",
        "requests and httpx send only what this call passes: hand the incoming Authorization header on",
    ),
    hint(Cause::NotSent, "dotnet", "", "HttpClient copies no headers: use a DelegatingHandler or AddHeaderPropagation"),
    hint(
        Cause::NotSent,
        "ruby",
        "",
        "Net::HTTP and Faraday send only what this call sets: hand the incoming Authorization header on",
    ),
    hint(Cause::NotSent, "", "", "the code of the caller that makes this call: it does not hand the incoming token on"),
    hint(Cause::Stripped, "", "nginx", "nginx drops headers with underscores and any that proxy_set_header clears"),
    hint(
        Cause::Stripped,
        "",
        "",
        "what stands between the two: nginx drops headers with underscores and those that proxy_set_header clears; Istio's forwardOriginalToken is off by default; Zuul's sensitiveHeaders hold Authorization",
    ),
    hint(
        Cause::Lost,
        "",
        "",
        "capture the caller's client headers to see whether the caller or something in transit lost it",
    ),
    hint(
        Cause::Placeholder,
        "nodejs",
        "",
        "a variable was undefined when the header was built: fetch sends it as the text `undefined`",
    ),
    hint(
        Cause::Placeholder,
        "python",
        "",
        "a None or an unfilled template went into the header: check where the token is read",
    ),
    hint(Cause::Placeholder, "", "", "the header was built from a variable or a template that was empty"),
    hint(
        Cause::Prefix,
        "",
        "",
        "the scheme word is added twice or not at all: one side stores the header's value, the other the bare token",
    ),
    hint(
        Cause::Reencoded,
        "",
        "",
        "the value was quoted or percent-encoded on the way: look for JSON.stringify, a cookie or a URL in between",
    ),
    hint(
        Cause::Truncated,
        "",
        "",
        "a header size limit on the way, or a column or buffer that is too short for the token",
    ),
    hint(
        Cause::SignatureStripped,
        "",
        "",
        "something takes the signature off: an unsigned token must not be forwarded as a credential",
    ),
    hint(Cause::Tampered, "", "", "the token was edited without being signed again: every verifier should refuse it"),
    hint(
        Cause::Resigned,
        "",
        "",
        "something signs the same claims anew: check whether a gateway or mesh does so on purpose",
    ),
    hint(
        Cause::SubjectSwitched,
        "",
        "",
        "a shared client or thread-local that carries another request's token, or the service's own credentials used instead of the caller's",
    ),
    hint(
        Cause::Reminted,
        "",
        "",
        "the caller makes or fetches a token of its own: if that is meant, mark the edge with token = \"exchange\" in the policy",
    ),
    hint(
        Cause::Replaced,
        "",
        "",
        "another token goes out than came in: if that is meant, mark the edge with token = \"exchange\" in the policy",
    ),
    hint(Cause::Signature, "", "", "the callee holds another key or secret than the issuer signs with"),
    hint(Cause::UnknownKey, "", "", "a JWKS cached across a key rotation, or the key set of another issuer"),
    hint(Cause::Algorithm, "", "", "the callee allows other algorithms than the issuer uses"),
    hint(Cause::Expired, "", "", "the token's life was over: the client should refresh it, and clocks should agree"),
    hint(Cause::NotYetValid, "", "", "the clocks of issuer and callee stand apart"),
    hint(
        Cause::Audience,
        "",
        "",
        "the callee expects another audience than the token names: exchange the token, or widen the audience",
    ),
    hint(
        Cause::Issuer,
        "",
        "",
        "the callee trusts another issuer: compare its configured issuer with the token's iss, letter by letter",
    ),
    hint(Cause::Claim, "", "", "a claim that the callee requires is missing or has another value"),
    hint(Cause::Malformed, "", "", "what arrives is no JWT: compare its length with what the caller received"),
    hint(Cause::Multiple, "", "", "two credentials in one request: a proxy adds one beside the caller's"),
    hint(Cause::JwksUnavailable, "", "", "the callee cannot reach its issuer's key set: DNS, proxy or network policy"),
    hint(
        Cause::Missing,
        "",
        "",
        "the callee looks for the token somewhere else than where it arrived: compare header names",
    ),
    hint(
        Cause::Forbidden,
        "",
        "",
        "the token is known and not allowed here: compare its scopes and roles with what the callee asks for",
    ),
    hint(
        Cause::Rejected,
        "",
        "",
        "the callee refuses it and does not say why: record its exception or log, or give jwtrail the issuer's keys with --jwks",
    ),
];

const AFTER_REDIRECT: &str = "a redirect led to another origin: HTTP clients drop Authorization there on purpose";
const WRONG_KEY_HERE: &str =
    "jwtrail verifies this token: the callee holds another key, audience or clock than the issuer";

/// What to look at for an accusation; `None` for verdicts that accuse nobody.
pub fn for_verdict(
    verdict: Verdict,
    cause: Option<Cause>,
    language: &str,
    scope: &str,
    redirected: bool,
    valid: bool,
) -> Option<&'static str> {
    let cause = cause.filter(|_| verdict.accuses())?;
    if redirected && cause == Cause::NotSent {
        return Some(AFTER_REDIRECT);
    }
    if valid && matches!(cause, Cause::Signature | Cause::Rejected) {
        return Some(WRONG_KEY_HERE);
    }
    let scope = scope.to_ascii_lowercase();
    let fits = |row: &&Hint| {
        row.cause == cause
            && (row.language.is_empty() || row.language == language)
            && (row.scope.is_empty() || scope.contains(row.scope))
    };
    HINTS.iter().find(fits).map(|row| row.text)
}

/// What to look at for a finding.
pub fn for_finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Leaked => {
            "the caller's HTTP client adds the incoming Authorization to every host: limit it to your own"
        }
        Finding::Exposed => "URLs, baggage and log texts are stored in many places: send the token in a header only",
        Finding::AcceptedUnverified => "the callee's token check: it is off, or this route is left out of it",
        Finding::Disagreement => "compare key, audience and clock of the services that disagree",
        Finding::ScopeWidened => "the exchange asks for more than the caller had: name the scopes in the request",
        Finding::BoundTokenForwarded => {
            "a DPoP-bound token is worth nothing to others: exchange it instead of forwarding it"
        }
        Finding::MultipleTokens => {
            "a proxy or client library adds a second credential: which one wins differs by framework"
        }
        Finding::ExpiredInFlight => {
            "the work waits longer than the token lives: exchange it before queueing, or take a service's own"
        }
        Finding::Unwanted => "the policy says that this edge carries no token: remove it, or change the policy",
        Finding::Moved => "the callee must look for the token where the caller puts it",
        Finding::LongLived => "shorten the token's life at the issuer, or raise max_lifetime in the policy",
    }
}

/// What to set so that a service shows its tokens, for its stack.
pub fn to_capture(language: &str) -> &'static str {
    match language {
        "java" => {
            "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS and …_CLIENT_CAPTURE_REQUEST_HEADERS=authorization,traceparent,user-agent"
        }
        "python" => {
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST and …_CLIENT_REQUEST=authorization,traceparent,user-agent"
        }
        "nodejs" => {
            "instrumentation-http: headersToSpanAttributes.{server,client}.requestHeaders = ['authorization','traceparent','user-agent']; undici has a setting of its own"
        }
        "dotnet" => {
            "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS and …_HTTP_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=authorization,traceparent,user-agent"
        }
        "ruby" => "OTEL_RUBY_INSTRUMENTATION_RACK_CONFIG_OPTS=allowed_request_headers=authorization",
        "go" => "Go's instrumentations capture no headers: tag spans with jwtrail.token.* by hand",
        _ => "capture the request headers authorization,traceparent,user-agent, or tag spans with jwtrail.token.*",
    }
}
