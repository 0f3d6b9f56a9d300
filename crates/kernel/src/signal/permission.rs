//! Who may signal whom: kill(2).

use abi::Errno;
use abi::signal::Signal;
use vfs::{Capability, Credentials};

/// Whether a caller with these credentials may send the signal (or none, to see whether it could) to a process with those.
///
/// # Errors
/// `EPERM`.
pub fn check(
    caller: &Credentials,
    target: &Credentials,
    signal: Option<Signal>,
    same_session: bool,
) -> Result<(), Errno> {
    let same_user = [caller.euid, caller.uid].iter().any(|id| [target.suid, target.uid].contains(id));
    let goes_on = signal == Some(Signal::SIGCONT) && same_session;
    if same_user || goes_on || caller.has_in(Capability::Kill, &target.user) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::CapabilitySet;

    fn user(uid: u32) -> Credentials {
        Credentials::new(uid, uid, CapabilitySet::EMPTY)
    }

    #[test]
    fn real_and_saved_ids_count_and_the_effective_one_of_the_target_does_not() {
        let mut target = user(5);
        target.euid = 0;
        assert_eq!(check(&user(5), &target, None, false), Ok(()));
        let mut other = user(6);
        other.euid = 5;
        assert_eq!(check(&user(5), &other, Some(Signal::SIGTERM), false), Err(Errno::EPERM));
        other.suid = 5;
        assert_eq!(check(&user(5), &other, Some(Signal::SIGTERM), false), Ok(()));
    }

    #[test]
    fn a_session_may_continue_its_own() {
        assert_eq!(check(&user(5), &user(6), Some(Signal::SIGCONT), true), Ok(()));
        assert_eq!(check(&user(5), &user(6), Some(Signal::SIGSTOP), true), Err(Errno::EPERM));
    }
}
