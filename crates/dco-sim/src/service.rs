//! The service under test: the real engine on the real store, and between them what the server does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use dco_block::{Block, Eui64, Manifest, crc32, recut, verify_image};
use dco_engine::{BlockSource, Effect, Engine, Event, ReplyTo, Request, Session, Terms, Verdict};
use dco_schedule::Micros;
use dco_store::{
    BlockLog, Head, Journal, MemDisk, Opened, Options, Put, Seq, StoreError, open, records_only,
};

use crate::call::Caller;

/// One life of the service, from a start to a crash.
#[derive(Debug)]
pub(crate) struct Service {
    /// Counts the starts.
    pub(crate) life: u32,
    pub(crate) engine: Engine,
    journal: Journal,
    blocks: BlockLog,
    /// Records on their way to the journal's next commit.
    records: Vec<(Seq, Vec<u8>)>,
    /// What waits for the block log's next commit, in order.
    block_work: Vec<BlockWork>,
    /// Who waits for an answer.
    pub(crate) calls: BTreeMap<ReplyTo, (Caller, Request)>,
    last_call: u64,
    /// Transfers that blocks may be sent for in this life.
    pub(crate) attached: BTreeMap<(Eui64, u64), BlockSource>,
    /// When the engine wants to be woken, by its own clock, and whether that is on the agenda.
    pub(crate) alarm_us: Option<Micros>,
    pub(crate) journal_commit_planned: bool,
    pub(crate) block_commit_planned: bool,
}

/// Something for the block log to do.
#[derive(Debug)]
enum BlockWork {
    Put {
        transfer: (Eui64, u64),
        owner: u64,
        block: Block,
    },
    Free(u64),
}

/// A block that the log has answered for.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) transfer: (Eui64, u64),
    pub(crate) owner: u64,
    pub(crate) index: u32,
    pub(crate) crc32: u32,
    pub(crate) put: Put,
}

/// What a start found besides the service itself.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) service: Service,
    pub(crate) records: Vec<(Seq, Vec<u8>)>,
}

impl Service {
    /// Starts as the server does: journal, then blocks, then what is not wanted is freed. What is restored from a backup
    /// has one record more than the backup, which says so.
    ///
    /// # Errors
    /// Whatever keeps the store from opening, the engine's refusal of a record included.
    pub(crate) fn start(
        disk: &MemDisk,
        options: Options,
        terms: Terms,
        now_us: Micros,
        (life, is_restored): (u32, bool),
    ) -> Result<Recovered, StoreError> {
        let mut engine = Engine::new(terms);
        let mut records = Vec::new();
        let mut replay = records_only(|seq, record| {
            engine.replay(seq, record)?;
            records.push((seq, record.to_vec()));
            Ok(())
        });
        let opened = open(Arc::new(disk.clone()), options, &mut replay)?;
        drop(replay);
        let Opened {
            mut journal,
            mut blocks,
            ..
        } = opened;
        if is_restored {
            records.extend(say_restored(&mut engine, &mut journal, now_us)?);
        }
        let held: Vec<_> = blocks.held().collect();
        let mut unwanted = BTreeSet::new();
        for block in held {
            let (owner, index) = (block.owner, block.index);
            if engine.wants_blocks_of(owner) {
                engine.handle(Event::BlockHeld { owner, index }, now_us);
            } else {
                unwanted.insert(owner);
            }
        }
        for owner in unwanted {
            blocks.free(owner)?;
        }
        engine.on_durable(journal.last_seq());
        engine.handle(Event::Tick, now_us);
        let service = Self {
            life,
            engine,
            journal,
            blocks,
            records: Vec::new(),
            block_work: Vec::new(),
            calls: BTreeMap::new(),
            last_call: 0,
            attached: BTreeMap::new(),
            alarm_us: None,
            journal_commit_planned: false,
            block_commit_planned: false,
        };
        Ok(Recovered { service, records })
    }

    /// Asks the engine something for somebody.
    pub(crate) fn ask(&mut self, caller: Caller, request: Request, now_us: Micros) {
        self.last_call += 1;
        let reply_to = ReplyTo(self.last_call);
        self.calls.insert(reply_to, (caller, request.clone()));
        self.engine
            .handle(Event::Request { reply_to, request }, now_us);
    }

    /// Takes the engine's new records; whether any wait for a commit.
    pub(crate) fn take_records(&mut self) -> bool {
        while let Some(record) = self.engine.poll_record() {
            self.records.push(record);
        }
        !self.records.is_empty()
    }

    /// Whether no transfer is open.
    pub(crate) fn has_no_open_transfer(&self) -> bool {
        let stats = self.engine.stats();
        stats.transfers_receiving + stats.transfers_verifying == 0
    }

    /// Makes all waiting records durable and says so to the engine. Answers them.
    ///
    /// # Errors
    /// When the disk fails; the service must end.
    pub(crate) fn commit_journal(&mut self) -> Result<Vec<(Seq, Vec<u8>)>, StoreError> {
        self.journal_commit_planned = false;
        let records = std::mem::take(&mut self.records);
        let bytes: Vec<&[u8]> = records.iter().map(|(_, bytes)| bytes.as_slice()).collect();
        let last = self.journal.commit(&bytes)?;
        assert_eq!(
            records.last().map_or(last, |(seq, _)| *seq),
            last,
            "engine and journal count alike"
        );
        Ok(records)
    }

    /// The journal's last record, and the chain over all.
    pub(crate) fn head(&self) -> Head {
        self.journal.head()
    }

    /// The last record is durable.
    pub(crate) fn on_durable(&mut self) {
        self.engine.on_durable(self.journal.last_seq());
    }

    /// The next thing that the engine wants done.
    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        self.engine.poll_effect()
    }

    /// Puts a block of an attached transfer; it is written with the next commit.
    pub(crate) fn put_block(&mut self, transfer: (Eui64, u64), owner: u64, block: Block) {
        self.block_work.push(BlockWork::Put {
            transfer,
            owner,
            block,
        });
    }

    /// Frees an owner's blocks with the next commit.
    pub(crate) fn free_blocks(&mut self, owner: u64) {
        self.block_work.push(BlockWork::Free(owner));
    }

    /// Whether anything waits for the block log.
    pub(crate) fn has_block_work(&self) -> bool {
        !self.block_work.is_empty()
    }

    /// Does what waits for the block log: all puts up to a free share one sync.
    ///
    /// # Errors
    /// When the disk fails; the service must end.
    pub(crate) fn commit_blocks(&mut self) -> Result<Vec<Answered>, StoreError> {
        self.block_commit_planned = false;
        let mut answers = Vec::new();
        let mut puts = Vec::new();
        for work in std::mem::take(&mut self.block_work) {
            match work {
                BlockWork::Put {
                    transfer,
                    owner,
                    block,
                } => puts.push((transfer, (owner, block))),
                BlockWork::Free(owner) => {
                    answers.extend(put_all(&mut self.blocks, std::mem::take(&mut puts))?);
                    self.blocks.free(owner)?;
                }
            }
        }
        answers.extend(put_all(&mut self.blocks, puts)?);
        Ok(answers)
    }

    /// Reads a block back.
    ///
    /// # Errors
    /// As [`dco_store::BlockReader::read`].
    pub(crate) fn read_block(&self, owner: u64, index: u32) -> Result<Bytes, StoreError> {
        self.blocks.reader().read(owner, index)
    }

    /// The CRC-32 over each block as it is read back; `None` for one that is not there.
    pub(crate) fn crcs(&self, source: &BlockSource) -> Vec<Option<u32>> {
        (0..source.manifest.block_count())
            .map(|index| self.block_of(source, index))
            .map(|bytes| bytes.map(|bytes| crc32(&bytes)))
            .collect()
    }

    /// A block in the cut of who asks, whatever the cut it is kept in; `None` for one that is not there.
    fn block_of(&self, source: &BlockSource, index: u32) -> Option<Bytes> {
        let kept = source.kept.as_ref().unwrap_or(&source.manifest);
        let read = |from| self.read_block(source.owner, from);
        recut(kept, &source.manifest, index, read).ok().flatten()
    }

    /// Whether a stored image has just these bytes in this place: then the block is known, as the server answers it.
    pub(crate) fn is_known(&self, source: &BlockSource, block: &Block) -> bool {
        let stored = self.block_of(source, block.index());
        stored.is_some_and(|stored| stored == *block.data())
    }

    /// Reads an image back and checks it, as the server does.
    pub(crate) fn verify(&self, owner: u64, manifest: &Manifest) -> Verdict {
        let mut image = Vec::new();
        for index in 0..manifest.block_count() {
            match self.read_block(owner, index) {
                Ok(bytes) => image.extend_from_slice(&bytes),
                Err(_) => return Verdict::Unread,
            }
        }
        match verify_image(&Bytes::from(image), manifest) {
            Ok(_) => Verdict::Good,
            Err(reject) => Verdict::Bad {
                reason: "IMAGE_DIGEST_MISMATCH".to_owned(),
                message: reject.to_string(),
            },
        }
    }

    /// Something happened at a gateway's stream.
    pub(crate) fn gateway_gone(&mut self, session: Session, now_us: Micros) {
        self.engine.handle(Event::GatewayGone { session }, now_us);
    }
}

/// The record that a restore ends with; none once there were as many as can be.
fn say_restored(
    engine: &mut Engine,
    journal: &mut Journal,
    now_us: Micros,
) -> Result<Option<(Seq, Vec<u8>)>, StoreError> {
    let Ok(record) = engine.restored_record(engine.epoch() + 1, now_us) else {
        return Ok(None);
    };
    let seq = journal.commit(&[&record])?;
    engine
        .replay(seq, &record)
        .expect("the engine takes in what it has just made");
    Ok(Some((seq, record)))
}

fn put_all(
    blocks: &mut BlockLog,
    puts: Vec<((Eui64, u64), (u64, Block))>,
) -> Result<Vec<Answered>, StoreError> {
    let (transfers, puts): (Vec<_>, Vec<_>) = puts.into_iter().unzip();
    let answers = blocks.commit(&puts)?;
    let mut all = Vec::new();
    for ((transfer, (owner, block)), put) in transfers.into_iter().zip(puts).zip(answers) {
        all.push(Answered {
            transfer,
            owner,
            index: block.index(),
            crc32: block.crc32(),
            put: put?,
        });
    }
    Ok(all)
}
