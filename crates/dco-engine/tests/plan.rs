//! Capacity and hour profile by service day, what they do to today and to what is agreed; what if.

use std::num::NonZeroU32;

use dco_engine::{
    Event, HOUR_US, NoticeParty, NoticeSubject, Refusal, Reply, Request, ScheduleRequest,
    SetCapacity, Terms,
};
use dco_schedule::{HourProfile, Refusal as BookRefusal, Span};

use crate::dump::dump;
use crate::sample::{ANN, BOB, DAY_US, LARGE, NORTH, date, devices, manifest, start};
use crate::schedules::all_agreeable;
use crate::world::schedules::{asking, deal, quota};
use crate::world::{World, succeed};

/// Ann has Devices 0 to 299 and a large image for them; the capacity is 100 a day and all of it can be agreed.
fn ready() -> World {
    let mut world = World::new(Terms {
        allowance_per_day: 300,
        ..all_agreeable()
    });
    world.register(&devices(0..300), ANN, NORTH);
    world.store(ANN, &manifest(2, LARGE), &devices(0..300));
    world
}

fn subjects(world: &mut World, party: NoticeParty) -> Vec<NoticeSubject> {
    let notices = world.notices_after(party, 0);
    notices.into_iter().map(|it| it.subject).collect()
}

#[test]
fn a_capacity_set_in_mid_day_holds_at_once_and_a_planned_one_on_its_day() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..300)).expect("sent");
    world.pass(6 * HOUR_US);
    let before = world.batch(ANN, 1).counts.succeeded;
    assert!(before > 0);
    let today = date("2026-06-01");
    world
        .set_capacity(Span::On(today), before + 7)
        .expect("set");
    world
        .set_capacity(Span::On(date("2026-06-02")), 40)
        .expect("planned");
    world.rest_of_day();
    assert_eq!(world.batch(ANN, 1).counts.succeeded, before + 7);
    world.crash();
    world.connect(NORTH);
    world.rest_of_day();
    assert_eq!(world.batch(ANN, 1).counts.succeeded, before + 47);
    world.rest_of_day();
    let days: Vec<_> = world.days(None).iter().map(|it| it.capacity).collect();
    assert_eq!(days[..3], [before + 7, 40, 100]);
}

#[test]
fn below_what_is_released_nothing_more_goes_and_a_raise_lets_it_go_on() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..300)).expect("sent");
    world.pass(6 * HOUR_US);
    let released = world.batch(ANN, 1).counts.succeeded;
    let today = Span::On(date("2026-06-01"));
    world.set_capacity(today, 1).expect("it may");
    world.pass(HOUR_US);
    assert_eq!(world.batch(ANN, 1).counts.succeeded, released);
    world.set_capacity(today, 250).expect("it may");
    world.rest_of_day();
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 250);
}

#[test]
fn a_profile_set_in_mid_day_is_followed_at_once() {
    let mut world = ready();
    world.habit = Some(succeed);
    world.connect(NORTH);
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..300)).expect("sent");
    world.pass(HOUR_US);
    let mut weights = [1; 24];
    weights[13..20].fill(0);
    let mut asked = world.setting(Span::On(date("2026-06-01")), 100);
    asked.capacity = None;
    asked.profile = Some(HourProfile::new(weights).expect("some weight"));
    world.set_this(&asked).expect("it may");
    world.crash();
    world.connect(NORTH);
    let at_one = world.batch(ANN, 1).counts.succeeded;
    world.until(start("2026-06-01") + 20 * HOUR_US - 1);
    assert_eq!(
        world.batch(ANN, 1).counts.succeeded,
        at_one,
        "none in the peak"
    );
    world.rest_of_day();
    assert_eq!(world.batch(ANN, 1).counts.succeeded, 100, "all by the end");
}

#[test]
fn a_drop_below_what_is_agreed_is_told_with_whom_to_move() {
    let mut world = ready();
    let anns = world.agreed(ANN, deal(&[("2026-06-20", 60)]));
    world.agreed(BOB, deal(&[("2026-06-20", 40)]));
    let asked = world.setting(Span::On(date("2026-06-20")), 70);
    let over = world.set_this(&asked).expect("it may");
    assert_eq!(over, quota(&[("2026-06-20", 30)]));
    assert_eq!(world.set_this(&asked), Ok(over), "the same again");
    let told = subjects(&mut world, NoticeParty::Desk);
    let Some(NoticeSubject::OverAgreed { days, proposal }) = told.last() else {
        panic!("{told:?}");
    };
    assert_eq!(*days, [(date("2026-06-20"), 30)]);
    assert_eq!(proposal.iter().map(|it| it.1).sum::<u64>(), 30);
    let touched = |it: &NoticeSubject| {
        matches!(
            it,
            NoticeSubject::CapacitySet {
                agreed_days: 1,
                capacity: Some(70),
                ..
            }
        )
    };
    for user in [ANN, BOB] {
        let told = subjects(&mut world, NoticeParty::User(user));
        assert!(told.iter().any(touched), "{told:?}");
    }
    assert_eq!(subjects(&mut world, NoticeParty::Operators).len(), 1);
    let replan = world.ask(Request::Schedules(ScheduleRequest::ProposeReplan));
    let Ok(Reply::Replan { replan, .. }) = replan else {
        panic!("{replan:?}");
    };
    assert!(replan.left.is_empty());
    let kept = world.read_schedule(anns).expect("there");
    assert_eq!(
        kept.schedule.agreed_on(date("2026-06-20")),
        60,
        "proposed, not imposed"
    );
    world.crash();
    assert_eq!(subjects(&mut world, NoticeParty::Desk).len(), told.len());
}

#[test]
fn a_day_that_begins_over_agreed_is_told() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    world.restart_with(Terms {
        capacity_per_day: 50,
        ..world.terms.clone()
    });
    world.handle(Event::Tick);
    let before = subjects(&mut world, NoticeParty::Desk).len();
    world.next_day();
    let told = subjects(&mut world, NoticeParty::Desk);
    let days = vec![(date("2026-06-02"), 10)];
    let proposal = Vec::new();
    assert_eq!(
        told[before..],
        [NoticeSubject::OverAgreed { days, proposal }]
    );
}

/// What is told to a party from a number on.
fn told_after(world: &mut World, party: NoticeParty, before: usize) -> Vec<NoticeSubject> {
    subjects(world, party).split_off(before)
}

#[test]
fn a_drop_of_capacity_by_configuration_is_told_once_like_one_that_is_set() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-01", 60), ("2026-06-20", 90)]));
    let parties = [
        NoticeParty::User(ANN),
        NoticeParty::Desk,
        NoticeParty::Operators,
    ];
    let before = parties.map(|party| subjects(&mut world, party).len());
    let less = Terms {
        capacity_per_day: 70,
        ..world.terms.clone()
    };
    world.restart_with(less);
    world.handle(Event::Tick);
    let mut told = Vec::new();
    for (party, before) in parties.into_iter().zip(before) {
        told.push(told_after(&mut world, party, before));
    }
    let set = |agreed_days| NoticeSubject::CapacitySet {
        span: Span::From(date("2026-06-01")),
        capacity: Some(70),
        profile: false,
        agreed_days,
    };
    assert_eq!(told[0], [set(2)]);
    assert_eq!(told[2], [set(0)]);
    let NoticeSubject::OverAgreed { days, proposal } = &told[1][1] else {
        panic!("{told:?}");
    };
    assert_eq!((&told[1][0], told[1].len()), (&set(0), 2));
    assert_eq!(*days, [(date("2026-06-20"), 20)]);
    assert_eq!(proposal.iter().map(|it| it.1).sum::<u64>(), 20);

    // Not again, neither after a start as it is configured now nor when a day begins; a rise is told as a setting.
    let counts = parties.map(|party| subjects(&mut world, party).len());
    world.crash();
    world.handle(Event::Tick);
    assert_eq!(
        parties.map(|party| subjects(&mut world, party).len()),
        counts
    );
    let more = Terms {
        capacity_per_day: 80,
        ..world.terms.clone()
    };
    world.restart_with(more);
    world.handle(Event::Tick);
    assert_eq!(
        told_after(&mut world, NoticeParty::Desk, counts[1]).len(),
        1
    );
}

#[test]
fn a_larger_reserve_by_configuration_is_told_where_it_leaves_too_little() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-20", 90)]));
    world
        .set_capacity(Span::From(date("2026-06-01")), 95)
        .expect("set");
    let before = subjects(&mut world, NoticeParty::Desk).len();
    let mut terms = world.terms.clone();
    terms.schedules.reserve.security = 10;
    world.restart_with(terms);
    world.handle(Event::Tick);
    let told = told_after(&mut world, NoticeParty::Desk, before);
    let [NoticeSubject::OverAgreed { days, .. }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(*days, [(date("2026-06-20"), 5)]);
}

#[test]
fn a_user_is_told_that_a_larger_reserve_leaves_too_little_on_its_days() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-20", 90), ("2026-06-21", 5)]));
    world.agreed(BOB, deal(&[("2026-06-20", 5), ("2026-06-22", 95)]));
    let users = [ANN, BOB].map(NoticeParty::User);
    let before = users.map(|user| subjects(&mut world, user).len());
    let mut terms = world.terms.clone();
    terms.schedules.reserve.security = 10;
    world.restart_with(terms);
    world.handle(Event::Tick);
    let told = |days: &[(&str, u32)]| {
        let days = days.iter().map(|(day, units)| (date(day), *units));
        NoticeSubject::OverAgreed {
            days: days.collect(),
            proposal: Vec::new(),
        }
    };
    let anns = told(&[("2026-06-20", 5)]);
    assert_eq!(told_after(&mut world, users[0], before[0]), [anns]);
    let bobs = told(&[("2026-06-20", 5), ("2026-06-22", 5)]);
    assert_eq!(told_after(&mut world, users[1], before[1]), [bobs]);
    let counts = users.map(|user| subjects(&mut world, user).len());
    world.crash();
    world.handle(Event::Tick);
    assert_eq!(users.map(|user| subjects(&mut world, user).len()), counts);
}

#[test]
fn who_sets_capacity_from_a_day_on_is_told_which_days_keep_their_own() {
    let mut world = ready();
    let days = ["2026-06-05", "2026-06-09"].map(date);
    for day in days {
        world.set_capacity(Span::On(day), 50).expect("set");
    }
    let asked = world.setting(Span::From(date("2026-06-06")), 80);
    let mut kept = |asked| match world.ask(Request::Schedules(ScheduleRequest::SetCapacity(asked)))
    {
        Ok(Reply::CapacitySet { kept, .. }) => kept,
        other => panic!("{other:?}"),
    };
    assert_eq!(kept(asked.clone()), days[1..]);
    assert_eq!(kept(asked), days[1..], "the same again");
}

/// What holds from a day on holds for it again, in the open day at once; who has agreed on it is told, and too much agreed is.
#[test]
fn what_was_set_for_a_day_alone_is_taken_back() {
    let mut world = ready();
    let (today, later) = (date("2026-06-01"), date("2026-06-20"));
    world
        .set_capacity(Span::From(today), 40)
        .expect("set from today on");
    for day in [today, later] {
        world.set_capacity(Span::On(day), 100).expect("set");
    }
    world.agreed(ANN, deal(&[("2026-06-20", 90)]));
    let [ann, desk] = [NoticeParty::User(ANN), NoticeParty::Desk];
    let before = [ann, desk].map(|party| subjects(&mut world, party).len());
    let clear = |world: &mut World, day| SetCapacity {
        capacity: None,
        clear: true,
        ..world.setting(Span::On(day), 0)
    };
    let mut asked = clear(&mut world, later);
    asked.validate_only = true;
    world.set_this(&asked).expect("it could be");
    asked.validate_only = false;
    let told = |answer| match answer {
        Ok(Reply::CapacitySet { over, .. }) => over,
        other => panic!("{other:?}"),
    };
    let over = quota(&[("2026-06-20", 50)]);
    let answers = [(); 2].map(|()| {
        let asked = ScheduleRequest::SetCapacity(asked.clone());
        told(world.ask(Request::Schedules(asked)))
    });
    assert_eq!(answers, [over.clone(), over], "the same again");
    let cleared = |agreed_days| NoticeSubject::CapacityCleared {
        date: later,
        capacity: 40,
        agreed_days,
    };
    assert_eq!(told_after(&mut world, ann, before[0]), [cleared(1)]);
    let desk = told_after(&mut world, desk, before[1]);
    assert_eq!(desk[0], cleared(0));
    assert!(
        matches!(&desk[1], NoticeSubject::OverAgreed { days, .. } if days[..] == [(later, 50)])
    );
    let again = clear(&mut world, later);
    assert!(matches!(
        world.set_this(&again),
        Err(Refusal::Schedule(BookRefusal::NothingSetAlone { date })) if date == later
    ));
    assert_eq!(world.days(None)[0].capacity, 100);
    let of_today = clear(&mut world, today);
    world.set_this(&of_today).expect("it was set");
    assert_eq!(world.days(None)[0].capacity, 40, "in force at once");
    let mut recovered = world.recovered();
    let alive = dump(&mut world.engine, world.now_us);
    assert_eq!(dump(&mut recovered, world.now_us), alive);
}

#[test]
fn nothing_is_free_to_be_agreed_for_a_day_that_is_over() {
    let mut world = ready();
    for user in [None, Some(ANN)] {
        let asked = ScheduleRequest::GetCapacity {
            user,
            first: Some(date("2026-05-31")),
            last: Some(date("2026-06-01")),
        };
        let free: Vec<_> = match world.ask(Request::Schedules(asked)) {
            Ok(Reply::Capacity(days)) => days.iter().map(|it| it.free).collect(),
            Ok(Reply::OwnCapacity(days)) => days.iter().map(|it| it.day.free).collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(free, [0, 100], "{user:?}");
    }
}

#[test]
fn the_last_day_of_the_calendar_is_answered_once() {
    let mut world = ready();
    let asked = |first, last| ScheduleRequest::GetCapacity {
        user: None,
        first: Some(date(first)),
        last,
    };
    for last in [None, Some(date("9998-12-31"))] {
        let answered = world.ask(Request::Schedules(asked("9998-12-30", last)));
        let Ok(Reply::Capacity(days)) = answered else {
            panic!("{answered:?}");
        };
        let dates: Vec<_> = days.iter().map(|day| day.date).collect();
        assert_eq!(dates, ["9998-12-30", "9998-12-31"].map(date));
    }
}

#[test]
fn days_that_are_over_cannot_be_set_and_nothing_is_no_setting() {
    let mut world = ready();
    let refused = world.set_capacity(Span::From(date("2026-05-31")), 5);
    assert!(matches!(
        refused,
        Err(Refusal::Schedule(BookRefusal::CapacityOfPast { .. }))
    ));
    let mut asked = world.setting(Span::From(date("2026-06-01")), 5);
    asked.capacity = None;
    assert_eq!(world.set_this(&asked), Err(Refusal::NothingSet));
    asked.capacity = Some(5);
    asked.validate_only = true;
    let seq = world.engine.last_seq();
    world.set_this(&asked).expect("it could be");
    assert_eq!(world.engine.last_seq(), seq);
}

#[test]
fn offers_for_a_request_are_found_at_once_and_can_be_agreed() {
    let mut world = ready();
    world.agreed(ANN, deal(&[("2026-06-01", 100), ("2026-06-02", 50)]));
    let asked = ScheduleRequest::ProposeFit {
        user: BOB,
        request: asking(200),
        window: None,
    };
    let Ok(Reply::Fits(fits)) = world.ask(Request::Schedules(asked)) else {
        panic!("no offers");
    };
    let nobody_moved = fits.moves_nobody.expect("there is room");
    let expected = quota(&[("2026-06-02", 50), ("2026-06-03", 100), ("2026-06-04", 50)]);
    assert_eq!(nobody_moved.quota, expected);
    let days: Vec<_> = nobody_moved.quota.days().collect();
    let named: Vec<_> = days
        .iter()
        .map(|(day, units)| (day.to_string(), *units))
        .collect();
    let named: Vec<_> = named
        .iter()
        .map(|(day, units)| (day.as_str(), *units))
        .collect();
    world.agreed(BOB, deal(&named));
}

#[test]
fn what_if_uses_what_is_sent_and_agreed_and_changes_nothing() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.submit(ANN, &image, &devices(0..300)).expect("sent");
    let seq = world.engine.last_seq();
    let asked = ScheduleRequest::Simulate {
        requests: vec![(BOB, asking(100))],
    };
    let Ok(Reply::Simulation(simulated)) = world.ask(Request::Schedules(asked)) else {
        panic!("no simulation");
    };
    assert_eq!(world.engine.last_seq(), seq);
    assert_eq!(simulated.users[&ANN].units, 300);
    assert_eq!(simulated.users[&BOB].units, 100);
    assert_eq!(simulated.days[0].released.values().sum::<u64>(), 100);
    let last = simulated.days.last().expect("days");
    assert_eq!(last.date, date("2026-06-04"), "400 at 100 a day");
    let too_many = ScheduleRequest::Simulate {
        requests: vec![(BOB, asking(1)); 101],
    };
    let refused = world.ask(Request::Schedules(too_many)).map(|_| ());
    let (given, limit) = (101, 100);
    assert_eq!(refused, Err(Refusal::TooManyRequests { given, limit }));
}

/// The whole estate: 670,000 Devices of five Users at 12,000 a day less the reserve.
#[test]
fn the_whole_estate_is_tried_out() {
    let mut world = World::new(Terms::default());
    let users = (1..=5).map(dco_block::Eui64::from_bits);
    let devices = NonZeroU32::new(134_000).expect("some");
    let request = dco_schedule::Request {
        devices,
        per_day_max: NonZeroU32::new(12_000).expect("some"),
        latest: date("2026-12-31"),
        ..asking(1)
    };
    let asked = ScheduleRequest::Simulate {
        requests: users.map(|user| (user, request)).collect(),
    };
    world.handle(Event::Tick);
    // What is asked is answered, and that is all: nothing of the engine is another, and nothing is recorded.
    let (before, records) = (dump(&mut world.engine, world.now_us), world.journal.len());
    let Ok(Reply::Simulation(simulated)) = world.ask(Request::Schedules(asked)) else {
        panic!("no simulation");
    };
    assert_eq!(dump(&mut world.engine, world.now_us), before);
    assert_eq!(world.journal.len(), records);
    let units: u64 = simulated.users.values().map(|it| it.units).sum();
    assert_eq!(units, 670_000);
    assert_eq!(simulated.days.len(), 75, "670,000 at 8,960 a day");
    assert!(simulated.users.values().all(|it| it.finish.is_some()));
    world.pass(DAY_US);
}
