//! Pods of Podman: an infra container, which is the sandbox, and the containers that share it.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::lifecycle::within;
use super::podman::{IMAGE, LIMIT, Podman};
use crate::place::Place;
use crate::run::{Outcome, run};

/// What keeps a pod's sandbox: an image whose program does nothing, and ends when it is told to.
const PAUSE: &str = "localhost/pause";
const PAUSES: &str = r#"ENTRYPOINT ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]"#;

/// Has an engine take this image for its pods.
fn with_pods(podman: &Podman) -> Result<()> {
    let archive = podman.store.join("image.tar").display().to_string();
    podman.says(&["import", "--quiet", "--change", PAUSES, &archive, PAUSE])?;
    Ok(fs::write(podman.store.join("containers.conf"), format!("[engine]\ninfra_image = \"{PAUSE}\"\n"))?)
}

fn pods(podman: &Podman, arguments: &[&str]) -> Result<Outcome> {
    let configuration = podman.store.join("containers.conf");
    run(podman.command().env("CONTAINERS_CONF", configuration).args(arguments), b"", LIMIT)
}

fn says(podman: &Podman, arguments: &[&str]) -> Result<String> {
    let outcome = pods(podman, arguments)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {}", outcome.shown());
    Ok(String::from_utf8(outcome.stdout)?)
}

/// A pod through its life.
pub(super) fn life(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-pod")?;
    with_pods(&podman)?;
    let says = |arguments: &[&str]| says(&podman, arguments);
    let state = "{{.State.Status}}";
    let states =
        || Ok::<_, anyhow::Error>(says(&["inspect", "--format", state, "one", "two"])?.replace('\n', " "));
    says(&["pod", "create", "--name", "p", "--network=none", "--hostname", "podded"])?;
    let waits = "trap 'echo got term; exit 3' TERM; echo up; while :; do sleep 0.05; done";
    for name in ["one", "two"] {
        says(&["run", "--detach", "--pod", "p", "--name", name, IMAGE, "sh", "-c", waits])?;
        within(LIMIT, || Ok(says(&["logs", name])? == "up\n")).context(name)?;
    }
    ensure!(states()? == "running running ", "{}", states()?);

    // Host name and network are shared, files are not.
    ensure!(says(&["exec", "one", "hostname"])? == "podded\n");
    says(&["exec", "one", "touch", "/tmp/of-one"])?;
    ensure!(says(&["exec", "two", "ls", "/tmp"])?.is_empty());
    says(&["exec", "--detach", "one", "sh", "-c", "echo over the loopback | nc -l -p 7"])?;
    let heard =
        || Ok(pods(&podman, &["exec", "two", "nc", "127.0.0.1", "7"])?.stdout == b"over the loopback\n");
    within(LIMIT, heard).context("two does not reach one")?;
    let outcome = pods(&podman, &["run", "--rm", "--pod", "p", IMAGE, "sh", "-c", "hostname; exit 5"])?;
    ensure!(outcome.code == Some(5) && outcome.stdout == b"podded\n", "{}", outcome.shown());

    // One is paused and ends without the other.
    says(&["pause", "one"])?;
    ensure!(states()? == "paused running ", "{}", states()?);
    ensure!(says(&["exec", "two", "echo", "goes on"])? == "goes on\n");
    says(&["unpause", "one"])?;
    says(&["pod", "pause", "p"])?;
    ensure!(states()? == "paused paused ", "{}", states()?);
    says(&["pod", "unpause", "p"])?;
    says(&["stop", "--time", "20", "one"])?;
    ensure!(states()? == "exited running ", "{}", states()?);
    ensure!(says(&["logs", "one"])? == "up\ngot term\n");
    ensure!(says(&["wait", "one"])? == "3\n");
    says(&["start", "one"])?;
    ensure!(says(&["exec", "one", "hostname"])? == "podded\n");

    // All of them, and again.
    says(&["pod", "stop", "--time", "20", "p"])?;
    ensure!(states()? == "exited exited ", "{}", states()?);
    says(&["pod", "start", "p"])?;
    ensure!(states()? == "running running ", "{}", states()?);
    says(&["pod", "kill", "p"])?;
    within(LIMIT, || Ok(states()? == "exited exited "))?;
    says(&["pod", "rm", "--force", "p"])?;
    ensure!(says(&["ps", "--all", "--quiet"])?.is_empty());
    Ok(())
}

/// What is played: two containers with limits, environment, a directory of the host and commands.
const KUBE: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: played
spec:
  hostname: stage
  restartPolicy: Never
  containers:
  - name: actor
    image: localhost/small:latest
    imagePullPolicy: Never
    command: [sh, -c, 'hostname; echo $PART; cat /mnt/file; id -u; while :; do sleep 0.1; done']
    env:
    - {name: PART, value: first}
    securityContext: {runAsUser: 5}
    volumeMounts:
    - {name: props, mountPath: /mnt}
    resources: {limits: {memory: 256Mi}}
  - name: extra
    image: localhost/small:latest
    imagePullPolicy: Never
    command: [sh, -c, 'hostname; exit 4']
  volumes:
  - {name: props, hostPath: {path: PROPS, type: Directory}}
";

/// A description that is played, described again by the engine, and what that says played once more.
pub(super) fn kube(place: &Place) -> Result<()> {
    let podman = Podman::new(place, "podman-kube")?;
    with_pods(&podman)?;
    let says = |arguments: &[&str]| says(&podman, arguments);
    let props = podman.store.join("props");
    fs::create_dir(&props)?;
    fs::write(props.join("file"), "from the host\n")?;
    let written = podman.store.join("written.yaml").display().to_string();
    fs::write(&written, KUBE.replace("PROPS", &props.display().to_string()))?;
    let generated = podman.store.join("generated.yaml").display().to_string();
    // The engine puts the pod's name before those of its containers, again and again.
    for (description, prefix) in [(&written, "played"), (&generated, "played-played")] {
        let [actor, extra] = ["actor", "extra"].map(|name| format!("{prefix}-{name}"));
        says(&["play", "kube", "--network=none", description])?;
        let expected = "stage\nfirst\nfrom the host\n5\n";
        within(LIMIT, || Ok(says(&["logs", &actor])? == expected))
            .with_context(|| format!("{:?}", says(&["logs", &actor])))?;
        ensure!(says(&["wait", &extra])? == "4\n");
        ensure!(says(&["logs", &extra])? == "stage\n");
        ensure!(says(&["exec", &actor, "hostname"])? == "stage\n");
        if description == &written {
            says(&["generate", "kube", "--filename", &generated, "played"])?;
        }
        says(&["play", "kube", "--down", description])?;
        ensure!(says(&["ps", "--all", "--quiet"])?.is_empty());
        ensure!(says(&["pod", "ps", "--quiet"])?.is_empty());
    }
    Ok(())
}
