//! `node.toml`, as it is read.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args as _;
use serde::de::{Deserialize as _, Deserializer, Error as _};

use super::Keys;
use super::address::Server;

/// The keys that this file sets.
pub(crate) fn read(path: &Path) -> Result<Keys, FileError> {
    let path = path.to_owned();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return Err(FileError::Io { path, error }),
    };
    parsed(path, &text)
}

/// The keys that this text sets, which stands in this file.
pub(super) fn parsed(path: PathBuf, text: &str) -> Result<Keys, FileError> {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return Err(FileError::Syntax { path, error: Box::new(error) }),
    };
    let known = keys();
    if let Some(key) = table.keys().find(|key| !known.contains(key)) {
        let (key, nearest) = (key.clone(), nearest(key, &known));
        let line = text.lines().position(|line| line.trim_start().starts_with(key.as_str()));
        return Err(FileError::Unknown {
            path,
            line: line.map_or(1, |line| line + 1),
            key,
            nearest,
        });
    }
    toml::from_str(text).map_err(|error| FileError::Syntax { path, error: Box::new(error) })
}

/// All keys. Those of the command line are the same, but for lists: `--server` and `servers`.
fn keys() -> Vec<String> {
    let command = Keys::augment_args(clap::Command::new("keys"));
    command.get_arguments().map(|key| key.get_id().as_str().replace('_', "-")).collect()
}

/// The key that was probably meant.
fn nearest(key: &str, known: &[String]) -> String {
    let distance = |known: &&String| strsim::damerau_levenshtein(key, known);
    known.iter().min_by_key(distance).cloned().unwrap_or_default()
}

/// A key whose value is text that can be parsed.
pub(super) fn text<'de, D: Deserializer<'de>, T>(from: D) -> Result<Option<T>, D::Error>
where
    T: FromStr,
    T::Err: Display,
{
    let text = match toml::Value::deserialize(from)? {
        toml::Value::String(text) => text,
        // Whoever wrote a number is told how it is written.
        toml::Value::Integer(number) => number.to_string(),
        other => {
            let what = format!("it is text, in quotation marks, and no {}", other.type_str());
            return Err(D::Error::custom(what));
        }
    };
    text.parse().map(Some).map_err(D::Error::custom)
}

/// The table of servers: addresses by numbers.
pub(super) fn table<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Server>, D::Error> {
    let table = BTreeMap::<String, String>::deserialize(from)?;
    let servers = table.into_iter().map(|(number, place)| format!("{number}={place}").parse());
    servers.collect::<Result<_, _>>().map_err(D::Error::custom)
}

/// Why a file is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Syntax { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{}, line {line}: there is no key {key:?}. Is {nearest:?} meant?", path.display())]
    Unknown { path: PathBuf, line: usize, key: String, nearest: String },
}
