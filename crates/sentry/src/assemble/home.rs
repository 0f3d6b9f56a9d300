//! `HOME` for a process whose environment does not say it: the home directory that the container's passwd(5) has for its user.

use std::borrow::Cow;

use vfs::caller::At;
use vfs::io::VecSink;
use vfs::ops::open_how::OpenHow;
use vfs::resolve::Resolve;
use vfs::{FileKind, OpenFlags};

use super::paths;
use crate::spec::ProcessSpec;
use kernel::FsContext;

/// How much of the file is looked through, in bytes.
const LONGEST: usize = 1 << 20;
/// For a user that it does not name.
const OTHERWISE: &str = "/";

/// The process with a `HOME`, as runc makes it.
pub(super) fn complete<'a>(context: &FsContext, process: &'a ProcessSpec) -> Cow<'a, ProcessSpec> {
    let given = process.env.iter().position(|entry| entry.starts_with("HOME="));
    if given.and_then(|at| process.env.get(at)).is_some_and(|entry| entry != "HOME=") {
        return Cow::Borrowed(process);
    }
    let home = format!("HOME={}", of_user(&read(context), process.uid).unwrap_or(OTHERWISE));
    let mut process = process.clone();
    match given.and_then(|at| process.env.get_mut(at)) {
        Some(empty) => *empty = home,
        None => process.env.push(home),
    }
    Cow::Owned(process)
}

/// The container's passwd(5), or nothing where that cannot be read: it may be anything.
fn read(context: &FsContext) -> String {
    let mut text = VecSink::new(LONGEST);
    paths::as_root(context, |caller| {
        let flags = OpenFlags::NONBLOCK;
        let file =
            caller.open(&At::here(b"/etc/passwd"), &OpenHow { flags, mode: 0, resolve: Resolve::empty() });
        let Some(file) = file.ok().filter(|file| file.kind() == FileKind::Regular) else { return };
        while file.read(&mut text).is_ok_and(|count| count > 0) {}
    });
    String::from_utf8_lossy(&text.data).into_owned()
}

/// A line is NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL.
fn of_user(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        let found = fields.next()?.parse() == Ok(uid);
        fields.nth(2).filter(|home| found && !home.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken:1\nempty:x:4:4:::\n\nbin:x:2:2:bin:/bin:\n";
        assert_eq!(of_user(passwd, 0), Some("/root"));
        assert_eq!(of_user(passwd, 2), Some("/bin"));
        assert_eq!((of_user(passwd, 1), of_user(passwd, 4)), (None, None));
    }
}
