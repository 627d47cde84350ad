//! Reading the file: TOML into the policy and the options, then the checks that need more than types.

use std::path::Path;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::{DeTable, ValueDeserializer};

use super::check::{self, Places};
use super::{ConfigError, File, FileOptions};
use crate::model::policy::Policy;

/// Reads and checks a file.
pub fn read(path: &Path) -> Result<File, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
    parse(path, &text)
}

/// Checks a file's text; `path` is for messages, and for the key sets that stand relative to it.
pub fn parse(path: &Path, text: &str) -> Result<File, ConfigError> {
    let wrong = |error: &toml::de::Error| ConfigError::from_toml(path, text, error);
    let places = DeTable::parse(text).map_err(|error| wrong(&error))?;
    let mut table = places.clone();
    let options = match table.get_mut().remove("options") {
        Some(value) => {
            let reader: ValueDeserializer<'_> = value.into_deserializer();
            FileOptions::deserialize(reader).map_err(|error| wrong(&error))?
        }
        None => FileOptions::default(),
    };
    let policy = Policy::deserialize(toml::de::Deserializer::from(table)).map_err(|error| wrong(&error))?;
    let places = Places::new(places.get_ref());
    check::policy(&policy).and_then(|()| check::options(&options)).map_err(|fault| {
        let offset = places.offset(&fault.place);
        ConfigError::at(path, text, offset, fault.message)
    })?;
    Ok(File { path: Some(path.to_path_buf()), policy, options })
}
