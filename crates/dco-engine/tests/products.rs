//! The Central Products List: what it does not allow is not stored, not admitted and not released.

use std::sync::Arc;

use dco_block::{Eui64, FirmwareVersion, HardwareVersions, Manifest};
use dco_engine::{
    DeviceEntry, Distrust, HOUR_US, Hold, ImportProducts, NoticeParty, NoticeSubject, PRODUCTS_MAX,
    ProductEntry, ProductFault, ProductStatus, ProductView, Refusal, Reply, Request, Terms,
    ToGateway, TransferState, TrustTerms, UPGRADE_FROM_MAX, Verdict,
};

use crate::sample::{
    ANN, BOB, DAY_US, LARGE, NORTH, OPERATOR, SMALL, capacity, date, device, devices, entry,
    manifest,
};
use crate::world::{World, succeed};

pub(crate) const STRICT: TrustTerms = TrustTerms {
    products_list: true,
    upgrade_pathway: true,
};

/// Ann has Devices 0 to 9, Bob 10 to 19, all of one Device Model.
pub(crate) fn ready() -> World {
    let mut world = World::new(strict());
    world.register(&devices(0..10), ANN, NORTH);
    world.register(&devices(10..20), BOB, NORTH);
    world
}

fn strict() -> Terms {
    Terms {
        trust: STRICT,
        ..capacity(100)
    }
}

/// An entry that allows an image for every test Device.
fn listed(image: &Manifest, status: ProductStatus) -> ProductEntry {
    let DeviceEntry {
        manufacturer,
        model,
        ..
    } = entry(device(0), ANN, NORTH);
    ProductEntry {
        manufacturer,
        model,
        hardware_versions: HardwareVersions { min: 0, max: 9 },
        firmware_version: image.firmware_version(),
        manufacturer_image_hash: image.manufacturer_image_hash(),
        status,
        upgrade_from: Vec::new(),
    }
}

fn versions(numbers: &[u32]) -> Vec<FirmwareVersion> {
    numbers.iter().copied().map(FirmwareVersion::new).collect()
}

impl World {
    fn importing(&mut self, products: Vec<ProductEntry>) -> ImportProducts {
        ImportProducts {
            by: OPERATOR,
            id: self.fresh_id(),
            validate_only: false,
            why: dco_engine::SaidWhy::default(),
            products,
        }
    }

    fn import_products(&mut self, products: Vec<ProductEntry>) -> Result<u32, Refusal> {
        let asked = self.importing(products);
        match self.ask(Request::ImportProducts(asked))? {
            Reply::Imported(count) => Ok(count),
            other => panic!("not an import: {other:?}"),
        }
    }

    /// The list says this of an image, for every test Device.
    pub(crate) fn list(&mut self, image: &Manifest, status: ProductStatus) {
        let imported = self.import_products(vec![listed(image, status)]);
        assert_eq!(imported, Ok(1));
    }

    fn products(&mut self, skip: u32, limit: u32) -> Vec<ProductView> {
        match self.ask(Request::ListProducts { skip, limit }) {
            Ok(Reply::Products(products)) => products,
            other => panic!("no products: {other:?}"),
        }
    }

    /// All blocks of a transfer, and what the read-back found.
    fn complete(
        &mut self,
        user: Eui64,
        image: &Arc<Manifest>,
        of: &[Eui64],
    ) -> (TransferState, String) {
        let opened = self.open(user, image, of).expect("opened");
        let number = opened.number.expect("it is open");
        if opened.state == TransferState::Receiving {
            let owner = self.owner(user, number);
            (0..image.block_count()).for_each(|index| self.block(owner, index));
            self.verified(owner, Verdict::Good);
        }
        let view = self.transfer(user, number);
        let reason = view.response.map(|response| response.reason);
        (view.state, reason.unwrap_or_default())
    }

    /// What is told of holds, newest last: held and freed.
    fn holds_told(&mut self, party: NoticeParty) -> Vec<(u32, u32)> {
        let notices = self.notices_after(party, 0).into_iter();
        let holds = notices.filter_map(|notice| match notice.subject {
            NoticeSubject::ProductsHold { held, freed, .. } => Some((held, freed)),
            _ => None,
        });
        holds.collect()
    }
}

fn not_active(status: ProductStatus, since_us: i64) -> Distrust {
    Distrust::NotActive { status, since_us }
}

#[test]
fn only_an_image_that_is_listed_and_active_is_stored() {
    let image = manifest(2, LARGE);
    let other_version = ProductEntry {
        firmware_version: FirmwareVersion::new(77),
        ..listed(&image, ProductStatus::Active)
    };
    let other_image = listed(&manifest(3, LARGE), ProductStatus::Active);
    for (entry, reason) in [
        (listed(&image, ProductStatus::Active), ""),
        (listed(&image, ProductStatus::Cancelled), "IMAGE_NOT_ACTIVE"),
        (listed(&image, ProductStatus::Expired), "IMAGE_NOT_ACTIVE"),
        (listed(&image, ProductStatus::Withdrawn), "IMAGE_NOT_ACTIVE"),
        (other_version, "IMAGE_NOT_LISTED"),
        (other_image, "IMAGE_NOT_LISTED"),
    ] {
        let mut world = ready();
        world.import_products(vec![entry]).expect("imported");
        let (state, given) = world.complete(ANN, &image, &devices(0..3));
        let stored = state == TransferState::Stored;
        assert_eq!((stored, given.as_str()), (reason.is_empty(), reason));
    }
}

#[test]
fn what_was_stored_takes_no_more_devices_once_it_is_withdrawn() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..3));
    world.list(&image, ProductStatus::Withdrawn);
    let (state, reason) = world.complete(ANN, &image, &devices(3..5));
    assert_eq!(state, TransferState::Rejected);
    assert_eq!(reason, "IMAGE_NOT_ACTIVE");
    world.list(&image, ProductStatus::Active);
    let (state, _) = world.complete(ANN, &image, &devices(3..5));
    assert_eq!(state, TransferState::Stored);
}

#[test]
fn a_batch_is_refused_with_the_devices_that_the_list_does_not_allow() {
    let image = manifest(2, LARGE);
    let good = listed(&image, ProductStatus::Active);
    let of_other_model = ProductEntry {
        model: "E471".to_owned(),
        ..good.clone()
    };
    let of_other_hardware = ProductEntry {
        hardware_versions: HardwareVersions { min: 4, max: 9 },
        ..good.clone()
    };
    let from_others = ProductEntry {
        upgrade_from: versions(&[7, 8]),
        ..good.clone()
    };
    let closed = Distrust::PathwayClosed {
        running: FirmwareVersion::new(1),
        allowed: versions(&[7, 8]),
    };
    let mut world = ready();
    world.import_products(vec![good]).expect("imported");
    world.store(ANN, &image, &devices(0..10));
    let withdrawn = listed(&image, ProductStatus::Withdrawn);
    let withdrawn_here = not_active(ProductStatus::Withdrawn, world.now_us);
    for (entries, distrust) in [
        (vec![of_other_hardware], Distrust::NotForDevice),
        (vec![from_others], closed),
        (vec![withdrawn, of_other_model], withdrawn_here),
    ] {
        world.import_products(entries).expect("imported");
        let refused = world.submit(ANN, &image, &devices(0..10)).unwrap_err();
        let expected = Refusal::NotAllowed {
            distrust,
            devices: devices(0..8),
            count: 10,
        };
        assert_eq!(refused, expected);
    }
}

#[test]
fn a_device_goes_only_from_versions_that_the_list_allows_or_stays_where_it_is() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let pathway = ProductEntry {
        upgrade_from: versions(&[7, 8]),
        ..listed(&image, ProductStatus::Active)
    };
    world.import_products(vec![pathway]).expect("imported");
    world.store(ANN, &image, &devices(0..10));
    let runs = |number: u64, version: u32| DeviceEntry {
        firmware_version: FirmwareVersion::new(version),
        ..entry(device(number), ANN, NORTH)
    };
    world.import(vec![runs(0, 7), runs(1, 8), runs(2, 2), runs(3, 6)]);
    world.submit(ANN, &image, &devices(0..3)).expect("all may");
    let Refusal::NotAllowed {
        distrust, devices, ..
    } = world.submit(ANN, &image, &[device(3)]).unwrap_err()
    else {
        panic!("it may not");
    };
    assert_eq!(devices, [device(3)]);
    assert_eq!(distrust.reason(), "UPGRADE_PATHWAY_CLOSED");
    let told = distrust.to_string();
    assert!(told.contains("runs 00000006"), "{told}");
    assert!(told.contains("from 00000007, 00000008"), "{told}");
}

#[test]
fn a_withdrawn_image_stops_at_once_and_goes_on_when_it_is_active_again() {
    for crash in [false, true] {
        let mut world = ready();
        let image = manifest(2, LARGE);
        world.list(&image, ProductStatus::Active);
        world.store(ANN, &image, &devices(0..6));
        world.submit(ANN, &image, &devices(0..3)).expect("admitted");
        let later = date("2026-06-02");
        world
            .submit_for((ANN, &image), &[device(3)], later)
            .expect("parked");
        world.list(&image, ProductStatus::Withdrawn);
        let since_us = world.now_us;
        if crash {
            world.crash();
        }
        world.habit = Some(succeed);
        world.connect(NORTH);
        world.pass(2 * DAY_US);
        assert!(world.offered.is_empty(), "nothing of it is released");
        for (batch, number) in [(1, 0), (2, 3)] {
            let explained = world.explain(ANN, batch, device(number));
            let held = Hold::NotAllowed(not_active(ProductStatus::Withdrawn, since_us));
            assert_eq!(explained.holds[0], held);
            assert_eq!(explained.earliest_us, None);
            assert_eq!(explained.predicted_release_us, None);
        }
        assert_eq!(world.engine.stats().activations_held, 4);
        world.list(&image, ProductStatus::Active);
        world.pass(HOUR_US);
        assert_eq!(world.offered.len(), 4, "the parked one too");
        for party in [NoticeParty::User(ANN), NoticeParty::Desk] {
            assert_eq!(world.holds_told(party), [(4, 0), (0, 4)]);
        }
        assert_eq!(world.holds_told(NoticeParty::User(BOB)), []);
        assert_eq!(world.engine.stats().activations_held, 0);
    }
}

#[test]
fn what_is_held_can_be_cancelled() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..6));
    world.submit(ANN, &image, &devices(0..3)).expect("admitted");
    world.list(&image, ProductStatus::Withdrawn);
    assert_eq!(world.cancel_batch(ANN, 1).counts.cancelled, 3);
    world.list(&image, ProductStatus::Active);
    world.connect(NORTH);
    world.pass(DAY_US);
    assert!(world.offered.is_empty());
}

#[test]
fn a_device_that_the_inventory_tells_otherwise_of_is_asked_about_again() {
    let mut world = ready();
    let image = manifest(2, SMALL);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..6));
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    let of_model = |model: &str| DeviceEntry {
        model: model.to_owned(),
        ..entry(device(0), ANN, NORTH)
    };
    world.import(vec![of_model("unheard of")]);
    world.connect(NORTH);
    world.pass(HOUR_US);
    let offered = |world: &World| -> Vec<Eui64> {
        let offers = world.offered.iter();
        offers.map(|(_, it)| it.attempt.activation.device).collect()
    };
    assert_eq!(offered(&world), [device(1)]);
    let holds = world.explain(ANN, 1, device(0)).holds;
    assert_eq!(holds[0], Hold::NotAllowed(Distrust::NotForDevice));
    world.import(vec![of_model("E470")]);
    world.pass(HOUR_US);
    assert_eq!(offered(&world), [device(1), device(0)]);
}

#[test]
fn a_retry_is_held_when_the_image_was_withdrawn_meanwhile() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..6));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    let session = world.connect(NORTH);
    world.pass(HOUR_US);
    let attempt = world.offer().attempt;
    world.list(&image, ProductStatus::Expired);
    let told = &world.told;
    let withdrawn = told
        .iter()
        .any(|(_, it)| matches!(it, ToGateway::Withdrawn(_)));
    assert!(!withdrawn, "an attempt with the image in hand goes on");
    world.end(session, attempt, dco_engine::Outcome::FileTransferFailure);
    world.pass(2 * DAY_US);
    assert_eq!(world.offered.len(), 1);
    world.list(&image, ProductStatus::Active);
    world.pass(HOUR_US);
    assert_eq!(world.offered.len(), 2);
}

#[test]
fn a_gateway_reads_no_more_of_what_was_withdrawn_and_is_not_offered_it_again() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &devices(0..6));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    world.connect(NORTH);
    world.pass(HOUR_US);
    let open = Request::OpenImage {
        gateway: NORTH,
        image_id: image.image_id(),
        block_bytes: image.block_bytes(),
    };
    world.ask(open.clone()).expect("it is on offer");
    world.list(&image, ProductStatus::Withdrawn);
    let distrust = not_active(ProductStatus::Withdrawn, world.now_us);
    let refused = world.ask(open).unwrap_err();
    assert_eq!(refused, Refusal::ImageNotAllowed(distrust));
    // It never got the offer, so nothing was sent, and nothing is charged.
    world.disconnect(NORTH);
    world.connect(NORTH);
    world.pass(DAY_US);
    assert_eq!((world.offered.len(), world.released_today()), (1, 0));
}

#[test]
fn an_image_that_is_damaged_and_withdrawn_waits_for_both() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.list(&image, ProductStatus::Active);
    let owner = world.store(ANN, &image, &devices(0..6));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    world.damaged(owner, 1);
    world.list(&image, ProductStatus::Withdrawn);
    world.connect(NORTH);
    world.list(&image, ProductStatus::Active);
    world.pass(DAY_US);
    assert!(world.offered.is_empty(), "it is damaged");
    world.list(&image, ProductStatus::Withdrawn);
    let (state, _) = world.complete(ANN, &image, &[device(0)]);
    assert_eq!(state, TransferState::Rejected, "it is not Active");
    world.list(&image, ProductStatus::Active);
    world.store(ANN, &image, &[device(0)]);
    world.pass(HOUR_US);
    assert_eq!(world.offered.len(), 1);
}

#[test]
fn which_checks_are_made_is_on_record_from_the_start_that_brings_them() {
    let mut world = World::new(capacity(100));
    let image = manifest(2, LARGE);
    world.register(&devices(0..10), ANN, NORTH);
    world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &devices(0..2)).expect("admitted");
    world.restart_with(strict());
    assert_eq!(world.engine.stats().activations_held, 2);
    let records = world.journal.len();
    world.crash();
    assert_eq!(world.journal.len(), records, "once");
    let explained = world.explain(ANN, 1, device(0));
    assert_eq!(explained.holds[0], Hold::NotAllowed(Distrust::NotListed));
    world.restart_with(capacity(100));
    assert_eq!(world.engine.stats().activations_held, 0);
    let told = world.holds_told(NoticeParty::User(ANN));
    assert_eq!(told, [(2, 0), (0, 2)]);
}

#[test]
fn the_pathway_alone_may_be_left_unasked() {
    let mut world = ready();
    let terms = Terms {
        trust: TrustTerms {
            upgrade_pathway: false,
            ..STRICT
        },
        ..capacity(100)
    };
    world.restart_with(terms);
    let image = manifest(2, LARGE);
    let pathway = ProductEntry {
        upgrade_from: versions(&[7]),
        ..listed(&image, ProductStatus::Active)
    };
    world.import_products(vec![pathway]).expect("imported");
    world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &devices(0..3)).expect("admitted");
    world.list(&image, ProductStatus::Withdrawn);
    assert_eq!(world.engine.stats().activations_held, 3);
}

#[test]
fn an_import_says_all_there_is_to_say_of_what_it_names_and_nothing_of_others() {
    let mut world = ready();
    let (one, two) = (manifest(2, LARGE), manifest(3, LARGE));
    let parts = |(min, max)| ProductEntry {
        hardware_versions: HardwareVersions { min, max },
        ..listed(&one, ProductStatus::Active)
    };
    let first_us = world.now_us;
    let both = vec![
        parts((5, 9)),
        listed(&two, ProductStatus::Active),
        parts((0, 4)),
    ];
    assert_eq!(world.import_products(both), Ok(3));
    assert_eq!(world.products(0, 9).len(), 3);
    assert_eq!(world.products(1, 1)[0].entry, parts((5, 9)));
    world.pass(HOUR_US);
    let later_us = world.now_us;
    let again = vec![parts((0, 4)), parts((6, 6))];
    assert_eq!(world.import_products(again), Ok(2));
    world.crash();
    let listed_now: Vec<_> = world
        .products(0, 9)
        .into_iter()
        .map(|it| (it.entry.hardware_versions.min, it.since_us))
        .collect();
    assert_eq!(listed_now, [(0, first_us), (6, later_us), (0, first_us)]);
    assert_eq!(world.engine.stats().products, 3);
}

#[test]
fn the_same_import_is_made_once() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    let asked = world.importing(vec![listed(&image, ProductStatus::Active)]);
    let records = world.journal.len();
    for _ in 0..2 {
        world
            .ask(Request::ImportProducts(asked.clone()))
            .expect("imported");
    }
    assert_eq!(world.journal.len(), records + 1);
    let other = ImportProducts {
        products: vec![listed(&image, ProductStatus::Expired)],
        ..asked
    };
    let reused = world.ask(Request::ImportProducts(other)).unwrap_err();
    assert_eq!(reused, Refusal::RequestIdReused);
    let only = ImportProducts {
        validate_only: true,
        ..world.importing(vec![listed(&image, ProductStatus::Expired)])
    };
    world
        .ask(Request::ImportProducts(only))
        .expect("it could be");
    assert_eq!(world.journal.len(), records + 1);
}

#[test]
fn an_import_with_a_bad_entry_changes_nothing_and_names_it() {
    let mut world = ready();
    let good = listed(&manifest(2, LARGE), ProductStatus::Active);
    let range = |min, max| ProductEntry {
        hardware_versions: HardwareVersions { min, max },
        ..good.clone()
    };
    let long = ProductEntry {
        upgrade_from: versions(&[1; UPGRADE_FROM_MAX + 1]),
        ..good.clone()
    };
    let other = listed(&manifest(3, LARGE), ProductStatus::Active);
    let bad = |index, why| Refusal::ProductInvalid { index, why };
    let too_many = ProductFault::TooManyVersions {
        given: UPGRADE_FROM_MAX + 1,
        limit: UPGRADE_FROM_MAX,
    };
    let records = world.journal.len();
    for (entries, refusal) in [
        (vec![], Refusal::ProductsEmpty),
        (
            vec![other.clone(), range(2, 1)],
            bad(1, ProductFault::Range),
        ),
        (vec![other.clone(), long], bad(1, too_many)),
        (
            vec![range(5, 9), other, range(0, 5)],
            bad(2, ProductFault::Twice { before: 0 }),
        ),
        (
            vec![range(0, 9), range(3, 3)],
            bad(1, ProductFault::Twice { before: 0 }),
        ),
    ] {
        assert_eq!(world.import_products(entries), Err(refusal));
    }
    assert_eq!(world.journal.len(), records);
    let many = |first: u32, count: u32| -> Vec<ProductEntry> {
        let numbers = first..first + count;
        let entry = |number| ProductEntry {
            firmware_version: FirmwareVersion::new(number),
            ..good.clone()
        };
        numbers.map(entry).collect()
    };
    assert_eq!(
        world.import_products(many(0, PRODUCTS_MAX)),
        Ok(PRODUCTS_MAX)
    );
    assert_eq!(world.import_products(many(0, 5)), Ok(5), "in their place");
    let over = Refusal::TooManyProducts {
        given: usize::try_from(PRODUCTS_MAX).expect("small") + 1,
        limit: PRODUCTS_MAX,
    };
    assert_eq!(world.import_products(many(PRODUCTS_MAX, 1)), Err(over));
}

#[test]
fn what_a_newer_activation_has_shown_outlasts_the_late_success_of_an_older_one() {
    let reading = |image: &Manifest| dco_engine::AttemptEnd {
        running_version: Some(image.firmware_version()),
        ..crate::world::ended(dco_engine::Outcome::Success)
    };
    for (newer_is_heard, restarts) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut world = ready();
        let images = [2, 3, 4, 5].map(|seed| manifest(seed, SMALL));
        let [older, newer, after_older, after_newer] = &images;
        for image in &images {
            world.list(image, ProductStatus::Active);
            world.store(ANN, image, &[device(0)]);
        }
        for (image, from) in [(after_older, older), (after_newer, newer)] {
            let upgrade_from = vec![from.firmware_version()];
            let entry = ProductEntry {
                upgrade_from,
                ..listed(image, ProductStatus::Active)
            };
            world.import_products(vec![entry]).expect("imported");
        }
        world.submit(ANN, older, &[device(0)]).expect("admitted");
        let mut session = world.connect(NORTH);
        let first = world.offer().attempt;
        world.end(session, first, dco_engine::Outcome::NoAnswer);
        world.cancel_batch(ANN, 1);
        if newer_is_heard {
            world.submit(ANN, newer, &[device(0)]).expect("admitted");
            let second = world.offer().attempt;
            world.report(session, second, dco_engine::Report::Ended(reading(newer)));
        }
        if restarts {
            world.start_from = Some(world.journal.len());
            world.crash();
            session = world.connect(NORTH);
        }
        world.report(session, first, dco_engine::Report::Ended(reading(older)));
        assert_eq!(world.batch(ANN, 1).counts.succeeded, 1, "it did succeed");
        let admitted = [after_older, after_newer].map(|image| {
            let mut asked = world.batch_of(ANN, image, &[device(0)]);
            asked.validate_only = true;
            world.submit_this(&asked).is_ok()
        });
        assert_eq!(admitted, [!newer_is_heard, newer_is_heard]);
    }
}
