//! What counting one release and one sent batch costs.

use dco_schedule::{Calendar, Ledger, LedgerTerms, ServiceDate, Source};
use divan::{Bencher, black_box};

const DATE: ServiceDate = ServiceDate::from_days(20_000);

/// A ledger of two years of days in which every User has released and sent.
fn used(users: u32) -> Ledger<u32> {
    let mut ledger = Ledger::new(LedgerTerms {
        allowance_per_day: 500,
    });
    for day in DATE.days() - 730..=DATE.days() {
        let date = ServiceDate::from_days(day);
        ledger.open_day(date, u32::MAX);
        for user in 0..users {
            ledger.charge(date, user).expect("far below the capacity");
            ledger.add_sent(user, date, Source::Allowance, 1);
        }
    }
    ledger
}

#[divan::bench(args = [5, 100, 1_000, 10_000], sample_count = 100, sample_size = 1_000)]
fn charge(bencher: Bencher, users: u32) {
    let mut ledger = used(users);
    let mut user = 0;
    bencher.bench_local(|| {
        user = (user + 1) % users;
        ledger.charge(DATE, black_box(user))
    });
}

#[divan::bench(args = [5, 100, 1_000, 10_000], sample_count = 100, sample_size = 1_000)]
fn admit(bencher: Bencher, users: u32) {
    let ledger = used(users);
    let mut user = 0;
    bencher.bench_local(|| {
        user = (user + 1) % users;
        ledger.admit(black_box(user), DATE, 10)
    });
}

#[divan::bench]
fn day_at(bencher: Bencher) {
    let calendar = Calendar::london();
    bencher.bench_local(|| calendar.day_at(black_box(1_790_000_000_000_000)));
}

fn main() {
    divan::main();
}
