//! Puts the kernel together from its parts and runs it.

use crate::boot::Materials;
use crate::control::ExitStatus;
use crate::failure::Failure;

/// The process that all guest processes are made from.
#[derive(Debug)]
pub(crate) struct Zygote;

/// Forks the zygote, while the sentry has one thread and can still choose the user that it runs as.
pub(crate) fn fork_zygote(_materials: &Materials) -> Result<Zygote, Failure> {
    Ok(Zygote)
}

/// Assembles the kernel, starts the container's first process and waits for the container to end.
pub(crate) fn run(_zygote: Zygote, materials: &Materials) -> Result<ExitStatus, Failure> {
    let _ = (&materials.stdio, &materials.connections, &materials.proc);
    Err(Failure::Message(format!("{}: there is no kernel yet to run it", materials.document.container.id)))
}
