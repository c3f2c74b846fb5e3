//! What one release costs in the two crates that decide it: is there a unit (ledger), is it time (bucket), who is it
//! (fair queue). Nothing is recorded here; `engine.rs` measures the whole.

use dco_dispatch::{Answer, Bucket, Entry, FairQueue, Gate, Micros, Pace, Pick};
use dco_schedule::{Calendar, HourProfile, Ledger, LedgerTerms, ServiceDate, ServiceDay};
use divan::Bencher;

const MILLION: u64 = 1_000_000;
const GATEWAYS: u64 = 20;
/// Activations of one User with the same due time: a batch.
const BATCH: u64 = 500;

struct Day {
    day: ServiceDay,
    ledger: Ledger<u64>,
    bucket: Bucket,
    now_us: Micros,
}

impl Gate<u64, u64> for Day {
    fn ask(&self, _user: u64, _gateway: u64) -> Answer {
        let remaining = self.ledger.remaining(self.day.date);
        match self.bucket.ready_at(self.now_us, remaining) {
            ready_us if ready_us <= self.now_us => Answer::Go,
            ready_us => Answer::NoneBefore(ready_us),
        }
    }
}

impl Day {
    /// A day that never runs out while it is measured.
    fn new() -> Self {
        let calendar = Calendar::london();
        let day = calendar.day(ServiceDate::from_days(20_000));
        let hours = HourProfile::flat().over(&calendar.hours(&day));
        let pace = Pace::new(hours, day.end_us).expect("a service day has a pace");
        let mut ledger = Ledger::new(LedgerTerms {
            allowance_per_day: 500,
        });
        ledger.open_day(day.date, u32::MAX);
        Self {
            day,
            ledger,
            bucket: Bucket::new(pace, 4),
            now_us: day.start_us,
        }
    }

    /// The next release, at the moment the bucket gives.
    fn release(&mut self, queue: &mut FairQueue<u64, u64, u32>) -> u32 {
        let remaining = self.ledger.remaining(self.day.date);
        self.now_us = self.bucket.ready_at(self.now_us, remaining);
        let Pick::Taken { user, key, .. } = queue.pick(self.now_us, self) else {
            panic!("entries are queued and it is time");
        };
        self.bucket.take(self.now_us, remaining);
        self.ledger
            .charge(self.day.date, user)
            .expect("the day does not run out");
        key
    }
}

fn filled(queued: u64, users: u64) -> FairQueue<u64, u64, u32> {
    let mut queue = FairQueue::new();
    for number in 0..queued {
        let batch = i64::try_from(number / users / BATCH).expect("far below 2^63");
        let key = u32::try_from(number).expect("below 2^32");
        queue.push(Entry {
            user: number % users,
            lane: number / users % GATEWAYS,
            due_us: batch,
            order: key,
            key,
        });
    }
    queue
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn release_of_1_million(bencher: Bencher, users: u64) {
    let (mut queue, mut day) = (filled(MILLION, users), Day::new());
    bencher.bench_local(|| day.release(&mut queue));
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn release_of_10_million(bencher: Bencher, users: u64) {
    let (mut queue, mut day) = (filled(10 * MILLION, users), Day::new());
    bencher.bench_local(|| day.release(&mut queue));
}

fn main() {
    divan::main();
}
