//! Texts by which libraries and proxies say why they refused a token: `rejections.tsv` and the policy's own rows.

use crate::model::policy::RejectionPolicy;
use crate::model::{Exception, Reason};

/// The table that ships with the program, one row a line, top-down, first match wins.
const BUILT_IN: &str = include_str!("rejections.tsv");

/// The rows to match, the user's own in front.
pub struct Rejections {
    rows: Vec<Row>,
}

struct Row {
    reason: Reason,
    kind: bool,
    message: bool,
    challenge: bool,
    word: bool,
    text: String,
}

impl Rejections {
    /// The policy's rows, then the built-in ones.
    pub fn new(own: &[RejectionPolicy]) -> Self {
        let own = own.iter().filter_map(|row| Row::new(&row.reason, &row.field, &row.r#match, &row.text));
        let built_in = BUILT_IN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut columns = line.split('\t');
            Row::new(columns.next()?, columns.next()?, columns.next()?, columns.next()?)
        });
        Self { rows: own.chain(built_in).collect() }
    }

    /// Why an exception or log record says that a token was refused. The stack is read where neither type nor
    /// message is known: frameworks wrap.
    pub fn of_exception(&self, exception: &Exception) -> Option<Reason> {
        let kind = exception.kind.to_ascii_lowercase();
        let message = exception.message.to_ascii_lowercase();
        let said = self.rows.iter().find(|row| row.kind && row.matches(&kind) || row.message && row.matches(&message));
        let row = said.or_else(|| {
            let stack = exception.stack.to_ascii_lowercase();
            self.rows.iter().find(|row| (row.kind || row.message) && row.matches(&stack))
        })?;
        Some(row.reason)
    }

    /// Why a `WWW-Authenticate` challenge says that a token was refused (RFC 6750 section 3).
    pub fn of_challenge(&self, challenge: &str) -> Option<Reason> {
        let challenge = challenge.to_ascii_lowercase();
        // An error_description often carries the library's own message: those rows are read before the bare error code.
        let row = self.rows.iter().find(|row| (row.challenge || row.message) && row.matches(&challenge))?;
        Some(row.reason)
    }
}

impl Row {
    fn new(reason: &str, fields: &str, how: &str, text: &str) -> Option<Self> {
        let has = |name: &str| fields.split('|').any(|field| field.trim() == name);
        Some(Self {
            reason: Reason::from_name(reason.trim())?,
            kind: has("type"),
            message: has("message"),
            challenge: has("challenge"),
            word: how.trim() == "word",
            text: text.trim_end_matches(['\r', '\n']).to_ascii_lowercase(),
        })
    }

    fn matches(&self, text: &str) -> bool {
        if !self.word {
            return !text.is_empty() && text.contains(&self.text);
        }
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        text.match_indices(&self.text).any(|(at, found)| {
            !letter(text[..at].chars().next_back()) && !letter(text[at + found.len()..].chars().next())
        })
    }
}

/// Exception types that JWT libraries alone throw: a refusal under any status but a success.
pub fn is_jwt_exception(exception: &Exception) -> bool {
    let last_lines = exception.stack.lines().rev().take(4);
    is_jwt_type(&exception.kind) || last_lines.into_iter().any(|line| is_jwt_type(line.split(':').next().unwrap_or("")))
}

fn is_jwt_type(kind: &str) -> bool {
    const PARTS: [&str; 12] = [
        "jwt.exceptions.",
        "jwt.api_",
        "io.jsonwebtoken.",
        "com.nimbusds.jose.",
        "com.nimbusds.jwt.",
        "com.auth0.jwt.",
        "org.springframework.security.oauth2.jwt.",
        "InvalidBearerTokenException",
        "Microsoft.IdentityModel.Tokens.SecurityToken",
        "jose.exceptions.",
        "jsonwebtoken::",
        "flask_jwt_extended.exceptions.",
    ];
    const NAMES: [&str; 30] = [
        "ExpiredSignatureError",
        "InvalidSignatureError",
        "DecodeError",
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
        "JWTExpired",
        "JWTInvalid",
        "JWTClaimValidationFailed",
        "JWSInvalid",
        "JWSSignatureVerificationFailed",
        "JWKSNoMatchingKey",
        "JWKSTimeout",
        "JOSEAlgNotAllowed",
        "ExpiredSignature",
        "InvalidSignature",
        "ImmatureSignature",
        "InvalidAudience",
        "InvalidIssuer",
        "JwtValidationException",
        "BadJwtException",
    ];
    let kind = kind.trim();
    let last = kind.rsplit(['.', ':', '$']).next().unwrap_or(kind);
    PARTS.iter().any(|part| kind.contains(part))
        || NAMES.contains(&last)
        || kind.starts_with("ERR_JOSE_")
        || kind.starts_with("ERR_JWT_")
}
