//! Values that mean the same in both versions.

/// Threads of the sandbox's own that are let in beyond a container's limit: the sentry's, the gofer's, and stubs that wait for a program.
const OWN_THREADS: i64 = 512;

/// The limit of host threads for a limit of the container's: its own are counted by the sentry, exactly.
pub(super) fn pids(limit: i64) -> String {
    if limit < 0 { "max".to_owned() } else { limit.saturating_add(OWN_THREADS).to_string() }
}
