//! How the binary is linked.

fn main() {
    // Relative relocations as a bitmap: half a megabyte less to read at each start.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    println!("cargo:rerun-if-changed=build.rs");
}
