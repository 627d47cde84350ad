//! What values that spans share take, counted for as long as they live, whoever holds them.

use std::fmt;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CarriedValue, Carries, Resource, Site, Token};

/// Bytes that shared values take together.
#[derive(Default, Debug)]
pub struct Meter(AtomicUsize);

impl Meter {
    /// Bytes now.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The weight of one shared value. It goes with the value; a copy of the value weighs nothing until it is weighed.
#[derive(Default)]
pub struct Weight(Option<(Arc<Meter>, usize)>);

impl Weight {
    fn put(&mut self, meter: &Arc<Meter>, bytes: usize) {
        *self = Self(Some((Arc::clone(meter), bytes)));
        meter.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        if let Some((meter, bytes)) = &self.0 {
            meter.0.fetch_sub(*bytes, Ordering::Relaxed);
        }
    }
}

impl Clone for Weight {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Equal values are equal, whatever they are counted with.
impl PartialEq for Weight {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Weight")
    }
}

/// Bytes that the allocator takes for a block: its sizes are a quarter of a power of two apart, the small ones 16 bytes
/// (mimalloc's size classes).
pub const fn allocated(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=64 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of((1 << (bytes - 1).ilog2()) / 4),
    }
}

/// The counts in front of what an [`Arc`] points at.
const COUNTS: usize = 2 * size_of::<usize>();

/// Bytes of a shared value's own block.
const fn shared<T>() -> usize {
    allocated(COUNTS + size_of::<T>())
}

/// Bytes of a shared text.
pub const fn text(length: usize) -> usize {
    allocated(COUNTS + length)
}

/// Weighs a site, the texts that it may be the last to hold included.
pub fn weigh_site(site: &mut Site, meter: &Arc<Meter>) {
    let rare = site.rare().map_or(0, |rare| allocated(size_of_val(rare)));
    let texts: usize = site.texts().map(|held| text(held.len())).sum();
    let bytes = shared::<Site>() + rare + texts + own_process(&site.resource);
    site.weight.put(meter, bytes);
}

/// Bytes of a process that hardly anyone else holds: its first sites answer for it.
fn own_process(process: &Arc<Resource>) -> usize {
    if Arc::strong_count(process) > HOLDERS_AT_FIRST {
        return 0;
    }
    let service = &process.service;
    let texts = [&service.namespace, &service.name, &process.instance, &process.language, &process.sdk, &process.host];
    shared::<Resource>() + texts.into_iter().map(|held| text(held.len())).sum::<usize>()
}

/// Who holds a process when its first span is read: the reader three times, and the site.
const HOLDERS_AT_FIRST: usize = 4;

/// Weighs what a span carries, without its tokens.
pub fn weigh_carries(carries: &mut Carries, meter: &Arc<Meter>) {
    let own = |value: &CarriedValue| if let CarriedValue::OtherCredential(name) = value { text(name.len()) } else { 0 };
    let list: usize = carries.carried.iter().map(|one| text(one.carrier.len()) + own(&one.value)).sum();
    let tags = carries.tags.as_ref().map_or(0, |tags| allocated(size_of_val(&**tags)) + 2 * text(64));
    let bytes = shared::<Carries>() + allocated(size_of_val(carries.carried.as_slice())) + list + tags;
    carries.weight.put(meter, bytes);
}

/// Weighs a token.
pub fn weigh_token(token: &mut Token, meter: &Arc<Meter>) {
    let prints = [
        &token.s256,
        &token.h256,
        &token.header,
        &token.payload,
        &token.signature,
        &token.sub_hash,
        &token.subject_id_hash,
        &token.jti_hash,
        &token.txn_hash,
    ];
    let prints: usize = prints.into_iter().flatten().map(|print| text(print.as_str().len())).sum();
    let names = [&token.alg, &token.kid, &token.typ, &token.iss].into_iter().flatten();
    let lists = [&token.aud, &token.scope, &token.actors];
    let names: usize = names.chain(lists.into_iter().flatten()).map(|name| text(name.len())).sum();
    let lists: usize = lists.into_iter().map(|list| allocated(size_of_val(list.as_slice()))).sum();
    let bytes = shared::<Token>() + prints + names + lists;
    token.weight.put(meter, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_counted_once_and_until_the_last_holder_lets_go() {
        let meter = Arc::new(Meter::default());
        let mut token = Token { iss: Some("https://id.example.com".into()), ..Token::default() };
        weigh_token(&mut token, &meter);
        let weight = meter.bytes();
        assert!(weight > size_of::<Token>());
        let token = Arc::new(token);
        let other = Arc::clone(&token);
        let copy = Token::clone(&token);
        drop(token);
        assert_eq!(meter.bytes(), weight);
        drop(other);
        assert_eq!(meter.bytes(), 0);
        drop(copy);
        assert_eq!(meter.bytes(), 0);
    }

    #[test]
    fn blocks_are_as_large_as_the_allocator_makes_them() {
        let sizes = [0, 1, 16, 17, 64, 65, 80, 81, 128, 129, 704, 1025].map(allocated);
        assert_eq!(sizes, [0, 16, 16, 32, 64, 80, 80, 96, 128, 160, 768, 1280]);
    }
}
