//! Exit codes reach the caller.

use anyhow::{Result, bail};

use super::support::LIMIT;
use crate::native::native;
use crate::place::Place;
use crate::root::Root;
use crate::sandbox::Sandbox;

/// 0 to 255 in one container, seen by its shell, and some of them as the container's own.
pub(super) fn all(place: &Place) -> Result<()> {
    let script = "for i in $(seq 0 255); do (exit $i); [ $? = $i ] || echo \"$i became $?\"; done; echo done";
    let outcome = Sandbox::new(place, "exit-codes", &["sh", "-c", script])?.run(b"", LIMIT)?;
    if outcome.stdout != b"done\n" {
        bail!("inside: {}", outcome.shown());
    }
    for code in [0, 1, 2, 42, 126, 127, 128, 129, 137, 200, 254, 255] {
        let outcome =
            Sandbox::new(place, "exit-code", &["sh", "-c", &format!("exit {code}")])?.run(b"", LIMIT)?;
        if outcome.code != Some(code) || !outcome.stderr.is_empty() {
            bail!("exit {code}: {}", outcome.shown());
        }
    }
    Ok(())
}

/// Death by a signal is 128 and its number, as natively seen through a shell.
pub(super) fn signals(place: &Place) -> Result<()> {
    for signal in ["HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "USR1", "SEGV", "PIPE", "ALRM", "TERM"]
    {
        // Pid 1 does not die of its own signals, so a child does, and its parent goes the same way as a shell does.
        let script = format!("sh -c 'kill -{signal} $$'; exit $?");
        let args = ["sh", "-c", script.as_str()];
        let expected = native(place, &Root::shared(place), &args, b"", LIMIT)?;
        let found = Sandbox::new(place, "signal", &args)?.run(b"", LIMIT)?;
        if found.code != expected.code {
            bail!("SIG{signal}: natively {}, in the sandbox {}", expected.shown(), found.shown());
        }
    }
    Ok(())
}
