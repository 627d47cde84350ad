//! Numbers, enums, ids and bytes in the many ways that exporters and backends write them.

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
        Scalar::Text(text) => text == "true",
        Scalar::Null | Scalar::Number(_) => false,
    })
}

/// An enum by number or by name; names that `of` does not know read as 0.
pub(super) fn enumeration(cursor: &mut Cursor<'_>, of: impl Fn(&str) -> Option<i32>) -> Result<i32, DecodeError> {
    Ok(match cursor.scalar()? {
        Scalar::Number(text) => text.parse().unwrap_or_default(),
        Scalar::Text(text) => of(&text).or_else(|| text.parse().ok()).unwrap_or_default(),
        Scalar::Null | Scalar::Bool(_) => 0,
    })
}

/// An id of `N` bytes: hex or base64, told apart by length, for 32 hex digits are valid base64 too. A short hex trace id
/// is padded with zeros on the left. What is neither comes as its own text, for the reader of ids to reject.
pub(super) fn id<'a, const N: usize>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = text(cursor)?;
    let decoded = match text.len() {
        0 => return Ok(Cow::Borrowed(&[])),
        length if length == 2 * N || (N == 16 && length == 16) => hex::<N>(&text),
        length if length == N.div_ceil(3) * 4 => STANDARD.decode(text.as_bytes()).ok(),
        _ => None,
    };
    Ok(match (decoded, text) {
        (Some(id), _) => Cow::Owned(id),
        (None, Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        (None, Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
    })
}

fn hex<const N: usize>(text: &str) -> Option<Vec<u8>> {
    let mut id = vec![0; N];
    let digits = text.as_bytes().chunks_exact(2);
    let padding = N.checked_sub(digits.len())?;
    for (byte, pair) in id.iter_mut().skip(padding).zip(digits) {
        let digit = |index: usize| pair.get(index).and_then(|&digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(id)
}

/// `bytesValue`: base64, standard or URL-safe, padded or not.
pub(super) fn bytes<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, [u8]>, DecodeError> {
    let text = text(cursor)?;
    let decoded = STANDARD.decode(text.as_bytes()).or_else(|_| URL_SAFE.decode(text.as_bytes()));
    decoded.map(Cow::Owned).map_err(|_| cursor.error("expected bytes in base64, found another text"))
}
