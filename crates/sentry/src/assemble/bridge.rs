//! A terminal of the container carried to descriptors of the host: what is typed there goes to the master of a pair, what comes from the master goes there.
//!
//! The host's terminal, if it is one, is in raw mode; the line discipline is the container's own.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use abi::Errno;
use abi::termios::WindowSize;
use devpts::MasterFile;
use parking_lot::Mutex;
use vfs::io::{SliceSource, VecSink};
use vfs::{Events, Listener, OpenFile, Registration};

use crate::modes::Modes;

/// Bytes that are on their way at most, in each direction.
const PIECE: usize = 4096;
/// How long the last output may wait for the host.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// The host's side.
pub(super) struct Outside {
    pub(super) input: Arc<OpenFile>,
    pub(super) output: Arc<OpenFile>,
    /// Tells the window size.
    pub(super) terminal: OwnedFd,
    /// Its modes before anybody changed them for the bridge, if it is a terminal.
    pub(super) modes: Option<Modes>,
    /// Readable when the size has changed, where nobody else tells.
    pub(super) resized: Option<Arc<OpenFile>>,
}

/// Both sides, and what is on its way between them.
pub(super) struct Bridge {
    this: Weak<Self>,
    sides: Mutex<Option<Sides>>,
    /// How many have asked for a turn since the one who has it looked last.
    asked: AtomicU32,
    registrations: Mutex<Vec<Registration>>,
}

struct Sides {
    master: Arc<OpenFile>,
    outside: Outside,
    typed: Vec<u8>,
    shown: Vec<u8>,
    input_over: bool,
}

/// Why nothing more moves now.
enum Stop {
    /// Somebody has to read or write first.
    Waiting,
    /// There is no more to read.
    End,
    /// It cannot be written any more.
    Broken,
}

/// Has the bridge look again, as long as there is one.
struct Wake(Weak<Bridge>);

impl Listener for Wake {
    fn notify(&self, _: Events) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.pump();
        }
    }
}

/// The window has another size.
struct Resized(Weak<Bridge>);

impl Listener for Resized {
    fn notify(&self, _: Events) {
        if let Some(bridge) = self.0.upgrade() {
            bridge.was_resized();
        }
    }
}

impl Bridge {
    /// Joins a master to the host.
    pub(super) fn start(master: Arc<OpenFile>, outside: Outside) -> Arc<Self> {
        let files = [Arc::clone(&master), Arc::clone(&outside.input), Arc::clone(&outside.output)];
        let resized = outside.resized.clone();
        let sides = Sides { master, outside, typed: Vec::new(), shown: Vec::new(), input_over: false };
        let bridge = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            sides: Mutex::new(Some(sides)),
            asked: AtomicU32::new(0),
            registrations: Mutex::default(),
        });
        let register = |file: &Arc<OpenFile>, events, listener: Arc<dyn Listener>| {
            file.file.readiness().map(|queue| queue.register(events, listener))
        };
        let wake = || Arc::new(Wake(Weak::clone(&bridge.this))) as Arc<dyn Listener>;
        let mut registrations: Vec<Registration> =
            files.iter().filter_map(|file| register(file, Events::IN | Events::OUT, wake())).collect();
        let look = Arc::new(Resized(Weak::clone(&bridge.this)));
        registrations.extend(resized.and_then(|file| register(&file, Events::IN, look)));
        *bridge.registrations.lock() = registrations;
        bridge.was_resized();
        bridge.pump();
        bridge
    }

    /// Takes over the size of the host's window after what told of a change.
    fn was_resized(&self) {
        let told = self.sides.lock().as_ref().and_then(|sides| sides.outside.resized.clone());
        if let Some(told) = told {
            while told.read(&mut VecSink::new(PIECE)).is_ok_and(|count| count > 0) {}
        }
        self.follow_size();
    }

    /// Takes over the size of the host's window.
    pub(super) fn follow_size(&self) {
        let found = self.sides.lock().as_ref().and_then(|sides| {
            let size = rustix::termios::tcgetwinsize(sides.outside.terminal.as_fd()).ok()?;
            Some((Arc::clone(&sides.master), size))
        });
        let Some((master, size)) = found else { return };
        if let Some(master) = master.file.as_any().downcast_ref::<MasterFile>().filter(|_| size.ws_row > 0) {
            master.resize(WindowSize {
                rows: size.ws_row,
                columns: size.ws_col,
                x_pixels: size.ws_xpixel,
                y_pixels: size.ws_ypixel,
            });
        }
    }

    /// Moves what can be moved. Whoever comes while another is at it has that one look again.
    fn pump(&self) {
        if self.asked.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        loop {
            let seen = self.asked.load(Ordering::Acquire);
            let ended = self.sides.lock().as_mut().is_some_and(|sides| !sides.carry());
            if ended {
                self.end();
            }
            if self.asked.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return;
            }
        }
    }

    /// The terminal's process has ended: what it wrote last is carried out, and the host's side closed.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + LAST_OUTPUT;
        loop {
            self.pump();
            let waits = self.sides.lock().as_ref().is_some_and(Sides::has_output);
            if !waits || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.end();
    }

    /// Whoever has changed the modes of the host's terminal for the bridge went without putting them back.
    pub(super) fn put_modes_back(&self) {
        if let Some(Sides { outside: Outside { terminal, modes: Some(modes), .. }, .. }) =
            self.sides.lock().as_ref()
        {
            modes.put_back(terminal.as_fd());
        }
    }

    /// Closes both sides.
    fn end(&self) {
        let sides = self.sides.lock().take();
        let registrations = std::mem::take(&mut *self.registrations.lock());
        drop((registrations, sides));
    }
}

impl Sides {
    /// Carries both ways. Whether the host's side is still there.
    fn carry(&mut self) -> bool {
        if !self.input_over {
            match carry(&self.outside.input, &self.master, &mut self.typed) {
                Stop::End => {
                    self.input_over = true;
                    // Whoever held the other side of a terminal has gone; a file or pipe just has no more.
                    if self.outside.input.file.terminal().is_some() {
                        return false;
                    }
                }
                Stop::Waiting | Stop::Broken => {}
            }
        }
        !matches!(carry(&self.master, &self.outside.output, &mut self.shown), Stop::Broken)
    }

    fn has_output(&self) -> bool {
        !self.shown.is_empty() || self.master.poll().contains(Events::IN)
    }
}

/// Moves bytes until one side has none or takes none.
fn carry(from: &OpenFile, to: &OpenFile, held: &mut Vec<u8>) -> Stop {
    loop {
        if held.is_empty() {
            let mut sink = VecSink::new(PIECE);
            match from.read(&mut sink) {
                Ok(0) => return Stop::End,
                Ok(_) => *held = sink.data,
                Err(Errno::EAGAIN) => return Stop::Waiting,
                // A master whose slaves are closed, which may be opened again; a host terminal without its other side.
                Err(_) if from.file.master_of().is_some() => return Stop::Waiting,
                Err(_) => return Stop::End,
            }
        }
        match to.write(&mut SliceSource::new(held)) {
            Ok(count) => drop(held.drain(..count.min(held.len()))),
            Err(Errno::EAGAIN) => return Stop::Waiting,
            Err(_) => return Stop::Broken,
        }
    }
}
