//! The protobuf wire format: fields off the front of a slice, with strict bounds.

use std::borrow::Cow;

use crate::otlp::decode::{DecodeError, Encoding};

/// How deep unknown groups may nest before the request is refused.
const MAX_GROUP_DEPTH: u8 = 64;

/// The fields of one message.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of the message's end in the request: with what is left it gives the position.
    end: usize,
}

/// One field's value as it is on the wire.
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A string, bytes or a message.
    Len(Reader<'a>),
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message, end: message.len() }
    }

    /// What is left of the message.
    pub(super) fn bytes(self) -> &'a [u8] {
        self.rest
    }

    /// What is left as text; bytes that are no UTF-8 become U+FFFD, for one bad name must not cost the request.
    #[inline]
    pub(super) fn text(self) -> Cow<'a, str> {
        // The lossy conversion goes letter by letter; this check goes word by word, and nearly always says yes.
        match std::str::from_utf8(self.rest) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => lossy(self.rest),
        }
    }

    /// The same, where it is likely to equal a text that was read before; that one is kept up to date.
    #[inline]
    pub(super) fn text_like(self, before: &mut &'a str) -> Cow<'a, str> {
        if before.as_bytes() == self.rest {
            return Cow::Borrowed(before);
        }
        let text = self.text();
        if let Cow::Borrowed(text) = text {
            *before = text;
        }
        text
    }

    /// A key and a short text, as every exporter writes them: each a field of one byte's length, and nothing behind.
    /// Whatever is written otherwise is left to be read field by field.
    #[inline]
    pub(super) fn short_text_attribute(self) -> Option<(Self, Self)> {
        const FIRST: u8 = 0x0a;
        const SECOND: u8 = 0x12;
        let [FIRST, length @ ..0x80, rest @ ..] = self.rest else { return None };
        let (key, rest) = rest.split_at_checked(usize::from(*length))?;
        let [SECOND, outer @ ..0x80, FIRST, inner @ ..0x80, text @ ..] = rest else { return None };
        if usize::from(*inner) != text.len() || usize::from(*outer) != text.len() + 2 {
            return None;
        }
        let whole = |bytes| Reader { rest: bytes, end: self.end };
        Some((whole(key), whole(text)))
    }

    /// The next field, `None` at the message's end. Groups, which OTLP does not use, are passed over.
    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    pub(super) fn field(&mut self) -> Result<Option<(u32, Wire<'a>)>, DecodeError> {
        while !self.rest.is_empty() {
            let (number, kind) = self.tag()?;
            match kind {
                3 => self.skip_group(number, MAX_GROUP_DEPTH)?,
                4 => return Err(self.error("expected a field, found the end of a group that never began")),
                _ => return Ok(Some((number, self.value(kind)?))),
            }
        }
        Ok(None)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn error(self, what: &'static str) -> DecodeError {
        let offset = self.end - self.rest.len();
        DecodeError { encoding: Encoding::Protobuf, offset, what: Cow::Borrowed(what) }
    }

    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    fn tag(&mut self) -> Result<(u32, u8), DecodeError> {
        let key = u32::try_from(self.varint()?).map_err(|_| self.error("expected a field number below 2^29"))?;
        match key >> 3 {
            0 => Err(self.error("expected a field number, found 0")),
            number => Ok((number, (key & 7) as u8)),
        }
    }

    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    fn value(&mut self, kind: u8) -> Result<Wire<'a>, DecodeError> {
        match kind {
            0 => self.varint().map(Wire::Varint),
            1 => self.fixed::<8>().map(|bytes| Wire::Fixed64(u64::from_le_bytes(bytes))),
            2 => self.length_delimited().map(Wire::Len),
            5 => self.fixed::<4>().map(|bytes| Wire::Fixed32(u32::from_le_bytes(bytes))),
            _ => Err(self.error("expected a wire type of 0 to 5, found 6 or 7")),
        }
    }

    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(first));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte holds the 64th bit and no more.
                if index == 9 && byte > 1 {
                    break;
                }
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        let cut = self.rest.len() < 10;
        Err(self.error(if cut { "a varint is cut off" } else { "a varint has more than 64 bits" }))
    }

    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.error("a fixed number is cut off"))?;
        self.rest = rest;
        Ok(*head)
    }

    #[expect(clippy::inline_always, reason = "the hottest path of intake: a call a field costs half as much again")]
    #[inline(always)]
    fn length_delimited(&mut self) -> Result<Reader<'a>, DecodeError> {
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (head, rest) = split.ok_or_else(|| self.error("a field is longer than the message that holds it"))?;
        self.rest = rest;
        Ok(Reader { rest: head, end: self.end - rest.len() })
    }

    #[cold]
    #[inline(never)]
    fn skip_group(&mut self, group: u32, depth: u8) -> Result<(), DecodeError> {
        if depth == 0 {
            return Err(self.error("groups are nested too deep"));
        }
        loop {
            if self.rest.is_empty() {
                return Err(self.error("a group is cut off"));
            }
            match self.tag()? {
                (number, 3) => self.skip_group(number, depth - 1)?,
                (number, 4) if number == group => return Ok(()),
                (_, 4) => return Err(self.error("expected the end of a group, found the end of another")),
                (_, kind) => self.value(kind).map(drop)?,
            }
        }
    }
}

#[cold]
#[inline(never)]
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
