//! Secrets of which a sender must show one: bearer tokens (RFC 6750) and API keys.
//!
//! Only their digests are kept, so that nothing of this process shows them, and a comparison tells by its time nothing
//! that anyone could use.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::{constant_time, digest};
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

/// Shortest secret that is taken, in bytes: a shorter one can be guessed over the network.
const SHORTEST: usize = 16;

const SYNTAX: &str = "`bearer SECRET` or `api-key SECRET`";

/// Why there are no secrets. Quotes nothing: what is in the wrong place may still be a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read.
    #[error("cannot read the secrets in {path}, named by --auth-file: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no secret.
    #[error("expected lines {SYNTAX} in {place}, found another in line {line}")]
    Line {
        /// The file or variable.
        place: String,
        /// Counted from 1.
        line: usize,
    },
    /// A secret that is too short, or that no header could hold.
    #[error(
        "expected secrets of {SHORTEST} visible ASCII characters or more in {place}, found another in line {line}: \
         `openssl rand -hex 32` makes one"
    )]
    Weak {
        /// The file or variable.
        place: String,
        /// Counted from 1.
        line: usize,
    },
    /// There is none.
    #[error("expected a line {SYNTAX} in {place}, found none")]
    None {
        /// The file or variable.
        place: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `authorization: Bearer SECRET`
    Bearer,
    /// `x-api-key: SECRET`
    ApiKey,
}

/// Secrets of which one lets a request in. Without `Debug`, and wiped when dropped.
#[derive(Clone)]
pub struct Secrets(Vec<(Kind, Zeroizing<Vec<u8>>)>);

impl Secrets {
    /// Reads a file of lines `bearer SECRET` and `api-key SECRET`; empty ones and those that begin with `#` are left out.
    pub fn read(path: &Path) -> Result<Self, SecretsError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|source| SecretsError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads such lines; `place` is for messages.
    pub fn parse(text: &str, place: &str) -> Result<Self, SecretsError> {
        let mut found = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (line, place, number) = (line.trim(), place.to_owned(), index + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (kind, secret) = match line.split_once(char::is_whitespace) {
                Some(("bearer", secret)) => (Kind::Bearer, secret.trim()),
                Some(("api-key", secret)) => (Kind::ApiKey, secret.trim()),
                _ => return Err(SecretsError::Line { place, line: number }),
            };
            if secret.len() < SHORTEST || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(SecretsError::Weak { place, line: number });
            }
            found.push((kind, digested(secret.as_bytes())));
        }
        if found.is_empty() { Err(SecretsError::None { place: place.to_owned() }) } else { Ok(Self(found)) }
    }

    /// These and more.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Whether a request shows one of them.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Shown {
        let bearer = headers.get(header::AUTHORIZATION).and_then(bearer).map(|secret| (Kind::Bearer, secret));
        let key = headers.get("x-api-key").map(|value| (Kind::ApiKey, value.as_bytes()));
        let mut shown = Shown::Nothing;
        for (kind, secret) in bearer.into_iter().chain(key) {
            let digest = digested(secret);
            // All are looked at, so that the time does not tell which one it was.
            let hits = self.0.iter().filter(|(known, secret)| {
                *known == kind && constant_time::verify_slices_are_equal(secret, &digest).is_ok()
            });
            if hits.count() > 0 {
                return Shown::Known;
            }
            shown = Shown::Another;
        }
        shown
    }
}

/// What a request shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    Known,
    Another,
    Nothing,
}

fn digested(secret: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(digest::digest(&digest::SHA256, secret).as_ref().to_vec())
}

/// What stands behind `Bearer`, in whatever case it is written.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, secret) = value.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| secret.trim_ascii())
}

/// Whether others than its owner may read a file of secrets.
pub fn exposed(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_secret_counts_in_its_own_header_alone() {
        let text = format!("# of the shop\n\nbearer {LONG}\n  api-key\tfedcba9876543210 \n");
        let secrets = Secrets::parse(&text, "FILE").unwrap();
        for value in [format!("Bearer {LONG}"), format!("bearer  {LONG}")] {
            assert_eq!(secrets.admit(&headers("authorization", &value)), Shown::Known);
        }
        assert_eq!(secrets.admit(&headers("x-api-key", "fedcba9876543210")), Shown::Known);
        assert_eq!(secrets.admit(&headers("x-api-key", LONG)), Shown::Another);
        assert_eq!(secrets.admit(&headers("authorization", "Bearer fedcba9876543210")), Shown::Another);
        for value in [&LONG[..8], "Basic 0123456789abcdef", "Bearer", ""] {
            assert_ne!(secrets.admit(&headers("authorization", value)), Shown::Known, "{value}");
        }
        assert_eq!(secrets.admit(&HeaderMap::new()), Shown::Nothing);
    }

    #[test]
    fn what_is_wrong_is_said_by_line_and_never_quoted() {
        let wrong = [
            (format!("bearer {LONG}\ntoken {LONG}"), "found another in line 2"),
            (LONG.to_owned(), "expected lines `bearer SECRET` or `api-key SECRET` in FILE"),
            ("api-key short".to_owned(), "16 visible ASCII characters or more in FILE, found another in line 1"),
            (format!("bearer {LONG} {LONG}"), "16 visible ASCII characters"),
            ("# none\n".to_owned(), "found none"),
        ];
        for (text, expected) in wrong {
            let Err(error) = Secrets::parse(&text, "FILE") else { panic!("{text} was taken") };
            let said = error.to_string();
            assert!(said.contains(expected) && !said.contains(&LONG[..8]), "{said}");
        }
    }
}
