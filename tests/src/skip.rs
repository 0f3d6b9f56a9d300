//! Tests that cannot run here.

use anyhow::Result;

/// Why a test did not run.
#[derive(Debug)]
pub struct Skip(pub String);

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// Ends a test that cannot run here.
///
/// # Errors
/// Always: with the reason.
pub fn skip<T>(reason: &str) -> Result<T> {
    Err(Skip(reason.to_owned()).into())
}
