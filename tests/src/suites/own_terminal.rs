//! A container with a terminal of its own (`process.terminal`): carried to the caller's, or sent to a console socket.

use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::Signal;
use rustix::termios::{Winsize, isatty, tcsetwinsize};
use serde_json::{Value, json};

use super::support::{LIMIT, send};
use super::terminal::{Terminal, foreground, line};
use crate::bundle;
use crate::leftovers::Tree;
use crate::place::Place;
use crate::sandbox::Sandbox;
use crate::tools::{output, succeed};

const SHELL: &[&str] = &["env", "PS1=inside> ", "bash", "--norc", "--noprofile", "-i"];

pub(super) fn sandbox(place: &Place, name: &str, args: &[&str]) -> Result<Sandbox> {
    let mut config = bundle::config(&place.root, place, args, true);
    if let Some(process) = config.get_mut("process").and_then(Value::as_object_mut) {
        process.insert("terminal".to_owned(), json!(true));
        process.insert("consoleSize".to_owned(), json!({"height": 30, "width": 90}));
    }
    Sandbox::with_config(place, name, &config)
}

/// A shell on a terminal of the container: its name, /dev/console, keys, the window's size, and the caller's modes after.
pub(super) fn foreground_shell(place: &Place) -> Result<()> {
    let sandbox = sandbox(place, "own", SHELL)?;
    let terminal = Terminal::start(place, "own-terminal")?;
    terminal.type_line(&line(&sandbox))?;
    terminal.expect("inside>")?;
    terminal.type_line("tty; stat -c %t:%T /dev/console; test -t 2 && echo err=$?")?;
    terminal.expect("/dev/pts/0\n88:0\nerr=0")?;
    terminal.type_line("stty size; trap 'stty size' WINCH")?;
    terminal.expect("50 200")?;
    succeed(terminal.tmux().args(["resize-window", "-x", "120", "-y", "40"]))?;
    terminal.ask("", "40 120")?;
    terminal.foreground("sleep 100")?;
    terminal.press(&["C-c"])?;
    terminal.type_line("echo code=$?")?;
    terminal.expect("code=130")?;
    terminal.foreground("cat")?;
    terminal.press(&["C-z"])?;
    terminal.expect("Stopped")?;
    terminal.type_line("fg")?;
    terminal.expect("fg\nsh -c")?;
    terminal.type_line("back")?;
    terminal.expect("back\nback")?;
    terminal.press(&["C-d"])?;
    terminal.type_line("seq 100000 | tail -n 1; exit 6")?;
    terminal.expect("100000\nexit\noutside$")?;
    terminal.type_line("echo outer=$?; stty -a | grep -o -w icanon")?;
    terminal.expect("outer=6\nicanon")
}

/// However a sandbox ends, the caller's terminal has the modes that it had.
pub(super) fn modes_restored(place: &Place) -> Result<()> {
    let sandbox = sandbox(place, "own-modes", &["sh", "-c", "echo now; sleep 100"])?;
    let script = place.directory("own-modes-script")?.join("script");
    let text = format!(
        "before=$(stty -g)\n{}\n[ \"$before\" = \"$(stty -g)\" ] && echo restored || echo lost\n",
        line(&sandbox)
    );
    std::fs::write(&script, text)?;
    let terminal = Terminal::start(place, "own-modes-terminal")?;
    terminal.type_line(&format!("sh {}", script.display()))?;
    terminal.expect("\nnow")?;
    let pane = output(terminal.tmux().args(["display-message", "-p", "#{pane_pid}"]))?;
    let sentries = Tree::below(pane.trim().parse()?)?.named("casemate-sandbox");
    // The end of one may be the end of the next.
    ensure!(
        sentries.into_iter().filter(|sentry| send(*sentry, Signal::KILL).is_ok()).count() > 0,
        "no sentry"
    );
    terminal.expect("restored")
}

/// Also when the runtime itself is killed, of a container and of a further process: somebody of the sandbox puts them back.
pub(super) fn modes_restored_for_the_killed(place: &Place) -> Result<()> {
    let sandbox = sandbox(place, "own-killed", &["sh", "-c", "echo now; sleep 1000"])?;
    let (path, bundle) =
        (place.directory("own-killed-socket")?.join("socket"), sandbox.bundle.display().to_string());
    let socket = path.display().to_string();
    let run = ["run", "--detach", "--console-socket", &socket, "--bundle", &bundle, "held"];
    let _master = Master::of(&path, &mut command(&sandbox, place, &run))?;
    let exec = command(&sandbox, place, &["exec", "--tty", "held", "sh", "-c", "'echo now; sleep 1000'"]);
    let words = std::iter::once(exec.get_program()).chain(exec.get_args());
    let exec = words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    for (name, line) in [("run", line(&sandbox)), ("exec", exec)] {
        let script = place.directory(&format!("own-killed-{name}"))?.join("script");
        // It takes a moment: nobody waits for it.
        let text = format!(
            "before=$(stty -g)\n{line}\nfor try in $(seq 600); do [ \"$before\" = \"$(stty -g)\" ] && break; sleep 0.1; done\n\
             [ $try = 600 ] && echo lost || echo restored\n",
        );
        std::fs::write(&script, text)?;
        let terminal = Terminal::start(place, &format!("own-killed-{name}-terminal"))?;
        terminal.type_line(&format!("sh {}", script.display()))?;
        terminal.expect("\nnow")?;
        let pane = output(terminal.tmux().args(["display-message", "-p", "#{pane_pid} #{pane_tty}"]))?;
        let (shell, tty) = pane.trim().split_once(' ').context("no pane")?;
        let modes = output(Command::new("stty").args(["-F", tty, "-a"]))?;
        ensure!(modes.contains("-icanon"), "{name}: it is not raw: {modes}");
        let tree = Tree::below(shell.parse()?)?;
        let runtime = tree.named(&place.casemate.display().to_string()).first().copied();
        send(runtime.context("no runtime")?, Signal::KILL)?;
        terminal.expect("restored").context(name)?;
    }
    succeed(&mut command(&sandbox, place, &["delete", "--force", "held"]))
}

/// The master of a terminal that came over a socket.
struct Master {
    file: File,
    seen: String,
}

impl Master {
    /// Runs a command that sends one.
    fn of(socket: &Path, command: &mut Command) -> Result<Self> {
        let listener = UnixListener::bind(socket)?;
        succeed(command)?;
        let (stream, _) = listener.accept()?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut name = [0; 4096];
        let mut pieces = [IoSliceMut::new(&mut name)];
        let length = recvmsg(&stream, &mut pieces, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
        let fds: Vec<OwnedFd> = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                _ => None,
            })
            .flatten()
            .collect();
        let master = fds.into_iter().next().context("no descriptor came")?;
        ensure!(isatty(&master), "what came is no terminal");
        ensure!(length > 0, "no name came");
        Ok(Self { file: File::from(master), seen: String::new() })
    }

    fn type_line(&mut self, line: &str) -> Result<()> {
        Ok(self.file.write_all(format!("{line}\r").as_bytes())?)
    }

    /// Waits until this was shown.
    fn expect(&mut self, wanted: &str) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !self.seen.contains(wanted) {
            let second = Timespec { tv_sec: 1, tv_nsec: 0 };
            let ready = poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&second))?;
            let mut buffer = [0; 4096];
            let count = if ready > 0 { self.file.read(&mut buffer).unwrap_or(0) } else { 0 };
            self.seen.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()));
            if (ready > 0 && count == 0) || Instant::now() > deadline {
                bail!("waited for {wanted:?} in {:?}", self.seen);
            }
        }
        self.seen.clear();
        Ok(())
    }
}

fn command(sandbox: &Sandbox, place: &Place, words: &[&str]) -> Command {
    let mut command = Command::new(&place.casemate);
    command.arg("--root").arg(&sandbox.state).args(words);
    command
}

/// A container in the background: whoever has the master types, sees, resizes and hangs up.
pub(super) fn console_socket(place: &Place) -> Result<()> {
    let sandbox = sandbox(place, "socket", SHELL)?;
    let socket = place.directory("console")?.join("socket");
    let path = socket.to_string_lossy().into_owned();
    let bundle = sandbox.bundle.to_string_lossy().into_owned();
    let run = ["run", "--detach", "--console-socket", &path, "--bundle", &bundle, "held"];
    let mut master = Master::of(&socket, &mut command(&sandbox, place, &run))?;
    master.expect("inside> ")?;
    master.type_line("tty; stty size; [ -t 0 ] && echo terminal-$?")?;
    master.expect("/dev/pts/0\r\n30 90\r\nterminal-0")?;
    let size = Winsize { ws_row: 41, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 };
    // The program is told at once. A shell of its own has the trap: bash runs one in the middle of what it parses.
    master.type_line("sh -c 'trap \"stty size; exit\" WINCH; echo trapped; while :; do sleep 0.05; done'")?;
    master.expect("\r\ntrapped")?;
    tcsetwinsize(&master.file, size)?;
    master.expect("41 99")?;
    master.type_line(&foreground("up", "sleep 100"))?;
    master.expect("\r\nup\r\n")?;
    master.file.write_all(b"\x03")?;
    master.type_line("echo code-$?")?;
    master.expect("code-130")?;
    drop(master);
    let deadline = Instant::now() + LIMIT;
    // While it ends, it may not answer.
    let state = || command(&sandbox, place, &["state", "held"]).output();
    while !String::from_utf8_lossy(&state()?.stdout).contains("stopped") {
        ensure!(Instant::now() < deadline, "the shell outlives its terminal");
        std::thread::sleep(Duration::from_millis(100));
    }
    succeed(&mut command(&sandbox, place, &["delete", "held"]))
}

/// More programs in a container, each with a terminal of its own.
pub(super) fn exec(place: &Place) -> Result<()> {
    let config = bundle::config(&place.root, place, &["sleep", "100"], true);
    let sandbox = Sandbox::with_config(place, "exec-terminal", &config)?;
    let bundle = sandbox.bundle.to_string_lossy().into_owned();
    succeed(&mut command(&sandbox, place, &["run", "--detach", "--bundle", &bundle, "more"]))?;
    let socket = place.directory("exec-console")?.join("socket");
    let path = socket.to_string_lossy().into_owned();
    let exec = [
        "exec",
        "--detach",
        "--tty",
        "--console-socket",
        &path,
        "more",
        "sh",
        "-c",
        "tty; read x; echo got $x; while [ \"$(stty size)\" != '33 77' ]; do sleep 0.05; done; echo sized",
    ];
    let mut master = Master::of(&socket, &mut command(&sandbox, place, &exec))?;
    master.expect("/dev/pts/0")?;
    tcsetwinsize(&master.file, Winsize { ws_row: 33, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0 })?;
    master.type_line("it")?;
    master.expect("got it\r\nsized")?;
    let terminal = Terminal::start(place, "exec-tmux")?;
    let own = command(&sandbox, place, &["exec", "--tty", "more", "sh", "-c", "'tty; stty size; exit 4'"]);
    let words = std::iter::once(own.get_program()).chain(own.get_args());
    let typed = words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    terminal.type_line(&format!("{typed}; echo outer=$?"))?;
    terminal.expect("50 200\nouter=4")?;
    succeed(&mut command(&sandbox, place, &["delete", "--force", "more"]))
}
