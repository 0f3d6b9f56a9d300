//! Open file descriptions of the host.

use std::os::fd::{AsRawFd, BorrowedFd};

/// `KCMP_FILE` of kcmp(2).
const KCMP_FILE: libc::c_long = 0;

/// Whether two descriptors of this process refer to one open file description: kcmp(2). If the host does not tell, they are taken for two.
#[must_use]
pub fn same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: kcmp takes numbers only and changes nothing.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, pid, pid, KCMP_FILE, one.as_raw_fd(), other.as_raw_fd()) };
    order == 0
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    #[test]
    fn duplicates_are_one_description_and_openings_are_two() {
        let one = std::fs::File::open("/dev/null").unwrap();
        let copy = one.try_clone().unwrap();
        let other = std::fs::File::open("/dev/null").unwrap();
        assert!(super::same(one.as_fd(), copy.as_fd()));
        assert!(!super::same(one.as_fd(), other.as_fd()));
    }
}
