//! Where the keys of jwtrail's own check come from: what options and the policy name, before anything is read.

use std::fmt;
use std::path::{Path, PathBuf};

/// Keys, whose tokens they check, and with which algorithms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeySource {
    /// Where they are.
    pub place: KeyPlace,
    /// The issuer that they belong to: tokens of others are not checked with them. `None` checks any.
    pub issuer: Option<String>,
    /// Algorithms to accept, by JOSE name; empty for whatever each key is good for.
    pub algorithms: Vec<String>,
}

/// Where keys are. Secrets are named, never held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyPlace {
    /// A JWKS (RFC 7517) on disk.
    File(PathBuf),
    /// A JWKS behind an `http` or `https` URL.
    Url(String),
    /// The `jwks_uri` of an issuer's `OpenID` Connect discovery document.
    Discovery(String),
    /// A secret for HS256, HS384 and HS512 in a file of its own.
    SecretFile(PathBuf),
    /// The same in an environment variable.
    SecretVariable(String),
}

impl KeySource {
    /// Keys for tokens of any issuer.
    pub fn any_issuer(place: KeyPlace) -> Self {
        Self { place, issuer: None, algorithms: Vec::new() }
    }

    /// A JWKS file for any issuer.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::any_issuer(KeyPlace::File(path.into()))
    }

    /// An issuer, its keys found by discovery.
    pub fn issuer(url: &str) -> Self {
        Self { place: KeyPlace::Discovery(url.to_owned()), issuer: Some(url.to_owned()), algorithms: Vec::new() }
    }
}

impl KeyPlace {
    /// A JWKS as people name it: a URL, else a file, relative to a folder.
    pub fn named(text: &str, folder: &Path) -> Self {
        if is_url(text) { Self::Url(text.to_owned()) } else { Self::File(folder.join(text)) }
    }

    /// Whether it takes the network to read it.
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Url(_) | Self::Discovery(_))
    }
}

impl fmt::Display for KeyPlace {
    /// For messages: a URL without its query, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::SecretFile(path) => write!(f, "{}", path.display()),
            Self::Url(url) | Self::Discovery(url) => f.write_str(url.split(['?', '#']).next().unwrap_or_default()),
            Self::SecretVariable(name) => write!(f, "${name}"),
        }
    }
}

/// Whether a text is meant as a URL and not as a file's name.
pub fn is_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Checks a URL that keys are fetched from. Credentials in it would end up on screens and in logs.
pub fn check_url(text: &str) -> Result<(), String> {
    let rest = text.split_once("://").filter(|_| is_url(text)).map(|(_, rest)| rest);
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    match authority {
        Some(authority) if authority.contains('@') => {
            Err("expected a URL without a user name or password, found one that has them".to_owned())
        }
        Some(authority) if !authority.is_empty() && !text.contains(char::is_whitespace) => Ok(()),
        _ => Err(format!("expected a URL such as https://id.example.com, found `{text}`")),
    }
}
