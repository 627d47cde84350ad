//! The one type that holds a raw token.

use zeroize::Zeroizing;

/// A raw token in canonical form, borrowed from the request or owned and wiped when dropped.
///
/// It has no `Debug`, `Clone`, `Display` or `Serialize` on purpose: it can be hashed, taken apart and verified inside
/// this module, and goes no further.
pub struct RawToken<'a>(Inner<'a>);

enum Inner<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl<'a> RawToken<'a> {
    /// Borrows from the intake buffer, which is overwritten by its owner.
    pub fn borrowed(text: &'a str) -> Self {
        Self(Inner::Borrowed(text))
    }

    /// Takes over a decoded copy.
    pub fn owned(text: Zeroizing<String>) -> Self {
        Self(Inner::Owned(text))
    }

    /// The text itself, for this module's eyes.
    pub(super) fn expose(&self) -> &str {
        match &self.0 {
            Inner::Borrowed(text) => text,
            Inner::Owned(text) => text,
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}
