//! Schedules and acts that wait for a second officer, as they go out.

use dco_block::Eui64;
use dco_engine::record::ActKind;
use dco_engine::{ActionFate, ActionState, ActionView, ScheduleView};
use dco_proto::v1 as pb;
use dco_schedule::{
    Act, Approval, Asker, Cause, Deal, Move, Officer, Party, Proposal, Quota, Request, ServiceDate,
    Signed, State, Step,
};

use super::super::instant;
use super::{act_kind, action_name, covers, name, party, quota};

/// The newest steps say their days, older ones their sums: so a long history stays below the limit of a message.
const STEPS_WITH_DAYS_MAX: usize = 32;

/// A schedule with all that is known of it.
pub(crate) fn whole(view: &ScheduleView) -> pb::Schedule {
    let state = view.schedule.state();
    let history = view.schedule.history();
    let older = history.len().saturating_sub(STEPS_WITH_DAYS_MAX);
    let (older, newest) = history.split_at(older);
    let older = older.iter().map(|it| step(it, summed));
    let newest = newest.iter().map(|it| step(it, deal));
    pb::Schedule {
        agreed: state.agreement().map(|agreement| deal(&agreement.deal)),
        proposal: state.proposal().map(|it| proposal(it, deal(&it.deal))),
        moves: view.schedule.moves().iter().map(moved).collect(),
        history: older.chain(newest).collect(),
        waiting_actions: view
            .waiting
            .iter()
            .map(|it| action_name(Some(*it)))
            .collect(),
        ..listed(view)
    }
}

/// A schedule without what can be long.
pub(crate) fn listed(view: &ScheduleView) -> pb::Schedule {
    let state = view.schedule.state();
    let agreement = state.agreement();
    pb::Schedule {
        name: name(view.id),
        etag: view.revision.to_string(),
        state: state_of(state).into(),
        request: Some(request(view.schedule.request())),
        agreed: agreement.map(|agreement| summed(&agreement.deal)),
        amendment_count: agreement.map_or(0, |agreement| agreement.amendments),
        proposal: state.proposal().map(|it| proposal(it, summed(&it.deal))),
        moves: Vec::new(),
        move_count: u32::try_from(view.schedule.moves().len()).unwrap_or(u32::MAX),
        moves_max: view.moves_max,
        history: Vec::new(),
        end_date: agreement
            .and_then(|agreement| agreement.ends)
            .map_or_else(String::new, |date| date.to_string()),
        warnings: state.proposal().map_or_else(Vec::new, |it| {
            warnings(view.schedule.request(), &it.deal.quota)
        }),
        waiting_actions: Vec::new(),
    }
}

/// What of a quota is not as its User asked for it.
fn warnings(request: &Request, quota: &Quota) -> Vec<String> {
    let most = request.per_day_max.get();
    let told = |days: Vec<(ServiceDate, u32)>, what: String| {
        let (first, units) = *days.first()?;
        let count = match days.len() {
            1 => "1 service day is".to_owned(),
            days => format!("{days} service days are"),
        };
        Some(format!("{count} {what}, first {first} with {units}"))
    };
    let days = |is: &dyn Fn(ServiceDate, u32) -> bool| {
        quota
            .days()
            .filter(|(date, units)| is(*date, *units))
            .collect()
    };
    let above = days(&|_, units| units > most);
    let early = days(&|date, _| date < request.earliest);
    let late = days(&|date, _| date > request.latest);
    [
        told(
            above,
            format!("above the daily maximum of {most} that the User asked for"),
        ),
        told(
            early,
            format!(
                "before {}, the earliest day that the User asked for",
                request.earliest
            ),
        ),
        told(
            late,
            format!(
                "after {}, the latest day that the User asked for",
                request.latest
            ),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An act that waits, or waited, for a second officer.
pub(crate) fn action(view: &ActionView) -> pb::PendingAction {
    let ask = &view.pending.ask;
    let by = match &ask.by {
        Asker::User => Party::User,
        Asker::Officer { officer, ticket } => Party::Desk(Officer {
            officer: *officer,
            ticket: ticket.clone(),
            second: None,
        }),
    };
    let asked = Step {
        act: ask.act.clone(),
        signed: Signed {
            by,
            at_us: view.pending.asked_us,
            reason: ask.reason.clone(),
        },
        beyond_request: ask.beyond_request,
    };
    let settled = settled(&view.fate);
    // Who looks back at many needs no days of each.
    let shown = if settled.is_none() { deal } else { summed };
    pb::PendingAction {
        name: action_name(view.number),
        state: action_state(view.state()).into(),
        schedule: name(ask.id),
        step: Some(step(&asked, deal)),
        expire_time: Some(instant(view.pending.expires_us)),
        settled,
        agreed: view.agreed.as_ref().map(shown),
        deal: view.deal.as_ref().map(shown),
    }
}

const fn action_state(state: ActionState) -> pb::pending_action::State {
    use pb::pending_action::State;
    match state {
        ActionState::Waiting => State::Waiting,
        ActionState::Approved => State::Approved,
        ActionState::Declined => State::Declined,
        ActionState::Expired => State::Expired,
        ActionState::Overtaken => State::Overtaken,
    }
}

fn settled(fate: &ActionFate) -> Option<pb::ScheduleSignature> {
    match fate {
        ActionFate::Waiting => None,
        ActionFate::Approved { second, at_us } => {
            let (ticket, reason) = said(Some(second));
            Some(pb::ScheduleSignature {
                by: pb::ScheduleParty::ServiceDesk.into(),
                officer: second.officer.to_string(),
                ticket,
                reason,
                sign_time: Some(instant(*at_us)),
                ..Default::default()
            })
        }
        ActionFate::Closed(signed) => Some(signature(signed)),
    }
}

fn state_of(state: &State<Eui64>) -> pb::schedule::State {
    match state {
        State::Requested => pb::schedule::State::Requested,
        State::Offered(_) => pb::schedule::State::Offered,
        State::Countered(_) => pb::schedule::State::Countered,
        State::Agreed(agreement) if agreement.amendments > 0 => pb::schedule::State::Amended,
        State::Agreed(_) => pb::schedule::State::Agreed,
        State::Amending(..) => pb::schedule::State::Amending,
        State::Ended(_) => pb::schedule::State::Ended,
        State::Withdrawn => pb::schedule::State::Withdrawn,
        State::Declined => pb::schedule::State::Declined,
        State::Lapsed => pb::schedule::State::Lapsed,
    }
}

fn request(request: &Request) -> pb::ScheduleRequest {
    pb::ScheduleRequest {
        manufacturer_image_hash: covers(&request.covers),
        device_count: request.devices.get(),
        earliest_date: request.earliest.to_string(),
        latest_date: request.latest.to_string(),
        per_day_max: request.per_day_max.get(),
    }
}

fn deal(deal: &Deal) -> pb::ScheduleDeal {
    pb::ScheduleDeal {
        quota: quota(&deal.quota),
        ..summed(deal)
    }
}

/// A deal without its days.
fn summed(deal: &Deal) -> pb::ScheduleDeal {
    let (first, last) = (deal.quota.first(), deal.quota.last());
    let terms = &deal.terms;
    let window = terms.window.map(|window| {
        let (from, to) = window.hours();
        pb::HourWindow {
            from_hour: from.into(),
            to_hour: to.into(),
        }
    });
    pb::ScheduleDeal {
        quota: Vec::new(),
        window,
        canary_device_count: terms.canary.map_or(0, std::num::NonZeroU32::get),
        run_ahead: terms.run_ahead,
        security: terms.security,
        quota_total: deal.quota.total(),
        first_date: first.map_or_else(String::new, |date| date.to_string()),
        last_date: last.map_or_else(String::new, |date| date.to_string()),
    }
}

fn proposal(proposal: &Proposal<Eui64>, deal: pb::ScheduleDeal) -> pb::ScheduleProposal {
    let (cause, makes_room_for) = cause(proposal.cause.as_ref());
    pb::ScheduleProposal {
        by: party(Some(proposal.by)),
        deal: Some(deal),
        answer_by_time: Some(instant(proposal.answer_by_us)),
        cause,
        makes_room_for,
    }
}

fn moved(moved: &Move<Eui64>) -> pb::ScheduleMove {
    let (cause, makes_room_for) = cause(Some(&moved.cause));
    pb::ScheduleMove {
        move_time: Some(instant(moved.at_us)),
        cause,
        makes_room_for,
        taken: quota(&moved.taken),
        given: quota(&moved.given),
        imposed: moved.imposed,
    }
}

fn step(step: &Step<Eui64>, deal: fn(&Deal) -> pb::ScheduleDeal) -> pb::ScheduleStep {
    let why = match &step.act {
        Act::Amend { cause, .. } => cause.as_ref(),
        Act::Impose { cause, .. } => Some(cause),
        _ => None,
    };
    let (cause, makes_room_for) = cause(why);
    let end_date = match &step.act {
        Act::End { from } => from.to_string(),
        _ => String::new(),
    };
    pb::ScheduleStep {
        act: act_kind(ActKind::of(&step.act)).into(),
        signature: Some(signature(&step.signed)),
        deal: step.act.deal().map(deal),
        answer_by_time: step.act.answer_by_us().map(instant),
        cause,
        makes_room_for,
        end_date,
        beyond_request: step.beyond_request,
    }
}

fn signature(signed: &Signed<Eui64>) -> pb::ScheduleSignature {
    let blank = pb::ScheduleSignature {
        by: party(signed.by.side()),
        reason: signed.reason.to_string(),
        sign_time: Some(instant(signed.at_us)),
        ..Default::default()
    };
    let Party::Desk(officer) = &signed.by else {
        return blank;
    };
    let second = officer.second.as_ref();
    let (second_ticket, second_reason) = said(second);
    pb::ScheduleSignature {
        officer: officer.officer.to_string(),
        second_officer: second.map_or_else(String::new, |second| second.officer.to_string()),
        second_ticket,
        second_reason,
        ticket: officer.ticket.to_string(),
        ..blank
    }
}

/// The ticket and the reason of a second officer; empty where nothing is known of them.
fn said(second: Option<&Approval<Eui64>>) -> (String, String) {
    let said = second.and_then(|second| second.said.as_ref());
    said.map_or_else(Default::default, |said| {
        (said.ticket.to_string(), said.reason.to_string())
    })
}

pub(in crate::convert) fn cause(cause: Option<&Cause<Eui64>>) -> (i32, String) {
    let (cause, for_whom) = match cause {
        None => (pb::MoveCause::Unspecified, String::new()),
        Some(Cause::OverAgreed) => (pb::MoveCause::OverAgreed, String::new()),
        Some(Cause::MakesRoom) => (pb::MoveCause::MakesRoom, String::new()),
        Some(Cause::MakesRoomFor(id)) => (pb::MoveCause::MakesRoom, name(*id)),
    };
    (cause.into(), for_whom)
}

#[cfg(test)]
mod tests {
    use dco_schedule::{Agreement, Covers, Side, Terms};

    use super::*;

    fn a_deal() -> Deal {
        let day = |days| (ServiceDate::from_days(days), 5);
        Deal {
            quota: [day(20_000), day(20_002)].into_iter().collect(),
            terms: Terms::default(),
        }
    }

    #[test]
    fn a_state_has_one_word_on_the_wire_and_in_the_rules() {
        let agreement = |amendments| Agreement {
            deal: a_deal(),
            amendments,
            ends: None,
        };
        let proposal = || Proposal {
            by: Side::Desk,
            deal: a_deal(),
            answer_by_us: 0,
            cause: None,
        };
        for state in [
            State::Requested,
            State::Offered(proposal()),
            State::Countered(proposal()),
            State::Agreed(agreement(0)),
            State::Agreed(agreement(1)),
            State::Amending(agreement(0), proposal()),
            State::Ended(agreement(0)),
            State::Withdrawn,
            State::Declined,
            State::Lapsed,
        ] {
            assert_eq!(state_of(&state).as_str_name(), state.to_string());
        }
    }

    #[test]
    fn a_deal_in_a_list_has_its_sums_and_not_its_days() {
        let (listed, whole) = (summed(&a_deal()), deal(&a_deal()));
        assert_eq!((listed.quota.len(), whole.quota.len()), (0, 2));
        assert_eq!(listed.quota_total, 10);
        assert_eq!(
            (listed.first_date.as_str(), listed.last_date.as_str()),
            ("2024-10-04", "2024-10-06")
        );
        let none = Deal {
            quota: Quota::new(),
            terms: Terms::default(),
        };
        assert_eq!(
            (summed(&none).quota_total, summed(&none).first_date),
            (0, String::new())
        );
    }

    #[test]
    fn what_of_an_offer_is_not_as_asked_for_is_said() {
        let date = ServiceDate::from_days;
        let devices = std::num::NonZeroU32::new(9).expect("not zero");
        let request = Request {
            covers: Covers::Portfolio,
            devices,
            earliest: date(20_000),
            latest: date(20_001),
            per_day_max: devices,
        };
        assert_eq!(
            warnings(&request, &[(date(20_000), 9)].into_iter().collect()),
            Vec::<String>::new()
        );
        let quota = [(19_999, 1), (20_000, 10), (20_002, 2), (20_003, 3)];
        let quota = quota.map(|(days, units)| (date(days), units));
        assert_eq!(
            warnings(&request, &quota.into_iter().collect()),
            [
                "1 service day is above the daily maximum of 9 that the User asked for, first 2024-10-04 with 10",
                "1 service day is before 2024-10-04, the earliest day that the User asked for, first 2024-10-03 with 1",
                "2 service days are after 2024-10-05, the latest day that the User asked for, first 2024-10-06 with 2",
            ]
        );
    }

    #[test]
    fn only_the_desk_s_reader_is_told_for_whom_a_user_is_moved() {
        let (user, number) = (Eui64::from_bits(1), 7);
        let named = Cause::MakesRoomFor(dco_schedule::ScheduleId { user, number });
        assert_eq!(
            cause(Some(&named)).1,
            "users/00-00-00-00-00-00-00-01/schedules/7"
        );
        let unnamed = cause(Some(&named.unnamed()));
        assert_eq!(unnamed, (pb::MoveCause::MakesRoom.into(), String::new()));
        assert_eq!(cause(None).0, 0);
    }
}
