//! What a row of the table says.

use std::sync::Arc;

use abi::Errno;
use kernel::task::{Call, Work};
use kernel::{Outcome, Task};

/// How much of a system call is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All that Linux documents.
    Full,
    /// Something is missing; the text says what.
    Partial(&'static str),
    /// It fails with `ENOSYS` (or what the handler says); the text says why.
    None(&'static str),
}

/// Carries a call out.
pub type Now = fn(&Arc<Task>, &[u64; 6]) -> Result<Outcome, Errno>;
/// Carries a call out, or gives nothing and has done nothing.
pub type Perhaps = fn(&Arc<Task>, &[u64; 6]) -> Result<Option<Outcome>, Errno>;
/// Begins a call.
pub type Later = fn(Arc<Task>, [u64; 6]) -> Call;

/// The function behind a row.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Never waits.
    Now(Now),
    /// May wait.
    Later(Later),
    /// May wait, but mostly need not.
    Soon(Perhaps, Later),
    /// There is none.
    Missing,
}

/// How one argument is shown.
pub type Show = fn(u64, &Task) -> String;

/// One system call.
pub struct Row {
    /// Its number on x86-64.
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// How much of it there is.
    pub support: Support,
    /// Names of the arguments and how they are shown.
    pub arguments: &'static [(&'static str, Show)],
    /// What carries it out.
    pub handler: Handler,
}

impl Row {
    /// Starts the call.
    #[must_use]
    pub fn start(&self, task: &Arc<Task>, args: &[u64; 6]) -> Work {
        match self.handler {
            Handler::Now(handler) => Work::Done(handler(task, args)),
            Handler::Later(handler) => Work::Later(handler(Arc::clone(task), *args)),
            Handler::Soon(now, later) => match now(task, args).transpose() {
                Some(result) => Work::Done(result),
                None => Work::Later(later(Arc::clone(task), *args)),
            },
            Handler::Missing => Work::Done(Err(Errno::ENOSYS)),
        }
    }
}

/// Writes rows: `now NAME(path::to::handler: arg: Type, ...) SUPPORT;` for handlers
/// `fn(&Arc<Task>, Type, ...) -> Result<impl Into<Outcome>, Errno>`, `later` for the `async` ones (which get an `Arc<Task>` by reference too),
/// `soon NAME(now, later: arg: Type, ...)` for those that have both, where the first gives `Result<Option<impl Into<Outcome>>, Errno>`,
/// `none NAME, "reason";` for calls that fail with `ENOSYS`.
#[macro_export]
macro_rules! rows {
    (@one now $name:ident ($handler:path $(, $arg:ident : $type:ty)*) $support:expr) => {
        $crate::Row {
            number: abi::nr::$name,
            name: stringify!($name),
            support: $support,
            arguments: &[$((stringify!($arg), <$type as $crate::argument::Argument>::show)),*],
            handler: $crate::Handler::Now(|task, args| {
                let [$($arg,)* ..] = *args;
                $(let $arg = <$type as $crate::argument::Argument>::decode($arg)?;)*
                $handler(task $(, $arg)*).map(Into::into)
            }),
        }
    };
    (@one later $name:ident ($handler:path $(, $arg:ident : $type:ty)*) $support:expr) => {
        $crate::Row {
            number: abi::nr::$name,
            name: stringify!($name),
            support: $support,
            arguments: &[$((stringify!($arg), <$type as $crate::argument::Argument>::show)),*],
            handler: $crate::Handler::Later(|task, args| {
                Box::pin(async move {
                    let [$($arg,)* ..] = args;
                    $(let $arg = <$type as $crate::argument::Argument>::decode($arg)?;)*
                    $handler(&task $(, $arg)*).await.map(Into::into)
                })
            }),
        }
    };
    (@one soon $name:ident ($now:path, $later:path $(, $arg:ident : $type:ty)*) $support:expr) => {
        $crate::Row {
            number: abi::nr::$name,
            name: stringify!($name),
            support: $support,
            arguments: &[$((stringify!($arg), <$type as $crate::argument::Argument>::show)),*],
            handler: $crate::Handler::Soon(
                |task, args| {
                    let [$($arg,)* ..] = *args;
                    $(let $arg = <$type as $crate::argument::Argument>::decode($arg)?;)*
                    Ok($now(task $(, $arg)*)?.map(Into::into))
                },
                |task, args| {
                    Box::pin(async move {
                        let [$($arg,)* ..] = args;
                        $(let $arg = <$type as $crate::argument::Argument>::decode($arg)?;)*
                        $later(&task $(, $arg)*).await.map(Into::into)
                    })
                },
            ),
        }
    };
    ($($kind:ident $name:ident ($($inner:tt)*) $support:expr;)* $(; none { $($missing:ident, $why:literal;)* })?) => {
        &[
            $($crate::rows!(@one $kind $name ($($inner)*) $support),)*
            $($($crate::Row {
                number: abi::nr::$missing,
                name: stringify!($missing),
                support: $crate::Support::None($why),
                arguments: &[],
                handler: $crate::Handler::Missing,
            },)*)?
        ]
    };
}
