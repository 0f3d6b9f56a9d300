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
    let sets = process.get_mut("capabilities").and_then(Value::as_object_mut);
    let mut unknown: Vec<String> = sets.map(drop_unknown).unwrap_or_default();
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        tracing::warn!("process.capabilities: not known, and left out: {}", unknown.join(", "));
    }
    without_user || !unknown.is_empty()
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
}
