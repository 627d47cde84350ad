//! jwtrail's own log: a file, never the screen. What is logged holds no token, because nothing behind the decoder can.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// A log larger than this is moved aside at start.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Starts logging and answers where to; `None` where no file can be written, and then nothing is logged.
pub fn start() -> Option<PathBuf> {
    let (path, file) = folders().into_iter().find_map(|folder| open(&folder).ok())?;
    let filter = EnvFilter::try_from_env("JWTRAIL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(Mutex::new(file));
    // A second start in one process (tests) leaves the first one's log in place.
    subscriber.try_init().ok()?;
    Some(path)
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

fn open(folder: &Path) -> io::Result<(PathBuf, File)> {
    fs::create_dir_all(folder)?;
    let path = folder.join("jwtrail.log");
    if fs::metadata(&path).is_ok_and(|meta| meta.len() > LARGEST) {
        fs::rename(&path, folder.join("jwtrail.log.1"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok((path.clone(), options.open(path)?))
}
