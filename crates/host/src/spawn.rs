//! Starting one of our own processes: a program with exactly the descriptors it is given, in namespaces of its own.
//!
//! `std::process::Command` can do neither of the two, and whoever makes a user namespace must write its maps
//! between the clone and the exec: an exec with an unmapped user loses all capabilities.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use abi::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use crate::{errno_of, last_errno};

/// Namespaces to make for the new process: the `CLONE_NEW*` bits of clone(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces(u64);

impl Namespaces {
    /// Those of the caller.
    pub const NONE: Self = Self(0);
    /// Users, processes, mounts, System V IPC, host name and network: all that a sandbox needs of its own.
    pub const SANDBOX: Self = Self(
        (libc::CLONE_NEWUSER
            | libc::CLONE_NEWPID
            | libc::CLONE_NEWNS
            | libc::CLONE_NEWIPC
            | libc::CLONE_NEWUTS
            | libc::CLONE_NEWNET) as u64,
    );
    /// As [`Self::SANDBOX`], but with the caller's users: for a process that serves files of any owner.
    pub const GOFER: Self = Self(Self::SANDBOX.0 & !(libc::CLONE_NEWUSER as u64));

    /// These, but in the caller's network.
    #[must_use]
    pub const fn with_callers_network(self) -> Self {
        Self(self.0 & !(libc::CLONE_NEWNET as u64))
    }

    /// Those that only a clone can make: users, because their maps come first, and processes.
    const fn of_clone(self) -> u64 {
        self.0 & (libc::CLONE_NEWUSER | libc::CLONE_NEWPID) as u64
    }

    /// Those that the process makes itself, while its parent goes on.
    const fn of_child(self) -> u64 {
        self.0 & !self.of_clone()
    }

    /// Whether users are among them: [`Spawn::start`]'s `prepare` must write their maps then.
    #[must_use]
    pub const fn has_users(self) -> bool {
        self.0 & libc::CLONE_NEWUSER as u64 != 0
    }
}

/// How a process is started. It gets a session of its own, default signal actions and an empty signal mask.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The program, as an open file.
    pub program: BorrowedFd<'a>,
    /// `argv`.
    pub arguments: &'a [&'a CStr],
    /// `environ`.
    pub environment: &'a [&'a CStr],
    /// The process's descriptors, from 0 on. It gets no others.
    pub descriptors: &'a [BorrowedFd<'a>],
    /// Namespaces to make.
    pub namespaces: Namespaces,
    /// User and group that the process takes on before the program starts, as seen in its own user namespace,
    /// with no supplementary groups if `Some`.
    pub become_root: Option<SupplementaryGroups>,
}

/// What happens to supplementary groups when the process becomes root of its user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupplementaryGroups {
    /// They are dropped.
    Drop,
    /// They stay: an unprivileged user may not drop them.
    Keep,
}

/// A started process.
#[derive(Debug)]
pub struct Child {
    /// Its id in the caller's namespace.
    pub pid: Pid,
    /// Its pidfd, readable once it has ended.
    pub pidfd: OwnedFd,
}

/// A process that is on its way to its program. Dropped, it is killed and reaped.
#[derive(Debug)]
pub struct Starting {
    /// Nothing once it has been handed on.
    child: Option<Child>,
    /// Ends when the process is there, or tells why it is not.
    failed: File,
}

/// The most descriptors that a process can be given. What the child still needs before its exec is kept at higher numbers.
const MOST_DESCRIPTORS: RawFd = 256;

impl Spawn<'_> {
    /// Starts the process and waits until it is at its program. `prepare` is as for [`Self::begin`].
    ///
    /// # Errors
    /// Those of [`Self::begin`] and [`Starting::finish`]. No process is left then.
    pub fn start(&self, prepare: impl FnOnce(Pid) -> Result<(), Errno>) -> Result<Child, Errno> {
        self.begin(prepare)?.finish()
    }

    /// Starts the process, which goes on to its program by itself. `prepare` runs when it exists but has not yet begun (to write `uid_map`
    /// and `gid_map`).
    ///
    /// # Errors
    /// Those of clone3(2) and of `prepare`. No process is left then.
    pub fn begin(&self, prepare: impl FnOnce(Pid) -> Result<(), Errno>) -> Result<Starting, Errno> {
        let mut given = Vec::with_capacity(self.descriptors.len());
        for descriptor in self.descriptors {
            given.push(out_of_the_way(descriptor.as_fd())?);
        }
        let last =
            RawFd::try_from(given.len()).ok().filter(|n| *n <= MOST_DESCRIPTORS).ok_or(Errno::EMFILE)?;
        let program = out_of_the_way(self.program)?;
        let (go_read, go_write) = pipe_with(PipeFlags::CLOEXEC).map_err(errno_of)?;
        let (failed_read, failed_write) = pipe_with(PipeFlags::CLOEXEC).map_err(errno_of)?;
        // The originals are closed here, or the pipes would never end.
        let (go_read, failed_write) = (moved_out_of_the_way(go_read)?, moved_out_of_the_way(failed_write)?);
        // All that the child needs is computed before it exists: between clone and exec it may not allocate.
        let argv: Vec<*const libc::c_char> = pointers(self.arguments);
        let envp: Vec<*const libc::c_char> = pointers(self.environment);
        let given_numbers: Vec<RawFd> = given.iter().map(AsRawFd::as_raw_fd).collect();
        let plan = Plan {
            given: &given_numbers,
            last,
            program: program.as_raw_fd(),
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            go: go_read.as_raw_fd(),
            failed: failed_write.as_raw_fd(),
            close_in_child: go_write.as_raw_fd(),
            become_root: self.become_root,
            unshare: self.namespaces.of_child(),
        };

        let mut pidfd: RawFd = -1;
        // SAFETY: an all-zero clone_args is valid.
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.flags = self.namespaces.of_clone() | u64::try_from(libc::CLONE_PIDFD).unwrap_or(0);
        args.pidfd = std::ptr::from_mut(&mut pidfd).addr() as u64;
        args.exit_signal = u64::try_from(libc::SIGCHLD).unwrap_or(0);
        // SAFETY: without CLONE_VM this is a fork: the child runs on a copy of this memory. It calls nothing but
        // `run`, which makes only async-signal-safe host calls and never returns, so that locks held by other
        // threads at this moment do not matter to it. `pidfd` outlives the call.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()) };
        if pid == 0 {
            // SAFETY: this is the child of the clone; `plan` points to memory that it has a copy of.
            unsafe { plan.run() }
        }
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|_| pid > 0) else {
            return Err(last_errno());
        };
        // SAFETY: the clone succeeded, so the kernel has stored a new descriptor that nobody else owns.
        let child = Child { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } };
        drop((go_read, failed_write));
        let starting = Starting { child: Some(child), failed: File::from(failed_read) };
        prepare(pid)?;
        File::from(go_write).write_all(&[1]).map_err(|_| Errno::ECHILD)?;
        Ok(starting)
    }
}

impl Starting {
    /// Waits until the process is at its program.
    ///
    /// # Errors
    /// Those of unshare(2), execveat(2) and the other steps of the child. No process is left then.
    pub fn finish(mut self) -> Result<Child, Errno> {
        let mut error = Vec::new();
        self.failed.read_to_end(&mut error).map_err(|_| Errno::EIO)?;
        if let Ok(number) = <[u8; 4]>::try_from(error.as_slice()) {
            return Err(Errno::from_raw(i32::from_ne_bytes(number)));
        }
        self.child.take().ok_or(Errno::ECHILD)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.abandon();
        }
    }
}

impl Child {
    /// Kills and reaps a child that could not be started.
    fn abandon(&self) {
        let _ = rustix::process::pidfd_send_signal(self.pidfd.as_fd(), rustix::process::Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.pid), rustix::process::WaitOptions::empty());
    }
}

fn pointers(strings: &[&CStr]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// What the child does between clone and exec.
struct Plan<'a> {
    given: &'a [RawFd],
    last: RawFd,
    program: RawFd,
    argv: *const *const libc::c_char,
    envp: *const *const libc::c_char,
    go: RawFd,
    failed: RawFd,
    close_in_child: RawFd,
    become_root: Option<SupplementaryGroups>,
    unshare: u64,
}

impl Plan<'_> {
    /// The child's life until it is the program, or has reported why not.
    ///
    /// # Safety
    /// Only in a fresh child process, with `argv` and `envp` pointing to null-terminated arrays of C strings.
    unsafe fn run(&self) -> ! {
        // SAFETY: as the caller promises.
        let error = match unsafe { self.steps() } {
            Err(error) => error.raw(),
            Ok(never) => match never {},
        };
        let bytes = error.to_ne_bytes();
        // SAFETY: writes four bytes from the stack and ends the process without running destructors.
        unsafe {
            libc::write(self.failed, bytes.as_ptr().cast(), bytes.len());
            libc::_exit(127)
        }
    }

    /// # Safety
    /// As [`Self::run`].
    unsafe fn steps(&self) -> Result<core::convert::Infallible, Errno> {
        // SAFETY: plain host calls on descriptors of this process and on memory of this frame; the arrays are as
        // the caller promises. Nothing here allocates or takes a lock.
        unsafe {
            libc::close(self.close_in_child);
            let mut byte = 0_u8;
            if libc::read(self.go, (&raw mut byte).cast(), 1) != 1 {
                libc::_exit(127);
            }
            if let Some(groups) = self.become_root {
                if groups == SupplementaryGroups::Drop {
                    check(libc::syscall(libc::SYS_setgroups, 0, 0))?;
                }
                // The raw calls: libc's own would signal threads that this copy of the process does not have.
                check(libc::syscall(libc::SYS_setresgid, 0, 0, 0))?;
                check(libc::syscall(libc::SYS_setresuid, 0, 0, 0))?;
            }
            check(libc::syscall(libc::SYS_unshare, self.unshare))?;
            check(libc::syscall(libc::SYS_setsid))?;
            default_signals()?;
            self.place_descriptors()?;
            libc::syscall(
                libc::SYS_execveat,
                self.program,
                c"".as_ptr(),
                self.argv,
                self.envp,
                libc::AT_EMPTY_PATH,
            );
            Err(last_errno())
        }
    }

    /// Puts the given descriptors at 0, 1, ... and has all others closed by the exec.
    ///
    /// # Safety
    /// Only in the fresh child.
    unsafe fn place_descriptors(&self) -> Result<(), Errno> {
        for (&fd, target) in self.given.iter().zip(0..) {
            // SAFETY: overwrites a number below `MOST_DESCRIPTORS`; all that is still needed lies above.
            check(unsafe { libc::dup2(fd, target) }.into())?;
        }
        // SAFETY: marks descriptors of this process close-on-exec.
        check(unsafe { libc::syscall(libc::SYS_close_range, self.last, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })
    }
}

fn moved_out_of_the_way(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    out_of_the_way(fd.as_fd())
}

/// A duplicate at a number that no given descriptor is put at.
fn out_of_the_way(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    rustix::io::fcntl_dupfd_cloexec(fd, MOST_DESCRIPTORS).map_err(errno_of)
}

/// All signals unblocked, and none ignored.
///
/// # Safety
/// Only in the fresh child: it changes the process's dispositions.
unsafe fn default_signals() -> Result<(), Errno> {
    for signal in 1..=64 {
        // SAFETY: setting a default action installs no code. Signals that cannot be changed fail harmlessly.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an empty set, on the stack.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()).into())
    }
}

fn check(result: libc::c_long) -> Result<(), Errno> {
    if result < 0 { Err(last_errno()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn run(script: &CStr, descriptors: &[BorrowedFd<'_>]) -> Result<i32, Errno> {
        let shell = File::open("/bin/sh").unwrap();
        let spawn = Spawn {
            program: shell.as_fd(),
            arguments: &[c"sh", c"-c", script],
            environment: &[c"PATH=/usr/bin:/bin"],
            descriptors,
            namespaces: Namespaces::NONE,
            become_root: None,
        };
        let child = spawn.start(|_| Ok(()))?;
        let status = rustix::process::waitpid(Some(child.pid), rustix::process::WaitOptions::empty());
        Ok(status.map_err(errno_of)?.unwrap().1.exit_status().unwrap_or(-1))
    }

    #[test]
    fn the_child_has_the_given_descriptors_and_no_others() {
        let null = File::open("/dev/null").unwrap();
        // Not close-on-exec: it must not leak in all the same.
        let leaky = rustix::io::dup(null.as_fd()).unwrap();
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        // No command but the shell itself runs, so that no pipe of its own is counted.
        let script = c"n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && list=\"$list $n\"; n=$((n+1)); done; echo $list >&3";
        let status = run(script, &[null.as_fd(), null.as_fd(), null.as_fd(), write.as_fd()]);
        assert_eq!(status, Ok(0));
        drop((write, leaky));
        let mut text = String::new();
        File::from(read).read_to_string(&mut text).unwrap();
        assert_eq!(text, "0 1 2 3\n");
    }

    #[test]
    fn a_failure_before_the_program_is_reported_and_leaves_no_child() {
        let directory = File::open("/").unwrap();
        let spawn = Spawn {
            program: directory.as_fd(),
            arguments: &[],
            environment: &[],
            descriptors: &[],
            namespaces: Namespaces::NONE,
            become_root: None,
        };
        assert_eq!(spawn.start(|_| Ok(())).map(|_| ()), Err(Errno::EACCES));
        assert_eq!(spawn.start(|_| Err(Errno::EPERM)).map(|_| ()), Err(Errno::EPERM));
    }
}
