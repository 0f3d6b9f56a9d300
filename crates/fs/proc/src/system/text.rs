//! Files that name what the kernel is and has.

use abi::Errno;

use crate::System;

/// The kernel's own command line: there is none.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn cmdline(_: &System) -> Result<Vec<u8>, Errno> {
    Ok(b"\n".to_vec())
}

/// The device drivers with the major numbers of the devices that exist.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn devices(_: &System) -> Result<Vec<u8>, Errno> {
    Ok(b"Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n 10 misc\n136 pts\n\nBlock devices:\n".to_vec())
}

/// What mount(2) knows; `nodev` are those without a device below.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn filesystems(system: &System) -> Result<Vec<u8>, Errno> {
    let kinds = system.kernel.filesystems().iter();
    Ok(kinds.flat_map(|kind| format!("nodev\t{}\n", kind.name()).into_bytes()).collect())
}

/// The version line, as uname(2) has it in parts.
#[expect(clippy::unnecessary_wraps, reason = "the signature of all generators")]
pub(crate) fn version(_: &System) -> Result<Vec<u8>, Errno> {
    let (release, version) = (kernel::version::RELEASE, kernel::version::VERSION);
    Ok(format!("Linux version {release} (casemate) {version}\n").into_bytes())
}
