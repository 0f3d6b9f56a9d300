use std::sync::Arc;

use abi::Errno;

use super::*;
use crate::{Capability, CapabilitySet};

fn user(uid: u32) -> Credentials {
    Credentials::new(uid, uid, CapabilitySet::EMPTY)
}

/// As unshare(2) leaves a user.
fn alone(maker: &Credentials) -> Credentials {
    maker.clone().in_new_namespace(UserNamespace::below(maker).unwrap())
}

fn write(by: &Credentials, kind: IdKind, text: &str) -> Result<(), Errno> {
    by.user.write_map(kind, Opener { file: by, caller: by }, text.as_bytes())
}

#[test]
fn a_user_maps_itself_and_nobody_else() {
    let own = alone(&user(1000));
    assert_eq!(own.user.shown_uid(1000), OVERFLOW_ID);
    assert_eq!(write(&own, IdKind::User, "0 1001 1"), Err(Errno::EPERM));
    assert_eq!(write(&own, IdKind::User, "0 1000 2"), Err(Errno::EPERM));
    assert_eq!(write(&own, IdKind::User, "0 1000 1\n"), Ok(()));
    assert_eq!(write(&own, IdKind::User, "0 1000 1"), Err(Errno::EPERM));
    assert_eq!((own.user.shown_uid(1000), own.user.shown_uid(0)), (0, OVERFLOW_ID));
    assert_eq!(own.user.uid(0), Some(1000));
}

#[test]
fn groups_are_mapped_once_setgroups_is_denied() {
    let own = alone(&user(1000));
    assert_eq!(write(&own, IdKind::Group, "0 1000 1"), Err(Errno::EPERM));
    assert_eq!(own.user.write_setgroups(b"deny\n"), Ok(()));
    assert_eq!(own.user.write_setgroups(b"allow"), Err(Errno::EPERM));
    assert_eq!(write(&own, IdKind::Group, "0 1000 1"), Ok(()));
    assert!(!own.user.may_set_groups());
    assert_eq!(write(&own, IdKind::User, "0 1000 1"), Ok(()));
    let below = alone(&own);
    assert!(!below.user.setgroups());
}

#[test]
fn the_maker_is_not_privileged_outside() {
    let own = alone(&user(1000));
    assert!(own.has_in(Capability::SysAdmin, &own.user));
    assert!(!own.has(Capability::SysAdmin));
    assert!(user(1000).has_in(Capability::SysAdmin, &own.user));
    assert!(!user(1001).has_in(Capability::SysAdmin, &own.user));
    let root = Credentials::root(CapabilitySet::FULL);
    assert!(root.has_in(Capability::SysAdmin, &own.user));
    assert!(own.user.is_within(&UserNamespace::initial()) && !UserNamespace::initial().is_within(&own.user));
}

#[test]
fn maps_of_maps_lead_to_the_initial_namespace() {
    let root = Credentials::root(CapabilitySet::FULL);
    let own = alone(&root);
    assert_eq!(
        own.user.write_map(IdKind::User, Opener { file: &root, caller: &root }, b"0 100000 1000"),
        Ok(())
    );
    assert_eq!(
        own.user.write_map(IdKind::Group, Opener { file: &root, caller: &root }, b"0 100000 1000"),
        Ok(())
    );
    let inner = Credentials { euid: 100_000, egid: 100_000, ..own };
    let below = alone(&inner);
    assert_eq!(write(&below, IdKind::User, "5 900 101"), Err(Errno::EPERM));
    let opener = Opener { file: &inner, caller: &inner };
    assert_eq!(below.user.write_map(IdKind::User, opener, b"5 900 100\n200 7 1"), Ok(()));
    assert_eq!(
        (below.user.uid(5), below.user.uid(200), below.user.uid(4)),
        (Some(100_900), Some(100_007), None)
    );
    let map = below.user.map(IdKind::User).unwrap();
    let seen = map.text(inner.user.map(IdKind::User));
    assert_eq!(seen, "         5        900        100\n       200          7          1\n");
}

#[test]
fn what_is_no_map_is_refused() {
    for text in [
        "",
        "\n",
        "0 1",
        "0 1 0",
        "0 1 1 1",
        "-1 0 1",
        "0 0 4294967296",
        "4294967295 0 1",
        "0 0 2\n1 5 1",
        "a 0 1",
    ] {
        assert_eq!(IdMap::parse(text.as_bytes()), Err(Errno::EINVAL), "{text:?}");
    }
    let many: String = (0..341).map(|i| format!("{i} {i} 1\n")).collect();
    assert_eq!(IdMap::parse(many.as_bytes()), Err(Errno::EINVAL));
}

#[test]
fn namespaces_lie_at_most_33_deep_and_are_counted() {
    let mut own = Credentials::root(CapabilitySet::FULL);
    for _ in 0..33 {
        let outside = own.clone();
        own = alone(&own);
        let by = Opener { file: &outside, caller: &outside };
        own.user.write_map(IdKind::User, by, b"0 0 1").unwrap();
        own.user.write_map(IdKind::Group, by, b"0 0 1").unwrap();
    }
    assert_eq!(UserNamespace::below(&own), Err(Errno::ENOSPC));
    let above = Arc::clone(own.user.parent.as_ref().unwrap());
    above.set_most(Counted::Uts, 1);
    let first = Charge::take(&own.user, 0, Counted::Uts).unwrap();
    assert!(Charge::take(&own.user, 0, Counted::Uts).is_err());
    drop(first);
    assert!(Charge::take(&own.user, 0, Counted::Uts).is_ok());
}
