//! What runc takes although the specification wants it otherwise, and engines rely on: brought into the form that the types know.

use serde_json::{Value, json};

use super::capabilities;

/// Mends a configuration. Whether anything had to be.
pub(super) fn mend(configuration: &mut Value) -> bool {
    let Some(process) = configuration.get_mut("process").and_then(Value::as_object_mut) else { return false };
    let without_user = process.get("user").is_none_or(Value::is_null);
    if without_user {
        process.insert("user".to_owned(), json!({}));
    }
    let flags = spell_flags(process);
    let sets = process.get_mut("capabilities").and_then(Value::as_object_mut);
    let mut unknown: Vec<String> = sets.map(drop_unknown).unwrap_or_default();
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        tracing::warn!("process.capabilities: not known, and left out: {}", unknown.join(", "));
    }
    without_user || flags || !unknown.is_empty()
}

/// Flags of `process.scheduler` that the types spell otherwise than the specification.
const FLAGS: &[(&str, &str)] = &[
    ("SCHED_FLAG_RESET_ON_FORK", "SCHED_RESET_ON_FORK"),
    ("SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_D_L_OVERRUN"),
];

/// Has the flags of a process's scheduler spelled as the types do. Whether there was one.
pub(crate) fn spell_flags(process: &mut serde_json::Map<String, Value>) -> bool {
    let flags = process.get_mut("scheduler").and_then(|scheduler| scheduler.get_mut("flags"));
    let mut spelled = false;
    for flag in flags.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some((_, other)) = FLAGS.iter().find(|(name, _)| flag.as_str() == Some(name)) {
            *flag = json!(other);
            spelled = true;
        }
    }
    spelled
}

/// Takes out names of capabilities that a newer kernel may have, and returns them.
fn drop_unknown(sets: &mut serde_json::Map<String, Value>) -> Vec<String> {
    let known = capabilities::names();
    let mut unknown = Vec::new();
    for names in sets.values_mut().filter_map(Value::as_array_mut) {
        names.retain(|name| {
            let keep = !name.is_string() || known.contains(name);
            if !keep {
                unknown.extend(name.as_str().map(str::to_owned));
            }
            keep
        });
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_root_and_unknown_capabilities_are_none() {
        let mut configuration = json!({"process": {"capabilities": {"bounding": ["CAP_FROB", "CAP_KILL", "cap_chown"], "effective": ["CAP_FROB"]}}});
        assert!(mend(&mut configuration));
        let mended =
            json!({"process": {"user": {}, "capabilities": {"bounding": ["CAP_KILL"], "effective": []}}});
        assert_eq!(configuration, mended);
        assert!(!mend(&mut configuration));
    }

    #[test]
    fn flags_of_the_specification_are_understood() {
        let flags = r#"["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_RECLAIM"]"#;
        let json = format!(
            r#"{{"process": {{"user": {{}}, "scheduler": {{"policy": "SCHED_OTHER", "flags": {flags}}}}}}}"#
        );
        let mut configuration: Value = serde_json::from_str(&json).unwrap();
        assert!(mend(&mut configuration));
        let read: Result<oci_spec::runtime::Scheduler, _> =
            serde_json::from_value(configuration["process"]["scheduler"].clone());
        assert_eq!(read.unwrap().flags().as_ref().map(Vec::len), Some(3));
    }
}
