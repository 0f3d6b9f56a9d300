//! `casemate ps`.

use sentry::control::{Event, ProcessEntry, Request};

use super::output;
use crate::command_line::{Global, ListFormat, Ps};
use crate::error::{Error, printable};
use crate::state::{self, Container, Root, Status};
use crate::user_names;

/// The most processes that are taken from a sentry.
const MOST: usize = 40_000;

/// Shows the processes of a container, with their ids in it.
pub(crate) fn execute(global: &Global, arguments: &Ps) -> Result<(), Error> {
    let columns = columns(&arguments.options)?;
    let container = Root::of(global).open(&arguments.id)?;
    if container.status()? == Status::Stopped {
        return Err(Error::NotRunning);
    }
    let processes = processes(&container)?;
    match arguments.format {
        ListFormat::Json => output::line(&processes.iter().map(|process| process.pid).collect::<Vec<_>>()),
        ListFormat::Table => {
            let heads = columns.iter().map(|column| column.head.to_owned()).collect();
            let row = |process| columns.iter().map(|column| (column.shown)(process)).collect();
            output::table(&std::iter::once(heads).chain(processes.iter().map(row)).collect::<Vec<_>>())
        }
    }
}

/// All processes of a container.
pub(super) fn processes(container: &Container) -> Result<Vec<ProcessEntry>, Error> {
    let channel = container.connect()?.ok_or(Error::NotRunning)?;
    let mut all = Vec::new();
    let mut event = state::ask(&channel, &Request::Processes)?;
    loop {
        match event {
            Event::Processes { list, more } => {
                all.extend(list);
                if !more || all.len() > MOST {
                    return Ok(all);
                }
            }
            other => return Err(state::unexpected(&other)),
        }
        event = state::answer(&channel)?;
    }
}

/// What can be shown of a process.
struct Column {
    /// What `-o` calls it.
    names: &'static [&'static str],
    head: &'static str,
    shown: fn(&ProcessEntry) -> String,
    /// Whether it is among those that are shown unless others are asked for.
    usual: bool,
}

const fn column(
    names: &'static [&'static str],
    head: &'static str,
    shown: fn(&ProcessEntry) -> String,
) -> Column {
    Column { names, head, shown, usual: true }
}

/// Those of `ps -ef`, and then others.
const COLUMNS: &[Column] = &[
    column(&["user", "euser", "uname"], "UID", |process| user_names::of(process.uid)),
    column(&["pid", "tgid"], "PID", |process| process.pid.to_string()),
    column(&["ppid"], "PPID", |process| process.parent.to_string()),
    // Percent of a processor over its whole life, as ps(1).
    column(&["c", "%cpu", "pcpu"], "C", |process| (process.used / 10 / process.age.max(1)).to_string()),
    column(&["stime", "start", "start_time", "bsdstart"], "STIME", |process| state::ago(process.age)),
    column(&["tty", "tname", "tt"], "TTY", |process| {
        process.terminal.map_or_else(|| "?".to_owned(), |number| format!("pts/{number}"))
    }),
    column(&["time", "cputime"], "TIME", |process| clock(process.used / 1000)),
    column(&["cmd", "args", "command"], "CMD", |process| printable(&process.command)),
    Column { usual: false, ..column(&["uid", "euid"], "UID", |process| process.uid.to_string()) },
    Column { usual: false, ..column(&["etimes"], "ELAPSED", |process| process.age.to_string()) },
    Column { usual: false, ..column(&["etime"], "ELAPSED", |process| clock(process.age)) },
];

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The columns that options of ps(1) ask for. The processes are the sandbox's kernel's, so that the host's ps cannot be asked; what is
/// not known here is refused.
fn columns(options: &[String]) -> Result<Vec<&'static Column>, Error> {
    let mut asked = Vec::new();
    let mut words = options.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let list = match word {
            // All processes are shown in any case, and in full.
            "-e" | "-A" | "-f" | "-ef" | "-fe" | "-eo" | "-Ao" | "-o" | "o" => {
                if !word.ends_with('o') {
                    continue;
                }
                words.next().ok_or_else(|| Error::Message(format!("ps: {word} needs a list of columns")))?
            }
            _ => match word.strip_prefix("-o").or_else(|| word.strip_prefix("-eo")) {
                Some(list) => list,
                None => {
                    return Err(Error::Message(format!(
                        "ps: {word:?} is not supported: take -e, -f or -o COLUMNS"
                    )));
                }
            },
        };
        for name in list.split([',', ' ']).filter(|name| !name.is_empty()) {
            let found = COLUMNS.iter().find(|column| column.names.contains(&name));
            asked.push(found.ok_or_else(|| Error::Message(format!("ps: there is no column {name:?}")))?);
        }
    }
    if asked.is_empty() {
        asked.extend(COLUMNS.iter().filter(|column| column.usual));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(options: &[&str]) -> Result<String, String> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let columns = columns(&options).map_err(|error| error.to_string())?;
        Ok(columns.iter().map(|column| column.head).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn columns_are_chosen_as_for_ps() {
        let usual = "UID PID PPID C STIME TTY TIME CMD";
        for options in [&[][..], &["-ef"], &["-e", "-f"]] {
            assert_eq!(heads(options).unwrap(), usual);
        }
        assert_eq!(heads(&["-o", "pid,args"]).unwrap(), "PID CMD");
        assert_eq!(heads(&["-eo", "ppid", "-ouid,etime"]).unwrap(), "PPID UID ELAPSED");
        assert!(heads(&["-o"]).is_err() && heads(&["-o", "frob"]).is_err());
        assert!(heads(&["aux"]).unwrap_err().contains("aux"));
    }
}
