//! Requests of the runtime while the container runs.

use std::sync::Arc;

use abi::signal::{SI_USER, Siginfo, Signal};
use kernel::signal::{self, Origin, Target};
use kernel::{ThreadGroup, executor};

use crate::control::{Channel, Request};

/// Serves the channel on a thread of its own until the runtime closes it.
pub(super) fn serve(channel: Arc<Channel>, init: Arc<ThreadGroup>) {
    let body = move || {
        while let Ok(request) = channel.receive::<Request>() {
            match request {
                Request::Signal { number, foreground } => {
                    executor::turn(|| deliver(&init, number, foreground));
                }
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name(String::from("control")).spawn(body) {
        tracing::error!(%error, "no thread to serve the runtime");
    }
}

fn deliver(init: &Arc<ThreadGroup>, number: i32, foreground: bool) {
    let Ok(number) = Signal::new(number) else { return };
    let info = Siginfo::user(number, SI_USER, 0, 0);
    let group = init.kernel.pids.foreground(init.session());
    if foreground && group != 0 {
        for member in init.kernel.pids.process_group(group) {
            send(&member, info);
        }
    } else {
        send(init, info);
    }
}

/// A signal that cannot be queued any more is lost, as it would be on Linux.
fn send(group: &Arc<ThreadGroup>, info: Siginfo) {
    let _ = signal::send(Target::Group(group), info, Origin::Outside);
}
