//! Delivery schedules: from request to end, by whom, and what is told of it.

use dco_engine::{
    ActionFate, ActionState, ActionView, HOUR_US, ListSchedules, NoticeParty, NoticeSubject,
    Reader, Refusal, Reply, Request, ScheduleRequest, ScheduleTerms, Terms, Topic,
    record::{ActKind, Change, Record},
};
use dco_schedule::{
    Act, Approval, Asker, Cause, CrowdedWindow, Deal, HourProfile, HourWindow, Party,
    Refusal as BookRefusal, Reserve, Said, ScheduleId, Side, Span, State,
};

use prost::Message;

use crate::dump::dump;
use crate::sample::{ANN, BOB, DAY_US, capacity, date, start};
use crate::world::World;
use crate::world::schedules::{
    IDA, JOE, action_of, asking, deal, first_of, officer, schedule_of, text,
};

/// A capacity of 100 a day, all of which can be agreed.
pub(crate) fn all_agreeable() -> Terms {
    Terms {
        schedules: ScheduleTerms {
            reserve: Reserve {
                allowance: 0,
                security: 0,
                retry_permille: 0,
            },
            ..ScheduleTerms::default()
        },
        ..capacity(100)
    }
}

fn ready() -> World {
    World::new(all_agreeable())
}

fn kinds(world: &mut World, party: NoticeParty) -> Vec<ActKind> {
    let notices = world.notices_after(party, 0);
    let numbers: Vec<_> = notices.iter().map(|it| it.number).collect();
    let expected: Vec<_> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "counted from 1 without a gap");
    let kinds = notices.into_iter().filter_map(|it| match it.subject {
        NoticeSubject::ScheduleStep { act, .. } => Some(act),
        _ => None,
    });
    kinds.collect()
}

/// A start on the journal says the same of everything.
fn recovers(world: &mut World) {
    let mut recovered = world.recovered();
    assert_eq!(world.engine.last_seq(), recovered.last_seq());
    let alive = dump(&mut world.engine, world.now_us);
    assert_eq!(alive, dump(&mut recovered, world.now_us));
}

#[test]
fn from_request_to_agreed_amended_and_ended_with_two_users_and_two_officers() {
    let mut world = ready();
    let anns = world.agreed(ANN, deal(&[("2026-06-02", 60), ("2026-06-03", 60)]));
    let bobs = world.offered(BOB, deal(&[("2026-06-02", 40)]));
    let counter = Act::Counter {
        deal: deal(&[("2026-06-02", 30)]),
        answer_by_us: world.in_two_days(),
    };
    world.act(Asker::User, bobs, counter).expect("it may");
    world.act(officer(JOE), bobs, Act::Accept).expect("agreed");
    let amend = Act::Amend {
        deal: deal(&[("2026-06-02", 60), ("2026-06-04", 60)]),
        answer_by_us: world.in_two_days(),
        cause: None,
    };
    world.act(Asker::User, anns, amend).expect("she may ask");
    world.act(officer(IDA), anns, Act::Accept).expect("amended");
    let from = date("2026-06-04");
    world
        .act(Asker::User, anns, Act::End { from })
        .expect("ended");
    let ended = world.read_schedule(anns).expect("it is there");
    let left = ended.schedule.state().agreement().expect("one day is left");
    assert!(!ended.schedule.state().is_final());
    assert_eq!((ended.revision, left.ends), (6, Some(from)));
    let days = ["2026-06-02", "2026-06-03", "2026-06-04"].map(date);
    assert_eq!(days.map(|day| world.agreed_on(day)), [90, 0, 0]);
    use ActKind::{Accept, Amend, Counter, End, Offer, Request};
    let anns_notices = kinds(&mut world, NoticeParty::User(ANN));
    assert_eq!(anns_notices, [Offer, Accept, Accept, End]);
    let bobs_notices = kinds(&mut world, NoticeParty::User(BOB));
    assert_eq!(bobs_notices, [Offer, Accept]);
    assert_eq!(
        kinds(&mut world, NoticeParty::Desk),
        [
            Request, Accept, Request, Counter, Accept, Amend, Accept, End
        ]
    );
    recovers(&mut world);
}

#[test]
fn the_second_of_two_offers_that_fit_only_alone_is_refused_with_what_is_free() {
    let mut world = ready();
    let anns = world.offered(ANN, deal(&[("2026-06-02", 60)]));
    let bobs = world.offered(BOB, deal(&[("2026-06-02", 60)]));
    world.act(Asker::User, anns, Act::Accept).expect("it fits");
    let refused = world.act(Asker::User, bobs, Act::Accept);
    let Err(Refusal::Schedule(BookRefusal::DoesNotFit { days })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((days[0].free, days[0].wanted), (40, 60));
    assert_eq!(world.agreed_on(date("2026-06-02")), 60);
}

#[test]
fn who_repeats_an_act_may_have_read_its_effect_and_asks_the_same() {
    let mut world = ready();
    let anns = world.offered(ANN, deal(&[("2026-06-02", 60)]));
    let answer_by_us = world.in_two_days();
    let deal = deal(&[("2026-06-02", 50)]);
    let counter = |answer_by_us| Act::Counter {
        deal: deal.clone(),
        answer_by_us,
    };
    let asked = world.acting(Asker::User, anns, counter(answer_by_us));
    let first = schedule_of(world.act_this(&asked).expect("countered"));
    let mut again = world.acting(Asker::User, anns, counter(answer_by_us));
    assert_ne!(again.revision, asked.revision);
    again.id = asked.id;
    let answer = schedule_of(world.act_this(&again).expect("the same"));
    assert_eq!(answer, first);
    let mut later = world.acting(Asker::User, anns, counter(answer_by_us + 1));
    later.id = asked.id;
    again.reason = text("something else");
    for other in [later, again] {
        let refused = world.act_this(&other).map(|_| ());
        assert_eq!(refused, Err(Refusal::RequestIdReused));
    }
}

#[test]
fn the_same_request_has_the_same_answer_and_another_body_is_refused() {
    let mut world = ready();
    let asked = world.acting(Asker::User, first_of(ANN), Act::Request(asking(10)));
    let first = schedule_of(world.act_this(&asked).expect("it is right"));
    let again = schedule_of(world.act_this(&asked).expect("the same"));
    assert_eq!((first.id, first.revision), (again.id, again.revision));
    world.crash();
    let after = schedule_of(world.act_this(&asked).expect("the same after a start"));
    assert_eq!(after, first);
    let mut other = asked.clone();
    other.act = Act::Request(asking(11));
    assert!(matches!(
        world.act_this(&other),
        Err(Refusal::RequestIdReused)
    ));
    let list = Request::Schedules(ScheduleRequest::List(ListSchedules {
        user: None,
        after: None,
        open_only: false,
        limit: 10,
        reader: Reader::Desk,
    }));
    assert!(matches!(world.ask(list), Ok(Reply::Schedules(all)) if all.len() == 1));
}

#[test]
fn what_only_validates_shows_what_would_be_and_changes_nothing() {
    let mut world = ready();
    let mut asked = world.acting(Asker::User, first_of(ANN), Act::Request(asking(10)));
    asked.validate_only = true;
    let seq = world.engine.last_seq();
    let shown = schedule_of(world.act_this(&asked).expect("it is right"));
    assert_eq!(
        (shown.revision, shown.schedule.state()),
        (1, &State::Requested)
    );
    assert_eq!(world.engine.last_seq(), seq);
    let id = world.offered(ANN, deal(&[("2026-06-02", 60)]));
    let mut asked = world.acting(Asker::User, id, Act::Accept);
    asked.validate_only = true;
    let shown = schedule_of(world.act_this(&asked).expect("it fits"));
    assert!(matches!(shown.schedule.state(), State::Agreed(_)));
    assert_eq!(world.agreed_on(date("2026-06-02")), 0);
}

#[test]
fn an_old_etag_is_refused() {
    let mut world = ready();
    let id = world.offered(ANN, deal(&[("2026-06-02", 60)]));
    let stale = world.acting(Asker::User, id, Act::Accept);
    let answer_by_us = world.in_two_days();
    let deal = deal(&[("2026-06-02", 10)]);
    let offer = Act::Offer { deal, answer_by_us };
    world.act(officer(JOE), id, offer).expect("another offer");
    let refused = world.act_this(&stale).expect_err("another one was faster");
    let (given, current) = (2, 3);
    let mismatch = BookRefusal::RevisionMismatch { given, current };
    assert_eq!(refused, Refusal::Schedule(mismatch));
}

/// Security priority needs two officers.
fn secure() -> Deal {
    let mut deal = deal(&[("2026-06-02", 40)]);
    deal.terms.security = true;
    deal
}

#[test]
fn what_needs_two_officers_waits_for_another_one() {
    let mut terms = all_agreeable();
    terms.schedules.reserve.security = 40;
    let mut world = World::new(terms);
    let asked = world.act(Asker::User, first_of(ANN), Act::Request(asking(60)));
    let id = schedule_of(asked.expect("asked")).id;
    let answer_by_us = world.in_two_days();
    let offer = Act::Offer {
        deal: secure(),
        answer_by_us,
    };
    let pended = action_of(world.act(officer(IDA), id, offer).expect("it waits"));
    assert_eq!(
        (pended.number, &pended.fate),
        (Some(1), &ActionFate::Waiting)
    );
    let waiting = |world: &mut World, reader| {
        let asked = Request::Schedules(ScheduleRequest::Get { id, reader });
        schedule_of(world.ask(asked).expect("there")).waiting
    };
    assert_eq!(waiting(&mut world, Reader::Desk), [1]);
    assert_eq!(waiting(&mut world, Reader::User), [0_u64; 0]);
    let same = world.approve(IDA, 1).expect_err("it must be another");
    assert_eq!(same, Refusal::Schedule(BookRefusal::SameOfficer));
    assert!(matches!(
        world.read_schedule(id).expect("there").schedule.state(),
        State::Requested
    ));
    let approved = schedule_of(world.approve(JOE, 1).expect("another one"));
    let last = approved.schedule.history().last().expect("the offer");
    let said = Some(Said {
        ticket: text("INC-2"),
        reason: text("read and understood"),
    });
    let second = Approval { officer: JOE, said };
    assert_eq!(last.signed.by.second(), Some(&second));
    let gone = world.approve(JOE, 1).expect_err("it is done");
    let state = ActionState::Approved;
    assert_eq!(gone, settled(1, state, "read and understood"));
    let subjects: Vec<_> = world
        .notices_after(NoticeParty::Desk, 1)
        .into_iter()
        .map(|it| it.subject)
        .collect();
    assert!(
        matches!(subjects[0], NoticeSubject::ActionPending { action: 1, .. }),
        "{subjects:?}"
    );
    let told = NoticeSubject::ActionSettled {
        action: 1,
        approved: true,
    };
    assert_eq!(subjects.last(), Some(&told));
    recovers(&mut world);
}

fn settled(action: u64, state: ActionState, why: &str) -> Refusal {
    let why = why.to_owned();
    Refusal::ActionSettled { action, state, why }
}

#[test]
fn what_nobody_approves_expires_and_one_officer_can_decline() {
    let mut world = ready();
    let id = world.agreed(ANN, deal(&[("2026-06-20", 60)]));
    for (action, from) in [(1, "2026-06-10"), (2, "2026-06-11")] {
        let from = date(from);
        let end = world.act(officer(IDA), id, Act::End { from });
        assert_eq!(action_of(end.expect("it waits")).number, Some(action));
    }
    let declined = action_of(world.decline_action(JOE, 1).expect("he may"));
    assert!(matches!(declined.fate, ActionFate::Closed(_)));
    world.pass(4 * DAY_US);
    let again = world.approve(JOE, 2).expect_err("it has expired");
    let why = "no second officer approved it in time";
    assert_eq!(again, settled(2, ActionState::Expired, why));
    assert!(matches!(
        world.read_schedule(id).expect("there").schedule.state(),
        State::Agreed(_)
    ));
    recovers(&mut world);
}

/// What is told of an act says days, units, cause and end; and an act that can never be done does not wait.
#[test]
fn an_act_that_its_user_overtakes_is_marked_so_and_told() {
    let mut world = ready();
    let id = world.agreed(ANN, deal(&[("2026-06-20", 60), ("2026-06-21", 10)]));
    let request = Act::Request(dco_schedule::Request {
        earliest: date("2026-06-20"),
        ..asking(60)
    });
    let other = world.act(Asker::User, first_of(BOB), request);
    let cause = Cause::MakesRoomFor(schedule_of(other.expect("asked")).id);
    let impose = Act::Impose {
        deal: deal(&[("2026-06-20", 40), ("2026-06-21", 10), ("2026-06-22", 20)]),
        cause,
    };
    world.act(officer(IDA), id, impose).expect("it waits");
    let told = world.notices_after(NoticeParty::Desk, 0);
    let told = told.last().and_then(|it| it.told.clone());
    let told = told.expect("it is about an act");
    let days = Some((date("2026-06-20"), date("2026-06-22")));
    assert_eq!((told.units, told.days, told.cause), (70, days, Some(cause)));
    let from = date("2026-06-20");
    world
        .act(Asker::User, id, Act::End { from })
        .expect("it is its own");
    let late = world.approve(JOE, 1).expect_err("it is overtaken");
    let state = ActionState::Overtaken;
    let why = "its schedule is not as it was when it was asked for: step 4 was END by the User";
    assert_eq!(late, settled(1, state, why));
    let ended = world.notices_after(NoticeParty::Desk, 0);
    let ends: Vec<_> = ended
        .iter()
        .filter_map(|it| it.told.as_ref()?.ends)
        .collect();
    assert_eq!(ends, [from]);
    let all = |settled| {
        Request::Schedules(ScheduleRequest::ListPendingActions {
            after: 0,
            limit: 9,
            settled,
        })
    };
    let states = [false, true].map(|settled| match world.ask(all(settled)) {
        Ok(Reply::Actions(actions)) => actions.iter().map(ActionView::state).collect::<Vec<_>>(),
        other => panic!("no list of actions: {other:?}"),
    });
    assert_eq!(states, [vec![], vec![state]]);
    recovers(&mut world);
}

#[test]
fn a_profile_that_leaves_a_window_too_little_is_told_to_the_desk() {
    let mut world = ready();
    let day = date("2026-06-20");
    let mut in_the_evening = deal(&[("2026-06-20", 20)]);
    in_the_evening.terms.window = HourWindow::new(18, 24).ok();
    world.agreed(ANN, in_the_evening);
    let mut weights = [1; 24];
    weights[18..].fill(0);
    let mut asked = world.setting(Span::On(day), 100);
    asked.profile = HourProfile::new(weights).ok();
    let windows = vec![CrowdedWindow {
        id: first_of(ANN),
        date: day,
        window: HourWindow::new(18, 24).expect("a window"),
        fits: 0,
        agreed: 20,
    }];
    let (over, crowded) = world.effect_of(&asked).expect("it may be set");
    assert!(over.is_empty(), "the day has room, the hours have none");
    assert_eq!(crowded, windows);
    assert_eq!(
        world.effect_of(&asked).expect("the same request").1,
        windows
    );
    let subject = NoticeSubject::WindowsCrowded {
        days: vec![(day, 20)],
        windows: windows.clone(),
    };
    let parties = [NoticeParty::Desk, NoticeParty::User(ANN)];
    let seen = parties.map(|party| {
        let told = world.notices_after(party, 0);
        assert_eq!(told.last().map(|it| &it.subject), Some(&subject));
        told.len()
    });
    let of_bob = world.notices_after(NoticeParty::User(BOB), 0);
    assert!(!of_bob.iter().any(is_crowded), "nothing of his is");
    let replan = world.ask(Request::Schedules(ScheduleRequest::ProposeReplan));
    assert!(matches!(replan, Ok(Reply::Replan { crowded, .. }) if crowded == windows));
    asked.id = world.fresh_id();
    let (_, again) = world.effect_of(&asked).expect("again");
    assert_eq!(again, [], "nothing is so by it");
    for (party, seen) in parties.into_iter().zip(seen) {
        let more = world.notices_after(party, u64::try_from(seen).expect("few"));
        assert!(!more.iter().any(is_crowded), "it is told once");
    }
    recovers(&mut world);
    world.until(start("2026-06-20") + HOUR_US);
    for (party, seen) in parties.into_iter().zip(seen) {
        let more = world.notices_after(party, u64::try_from(seen).expect("few"));
        let at_its_day: Vec<_> = more.iter().filter(|it| is_crowded(it)).collect();
        assert_eq!(at_its_day.len(), 1, "once as the day begins: {more:?}");
        assert_eq!(at_its_day[0].subject, subject);
    }
    recovers(&mut world);
}

fn is_crowded(notice: &dco_engine::Notice) -> bool {
    matches!(notice.subject, NoticeSubject::WindowsCrowded { .. })
}

/// Two windows in the same hours: each is told what fits beside the other, and its User not what the other has.
#[test]
fn each_user_is_told_of_its_own_windows_that_a_drop_of_capacity_leaves_too_little() {
    let mut world = ready();
    for user in [ANN, BOB] {
        let mut in_the_evening = deal(&[("2026-06-20", 12)]);
        in_the_evening.terms.window = HourWindow::new(18, 24).ok();
        world.agreed(user, in_the_evening);
    }
    let asked = world.setting(Span::On(date("2026-06-20")), 80);
    let (_, crowded) = world.effect_of(&asked).expect("it may be set");
    let told: Vec<_> = crowded
        .iter()
        .map(|it| (it.id.user, it.fits, it.agreed))
        .collect();
    assert_eq!(told, [(ANN, 8, 12), (BOB, 8, 12)], "20 fit in six hours");
    for user in [ANN, BOB] {
        let told = world.notices_after(NoticeParty::User(user), 0);
        let Some(NoticeSubject::WindowsCrowded { days, windows }) =
            told.last().map(|it| &it.subject)
        else {
            panic!("nothing is told: {told:?}");
        };
        assert_eq!(days, &[(date("2026-06-20"), 4)]);
        assert!(windows.iter().all(|it| it.id.user == user));
    }
    recovers(&mut world);
}

/// The day of it is not open for long: it is told as the configuration changes, and again as the day begins.
#[test]
fn a_profile_of_the_configuration_that_leaves_windows_too_little_is_told() {
    let mut world = ready();
    let mut in_the_evening = deal(&[("2026-06-20", 20)]);
    in_the_evening.terms.window = HourWindow::new(18, 24).ok();
    world.agreed(ANN, in_the_evening);
    let mut weights = [1; 24];
    weights[18..].fill(0);
    world.restart_with(Terms {
        hour_profile: HourProfile::new(weights).expect("it has weight"),
        ..all_agreeable()
    });
    for at_us in [world.now_us + HOUR_US, start("2026-06-20") - 1] {
        world.until(at_us);
        for party in [NoticeParty::Desk, NoticeParty::User(ANN)] {
            let told = world.notices_after(party, 0);
            let crowded = told.iter().filter(|it| is_crowded(it));
            assert_eq!(crowded.count(), 1, "{party:?}: {told:?}");
            let is_profile = |it: &dco_engine::Notice| {
                matches!(
                    &it.subject,
                    NoticeSubject::CapacitySet {
                        profile: true,
                        capacity: None,
                        ..
                    }
                )
            };
            assert!(told.iter().any(is_profile), "{told:?}");
        }
    }
    world.next_day();
    for party in [NoticeParty::Desk, NoticeParty::User(ANN)] {
        let told = world.notices_after(party, 0);
        let crowded = told.iter().filter(|it| is_crowded(it));
        assert_eq!(crowded.count(), 2, "{party:?}: {told:?}");
    }
    recovers(&mut world);
}

/// Records from before the configuration's profile was kept: the first start after them learns it, and tells nobody of a change.
#[test]
fn a_profile_that_was_not_kept_before_is_no_change() {
    let mut world = ready();
    let mut in_the_evening = deal(&[("2026-06-20", 20)]);
    in_the_evening.terms.window = HourWindow::new(18, 24).ok();
    world.agreed(ANN, in_the_evening);
    for record in &mut world.journal {
        let mut read = Record::decode(record.as_slice()).expect("its own");
        if let Some(Change::DayOpened(day)) = &mut read.change {
            let configured = day.configured.as_mut().expect("it is kept");
            assert_eq!(configured.profile, [1; 24]);
            configured.profile.clear();
        }
        *record = read.encode_to_vec();
    }
    let told = world.notices_after(NoticeParty::Desk, 0);
    for _ in 0..2 {
        world.crash();
        world.pass(HOUR_US);
        assert_eq!(world.notices_after(NoticeParty::Desk, 0), told);
        let opened = world.journal.iter().filter(|record| {
            let read = Record::decode(record.as_slice()).expect("its own");
            matches!(read.change, Some(Change::DayOpened(_)))
        });
        assert_eq!(opened.count(), 2, "learned once");
    }
}

#[test]
fn a_user_is_moved_with_two_signatures_and_never_told_for_whom() {
    let mut world = ready();
    let anns = world.agreed(ANN, deal(&[("2026-06-20", 60)]));
    let request = Act::Request(dco_schedule::Request {
        earliest: date("2026-06-20"),
        ..asking(60)
    });
    let asked = world.act(Asker::User, first_of(BOB), request);
    let bobs = schedule_of(asked.expect("asked")).id;
    let impose = Act::Impose {
        deal: deal(&[("2026-06-20", 40), ("2026-06-21", 20)]),
        cause: Cause::MakesRoomFor(bobs),
    };
    let pended = world.act(officer(IDA), anns, impose);
    assert_eq!(action_of(pended.expect("it waits")).number, Some(1));
    world.approve(JOE, 1).expect("another one");
    let offer = Act::Offer {
        deal: deal(&[("2026-06-20", 60)]),
        answer_by_us: world.in_two_days(),
    };
    world.act(officer(IDA), bobs, offer).expect("it fits now");
    world.act(Asker::User, bobs, Act::Accept).expect("it fits");
    let reader = Reader::User;
    let get = ScheduleRequest::Get { id: anns, reader };
    let own = schedule_of(world.ask(Request::Schedules(get)).expect("her own"));
    assert_eq!(own.schedule.moves().len(), 1);
    let bob = format!("{BOB:?}");
    assert!(!format!("{own:?}").contains(&bob), "{own:?}");
    let full = world.read_schedule(anns).expect("there");
    assert!(format!("{full:?}").contains(&bob));
    recovers(&mut world);
}

#[test]
fn time_lapses_offers_and_ends_schedules_after_their_last_day() {
    let mut world = ready();
    let anns = world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let bobs = world.offered(BOB, deal(&[("2026-06-20", 60)]));
    world.pass(DAY_US);
    assert!(matches!(
        world.read_schedule(anns).expect("there").schedule.state(),
        State::Agreed(_)
    ));
    world.pass(DAY_US);
    let state = |world: &mut World, id: ScheduleId<_>| {
        let view = world.read_schedule(id).expect("there");
        let last = view.schedule.history().last().expect("a step");
        assert_eq!(last.signed.by, Party::Time);
        view.schedule.state().clone()
    };
    assert!(matches!(state(&mut world, anns), State::Ended(_)));
    assert_eq!(state(&mut world, bobs), State::Lapsed);
    for (user, kind) in [(ANN, ActKind::End), (BOB, ActKind::Lapse)] {
        let last = kinds(&mut world, NoticeParty::User(user)).pop();
        assert_eq!(last, Some(kind));
    }
    let told = kinds(&mut world, NoticeParty::Desk);
    assert_eq!(told[told.len() - 2..], [ActKind::End, ActKind::Lapse]);
    recovers(&mut world);
}

#[test]
fn a_journal_that_ends_before_what_time_brought_brings_it_again() {
    let mut world = ready();
    let anns = world.agreed(ANN, deal(&[("2026-06-02", 60)]));
    let before = world.journal.len();
    world.pass(3 * DAY_US);
    for durable in before..=world.journal.len() {
        let mut again = ready();
        again.journal = world.journal.clone();
        again.now_us = world.now_us;
        again.durable = durable;
        again.crash();
        let ended = again.read_schedule(anns).expect("there");
        assert!(
            matches!(ended.schedule.state(), State::Ended(_)),
            "{durable}"
        );
        let told = kinds(&mut again, NoticeParty::User(ANN));
        let ends = told.iter().filter(|kind| **kind == ActKind::End);
        assert_eq!(ends.count(), 1, "told once, after {durable} records");
    }
}

#[test]
fn notices_are_read_in_parts_and_whoever_watches_is_told() {
    let mut world = ready();
    world.offered(ANN, deal(&[("2026-06-02", 60)]));
    let party = NoticeParty::Desk;
    assert!(world.changed.contains(&Topic::Notices { party }));
    for _ in 0..4 {
        let request = Act::Request(asking(5));
        world
            .act(Asker::User, first_of(BOB), request)
            .expect("asked");
    }
    let mut position = 0;
    let mut numbers = Vec::new();
    loop {
        let limit = 2;
        let asked = ScheduleRequest::ReadNotices {
            party,
            position,
            limit,
        };
        let Ok(Reply::Notices(part)) = world.ask(Request::Schedules(asked)) else {
            panic!("no notices");
        };
        numbers.extend(part.notices.iter().map(|it| it.number));
        position = part.position;
        if part.complete {
            break;
        }
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(world.notices_after(party, 5), []);
    let by_user = world.notices_after(party, 0).into_iter().all(
        |it| matches!(it.subject, NoticeSubject::ScheduleStep { by, .. } if by == Some(Side::User)),
    );
    assert!(by_user, "the desk is not told what it does itself");
}

#[test]
fn notices_go_when_a_day_begins_and_a_position_among_them_is_refused_with_where_to_go_on() {
    let mut terms = all_agreeable();
    terms.notices.keep_us = 3 * DAY_US;
    let mut world = World::new(terms);
    let party = NoticeParty::Desk;
    for day in 0..6 {
        world
            .act(Asker::User, first_of(ANN), Act::Request(asking(5 + day)))
            .expect("asked");
        world.pass(DAY_US);
    }
    let kept = world.notices_after(party, 0);
    let numbers: Vec<_> = kept.iter().map(|it| it.number).collect();
    let forgotten = numbers[0] - 1;
    assert!(forgotten > 0, "{numbers:?}");
    assert_eq!(numbers, (forgotten + 1..=6).collect::<Vec<_>>());
    let mut read = |position| {
        let asked = ScheduleRequest::ReadNotices {
            party,
            position,
            limit: 1,
        };
        world.ask(Request::Schedules(asked))
    };
    if forgotten > 1 {
        let gone = Refusal::NoticesForgotten {
            position: 1,
            first_position: forgotten,
        };
        assert_eq!(read(1).expect_err("they are gone"), gone);
    }
    let Ok(Reply::Notices(next)) = read(forgotten) else {
        panic!("all that follows is there");
    };
    assert_eq!(next.notices[0].number, forgotten + 1);
    assert_eq!((next.position, next.complete), (forgotten + 1, false));
    recovers(&mut world);

    // Fewer by number too, and what is told from then on goes on counting.
    let mut terms = world.terms.clone();
    terms.notices.per_party_max = 1;
    world.restart_with(terms);
    world.pass(DAY_US);
    world
        .act(Asker::User, first_of(ANN), Act::Request(asking(5)))
        .expect("asked");
    let numbers = world.notices_after(party, 0).into_iter();
    assert_eq!(numbers.map(|it| it.number).collect::<Vec<_>>(), [6, 7]);
    recovers(&mut world);
}
