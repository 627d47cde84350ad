//! Numbers, enums and bytes in the many ways that exporters and backends write them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::cursor::{Cursor, Scalar};
use crate::otlp::decode::DecodeError;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A text; `null` is the empty one, a number or boolean its own spelling.
pub(super) fn text<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, DecodeError> {
    Ok(match cursor.scalar()? {
        Scalar::Null => Cow::Borrowed(""),
        Scalar::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Scalar::Number(number) => Cow::Borrowed(number),
        Scalar::Text(text) => text,
    })
}

/// A `fixed64` or `uint32`: text or number, a rounded float too.
pub(super) fn unsigned(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    number(cursor, |text| {
        // A float casts by saturation: what is below zero or not a number reads as 0.
        text.parse().ok().or_else(|| text.parse::<f64>().ok().map(saturating_u64))
    })
}

/// An `int64` likewise.
pub(super) fn signed(cursor: &mut Cursor<'_>) -> Result<i64, DecodeError> {
    number(cursor, |text| text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|float| float as i64)))
}

/// A `double`: number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub(super) fn double(cursor: &mut Cursor<'_>) -> Result<f64, DecodeError> {
    number(cursor, |text| text.parse().ok())
}

#[expect(clippy::cast_sign_loss, reason = "the cast saturates, which is what is wanted")]
fn saturating_u64(float: f64) -> u64 {
    float as u64
}

fn number<T: Default>(cursor: &mut Cursor<'_>, parse: impl Fn(&str) -> Option<T>) -> Result<T, DecodeError> {
    let before = cursor.clone();
    let parsed = match cursor.scalar()? {
        Scalar::Number(text) => parse(text),
        Scalar::Text(text) if text.is_empty() => Some(T::default()),
        Scalar::Text(text) => parse(text.trim()),
        Scalar::Null => Some(T::default()),
        Scalar::Bool(_) => None,
    };
    parsed.ok_or_else(|| before.error("expected a number, found another value"))
}

/// A boolean, also as text.
pub(super) fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, DecodeError> {
    Ok(match cursor.scalar()? {
        Scalar::Bool(value) => value,
        Scalar::Text(text) => text.eq_ignore_ascii_case("true"),
        Scalar::Null | Scalar::Number(_) => false,
    })
}

/// An enum by number or by name; names that `of` does not know read as 0.
pub(super) fn enumeration(cursor: &mut Cursor<'_>, of: impl Fn(&str) -> Option<i32>) -> Result<i32, DecodeError> {
    Ok(match cursor.scalar()? {
        Scalar::Number(text) => text.parse().or_else(|_| text.parse::<f64>().map(|float| float as i32)).unwrap_or(0),
        Scalar::Text(text) => of(&text).or_else(|| text.parse().ok()).unwrap_or_default(),
        Scalar::Null | Scalar::Bool(_) => 0,
    })
}

/// `bytesValue`: base64, standard or URL-safe, padded or not.
pub(super) fn bytes<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = text(cursor)?;
    base64(&text).map(Cow::Owned).ok_or_else(|| cursor.error("expected bytes in base64, found another text"))
}

/// What a text in base64 stands for.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
