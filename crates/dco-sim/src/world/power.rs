//! The service starts, commits and crashes.

use dco_engine::record::Record;
use dco_engine::{HOUR_US, SECOND_US};
use dco_store::{Disk, Fate, Head, Seq, StoreError};
use prost::Message;

use super::{Item, World};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::happened::Happened;
use crate::service::{Recovered, Service};

/// The least capacity of a service day that lets everything end within the time given.
pub(super) const ENDING_CAPACITY: u32 = 8;

/// More operations of a disk than there will be.
const NEVER: u64 = u64::MAX / 2;

impl World {
    /// The service starts on what the last crash has left.
    pub(super) fn start_service(&mut self) {
        if self.service.is_some() {
            return;
        }
        self.prepare_start();
        self.lives += 1;
        let is_restored = self.lives > 1 && self.dice.chance(self.faults.restored);
        let started = Service::start(
            &self.disk,
            self.estate.store,
            self.estate.terms.clone(),
            self.service_now_us(),
            (self.lives, is_restored),
        );
        match started {
            Ok(recovered) => self.recovered(recovered),
            Err(error @ StoreError::Disk { .. }) => {
                self.watch.note(format_args!("start: {error}"));
                self.crash(self.disk.is_off());
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                self.fail(
                    "the service starts after any crash",
                    format!("{error}: {source:?}"),
                );
            }
        }
    }

    fn prepare_start(&mut self) {
        if self.dice.chance(self.faults.capacity_changes) {
            self.estate.terms.capacity_per_day = self.dice.small(1..=20);
        }
        if self.dice.chance(self.faults.sync_fails) {
            self.disk.fail_sync_after(self.dice.below(60));
        }
        if self.dice.chance(self.faults.power_in_commit) {
            self.disk.power_off_after(self.dice.below(20));
        }
        if self.dice.chance(self.faults.disk_full) {
            self.fill_disk();
        }
    }

    /// Leaves room for a few more segments at most.
    fn fill_disk(&mut self) {
        let files = self.disk.list().unwrap_or_default();
        let used: u64 = files
            .iter()
            .filter_map(|name| self.disk.len(name).ok())
            .sum();
        let store = self.estate.store;
        let segments = store.block_segment_bytes + store.journal_segment_bytes;
        self.disk.limit_bytes(used + self.dice.below(2 * segments));
    }

    fn recovered(&mut self, recovered: Recovered) {
        let Recovered { service, records } = recovered;
        self.watch.note(format_args!(
            "start {} with {} records",
            service.life,
            records.len()
        ));
        self.watch.show(&Happened::ReadBack { records: &records });
        for (seq, bytes) in &records {
            if *seq > self.recorded {
                self.show_record(*seq, bytes);
            }
        }
        self.show_head(service.head());
        self.watch.show(&Happened::Started {
            capacity: self.estate.terms.capacity_per_day,
        });
        self.service = Some(service);
        self.audit_now();
    }

    /// The journal makes durable what waits, and the engine hears of it.
    pub(super) fn commit_journal(&mut self, life: u32) {
        let Some(service) = self.service.as_mut().filter(|it| it.life == life) else {
            return;
        };
        if self.dice.chance(self.faults.power_in_commit) {
            self.disk.power_off_after(self.dice.below(4));
        }
        match service.commit_journal() {
            Ok(records) => {
                service.on_durable();
                let head = service.head();
                for (seq, bytes) in &records {
                    self.show_record(*seq, bytes);
                }
                self.show_head(head);
            }
            Err(error) => {
                self.watch.note(format_args!("journal: {error}"));
                self.crash(self.disk.is_off());
            }
        }
    }

    fn show_head(&mut self, Head { seq, chain }: Head) {
        self.watch.show(&Happened::Chained { seq, chain });
    }

    fn show_record(&mut self, seq: Seq, bytes: &[u8]) {
        self.recorded = seq;
        match Record::decode(bytes) {
            Ok(record) => {
                self.watch.note(format_args!("record {seq}: {record:?}"));
                self.watch.show(&Happened::Recorded {
                    seq,
                    bytes,
                    record: &record,
                });
            }
            Err(error) => self.fail("every record can be read", error.to_string()),
        }
    }

    /// The service is gone, with everything it had not made durable, and comes back later.
    pub(super) fn crash(&mut self, power: bool) {
        self.service = None;
        let (dice, faults) = (&mut self.dice, self.faults);
        self.disk = if power {
            self.disk.crash(|_| fate(dice, &faults))
        } else {
            self.disk.restart()
        };
        self.watch
            .note(format_args!("the service is down, power lost: {power}"));
        self.break_all_streams();
        let longest_us = self.faults.down_max_us.max(SECOND_US);
        let down_us = if self.dice.chance(700) {
            self.dice.between(0..=60 * SECOND_US)
        } else {
            self.dice.between(0..=longest_us)
        };
        self.after(down_us, Item::ServiceStarts);
    }

    /// From now on nothing goes wrong: also not what was set up to go wrong inside the disk. A restart would hide
    /// what the engine has forgotten to wait for, so there is none without need.
    pub(super) fn heal(&mut self) {
        self.faults = Faults::none();
        self.is_healed = true;
        self.plan_import(self.estate.devices.clone());
        self.watch.note(format_args!("nothing goes wrong any more"));
        if self.clock_ahead_us < -HOUR_US {
            self.set_clock(0);
        }
        if self.service.is_none() {
            self.disk = self.disk.restart();
        }
        self.disk.power_off_after(NEVER);
        self.disk.fail_sync_after(NEVER);
        self.disk.limit_bytes(NEVER);
        if self.estate.terms.capacity_per_day < ENDING_CAPACITY {
            self.estate.terms.capacity_per_day = ENDING_CAPACITY;
            if self.service.is_some() {
                self.crash(false);
            }
        }
    }
}

fn fate(dice: &mut Dice, faults: &Faults) -> Fate {
    if dice.chance(faults.unsynced_torn) {
        let bytes = usize::try_from(dice.below(512)).expect("it is below 512");
        return Fate::Torn { bytes };
    }
    if dice.chance(faults.unsynced_kept) {
        Fate::Kept
    } else {
        Fate::Lost
    }
}
