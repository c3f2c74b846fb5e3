use super::*;
use crate::testing::{deal, officer, quota, reason, request, two_officers};
use crate::{Party, ServiceDate, Signed};

fn proposal_by(by: Side) -> Proposal<u8> {
    Proposal {
        by,
        deal: deal(&[(11, 20)]),
        answer_by_us: 100,
        cause: Some(Cause::OverAgreed),
    }
}

fn agreement() -> Agreement {
    Agreement {
        deal: deal(&[(10, 20), (11, 5)]),
        amendments: 0,
        ends: None,
    }
}

fn states() -> Vec<(&'static str, State<u8>)> {
    let amending = |by| State::Amending(agreement(), proposal_by(by));
    vec![
        ("requested", State::Requested),
        ("offered", State::Offered(proposal_by(Side::Desk))),
        ("countered", State::Countered(proposal_by(Side::User))),
        ("agreed", State::Agreed(agreement())),
        ("amending by desk", amending(Side::Desk)),
        ("amending by user", amending(Side::User)),
        ("ended", State::Ended(agreement())),
        ("withdrawn", State::Withdrawn),
        ("declined", State::Declined),
        ("lapsed", State::Lapsed),
    ]
}

fn acts() -> Vec<Act<u8>> {
    let (deal, answer_by_us) = (deal(&[(12, 7)]), 200);
    vec![
        Act::Request(request(7)),
        Act::Offer {
            deal: deal.clone(),
            answer_by_us,
        },
        Act::Counter {
            deal: deal.clone(),
            answer_by_us,
        },
        Act::Accept,
        Act::Decline,
        Act::Withdraw,
        Act::Amend {
            deal: deal.clone(),
            answer_by_us,
            cause: None,
        },
        Act::Impose {
            deal,
            cause: Cause::OverAgreed,
        },
        Act::End {
            from: ServiceDate::from_days(11),
        },
        Act::Lapse,
    ]
}

fn signers() -> [(&'static str, Party<u8>); 4] {
    [
        ("user", Party::User),
        ("desk", officer(1)),
        ("two", two_officers(1, 2)),
        ("time", Party::Time),
    ]
}

/// All that may happen; what is not here may not. `*` is an officer alone as well as two.
const MAY: &[(&str, &str, &str, &str)] = &[
    ("requested", "OFFER", "*", "OFFERED"),
    ("requested", "DECLINE", "*", "DECLINED"),
    ("requested", "WITHDRAW", "user", "WITHDRAWN"),
    ("requested", "LAPSE", "time", "LAPSED"),
    ("offered", "OFFER", "*", "OFFERED"),
    ("offered", "COUNTER", "user", "COUNTERED"),
    ("offered", "ACCEPT", "user", "AGREED"),
    ("offered", "DECLINE", "user", "DECLINED"),
    ("offered", "WITHDRAW", "user", "WITHDRAWN"),
    ("offered", "WITHDRAW", "*", "REQUESTED"),
    ("offered", "LAPSE", "time", "LAPSED"),
    ("countered", "OFFER", "*", "OFFERED"),
    ("countered", "ACCEPT", "*", "AGREED"),
    ("countered", "DECLINE", "*", "DECLINED"),
    ("countered", "WITHDRAW", "user", "WITHDRAWN"),
    ("countered", "LAPSE", "time", "LAPSED"),
    ("agreed", "AMEND", "user", "AMENDING"),
    ("agreed", "AMEND", "*", "AMENDING"),
    ("agreed", "IMPOSE", "two", "AMENDED"),
    ("agreed", "END", "user", "AGREED"),
    ("agreed", "END", "two", "AGREED"),
    ("agreed", "END", "time", "ENDED"),
    ("amending by desk", "COUNTER", "user", "AMENDING"),
    ("amending by desk", "ACCEPT", "user", "AMENDED"),
    ("amending by desk", "DECLINE", "user", "AGREED"),
    ("amending by desk", "WITHDRAW", "*", "AGREED"),
    ("amending by desk", "LAPSE", "time", "AGREED"),
    ("amending by desk", "IMPOSE", "two", "AMENDED"),
    ("amending by desk", "END", "user", "AGREED"),
    ("amending by desk", "END", "two", "AGREED"),
    ("amending by desk", "END", "time", "ENDED"),
    ("amending by user", "COUNTER", "*", "AMENDING"),
    ("amending by user", "AMEND", "*", "AMENDING"),
    ("amending by user", "ACCEPT", "*", "AMENDED"),
    ("amending by user", "DECLINE", "*", "AGREED"),
    ("amending by user", "WITHDRAW", "user", "AGREED"),
    ("amending by user", "LAPSE", "time", "AGREED"),
    ("amending by user", "IMPOSE", "two", "AMENDED"),
    ("amending by user", "END", "user", "AGREED"),
    ("amending by user", "END", "two", "AGREED"),
    ("amending by user", "END", "time", "ENDED"),
];

fn expected(state: &str, act: &str, signer: &str) -> Option<&'static str> {
    let is_desk = ["desk", "two"].contains(&signer);
    MAY.iter()
        .find(|may| (may.0, may.1) == (state, act) && (may.2 == signer || may.2 == "*" && is_desk))
        .map(|may| may.3)
}

fn step(act: Act<u8>, by: Party<u8>) -> Step<u8> {
    let signed = Signed {
        by,
        at_us: 5,
        reason: reason(),
    };
    Step {
        act,
        beyond_request: false,
        signed,
    }
}

#[test]
fn each_act_has_its_place_and_no_other() {
    let mut met = 0;
    for (name, state) in states() {
        for act in acts() {
            for (signer, by) in signers() {
                let after = state.after(&step(act.clone(), by));
                let after = after.map(|state| state.to_string());
                let expected = expected(name, &act.to_string(), signer);
                assert_eq!(after.as_deref(), expected, "{name}: {act} by {signer}");
                met += usize::from(expected.is_some());
            }
        }
    }
    let both = MAY.iter().filter(|may| may.2 == "*").count();
    assert_eq!(met, MAY.len() + both, "each line of the table is met");
}

#[test]
fn an_agreement_holds_what_was_last_put_forward() {
    let offered = State::Offered(proposal_by(Side::Desk));
    let agreed = offered.after(&step(Act::Accept, Party::User)).unwrap();
    let agreement = agreed.agreement().unwrap();
    assert_eq!(
        (&agreement.deal, agreement.amendments),
        (&deal(&[(11, 20)]), 0)
    );
}

#[test]
fn a_counter_to_a_move_is_still_a_move() {
    let amending = State::Amending(agreement(), proposal_by(Side::Desk));
    let countered = amending
        .after(&step(acts()[2].clone(), Party::User))
        .unwrap();
    let proposal = countered.proposal().unwrap();
    assert_eq!(
        (proposal.by, proposal.cause),
        (Side::User, Some(Cause::OverAgreed))
    );
    assert_eq!(
        (&proposal.deal, proposal.answer_by_us),
        (&deal(&[(12, 7)]), 200)
    );
    assert_eq!(
        countered.agreement(),
        Some(&agreement()),
        "holds until then"
    );
}

fn end(from: i32) -> Step<u8> {
    let from = ServiceDate::from_days(from);
    step(Act::End { from }, Party::User)
}

#[test]
fn what_lies_before_the_end_stays_agreed() {
    let ending = State::Agreed(agreement()).after(&end(11)).unwrap();
    let State::Agreed(left) = &ending else {
        panic!("{ending} with a day left");
    };
    assert_eq!(left.deal.quota, quota(&[(10, 20)]));
    assert_eq!(left.ends, Some(ServiceDate::from_days(11)));
    let later = ending.after(&end(12)).unwrap();
    assert_eq!(later, ending, "it ends no later than said");
    let none_left = ending.after(&end(10)).unwrap();
    assert!(matches!(none_left, State::Ended(_)), "{none_left}");
}

#[test]
fn an_amendment_beyond_the_end_takes_the_end_back() {
    let ending = State::Agreed(agreement()).after(&end(11)).unwrap();
    let imposed = |days| {
        let act = Act::Impose {
            deal: deal(days),
            cause: Cause::OverAgreed,
        };
        let after = ending.after(&step(act, two_officers(1, 2))).unwrap();
        after.agreement().unwrap().ends
    };
    assert_eq!(imposed(&[(10, 9)]), Some(ServiceDate::from_days(11)));
    assert_eq!(imposed(&[(10, 9), (11, 1)]), None);
}

#[test]
fn only_what_is_over_is_final() {
    let is_final = |name: &str| ["ended", "withdrawn", "declined", "lapsed"].contains(&name);
    for (name, state) in states() {
        assert_eq!(state.is_final(), is_final(name), "{name}");
    }
}
