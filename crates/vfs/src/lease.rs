//! Leases: `F_SETLEASE` of fcntl(2). Who opens or cuts a file has to wait until the holder of a lease that stands against it has
//! given it up, or its time is over.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use abi::Errno;

use crate::usage::State;
use crate::{Events, Listener, WaitQueue};

/// How long a holder has: `/proc/sys/fs/lease-break-time`.
pub const BREAK_TIME: Duration = Duration::from_secs(45);

/// What a lease gives word of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseKind {
    /// That somebody wants to write.
    Read,
    /// That somebody wants to read or write.
    Write,
    /// Nothing: it is being taken away.
    None,
}

/// A lease of a description.
pub(crate) struct Lease {
    description: u64,
    kind: LeaseKind,
    /// What it must become, and until when.
    breaking: Option<(LeaseKind, Instant)>,
    holder: Arc<dyn Listener>,
}

static CHANGES: LazyLock<Arc<WaitQueue>> = LazyLock::new(WaitQueue::new);

/// Told when a lease was given up or became less: those who wait for one try again.
#[must_use]
pub fn changes() -> &'static Arc<WaitQueue> {
    &CHANGES
}

pub(crate) fn changed() {
    CHANGES.notify(Events::all());
}

const fn stands_against(kind: LeaseKind, writes: bool) -> bool {
    match kind {
        LeaseKind::Write => true,
        LeaseKind::Read => writes,
        LeaseKind::None => false,
    }
}

/// Those whose time is over lose what they did not give up.
fn expire(leases: &mut Vec<Lease>) {
    let now = Instant::now();
    for lease in leases.iter_mut() {
        if let Some((becomes, until)) = lease.breaking
            && until <= now
        {
            lease.kind = becomes;
            lease.breaking = None;
        }
    }
    leases.retain(|lease| lease.kind != LeaseKind::None);
}

/// Starts breaking what stands against an opening. `told` gets who has to be told once the state is unlocked.
///
/// # Errors
/// `EAGAIN` if there was anything.
pub(crate) fn break_for(
    state: &mut State,
    writes: bool,
    told: &mut Vec<Arc<dyn Listener>>,
) -> Result<(), Errno> {
    let Some(leases) = state.leases.as_deref_mut() else { return Ok(()) };
    expire(leases);
    let mut in_the_way = false;
    for lease in leases.iter_mut().filter(|lease| stands_against(lease.kind, writes)) {
        in_the_way = true;
        let becomes = if writes { LeaseKind::None } else { LeaseKind::Read };
        let known = match lease.breaking {
            Some((asked, _)) => asked == LeaseKind::None || asked == becomes,
            None => false,
        };
        if !known {
            let until = Instant::now().checked_add(BREAK_TIME).ok_or(Errno::EAGAIN)?;
            lease.breaking = Some((becomes, until));
            told.push(Arc::clone(&lease.holder));
        }
    }
    if leases.is_empty() {
        state.leases = None;
    }
    if in_the_way { Err(Errno::EAGAIN) } else { Ok(()) }
}

/// Gives a description a lease. `own` are the writers and readers that it counts for itself.
pub(crate) fn set(
    state: &mut State,
    description: u64,
    kind: LeaseKind,
    holder: Arc<dyn Listener>,
    own: (i32, u32),
) -> Result<(), Errno> {
    let open_elsewhere = match kind {
        LeaseKind::Read => state.writers > 0,
        LeaseKind::Write => (state.writers, state.readers) != own,
        LeaseKind::None => false,
    };
    if open_elsewhere {
        return Err(Errno::EAGAIN);
    }
    let leases = state.leases.get_or_insert_default();
    expire(leases);
    let others = |lease: &&Lease| lease.description != description;
    let blocked = leases.iter().filter(others).any(|lease| {
        let going = lease.breaking.is_some_and(|(becomes, _)| becomes == LeaseKind::None);
        kind == LeaseKind::Write || lease.kind == LeaseKind::Write || going
    });
    if blocked {
        return Err(Errno::EAGAIN);
    }
    match leases.iter_mut().find(|lease| lease.description == description) {
        Some(lease) => {
            lease.kind = kind;
            lease.breaking = None;
        }
        None => leases.push(Lease { description, kind, breaking: None, holder }),
    }
    Ok(())
}

/// Takes a description's lease away.
pub(crate) fn remove(state: &mut State, description: u64) -> Result<(), Errno> {
    let leases = state.leases.as_deref_mut().ok_or(Errno::EAGAIN)?;
    let before = leases.len();
    leases.retain(|lease| lease.description != description);
    let found = leases.len() < before;
    if leases.is_empty() {
        state.leases = None;
    }
    if found { Ok(()) } else { Err(Errno::EAGAIN) }
}

/// A description's lease, or what it has to become.
pub(crate) fn of(state: &mut State, description: u64) -> Option<LeaseKind> {
    let leases = state.leases.as_deref_mut()?;
    expire(leases);
    let lease = leases.iter().find(|lease| lease.description == description)?;
    Some(lease.breaking.map_or(lease.kind, |(becomes, _)| becomes))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Listener for Count {
        fn notify(&self, _: Events) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_holder_is_told_once_for_each_thing_that_is_asked_of_it() {
        let mut state = State { readers: 1, ..State::default() };
        let count = Arc::new(Count::default());
        set(&mut state, 1, LeaseKind::Write, Arc::clone(&count) as _, (0, 1)).unwrap();
        let mut told = Vec::new();
        assert_eq!(break_for(&mut state, false, &mut told), Err(Errno::EAGAIN));
        assert_eq!(break_for(&mut state, false, &mut told), Err(Errno::EAGAIN));
        assert_eq!((told.len(), of(&mut state, 1)), (1, Some(LeaseKind::Read)));
        assert_eq!(break_for(&mut state, true, &mut told), Err(Errno::EAGAIN));
        assert_eq!((told.len(), of(&mut state, 1)), (2, Some(LeaseKind::None)));
        remove(&mut state, 1).unwrap();
        assert_eq!(break_for(&mut state, true, &mut told), Ok(()));
        assert_eq!(remove(&mut state, 1), Err(Errno::EAGAIN));
    }

    #[test]
    fn leases_to_read_are_shared_and_those_to_write_are_not() {
        let mut state = State { readers: 2, ..State::default() };
        let holder = || Arc::new(Count::default()) as Arc<dyn Listener>;
        assert_eq!(set(&mut state, 1, LeaseKind::Write, holder(), (0, 1)), Err(Errno::EAGAIN));
        set(&mut state, 1, LeaseKind::Read, holder(), (0, 1)).unwrap();
        set(&mut state, 2, LeaseKind::Read, holder(), (0, 1)).unwrap();
        state.readers = 1;
        assert_eq!(set(&mut state, 1, LeaseKind::Write, holder(), (0, 1)), Err(Errno::EAGAIN));
        remove(&mut state, 2).unwrap();
        set(&mut state, 1, LeaseKind::Write, holder(), (0, 1)).unwrap();
        state.writers = 1;
        assert_eq!(set(&mut state, 3, LeaseKind::Read, holder(), (0, 1)), Err(Errno::EAGAIN));
    }
}
