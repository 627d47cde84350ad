//! Takes credentials out of text (tagging.md section 5): JWTs wherever they stand, values behind a scheme word, and
//! values of the parameters that carry credentials.
//!
//! One departure from the plain pattern `ey[JA][\w-]{8,}`: glued to a letter or digit it counts only if it decodes to
//! readable text, for `apiKeyAuthentication` holds it too.

mod signs;

use std::borrow::Cow;

use super::canonical::{is_placeholder, percent_decoded};
use super::carriers::{Carriers, same_name};
use super::{RawToken, Shared, valid_fingerprint};
use crate::model::Fingerprint;
use signs::{
    blank_length, ends_credential, ends_with_folded, ends_with_folded_bytes, hides_itself, is_parameter, jwt_length,
    password_at, reads_as_json, starts_with_folded,
};

/// What stands in place of a credential that has no fingerprint.
pub const REDACTED: &str = "‹redacted›";

/// What stands before the fingerprint of one that has.
const MARK: &str = "jwt:";

/// Headers that hold credentials beside the carriers.
const SENSITIVE: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// Query and form parameters that hold credentials; the first three hold tokens.
/// The first three hold tokens. A name that begins another one comes after it.
const PARAMETERS: [&str; 20] = [
    "access_token",
    "id_token",
    "refresh_token",
    "client_secret",
    "client_assertion",
    "assertion",
    "code",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "x-api-key",
    "password",
    "passwd",
    "pwd",
    "secret",
    "signature",
    "sig",
    "x-amz-signature",
    "x-amz-security-token",
];

/// A credential that was taken out of a text, or the mark of one that was taken out before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// A JWT, by the fingerprint that stands in its place.
    Jwt(Fingerprint),
    /// A token without structure.
    Token,
    /// A password, a secret, a code.
    Other,
}

impl Shared {
    /// The text without credentials; borrowed where there was none, which is cheap to find out.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.scrub_with(text, &mut |_| ())
    }

    /// The same, and each credential is reported.
    pub fn scrub_with<'t>(&self, text: &'t str, found: &mut dyn FnMut(Credential)) -> Cow<'t, str> {
        if !suspicious(text) {
            return Cow::Borrowed(text);
        }
        let name = |raw: &str| {
            let decoded = percent_decoded(raw).and_then(|once| percent_decoded(&once).or(Some(once)));
            let raw = decoded.map_or_else(|| RawToken::borrowed(raw), RawToken::owned);
            self.token(&raw, "").0.fingerprint().cloned()
        };
        settle(Scan { text, out: None, copied: 0, name: &name, found }.run(), &name)
    }
}

/// What was put in can make a longer value of what stood before it (`Bearer token=x`): goes over the text until there
/// is nothing more to take out, so that clean text stays as it is for good.
fn settle<'t>(mut text: Cow<'t, str>, name: &dyn Fn(&str) -> Option<Fingerprint>) -> Cow<'t, str> {
    const PASSES: usize = 8;
    for _ in 0..PASSES {
        let Cow::Owned(written) = &text else { break };
        let again = Scan { text: written, out: None, copied: 0, name, found: &mut |_| () }.run();
        let Cow::Owned(cleaner) = again else { break };
        text = Cow::Owned(cleaner);
    }
    text
}

/// The same for text that comes out of a token: nothing in it is looked at further.
pub(super) fn blacken(text: &str) -> Cow<'_, str> {
    if suspicious(text) {
        settle(Scan { text, out: None, copied: 0, name: &|_| None, found: &mut |_| () }.run(), &|_| None)
    } else {
        Cow::Borrowed(text)
    }
}

/// The fingerprint of the mark at the front, `jwt:s256:…` or `jwt:h256.…`; anything else behind `jwt:` is no mark.
fn mark_at(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(MARK).filter(|rest| rest.starts_with("s256:") || rest.starts_with("h256."))?;
    let digits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    let end = rest.bytes().take(64).take_while(|b| digits(*b)).count();
    let fits = |length: &usize| end >= *length && valid_fingerprint(&rest[..*length]);
    [48, 36].into_iter().find(fits).map(|length| &rest[..length])
}

/// Whether something was taken out of this text before.
pub fn is_marked(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Whole tokens are looked through here: by the bytes that they hold least of.
    memchr::memchr(REDACTED.as_bytes()[0], bytes).is_some() && text.contains(REDACTED)
        || memchr::memchr_iter(b':', bytes)
            .any(|at| bytes[..=at].ends_with(MARK.as_bytes()) && mark_at(&text[at + 1 - MARK.len()..]).is_some())
}

/// Whether an attribute of this name holds a credential whatever its value looks like.
pub fn sensitive_key(key: &str, carriers: &Carriers) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    SENSITIVE.iter().any(|known| same_name(known, name))
        || carriers.is_carrier(name)
        || PARAMETERS.iter().any(|known| !matches!(*known, "code" | "token") && same_name(known, name))
}

/// Bytes at which a credential may show itself: the third of `eyJ`, a separator behind a scheme word or a parameter's
/// name, the end of `jwt:`. Most texts hold none of them, or only blanks.
const TELLING: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"JA=%\": +\t\n\r";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    // Blanks beyond ASCII begin with one of these.
    table[0xC2] = true;
    table[0xE1] = true;
    table[0xE2] = true;
    table[0xE3] = true;
    table[0x0B] = true;
    table[0x0C] = true;
    table
};

/// Whether a text may hold a credential, by one cheap pass over it.
pub fn suspicious(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 8 && bytes.iter().enumerate().any(|(at, byte)| TELLING[*byte as usize] && tells(bytes, at))
}

/// Whether the byte at this position stands where a credential would have it.
fn tells(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    match bytes[at] {
        b'J' | b'A' => before.ends_with(b"ey"),
        // `?page=2` names no credential: most of these stand in plain queries.
        b'=' => PARAMETERS.iter().any(|name| ends_with_folded_bytes(before, name.as_bytes())),
        b':' => before.ends_with(b"jwt") || before.ends_with(b"\"") || password_at(bytes, at).is_some(),
        b'"' => false,
        b'%' if bytes[at..].starts_with(b"%3D") || bytes[at..].starts_with(b"%3d") => true,
        b'%' if bytes[at..].starts_with(b"%25") => true,
        _ => ["bearer", "dpop", "basic"].iter().any(|word| {
            before.len() >= word.len() && before[before.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
        }),
    }
}

struct Scan<'t, 'f> {
    text: &'t str,
    out: Option<String>,
    copied: usize,
    name: &'f dyn Fn(&str) -> Option<Fingerprint>,
    found: &'f mut dyn FnMut(Credential),
}

impl<'t> Scan<'t, '_> {
    fn run(mut self) -> Cow<'t, str> {
        let mut at = 0;
        while at < self.text.len() {
            at = self.step(at).unwrap_or(at + 1);
        }
        match self.out {
            None => Cow::Borrowed(self.text),
            Some(mut out) => {
                out.push_str(&self.text[self.copied..]);
                Cow::Owned(out)
            }
        }
    }

    /// Where something was found at this position, the position behind it.
    fn step(&mut self, at: usize) -> Option<usize> {
        match self.text.as_bytes()[at] {
            b'e' => self.jwt(at).or_else(|| self.parameter(at)),
            b'j' => self.mark(at),
            b'b' | b'B' | b'd' | b'D' => self.scheme(at),
            b'a' | b'A' | b'c' | b'C' | b'i' | b'I' | b'p' | b'P' | b'r' | b'R' | b's' | b'S' | b't' | b'T' | b'x'
            | b'X' => self.parameter(at),
            b':' => self.userinfo(at),
            _ => None,
        }
    }

    fn replace(&mut self, from: usize, to: usize, with: &str) -> usize {
        let out = self.out.get_or_insert_with(|| String::with_capacity(self.text.len()));
        out.push_str(&self.text[self.copied..from]);
        out.push_str(with);
        self.copied = to;
        to
    }

    fn jwt(&mut self, at: usize) -> Option<usize> {
        // The cheap question first: hostile text must not be measured to its end at every position.
        if self.is_glued(at) && !reads_as_json(&self.text[at..]) {
            return None;
        }
        let run = &self.text[at..at + jwt_length(&self.text.as_bytes()[at..])?];
        Some(self.replace_jwt(at, at + run.len()))
    }

    fn replace_jwt(&mut self, from: usize, to: usize) -> usize {
        match (self.name)(&self.text[from..to]) {
            Some(fingerprint) => {
                let end = self.replace(from, to, &format!("{MARK}{fingerprint}"));
                (self.found)(Credential::Jwt(fingerprint));
                end
            }
            None => self.replace(from, to, REDACTED),
        }
    }

    /// The password in `://user:password@host` (RFC 3986, section 3.2.1).
    fn userinfo(&mut self, at: usize) -> Option<usize> {
        let password = password_at(self.text.as_bytes(), at)?;
        let value = self.text.get(password.clone())?;
        if value.starts_with(REDACTED) || hides_itself(value) {
            return None;
        }
        (self.found)(Credential::Other);
        Some(self.replace(password.start, password.end, REDACTED))
    }

    /// Whether a letter or digit stands in front, other than as the end of `%3D`.
    fn is_glued(&self, at: usize) -> bool {
        let before = &self.text.as_bytes()[..at];
        let escaped = before.len() >= 3 && before[before.len() - 3] == b'%';
        !escaped && before.last().is_some_and(u8::is_ascii_alphanumeric)
    }

    /// `jwt:s256:…` of an earlier scrubbing stays as it is.
    fn mark(&mut self, at: usize) -> Option<usize> {
        let fingerprint = mark_at(&self.text[at..])?;
        (self.found)(Credential::Jwt(Fingerprint::new(fingerprint)));
        Some(at + MARK.len() + fingerprint.len())
    }

    fn scheme(&mut self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let word = ["bearer", "dpop", "basic"].into_iter().find(|word| starts_with_folded(rest, word))?;
        let behind = &rest[word.len()..];
        let blank = blank_length(behind);
        let from = at + word.len() + blank;
        let value = &self.text[from..];
        if value.starts_with(REDACTED) && word != "basic" {
            (self.found)(Credential::Token);
        }
        if blank == 0 || is_parameter(value) || mark_at(value).is_some() || value.starts_with(REDACTED) {
            return None;
        }
        let end = value.char_indices().find(|&(i, c)| ends_credential(c, &value[i..])).map_or(value.len(), |(i, _)| i);
        let value = &value[..end];
        if value.chars().count() < 8 || hides_itself(value) || jwt_length(value.as_bytes()).is_some() {
            return None;
        }
        // `bearer authentication` is cut out as well, to be safe, but it is no token that someone exposed.
        let prose = value.bytes().all(|b| b.is_ascii_lowercase());
        (self.found)(if word == "basic" || prose { Credential::Other } else { Credential::Token });
        Some(self.replace(from, from + end, REDACTED))
    }

    fn parameter(&mut self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let index = PARAMETERS.iter().position(|name| starts_with_folded(rest, name))?;
        let name = PARAMETERS[index];
        let behind = &rest[name.len()..];
        let separator = ["=", "%3D", "%3d", "\":\"", "\": \"", "%253D"].into_iter().find(|s| behind.starts_with(s))?;
        if !self.begins_parameter(at, name == "code") {
            return None;
        }
        let from = at + name.len() + separator.len();
        let value = &self.text[from..];
        let token = index < 3;
        if value.starts_with(REDACTED) && token {
            (self.found)(Credential::Token);
        }
        if value.starts_with(REDACTED) || mark_at(value).is_some() {
            return None;
        }
        let encoded = separator.starts_with('%');
        let end = value
            .char_indices()
            .find(|&(i, c)| {
                c.is_whitespace()
                    || matches!(c, '&' | '"' | '\'' | '<' | '>' | '#' | ';' | ',' | ')' | '}' | ']')
                    || (encoded && (value[i..].starts_with("%26") || value[i..].starts_with("%2526")))
            })
            .map_or(value.len(), |(i, _)| i);
        let value = &value[..end];
        if value.is_empty() || hides_itself(value) || is_placeholder(value) {
            return Some(from + end);
        }
        if jwt_length(value.as_bytes()) == Some(value.len()) {
            return Some(self.replace_jwt(from, from + end));
        }
        (self.found)(if token { Credential::Token } else { Credential::Other });
        Some(self.replace(from, from + end, REDACTED))
    }

    /// Parameters begin a text or follow `?`, `&` and the like; `code` is too common a word for more than those.
    fn begins_parameter(&self, at: usize, strict: bool) -> bool {
        let before = &self.text[..at];
        let Some(last) = before.chars().next_back() else { return true };
        matches!(last, '?' | '&' | ';' | '#')
            || (!strict && (last.is_whitespace() || matches!(last, '"' | '\'' | ',' | '{' | '(' | '[')))
            || ["%3F", "%26", "%23"].iter().any(|sign| ends_with_folded(before, sign))
    }
}
