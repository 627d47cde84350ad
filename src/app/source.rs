//! What every source shares: the decoder that forgets raw tokens, and the reader of files behind it.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::bar::Bar;
use super::check::name;
use super::keys::Keeper;
use super::out;
use super::settings::Judging;
use crate::model::Batch;
use crate::model::text::Safe;
use crate::otlp::extract::Extractor;
use crate::otlp::files::{self, Expanded, FileReport, Options, Progress, ReadError, Stop};
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
    let key = fingerprint_key()?;
    let keys = Arc::new(KeySets::load(&judging.keys)?);
    for skipped in keys.skipped() {
        tracing::warn!("key left out: {skipped}");
    }
    let shared = Shared::within(&judging.file.policy, key, Arc::clone(&keys), judging.memory())?;
    let extracting = Arc::clone(&shared);
    let decoder = Arc::new(VisitorDecoder::new(move || Extractor::new(Arc::clone(&extracting))));
    Ok(Source { decoder, shared, keys: Keeper::new(keys, Pace::default()) })
}

impl Source {
    /// What the decoder knows of carriers and tokens.
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The same decoder, which also writes down what it read without credentials.
    pub fn redacting(&self, strict: Option<Strict>) -> Arc<dyn Decode> {
        let (shared, strict) = (Arc::clone(&self.shared), strict.map(Arc::new));
        Arc::new(VisitorDecoder::new(move || Redactor::new(Arc::clone(&shared), strict.clone())))
    }
}

/// The key of fingerprints: the user's, or one of this run's own.
pub fn fingerprint_key() -> anyhow::Result<FingerprintKey> {
    Ok(match std::env::var(KEY_VARIABLE) {
        Ok(text) if !text.is_empty() => FingerprintKey::from_env_text(&text)?,
        Err(std::env::VarError::NotUnicode(_)) => {
            anyhow::bail!(
                "expected UTF-8 text in {KEY_VARIABLE}, found other bytes: make one with `openssl rand -base64 48`"
            )
        }
        _ => FingerprintKey::random()?,
    })
}

/// The same with every remote key set fetched once: what comes first can be checked too.
pub async fn open_with_keys(judging: &Judging) -> anyhow::Result<Source> {
    let source = open(judging)?;
    if source.keys.is_remote() {
        for complaint in source.keys.fetch_all().await {
            tracing::warn!("{complaint}");
            out::note(&format!("warning: {complaint}"));
        }
    }
    Ok(source)
}

/// Reads on as a file grows, until told to stop; standard input is read to its end. What could not be read is named on
/// standard error.
pub fn follow(decoder: &dyn Decode, path: &Path, stop: &Stop, take: &mut dyn FnMut(Batch)) -> anyhow::Result<()> {
    let file = name(path);
    if path == Path::new("-") {
        note_damage(path, &files::read_file(path, decoder, take)?);
        return Ok(());
    }
    files::read_on(path, stop, decoder, take, &mut |report, unread| {
        note_damage(path, &report);
        if unread > 0 {
            let file = Safe::new(&file);
            out::note(&format!("{file}: reading was stopped {unread} bytes before the end"));
        }
    })?;
    Ok(())
}

/// Reads saved traces.
pub struct Reader {
    decoder: Arc<dyn Decode>,
    memory: usize,
}

impl Reader {
    /// A reader with a decoder of its own. Saved traces can wait for keys; ones that do not come are named on standard
    /// error, and reading goes on without them.
    pub fn new(judging: &Judging) -> anyhow::Result<Self> {
        Ok(Self { decoder: ready(judging)?.decoder, memory: judging.memory() })
    }

    /// The same, and each batch comes with its lines without credentials.
    pub fn redacting(judging: &Judging, strict: bool) -> anyhow::Result<Self> {
        let strict = strict.then(|| Strict::new(&judging.file.policy.rejection));
        Ok(Self { decoder: ready(judging)?.redacting(strict), memory: judging.memory() })
    }

    /// Hands over what is in a file, or in the files of a folder; what cannot be read of it is named on standard error.
    /// A file that was not named itself costs no more than that line.
    pub fn read(&self, path: &Path, take: &mut dyn FnMut(Batch)) -> anyhow::Result<()> {
        let Expanded { files, passed_over } = files::expand(&[path.to_path_buf()]);
        for folder in passed_over {
            out::note(&format!("{}: left out", Safe::new(&folder)));
        }
        for file in files {
            match self.read_one(&file.path, take) {
                Err(error) if !file.named => out::note(&format!("{}: left out", Safe::new(&error.to_string()))),
                read => read?,
            }
        }
        Ok(())
    }

    fn read_one(&self, path: &Path, take: &mut dyn FnMut(Batch)) -> Result<(), ReadError> {
        let progress = Progress::default();
        let known = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
        progress.expect(known.map_or(0, |file| file.len()));
        let options = Options { progress: Some(&progress), ..Options::within(self.memory) };
        let mut bar = Bar::new(name(path));
        let report = files::read_file_with(path, self.decoder.as_ref(), &options, &mut |batch| {
            bar.draw(&progress);
            take(batch);
        });
        drop(bar);
        note_damage(path, &report?);
        Ok(())
    }

    /// The same for bytes whose beginning was looked at; `path` is where they come from.
    pub fn read_from(&self, from: impl Read + Send, path: &Path, take: &mut dyn FnMut(Batch)) -> anyhow::Result<()> {
        let report = files::read_with(from, &name(path), self.decoder.as_ref(), &Options::within(self.memory), take)?;
        note_damage(path, &report);
        Ok(())
    }
}

fn note_damage(path: &Path, report: &FileReport) {
    for line in damage(&name(path), report) {
        out::note(&Safe::new(&line).to_string());
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
    if report.hashed_ids > 0 {
        let spans = report.hashed_ids;
        lines.push(format!("{file}: {spans} spans have ids that are neither hex nor base64: they are shown by a hash"));
    }
    lines
}
