//! Reading `config.json`.

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use serde_json::Value;

use super::{fields, lenient};
use crate::error::{Error, Trying};

/// The name of the configuration in a bundle.
pub(crate) const FILE_NAME: &str = "config.json";

/// A configuration, and where it was found.
#[derive(Debug)]
pub(crate) struct Config {
    /// The directory that relative paths start from.
    pub(crate) bundle: PathBuf,
    /// `config.json`, for messages.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) spec: Spec,
}

/// Reads the configuration of a bundle. Whether it makes sense is found out by translating it.
pub(crate) fn load(bundle: &Path) -> Result<Config, Error> {
    let bundle = fs::canonicalize(bundle).trying_on("open the bundle", bundle)?;
    let path = bundle.join(FILE_NAME);
    let text = fs::read(&path).trying_on("open", &path)?;
    // As it stands there: the types know fewer fields than the table, and drop those.
    let mut whole: Value = serde_json::from_slice(&text).unwrap_or_default();
    let read = if lenient::mend(&mut whole) {
        serde_path_to_error::deserialize(&whole)
    } else {
        // From the text, whose errors name line and column.
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&text))
    };
    match read {
        Ok(spec) => match fields::check(&whole) {
            Ok(()) => Ok(Config { bundle, path, spec }),
            Err(problem) => Err(Error::Config { path, problem }),
        },
        Err(error) => {
            let field = error.path().to_string();
            let problem = error.into_inner();
            let problem = if field == "." { problem.to_string() } else { format!("{field}: {problem}") };
            Err(Error::Config { path, problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let bundle = tempfile::tempdir().unwrap();
        fs::write(bundle.path().join(FILE_NAME), text).unwrap();
        let message = load(bundle.path()).unwrap_err().to_string();
        let prefix = format!("{}: ", bundle.path().canonicalize().unwrap().join(FILE_NAME).display());
        message.strip_prefix(&prefix).unwrap_or(&message).to_owned()
    }

    #[test]
    fn a_malformed_file_is_told_by_line_column_and_field() {
        assert_eq!(problem("{\n  \"process\": }"), "process: expected value at line 2 column 14");
        assert_eq!(
            problem("{\"process\": {\"cwd\": \"/\", \"user\": {\"uid\": \"root\"}}}"),
            "process.user.uid: invalid type: string \"root\", expected u32 at line 1 column 47"
        );
        assert_eq!(problem(""), "EOF while parsing a value at line 1 column 0");
    }

    #[test]
    fn a_missing_file_is_told_by_its_path() {
        let bundle = tempfile::tempdir().unwrap();
        let message = load(bundle.path()).unwrap_err().to_string();
        assert!(message.ends_with("/config.json: ENOENT: no such file or directory"), "{message}");
        let message = load(&bundle.path().join("absent")).unwrap_err().to_string();
        assert!(message.starts_with("cannot open the bundle /"), "{message}");
    }
}
