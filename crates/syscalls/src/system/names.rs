//! uname(2), sethostname(2), setdomainname(2).

use std::sync::Arc;

use abi::Errno;
use abi::personality::{PER_LINUX32, PER_MASK, UNAME26};
use abi::resource::{UTS_LENGTH, Utsname};
use kernel::memory::read_exact;
use kernel::{Task, UserAddr, UserPtr, version};
use vfs::Capability;

fn field(text: &[u8]) -> [u8; 65] {
    let mut field = [0; 65];
    field.iter_mut().zip(text.iter().take(UTS_LENGTH)).for_each(|(to, from)| *to = *from);
    field
}

/// The release for programs that know no major number above 2: that of 6.x is 2.6.60 and up.
fn old_release() -> String {
    let mut numbers = version::RELEASE.splitn(3, '.');
    let minor: u32 = numbers.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    let patch = numbers.next().unwrap_or_default();
    let rest = patch.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("2.6.{}{rest}", minor.saturating_add(60))
}

/// Which system this is.
///
/// # Errors
/// `EFAULT`.
pub fn uname(task: &Arc<Task>, to: UserPtr<Utsname>) -> Result<(), Errno> {
    let names = task.namespaces().uts.names.lock().clone();
    let personality = task.attributes().personality;
    let machine: &[u8] = if personality & PER_MASK == PER_LINUX32 { b"i686" } else { b"x86_64" };
    let release = if personality & UNAME26 != 0 { old_release() } else { String::from(version::RELEASE) };
    let told = Utsname {
        system: field(b"Linux"),
        node: field(&names.host),
        release: field(release.as_bytes()),
        version: field(version::VERSION.as_bytes()),
        machine: field(machine),
        domain: field(&names.domain),
    };
    to.write(&*task.memory(), &told)
}

fn name(task: &Arc<Task>, at: UserAddr, length: i32) -> Result<Vec<u8>, Errno> {
    task.credentials().need_in(Capability::SysAdmin, &task.namespaces().uts.user)?;
    let length = usize::try_from(length).ok().filter(|l| *l <= UTS_LENGTH).ok_or(Errno::EINVAL)?;
    let mut name = vec![0; length];
    read_exact(&*task.memory(), at, &mut name)?;
    Ok(name)
}

/// Sets the host name.
///
/// # Errors
/// `EPERM`, `EINVAL`, `EFAULT`.
pub fn sethostname(task: &Arc<Task>, at: UserAddr, length: i32) -> Result<(), Errno> {
    let name = name(task, at, length)?;
    task.namespaces().uts.names.lock().host = name;
    Ok(())
}

/// Sets the NIS domain name.
///
/// # Errors
/// `EPERM`, `EINVAL`, `EFAULT`.
pub fn setdomainname(task: &Arc<Task>, at: UserAddr, length: i32) -> Result<(), Errno> {
    let name = name(task, at, length)?;
    task.namespaces().uts.names.lock().domain = name;
    Ok(())
}
