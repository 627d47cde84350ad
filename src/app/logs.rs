//! jwtrail's own log: a file, never the screen. What is logged holds no token, because nothing behind the decoder can;
//! texts of strangers that get here all the same lose their control characters and credentials on the way to the file.

mod file;

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::LogFormat;
use file::LogFile;

pub use file::counters;

/// What is written down, and where.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// The file that was asked for.
    pub file: Option<PathBuf>,
    /// `--log-level`
    pub level: Option<String>,
    /// What a line looks like.
    pub format: LogFormat,
}

/// More that hears what is logged.
pub type Ear = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging and answers where to; `None` where no file can be written, and then nothing is written down. A file that
/// was asked for must be there.
pub fn start(options: &LogOptions, ears: Vec<Ear>) -> anyhow::Result<Option<PathBuf>> {
    let opened = match &options.file {
        Some(path) => {
            Some(LogFile::open(path.clone()).with_context(|| format!("cannot write the log {}", path.display()))?)
        }
        None => folders().into_iter().find_map(|folder| LogFile::within(&folder).ok()),
    };
    let path = opened.as_ref().map(|log| log.path().to_path_buf());
    let filter = EnvFilter::try_new(options.level.as_deref().unwrap_or("info")).context("--log-level")?;
    // Spans are for those who hear more than the log: where nobody does, they cost nothing.
    let filter = filter.and(filter_fn(is_event));
    let mut layers = ears;
    if let Some(log) = opened {
        let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(log));
        layers.push(match options.format {
            LogFormat::Text => layer.with_filter(filter).boxed(),
            LogFormat::Json => layer.json().with_filter(filter).boxed(),
        });
    }
    // A second start in one process (tests) leaves the first one's log in place.
    Ok(path.filter(|_| tracing_subscriber::registry().with(layers).try_init().is_ok()))
}

/// Whether it is something that happened, and no span.
pub fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// `XDG_STATE_HOME/jwtrail`, else `~/.local/state/jwtrail`; `None` without a home.
pub fn state_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    state.map(|folder| folder.join("jwtrail"))
}

/// That one, else a folder for temporary files.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = state_folder().into_iter().collect();
    folders.push(std::env::temp_dir().join(format!("jwtrail-{}", std::process::id())));
    folders
}
