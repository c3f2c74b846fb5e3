//! Words that people read, and programs look for: they stay as they are.

use dco_block::FirmwareVersion;
use dco_engine::record::Counted;
use dco_engine::{
    ActionState, InvalidDevices, Outcome, ProductStatus, Scope, TransferState, versions_named,
};
use dco_schedule::ScheduleId;

use crate::sample::{ANN, NORTH, device};

#[test]
fn states_are_named_as_in_the_interface() {
    let transfers = [
        (TransferState::Receiving, "RECEIVING"),
        (TransferState::Quarantined, "QUARANTINED"),
    ];
    let actions = [
        (ActionState::Waiting, "WAITING"),
        (ActionState::Overtaken, "OVERTAKEN"),
    ];
    let products = [
        (ProductStatus::Active, "Active"),
        (ProductStatus::Withdrawn, "Withdrawn"),
    ];
    assert!(transfers.iter().all(|(it, word)| it.to_string() == *word));
    assert!(actions.iter().all(|(it, word)| it.to_string() == *word));
    assert!(products.iter().all(|(it, word)| it.to_string() == *word));
    assert_eq!(Outcome::NoImageHeld.to_string(), "noImageHeld");
    assert_eq!(Outcome::AlreadyAtVersion.to_string(), "alreadyAtVersion");
}

#[test]
fn a_scope_says_which_releases() {
    let (user, number) = (ANN, 3);
    for (scope, words) in [
        (Scope::All, "all releases".to_owned()),
        (Scope::User(ANN), format!("releases of User {ANN}")),
        (
            Scope::Gateway(NORTH),
            format!("releases through gateway {NORTH}"),
        ),
        (
            Scope::Schedule(ScheduleId { user, number }),
            format!("releases under users/{ANN}/schedules/3"),
        ),
    ] {
        assert_eq!(scope.to_string(), words);
    }
}

#[test]
fn thresholds_say_what_they_count() {
    let plural = Counted::REFUSING.map(Counted::plural);
    assert_eq!(
        plural,
        [
            "transfers",
            "activations",
            "octets of requests",
            "steps of delivery schedules"
        ]
    );
}

#[test]
fn of_many_versions_the_first_ones_are_named() {
    let named = |count: u32| {
        let versions: Vec<_> = (1..=count).map(FirmwareVersion::new).collect();
        versions_named(&versions)
    };
    let all = (1..=100).find(|count| named(*count).ends_with(", and others"));
    let first_beyond = all.expect("not all of a hundred are named");
    let most = named(first_beyond - 1);
    assert_eq!(named(first_beyond), format!("{most}, and others"));
    assert_eq!(named(1), FirmwareVersion::new(1).to_string());
    assert_eq!(named(2).split(", ").count(), 2);
}

#[test]
fn devices_that_were_not_accepted_are_counted_whatever_the_list() {
    let (invalid, not_applicable_firmware) = (vec![device(1)], vec![device(2), device(3)]);
    let none = InvalidDevices::default();
    let both = InvalidDevices {
        invalid,
        not_applicable_firmware,
    };
    assert_eq!((none.count(), both.count()), (0, 3));
    assert!(none.is_empty() && !both.is_empty());
}
