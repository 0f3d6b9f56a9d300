//! Mounts of 9P that cannot be, and servers that lie, go or stall. The host's kernel mostly has no client of 9P to compare with: what is expected
//! is what the sources of Linux's say.

use anyhow::{Result, ensure};

use super::support::LIMIT;
use crate::place::Place;
use crate::sandbox::Sandbox;

const EXPECTED: &str = "\
no descriptors ENOPROTOOPT
not open EIO
not for that EIO
other dialect EINVAL
other transport EINVAL
small messages EINVAL
nobody's number EINVAL
no socket ENOENT
no socket's path ENAMETOOLONG
no server ECONNREFUSED
no address EINVAL
a file ECONNREFUSED
unshare ok
another user EPERM
another dialect EREMOTEIO
nonsense EIO
a closed connection EIO
a root that is none ENOTDIR
not let in EACCES
a server that goes ok
Input/output error
Input/output error
umount ok
a server that stalls ok
killed by -9
asked to forget it
umount ok
errors of its own ok
Input/output error
umount ok
";

pub(super) fn refused(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "9p-refused", &["python3", "/cases/py/ninep_refused.py"])?;
    let outcome = sandbox.run(b"", LIMIT)?;
    let said = String::from_utf8_lossy(&outcome.stdout);
    ensure!(outcome.code == Some(0) && said == EXPECTED, "{}", outcome.shown());
    Ok(())
}
