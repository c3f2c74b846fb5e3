//! One of the senders of a User: what it does until the service is gone, and its record.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dco_client::{
    Batch, BatchName, ClientError, OpenTransfer, Page, PageRequest, RequestId, SubmitBatch,
    Transfer, TransferName, UserClient,
};
use dco_sim::Dice;
use dco_tests::{Device, Image, LARGE_BYTES, Scene, Wire, open_transfer};
use futures::future::join_all;

use super::batches::Submitted;
use super::blocks::Sending;
use super::tally::Tally;
use super::transfers::Opened;
use super::{LANES, is_gone};

/// Devices of each lane.
pub(super) const DEVICES: u32 = 24;

const OPEN_TRANSFERS_MAX: usize = 6;
const SIDE_BY_SIDE_MAX: usize = 3;
const BLOCK_BYTES: u32 = 4 * 1024;
const IMAGE_BYTES_MAX: u32 = 120_000;
const SIGNED_REQUEST_BYTES_MAX: u32 = 12_000;

/// A sender with its record.
pub(super) struct Lane {
    pub(super) user: &'static str,
    number: u32,
    dice: Dice,
    /// Of every image that this lane has made, this many are before the next.
    images: u32,
    devices: Vec<Device>,
    pub(super) transfers: Vec<Opened>,
    pub(super) batches: Vec<Submitted>,
}

/// The connections of one sender.
pub(super) struct Caller {
    user: UserClient,
    wire: Wire,
}

/// All that a User has, as the lists tell.
pub(super) struct Listed {
    pub(super) transfers: BTreeMap<TransferName, Transfer>,
    pub(super) batches: BTreeMap<BatchName, Batch>,
}

impl Caller {
    pub(super) async fn of(scene: &Scene, user: &str) -> Self {
        Self {
            user: scene.user(user).await,
            wire: scene.wire(user).await,
        }
    }
}

impl Lane {
    pub(super) fn new(user: &'static str, number: u32, devices: Vec<Device>, dice: Dice) -> Self {
        Self {
            user,
            number,
            dice,
            images: 0,
            devices,
            transfers: Vec::new(),
            batches: Vec::new(),
        }
    }

    pub(super) fn key(&self) -> (&'static str, u32) {
        (self.user, self.number)
    }

    /// The first image: one whose releases are charged.
    pub(super) async fn store_large(&mut self, user: &UserClient) {
        let image = Image::new(LARGE_BYTES, self.next_version()).in_blocks_of(256 * 1024);
        let request = open_transfer(&image, &self.devices);
        let mut large = Opened::asked(request, image.bytes.clone(), true);
        large.open(user).await.expect("it can be opened");
        dco_tests::send(user, large.name(), &image).await;
        large.was_sent();
        large.settle(user).await.expect("it is stored");
        self.transfers.push(large);
    }

    /// Works until the service is gone.
    pub(super) async fn work(mut self, caller: Caller, tally: Tally) -> Self {
        let fault = loop {
            if let Err(fault) = self.step(&caller, &tally).await {
                break fault;
            }
        };
        assert!(is_gone(&fault), "refused for no reason: {fault}");
        self
    }

    async fn step(&mut self, caller: &Caller, tally: &Tally) -> Result<(), ClientError> {
        let open = self.wanting_blocks();
        match self.dice.below(10) {
            0 | 1 if open.len() < OPEN_TRANSFERS_MAX => self.open(caller, tally).await,
            2 if !open.is_empty() => self.cancel(open, caller, tally).await,
            3 | 4 => self.submit(caller, tally).await,
            _ if open.is_empty() => self.open(caller, tally).await,
            _ => self.send(open, caller, tally).await,
        }
    }

    /// Which transfers blocks can be sent for.
    fn wanting_blocks(&self) -> Vec<usize> {
        let transfers = self.transfers.iter().enumerate();
        transfers
            .filter_map(|(at, transfer)| transfer.wants_blocks().then_some(at))
            .collect()
    }

    async fn open(&mut self, caller: &Caller, tally: &Tally) -> Result<(), ClientError> {
        let version = self.next_version();
        let image = small_image(version);
        let is_good = self.dice.chance(800);
        // As long as it should be, with other octets at its end.
        let mut bytes = image.bytes.to_vec();
        if !is_good {
            *bytes.last_mut().expect("an image has octets") ^= 1;
        }
        let request = OpenTransfer {
            request_id: self.request_id(),
            signed_request: self.signed_request(),
            ..open_transfer(&image, &self.devices)
        };
        self.transfers
            .push(Opened::asked(request, bytes.into(), is_good));
        let asked = self.transfers.last_mut().expect("one was put there");
        asked.open(&caller.user).await?;
        tally.acknowledged(1);
        Ok(())
    }

    async fn cancel(
        &mut self,
        open: Vec<usize>,
        caller: &Caller,
        tally: &Tally,
    ) -> Result<(), ClientError> {
        let (id, at) = (self.request_id(), open[self.dice.index(open.len())]);
        self.transfers[at].cancel(&caller.user, id).await?;
        tally.acknowledged(1);
        Ok(())
    }

    /// Sends blocks of several transfers side by side; waits for the 11.1 Response of some that are complete then.
    async fn send(
        &mut self,
        open: Vec<usize>,
        caller: &Caller,
        tally: &Tally,
    ) -> Result<(), ClientError> {
        let mut chosen = self.dice.some(&open);
        chosen.truncate(SIDE_BY_SIDE_MAX);
        let mut streams = Vec::new();
        for at in &chosen {
            for _ in 0..self.dice.small(1..=2) {
                let sending = self.draw_sending(*at);
                let sending = sending.run(caller.wire.clone(), tally.clone());
                streams.push(async { (*at, sending.await) });
            }
        }
        let mut faults = Vec::new();
        for (at, told) in join_all(streams).await {
            faults.extend(self.transfers[at].heard(told));
        }
        if let Some(fault) = faults.pop() {
            return Err(fault);
        }
        for at in chosen {
            if self.transfers[at].is_complete() && self.dice.chance(500) {
                self.transfers[at].settle(&caller.user).await?;
            }
        }
        Ok(())
    }

    /// All that is missing, or any blocks in any order, with interruptions and damage.
    fn draw_sending(&mut self, at: usize) -> Sending {
        let transfer = &self.transfers[at];
        let (name, mut blocks) = (transfer.name(), transfer.missing());
        let mut sending = Sending {
            name,
            blocks: Vec::new(),
            damaged: None,
            completes: true,
            hangs_up_after: usize::MAX,
        };
        if self.dice.chance(600) {
            sending.completes = false;
            blocks = transfer.blocks().collect();
            self.dice.shuffle(&mut blocks);
            blocks.truncate(1 + self.dice.index(blocks.len()));
            if self.dice.chance(300) {
                sending.damaged = blocks.pop();
            }
            if self.dice.chance(200) {
                sending.hangs_up_after = self.dice.index(4);
            }
        }
        self.dice.shuffle(&mut blocks);
        self.transfers[at].sends(&blocks);
        Sending { blocks, ..sending }
    }

    async fn submit(&mut self, caller: &Caller, tally: &Tally) -> Result<(), ClientError> {
        let idle = self.idle();
        if idle.is_empty() {
            return Ok(());
        }
        let mut devices = self.dice.some(&idle);
        devices.truncate(3);
        devices.sort_unstable();
        let stored: Vec<_> = self.transfers.iter().filter(|it| it.is_stored()).collect();
        let image = match self.dice.chance(500) {
            true => stored[0],
            false => stored[self.dice.index(stored.len())],
        };
        let manufacturer_image_hash = image.image_hash();
        let request = SubmitBatch {
            request_id: self.request_id(),
            manufacturer_image_hash,
            devices,
            execute_us: None,
            canary: 0,
            service_date: None,
            signed_request: self.signed_request(),
            originator_counter: None,
            validate_only: false,
        };
        self.batches.push(Submitted::asked(request));
        let asked = self.batches.last_mut().expect("one was put there");
        asked.submit(&caller.user).await?;
        tally.acknowledged(1);
        Ok(())
    }

    /// Devices for which nothing is under way, as far as this lane was told.
    fn idle(&self) -> Vec<Device> {
        let open = self.batches.iter().filter(|batch| batch.is_open());
        let busy: BTreeSet<_> = open.flat_map(|batch| &batch.request.devices).collect();
        let devices = self.devices.iter().copied();
        devices.filter(|device| !busy.contains(device)).collect()
    }

    /// Asks again what was not answered, and some of what was, or all.
    pub(super) async fn ask_again(&mut self, user: &UserClient, all: bool) {
        for transfer in &mut self.transfers {
            let again = all || self.dice.chance(50);
            transfer.ask_again(user, again).await;
        }
        for batch in &mut self.batches {
            let again = all || self.dice.chance(50);
            batch.ask_again(user, again).await;
        }
    }

    /// Holds everything against the record. What has ended is looked at in the lists alone, unless `all` is.
    pub(super) async fn check(&mut self, user: &UserClient, listed: &Listed, all: bool) {
        for transfer in &mut self.transfers {
            transfer.check_listed(&listed.transfers[&transfer.name()]);
            if all || !transfer.has_ended() {
                let waits = all || self.dice.chance(700);
                transfer.check(user, waits).await;
            }
        }
        for batch in &mut self.batches {
            batch.check_listed(&listed.batches[&batch.name()]);
            if all || batch.is_open() {
                batch.check(user).await;
            }
        }
    }

    /// Each User's lanes have images of their own, and every User has the same as the others.
    fn next_version(&mut self) -> u32 {
        self.images += 1;
        self.images * LANES + self.number
    }

    fn request_id(&mut self) -> RequestId {
        let text = format!("{:016x}{:016x}", self.dice.any(), self.dice.any());
        text.parse().expect("32 hex digits make a UUID")
    }

    fn signed_request(&mut self) -> Bytes {
        let count = self.dice.small(0..=SIGNED_REQUEST_BYTES_MAX);
        let octet = self.dice.any().to_le_bytes()[0];
        vec![octet; count as usize].into()
    }
}

impl Listed {
    pub(super) async fn of(user: &UserClient) -> Self {
        let (mut transfers, mut batches) = (BTreeMap::new(), BTreeMap::new());
        let mut next = Some(whole());
        while let Some(page) = next {
            let page = user.transfers(&page).await.expect("a User reads its own");
            next = after(&page);
            let named = page.items.into_iter().map(|it| (it.name.unwrap(), it));
            transfers.extend(named);
        }
        let mut next = Some(whole());
        while let Some(page) = next {
            let page = user.batches(&page).await.expect("a User reads its own");
            next = after(&page);
            let named = page.items.into_iter().map(|it| (it.name.unwrap(), it));
            batches.extend(named);
        }
        Self { transfers, batches }
    }
}

fn whole() -> PageRequest {
    PageRequest {
        size: 1_000,
        token: None,
    }
}

fn after<T>(page: &Page<T>) -> Option<PageRequest> {
    let token = page.next.clone()?;
    Some(PageRequest {
        token: Some(token),
        ..whole()
    })
}

/// Not large, and of a length that its version decides.
fn small_image(version: u32) -> Image {
    let bytes = Dice::new(version.into()).small(1_000..=IMAGE_BYTES_MAX);
    Image::new(bytes as usize, version).in_blocks_of(BLOCK_BYTES)
}
