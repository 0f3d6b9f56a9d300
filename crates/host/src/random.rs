//! Random bytes.

use abi::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// Fills the buffer from the host's generator: getrandom(2).
///
/// # Errors
/// What the host reports.
pub fn fill(mut buffer: &mut [u8]) -> Result<(), Errno> {
    while !buffer.is_empty() {
        match getrandom(&mut *buffer, GetRandomFlags::empty()) {
            Ok(done) => buffer = buffer.get_mut(done..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Errno::from_raw(error.raw_os_error())),
        }
    }
    Ok(())
}
