//! What the Service Desk waits for: offers for a request, a plan for days that are over-agreed, and what if.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use dco_schedule::{
    Act, Ask, Asker, At, Book, BookTerms, Calendar, CapacityPlan, CapacitySet, Covers, Deal,
    FitTerms, HourProfile, HourWindow, Ledger, LedgerTerms, Need, Officer, Pacing, Party, Quota,
    Request, Reserve, ScheduleId, ServiceDate, Setting, Signed, Span, Terms, Text, Waiting, WhatIf,
};
use divan::{Bencher, black_box};

const TODAY: ServiceDate = ServiceDate::from_days(20_000);
const DEVICES: [u32; 5] = [270_000, 160_000, 120_000, 80_000, 40_000];

struct Desk {
    book: Book<u32>,
    calendar: Calendar,
    ledger: Ledger<u32>,
    unreleased: BTreeMap<(ScheduleId<u32>, ServiceDate), u32>,
}

impl Desk {
    fn new() -> Self {
        let terms = BookTerms {
            reserve: Reserve::default(),
            answer_us_min: 0,
            pending_us: 1,
            moves_max: 2,
            open_max: 20,
            days_ahead_max: 400,
            small_uses_allowance: false,
        };
        let plan = CapacityPlan::new(12_000, HourProfile::flat());
        Self {
            book: Book::new(terms, plan),
            calendar: Calendar::london(),
            ledger: Ledger::new(LedgerTerms {
                allowance_per_day: 500,
            }),
            unreleased: BTreeMap::new(),
        }
    }

    fn at(&self) -> At<'_, u32> {
        At {
            now_us: 0,
            today: TODAY,
            ledger: &self.ledger,
            unreleased: &self.unreleased,
            calendar: &self.calendar,
        }
    }

    fn ask(&mut self, id: ScheduleId<u32>, by: Asker<u32>, act: Act<u32>) {
        let revision = self.book.get(id).map_or(0, |it| it.revision());
        let ask = Ask {
            id,
            revision,
            by,
            reason: text(),
            act,
        };
        let change = self.book.decide(&ask, &self.at()).expect("it fits");
        self.book.apply(&change).expect("just decided");
    }

    /// A User has the same quota on each of so many days.
    fn agree(&mut self, user: u32, units: u32, days: i32) {
        let id = self.book.next_id(user);
        let quota: Quota = (1..=days)
            .map(|day| (ServiceDate::from_days(TODAY.days() + day), units))
            .collect();
        let devices = u32::try_from(quota.total()).expect("some 100,000 units");
        self.ask(id, Asker::User, Act::Request(request(devices)));
        let deal = Deal {
            quota,
            terms: Terms::default(),
        };
        let offer = Act::Offer {
            deal,
            answer_by_us: 1,
        };
        let officer = Asker::Officer {
            officer: 1,
            ticket: text(),
        };
        self.ask(id, officer, offer);
        self.ask(id, Asker::User, Act::Accept);
    }

    /// Five Users with all that can be agreed, for so many days.
    fn full(days: i32) -> Self {
        let mut desk = Self::new();
        for user in 0..5 {
            desk.agree(user, 1_792, days);
        }
        desk
    }
}

fn text() -> Text {
    Text::new("INC-1").expect("one line")
}

const fn pacing() -> Pacing<u32> {
    Pacing {
        today: None,
        burst: 4,
        weights: BTreeMap::new(),
    }
}

fn request(devices: u32) -> Request {
    Request {
        covers: Covers::Portfolio,
        devices: NonZeroU32::new(devices).expect("above 0"),
        earliest: TODAY.next(),
        latest: ServiceDate::from_days(TODAY.days() + 90),
        per_day_max: NonZeroU32::new(12_000).expect("above 0"),
    }
}

#[divan::bench]
fn simulate_670_000_devices_of_five_users(bencher: Bencher) {
    let desk = Desk::new();
    let what_if = WhatIf {
        requests: (0..).zip(DEVICES.map(request)).collect(),
        waiting: Vec::new(),
        pacing: pacing(),
        trt_days: 5,
    };
    bencher.bench_local(|| desk.book.simulate(black_box(&what_if), &desk.at()));
}

/// The same Devices, sent for 56 days by five Users of whom each has other hours.
#[divan::bench]
fn simulate_670_000_devices_in_windows(bencher: Bencher) {
    let desk = Desk::new();
    let waiting = (1..=56).flat_map(|day| {
        (0..5_u8).map(move |user| Waiting {
            user: user.into(),
            date: ServiceDate::from_days(TODAY.days() + day),
            units: 2_392,
            window: HourWindow::new(user * 4, user * 4 + 8).ok(),
            run_ahead: false,
        })
    });
    let what_if = WhatIf {
        requests: Vec::new(),
        waiting: waiting.collect(),
        pacing: pacing(),
        trt_days: 5,
    };
    bencher.bench_local(|| desk.book.simulate(black_box(&what_if), &desk.at()));
}

#[divan::bench]
fn three_offers_where_75_days_are_full(bencher: Bencher) {
    let desk = Desk::full(75);
    let terms = FitTerms {
        window: None,
        trt_us: 432_000_000_000,
        in_flight_days: 5,
        in_flight_max: 60_000,
    };
    let asked = request(100_000);
    bencher.bench_local(|| desk.book.fits(9, black_box(&asked), &terms, &desk.at()));
}

#[divan::bench]
fn plan_for_75_days_at_half_the_capacity(bencher: Bencher) {
    let mut desk = Desk::full(75);
    let set = CapacitySet {
        span: Span::From(TODAY),
        setting: Setting::Capacity(6_000),
        signed: Signed {
            by: Party::Desk(Officer {
                officer: 1,
                ticket: text(),
                second: None,
            }),
            at_us: 0,
            reason: text(),
        },
    };
    let change = desk
        .book
        .decide_capacity(set, &desk.at())
        .expect("of today");
    desk.book.apply(&change).expect("just decided");
    let need = Need {
        units: desk.book.over_agreed(TODAY),
        ..Need::default()
    };
    bencher.bench_local(|| desk.book.replan(black_box(&need), &desk.at()));
}

fn main() {
    divan::main();
}
