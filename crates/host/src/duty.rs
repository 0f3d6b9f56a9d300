//! Loops that threads carry out for the whole sandbox (receiving system calls, firing timers), and what becomes of one when the thread at
//! it has to wait in the middle of a round: another thread takes the loop over.
//!
//! Most waits of the sandbox hold no thread. Those that do (a filesystem whose server is a process of the sandbox) would otherwise
//! wait for what only the same thread could bring about.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;

use abi::Errno;
use parking_lot::{Condvar, Mutex};

/// One round of a loop. It may end the loop.
pub type Duty = Arc<dyn Fn() -> ControlFlow<()> + Send + Sync>;

type Job = Box<dyn FnOnce() + Send>;

/// Threads without work that are kept for the next loop or hand-over.
const SPARES: usize = 4;

thread_local! {
    /// The loop that this thread carries out.
    static OWN: RefCell<Option<Duty>> = const { RefCell::new(None) };
}

static IDLE: Mutex<Vec<Arc<Spare>>> = Mutex::new(Vec::new());

#[derive(Default)]
struct Spare {
    job: Mutex<Option<Job>>,
    given: Condvar,
}

/// Has a loop carried out by a thread of its own: one without work, or a new one of this name.
///
/// # Errors
/// `ENOMEM` if there can be no other thread.
pub fn start(name: &str, duty: Duty) -> Result<(), Errno> {
    let job = move || {
        perform(duty);
    };
    give(name, Box::new(job))
}

/// Carries a loop out until it ends. If it was handed over meanwhile, the thread goes on as a spare one until there are enough.
pub fn carry_out(duty: Duty) {
    if !perform(duty) {
        be_spare();
    }
}

/// Whether the loop ended, and was not handed over.
fn perform(duty: Duty) -> bool {
    OWN.set(Some(Arc::clone(&duty)));
    loop {
        if duty().is_break() {
            OWN.set(None);
            return true;
        }
        if OWN.with_borrow(Option::is_none) {
            return false;
        }
    }
}

/// Whether the calling thread carries out a loop that others depend on.
#[must_use]
pub fn is_on_duty() -> bool {
    OWN.with_borrow(Option::is_some)
}

/// The calling thread is about to wait: its loop, if it carries out one, goes to another thread, which runs `first` before it.
///
/// # Errors
/// `ENOMEM` if there can be no other thread; then nothing has changed, but that `first` is dropped.
pub fn hand_over(first: impl FnOnce() + Send + 'static) -> Result<(), Errno> {
    let own = OWN.take();
    let duty = own.clone();
    let job = move || {
        first();
        if let Some(duty) = duty {
            perform(duty);
        }
    };
    give("spare", Box::new(job)).inspect_err(|_| OWN.set(own))
}

fn give(name: &str, job: Job) -> Result<(), Errno> {
    let spare = IDLE.lock().pop();
    match spare {
        Some(spare) => {
            *spare.job.lock() = Some(job);
            spare.given.notify_one();
            Ok(())
        }
        None => {
            let work = move || {
                job();
                be_spare();
            };
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn(work).map(drop).map_err(|_| Errno::ENOMEM)
        }
    }
}

/// Waits for jobs, unless there are enough threads that do.
fn be_spare() {
    let own = Arc::<Spare>::default();
    loop {
        {
            let mut idle = IDLE.lock();
            if idle.len() >= SPARES {
                return;
            }
            idle.push(Arc::clone(&own));
        }
        let mut job = own.job.lock();
        let job = loop {
            match job.take() {
                Some(job) => break job,
                None => own.given.wait(&mut job),
            }
        };
        job();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A loop whose first round waits for what only its second brings about.
    #[test]
    fn a_loop_goes_on_while_one_round_of_it_waits() {
        let rounds = Arc::new(AtomicU32::new(0));
        let (sender, receiver) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        let duty: Duty = Arc::new(move || match rounds.fetch_add(1, Ordering::SeqCst) {
            0 => {
                assert!(is_on_duty());
                hand_over(|| ()).unwrap();
                assert!(!is_on_duty());
                receiver.lock().recv_timeout(Duration::from_secs(10)).unwrap();
                ended.send(()).unwrap();
                ControlFlow::Continue(())
            }
            1 => {
                sender.send(()).unwrap();
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(()),
        });
        std::thread::spawn(move || carry_out(duty));
        end.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn what_is_to_be_done_first_is_done_elsewhere() {
        let here = std::thread::current().id();
        for _ in 0..20 {
            let (sender, receiver) = mpsc::channel();
            hand_over(move || sender.send(std::thread::current().id()).unwrap()).unwrap();
            assert_ne!(receiver.recv_timeout(Duration::from_secs(10)).unwrap(), here);
        }
    }
}
