//! From a number to a handler.

use std::collections::HashSet;
use std::sync::Arc;

use abi::Errno;
use kernel::task::Work;
use kernel::{Dispatcher, Outcome, Task};
use parking_lot::Mutex;
use platform::SyscallArgs;

use crate::{Handler, Row, table};

/// All rows by number.
pub struct Table {
    rows: Vec<Option<&'static Row>>,
    missed: Mutex<HashSet<u64>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// Collects the rows of all families.
    #[must_use]
    pub fn new() -> Self {
        let mut rows: Vec<Option<&'static Row>> = Vec::new();
        for row in table::all() {
            let at = usize::try_from(row.number).unwrap_or_default();
            if rows.len() <= at {
                rows.resize(at.saturating_add(1), None);
            }
            if let Some(slot) = rows.get_mut(at) {
                *slot = Some(row);
            }
        }
        Self { rows, missed: Mutex::default() }
    }

    fn row(&self, number: u64) -> Option<&'static Row> {
        usize::try_from(number).ok().and_then(|n| self.rows.get(n).copied().flatten())
    }

    /// Says once for each number that a program asked for it in vain.
    fn report_missing(&self, number: u64, task: &Task) {
        if number < 1024 && self.missed.lock().insert(number) {
            let name = abi::nr::name(number).unwrap_or("unknown");
            tracing::info!(
                number,
                name,
                tid = task.tid(),
                "a program uses a system call that is not supported"
            );
        }
    }
}

impl Dispatcher for Table {
    fn dispatch(&self, task: &Arc<Task>, args: &SyscallArgs) -> Work {
        match self.row(args.number) {
            Some(row) if !matches!(row.handler, Handler::Missing) => row.start(task, &args.args),
            _ => {
                self.report_missing(args.number, task);
                Work::Done(Err(Errno::ENOSYS))
            }
        }
    }

    fn describe(&self, task: &Task, args: &SyscallArgs, result: Option<&Result<Outcome, Errno>>) -> String {
        let name =
            abi::nr::name(args.number).map_or_else(|| format!("syscall_{}", args.number), String::from);
        let shown: Vec<String> = match self.row(args.number) {
            Some(row) => {
                row.arguments.iter().zip(args.args).map(|((_, show), raw)| show(raw, task)).collect()
            }
            None => args.args.iter().map(|raw| format!("{raw:#x}")).collect(),
        };
        let result = match result {
            None => String::from("..."),
            Some(Ok(Outcome::Value(value))) if *value < 0x10000 => value.to_string(),
            Some(Ok(Outcome::Value(value))) => format!("{value:#x}"),
            Some(Ok(Outcome::Orders(orders))) => format!("by orders {orders:?}"),
            Some(Ok(Outcome::Clone(birth))) => birth.number().to_string(),
            Some(Ok(Outcome::Context)) => String::from("new registers"),
            Some(Ok(Outcome::Ended)) => String::from("ended"),
            Some(Err(errno)) => format!("-1 {errno}"),
        };
        format!("{name}({}) = {result}", shown.join(", "))
    }
}
