//! The `linux.seccomp` section: a filter of system calls, as libseccomp understands it.

mod compile;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompFilterFlag, LinuxSyscall};
use sentry::spec::SeccompSpec;

use compile::{Compiler, Condition, Rules};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
/// Numbers beyond those that Linux has given out.
const NUMBERS: u64 = 512;

/// What of a filter is understood, for `features`.
pub(crate) const ACTIONS: &[&str] = &[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
];
/// Comparisons.
pub(crate) const OPERATORS: &[&str] = &[
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_LE",
    "SCMP_CMP_LT",
    "SCMP_CMP_MASKED_EQ",
    "SCMP_CMP_NE",
];
/// Architectures. Programs of the last two do not run in a sandbox; engines list them.
pub(crate) const ARCHITECTURES: &[&str] = &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];
/// Flags.
pub(crate) const FLAGS: &[&str] =
    &["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"];

/// Translates, or says which field is wrong.
pub(crate) fn translate(seccomp: &LinuxSeccomp) -> Result<SeccompSpec, String> {
    let default = action(seccomp.default_action(), seccomp.default_errno_ret(), "defaultAction")?;
    let mut compiler = Compiler::new(default);
    let mut newest = None;
    for (index, call) in seccomp.syscalls().iter().flatten().enumerate() {
        let place = format!("syscalls[{index}]");
        let action = action(call.action(), call.errno_ret(), &format!("{place}.action"))?;
        let conditions = conditions(call, &place)?;
        for name in call.names() {
            // Calls of other architectures, and of other kernels, are none here.
            let Some(number) = number(name) else { continue };
            newest = newest.max(Some(number));
            if action != default {
                compiler.add(number, action, &conditions);
            }
        }
    }
    // As runc: who wrote the list could not know of newer calls, and programs try others if they are missing.
    let lenient = matches!(
        seccomp.default_action(),
        LinuxSeccompAction::ScmpActAllow | LinuxSeccompAction::ScmpActLog | LinuxSeccompAction::ScmpActTrace
    );
    if let Some(newest) = newest.filter(|_| !lenient) {
        compiler.limit(newest, errno(ENOSYS));
    }
    let filter = compiler.finish().ok_or("linux.seccomp: the filter is too long")?;
    let logs = seccomp.flags().iter().flatten().any(|f| *f == LinuxSeccompFilterFlag::SeccompFilterFlagLog);
    Ok(SeccompSpec { filter, logs })
}

fn number(name: &str) -> Option<u32> {
    let number = (0..NUMBERS).find(|number| abi::nr::name(*number) == Some(name))?;
    u32::try_from(number).ok()
}

const fn errno(number: u32) -> u32 {
    0x0005_0000 | (number & 0xffff)
}

/// What a filter returns for an action.
fn action(action: LinuxSeccompAction, number: Option<u32>, place: &str) -> Result<u32, String> {
    let number = number.unwrap_or(EPERM);
    Ok(match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => 0,
        LinuxSeccompAction::ScmpActKillProcess => 0x8000_0000,
        LinuxSeccompAction::ScmpActTrap => 0x0003_0000,
        LinuxSeccompAction::ScmpActErrno => errno(number),
        LinuxSeccompAction::ScmpActTrace => 0x7ff0_0000 | (number & 0xffff),
        LinuxSeccompAction::ScmpActLog => 0x7ffc_0000,
        LinuxSeccompAction::ScmpActAllow => 0x7fff_0000,
        LinuxSeccompAction::ScmpActNotify => {
            return Err(format!(
                "linux.seccomp.{place}: SCMP_ACT_NOTIFY is not supported: nobody can listen"
            ));
        }
    })
}

/// The rules of one entry. Conditions on different arguments hold together; several on the same one are, as in runc, rules of
/// their own.
fn conditions(call: &LinuxSyscall, place: &str) -> Result<Rules, String> {
    let args = call.args().as_deref().unwrap_or_default();
    let mut all = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let argument = u32::try_from(arg.index()).ok().filter(|index| *index < 6);
        let argument = argument.ok_or_else(|| {
            format!(
                "linux.seccomp.{place}.args[{index}].index: {} is no argument of a system call",
                arg.index()
            )
        })?;
        all.push(Condition {
            argument,
            operator: arg.op(),
            value: arg.value(),
            second: arg.value_two().unwrap_or(0),
        });
    }
    let twice =
        all.iter().enumerate().any(|(at, one)| all.iter().skip(at + 1).any(|o| o.argument == one.argument));
    Ok(match all.len() {
        0 => Vec::new(),
        _ if twice => all.into_iter().map(|condition| vec![condition]).collect(),
        _ => vec![all],
    })
}

#[cfg(test)]
mod tests;
