//! `delete`: what a shim that is gone has left. Containerd calls it when a shim does not answer any more, and after each one's regular end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::arguments::Arguments;
use crate::container::{pid_in, root_of};
use crate::messages::DeleteResponse;
use crate::settings::Settings;
use crate::start::remove_socket;
use crate::wire::Message;
use crate::{log, rootfs};

/// What becomes of a container whose shim is gone: it is killed.
const KILLED: u32 = 128 + 9;

/// Removes it. Returns the answer to containerd.
pub(crate) fn delete(arguments: &Arguments) -> Vec<u8> {
    let bundle = arguments.bundle.clone().unwrap_or_else(|| PathBuf::from("."));
    if let Some(settings) = Settings::load(&bundle) {
        remove_container(&settings, &arguments.id);
    }
    rootfs::unmount_all(&root_of(&bundle));
    remove_socket(&bundle);
    let exited_at = Some(SystemTime::now().into());
    DeleteResponse { pid: pid_in(&bundle), exit_status: KILLED, exited_at }.encode()
}

fn remove_container(settings: &Settings, id: &str) {
    let mut command = Command::new(Path::new(&settings.program));
    command.arg("--root").arg(&settings.root).args(["delete", "--force", id]);
    // Standard output is for the answer alone.
    match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => {}
        Ok(status) => log::warn(&format!("{id}: casemate delete: {status}")),
        Err(error) => log::warn(&format!("cannot run {}: {error}", settings.program.display())),
    }
}
