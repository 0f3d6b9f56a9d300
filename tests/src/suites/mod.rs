//! Tests that are more than one program compared with itself.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Completion, Trial};

use crate::failures;
use crate::place::Place;
use crate::skip::Skip;
use crate::times;

mod as_runc;
mod bad_input;
mod big_data;
mod bundles;
mod containerd;
mod control_groups;
mod crashes;
mod cri;
mod debug;
mod ends;
mod exec;
mod exit_codes;
mod host_changes;
mod host_files;
mod host_reach;
mod host_serve;
mod hostile;
mod hot_calls;
mod idle;
mod installed;
mod layer_image;
mod layers;
mod lifecycle;
mod limits;
mod many_files;
mod ninep;
mod output;
mod own_terminal;
mod podman;
mod podman_debian;
mod podman_pods;
mod pods;
mod rootless;
mod roots;
mod runs;
mod screens;
mod seccomp;
mod signals;
mod small_image;
mod support;
mod terminal;

/// A test that is a function.
type Test = fn(&Place) -> Result<()>;

/// All of them, by family and name.
const NAMES: &[(&str, Test)] = &[
    ("as-runc/commands", as_runc::commands),
    ("9p/refused", ninep::refused),
    ("bad-input/no-configuration", bad_input::no_configuration),
    ("bad-input/malformed-configuration", bad_input::malformed_configuration),
    ("bad-input/unknown-mount-type", bad_input::unknown_mount_type),
    ("bad-input/executable-missing", bad_input::executable_missing),
    ("bad-input/executable-without-permission", bad_input::executable_without_permission),
    ("bad-input/executable-of-another-architecture", bad_input::executable_of_another_architecture),
    ("bad-input/root-missing", bad_input::root_missing),
    ("bad-input/root-is-a-file", bad_input::root_is_a_file),
    ("bad-input/working-directory-missing", bad_input::working_directory_missing),
    ("bad-input/id-in-use", bad_input::id_in_use),
    ("bad-input/id-invalid", bad_input::id_invalid),
    ("containerd/run", containerd::run),
    ("containerd/life", containerd::life),
    ("containerd/further-processes", containerd::further_processes),
    ("containerd/terminal", containerd::terminal),
    ("containerd/memory-runs-out", containerd::memory_runs_out),
    ("containerd/pod", containerd::pod),
    ("containerd/kubernetes", cri::as_runc),
    ("containerd/shim-killed", containerd::shim_killed),
    ("containerd/new-containerd", containerd::new_containerd),
    ("control-groups/limits", control_groups::limits),
    ("control-groups/events", control_groups::events),
    ("control-groups/processors", control_groups::processors),
    ("control-groups/seen-and-felt", control_groups::seen_and_felt),
    ("control-groups/removed-after-a-failure", control_groups::removed_after_a_failure),
    ("crashes/databases", crashes::databases),
    ("crashes/databases-directly", crashes::databases_directly),
    ("data/gibibyte", big_data::gibibyte),
    ("data/input-from-a-file", big_data::input_from_a_file),
    ("debug/platform", debug::platform),
    ("ends/casemate-killed", ends::casemate_killed),
    ("ends/init-killed", ends::init_killed),
    ("ends/sentry-killed", ends::sentry_killed),
    ("ends/gofer-killed", ends::gofer_killed),
    ("ends/stub-killed", ends::stub_killed),
    ("exec/options", exec::options),
    ("exec/scheduling", exec::scheduling),
    ("exec/descriptors-and-signals", exec::descriptors_and_signals),
    ("exec/detached", exec::detached),
    ("exec/hundred", exec::hundred),
    ("exit-codes/all", exit_codes::all),
    ("exit-codes/signals", exit_codes::signals),
    ("host-reach/none", host_reach::none),
    ("host-reach/open", host_reach::open),
    ("host-reach/open-directly", host_reach::open_directly),
    ("host-changes/heard", host_changes::heard),
    ("host-changes/heard-directly", host_changes::heard_directly),
    ("host-changes/heard-uncached", host_changes::heard_uncached),
    ("host-serve/create", host_serve::create),
    ("host-serve/all-directly", host_serve::all_directly),
    ("host-serve/alone", host_serve::alone),
    ("host-serve/gofer-killed", host_serve::gofer_killed),
    ("host-files/changes-are-seen", host_files::changes_are_seen),
    ("host-files/all-is-kept", host_files::all_is_kept),
    ("host-files/policies", host_files::policies),
    ("host-files/read-only-mounts", host_files::read_only_mounts),
    ("host-files/offered", host_files::offered),
    ("host-files/mounted-by-a-container", host_files::mounted_by_a_container),
    ("host-files/worked-on-by-a-container", host_files::worked_on_by_a_container),
    ("hostile/forks", hostile::forks),
    ("hostile/fills-its-tmpfs", hostile::fills_its_tmpfs),
    ("hostile/opens-without-end", hostile::opens_without_end),
    ("hostile/eats-memory", hostile::eats_memory),
    ("hostile/hundred-at-once", hostile::hundred_at_once),
    ("idle/ten-sandboxes", idle::ten),
    ("installed/pages-and-completions", installed::pages_and_completions),
    ("installed/for-docker", installed::for_docker),
    ("layers/choices", layers::choices),
    ("layers/limits", layers::limits),
    ("layers/nothing-left", layers::nothing_left),
    ("layers/export", layers::export),
    ("layers/kept", layers::kept),
    ("layers/image", layers::image),
    ("layers/of-an-engine", layer_image::of_an_engine),
    ("lifecycle/from-create-to-delete", lifecycle::from_create_to_delete),
    ("lifecycle/wait-tells-the-end", lifecycle::wait_tells_the_end),
    ("lifecycle/killed-creators", lifecycle::killed_creators),
    ("lifecycle/killed-commands", lifecycle::killed_commands),
    ("lifecycle/deleted-creations", lifecycle::deleted_creations),
    ("lifecycle/killed-parts", lifecycle::killed_parts),
    ("lifecycle/pause-stops-everything", lifecycle::pause_stops_everything),
    ("lifecycle/stopped-from-outside", lifecycle::stopped_from_outside),
    ("lifecycle/hooks", lifecycle::hooks),
    ("as-runc/options", as_runc::options),
    ("as-runc/features", as_runc::features),
    ("as-runc/start-hooks", as_runc::start_hooks),
    ("as-runc/handed-over-sockets", as_runc::handed_over_sockets),
    ("limits/control-groups", limits::control_groups),
    ("limits/control-groups-of-version-1", limits::first_version),
    ("limits/memory-hog-dies-alone", limits::memory_hog_dies_alone),
    ("memory/many-files", many_files::bounded),
    ("memory/many-files-in-memory", many_files::in_memory),
    ("output/append-to-a-shared-file", output::append_to_a_shared_file),
    ("output/offset-of-a-shared-file", output::offset_of_a_shared_file),
    ("output/closed-pipe", output::closed_pipe),
    ("patching/through-windows", hot_calls::of_c_libraries),
    ("patching/through-windows-go", hot_calls::of_go),
    ("pods/limits", pods::limits),
    ("pods/namespaces", pods::namespaces),
    ("pods/usage", pods::usage),
    ("pods/processes", pods::processes),
    ("pods/several-containers", pods::several_containers),
    ("pods/ends", pods::ends),
    ("podman/detach-keys", podman::detach_keys),
    ("podman/options", podman::options),
    ("podman/debian", podman_debian::whole),
    ("podman/by-name", podman::by_name),
    ("podman/life", podman::life),
    ("podman/attach-and-terminal", podman::attach_and_terminal),
    ("podman/health", podman::health),
    ("podman/build", podman::build),
    ("podman/pod", podman_pods::life),
    ("podman/kube", podman_pods::kube),
    ("rootless/mappings", rootless::mappings),
    ("rootless/do", rootless::r#do),
    ("rootless/bundle", rootless::bundle),
    ("roots/read-only", roots::read_only),
    ("roots/writes-reach-the-host", roots::writes_reach_the_host),
    ("roots/idmapped-mounts", roots::idmapped_mounts),
    ("roots/do-leaves-files-alone", roots::do_leaves_files_alone),
    ("roots/do-read-only", roots::do_read_only),
    ("roots/do-passes-its-surroundings", roots::do_passes_its_surroundings),
    ("roots/do-without-root", roots::do_without_root),
    ("runs/two-hundred", runs::two_hundred),
    ("runs/state-of-a-killed-run", runs::state_of_a_killed_run),
    ("seccomp/as-runc", seccomp::as_runc),
    ("seccomp/of-further-processes", seccomp::of_further_processes),
    ("seccomp/refused", seccomp::refused),
    ("signals/forwarded", signals::forwarded),
    ("terminal/interrupt", terminal::interrupt),
    ("terminal/interrupt-in-a-shell", terminal::interrupt_in_a_shell),
    ("terminal/stop-and-continue", terminal::stop_and_continue),
    ("terminal/modes-restored", terminal::modes_restored),
    ("terminal/own", own_terminal::foreground_shell),
    ("terminal/own-modes-restored", own_terminal::modes_restored),
    ("terminal/own-modes-restored-for-the-killed", own_terminal::modes_restored_for_the_killed),
    ("terminal/console-socket", own_terminal::console_socket),
    ("terminal/exec", own_terminal::exec),
    ("terminal/vim", screens::vim),
    ("terminal/less", screens::less),
    ("terminal/top", screens::top),
    ("terminal/tmux", screens::tmux),
];

/// How many tests this module has.
pub const COUNT: usize = NAMES.len() + bundles::COUNT;

/// The tests of this module.
pub fn trials(place: &Arc<Place>) -> impl Iterator<Item = Trial> {
    let functions = NAMES.iter().map(|&(name, test)| {
        let place = Arc::clone(place);
        trial(name, move || test(&place))
    });
    functions.chain(bundles::trials(place))
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let named = name.to_owned();
    Trial::ignorable_test(name, move || match times::taken(&named, test) {
        Ok(()) => Ok(Completion::Completed),
        Err(error) => match error.downcast_ref::<Skip>() {
            Some(Skip(reason)) => Ok(Completion::ignored_with(reason)),
            None => Err(failures::failed(&named, &error)),
        },
    })
}
