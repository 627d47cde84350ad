//! A place in a JSON text (RFC 8259), read forward without building a tree.
//!
//! More tolerant than a parser of documents: `null` stands for an empty list or object, and control characters,
//! `NaN` and bytes that are no UTF-8 (as U+FFFD) pass. One damaged name must not cost the request.

use std::borrow::Cow;

use crate::otlp::decode::{DecodeError, Encoding};

/// A reading position.
#[derive(Clone)]
pub(in crate::otlp) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// How far the members of one object, or the items of one list, are read.
pub(in crate::otlp) enum Members {
    /// None yet.
    First,
    /// Some.
    Next,
    /// It was `null`.
    Null,
}

/// A value that is neither object nor list.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::otlp) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    Text(Cow<'a, str>),
}

impl<'a> Cursor<'a> {
    /// At the start of a text, behind a byte order mark.
    pub(in crate::otlp) fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { bytes, at }
    }

    /// Bytes from the start of the text.
    pub(in crate::otlp) fn offset(&self) -> usize {
        self.at
    }

    /// The same text, read from a place that was passed before.
    pub(in crate::otlp) fn back_at(&self, offset: usize) -> Self {
        Self { bytes: self.bytes, at: offset }
    }

    /// The first byte of the next value, or of what stands in its place.
    pub(in crate::otlp) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    pub(in crate::otlp) fn object(&mut self) -> Result<Members, DecodeError> {
        self.open(b'{', "an object")
    }

    pub(in crate::otlp) fn array(&mut self) -> Result<Members, DecodeError> {
        self.open(b'[', "a list")
    }

    /// The next key of an object, the cursor before its value; `None` behind the object.
    pub(in crate::otlp) fn key(&mut self, members: &mut Members) -> Result<Option<Cow<'a, str>>, DecodeError> {
        if !self.advance(members, b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Whether another item follows, the cursor before it, else behind the list.
    pub(in crate::otlp) fn item(&mut self, members: &mut Members) -> Result<bool, DecodeError> {
        self.advance(members, b']')
    }

    /// The next value where it is neither object nor list.
    pub(in crate::otlp) fn scalar(&mut self) -> Result<Scalar<'a>, DecodeError> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') => self.word(),
            _ => Err(self.expected("a text, a number, true, false or null")),
        }
    }

    /// Passes over one value, however deep, and checks that its brackets match.
    pub(in crate::otlp) fn skip(&mut self) -> Result<(), DecodeError> {
        let mut open: Vec<(u8, Members)> = Vec::new();
        loop {
            match self.peek() {
                Some(b'{') => open.push((b'{', self.object()?)),
                Some(b'[') => open.push((b'[', self.array()?)),
                Some(b'"') => self.pass_string()?,
                _ => drop(self.scalar()?),
            }
            // To the next value, out of every object and list that ends here.
            loop {
                let Some((bracket, members)) = open.last_mut() else { return Ok(()) };
                let more = if *bracket == b'{' { self.key(members)?.is_some() } else { self.item(members)? };
                if more {
                    break;
                }
                open.pop();
            }
        }
    }

    /// `expected …, found …`, without a word of the text itself.
    pub(in crate::otlp) fn expected(&mut self, what: &str) -> DecodeError {
        let found = match self.peek() {
            None => "the end",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b'0'..=b'9' | b'-') => "a number",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(_) => "something else",
        };
        self.error(format!("expected {what}, found {found}"))
    }

    pub(in crate::otlp) fn error(&self, what: impl Into<Cow<'static, str>>) -> DecodeError {
        DecodeError { encoding: Encoding::Json, offset: self.at, what: what.into() }
    }

    fn open(&mut self, bracket: u8, what: &str) -> Result<Members, DecodeError> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(Members::First)
            }
            Some(b'n') if self.word()? == Scalar::Null => Ok(Members::Null),
            _ => Err(self.expected(what)),
        }
    }

    fn advance(&mut self, members: &mut Members, close: u8) -> Result<bool, DecodeError> {
        let first = match members {
            Members::Null => return Ok(false),
            Members::First => true,
            Members::Next => false,
        };
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => {
                *members = Members::Next;
                Ok(true)
            }
            _ => Err(self.expected(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Scalar<'a>, DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        let word = rest.get(..length).and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default();
        let scalar = match word {
            "null" => Scalar::Null,
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            _ if word.parse::<f64>().is_ok() => Scalar::Number(word),
            _ => {
                // At the end of the text it may be the half of a word; the offset tells.
                self.at += if length == rest.len() { length } else { 0 };
                return Err(self.error("expected a number, true, false or null, found another word"));
            }
        };
        self.at += length;
        Ok(scalar)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        let start = self.at + 1;
        self.pass_string()?;
        let raw = self.bytes.get(start..self.at - 1).unwrap_or_default();
        let text = std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed);
        if memchr::memchr(b'\\', raw).is_none() {
            return Ok(text);
        }
        unescape(&text).map(Cow::Owned).ok_or_else(|| self.error("a text ends in an escape that JSON does not have"))
    }

    /// From the opening quote to behind the closing one.
    fn pass_string(&mut self) -> Result<(), DecodeError> {
        let mut at = self.at + 1;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest.get(found) == Some(&b'"') => {
                    self.at = at + found + 1;
                    return Ok(());
                }
                Some(found) => at += found + 2,
                None => {
                    self.at = self.bytes.len();
                    return Err(self.error("a text is cut off"));
                }
            }
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => unicode_escape(&mut chars)?,
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        });
    }
    Some(out)
}

/// Behind `\u`; a high surrogate takes the low one that follows with it, a lone one becomes U+FFFD.
fn unicode_escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let unit = hex4(chars)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let mut ahead = chars.clone();
    if (ahead.next(), ahead.next()) == (Some('\\'), Some('u'))
        && let Some(low @ 0xdc00..0xe000) = hex4(&mut ahead)
    {
        *chars = ahead;
        return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
    }
    Some(char::REPLACEMENT_CHARACTER)
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |value, _| Some(value * 16 + chars.next()?.to_digit(16)?))
}
