//! Executing programs: execve(2), execveat(2), and the first program of a container.
//!
//! A new program gets a new host process, prepared while the old program still stands: its mappings are made and its stack is written.
//! Only then is the point of no return, where the other threads are killed and the task changes over ([`commit`]). What
//! fails before that is an errno, as it should be.

mod arguments;
mod commit;
mod credentials;
mod elf;
mod file;
mod layout;
mod plan;
mod prepare;
mod script;
mod stack;

use std::sync::Arc;

use abi::Errno;
use vfs::caller::At;
use vfs::resolve::Lookup;

pub use arguments::Strings;

use crate::task::Comm;
use crate::{Outcome, Task};

/// How often a script's interpreter may be a script.
const SCRIPTS_MAX: u32 = 5;

/// What is to be executed.
pub struct Program<'a> {
    /// The file.
    pub at: At<'a>,
    /// How its last component is found.
    pub lookup: Lookup,
    /// What the program is told its file is called: `AT_EXECFN`, and an argument of a script's interpreter.
    pub name: Vec<u8>,
    /// Whether that name stops to exist with the call, being a descriptor that is closed.
    pub vanishes: bool,
    /// `argv` and `envp`.
    pub strings: Strings,
}

/// Replaces the task's program. On success the outcome is [`Outcome::Context`].
///
/// # Errors
/// Those of execve(2). After any of them the old program goes on as if nothing had been.
pub async fn execute(task: &Arc<Task>, program: Program<'_>) -> Result<Outcome, Errno> {
    let Program { at, lookup, mut name, vanishes, mut strings } = program;
    let limits = task.group.limits.lock().clone();
    strings.check(&limits)?;
    let comm = Comm::new(name.rsplit(|b| *b == b'/').next().unwrap_or_default());
    let mut executable = file::Executable::open(task, &at, lookup)?;
    let mut start = executable.read(0, prepare::START)?;
    for round in 0.. {
        let Some(line) = script::parse(&start) else { break };
        if round == SCRIPTS_MAX {
            return Err(Errno::ELOOP);
        }
        if vanishes && round == 0 {
            return Err(Errno::ENOENT);
        }
        let line = line?;
        let mut arguments = vec![line.interpreter.clone()];
        arguments.extend(line.argument);
        arguments.push(name);
        arguments.extend(strings.arguments.into_iter().skip(1));
        strings.arguments = arguments;
        strings.check(&limits)?;
        executable = file::Executable::open(task, &At::here(&line.interpreter), Lookup::FOLLOW)?;
        name = line.interpreter;
        start = executable.read(0, prepare::START)?;
    }
    if strings.arguments.is_empty() {
        // Programs rely on a first argument; Linux gives them an empty one.
        strings.arguments.push(Vec::new());
    }
    let prepared = prepare::prepare(task, executable, &start, &strings, name, comm).await?;
    commit::commit(task, prepared).await
}
