//! Any order of puts, frees, restarts and power cuts, against a map.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use super::support::{block, by_chance, contents, open_small, pattern};
use crate::{BlockLog, MemDisk, Put};

#[derive(Debug, Clone)]
enum Op {
    /// Puts that share a commit: which of the open owners, index, which of two contents.
    Put(Vec<(u8, u32, bool)>),
    /// Frees one of the open owners; another takes its place.
    Free(u8),
    /// Gets back all the room that can be had.
    Compact,
    Restart,
    PowerCut(u64),
}

/// The log and what it must hold.
struct Model {
    disk: MemDisk,
    log: BlockLog,
    owners: Vec<u64>,
    next_owner: u64,
    held: BTreeMap<(u64, u32), Bytes>,
}

impl Model {
    fn new() -> Self {
        let disk = MemDisk::new();
        let log = open_small(&disk).unwrap().0.blocks;
        Self {
            disk,
            log,
            owners: vec![1, 2, 3],
            next_owner: 4,
            held: BTreeMap::new(),
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Put(puts) => self.put(puts),
            Op::Free(which) => self.free(usize::from(*which) % 3),
            Op::Compact => while self.log.compact().unwrap() {},
            Op::Restart => self.reopen(self.disk.restart()),
            Op::PowerCut(seed) => self.reopen(self.disk.crash(by_chance(*seed))),
        }
        assert_eq!(contents(&self.log).unwrap(), self.held);
    }

    fn put(&mut self, puts: &[(u8, u32, bool)]) {
        let puts: Vec<_> = puts
            .iter()
            .map(|(which, index, other)| {
                let owner = self.owners[usize::from(*which) % 3];
                let seed = owner * 100 + u64::from(*index) * 2 + u64::from(*other);
                (owner, block(*index, pattern(seed, 900)))
            })
            .collect();
        for (answer, (owner, block)) in self.log.commit(&puts).unwrap().into_iter().zip(puts) {
            let expected = match self.held.get(&(owner, block.index())) {
                None => Put::Durable,
                Some(held) if held == block.data() => Put::AlreadyHeld,
                Some(held) => Put::Conflict {
                    stored_crc32: crc32fast::hash(held),
                },
            };
            assert_eq!(answer.unwrap(), expected);
            self.held
                .entry((owner, block.index()))
                .or_insert_with(|| block.into_data());
        }
    }

    fn free(&mut self, which: usize) {
        let owner = std::mem::replace(&mut self.owners[which], self.next_owner);
        self.next_owner += 1;
        self.log.free(owner).unwrap();
        self.held.retain(|(holder, _), _| *holder != owner);
    }

    /// As the server does: owners that are no longer known are freed once more.
    fn reopen(&mut self, disk: MemDisk) {
        self.disk = disk;
        self.log = open_small(&self.disk).unwrap().0.blocks;
        let found: BTreeSet<_> = self.log.held().map(|held| held.owner).collect();
        for owner in found
            .into_iter()
            .filter(|owner| !self.owners.contains(owner))
        {
            self.log.free(owner).unwrap();
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let puts = prop::collection::vec((0..3_u8, 0..6_u32, any::<bool>()), 1..6);
    prop_oneof![
        6 => puts.prop_map(Op::Put),
        3 => (0..3_u8).prop_map(Op::Free),
        2 => Just(Op::Compact),
        1 => Just(Op::Restart),
        1 => any::<u64>().prop_map(Op::PowerCut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_log_holds_what_the_map_holds(ops in prop::collection::vec(op(), 1..60)) {
        let mut model = Model::new();
        for op in &ops {
            model.apply(op);
        }
    }
}
