//! Starting: what the host must offer, the zygote, the platform's threads.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use abi::Errno;
use rustix::fs::MemfdFlags;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::arch;
use super::calls::{self, Direction};
use super::filter;
use super::interface::{Arrangement, BASE, FILTER_MAX, MAILBOX_SIZE, PAGE_SIZE, SIZE, Setup, ZygoteReply};
use super::mechanisms::Mechanisms;
use super::procfs::{Procfs, parse_maps};
use super::vdso::{Vdso, is_hosts};

/// The stub program, which `build.rs` has built.
static STUB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stub"));

/// Bytes that a signal handler of the stub may use of its stack, below the signal frame.
const HANDLER_STACK: u64 = 3072;

/// What [`StartError`] has if it may be the host's vDSO that cannot be moved.
const UNMOVABLE: Errno = Errno::EXDEV;

/// How often a zygote with an unfortunate memory layout is replaced.
const MOST_TRIES: u32 = 8;

/// Why there can be no guest processes on this host.
#[derive(Debug)]
pub struct StartError(String, Errno);

impl StartError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into(), Errno::ENOSYS)
    }

    fn moving_vdso(errno: Errno) -> Self {
        Self(format!("cannot move the host's vDSO: {}", errno.description()), UNMOVABLE)
    }

    pub(super) fn at(what: &str, errno: Errno) -> Self {
        Self(format!("cannot {what}: {}", errno.description()), errno)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// What the zygote needs.
#[derive(Debug)]
pub struct Options {
    /// The directory /proc of the pid namespace in which sentry and stubs are.
    pub procfs: OwnedFd,
    /// The user and group that the stubs run as, or the caller's. Another user needs CAP_SETUID and CAP_SETGID now, and
    /// CAP_SYS_PTRACE and CAP_KILL as long as there are guests.
    pub identity: Option<(u32, u32)>,
    /// Mechanisms that are not used even where the host has them: for tests of what is done without.
    pub withheld: Mechanisms,
    /// Whether hot call sites of programs are patched.
    pub patching: bool,
}

/// The process of which all guest processes are copies.
#[derive(Debug)]
pub struct Zygote {
    pub(super) pid: i32,
    pub(super) socket: OwnedFd,
    pub(super) procfs: Arc<Procfs>,
    pub(super) slot_size: u64,
    pub(super) vdso: Option<u64>,
    /// The guests' own, unless they see the host's.
    pub(super) own_vdso: Option<Arc<Vdso>>,
    /// Where the stub keeps the program break of its memory.
    pub(super) heap: u64,
    pub(super) unmap_all: Vec<(u64, u64)>,
    pub(super) mechanisms: Mechanisms,
    pub(super) patching: bool,
}

impl Zygote {
    /// Starts the zygote. Best called early: it copies the caller, for a moment, and inherits its namespaces and cgroup.
    ///
    /// # Errors
    /// A sentence that names what the host lacks, or the step that failed.
    pub fn start(options: Options) -> Result<Self, StartError> {
        probe()?;
        let mut mechanisms = Mechanisms::choose(options.withheld);
        calls::keep_dead_children();
        let slot_size =
            (PAGE_SIZE + MAILBOX_SIZE + arch::signal_frame_size() + HANDLER_STACK).next_power_of_two();
        let procfs = Arc::new(Procfs::new(options.procfs));
        let mut tries = 0;
        loop {
            match Self::execute(
                Arc::clone(&procfs),
                slot_size,
                options.identity,
                mechanisms,
                options.patching,
            ) {
                // The host chose a place for the vDSO within the stub's range, which it does once in some hundred times.
                Err(StartError(_, Errno::EEXIST)) if tries < MOST_TRIES => tries += 1,
                Err(StartError(_, UNMOVABLE)) if mechanisms.contains(Mechanisms::MOVABLE_VDSO) => {
                    mechanisms.give_up(Mechanisms::MOVABLE_VDSO);
                }
                result => return result,
            }
        }
    }

    fn execute(
        procfs: Arc<Procfs>,
        slot_size: u64,
        identity: Option<(u32, u32)>,
        mechanisms: Mechanisms,
        patching: bool,
    ) -> Result<Self, StartError> {
        let program = program_file()?;
        let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
        let (socket, theirs) = rustix::net::socketpair(family, SocketType::SEQPACKET, flags, None)
            .map_err(|e| StartError::at("make a socket for the zygote", errno(e)))?;
        let vdso = Vdso::new().map_err(|e| StartError::at("put the vDSO into a memory file", e))?;
        let pid = calls::execute(program.as_fd(), [theirs.as_fd(), vdso.file().as_fd()])
            .map_err(|e| StartError::at("fork the zygote", e))?;
        drop(theirs);
        let mut zygote = Self {
            pid,
            socket,
            procfs,
            slot_size,
            vdso: None,
            own_vdso: None,
            heap: 0,
            unmap_all: Vec::new(),
            mechanisms,
            patching,
        };
        let prepared = zygote.prepare(identity, vdso);
        if prepared.is_err() {
            calls::kill_group(pid);
            let _ = calls::reap(pid);
        }
        prepared.map(|()| zygote)
    }

    fn prepare(&mut self, identity: Option<(u32, u32)>, mut vdso: Vdso) -> Result<(), StartError> {
        let step = |what: &'static str| move |e| StartError::at(what, e);
        self.send(&setup_bytes(self.slot_size, identity, self.mechanisms)?)
            .map_err(step("set up the zygote"))?;
        let reply = self.reply().map_err(step("set up the zygote"))?;
        self.vdso = (reply.value != 0).then_some(reply.value);
        let maps =
            self.procfs.read(&format!("{}/maps", self.pid)).map_err(step("read the zygote's mappings"))?;
        let maps = parse_maps(&maps);
        let mut byte = [0];
        calls::transfer(self.pid, Direction::Read(&mut byte), &[(BASE, 1)]).map_err(step(
            "read a guest's memory (is kernel.yama.ptrace_scope above 1, or CAP_SYS_PTRACE missing?)",
        ))?;
        let mut plan = Arrangement::default();
        let mut kept = vec![(BASE, BASE + SIZE)];
        if self.mechanisms.contains(Mechanisms::MOVABLE_VDSO) {
            let read = |at, image: &mut [u8]| {
                let length = image.len();
                let read = calls::transfer(self.pid, Direction::Read(image), &[(at, length)])?;
                if read == length { Ok(()) } else { Err(Errno::EFAULT) }
            };
            plan = vdso.arrange(&maps, read).map_err(StartError::moving_vdso)?;
            kept.push(vdso.range());
            self.vdso = Some(vdso.at());
            self.own_vdso = Some(Arc::new(vdso));
        } else {
            kept.extend(maps.iter().filter(|m| is_hosts(m)).map(|m| (m.start, m.end)));
        }
        kept.sort_unstable();
        self.unmap_all = everything_but(&kept);
        unmap(&mut plan, &kept, &self.unmap_all)?;
        self.send(&arrangement_bytes(&plan)).map_err(step("clear the zygote's memory"))?;
        match self.reply() {
            Err(errno) if self.own_vdso.is_some() => Err(StartError::moving_vdso(errno)),
            other => {
                self.heap = other.map_err(step("clear the zygote's memory"))?.value;
                Ok(())
            }
        }
    }

    fn send(&self, message: &[u8]) -> Result<(), Errno> {
        rustix::net::send(&self.socket, message, SendFlags::NOSIGNAL).map(drop).map_err(errno)
    }

    /// The zygote's answer; its result is not negative.
    fn reply(&self) -> Result<ZygoteReply, Errno> {
        let mut bytes = [0; size_of::<ZygoteReply>()];
        let (got, _) = rustix::net::recv(&self.socket, &mut bytes, RecvFlags::empty()).map_err(errno)?;
        if got != bytes.len() {
            return Err(Errno::EPIPE);
        }
        let [result, value] = [bytes.first_chunk::<8>(), bytes.last_chunk::<8>()];
        let result = i64::from_le_bytes(result.copied().unwrap_or_default());
        let value = u64::from_le_bytes(value.copied().unwrap_or_default());
        match i32::try_from(result) {
            Ok(error) if error < 0 => Err(Errno::from_raw(-error)),
            _ => Ok(ZygoteReply { result, value }),
        }
    }

    /// Has it make a stub. Returns its pid.
    pub(super) fn spawn(&self) -> Result<i32, Errno> {
        self.send(&[0; 8])?;
        i32::try_from(self.reply()?.result).map_err(|_| Errno::EIO)
    }
}

impl fmt::Debug for Procfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Procfs")
    }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

/// What the platform cannot do without.
fn probe() -> Result<(), StartError> {
    const NEW_LISTENER: u64 = 8;
    const WAIT_KILLABLE_RECV: u64 = 32;
    if !calls::probe_notifications() {
        return Err(StartError::new(
            "the host kernel has no seccomp user notifications (Linux 5.0, CONFIG_SECCOMP_FILTER)",
        ));
    }
    if !calls::probe_filter_flags(NEW_LISTENER | WAIT_KILLABLE_RECV) {
        return Err(StartError::new(
            "the host kernel lacks SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19), without which \
             interrupted system calls would run twice",
        ));
    }
    Ok(())
}

/// The stub in a file that can be executed.
fn program_file() -> Result<OwnedFd, StartError> {
    let step = |e| StartError::at("put the stub into a memory file", errno(e));
    let flags = MemfdFlags::CLOEXEC;
    // Before Linux 6.3 there is no such flag, and memory files are executable.
    let file = rustix::fs::memfd_create("stub", flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create("stub", flags))
        .map_err(step)?;
    let mut rest = STUB;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest).map_err(step)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(file)
}

/// [`Setup`] as the zygote reads it.
fn setup_bytes(
    slot_size: u64,
    identity: Option<(u32, u32)>,
    mechanisms: Mechanisms,
) -> Result<Vec<u8>, StartError> {
    let mut program = filter::program().map_err(StartError::new)?;
    let length = u64::try_from(program.len()).unwrap_or(0);
    program.resize(FILTER_MAX, 0);
    let (user, group) = identity.unwrap_or_default();
    let segments = mechanisms.contains(Mechanisms::SEGMENT_INSTRUCTIONS);
    let mut bytes = Vec::with_capacity(size_of::<Setup>());
    for word in [identity.is_some().into(), user, group, segments.into()] {
        let word: u32 = word;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for word in [slot_size].into_iter().chain(filter::plain()).chain([length]).chain(program) {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    Ok(bytes)
}

/// The gaps between these ranges, as start and length.
fn everything_but(kept: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for (start, end) in kept.iter().copied().chain([(arch::USER_END, arch::USER_END)]) {
        if start > at {
            gaps.push((at, start - at));
        }
        at = at.max(end);
    }
    gaps
}

/// Has the zygote unmap the gaps between what is kept.
fn unmap(plan: &mut Arrangement, kept: &[(u64, u64)], gaps: &[(u64, u64)]) -> Result<(), StartError> {
    let overlaps = kept.iter().any(|(start, end)| *start < BASE + SIZE && *end > BASE && *start != BASE);
    // The list ends with an empty entry.
    if overlaps || gaps.len() >= plan.unmap.len() {
        return Err(StartError::new("the host lays out a new process's memory in an unknown way"));
    }
    for (planned, (start, length)) in plan.unmap.iter_mut().zip(gaps) {
        *planned = [*start, *length];
    }
    Ok(())
}

/// [`Arrangement`] as the zygote reads it.
fn arrangement_bytes(plan: &Arrangement) -> Vec<u8> {
    let words = plan.moves.iter().flatten().chain(&plan.vdso).chain(plan.unmap.iter().flatten());
    words.flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_kept_ranges_is_unmapped() {
        let gaps = everything_but(&[(0x1000, 0x2000), (0x2000, 0x3000), (0x5000, 0x6000)]);
        assert_eq!(gaps, [(0, 0x1000), (0x3000, 0x2000), (0x6000, arch::USER_END - 0x6000)]);
    }

    #[test]
    fn the_setup_has_the_agreed_size() {
        assert_eq!(setup_bytes(8192, Some((1, 2)), Mechanisms::all()).unwrap().len(), size_of::<Setup>());
        assert_eq!(arrangement_bytes(&Arrangement::default()).len(), size_of::<Arrangement>());
    }
}
