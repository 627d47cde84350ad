//! What every source shares: the decoder that forgets raw tokens, and the reader of files behind it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::check::name;
use super::keys::Keeper;
use super::out;
use super::settings::Judging;
use crate::model::Batch;
use crate::otlp::extract::Extractor;
use crate::otlp::files::{self, FileReport};
use crate::otlp::redact::{Redactor, Strict};
use crate::otlp::{Decode, VisitorDecoder};
use crate::token::{FingerprintKey, KeySets, Pace, Shared};

/// The variable that holds the key of fingerprints: a secret, so never an option.
const KEY_VARIABLE: &str = "JWTRAIL_FP_KEY";

/// What spans are decoded with.
#[derive(Clone)]
pub struct Source {
    /// Forgets raw tokens.
    pub decoder: Arc<dyn Decode>,
    shared: Arc<Shared>,
    /// The keys that tokens are checked with on the way.
    pub keys: Keeper,
}

/// A decoder under the policy's carriers and the key sets. Remote ones are still to be fetched.
pub fn open(judging: &Judging) -> anyhow::Result<Source> {
    let key = match std::env::var(KEY_VARIABLE) {
        Ok(text) if !text.is_empty() => FingerprintKey::from_env_text(&text)?,
        Err(std::env::VarError::NotUnicode(_)) => {
            anyhow::bail!(
                "expected UTF-8 text in {KEY_VARIABLE}, found other bytes: make one with `openssl rand -base64 48`"
            )
        }
        _ => FingerprintKey::random()?,
    };
    let keys = Arc::new(KeySets::load(&judging.keys)?);
    for skipped in keys.skipped() {
        tracing::warn!("key left out: {skipped}");
    }
    let shared = Shared::new(&judging.file.policy, key, Arc::clone(&keys))?;
    let extracting = Arc::clone(&shared);
    let decoder = Arc::new(VisitorDecoder::new(move || Extractor::new(Arc::clone(&extracting))));
    Ok(Source { decoder, shared, keys: Keeper::new(keys, Pace::default()) })
}

impl Source {
    /// The same decoder, which also writes down what it read without credentials.
    pub fn redacting(&self, strict: Option<Strict>) -> Arc<dyn Decode> {
        let (shared, strict) = (Arc::clone(&self.shared), strict.map(Arc::new));
        Arc::new(VisitorDecoder::new(move || Redactor::new(Arc::clone(&shared), strict.clone())))
    }
}

/// Reads saved traces.
pub struct Reader {
    decoder: Arc<dyn Decode>,
}

impl Reader {
    /// A reader with a decoder of its own. Saved traces can wait for keys; ones that do not come are named on standard
    /// error, and reading goes on without them.
    pub fn new(judging: &Judging) -> anyhow::Result<Self> {
        Ok(Self { decoder: ready(judging)?.decoder })
    }

    /// The same, and each batch comes with its lines without credentials.
    pub fn redacting(judging: &Judging, strict: bool) -> anyhow::Result<Self> {
        let strict = strict.then(|| Strict::new(&judging.file.policy.rejection));
        Ok(Self { decoder: ready(judging)?.redacting(strict) })
    }

    /// Hands over what is in a file; what cannot be read of it is named on standard error.
    pub fn read(&self, path: &Path, take: &mut dyn FnMut(Batch)) -> anyhow::Result<()> {
        let report = files::read_file(path, self.decoder.as_ref(), take)?;
        for line in damage(&name(path), &report) {
            out::note(&line);
        }
        Ok(())
    }
}

/// A source whose keys were waited for.
fn ready(judging: &Judging) -> anyhow::Result<Source> {
    let source = open(judging)?;
    let keys = &source.keys;
    if keys.is_remote() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        for complaint in runtime.context("cannot start the runtime")?.block_on(keys.fetch_all()) {
            tracing::warn!("{complaint}");
            out::note(&format!("warning: {complaint}"));
        }
    }
    Ok(source)
}

/// A line for each damaged record that is named, and one for the rest.
fn damage(file: &str, report: &FileReport) -> Vec<String> {
    let mut lines: Vec<String> = report.damaged.iter().map(|damaged| format!("{file}: {damaged}: left out")).collect();
    let more = report.damaged_total.saturating_sub(report.damaged.len() as u64);
    if more > 0 {
        lines.push(format!("{file}: {more} more records could not be read"));
    }
    if let Some(place) = report.truncated {
        lines.push(format!("{file}: {place}: the last record is cut off and was left out"));
    }
    lines
}
