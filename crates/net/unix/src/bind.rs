//! bind(2) and listen(2).

use std::collections::VecDeque;
use std::sync::Arc;

use abi::Errno;
use abi::socket::family::SOMAXCONN;
use socket::waiters::Waiters;
use socket::{Address, Caller, Kind, UnixAddress};

use crate::state::{Inner, Listener, State};

impl Inner {
    pub(crate) fn bind(self: &Arc<Self>, address: &Address) -> Result<(), Errno> {
        let Address::Unix(address) = address else { return Err(Errno::EINVAL) };
        let mut name = self.name.lock();
        if matches!(address, UnixAddress::Unnamed) {
            if matches!(*name, UnixAddress::Unnamed) {
                *name = self.shared.names.bind_automatically(self)?;
            }
            return Ok(());
        }
        if !matches!(*name, UnixAddress::Unnamed) {
            return Err(Errno::EINVAL);
        }
        self.shared.names.bind(address, self)?;
        *name = address.clone();
        Ok(())
    }

    /// Gives the socket a name before it speaks, if its messages shall carry credentials (as Linux does).
    pub(crate) fn bind_to_speak(self: &Arc<Self>) -> Result<(), Errno> {
        if self.passes_credentials() { self.bind(&Address::Unix(UnixAddress::Unnamed)) } else { Ok(()) }
    }

    pub(crate) fn listen(&self, backlog: i32, caller: &Caller) -> Result<(), Errno> {
        if self.core.kind == Kind::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        if matches!(*self.name.lock(), UnixAddress::Unnamed) {
            return Err(Errno::EINVAL);
        }
        // A negative backlog counts as the largest, as in Linux.
        let most = SOMAXCONN as usize;
        let backlog = usize::try_from(backlog).map_or(most, |b| b.min(most));
        let mut state = self.state.lock();
        let woken = match &mut *state {
            State::Idle => {
                *state = State::Listening(Listener {
                    backlog,
                    pending: VecDeque::new(),
                    waiting: Waiters::new(),
                    identity: caller.peer_identity(),
                    refusing: false,
                });
                None
            }
            State::Listening(listener) => {
                listener.backlog = backlog;
                listener.identity = caller.peer_identity();
                Some(listener.waiting.take())
            }
            _ => return Err(Errno::EINVAL),
        };
        drop(state);
        if let Some(woken) = woken {
            woken.notify();
        }
        self.listen_on_host(i32::try_from(backlog).unwrap_or(i32::MAX))
    }
}
