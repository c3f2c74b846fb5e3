use super::*;

fn good() -> pb::ScheduleRequest {
    pb::ScheduleRequest {
        manufacturer_image_hash: bytes::Bytes::new(),
        device_count: 9,
        earliest_date: "2026-12-01".to_owned(),
        latest_date: "2026-12-31".to_owned(),
        per_day_max: 0,
    }
}

#[test]
fn a_request_without_a_daily_maximum_may_have_all_on_one_day() {
    let read = request(good()).unwrap();
    assert_eq!(
        (read.covers, read.per_day_max.get()),
        (Covers::Portfolio, 9)
    );
    let one = pb::ScheduleRequest {
        manufacturer_image_hash: vec![7; 32].into(),
        per_day_max: 4,
        ..good()
    };
    let read = request(one).unwrap();
    assert_eq!(read.covers, Covers::Image([7; 32]));
    assert_eq!(read.per_day_max.get(), 4);
}

#[test]
fn each_wrong_field_of_a_request_has_its_reason() {
    type Spoil = fn(&mut pb::ScheduleRequest);
    let spoilt: [(&str, Spoil); 5] = [
        ("DEVICE_COUNT_INVALID", |it| it.device_count = 0),
        ("SERVICE_DATE_INVALID", |it| it.earliest_date.clear()),
        ("SERVICE_DATE_INVALID", |it| {
            it.latest_date = "1 December".to_owned();
        }),
        ("DIGEST_INVALID", |it| {
            it.manufacturer_image_hash = vec![7; 31].into();
        }),
        ("SERVICE_DATE_INVALID", |it| {
            it.latest_date = "2026-12-32".to_owned();
        }),
    ];
    for (reason, spoil) in spoilt {
        let mut wrong = good();
        spoil(&mut wrong);
        assert_eq!(request(wrong).unwrap_err().reason(), reason);
    }
}

fn days(days: &[(&str, u32)]) -> Vec<pb::DayUnits> {
    let day = |(date, units): &(&str, u32)| pb::DayUnits {
        service_date: (*date).to_owned(),
        units: *units,
    };
    days.iter().map(day).collect()
}

#[test]
fn each_day_of_a_quota_is_given_once() {
    let read = quota(days(&[("2026-12-02", 5), ("2026-12-01", 0)])).unwrap();
    assert_eq!((read.total(), read.peak()), (5, 5));
    let twice = quota(days(&[("2026-12-02", 5), ("2026-12-02", 5)])).unwrap_err();
    assert_eq!(twice.reason(), "QUOTA_INVALID");
    assert!(
        twice.message().starts_with("deal.quota[1]: 2026-12-02"),
        "{twice}"
    );
    let wrong = quota(days(&[("soon", 5)])).unwrap_err();
    assert_eq!(wrong.reason(), "SERVICE_DATE_INVALID");
    let many = quota(vec![pb::DayUnits::default(); QUOTA_DAYS_MAX + 1]).unwrap_err();
    assert_eq!(many.reason(), "QUOTA_INVALID");
}

#[test]
fn a_window_and_terms_are_read_as_they_are_given() {
    let given = pb::ScheduleDeal {
        quota: days(&[("2026-12-02", 5)]),
        window: Some(pb::HourWindow {
            from_hour: 22,
            to_hour: 24,
        }),
        canary_device_count: 3,
        run_ahead: true,
        ..Default::default()
    };
    let read = deal(given.clone()).unwrap();
    assert_eq!(read.terms.window.map(|it| it.hours()), Some((22, 24)));
    assert_eq!(read.terms.canary, NonZeroU32::new(3));
    assert!(read.terms.run_ahead && !read.terms.security);
    let wrong = pb::ScheduleDeal {
        window: Some(pb::HourWindow {
            from_hour: 22,
            to_hour: 280,
        }),
        ..given
    };
    assert_eq!(deal(wrong).unwrap_err().reason(), "HOUR_WINDOW_INVALID");
}

#[test]
fn a_move_says_for_whom_and_an_imposed_one_says_why() {
    let message = |cause: pb::MoveCause, makes_room_for: &str, impose| {
        let mut message = pb::AmendScheduleRequest {
            makes_room_for: makes_room_for.to_owned(),
            impose,
            ..Default::default()
        };
        message.set_cause(cause);
        message
    };
    let other = "users/90-B3-D5-1F-30-02-00-00/schedules/7";
    let read = |cause, other, impose| {
        amendment(message(cause, other, impose)).map_err(|fault| fault.reason())
    };
    use pb::MoveCause as C;
    let plain = read(C::Unspecified, "", false);
    assert!(matches!(plain, Ok(Act::Amend { cause: None, .. })));
    let imposed = read(C::OverAgreed, "", true);
    let over = Cause::OverAgreed;
    assert!(matches!(imposed, Ok(Act::Impose { cause, .. }) if cause == over));
    let room = read(C::MakesRoom, other, false);
    assert!(
        matches!(room, Ok(Act::Amend { cause: Some(Cause::MakesRoomFor(id)), .. }) if id.number == 7)
    );
    assert_eq!(read(C::Unspecified, "", true), Err("MOVE_CAUSE_INVALID"));
    assert_eq!(read(C::OverAgreed, other, true), Err("MOVE_CAUSE_INVALID"));
    assert_eq!(read(C::MakesRoom, "", true), Err("NAME_INVALID"));
}

#[test]
fn instants_and_texts_and_numbers_that_are_absent_are_told_apart_from_given_ones() {
    assert_eq!(at_us(None), 0);
    let time = Timestamp {
        seconds: 3,
        nanos: 4_000,
    };
    assert_eq!(at_us(Some(time)), 3_000_004);
    assert_eq!(text("", "reason").unwrap_err().reason(), "TEXT_INVALID");
    assert_eq!(etag("").unwrap_err().reason(), "ETAG_INVALID");
    assert_eq!(etag("7"), Ok(7));
    assert_eq!(action("actions/7"), Ok(7));
    assert_eq!(action("7").unwrap_err().reason(), "NAME_INVALID");
    assert_eq!(action("actions/").unwrap_err().reason(), "NAME_INVALID");
}
