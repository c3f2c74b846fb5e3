use super::*;
use crate::Reserved;

#[test]
fn a_day_shows_all_its_parts() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(10, 30)]);
    desk.agreed(1, &[(10, 5)]);
    desk.agreed(2, &[(10, 20)]);
    desk.ledger.open_day(date(10), CAPACITY);
    desk.ledger.charge(date(10), 1).unwrap();
    desk.ledger.charge(date(10), 2).unwrap();
    desk.ledger.charge_lent(date(10), 2).unwrap();
    let day = desk.book.day(date(10), &desk.ledger);
    let expected = DayCapacity {
        date: date(10),
        capacity: CAPACITY,
        reserved: Reserved {
            allowance: 2,
            security: 10,
            retry: 8,
        },
        agreed: 55,
        free: 25,
        over: 0,
        released: 3,
        lent: 1,
    };
    assert_eq!(day, expected);
    let own = OwnCapacity {
        day,
        own: 35,
        others: 20,
        own_released: 1,
    };
    assert_eq!(desk.book.day_for(1, date(10), &desk.ledger), own);
    let none = desk.book.day_for(9, date(10), &desk.ledger);
    assert_eq!((none.own, none.others, none.own_released), (0, 55, 0));
}

#[test]
fn a_day_beyond_what_is_there_has_nothing_free() {
    let mut desk = Desk::new();
    desk.agreed(1, &[(11, 80)]);
    desk.set_capacity(Span::On(date(11)), 60);
    desk.set_capacity(Span::On(date(12)), 5);
    let day = desk.book.day(date(11), &desk.ledger);
    assert_eq!(
        (day.free, day.over),
        (0, 37),
        "60 less 17 reserved leaves 43"
    );
    let day = desk.book.day(date(12), &desk.ledger);
    assert_eq!(
        (day.free, day.over),
        (0, 0),
        "nothing is agreed that could be too much"
    );
}

#[test]
fn the_last_day_of_an_image_is_that_of_the_schedules_that_name_it() {
    let mut desk = Desk::new();
    let named = Covers::Image([1; 32]);
    for (covers, last) in [(named, 12), (Covers::Portfolio, 15), (named, 11)] {
        let asked = Request {
            covers,
            ..request(1_000)
        };
        let id = desk.requested(1, asked);
        desk.desk(id, offer(deal(&[(10, 1), (last, 1)]))).unwrap();
        desk.user(id, Act::Accept).unwrap();
    }
    let last = |user, image| desk.book.last_day_of(user, &[image; 32]);
    assert_eq!(last(1, 1), Some(date(12)));
    assert_eq!((last(1, 2), last(2, 1)), (None, None));
}
