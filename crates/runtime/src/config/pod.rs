//! Whether a container belongs into the sandbox of another, as engines of Kubernetes say it.

use oci_spec::runtime::Spec;

/// Who says it, with which annotations: the kind of the container, and the id of the sandbox.
const ANNOTATIONS: [(&str, &str); 2] = [
    ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"),
    ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"),
];

/// The container whose sandbox it belongs into. Nothing for one that gets its own.
pub(crate) fn sandbox_of(spec: &Spec) -> Result<Option<String>, String> {
    let said = |name: &str| spec.annotations().as_ref().and_then(|all| all.get(name)).map(String::as_str);
    for (kind, id) in ANNOTATIONS {
        match said(kind) {
            None => {}
            Some("sandbox") => return Ok(None),
            Some("container") => {
                let found = said(id).filter(|id| !id.is_empty()).map(str::to_owned);
                return found.map(Some).ok_or_else(|| format!("annotations.{id}: is missing"));
            }
            Some(other) => {
                return Err(format!("annotations.{kind}: is {other:?}, and can be sandbox or container"));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(annotations: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut spec = Spec::default();
        let all = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        spec.set_annotations(Some(all.collect()));
        sandbox_of(&spec)
    }

    #[test]
    fn both_engines_are_understood() {
        for (kind, id) in ANNOTATIONS {
            assert_eq!(of(&[(kind, "sandbox"), (id, "s")]), Ok(None));
            assert_eq!(of(&[(kind, "container"), (id, "s")]), Ok(Some("s".to_owned())));
            assert!(of(&[(kind, "container")]).unwrap_err().contains(id));
            assert!(of(&[(kind, "other")]).unwrap_err().contains("other"));
        }
        assert_eq!(of(&[("something", "else")]), Ok(None));
    }
}
