//! System V IPC.

use abi::ipc::Sembuf;
use abi::time::Timespec;
use kernel::{UserAddr, UserPtr};

use crate::Support::{Full, Partial};
use crate::ipc::{messages, semaphores, shared_memory};
use crate::{Row, rows};

const UNDO: &str = "SEM_UNDO is of processes, as with CLONE_SYSVSEM";
const UNMAPPED: &str = "what munmap(2) alone detaches counts until the program ends; SHM_LOCK pins nothing";

pub(super) static ROWS: &[Row] = rows! {
    now shmget(shared_memory::shmget, key: i32, size: u64, flags: i32) Full;
    later shmat(shared_memory::shmat, id: i32, address: u64, flags: i32) Full;
    later shmdt(shared_memory::shmdt, address: u64) Full;
    now shmctl(shared_memory::shmctl, id: i32, command: i32, buffer: UserAddr) Partial(UNMAPPED);
    now semget(semaphores::semget, key: i32, count: i32, flags: i32) Full;
    later semop(semaphores::semop, id: i32, operations: UserPtr<Sembuf>, count: usize) Partial(UNDO);
    later semtimedop(semaphores::semtimedop, id: i32, operations: UserPtr<Sembuf>, count: usize, timeout: UserPtr<Timespec>) Partial(UNDO);
    now semctl(semaphores::semctl, id: i32, number: i32, command: i32, argument: u64) Full;
    now msgget(messages::msgget, key: i32, flags: i32) Full;
    later msgsnd(messages::msgsnd, id: i32, message: UserAddr, length: usize, flags: i32) Full;
    later msgrcv(messages::msgrcv, id: i32, to: UserAddr, room: usize, kind: i64, flags: i32) Full;
    now msgctl(messages::msgctl, id: i32, command: i32, buffer: UserAddr) Full;
};
