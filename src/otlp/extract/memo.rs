//! What the spans of one request say again and again, kept while the request is in memory.
//!
//! Most spans of a request repeat one of the spans before them, but for ids, times, and the token. So each is compared
//! with the last one of its kind, byte for byte and attribute by attribute; what is equal is not read a second time.

use std::sync::Arc;

use super::form::{Form, Heard, Told};
use super::observe::Longest;
use crate::model::Arrived;
use crate::otlp::data::RawSpan;

/// Places for spans of different names and kinds.
const SPANS: usize = 64;

/// Pairs of places for what carriers hold.
const CARRIERS: usize = 128;

/// Remembers over one request.
#[derive(Default)]
pub struct Memo<'a> {
    spans: Vec<Option<Box<Seen<'a>>>>,
    headers: Pairs<&'a [u8], Heard>,
    tags: Pairs<Vec<&'a [u8]>, Told>,
}

/// What an attribute is to its span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// It tells something that many spans tell alike.
    Form,
    /// Nothing is read of it, and nothing is hidden in it.
    Quiet,
    /// A tag of jwtrail's own.
    Tag,
    /// A captured request header.
    Header,
}

/// An attribute as sent, and what it is.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) part: Part,
    pub(super) key: &'a [u8],
    pub(super) bytes: &'a [u8],
}

/// The last span of a kind.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// Number of the group of spans that it stood in.
    pub(super) group: u64,
    pub(super) kind: i32,
    pub(super) flags: u32,
    pub(super) status: i32,
    pub(super) name: &'a [u8],
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) form: Option<Arc<Form>>,
    /// The longest text of its quiet attributes.
    pub(super) longest: Longest,
    /// What its tags told.
    pub(super) told: Option<Arc<Told>>,
    /// What each of its headers held.
    pub(super) heard: Vec<Arc<Heard>>,
    /// The span, to be copied.
    pub(super) span: Option<Arrived>,
    /// The longest text of its form and its quiet attributes.
    pub(super) base: Longest,
}

impl<'a> Memo<'a> {
    /// Where the last span like this one is kept, if only by chance.
    pub(super) fn place(span: &RawSpan<'_>) -> usize {
        let kind = u64::from(span.kind.cast_unsigned());
        let (attributes, length) = (span.attributes.len() as u64, span.name.len() as u64);
        mix(tail(span.name) ^ kind << 40 ^ attributes << 48 ^ length) as usize % SPANS
    }

    /// Takes it out.
    pub(super) fn take(&mut self, place: usize) -> Box<Seen<'a>> {
        self.spans.get_mut(place).and_then(Option::take).unwrap_or_default()
    }

    /// Puts it back.
    pub(super) fn put(&mut self, place: usize, seen: Box<Seen<'a>>) {
        if self.spans.is_empty() {
            self.spans.resize_with(SPANS, || None);
        }
        if let Some(free) = self.spans.get_mut(place) {
            *free = Some(seen);
        }
    }

    /// What a header attribute of the same bytes held.
    pub(super) fn heard(
        &mut self,
        attribute: &'a [u8],
        read: impl FnOnce() -> Option<Arc<Heard>>,
    ) -> Option<Arc<Heard>> {
        self.headers.get(spread(attribute), |known| *known == attribute, || Some((attribute, read()?)))
    }

    /// What tags of the same bytes told.
    pub(super) fn told(
        &mut self,
        tags: &(impl Iterator<Item = &'a [u8]> + Clone),
        read: impl FnOnce() -> Option<Arc<Told>>,
    ) -> Option<Arc<Told>> {
        // A fingerprint's last digits stand at its tag's end.
        let ends = tags.clone().fold(0, |ends: u64, tag| ends.rotate_left(7) ^ tail(tag));
        let same = |known: &Vec<&'a [u8]>| known.iter().copied().eq(tags.clone());
        self.tags.get(mix(ends), same, || Some((tags.clone().collect(), read()?)))
    }
}

/// Values by what they were read from, two places for each hash: what was asked for last stands in the first.
struct Pairs<K, T>(Vec<[Place<K, T>; 2]>);

type Place<K, T> = Option<(K, Arc<T>)>;

impl<K, T> Default for Pairs<K, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, T> Pairs<K, T> {
    fn get(
        &mut self,
        hash: u64,
        same: impl Fn(&K) -> bool,
        read: impl FnOnce() -> Option<(K, Arc<T>)>,
    ) -> Option<Arc<T>> {
        if self.0.is_empty() {
            self.0.resize_with(CARRIERS, || [None, None]);
        }
        let [first, second] = self.0.get_mut(hash as usize % CARRIERS)?;
        if !first.as_ref().is_some_and(|(known, _)| same(known)) {
            std::mem::swap(first, second);
            if !first.as_ref().is_some_and(|(known, _)| same(known)) {
                *first = Some(read()?);
            }
        }
        first.as_ref().map(|(_, value)| Arc::clone(value))
    }
}

/// The last bytes: where names differ, if anywhere.
fn tail(bytes: &[u8]) -> u64 {
    bytes.last_chunk::<8>().map_or(0, |tail| u64::from_le_bytes(*tail))
}

/// A hash of all bytes, in four lanes: quick on long tokens, which may differ in a letter or two. No more than eight
/// bytes are held at a time, for a stack is not wiped.
fn spread(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0xD6E8_FEB8_6659_FD93;
    let mut lanes = [0_u64; 4];
    for (at, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let lane = &mut lanes[at % 4];
        *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    }
    lanes.iter().fold(tail(bytes), |all, lane| mix(all ^ lane))
}

/// Spreads differences over the lower bits. No secret: a place that is taken costs no more than reading anew.
fn mix(value: u64) -> u64 {
    let wide = u128::from(value ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xA076_1D64_78BD_642F_E703_7ED1_A0B4_28DB);
    (wide as u64) ^ (wide >> 64) as u64
}
