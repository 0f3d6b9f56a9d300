//! Signals that the runtime is sent reach the container's first process.

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::support::Running;
use crate::place::Place;
use crate::sandbox::Sandbox;

// The shell waits by `wait`: before it waits for a command in the foreground, bash 5.2 takes over SIGINT, and a SIGINT that comes when sigaction(2)
// is just returning has it send itself SIGINT for ever, natively too.
pub(super) fn forwarded(place: &Place) -> Result<()> {
    let script = "for s in HUP INT QUIT USR1 USR2 WINCH; do trap \"echo $s\" $s; done; trap 'echo TERM; exit 3' TERM; \
                  echo ready; while :; do sleep 0.1 & wait $!; done";
    let sandbox = Sandbox::new(place, "signals", &["bash", "-c", script])?;
    let mut running = Running::start(&mut sandbox.command("signals"))?;
    running.expect("ready")?;
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
        (Signal::TERM, "TERM"),
    ] {
        running.signal(signal)?;
        running.expect(name)?;
    }
    let outcome = running.finish()?;
    if outcome.code != Some(3) {
        bail!("{}", outcome.shown());
    }
    Ok(())
}
