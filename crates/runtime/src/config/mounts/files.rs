//! Mounts of files that are the host's: bind mounts, overlays, and what other file servers offer.

use std::path::{Component, PathBuf};

use oci_spec::runtime::Mount;
use sentry::spec::{FileAccess, MountKind};

use super::options::Options;
use super::{Place, Sources};
use crate::config::{Export, id_mappings};

pub(super) fn bind(
    mount: &Mount,
    options: &Options<'_>,
    place: Place<'_>,
    sources: &mut Sources<'_>,
) -> Result<MountKind, String> {
    let ids = id_mappings::of_mount(mount, options.idmapped, place.ids)?;
    let source = source(mount, place)?;
    let path = source.canonicalize().map_err(|error| {
        format!(".source: cannot open {}: {}", source.display(), crate::error::errno(&error))
    })?;
    let (read_only, recursive) = (options.flags.read_only, options.recursive);
    export(Export { path, overlay: None, read_only, recursive, ids }, options.access()?, sources)
}

/// The host lays it, and its gofer serves what comes of that: layers that engines have made hold marks that only the host reads.
pub(super) fn overlay(
    destination: &str,
    options: &Options<'_>,
    place: Place<'_>,
    sources: &mut Sources<'_>,
) -> Result<MountKind, String> {
    let mut data = Vec::new();
    for (name, value) in &options.data {
        data.push(match *name {
            "cache" => continue,
            // A list with escaped characters is left to the host as it is.
            "lowerdir" if value.contains('\\') => format!("{name}={value}"),
            "lowerdir" => {
                let layers: Result<Vec<_>, _> = value.split(':').map(|one| layer(name, one, place)).collect();
                format!("{name}={}", layers?.join(":"))
            }
            "upperdir" | "workdir" => format!("{name}={}", layer(name, value, place)?),
            _ if value.is_empty() => (*name).to_owned(),
            _ => format!("{name}={value}"),
        });
    }
    if !data.iter().any(|word| word.starts_with("lowerdir")) {
        return Err(".options: an overlay needs lowerdir=DIR[:DIR...]".to_owned());
    }
    let overlay = Some(data.join(","));
    let (path, read_only, ids) = (destination.into(), options.flags.read_only, place.ids.clone());
    export(Export { path, overlay, read_only, recursive: false, ids }, options.access()?, sources)
}

/// A directory that has to be there. A relative one is the bundle's; an empty one marks a place in the list.
fn layer(name: &str, path: &str, place: Place<'_>) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let path = place.bundle.join(path);
    match path.metadata() {
        Ok(_) => Ok(path.display().to_string()),
        Err(error) => {
            let errno = crate::error::errno(&error);
            Err(format!(".options: {name}: cannot open {}: {errno}", path.display()))
        }
    }
}

/// A server of 9P2000.L behind a socket of the host, with the options of Linux's v9fs.
pub(super) fn server(
    mount: &Mount,
    index: usize,
    options: &Options<'_>,
    place: Place<'_>,
    sources: &mut Sources<'_>,
) -> Result<MountKind, String> {
    let given = options.data.iter().rev().find(|(name, _)| *name == "trans").map(|(_, value)| *value);
    match given.unwrap_or("tcp") {
        "unix" => {}
        other => return Err(format!(".options: trans={other} is not supported: trans=unix is")),
    }
    sources.servers.push((index, source(mount, place)?));
    let option = |(name, value): &(&str, &str)| {
        ((*name).to_owned(), Some((*value).to_owned()).filter(|value| !value.is_empty()))
    };
    // Its number is known when all exports are.
    Ok(MountKind::Ninep { connection: usize::MAX, options: options.data.iter().map(option).collect() })
}

fn source(mount: &Mount, place: Place<'_>) -> Result<PathBuf, String> {
    let source = mount.source().as_ref().ok_or(".source: is missing")?;
    Ok(place.bundle.join(source).components().filter(|part| *part != Component::CurDir).collect())
}

fn export(
    export: Export,
    access: Option<FileAccess>,
    sources: &mut Sources<'_>,
) -> Result<MountKind, String> {
    let connection = sources.exports.len();
    sources.exports.push(export);
    Ok(MountKind::Gofer { connection, overlay: None, access })
}
