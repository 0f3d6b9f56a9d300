//! A pseudoterminal: what its two sides share.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use abi::Errno;
use abi::signal::Signal;
use abi::termios::{LocalModes, WindowSize};
use parking_lot::Mutex;
use vfs::terminal::{ReadRule, Terminal};
use vfs::{Capability, Credentials, Device, Events, File, OpenFlags, TerminalId, WaitQueue};

use crate::control::Side;
use crate::discipline::Discipline;
use crate::filesystem::Instance;
use crate::slave::SlaveFile;

/// Bytes written to the master that wait at most for room in the line discipline.
const BACKLOG: usize = 8192;

bitflags::bitflags! {
    /// What has changed, so that somebody who waits must look again.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Change: u32 {
        /// The slave may have something to read.
        const INPUT = 1;
        /// The master may have something to read.
        const OUTPUT = 2;
        /// The slave may be written.
        const OUTPUT_ROOM = 4;
        /// The master may be written.
        const INPUT_ROOM = 8;
        /// The slave was hung up.
        const SLAVE_ENDED = 16;
        /// The slave was opened or closed.
        const SLAVES = 32;
    }
}

/// A pair of sides, master and slave.
pub(crate) struct Pair {
    this: Weak<Self>,
    id: TerminalId,
    /// Its number in its instance.
    pub(crate) number: u32,
    instance: Arc<Instance>,
    state: Mutex<State>,
    /// Who waits at the master.
    pub(crate) master_queue: Arc<WaitQueue>,
    /// Who waits at the slave.
    pub(crate) slave_queue: Arc<WaitQueue>,
}

/// What changes.
pub(crate) struct State {
    pub(crate) discipline: Discipline,
    /// Written to the master and not yet seen by the line discipline.
    pub(crate) backlog: VecDeque<u8>,
    pub(crate) window: WindowSize,
    /// Whether reads of the master begin with a byte that says what they are.
    pub(crate) packets: bool,
    /// The slave cannot be opened.
    pub(crate) locked: bool,
    /// Nor by whoever is not privileged.
    pub(crate) exclusive: bool,
    /// The same of the master, which nobody opens twice anyway.
    pub(crate) master_exclusive: bool,
    /// Whether writing to the master is held by tcflow(3).
    pub(crate) master_held: bool,
    pub(crate) master_open: bool,
    /// How many files of the slave are open.
    pub(crate) slaves: u32,
    /// All files of the slave were closed.
    pub(crate) slave_gone: bool,
    /// Files of the slave that were opened before so many hang-ups are dead.
    pub(crate) hang_ups: u64,
}

impl State {
    /// Passes what was written to the master on to the line discipline.
    fn settle(&mut self) {
        let (first, second) = self.backlog.as_slices();
        let mut taken = self.discipline.receive(first);
        if taken == first.len() {
            taken = taken.saturating_add(self.discipline.receive(second));
        }
        self.backlog.drain(..taken);
    }

    /// `TIOCEXCL` of one side.
    pub(crate) fn exclusive(&mut self, side: Side) -> &mut bool {
        match side {
            Side::Master => &mut self.master_exclusive,
            Side::Slave => &mut self.exclusive,
        }
    }

    /// How many bytes the master takes now.
    pub(crate) fn backlog_room(&self) -> usize {
        if self.master_held { 0 } else { BACKLOG.saturating_sub(self.backlog.len()) }
    }
}

impl Pair {
    /// A new pair, locked, with its master open.
    pub(crate) fn new(id: TerminalId, number: u32, instance: Arc<Instance>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            id,
            number,
            instance,
            state: Mutex::new(State {
                discipline: Discipline::new(),
                backlog: VecDeque::new(),
                window: WindowSize::default(),
                packets: false,
                locked: true,
                exclusive: false,
                master_exclusive: false,
                master_held: false,
                master_open: true,
                slaves: 0,
                slave_gone: false,
                hang_ups: 0,
            }),
            master_queue: WaitQueue::new(),
            slave_queue: WaitQueue::new(),
        })
    }

    /// Looks at the state.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&State) -> R) -> R {
        at(&self.state.lock())
    }

    /// Changes the state, and sees to it that whoever has to do with that change learns of it.
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut State) -> (R, Change)) -> R {
        let (result, change, signals) = {
            let mut state = self.state.lock();
            let (packet, output) = (state.discipline.packet(), state.discipline.output_len());
            let (result, mut change) = act(&mut state);
            if !state.backlog.is_empty() {
                state.settle();
                change |= Change::INPUT | Change::INPUT_ROOM;
            }
            let told = state.packets && state.discipline.packet() != packet;
            if told || state.discipline.output_len() > output {
                change |= Change::OUTPUT;
            }
            (result, change, state.discipline.take_signals())
        };
        for signal in signals {
            self.signal(signal);
        }
        self.notify(change);
        result
    }

    fn notify(&self, change: Change) {
        let mut slave = Events::empty();
        let mut master = Events::empty();
        slave.set(Events::IN | Events::RDNORM, change.contains(Change::INPUT));
        slave.set(Events::OUT | Events::WRNORM, change.contains(Change::OUTPUT_ROOM));
        slave |= if change.contains(Change::SLAVE_ENDED) { Events::all() } else { Events::empty() };
        master.set(Events::IN | Events::RDNORM | Events::PRI, change.contains(Change::OUTPUT));
        master.set(Events::OUT | Events::WRNORM, change.contains(Change::INPUT_ROOM));
        master |= if change.contains(Change::SLAVES) { Events::all() } else { Events::empty() };
        if !slave.is_empty() {
            self.slave_queue.notify(slave);
        }
        if !master.is_empty() {
            self.master_queue.notify(master);
        }
    }

    /// Signals the foreground process group.
    pub(crate) fn signal(&self, signal: Signal) {
        self.instance.ptys.tell(|sessions| sessions.signal_foreground(self.id, signal));
    }

    /// Changes the window size; the foreground hears of it.
    pub(crate) fn resize(&self, window: WindowSize) {
        let changed = self.act(|state| {
            let old = std::mem::replace(&mut state.window, window);
            (old != window, Change::empty())
        });
        if changed {
            self.signal(Signal::SIGWINCH);
        }
    }

    /// Opens the slave.
    ///
    /// # Errors
    /// `EIO` if it is locked or the master is gone, `EBUSY` if it is exclusive.
    pub(crate) fn open_slave(&self, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        let pair = self.this.upgrade().ok_or(Errno::EIO)?;
        let hang_ups = self.act(|state| {
            if state.locked || !state.master_open {
                return (Err(Errno::EIO), Change::empty());
            }
            if state.exclusive && !credentials.has(Capability::SysAdmin) {
                return (Err(Errno::EBUSY), Change::empty());
            }
            state.slaves = state.slaves.saturating_add(1);
            state.slave_gone = false;
            (Ok(state.hang_ups), Change::SLAVES)
        })?;
        Ok(Arc::new(SlaveFile::new(pair, hang_ups)))
    }

    /// A file of the slave was closed.
    pub(crate) fn slave_closed(&self) {
        let over = self.act(|state| {
            state.slaves = state.slaves.saturating_sub(1);
            state.slave_gone = state.slaves == 0;
            let change = if state.slave_gone { Change::SLAVES } else { Change::empty() };
            (state.slave_gone && !state.master_open, change)
        });
        if over {
            self.instance.forget(self.number);
        }
    }

    /// The master was closed: the node vanishes, and the terminal's session loses it.
    pub(crate) fn master_closed(&self) {
        self.instance.hide(self.number);
        let over = self.act(|state| {
            state.master_open = false;
            state.backlog.clear();
            state.discipline.drop_output();
            (state.slaves == 0, Change::empty())
        });
        self.end_slaves();
        self.instance.ptys.tell(|sessions| sessions.hung_up(self.id));
        if over {
            self.instance.forget(self.number);
        }
    }

    /// vhangup(2) of the slave.
    pub(crate) fn hang_up_all(&self) {
        self.end_slaves();
        self.instance.ptys.tell(|sessions| sessions.hung_up(self.id));
    }

    fn end_slaves(&self) {
        self.act(|state| {
            state.hang_ups = state.hang_ups.saturating_add(1);
            state.discipline.reset();
            ((), Change::SLAVE_ENDED)
        });
    }
}

/// The major number of slaves.
const MAJOR: u32 = 136;

impl Terminal for Pair {
    fn id(&self) -> TerminalId {
        self.id
    }

    fn device(&self) -> Device {
        Device::new(MAJOR, self.number)
    }

    fn stops_background_output(&self) -> bool {
        self.look(|state| state.discipline.termios().local().contains(LocalModes::TOSTOP))
    }

    fn hang_up(&self) {
        self.hang_up_all();
    }

    fn read_rule(&self) -> ReadRule {
        self.look(|state| state.discipline.read_rule())
    }

    fn open(&self, _: OpenFlags, credentials: &Credentials) -> Result<Arc<dyn File>, Errno> {
        self.open_slave(credentials)
    }
}

impl Pair {
    /// Itself, shared.
    pub(crate) fn shared(&self) -> Option<Arc<dyn Terminal>> {
        self.this.upgrade().map(|pair| pair as Arc<dyn Terminal>)
    }
}
