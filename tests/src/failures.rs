//! Tests that failed, and the second try that a few of them get: alone, when nothing else runs.
//!
//! Programs that are compared have races and deadlines of their own, which a busy machine loses now and then. What
//! passes only alone is called unsteady at the end of a run, with what it said at first: it is to be looked into.

use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;

/// Above this many, it was not bad luck: nothing is tried again.
pub const MOST: usize = 4;

static FAILURES: Mutex<Vec<Failure>> = Mutex::new(Vec::new());

/// A test that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The name of the test.
    pub name: String,
    /// What it said.
    pub message: String,
}

/// Remembers a failure, and makes the harness's of it.
#[must_use]
pub fn failed(name: &str, error: &anyhow::Error) -> Failed {
    let message = format!("{error:#}");
    let failure = Failure { name: name.to_owned(), message: message.clone() };
    FAILURES.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    Failed::from(message)
}

/// What failed since this was last asked.
#[must_use]
pub fn take() -> Vec<Failure> {
    std::mem::take(&mut FAILURES.lock().unwrap_or_else(PoisonError::into_inner))
}
