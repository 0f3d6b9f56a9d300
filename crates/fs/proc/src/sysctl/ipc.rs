//! The limits of System V IPC, and the ids that come next.

use abi::Errno;
use kernel::ipc::{Ipc, Limit};
use synthetic::tree::Setting;

use crate::System;
use crate::system::ipc::of_reader;
use Setting::Changeable;

/// A limit with one number.
macro_rules! limit {
    ($field:ident) => {
        Changeable(
            |system| Ok(of_reader(system).limits.$field.get().to_string().into_bytes()),
            |system, text| of_reader(system).limits.$field.set(number(text)?),
        )
    };
}

/// The id that the next object of a kind gets.
macro_rules! next {
    ($field:ident) => {
        Changeable(
            |system| Ok(of_reader(system).$field.next_id().to_string().into_bytes()),
            |system, text| {
                let id = i32::try_from(number(text)?).map_err(|_| Errno::EINVAL)?;
                of_reader(system).$field.set_next_id(id);
                Ok(())
            },
        )
    };
}

pub(super) const MSGMAX: Setting<System> = limit!(message_bytes);
pub(super) const MSGMNB: Setting<System> = limit!(queue_bytes);
pub(super) const MSGMNI: Setting<System> = limit!(queues);
pub(super) const MSG_NEXT_ID: Setting<System> = next!(queues);
pub(super) const SEM: Setting<System> = Changeable(semaphores, set_semaphores);
pub(super) const SEM_NEXT_ID: Setting<System> = next!(sets);
pub(super) const SHMALL: Setting<System> = limit!(segment_pages);
pub(super) const SHMMAX: Setting<System> = limit!(segment_bytes);
pub(super) const SHMMNI: Setting<System> = limit!(segments);
pub(super) const SHM_NEXT_ID: Setting<System> = next!(segments);

fn numbers(text: &[u8]) -> Result<Vec<u64>, Errno> {
    let text = str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
    text.split_whitespace().map(|word| word.parse().map_err(|_| Errno::EINVAL)).collect()
}

fn number(text: &[u8]) -> Result<u64, Errno> {
    numbers(text)?.first().copied().ok_or(Errno::EINVAL)
}

/// The four of `sem`, in its order.
const fn four(ipc: &Ipc) -> [&Limit; 4] {
    let limits = &ipc.limits;
    [&limits.set_semaphores, &limits.semaphores, &limits.operations, &limits.sets]
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all settings")]
fn semaphores(system: &System) -> Result<Vec<u8>, Errno> {
    let ipc = of_reader(system);
    Ok(four(&ipc).map(|limit| limit.get().to_string()).join("\t").into_bytes())
}

fn set_semaphores(system: &System, text: &[u8]) -> Result<(), Errno> {
    let ipc = of_reader(system);
    four(&ipc).into_iter().zip(numbers(text)?).try_for_each(|(limit, value)| limit.set(value))
}
