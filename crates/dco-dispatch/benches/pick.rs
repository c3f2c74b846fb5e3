//! What a pick costs with very many queued. Each measured step takes one entry and, where it says
//! so, queues another, so that the number queued stays what it is.

use std::cell::RefCell;

use dco_dispatch::{Answer, Bucket, Entry, FairQueue, Gate, Micros, Pace, Pick};
use divan::{Bencher, black_box};

const MILLION: u64 = 1_000_000;
const LANES: u64 = 20;
const DAY_US: Micros = 86_400_000_000;
/// Entries of one User with the same due time and order: the size of a batch.
const BATCH: u64 = 500;

type Queue = FairQueue<u64, u64, u32>;

struct Open;

impl Gate<u64, u64> for Open {
    fn ask(&self, _: u64, _: u64) -> Answer {
        Answer::Go
    }
}

/// Asks a bucket, as the engine's gate does.
struct Paced {
    bucket: RefCell<Bucket>,
    now_us: Micros,
    remaining: u32,
}

impl Gate<u64, u64> for Paced {
    fn ask(&self, _: u64, _: u64) -> Answer {
        match self.bucket.borrow().ready_at(self.now_us, self.remaining) {
            at_us if at_us <= self.now_us => Answer::Go,
            at_us => Answer::NoneBefore(at_us),
        }
    }
}

fn entry(number: u64, users: u64) -> Entry<u64, u64, u32> {
    let batch = number / users / BATCH;
    let key = u32::try_from(number).expect("below 2^32");
    Entry {
        user: number % users,
        lane: number / users % LANES,
        due_us: DAY_US * 5 + i64::try_from(batch).expect("far below 2^63"),
        order: key,
        key,
    }
}

fn filled(queued: u64, users: u64) -> Queue {
    let mut queue = Queue::new();
    for user in 0..users {
        queue.set_weight(user, 500 + u32::try_from(user % 7).expect("below 7") * 500);
    }
    for number in 0..queued {
        queue.push(entry(number, users));
    }
    queue
}

fn take(queue: &mut Queue, gate: &impl Gate<u64, u64>, now_us: Micros) -> u32 {
    match queue.pick(now_us, gate) {
        Pick::Taken { key, .. } => key,
        other => panic!("entries are queued and free: {other:?}"),
    }
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn pick_of_1_million(bencher: Bencher, users: u64) {
    let mut queue = filled(MILLION, users);
    bencher.bench_local(|| take(&mut queue, &Open, 0));
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn pick_of_10_million(bencher: Bencher, users: u64) {
    let mut queue = filled(10 * MILLION, users);
    bencher.bench_local(|| take(&mut queue, &Open, 0));
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn push_and_pick_of_1_million(bencher: Bencher, users: u64) {
    let mut queue = filled(MILLION, users);
    let mut number = MILLION;
    bencher.bench_local(|| {
        queue.push(black_box(entry(number, users)));
        number += 1;
        take(&mut queue, &Open, 0)
    });
}

#[divan::bench(args = [5, 100, 10_000], sample_count = 100, sample_size = 1_000)]
fn pick_and_bucket_of_1_million(bencher: Bencher, users: u64) {
    let mut queue = filled(MILLION, users);
    let hours = (0..24).map(|hour| (hour * DAY_US / 24, 1)).collect();
    let pace = Pace::new(hours, DAY_US).expect("a day of 24 hours");
    let bucket = RefCell::new(Bucket::new(pace, 10));
    let mut gate = Paced {
        bucket,
        now_us: 0,
        remaining: 1_000_000,
    };
    bencher.bench_local(|| {
        gate.now_us = gate.bucket.borrow().ready_at(gate.now_us, gate.remaining);
        let key = take(&mut queue, &gate, gate.now_us);
        gate.bucket.borrow_mut().take(gate.now_us, gate.remaining);
        gate.remaining -= 1;
        key
    });
}

fn main() {
    divan::main();
}
