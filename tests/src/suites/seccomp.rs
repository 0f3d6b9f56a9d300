//! `linux.seccomp`: what a filter lets a container's programs do, as runc and libseccomp have it.
#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use std::fs;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::as_runc::Runtime;
use super::support::config;
use crate::place::Place;

/// The profile that engines install.
const ENGINES_PROFILE: &str = "/usr/share/containers/seccomp.json";

/// Calls that profiles may or may not let pass, and what a program finds.
const PROGRAM: &str = r#"
    mkdir /tmp/a; echo "mkdir $?"
    rmdir /tmp/nothing; echo "rmdir $?"
    chmod 700 /tmp; echo "chmod $?"
    uname -s; echo "uname $?"
    unshare --uts true; echo "unshare $?"
    python3 -c 'import os, socket; print(os.getppid() > 0); socket.socket(socket.AF_UNIX)'; echo "python $?"
    python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)'; echo "mmap $?"
    python3 -c 'import os; print(os.getpriority(os.PRIO_PROCESS, 0))' 2>/dev/null; echo "getpriority $?"
    sh -c 'kill -9 $$'; echo "kill $?"
    grep Seccomp: /proc/self/status
"#;

fn profiles() -> Vec<Value> {
    let deny = |rules: Value| json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules});
    let condition = |index: u32, op: &str, value: u64, second: u64| json!({"index": index, "op": op, "value": value, "valueTwo": second});
    let mut all = vec![
        deny(json!([])),
        deny(json!([{"names": ["mkdir", "mkdirat", "unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30}])),
        deny(json!([{"names": ["uname", "no_such_call"], "action": "SCMP_ACT_KILL_PROCESS"}])),
        deny(
            json!([{"names": ["uname"], "action": "SCMP_ACT_TRAP"}, {"names": ["rmdir"], "action": "SCMP_ACT_LOG"}]),
        ),
        deny(json!([{"names": ["mmap", "mprotect"], "action": "SCMP_ACT_ERRNO",
            "args": [condition(2, "SCMP_CMP_EQ", 5, 0), condition(4, "SCMP_CMP_EQ", u64::from(u32::MAX), 0)]}])),
        deny(
            json!([{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [condition(0, "SCMP_CMP_LE", 1, 0)]},
            {"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "args": [condition(0, "SCMP_CMP_MASKED_EQ", 0x0400_0000, 0x0400_0000)]}]),
        ),
        deny(
            json!([{"names": ["getpriority"], "action": "SCMP_ACT_TRACE"}, {"names": ["rmdir"], "action": "SCMP_ACT_KILL"}]),
        ),
    ];
    all.extend(engines());
    all
}

/// The engines' own, for a container without capabilities, as they would write it.
fn engines() -> Option<Value> {
    let profile: Value = serde_json::from_slice(&fs::read(ENGINES_PROFILE).ok()?).ok()?;
    let unconditional = |call: &&Value| {
        let includes = &call["includes"];
        let ours = includes["arches"].as_array().is_none_or(|all| all.contains(&json!("amd64")));
        includes["caps"].is_null() && includes["minKernel"].is_null() && ours
    };
    let translate = |call: &Value| json!({"names": call["names"], "action": call["action"], "errnoRet": call["errnoRet"], "args": call["args"]});
    let calls: Vec<Value> =
        profile["syscalls"].as_array()?.iter().filter(unconditional).map(translate).collect();
    let (action, number) = (&profile["defaultAction"], &profile["defaultErrnoRet"]);
    Some(
        json!({"defaultAction": action, "defaultErrnoRet": number, "architectures": ["SCMP_ARCH_X86_64"], "syscalls": calls}),
    )
}

pub(super) fn as_runc(place: &Place) -> Result<()> {
    for profile in profiles() {
        let mut config = config(place, &["sh", "-c", PROGRAM]);
        config["linux"]["seccomp"] = profile.clone();
        let [oracle, ours] = Runtime::both(place, "seccomp", &config)?;
        let command = ["run", "--bundle", "BUNDLE", "c"];
        let (theirs, own) = (oracle.run(&command)?, ours.run(&command)?);
        ensure!(
            theirs.code == own.code && theirs.stdout == own.stdout,
            "{profile}\n=== runc: {}\n=== casemate: {}",
            theirs.shown(),
            own.shown()
        );
        ensure!(String::from_utf8_lossy(&own.stdout).contains("Seccomp:\t2"), "{}", own.shown());
    }
    Ok(())
}

pub(super) fn of_further_processes(place: &Place) -> Result<()> {
    let mut config = config(place, &["sleep", "1000"]);
    let rules = json!([{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]);
    config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules});
    let runtimes = Runtime::both(place, "seccomp-exec", &config)?;
    for runtime in &runtimes {
        for command in [&["create", "--bundle", "BUNDLE", "c"][..], &["start", "c"]] {
            ensure!(runtime.run(command)?.code == Some(0));
        }
        let outcome =
            runtime.run(&["exec", "c", "sh", "-c", "mkdir /tmp/x; grep Seccomp: /proc/self/status"])?;
        ensure!(outcome.stdout == b"Seccomp:\t2\n", "{}", outcome.shown());
        ensure!(String::from_utf8_lossy(&outcome.stderr).contains("quota"), "{}", outcome.shown());
        runtime.run(&["delete", "--force", "c"])?;
    }
    Ok(())
}

pub(super) fn refused(place: &Place) -> Result<()> {
    let rules = json!([{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]);
    let mut config = config(place, &["true"]);
    config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules});
    let [_, ours] = Runtime::both(place, "seccomp-refused", &config)?;
    let outcome = ours.run(&["run", "--bundle", "BUNDLE", "c"])?;
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
    ensure!(
        outcome.code == Some(1) && said.contains("linux.seccomp.syscalls[0].action"),
        "{}",
        outcome.shown()
    );
    Ok(())
}
