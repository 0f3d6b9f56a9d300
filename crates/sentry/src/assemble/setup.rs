//! What is done in a container before its first process: device nodes and settings.

use abi::Errno;
use vfs::caller::{At, Caller};
use vfs::io::SliceSource;
use vfs::ops::open_how::OpenHow;
use vfs::resolve::{Lookup, Resolve};
use vfs::special::SpecialFiles;
use vfs::{AttributeChange, Device, OpenFlags};

use super::paths;
use crate::failure::Failure;
use crate::spec::{DeviceKind, DeviceSpec};
use kernel::FsContext;

/// Makes device nodes. One that stands there already stays, with the mode and owner that are asked for.
pub(super) fn make_devices(context: &FsContext, devices: &[DeviceSpec]) -> Result<(), Failure> {
    for device in devices {
        make(context, device).map_err(|errno| {
            let (path, reason) = (&device.path, errno.description());
            Failure::Message(format!("linux.devices: cannot make {path:?}: {reason}"))
        })?;
    }
    Ok(())
}

fn make(context: &FsContext, device: &DeviceSpec) -> Result<(), Errno> {
    let kind = match device.kind {
        DeviceKind::Character => 0o020_000,
        DeviceKind::Block => 0o060_000,
        DeviceKind::Fifo => 0o010_000,
    };
    let directory = device.path.rsplit_once('/').map_or("/", |(directory, _)| directory);
    paths::directory(context, directory)?;
    let at = At::here(device.path.as_bytes());
    paths::as_root(context, |caller| {
        let number = Device::new(device.major, device.minor);
        match caller.make_node(&at, kind | device.mode & 0o7777, number) {
            Ok(_) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        own(caller, &at, device)
    })
}

fn own(caller: &Caller<'_>, at: &At<'_>, device: &DeviceSpec) -> Result<(), Errno> {
    let path = caller.find_path(at, Lookup::FOLLOW)?;
    path.inode().set_attributes(&AttributeChange {
        mode: Some(device.mode & 0o7777),
        uid: Some(device.uid),
        gid: Some(device.gid),
        ..AttributeChange::default()
    })
}

/// Makes settings of /proc/sys. One that this kernel does not know, or does not let be changed, is refused.
pub(super) fn set(
    context: &FsContext,
    special: &dyn SpecialFiles,
    settings: &[(String, String)],
) -> Result<(), Failure> {
    for (name, value) in settings {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        let write = || {
            paths::as_root(context, |caller| {
                let how = OpenHow { flags: OpenFlags::WRONLY, mode: 0, resolve: Resolve::empty() };
                let file = Caller { special, ..*caller }.open(&At::here(path.as_bytes()), &how)?;
                file.write(&mut SliceSource::new(value.as_bytes())).map(drop)
            })
        };
        write().map_err(|errno| {
            let reason = errno.description();
            Failure::Message(format!("linux.sysctl: cannot set {name} to {value:?}: {reason}"))
        })?;
    }
    Ok(())
}
