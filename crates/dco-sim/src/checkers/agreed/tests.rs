//! False stories about agreements.

use dco_block::Eui64;
use dco_engine::record::{
    ActKind, ActionPended, Change, RequestKey, ScheduleAct, ScheduleStepped, Signatory, Signature,
};
use dco_engine::{ActOnSchedule, AnswerAction, Request, RequestId, ScheduleRequest};
use dco_schedule::{Act, Asker, Cause, ScheduleId, Text};

use super::Agreed;
use crate::checkers::history::{self, DATE, USER, breaks, keeps, kept};
use crate::happened::Happened;

const IDA: u64 = 0xA;
const JOE: u64 = 0xB;

fn text() -> Text {
    Text::new("INC-1").expect("one line")
}

/// Somebody asks for an act of that kind; the deal is not looked at.
fn asks(checker: &mut Agreed, by: Signatory, (id, act): (u8, Act<Eui64>)) {
    let by = match by {
        Signatory::Desk => Asker::Officer {
            officer: Eui64::from_bits(IDA),
            ticket: text(),
        },
        _ => Asker::User,
    };
    let request = Request::Schedules(ScheduleRequest::Act(ActOnSchedule {
        schedule: ScheduleId {
            user: Eui64::from_bits(USER),
            number: 1,
        },
        id: RequestId([id; 16]),
        validate_only: false,
        by,
        reason: text(),
        revision: 0,
        beyond_request: false,
        act,
    }));
    kept(checker, &Happened::Asked(&request));
}

fn signed(by: Signatory, second: Option<u64>) -> Signature {
    Signature {
        by: by.into(),
        officer: if by == Signatory::Desk { IDA } else { 0 },
        ticket: "INC-1".to_owned(),
        second,
        reason: "as agreed".to_owned(),
        ..Signature::default()
    }
}

fn act(kind: ActKind, units: Option<u32>) -> ScheduleAct {
    ScheduleAct {
        kind: kind.into(),
        deal: units.map(|units| history::deal(DATE, units)),
        ..ScheduleAct::default()
    }
}

fn step(act: ScheduleAct, signature: Signature, id: u8) -> ScheduleStepped {
    ScheduleStepped {
        user: USER,
        number: 1,
        act: Some(act),
        signature: Some(signature),
        request: Some(RequestKey {
            id: vec![id; 16].into(),
            digest: bytes::Bytes::new(),
        }),
        action: None,
        period_start_us: None,
    }
}

fn offer() -> Act<Eui64> {
    Act::Offer {
        deal: dco_schedule::Deal::default(),
        answer_by_us: 0,
    }
}

/// The Service Desk has offered three units.
fn offered() -> Agreed {
    let mut checker = Agreed::default();
    asks(&mut checker, Signatory::Desk, (1, offer()));
    let offer = act(ActKind::Offer, Some(3));
    let stepped = step(offer, signed(Signatory::Desk, None), 1);
    keeps(&mut checker, Change::ScheduleStepped(stepped));
    checker
}

fn accepts(by: Signatory) -> Change {
    Change::ScheduleStepped(step(act(ActKind::Accept, None), signed(by, None), 2))
}

#[test]
fn nobody_agrees_with_itself_and_nobodys_word_is_made_up() {
    let mut checker = offered();
    asks(&mut checker, Signatory::Desk, (2, Act::Accept));
    breaks(&mut checker, accepts(Signatory::Desk));
    breaks(&mut offered(), accepts(Signatory::User));
    let mut checker = offered();
    asks(&mut checker, Signatory::User, (3, Act::Accept));
    breaks(&mut checker, accepts(Signatory::User));
    let mut checker = offered();
    asks(&mut checker, Signatory::User, (2, Act::Accept));
    keeps(&mut checker, accepts(Signatory::User));
}

/// Ida asks to impose; that waits.
fn imposing() -> Agreed {
    let mut checker = offered();
    let imposed = Act::Impose {
        deal: dco_schedule::Deal::default(),
        cause: Cause::OverAgreed,
    };
    asks(&mut checker, Signatory::Desk, (4, imposed));
    let pended = ActionPended {
        user: USER,
        number: 1,
        act: Some(act(ActKind::Impose, Some(1))),
        signature: Some(signed(Signatory::Desk, None)),
        ..ActionPended::default()
    };
    keeps(&mut checker, Change::ActionPended(pended));
    checker
}

fn imposed(second: Option<u64>, action: Option<u64>) -> Change {
    let impose = act(ActKind::Impose, Some(1));
    Change::ScheduleStepped(ScheduleStepped {
        action,
        ..step(impose, signed(Signatory::Desk, second), 4)
    })
}

fn approves(checker: &mut Agreed, officer: u64) {
    let request = Request::Schedules(ScheduleRequest::Approve(AnswerAction {
        action: 1,
        officer: Eui64::from_bits(officer),
        id: RequestId([9; 16]),
        validate_only: false,
        ticket: text(),
        reason: text(),
    }));
    kept(checker, &Happened::Asked(&request));
}

#[test]
fn an_override_has_two_officers_who_both_said_so() {
    breaks(&mut imposing(), imposed(None, None));
    breaks(&mut imposing(), imposed(Some(JOE), Some(1)));
    let mut checker = imposing();
    approves(&mut checker, IDA);
    breaks(&mut checker, imposed(Some(IDA), Some(1)));
    let mut checker = imposing();
    approves(&mut checker, JOE);
    breaks(&mut checker, imposed(Some(JOE), Some(2)));
    let mut checker = imposing();
    approves(&mut checker, JOE);
    keeps(&mut checker, imposed(Some(JOE), Some(1)));
}

#[test]
fn the_desk_does_not_end_an_agreement_alone() {
    let end = || act(ActKind::End, None);
    let mut checker = offered();
    asks(&mut checker, Signatory::User, (2, Act::Accept));
    keeps(&mut checker, accepts(Signatory::User));
    let from = dco_schedule::ServiceDate::from_days(DATE);
    asks(&mut checker, Signatory::Desk, (5, Act::End { from }));
    let alone = step(end(), signed(Signatory::Desk, None), 5);
    breaks(&mut checker, Change::ScheduleStepped(alone));
}

#[test]
fn time_ends_nothing_that_is_still_agreed() {
    let end = |date| ScheduleAct {
        end_date: Some(date),
        ..act(ActKind::End, None)
    };
    for (date, is_over) in [(DATE, false), (DATE + 1, true)] {
        let mut checker = offered();
        asks(&mut checker, Signatory::User, (2, Act::Accept));
        keeps(&mut checker, accepts(Signatory::User));
        let ended = step(end(date), signed(Signatory::Time, None), 5);
        let ended = Change::ScheduleStepped(ended);
        if is_over {
            keeps(&mut checker, ended);
        } else {
            breaks(&mut checker, ended);
        }
    }
}
