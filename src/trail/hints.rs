//! One sentence of what to look at, by cause and stack (verdicts.md section 11): `hints.tsv`, the first row that fits
//! wins.

use std::sync::LazyLock;

use crate::model::{Cause, Finding, Verdict};

/// The table that ships with the program.
const TABLE: &str = include_str!("hints.tsv");

static HINTS: LazyLock<Vec<Hint>> = LazyLock::new(|| lines().filter_map(Hint::read).collect());

struct Hint {
    cause: Cause,
    /// `telemetry.sdk.language` of the side that is to blame, `*` for any.
    language: &'static str,
    /// A part of the instrumentation scope, `*` for any; what begins with `@` is a circumstance.
    scope: &'static str,
    text: &'static str,
}

/// After a redirect to another origin.
const REDIRECT: &str = "@redirect";
/// Where jwtrail's own check finds the token good.
const VALID: &str = "@valid";

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

impl Hint {
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let cause = Cause::from_name(columns.next()?)?;
        Some(Self { cause, language: columns.next()?, scope: columns.next()?, text: columns.next()? })
    }
}

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
    let scope = scope.to_ascii_lowercase();
    let fits = |row: &&Hint| {
        let here = match row.scope {
            "*" => true,
            REDIRECT => redirected,
            VALID => valid,
            part => scope.contains(part),
        };
        here && row.cause == cause && (row.language == "*" || row.language == language)
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

#[cfg(test)]
mod tests {
    use super::{HINTS, Hint, REDIRECT, VALID, for_finding, for_verdict, lines};
    use crate::model::{Cause, Finding, Reason, Verdict};

    /// Every pair of section 2 that accuses.
    fn accusations() -> Vec<(Verdict, Cause)> {
        let dropped = [Cause::NotSent, Cause::Stripped, Cause::Lost].map(|cause| (Verdict::Dropped, cause));
        let changed = [
            Cause::Placeholder,
            Cause::Prefix,
            Cause::Reencoded,
            Cause::Truncated,
            Cause::SignatureStripped,
            Cause::Tampered,
            Cause::Resigned,
            Cause::SubjectSwitched,
            Cause::Reminted,
            Cause::Replaced,
        ];
        let failed = Reason::ALL.iter().map(|reason| (Verdict::Failed, reason.cause()));
        dropped.into_iter().chain(changed.map(|cause| (Verdict::Changed, cause))).chain(failed).collect()
    }

    #[test]
    fn every_row_can_be_read_and_is_shown_to_somebody() {
        for line in lines() {
            let row = Hint::read(line).unwrap_or_else(|| panic!("cannot be read: {line}"));
            assert_eq!(line.split('\t').count(), 4, "{line}");
            let (verdict, cause) = accusations()
                .into_iter()
                .find(|(_, cause)| *cause == row.cause)
                .unwrap_or_else(|| panic!("no accusation has the cause of: {line}"));
            let language = if row.language == "*" { "cobol" } else { row.language };
            let scope = if row.scope == "*" || row.scope.starts_with('@') { "" } else { row.scope };
            let shown = for_verdict(verdict, Some(cause), language, scope, row.scope == REDIRECT, row.scope == VALID);
            assert_eq!(shown, Some(row.text), "a row above hides it: {line}");
            assert!(!row.scope.chars().any(char::is_uppercase), "scopes are compared in lower case: {line}");
        }
        assert_eq!(HINTS.len(), lines().count());
    }

    #[test]
    fn every_accusation_has_a_hint_whatever_the_stack() {
        for (verdict, cause) in accusations() {
            for language in ["", "java", "nodejs", "go", "python", "dotnet", "ruby", "rust", "php", "swift"] {
                let hint = for_verdict(verdict, Some(cause), language, "some.scope", false, false);
                assert!(hint.is_some_and(|hint| hint.len() > 20), "{verdict}/{cause} in {language}");
            }
        }
        for finding in Finding::ALL {
            assert!(for_finding(*finding).len() > 20, "{finding}");
        }
        assert_eq!(for_verdict(Verdict::Absent, Some(Cause::Inherited), "", "", false, false), None);
    }

    #[test]
    fn the_stacks_of_the_specification_are_told_what_their_trap_is() {
        let told = |verdict, cause, language, scope, redirected, valid, words: &[&str]| {
            let hint = for_verdict(verdict, Some(cause), language, scope, redirected, valid).unwrap_or_default();
            for word in words {
                assert!(hint.contains(word), "{cause} {language} {scope}: {hint:?} does not say {word}");
            }
        };
        let dropped = Verdict::Dropped;
        let tomcat = "io.opentelemetry.tomcat-10.0";
        told(dropped, Cause::NotSent, "java", tomcat, false, false, &["@Async", "WebClient", "pool", "Feign"]);
        let http = "@opentelemetry/instrumentation-http";
        told(dropped, Cause::NotSent, "nodejs", http, false, false, &["axios", "`undefined`", "fetch"]);
        let grpc = "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc";
        told(dropped, Cause::NotSent, "go", grpc, false, false, &["incoming metadata is not outgoing"]);
        told(dropped, Cause::NotSent, "java", tomcat, true, false, &["redirect", "on purpose"]);
        told(
            dropped,
            Cause::Stripped,
            "",
            "",
            false,
            false,
            &["underscores", "forwardOriginalToken", "sensitiveHeaders"],
        );
        told(dropped, Cause::Stripped, "", "nginx-edge", false, false, &["proxy_set_header"]);
        told(Verdict::Failed, Cause::UnknownKey, "", "", false, false, &["JWKS", "rotation"]);
        told(Verdict::Failed, Cause::Signature, "", "", false, true, &["jwtrail verifies", "another key"]);
        told(Verdict::Failed, Cause::Signature, "", "", false, false, &["another key or secret"]);
        told(Verdict::Changed, Cause::Truncated, "", "", false, false, &["header size limit"]);
        told(Verdict::Changed, Cause::SubjectSwitched, "", "", false, false, &["shared client", "thread-local"]);
    }
}
