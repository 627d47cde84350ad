//! Texts by which libraries and proxies say why they refused a token: `rejections.tsv` and the policy's own rows.

use crate::model::policy::RejectionPolicy;
use crate::model::{Exception, Reason};

/// The table that ships with the program, one row a line, top-down, first match wins.
const BUILT_IN: &str = include_str!("rejections.tsv");

/// What only texts about tokens hold. "invalid signature" and "signature has expired" are said of web hooks, uploads
/// and password resets as well.
const OF_TOKENS_ALONE: [&str; 15] = [
    "jwt",
    "jws",
    "jwk",
    "jose",
    "json web key",
    "idx1",
    "bearer",
    "authorization",
    "\"aud\"",
    "\"iss\"",
    "\"iat\"",
    "keyfunc",
    "alg value",
    "id token",
    "number of segments",
];

/// Modules whose exceptions speak of other signatures and other tokens: cookies, web hooks, links out of mails, what a
/// service holds itself as a client.
const OF_OTHER_THINGS: [&str; 9] = [
    "cryptography.fernet.",
    "cryptography.exceptions.",
    "django.core.signing.",
    "google.protobuf.",
    "itsdangerous.",
    "linebot.",
    "oauthlib.",
    "stripe.",
    "xml.",
];

/// The rows to match, the user's own in front.
pub struct Rejections {
    rows: Vec<Row>,
}

struct Row {
    reason: Reason,
    kind: bool,
    message: bool,
    challenge: bool,
    how: How,
    text: String,
    /// The text says by itself that it is about a token.
    of_tokens_alone: bool,
    /// The user's, who knows what is meant: it counts everywhere.
    own: bool,
}

#[derive(Clone, Copy)]
enum How {
    Substring,
    Word,
    Whole,
}

impl Rejections {
    /// The policy's rows, then the built-in ones.
    pub fn new(own: &[RejectionPolicy]) -> Self {
        let own = own.iter().filter_map(|row| Row::new(&row.reason, &row.field, &row.r#match, &row.text));
        let own = own.map(|row| Row { own: true, ..row });
        let built_in = BUILT_IN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut columns = line.split('\t');
            Row::new(columns.next()?, columns.next()?, columns.next()?, columns.next()?)
        });
        Self { rows: own.chain(built_in).collect() }
    }

    /// Why an exception or log record says that a token was refused. The causes in the stack are read where neither
    /// type nor message is known: frameworks wrap.
    pub fn of_exception(&self, exception: &Exception) -> Option<Reason> {
        self.first(exception, |_| true)
    }

    /// The same, by texts that are about tokens and nothing else: a bad request (400) is refused for many reasons.
    pub fn of_bad_request(&self, exception: &Exception) -> Option<Reason> {
        self.first(exception, |row| row.of_tokens_alone || row.own)
    }

    /// Why a `WWW-Authenticate` challenge says that a token was refused (RFC 6750 section 3).
    pub fn of_challenge(&self, challenge: &str) -> Option<Reason> {
        let challenge = challenge.to_ascii_lowercase();
        // An error_description often carries the library's own message: those rows are read before the bare error code.
        let row = self.rows.iter().find(|row| (row.challenge || row.message) && row.matches(&challenge))?;
        Some(row.reason)
    }

    fn first(&self, exception: &Exception, counts: impl Fn(&Row) -> bool) -> Option<Reason> {
        let said = |kind: &str, message: &str| {
            let other = OF_OTHER_THINGS.iter().any(|module| kind.starts_with(module));
            let (kind, message) = (kind.to_ascii_lowercase(), message.to_ascii_lowercase());
            let says = |row: &&Row| row.kind && row.matches(&kind) || row.message && row.matches(&message);
            self.rows.iter().filter(|row| counts(row) && (row.own || !other)).find(says).map(|row| row.reason)
        };
        said(&exception.kind, &exception.message)
            .or_else(|| headlines(&exception.stack).find_map(|line| said(line.kind, line.message)))
    }
}

impl Row {
    fn new(reason: &str, fields: &str, how: &str, text: &str) -> Option<Self> {
        let has = |name: &str| fields.split('|').any(|field| field.trim() == name);
        let text = text.trim_end_matches(['\r', '\n']).to_ascii_lowercase();
        Some(Self {
            reason: Reason::from_name(reason.trim())?,
            kind: has("type"),
            message: has("message"),
            challenge: has("challenge"),
            how: match how.trim() {
                "word" => How::Word,
                "whole" => How::Whole,
                _ => How::Substring,
            },
            of_tokens_alone: OF_TOKENS_ALONE.iter().any(|part| text.contains(part)),
            own: false,
            text,
        })
    }

    fn matches(&self, text: &str) -> bool {
        match self.how {
            How::Substring => !text.is_empty() && text.contains(&self.text),
            How::Whole => text == self.text,
            How::Word => {
                let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
                text.match_indices(&self.text).any(|(at, found)| {
                    !letter(text[..at].chars().next_back()) && !letter(text[at + found.len()..].chars().next())
                })
            }
        }
    }
}

/// A line of a stack trace that names an exception, and not a frame or a line of source.
struct Headline<'s> {
    kind: &'s str,
    message: &'s str,
    /// Said to be the cause of what stands above it.
    cause: bool,
}

/// The exceptions that a stack trace names: its own, and its causes.
fn headlines(stack: &str) -> impl Iterator<Item = Headline<'_>> {
    // Go's is a dump of frames alone, at the margin.
    let stack = if stack.starts_with("goroutine ") { "" } else { stack };
    let mut behind_a_cut = false;
    stack.lines().map(out_of_group).filter_map(move |line| {
        let fragment = std::mem::replace(&mut behind_a_cut, line == "…");
        let text = line.trim_start();
        // Java, .NET, Node.
        let cause = ["Caused by: ", "---> ", "[cause]: "].iter().find_map(|lead| text.strip_prefix(lead));
        let at_margin = text.len() == line.len() && !fragment;
        if text.is_empty() || behind_a_cut || cause.is_none() && !at_margin {
            return None;
        }
        let said = cause.unwrap_or(text);
        let (kind, message) = said.split_once(": ").unwrap_or((said.trim_end_matches([':', ' ']), ""));
        Some(Headline { kind, message, cause: cause.is_some() })
    })
}

/// A line of Python's exception group stands behind a bar: its own margin is there.
fn out_of_group(line: &str) -> &str {
    let text = line.trim_start();
    text.strip_prefix("| ").or_else(|| text.strip_prefix("+-").map(|_| "")).unwrap_or(line)
}

/// Exception types that JWT libraries alone throw: a refusal under any status but a success.
pub fn is_jwt_exception(exception: &Exception) -> bool {
    // Spring's decoder, rethrown under a type of Spring Security's, its causes cut out of the stack.
    if is_jwt_type(full_name(exception)) || exception.message.contains("attempting to decode the Jwt:") {
        return true;
    }
    // Java's `new RuntimeException(cause)` says of its cause by name and message, and nothing of its own.
    if exception.message.split_once(": ").is_some_and(|(kind, _)| kind.contains('.') && is_jwt_type(kind)) {
        return true;
    }
    let python =
        ["Traceback", "+ Exception Group Traceback"].iter().any(|head| exception.stack.trim_start().starts_with(head));
    let last_of_python = python.then(|| headlines(&exception.stack).last()).flatten();
    last_of_python.is_some_and(|line| is_jwt_type(line.kind))
        || headlines(&exception.stack).any(|line| line.cause && is_jwt_type(line.kind))
}

/// The type with its module, which the stack often has where the log record or an older SDK leaves it away.
fn full_name(exception: &Exception) -> &str {
    let bare = !exception.kind.is_empty() && !exception.kind.contains(['.', ':', '/']);
    let same = |kind: &&str| kind.len() > exception.kind.len() && kind.rsplit('.').next() == Some(&*exception.kind);
    let longer = || headlines(&exception.stack).map(|line| line.kind).find(same);
    if bare { longer().unwrap_or(&exception.kind) } else { &exception.kind }
}

/// Modules whose exceptions are about tokens.
const MODULES: [&str; 21] = [
    "jwt.exceptions.",
    "jwt.api_",
    "io.jsonwebtoken.",
    "com.nimbusds.jose.",
    "com.nimbusds.jwt.",
    "com.auth0.jwt.",
    "com.auth0.jwk.",
    "org.jose4j.",
    "org.springframework.security.oauth2.jwt.",
    "InvalidBearerTokenException",
    "Microsoft.IdentityModel.Tokens.SecurityToken",
    "jose.exceptions.",
    "authlib.jose.errors.",
    "joserfc.errors.",
    "jsonwebtoken::",
    "flask_jwt_extended.exceptions.",
    "rest_framework_simplejwt.exceptions.",
    "github.com/lestrrat-go/jwx/",
    "*jose.Err",
    "JWT::",
    "Firebase\\JWT\\",
];
/// Bare names that only JWT libraries use.
const NAMES: [&str; 28] = [
    "ExpiredSignatureError",
    "InvalidSignatureError",
    "InvalidTokenError",
    "InvalidAudienceError",
    "InvalidIssuerError",
    "InvalidAlgorithmError",
    "ImmatureSignatureError",
    "InvalidIssuedAtError",
    "MissingRequiredClaimError",
    "PyJWKClientError",
    "PyJWKClientConnectionError",
    "JsonWebTokenError",
    "TokenExpiredError",
    "NotBeforeError",
    "SigningKeyNotFoundError",
    "JwksError",
    "JWTExpired",
    "JWTInvalid",
    "JWTClaimValidationFailed",
    "JWSInvalid",
    "JWSSignatureVerificationFailed",
    "JWKSNoMatchingKey",
    "JWKSTimeout",
    "JOSEAlgNotAllowed",
    "ExpiredSignature",
    "ImmatureSignature",
    "JwtValidationException",
    "BadJwtException",
];
/// Error codes of Node's libraries.
const CODES: [&str; 6] = ["ERR_JOSE_", "ERR_JWT_", "ERR_JWS_", "ERR_JWKS_", "FAST_JWT_", "FST_JWT_"];
/// What these modules throw while a token is made, and not while one is refused.
const MAKING: [&str; 7] = [
    "JOSEException",
    "KeyLengthException",
    "WeakKeyException",
    "JwtEncodingException",
    "JWTCreationException",
    "SignatureGenerationException",
    "EncodeError",
];

fn is_jwt_type(kind: &str) -> bool {
    let kind = kind.trim();
    let last = kind.rsplit(['.', ':', '$', '\\']).next().unwrap_or(kind);
    if MAKING.contains(&last) {
        return false;
    }
    // A bare name is a library's own only where nothing says that it is of another module: protobuf has a DecodeError,
    // oauthlib a TokenExpiredError for the token that this service itself holds.
    MODULES.iter().any(|module| kind.contains(module))
        || NAMES.contains(&kind)
        || kind == "*oidc.TokenExpiredError"
        || CODES.iter().any(|code| kind.starts_with(code))
}
