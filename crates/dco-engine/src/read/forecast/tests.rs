use super::*;

fn user(number: usize) -> Eui64 {
    Eui64::from_bits(u64::try_from(number).unwrap())
}

#[test]
fn a_part_of_the_capacity_takes_a_part_of_the_time() {
    assert_eq!(between(1_000, 2_000, 5, 10), 1_500);
    assert_eq!(between(1_000, 2_000, 10, 10), 2_000);
    assert_eq!(between(1_000, 2_000, 0, 0), 1_000);
    assert_eq!(
        between(2_000, 1_000, 5, 10),
        2_000,
        "past the calendar's end"
    );
    assert_eq!(between(Micros::MIN, Micros::MAX, 0, 1), Micros::MIN);
    assert_eq!(
        between(Micros::MAX - 1, Micros::MAX, u64::MAX, 1),
        Micros::MAX - 1
    );
}

#[test]
fn what_is_parked_begins_with_its_day() {
    let day = |days| ServiceDate::from_days(days);
    let mut demand = Demand::default();
    demand.add(user(0), 5, None);
    demand.add(user(0), 7, Some(day(10)));
    demand.add(user(1), 3, Some(day(9)));
    demand.add(user(2), 0, None);
    demand.begin(day(8));
    assert_eq!(demand.now, BTreeMap::from([(user(0), 5)]));
    demand.begin(day(12));
    assert_eq!(demand.now, BTreeMap::from([(user(0), 12), (user(1), 3)]));
    demand.take(&BTreeMap::from([(user(0), 12), (user(1), 1)]));
    assert_eq!(demand.now, BTreeMap::from([(user(1), 2)]));
}
