//! Hooks of a configuration: programs of the host that are run at points of a container's life, with its state on standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use oci_spec::runtime::{Hook, Spec};
use std::os::unix::process::{CommandExt, ExitStatusExt};

use crate::error::{Error, Trying};

/// When hooks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The container stands and its program was not started: `prestart` and then `createRuntime`, as runc runs them.
    CreateRuntime,
    /// As above, after those.
    CreateContainer,
    /// The program runs.
    Poststart,
    /// The container is deleted.
    Poststop,
}

impl Moment {
    /// Each with its place in the configuration.
    fn hooks(self, spec: &Spec) -> Vec<(String, Hook)> {
        let Some(hooks) = spec.hooks() else { return Vec::new() };
        let kinds: Vec<(&str, Option<Vec<Hook>>)> = match self {
            Self::CreateRuntime => {
                let prestart = hooks.prestart().clone();
                vec![("prestart", prestart), ("createRuntime", hooks.create_runtime().clone())]
            }
            Self::CreateContainer => vec![("createContainer", hooks.create_container().clone())],
            Self::Poststart => vec![("poststart", hooks.poststart().clone())],
            Self::Poststop => vec![("poststop", hooks.poststop().clone())],
        };
        let of_kind = |(kind, hooks): (&'static str, Option<Vec<Hook>>)| {
            let numbered = hooks.unwrap_or_default().into_iter().enumerate();
            numbered.map(move |(index, hook)| (format!("hooks.{kind}[{index}]"), hook))
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }
}

/// Runs the hooks of a moment, one after the other, up to the first that fails. `state` is the container's state as JSON.
pub(crate) fn run(spec: &Spec, moment: Moment, bundle: &Path, state: &[u8]) -> Result<(), Error> {
    for (place, hook) in moment.hooks(spec) {
        one(&hook, bundle, state)
            .map_err(|problem| Error::Message(format!("{place}: {}: {problem}", hook.path().display())))?;
    }
    Ok(())
}

/// Runs the hooks that are run after a container whatever they do: a failure is told and hinders nothing.
pub(crate) fn run_all(spec: &Spec, moment: Moment, bundle: &Path, state: &[u8]) {
    for (place, hook) in moment.hooks(spec) {
        if let Err(problem) = one(&hook, bundle, state) {
            tracing::warn!("{place}: {}: {problem}", hook.path().display());
        }
    }
}

fn one(hook: &Hook, bundle: &Path, state: &[u8]) -> Result<(), String> {
    if !hook.path().is_absolute() {
        return Err("is not an absolute path".to_owned());
    }
    let mut command = Command::new(hook.path());
    let arguments = hook.args().clone().unwrap_or_default();
    if let Some((name, rest)) = arguments.split_first() {
        command.arg0(name).args(rest);
    }
    command.env_clear().current_dir(bundle);
    for entry in hook.env().iter().flatten() {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        command.env(name, value);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| crate::error::errno(&error).to_string())?;
    give(&mut child, state);
    let said = listen(&mut child);
    let timeout =
        hook.timeout().and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let status = wait(&mut child, timeout.map(Duration::from_secs)).map_err(|error| error.to_string())?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let said = said.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
            let said = crate::error::printable(String::from_utf8_lossy(&said).trim());
            Err(format!("{}{}{said}", in_words(status), if said.is_empty() { "" } else { ": " }))
        }
        None => Err(format!("did not end within {} seconds", timeout.unwrap_or(0))),
    }
}

/// A hook need not read its input, nor may it keep us from going on.
fn give(child: &mut Child, state: &[u8]) {
    if let Some(mut stdin) = child.stdin.take() {
        let state = state.to_vec();
        std::thread::spawn(move || {
            let _ = stdin.write_all(&state);
        });
    }
}

/// What it writes to standard error, up to a bound.
fn listen(child: &mut Child) -> std::sync::mpsc::Receiver<Vec<u8>> {
    use std::io::Read;
    const LONGEST: u64 = 4096;
    let (sender, receiver) = std::sync::mpsc::channel();
    if let Some(mut stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = stderr.by_ref().take(LONGEST).read_to_end(&mut said);
            let _ = sender.send(said);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        });
    }
    receiver
}

/// Waits for its end. At the limit it is killed, with all that it has started in its process group.
fn wait(child: &mut Child, limit: Option<Duration>) -> Result<Option<ExitStatus>, Error> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    loop {
        if let Some(status) = child.try_wait().trying("wait for a hook")? {
            return Ok(Some(status));
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            let group = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            child.wait().trying("wait for a hook")?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (_, Some(signal)) => format!("was killed by signal {signal}"),
        _ => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(kind: &str, script: &str, timeout: u32) -> Spec {
        let hook = serde_json::json!({
            "path": "/bin/sh", "args": ["hook", "-c", script], "env": ["WHO=me", "PATH=/usr/bin:/bin"], "timeout": timeout,
        });
        serde_json::from_value(serde_json::json!({"ociVersion": "1.0.0", "hooks": {kind: [hook]}})).unwrap()
    }

    #[test]
    fn a_hook_gets_state_arguments_environment_and_place() {
        let place = tempfile::tempdir().unwrap();
        let script = "{ cat; echo; echo $0 $WHO; } > out";
        run(&spec("prestart", script, 10), Moment::CreateRuntime, place.path(), b"{\"id\":1}").unwrap();
        assert_eq!(std::fs::read_to_string(place.path().join("out")).unwrap(), "{\"id\":1}\nhook me\n");
        run(&spec("poststart", "exit 1", 10), Moment::CreateRuntime, place.path(), b"").unwrap();
    }

    #[test]
    fn a_failure_is_told_with_what_the_hook_said() {
        let fails = |script, timeout| {
            run(&spec("poststart", script, timeout), Moment::Poststart, Path::new("/"), b"")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            fails("echo no >&2; exit 3", 10),
            "hooks.poststart[0]: /bin/sh: ended with exit code 3: no"
        );
        assert_eq!(fails("kill -9 $$", 10), "hooks.poststart[0]: /bin/sh: was killed by signal 9");
        assert_eq!(fails("sleep 100", 1), "hooks.poststart[0]: /bin/sh: did not end within 1 seconds");
    }
}
