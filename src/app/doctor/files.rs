//! Where the files of this user are, and whether they can be read.

use std::fs;
use std::path::Path;

use super::{Checked, Health};
use crate::app::{history, preferences, source};
use crate::cli::JudgeArgs;
use crate::config::{self, File};

/// The policy, and what was found out about it.
pub(super) struct Policy {
    pub(super) file: File,
    pub(super) checked: Vec<Checked>,
}

/// Reads the policy that `check` would read. One that is wrong is looked at, not followed.
pub(super) fn policy(judge: &JudgeArgs) -> Policy {
    let what = "policy";
    let Some(path) = super::policy_path(judge) else {
        let said = format!("none: {} here, or --policy, says what is expected on which edge", config::FILE_NAME);
        return Policy { file: File::default(), checked: vec![Checked::note(what, said)] };
    };
    let found = match config::inspect(&path) {
        Ok(found) => found,
        Err(error) => {
            let checked = vec![Checked::bad(what, error.to_string(), "name a file that can be read")];
            return Policy { file: File::default(), checked };
        }
    };
    let mend = "`jwtrail policy check` names every mistake";
    let mut checked: Vec<Checked> =
        found.errors.iter().map(|error| Checked::bad(what, error.to_string(), mend)).collect();
    if checked.is_empty() {
        checked.push(Checked::good(what, format!("{}: fine", path.display())));
    }
    checked.extend(found.warnings.iter().map(|warning| Checked::note(what, warning.to_string())));
    let file = if found.errors.is_empty() { found.file } else { File::default() };
    Policy { file, checked }
}

/// Looks at every other file.
pub(super) fn look(log: Option<&Path>, policy: Vec<Checked>) -> Vec<Checked> {
    let mut found = configuration();
    found.extend(policy);
    found.push(match log {
        Some(path) => Checked::good("log", path.display().to_string()),
        None => Checked::bad("log", "no folder can be written to: nothing is logged", "set XDG_STATE_HOME to one"),
    });
    found.extend([self::history(), temporary(), key()]);
    found
}

fn configuration() -> Vec<Checked> {
    let what = "configuration";
    let Some(path) = preferences::path() else {
        let said = "none: neither XDG_CONFIG_HOME nor HOME is set";
        return vec![Checked::note(what, said)];
    };
    if !path.exists() {
        return vec![Checked::note(what, format!("{} is not there: everything is as it comes", path.display()))];
    }
    match preferences::read(&path) {
        Err(error) => vec![Checked::bad(what, error.to_string(), "make it readable for this user")],
        Ok(found) if found.faults.is_empty() => {
            let file = &found.file;
            let counts = [(file.options.len(), "option"), (file.keys.len(), "key"), (file.views.len(), "view")];
            let counts = counts.map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
            vec![Checked::good(what, format!("{}: {}", path.display(), counts.join(", ")))]
        }
        Ok(found) => {
            let bad = |fault: &config::ConfigError| Checked::new(what, Health::Bad, fault.to_string());
            let mut all: Vec<Checked> = found.faults.iter().map(bad).collect();
            if let Some(last) = all.last_mut() {
                last.mend = Some("until then `config` and `doctor` run, and hardly anything else".to_owned());
            }
            all
        }
    }
}

fn history() -> Checked {
    let what = "history";
    let Some(path) = history::path() else { return Checked::note(what, "kept for this run alone: HOME is not set") };
    let Ok(permissions) = fs::metadata(&path).map(|meta| meta.permissions()) else {
        return Checked::note(what, format!("{} is not there yet", path.display()));
    };
    if fs::File::open(&path).is_err() {
        return Checked::bad(what, format!("{} cannot be read", path.display()), "make it this user's own again");
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o077 != 0 {
        let said = format!("{} can be read by others", path.display());
        return Checked::bad(what, said, format!("chmod 600 {}", path.display()));
    }
    let kept = history::load(&path);
    let said = format!("{}: {} filters, {} commands", path.display(), kept.filters.len(), kept.commands.len());
    Checked::good(what, said)
}

/// Where traces wait that do not fit into memory.
fn temporary() -> Checked {
    let folder = std::env::temp_dir();
    match tempfile::tempfile() {
        Ok(_) => Checked::good("temporary files", folder.display().to_string()),
        Err(error) => {
            let said = format!("{}: {error}", folder.display());
            Checked::bad("temporary files", said, "set TMPDIR to a folder that can be written to")
        }
    }
}

/// That there is a key is told, never the key.
fn key() -> Checked {
    let what = "fingerprint key";
    match (std::env::var_os("JWTRAIL_FP_KEY").filter(|key| !key.is_empty()), source::fingerprint_key()) {
        (None, _) => {
            Checked::note(what, "drawn afresh for each run: JWTRAIL_FP_KEY keeps names of opaque tokens the same")
        }
        (Some(_), Ok(_)) => Checked::good(what, "from JWTRAIL_FP_KEY"),
        (Some(_), Err(error)) => {
            Checked::bad(what, format!("JWTRAIL_FP_KEY: {error}"), "make one with `openssl rand -base64 48`")
        }
    }
}
