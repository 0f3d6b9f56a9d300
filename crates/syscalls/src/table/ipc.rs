//! System V IPC and POSIX message queues.

use abi::ipc::{MqAttr, Sembuf};
use abi::time::{Sigevent, Timespec};
use kernel::{UserAddr, UserPtr};
use vfs::Fd;

use crate::Support::{Full, Partial};
use crate::argument::PathPtr;
use crate::ipc::{messages, posix_queues, semaphores, shared_memory};
use crate::{Row, rows};

const NOTIFY: &str = "no SIGEV_THREAD";
const UNMAPPED: &str = "what munmap(2) alone detaches counts until the program ends; SHM_LOCK pins nothing";

pub(super) static ROWS: &[Row] = rows! {
    now shmget(shared_memory::shmget, key: i32, size: u64, flags: i32) Full;
    later shmat(shared_memory::shmat, id: i32, address: u64, flags: i32) Full;
    later shmdt(shared_memory::shmdt, address: u64) Full;
    now shmctl(shared_memory::shmctl, id: i32, command: i32, buffer: UserAddr) Partial(UNMAPPED);
    now semget(semaphores::semget, key: i32, count: i32, flags: i32) Full;
    later semop(semaphores::semop, id: i32, operations: UserPtr<Sembuf>, count: usize) Full;
    later semtimedop(semaphores::semtimedop, id: i32, operations: UserPtr<Sembuf>, count: usize, timeout: UserPtr<Timespec>) Full;
    now semctl(semaphores::semctl, id: i32, number: i32, command: i32, argument: u64) Full;
    now msgget(messages::msgget, key: i32, flags: i32) Full;
    later msgsnd(messages::msgsnd, id: i32, message: UserAddr, length: usize, flags: i32) Full;
    later msgrcv(messages::msgrcv, id: i32, to: UserAddr, room: usize, kind: i64, flags: i32) Full;
    now msgctl(messages::msgctl, id: i32, command: i32, buffer: UserAddr) Full;

    now mq_open(posix_queues::mq_open, name: PathPtr, flags: u32, mode: u32, attributes: UserPtr<MqAttr>) Full;
    now mq_unlink(posix_queues::mq_unlink, name: PathPtr) Full;
    later mq_timedsend(posix_queues::mq_timedsend, fd: Fd, message: UserAddr, length: usize, priority: u32, timeout: UserPtr<Timespec>) Full;
    later mq_timedreceive(posix_queues::mq_timedreceive, fd: Fd, message: UserAddr, room: usize, priority: UserPtr<u32>, timeout: UserPtr<Timespec>) Full;
    now mq_notify(posix_queues::mq_notify, fd: Fd, event: UserPtr<Sigevent>) Partial(NOTIFY);
    now mq_getsetattr(posix_queues::mq_getsetattr, fd: Fd, new: UserPtr<MqAttr>, old: UserPtr<MqAttr>) Full;
};
