//! Programs that draw on a whole screen, in a container with a terminal of its own: keys are pressed, and the screen is looked at.

use anyhow::{Result, ensure};

use super::own_terminal::sandbox;
use super::terminal::{Terminal, line};
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::tools::succeed;

const SHELL: &[&str] = &["env", "PS1=inside> ", "TERM=screen", "bash", "--norc", "--noprofile", "-i"];

/// A shell of the container on a screen of 200 columns and 50 lines.
fn inside(place: &Place, name: &str) -> Result<(Terminal, Sandbox)> {
    let sandbox = sandbox(place, name, SHELL)?;
    let terminal = Terminal::start(place, &format!("{name}-terminal"))?;
    terminal.type_line(&line(&sandbox))?;
    terminal.expect("inside>")?;
    Ok((terminal, sandbox))
}

/// Ends the shell, whose prompt is there again.
fn leave(terminal: &Terminal) -> Result<()> {
    terminal.type_line("clear; exit 7")?;
    terminal.expect("exit\noutside$")?;
    terminal.type_line("echo outer=$?")?;
    terminal.expect("outer=7")
}

/// An editor: text is typed, moved about in, and saved; the window is made smaller under it.
pub(super) fn vim(place: &Place) -> Result<()> {
    let (terminal, _sandbox) = inside(place, "vim")?;
    terminal.type_line("seq 100 > lines; vim.tiny lines")?;
    terminal.expect("\"lines\" 100L")?;
    terminal.press(&["G"])?;
    terminal.expect("\n100\n")?;
    terminal.press(&["o"])?;
    terminal.press(&["-l", "typed in vim"])?;
    terminal.press(&["Escape"])?;
    terminal.expect("\n100\ntyped in vim\n")?;
    succeed(terminal.tmux().args(["resize-window", "-x", "60", "-y", "12"]))?;
    terminal.press(&["C-l"])?;
    terminal.until(|screen| screen.lines().count() <= 12 && screen.contains("typed in vim"))?;
    terminal.press(&["-l", ":%s/^9.$/nine/|1"])?;
    terminal.press(&["Enter"])?;
    terminal.expect("1\n2\n3")?;
    terminal.press(&["-l", ":wq"])?;
    terminal.press(&["Enter"])?;
    terminal.expect("inside>")?;
    terminal.type_line("clear; tail -n 3 lines; grep -c nine lines")?;
    terminal.expect("nine\n100\ntyped in vim\n10\n")?;
    leave(&terminal)
}

/// A pager: to the end, a search, and back.
pub(super) fn less(place: &Place) -> Result<()> {
    let (terminal, _sandbox) = inside(place, "less")?;
    terminal.type_line("seq -f 'line %g' 1000 | less")?;
    terminal.until(|screen| screen.starts_with("line 1\nline 2\n") && screen.trim_end().ends_with("\n:"))?;
    terminal.press(&["Space"])?;
    terminal.until(|screen| screen.starts_with("line 50\n"))?;
    terminal.press(&["G"])?;
    terminal.expect("line 1000\n(END)")?;
    terminal.press(&["-l", "?line 500"])?;
    terminal.press(&["Enter"])?;
    terminal.until(|screen| screen.starts_with("line 500\n"))?;
    terminal.press(&["q"])?;
    terminal.expect("inside>")?;
    leave(&terminal)
}

/// The list of processes, as it changes, and a process killed from it.
pub(super) fn top(place: &Place) -> Result<()> {
    let (terminal, _sandbox) = inside(place, "top")?;
    terminal.type_line("sleep 1000 & clear; top -d 1")?;
    terminal.until(|screen| {
        let has = |words: &[&str]| screen.lines().any(|line| words.iter().all(|word| line.contains(word)));
        has(&["Tasks:", "3 total"]) && has(&["MiB Mem"]) && has(&["root", "bash"]) && has(&["root", "sleep"])
    })?;
    terminal.press(&["k"])?;
    terminal.expect("PID to signal/kill")?;
    terminal.type_line("2")?;
    terminal.expect("Send pid 2 signal")?;
    terminal.press(&["9"])?;
    terminal.press(&["Enter"])?;
    terminal.until(|screen| screen.contains("2 total") && !screen.contains(" sleep\n"))?;
    terminal.press(&["q"])?;
    terminal.expect("inside>")?;
    leave(&terminal)
}

/// A multiplexer in the container: two panes, a detached session, and back to it.
pub(super) fn tmux(place: &Place) -> Result<()> {
    let (terminal, _sandbox) = inside(place, "tmux")?;
    terminal
        .type_line("tmux -f /dev/null new-session -s within \"env PS1='pane> ' bash --norc --noprofile\"")?;
    terminal.until(|screen| screen.starts_with("pane>") && screen.contains("[within]"))?;
    terminal.type_line("echo first-$((40 + 2))")?;
    terminal.expect("first-42")?;
    terminal.press(&["C-b", "\""])?;
    terminal
        .until(|screen| screen.contains("first-42") && screen.lines().any(|line| line.starts_with("────")))?;
    terminal.type_line("stty size")?;
    terminal.expect("24 200")?;
    succeed(terminal.tmux().args(["resize-window", "-x", "100", "-y", "30"]))?;
    terminal.until(|screen| screen.lines().count() <= 30 && screen.contains("[within]"))?;
    terminal.press(&["C-b", "d"])?;
    terminal.expect("[detached (from session within)]")?;
    terminal.type_line("clear; tmux list-panes -t within | wc -l")?;
    terminal.until(|screen| screen.starts_with("2\n"))?;
    terminal.type_line("tmux attach -t within")?;
    terminal.expect("first-42")?;
    terminal.press(&["C-b", ":"])?;
    terminal.type_line("kill-server")?;
    terminal.expect("[server exited]")?;
    let left = "clear; ls /proc/[0-9]*/exe -l 2>/dev/null | grep -c tmux";
    terminal.type_line(left)?;
    terminal.until(|screen| screen.starts_with("0\n"))?;
    leave(&terminal)?;
    ensure!(!terminal.screen()?.contains("[within]"));
    Ok(())
}
