use super::*;
use crate::OverAllowance;

const IMAGE: [u8; 32] = [7; 32];

fn batch(user: u8, days: i32, count: u32) -> BatchAsked<u8> {
    BatchAsked {
        user,
        image: IMAGE,
        large: true,
        date: date(days),
        count,
    }
}

fn for_image(desk: &mut Desk, image: [u8; 32], days: &[(i32, u32)]) -> ScheduleId<u8> {
    let covers = Covers::Image(image);
    let id = desk.requested(
        1,
        Request {
            covers,
            ..request(1_000)
        },
    );
    desk.desk(id, offer(deal(days))).unwrap();
    desk.user(id, Act::Accept).unwrap();
    id
}

fn admit(desk: &Desk, asked: &BatchAsked<u8>) -> Result<Option<Source>, BatchRefusal> {
    desk.book.admit(asked, &desk.at())
}

fn exceeds(desk: &Desk, asked: &BatchAsked<u8>) -> ExceedsAgreed {
    match admit(desk, asked) {
        Err(BatchRefusal::ExceedsAgreed(exceeds)) => exceeds,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schedule_covers_up_to_its_quota_of_the_day() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 50), (13, 70)]);
    let covered = Ok(Some(Source::Schedule(id.number)));
    assert_eq!(admit(&desk, &batch(1, 11, 50)), covered);
    desk.send(id, 11, 40);
    assert_eq!(admit(&desk, &batch(1, 11, 10)), covered);
    let refused = ExceedsAgreed {
        number: 1,
        date: date(11),
        agreed: 50,
        used: 40,
        requested: 11,
        earliest_fit: Some(date(13)),
    };
    assert_eq!(exceeds(&desk, &batch(1, 11, 11)), refused);
    assert_eq!(
        refused.to_string(),
        "schedule 1 has 50 agreed for 1970-01-12 and 40 of them are sent: 11 more do not fit; send it for \
         1970-01-14, or agree an amendment with the Service Desk"
    );
    assert_eq!(exceeds(&desk, &batch(1, 11, 71)).earliest_fit, None);
}

#[test]
fn the_allowance_does_not_help_where_a_schedule_covers() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 50)]);
    desk.send(id, 11, 50);
    assert_eq!(exceeds(&desk, &batch(1, 11, 1)).used, 50);
    assert_eq!(
        admit(&desk, &batch(1, 12, 5)),
        Ok(Some(Source::Allowance)),
        "no quota that day"
    );
    assert_eq!(
        admit(&desk, &batch(2, 11, 5)),
        Ok(Some(Source::Allowance)),
        "another User"
    );
}

#[test]
fn without_a_schedule_the_allowance_is_the_limit() {
    let mut desk = Desk::new();
    desk.offered(1, &[(11, 50)]);
    desk.ledger.add_sent(1, date(11), Source::Allowance, 2);
    assert_eq!(admit(&desk, &batch(1, 11, 3)), Ok(Some(Source::Allowance)));
    let refused = OverAllowance {
        limit: 5,
        used: 2,
        requested: 4,
    };
    assert_eq!(
        admit(&desk, &batch(1, 11, 4)),
        Err(refused.into()),
        "an offer covers nothing"
    );
}

#[test]
fn a_schedule_for_another_image_does_not_cover() {
    let mut desk = Desk::new();
    for_image(&mut desk, [8; 32], &[(11, 50)]);
    assert_eq!(admit(&desk, &batch(1, 11, 5)), Ok(Some(Source::Allowance)));
}

#[test]
fn the_schedule_for_the_image_goes_before_that_for_all() {
    let mut desk = Desk::new();
    let all = desk.agreed(1, &[(11, 30), (12, 9)]);
    let image = for_image(&mut desk, IMAGE, &[(11, 20)]);
    let by = |id: ScheduleId<u8>| Ok(Some(Source::Schedule(id.number)));
    assert_eq!(admit(&desk, &batch(1, 11, 20)), by(image));
    assert_eq!(
        admit(&desk, &batch(1, 11, 21)),
        by(all),
        "one source covers all of a batch"
    );
    desk.send(all, 11, 25);
    let refused = exceeds(&desk, &batch(1, 11, 21));
    assert_eq!(
        (refused.number, refused.agreed, refused.used),
        (image.number, 20, 0)
    );
    assert_eq!(
        exceeds(&desk, &batch(1, 12, 20)).earliest_fit,
        Some(date(11)),
        "an earlier day"
    );
}

#[test]
fn an_ended_schedule_covers_the_days_before_its_end() {
    let mut desk = Desk::new();
    let id = desk.agreed(1, &[(11, 30), (12, 30)]);
    desk.user(id, Act::End { from: date(12) }).unwrap();
    assert_eq!(
        admit(&desk, &batch(1, 11, 30)),
        Ok(Some(Source::Schedule(1)))
    );
    assert_eq!(admit(&desk, &batch(1, 12, 5)), Ok(Some(Source::Allowance)));
}

#[test]
fn an_image_that_is_not_large_is_never_refused() {
    let small = BatchAsked {
        large: false,
        ..batch(1, 11, 1_000_000)
    };
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 1)]);
    assert_eq!(admit(&desk, &small), Ok(None));
    let desk = Desk::with(BookTerms {
        small_uses_allowance: true,
        ..TERMS
    });
    assert_eq!(admit(&desk, &small), Ok(Some(Source::Allowance)));
}
