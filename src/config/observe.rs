//! Values of the options by which jwtrail itself is watched.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de::Error};
use tracing_subscriber::EnvFilter;

use crate::model::keys::check_url;

/// What a line of jwtrail's own log looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("expected text or json, found `{text}`")),
        }
    }
}

/// Reads what `--log-level` says: a level, or directives in the manner of `tracing_subscriber`.
pub fn log_filter(text: &str) -> Result<String, String> {
    let level = |text: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
    // A lone word that is no level would be taken for a target's name, and log everything of it and nothing else.
    // A variable that is set to nothing is as good as none.
    let known = text.is_empty()
        || text.split(',').all(|part| part.contains(['=', '[']) || level(&part.trim().to_ascii_lowercase()));
    if known && EnvFilter::try_new(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!("expected error, warn, info, debug or trace, or a list such as warn,jwtrail=debug, found `{text}`"))
}

/// Reads what `--telemetry` says: where OTLP is taken.
pub fn telemetry(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    match scheme {
        // What makes an authority is the same for all of them.
        "grpc" => check_url(&format!("http://{rest}"))?,
        "http" | "https" => check_url(text)?,
        _ if text.contains('@') => {
            return Err("expected a URL without a user name or password, found one that has them".to_owned());
        }
        _ => {
            let found = text.split('?').next().unwrap_or_default();
            return Err(format!(
                "expected a URL such as http://127.0.0.1:4318 or grpc://127.0.0.1:4317, found `{found}`"
            ));
        }
    }
    Ok(text.to_owned())
}

/// The same for a file's value.
pub(super) fn read<'de, D, T>(deserializer: D, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
{
    parse(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn in_file_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    read(deserializer, log_filter)
}

pub(super) fn in_file_telemetry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    read(deserializer, telemetry)
}

pub(super) fn in_file_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LogFormat>, D::Error> {
    read(deserializer, str::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_nothing_are_refused() {
        assert!(["", "info", "DEBUG", "warn,jwtrail=debug", "off"].iter().all(|text| log_filter(text).is_ok()));
        assert!(["verbose", "jwtrail", "jwtrail=loud", "info,everything"].iter().all(|text| log_filter(text).is_err()));
        let good = ["http://127.0.0.1:4318", "https://otel.example/base", "grpc://localhost:4317"];
        assert!(good.iter().all(|text| telemetry(text).is_ok()));
        let bad = ["localhost:4317", "ftp://a", "http://", "grpc://", "http://user:secret@a:4318", "unix:///a"];
        assert!(bad.iter().all(|text| telemetry(text).is_err()));
        for url in ["http://user:secret@a:4318", "unix://user:secret@a", "user:secret@a:4318"] {
            assert!(!telemetry(url).unwrap_err().contains("secret"), "{url}");
        }
        assert_eq!(("json".parse(), "TEXT".parse()), (Ok(LogFormat::Json), Ok(LogFormat::Text)));
    }
}
