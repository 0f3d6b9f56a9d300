//! What a user may set for the runtime, and what containerd wants to know of it.

messages! {
    /// The options of the runtime, as those of runc's shim.
    RuncOptions = "containerd.runc.v1.Options" {
        6 binary_name: String,
        7 root: String,
    }

    /// Options for a runtime that containerd does not know: a file, or its text.
    FileOptions = "runtimeoptions.v1.Options" {
        1 type_url: String,
        2 config_path: String,
        3 config_body: Vec<u8>,
    }

    /// Who the shim is, for `-info`.
    RuntimeInfo = "containerd.types.RuntimeInfo" {
        1 name: String,
        2 version: Option<RuntimeVersion>,
    }

    /// Which one.
    RuntimeVersion = "containerd.types.RuntimeVersion" {
        1 version: String,
    }
}
