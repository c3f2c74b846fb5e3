use std::collections::BTreeSet;

use dco_block::{Eui64, FirmwareVersion, RejectBlock, RejectManifest};
use dco_engine::record::Counted;
use dco_engine::{
    ActionState, Distrust, ProductFault, ProductStatus, Refusal, Scope, TransferResponse,
    TransferState,
};
use dco_schedule::{
    DayShort, DayTaken, ExceedsAgreed, FullHours, HourWindow, MoveRefusal, Quota, Refusal as Book,
    ServiceDate, Side, Terms, WindowShort,
};
use tonic_types::StatusExt;

use super::*;

const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);
const DEVICE: Eui64 = Eui64::from_bits(0x00DB_1234_5678_90A0);

/// One of each kind. A kind that is added without a line here fails to compile in `fault_of`, and is
/// missed by who reads the table.
fn refusals() -> Vec<Refusal> {
    let date = ServiceDate::from_days(20_000);
    let (first, count) = (DEVICE, 3);
    let state = TransferState::Rejected;
    [
        Refusal::NotPermitted,
        Refusal::NotFound { kind: "transfer" },
        Refusal::NotFound { kind: "image" },
        Refusal::RequestIdReused,
        Refusal::BatchEmpty,
        Refusal::DeviceDuplicate { device: DEVICE },
        Refusal::TooManyDevices {
            given: 50_001,
            limit: 50_000,
        },
        Refusal::TooManyModels {
            given: 10_001,
            limit: 10_000,
        },
        Refusal::ManifestDiffers {
            field: "ota_header",
        },
        Refusal::SignedRequestTooLarge {
            given_bytes: 9,
            limit_bytes: 8,
        },
        Refusal::ImageIncomplete { transfer: 42 },
        Refusal::ImageNotVerified {
            transfer: 42,
            state,
        },
        Refusal::ImageNotStoredForDevice { first, count },
        Refusal::DeviceBusy { first, count },
        Refusal::CanaryTooLarge {
            canary: 4,
            devices: 3,
        },
        Refusal::CanaryOfSchedule { schedule: 7 },
        Refusal::FirmwareNotApplicable { first, count },
        Refusal::ServiceDateInvalid {
            date,
            earliest: date.next(),
            latest: date.next().next(),
        },
        Refusal::ExecutionTimeInvalid {
            execute_us: 1_000_000,
            earliest_us: 2_000_000,
            latest_us: 3_000_000,
        },
        Refusal::AllowanceUsed {
            limit: 500,
            used: 400,
            requested: 101,
            service_date: date,
            resets_us: 1_728_000_000_000_000,
            resets_in_us: 3_600_000_000,
        },
        Refusal::TransferNotReceiving { state },
        Refusal::ImageNotOnOffer,
    ]
    .into_iter()
    .chain(about_care())
    .chain(about_trust())
    .chain(about_schedules(date))
    .chain(of_book(date).map(Refusal::Schedule))
    .chain(of_terms(date).map(Refusal::Schedule))
    .chain(of_moves(date).map(Refusal::Schedule))
    .chain(of_lists(date))
    .collect()
}

/// About what is kept, its limits, and pauses.
fn about_care() -> [Refusal; 8] {
    [
        Refusal::ImageRetired { transfer: 42 },
        Refusal::ImageQuarantined { transfer: 42 },
        Refusal::ImageDamaged { index: 7 },
        Refusal::StoreFull {
            retry_in_us: 10_000_000,
        },
        Refusal::DispatchPaused {
            scope: Scope::All,
            since_us: 1_728_000_000_000_000,
            ticket: "INC-1".to_owned(),
        },
        Refusal::DispatchNotPaused {
            scope: Scope::User(Eui64::from_bits(0x90B3_D51F_3001_0000)),
        },
        Refusal::OpenTransfersLimitReached {
            limit: 100,
            used: 100,
        },
        Refusal::StoredBytesLimitReached {
            limit_bytes: 1_000_000,
            used_bytes: 800_000,
            requested_bytes: 200_001,
        },
    ]
}

/// About what the Central Products List allows, thresholds and counters.
fn about_trust() -> Vec<Refusal> {
    let (running, allowed) = (FirmwareVersion::new(1), FirmwareVersion::new(2));
    let since_us = 1_728_000_000_000_000;
    let status = ProductStatus::Withdrawn;
    let allowed = vec![allowed];
    let not_allowed = [
        Distrust::NotListed,
        Distrust::NotActive { status, since_us },
        Distrust::NotForDevice,
        Distrust::PathwayClosed { running, allowed },
    ];
    let not_allowed = not_allowed.map(|distrust| Refusal::NotAllowed {
        distrust,
        devices: vec![DEVICE],
        count: 3,
    });
    let exceeded = |counted, used| Refusal::ThresholdExceeded {
        counted,
        limit: 10,
        used,
        requested: 3,
        resets_us: 1_728_000_000_000_000,
        resets_in_us: 3_600_000_000,
    };
    let others = [
        Refusal::ImageNotAllowed(Distrust::NotActive { status, since_us }),
        Refusal::ProductsEmpty,
        Refusal::TooManyProducts {
            given: 20_001,
            limit: 20_000,
        },
        Refusal::ProductInvalid {
            index: 7,
            why: ProductFault::Twice { before: 3 },
        },
        exceeded(Counted::Activations, Some(8)),
        exceeded(Counted::Activations, None),
        exceeded(Counted::RequestBytes, Some(8)),
        exceeded(Counted::ScheduleSteps, Some(8)),
        Refusal::OriginatorCounterReplayed { given: 7, last: 8 },
        Refusal::OriginatorCounterLeaps {
            given: 9_000,
            last: Some(8),
            highest: 1_008,
        },
        Refusal::OriginatorCounterLeaps {
            given: 9_000,
            last: None,
            highest: 1_000,
        },
    ];
    not_allowed.into_iter().chain(others).collect()
}

fn about_schedules(date: ServiceDate) -> [Refusal; 6] {
    [
        Refusal::ExceedsAgreed(ExceedsAgreed {
            number: 7,
            date,
            agreed: 3_000,
            used: 2_900,
            requested: 101,
            earliest_fit: Some(date.next()),
        }),
        Refusal::ExceedsAgreed(ExceedsAgreed {
            number: 7,
            date,
            agreed: 3_000,
            used: 2_900,
            requested: 9_000,
            earliest_fit: None,
        }),
        Refusal::NothingSet,
        Refusal::NoticesForgotten {
            position: 17,
            first_position: 40,
        },
        Refusal::PositionBeyondEnd {
            position: 99_999,
            last_position: 40,
        },
        Refusal::TooManyRequests {
            given: 101,
            limit: 100,
        },
    ]
}

fn of_book(date: ServiceDate) -> impl Iterator<Item = Book> {
    let (today, latest) = (date.next(), date.next().next());
    let short = DayShort {
        date,
        capacity: 12_000,
        agreed: 8_000,
        reserved: 3_040,
        free: 960,
        wanted: 1_000,
    };
    let other = DayShort {
        date: today,
        ..short
    };
    let at_us = 1_728_000_000_000_000;
    let (given, current) = (2, 3);
    [
        Book::RevisionMismatch { given, current },
        Book::WrongState {
            state: "AGREED".to_owned(),
            act: "OFFER".to_owned(),
            side: Side::Desk,
        },
        Book::RequestReversed {
            earliest: latest,
            latest: date,
        },
        Book::QuotaEmpty,
        Book::DayOver {
            date,
            today,
            agreed: 10,
            wanted: 11,
        },
        Book::CapacityOfPast {
            date,
            today,
            capacity: 12_000,
        },
        Book::DayTooFar { date, latest },
        Book::MoreThanRequested {
            devices: 5,
            wanted: 6,
        },
        Book::BelowSent {
            date,
            sent: 6,
            wanted: 5,
        },
        Book::DoesNotFit {
            days: vec![short, other],
        },
        Book::RequestOver {
            latest: date,
            today,
        },
        window_too_short(today),
        Book::AnswerTooSoon {
            given_us: at_us,
            earliest_us: at_us + 1_000_000,
        },
        Book::AnswerTooLate {
            answer_by_us: at_us,
        },
        Book::MovedTooOften { moves: 2, limit: 2 },
        Book::ActionExpired { expires_us: at_us },
        Book::TooManyOpen { limit: 32 },
    ]
    .into_iter()
    .chain(of_officers_and_nothing_to_agree())
}

fn of_officers_and_nothing_to_agree() -> [Book; 5] {
    [
        Book::SameOfficer,
        Book::WaitsAlready { action: 4 },
        Book::OfficerGains,
        Book::AmendsNothing,
        Book::AgreedInFull { devices: 30 },
    ]
}

/// What the book refuses of moves.
fn of_moves(date: ServiceDate) -> impl Iterator<Item = Book> {
    let taken = |days: i32, taken, at_most| DayTaken {
        date: ServiceDate::from_days(date.days() + days),
        taken,
        at_most,
    };
    [
        MoveRefusal::CauseMissing { date, units: 3 },
        MoveRefusal::CounterTakes { date, units: 3 },
        MoveRefusal::NothingTaken,
        MoveRefusal::TermsImposed {
            agreed: Terms::default(),
        },
        MoveRefusal::MoreThanOver {
            days: vec![taken(0, 5, 0), taken(1, 9, 7)],
            over: [(date.next(), 7)].into_iter().collect(),
        },
        MoveRefusal::MoreThanOver {
            days: vec![taken(0, 5, 0)],
            over: Quota::new(),
        },
        MoveRefusal::RoomForNone {
            number: 7,
            state: "ENDED".to_owned(),
        },
        MoveRefusal::MoreThanNeeded {
            number: 7,
            days: vec![taken(0, 5, 3)],
        },
        MoveRefusal::RoomEnough {
            number: 7,
            taken: 9,
            by: date,
            wanted: 12,
            free: 5,
        },
    ]
    .map(Book::Move)
    .into_iter()
}

/// What the book refuses of terms.
fn of_terms(date: ServiceDate) -> impl Iterator<Item = Book> {
    let at_us = 1_728_000_000_000_000;
    let (today, latest) = (date.next(), date.next().next());
    [
        Book::AnswerAfterDays {
            given_us: at_us + 1,
            date,
            latest_us: at_us,
        },
        Book::BeyondRequest {
            days: [(latest, 9), (date, 31)].into_iter().collect(),
            earliest: date,
            latest: today,
            per_day_max: 30,
        },
        Book::CanaryTooLarge {
            canary: 6,
            units: 5,
        },
        Book::SecurityLaneFull {
            date,
            lane: 300,
            agreed: 200,
            wanted: 101,
        },
        Book::NothingSetAlone { date },
        Book::EndOver { from: date, today },
        Book::EndsAlready {
            from: latest,
            ends: today,
        },
        Book::EndsNothing {
            from: latest,
            last: date,
        },
        Book::RequestTooFar {
            date: latest,
            latest: today,
        },
        Book::CapacityTooLarge {
            given: u32::MAX,
            limit: 1_000_000,
        },
        Book::ActionOvertaken {
            action: 4,
            number: 7,
        },
    ]
    .into_iter()
}

/// About notices, days and actions that are read or answered.
fn of_lists(date: ServiceDate) -> [Refusal; 2] {
    [
        Refusal::DaysReversed {
            first: date.next(),
            last: date,
        },
        Refusal::ActionSettled {
            action: 4,
            state: ActionState::Overtaken,
            why: "step 4 was END by the User".to_owned(),
        },
    ]
}

fn window_too_short(date: ServiceDate) -> Book {
    let hours = HourWindow::new(20, 24).expect("four hours");
    let short = WindowShort {
        date,
        window: hours,
        wanted: 1_501,
        free: 1_500,
        full: Some(FullHours {
            hours,
            carries: 2_000,
            agreed: 500,
        }),
    };
    Book::WindowTooShort { days: vec![short] }
}

fn edge() -> Vec<Fault> {
    let index = 7;
    let transport = |code| Fault::transport(&Status::new(code, "as the transport says"));
    vec![
        Fault::argument("NAME_INVALID", "name", "name must be a name"),
        Fault::element("EUI64_INVALID", "devices", 3, "an EUI-64 has 23 characters"),
        Fault::manifest(&RejectManifest::NoManufacturerImage),
        Fault::block(&RejectBlock::OutOfRange {
            index,
            block_count: 7,
        }),
        Fault::block(&RejectBlock::LengthInvalid {
            index,
            expected_bytes: 8,
            actual_bytes: 9,
        }),
        Fault::block(&RejectBlock::DigestMismatch {
            index,
            declared_crc32: 1,
            computed_crc32: 2,
        }),
        Fault::block_conflict(index, 1, 2),
        Fault::stored_block_corrupt(index),
        Fault::stored_block_unread(index),
        Fault::store_full("the disk is full", Duration::from_secs(10)),
        Fault::too_many_memories(30, Duration::from_secs(10)),
        Fault::image_gone(),
        rejected("IMAGE_DIGEST_MISMATCH"),
        rejected("STORED_BLOCK_CORRUPT"),
        Fault::out_of_turn("not now"),
        Fault::session_superseded(),
        Fault::session_overrun(),
        Fault::draining(),
        Fault::overloaded("calls", 3),
        Fault::store_closed(),
        Fault::wrong_answer("a transfer"),
        transport(Code::OutOfRange),
        transport(Code::Internal),
        transport(Code::Unimplemented),
        Fault::transport(&Status::unimplemented("")),
        transport(Code::Cancelled),
        transport(Code::DeadlineExceeded),
        transport(Code::Unknown),
        transport(Code::ResourceExhausted),
    ]
}

fn rejected(reason: &str) -> Fault {
    let given = TransferResponse {
        at_us: 0,
        reason: reason.to_owned(),
        message: "as the read-back found".to_owned(),
    };
    Fault::transfer_rejected(USER, 42, &given)
}

fn row(Fault(facts): &Fault) -> String {
    let mut row = format!("{} {}\n", code_name(facts.code), facts.reason);
    row += &format!("    {}\n", facts.message);
    if !facts.metadata.is_empty() {
        row += &format!("    {:?}\n", facts.metadata);
    }
    for detail in &facts.details {
        row += &format!("    {detail:?}\n");
    }
    row
}

fn concern() -> Concern<'static> {
    Concern {
        user: USER,
        transfer: Some(42),
        service_desk_url: "https://desk.example.org/",
    }
}

#[test]
fn the_table_from_refusals_to_the_wire() {
    let faults: Vec<_> = refusals()
        .iter()
        .map(|refusal| fault_of(refusal, concern()))
        .collect();
    let rows: String = faults.iter().chain(&edge()).map(row).collect();
    insta::assert_snapshot!(rows);
}

#[test]
fn every_refusal_is_in_the_table_and_none_is_ours() {
    for refusal in refusals() {
        let fault = fault_of(&refusal, concern());
        assert_ne!(fault.reason(), "NOT_IN_TABLE", "{refusal}");
        // A damaged disk is nobody else's fault.
        let damaged = matches!(refusal, Refusal::ImageDamaged { .. });
        assert_eq!(is_ours(fault.0.code), damaged, "{refusal}");
    }
}

#[test]
fn a_status_carries_reason_domain_metadata_and_details() {
    let refusal = refusals()
        .into_iter()
        .find(|r| matches!(r, Refusal::AllowanceUsed { .. }));
    let status = Status::from(fault_of(&refusal.unwrap(), concern()));
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "UNSCHEDULED_DAILY_ALLOWANCE_USED");
    assert_eq!(info.domain, "dco");
    assert_eq!(info.metadata["limitPerServiceDay"], "500");
    let retry = details.retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(3_600)));
    let quota = &details.quota_failure().unwrap().violations[0];
    assert_eq!(quota.subject, format!("users/{USER}"));
    let link = &details.help().unwrap().links[0];
    assert_eq!(link.url, "https://desk.example.org/");
    assert_eq!(
        link.description,
        "agree a delivery schedule with the Service Desk"
    );
}

#[test]
fn callers_that_are_sent_away_together_do_not_come_back_together() {
    for fault in [Fault::draining(), Fault::overloaded("calls", 3)] {
        let mut delays: Vec<_> = (0..100)
            .map(|_| {
                let status = Status::from(fault.clone());
                let retry = status.get_details_retry_info().unwrap();
                retry.retry_delay.unwrap()
            })
            .collect();
        delays.sort();
        let bounds = Duration::from_secs(1)..Duration::from_secs(3);
        assert!(delays.iter().all(|delay| bounds.contains(delay)));
        // A hundred over two seconds: nowhere nearly as many at one time as were sent away.
        let tenths: BTreeSet<_> = delays.iter().map(|delay| delay.as_millis() / 100).collect();
        assert_eq!(tenths.len(), 20);
    }
}

#[test]
fn what_a_caller_sent_is_told_back_short_and_printable() {
    let sent = format!("\u{1b}[2J\r\n{}", "é".repeat(10_000));
    let fault = Fault::new(Code::InvalidArgument, "NAME_INVALID", &sent).with("name", &sent);
    assert_eq!(fault.message().chars().count(), MESSAGE_CHARS_MAX + 1);
    assert!(fault.message().starts_with(" [2J  é") && fault.message().ends_with('…'));
    let (_, told) = fault.metadata().next().unwrap();
    assert_eq!(told.chars().count(), METADATA_CHARS_MAX + 1);
    let short = Fault::new(Code::InvalidArgument, "NAME_INVALID", "é");
    assert_eq!(short.message(), "é");
}

#[test]
fn what_is_somebody_elses_looks_the_same_to_the_byte() {
    let denied = |fault: Fault| {
        let status = Status::from(fault);
        (
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
        )
    };
    let named = denied(Fault::caller_not_permitted());
    assert_eq!(
        denied(fault_of(&Refusal::ImageNotOnOffer, concern())),
        named
    );
}
