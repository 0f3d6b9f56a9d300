//! A container on a terminal: inside tmux, with keys pressed.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use super::support::{LIMIT, send};
use crate::leftovers::Tree;
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::tools::{output, succeed};

/// A line for a shell that runs a program in its foreground, which says `up` when the shell sleeps until that ends: an
/// interrupt before would find a shell that does not yet wait, and which may make nothing of it.
pub(super) fn foreground(up: &str, program: &str) -> String {
    format!("sh -c 'until grep -q \"^State:.S\" /proc/$PPID/status; do :; done; echo {up}; exec {program}'")
}

/// A tmux server of its own with one window, in which a shell waits for commands.
pub(super) struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    pub(super) fn start(place: &Place, name: &str) -> Result<Self> {
        let terminal = Self { socket: place.directory(name)?.join("tmux") };
        let shell = "env PS1='outside$ ' bash --norc --noprofile";
        succeed(terminal.tmux().args([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "200",
            "-y",
            "50",
            shell,
        ]))?;
        terminal.expect("outside$")?;
        Ok(terminal)
    }

    pub(super) fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket);
        tmux
    }

    /// Presses keys; names like `Enter` and `C-c` are keys of their own.
    pub(super) fn press(&self, keys: &[&str]) -> Result<()> {
        succeed(self.tmux().arg("send-keys").args(keys))
    }

    pub(super) fn type_line(&self, line: &str) -> Result<()> {
        self.press(&["-l", line])?;
        self.press(&["Enter"])
    }

    /// Runs a program in the foreground of a shell, and waits until it is there: keys that are pressed now are for it.
    pub(super) fn foreground(&self, program: &str) -> Result<()> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let up = format!("up-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.type_line(&foreground(&up, program))?;
        self.expect(&format!("\n{up}\n"))
    }

    /// Types a line again and again until the screen has this text: what it asks for comes about by and by.
    pub(super) fn ask(&self, line: &str, wanted: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !self.screen()?.contains(wanted) {
            ensure!(
                Instant::now() < deadline,
                "waited for {wanted:?} on this screen:\n{}",
                self.screen()?.trim_end()
            );
            self.type_line(line)?;
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    pub(super) fn screen(&self) -> Result<String> {
        output(self.tmux().args(["capture-pane", "-p"]))
    }

    /// Waits until the screen has this text.
    pub(super) fn expect(&self, wanted: &str) -> Result<()> {
        self.until(|screen| screen.contains(wanted)).with_context(|| format!("waited for {wanted:?}"))
    }

    /// Waits until the screen is as it should be.
    pub(super) fn until(&self, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let screen = self.screen()?;
            if wanted(&screen) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("this screen:\n{}", screen.trim_end());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

/// The line that a user would type.
pub(super) fn line(sandbox: &Sandbox) -> String {
    let command = sandbox.command("terminal");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Ctrl-C ends a program.
pub(super) fn interrupt(place: &Place) -> Result<()> {
    let sandbox =
        Sandbox::new(place, "interrupt", &["sh", "-c", "sh -c 'echo started; sleep 100'; exit $?"])?;
    let terminal = Terminal::start(place, "interrupt-terminal")?;
    terminal.type_line(&format!("{}; echo \"code=$?\"", line(&sandbox)))?;
    terminal.expect("started")?;
    terminal.press(&["C-c"])?;
    terminal.expect("code=130")
}

/// In an interactive shell Ctrl-C ends the program in the foreground and not the shell.
pub(super) fn interrupt_in_a_shell(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "shell", &["bash", "--norc", "--noprofile", "-i"])?;
    let terminal = Terminal::start(place, "shell-terminal")?;
    terminal.type_line(&line(&sandbox))?;
    terminal.type_line("PS1='inside$ '; test -t 0 && echo terminal=$?")?;
    terminal.expect("terminal=0")?;
    terminal.foreground("sleep 100")?;
    terminal.press(&["C-c"])?;
    terminal.type_line("echo code=$?")?;
    terminal.expect("code=130")?;
    terminal.type_line("exit 5")?;
    terminal.type_line("echo outer=$?")?;
    terminal.expect("outer=5")
}

/// Ctrl-Z stops the program in the foreground, and the shell inside has its terminal back; `fg` goes on.
pub(super) fn stop_and_continue(place: &Place) -> Result<()> {
    let sandbox = Sandbox::new(place, "stop", &["bash", "--norc", "--noprofile", "-i"])?;
    let terminal = Terminal::start(place, "stop-terminal")?;
    terminal.type_line(&line(&sandbox))?;
    terminal.expect("bash-5")?;
    terminal.type_line("sh -c 'echo started; read line; echo got $line'")?;
    terminal.expect("\nstarted")?;
    terminal.press(&["C-z"])?;
    terminal.expect("Stopped")?;
    terminal.type_line("echo still $((40 + 2))")?;
    terminal.expect("still 42")?;
    terminal.type_line("fg")?;
    terminal.expect("fg\nsh -c")?;
    terminal.type_line("hello")?;
    terminal.expect("got hello")?;
    terminal.type_line("exit 6")?;
    terminal.type_line("echo outer=$?")?;
    terminal.expect("outer=6")
}

/// A guest that put the terminal into raw mode, and then dies with its sandbox, does not leave it so.
pub(super) fn modes_restored(place: &Place) -> Result<()> {
    let guest = "stty raw -echo; printf 'now raw\\r\\n'; sleep 100";
    let sandbox = Sandbox::new(place, "modes", &["sh", "-c", guest])?;
    // A script: an interactive bash would put the modes back itself.
    let script = place.directory("modes-script")?.join("script");
    let text = format!(
        "before=$(stty -g)\n{}\n[ \"$before\" = \"$(stty -g)\" ] && echo restored || echo lost\n",
        line(&sandbox)
    );
    std::fs::write(&script, text)?;
    let terminal = Terminal::start(place, "modes-terminal")?;
    terminal.type_line(&format!("sh {}", script.display()))?;
    terminal.expect("now raw")?;
    let pane = output(terminal.tmux().args(["display-message", "-p", "#{pane_pid}"]))?;
    let tree = Tree::below(pane.trim().parse()?)?;
    let sentries = tree.named("casemate-sandbox");
    // The end of one may be the end of the next.
    ensure!(
        sentries.into_iter().filter(|sentry| send(*sentry, Signal::KILL).is_ok()).count() > 0,
        "no sentry"
    );
    terminal.expect("restored")
}
