//! What the targets share: one decoder for all executions, with a key of its own.

use std::sync::{Arc, LazyLock};

use jwtrail::model::policy::Policy;
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, KeySource, Shared};

static SHARED: LazyLock<Arc<Shared>> = LazyLock::new(|| {
    let key = FingerprintKey::from_env_text("a key for fuzzing alone, 32 bytes or more").expect("a key");
    Shared::new(&Policy::default(), key, KeySets::load(&[]).expect("no key set")).expect("a decoder")
});

static DECODER: LazyLock<Arc<dyn Decode>> =
    LazyLock::new(|| Arc::new(VisitorDecoder::new(|| Extractor::new(Arc::clone(&SHARED)))));

/// What tokens become.
pub fn shared() -> &'static Shared {
    &SHARED
}

/// The decoder that receivers and file readers use.
pub fn decoder() -> &'static dyn Decode {
    DECODER.as_ref()
}

/// One record: it is read, or refused with a place that lies within it.
pub fn record(signal: Signal, encoding: Encoding, body: &[u8]) {
    if let Err(error) = decoder().decode(signal, encoding, body) {
        assert!(error.offset <= body.len(), "{error}: beyond the record's {} bytes", body.len());
    }
}

/// A key set of an issuer that is asked for its keys: installed, or refused in words.
pub fn key_set(document: &[u8]) {
    let sets = KeySets::load(&[KeySource::issuer("https://id.test")]).expect("an issuer");
    let _ = sets.install(0, document).map_err(|error| error.to_string());
}
