//! What the tests share: an image, offers of it, and a DCO that does what a test tells it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dco_block::{Eui64, FirmwareVersion, HardwareVersions, Manifest, OtaHeader, split, wrap};
use dco_client::{
    ActivationName, AttemptOutcome, AttemptRef, AttemptResult, BatchName, ClientError, Code,
    DcoMessage, GatewayMessage, Hello, Offer, Refusal,
};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::dco::{BlockStream, Dco, Session, Speak};

pub(crate) const OLD: FirmwareVersion = FirmwareVersion::new(1);
pub(crate) const NEW: FirmwareVersion = FirmwareVersion::new(2);

/// Ten blocks of 1 KiB, the last of them short.
pub(crate) fn image() -> Bytes {
    let header = OtaHeader {
        manufacturer_code: 0x109C,
        image_type: 1,
        file_version: NEW,
        stack_version: 2,
        header_string: [b'm'; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: Some(HardwareVersions { min: 1, max: 4 }),
    };
    let firmware: Vec<u8> = (0..9_500_u32)
        .map(|at| at.wrapping_mul(31).to_le_bytes()[0])
        .collect();
    wrap(header, &firmware, &[0x51; 64])
}

pub(crate) fn manifest() -> Manifest {
    Manifest::of_image(&image(), 1024).unwrap()
}

pub(crate) fn blocks() -> Vec<Bytes> {
    split(&image(), 1024).map(|block| block.data).collect()
}

pub(crate) fn device(number: u64) -> Eui64 {
    Eui64::from_bits(0xD0_0000 + number)
}

pub(crate) fn attempt(device_number: u64, attempt: u32) -> AttemptRef {
    let batch = BatchName {
        user: Eui64::from_bits(0xA),
        number: 1,
    };
    AttemptRef {
        activation: ActivationName {
            batch,
            device: device(device_number),
        },
        attempt,
    }
}

pub(crate) fn offer(device_number: u64, number: u32) -> Box<Offer> {
    Box::new(Offer {
        attempt: attempt(device_number, number),
        device: device(device_number),
        manifest: manifest(),
        answer_by_us: 1_000_000,
        read_version_first: false,
        execute_us: None,
    })
}

pub(crate) fn success(attempt: AttemptRef) -> AttemptOutcome {
    AttemptOutcome {
        attempt,
        result: AttemptResult::Success,
        nothing_sent: false,
        running_version: Some(NEW),
        device_image_hash: Some(manifest().manufacturer_image_hash()),
        message: String::new(),
    }
}

pub(crate) fn broken() -> ClientError {
    ClientError::Broken {
        reason: "cut by the test".to_owned(),
    }
}

pub(crate) fn refused(code: Code) -> ClientError {
    refused_for(code, None)
}

/// A stream that the DCO ends before its time.
pub(crate) fn aborted(reason: &str) -> ClientError {
    refused_for(Code::Aborted, Some(reason))
}

fn refused_for(code: Code, reason: Option<&str>) -> ClientError {
    ClientError::Refused(Box::new(Refusal {
        code,
        message: "refused by the test".to_owned(),
        reason: reason.map(str::to_owned),
        domain: None,
        metadata: [].into(),
        retry_delay: None,
        violations: Vec::new(),
        help: Vec::new(),
    }))
}

/// How one reading of blocks goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// To the end.
    Whole,
    /// The link breaks after so many blocks.
    BreaksAfter(usize),
    /// The stream ends in order after so many blocks.
    EndsAfter(usize),
    /// The block of this index is damaged on its way.
    Damages(u32),
    /// The block of this index is left out.
    LeavesOut(u32),
    /// Not at all, with this code.
    Refused(Code),
}

/// One stream as the DCO has it.
#[derive(Debug)]
pub(crate) struct DcoEnd {
    pub(crate) hello: Hello,
    pub(crate) said: mpsc::Receiver<GatewayMessage>,
    pub(crate) tell: mpsc::Sender<Result<DcoMessage, ClientError>>,
}

/// A DCO in the hands of a test.
#[derive(Debug)]
pub(crate) struct TestDco {
    ends: mpsc::Sender<DcoEnd>,
    refusals: Mutex<VecDeque<ClientError>>,
    readings: Mutex<VecDeque<Reading>>,
    /// The first index of each reading.
    pub(crate) read_from: Mutex<Vec<u32>>,
    /// What is served under any image id.
    image: Bytes,
    /// A try to connect waits until it gets one.
    connects: Arc<Semaphore>,
}

impl TestDco {
    /// Serves [`image`]; once the readings are used up, whole. Each stream that a gateway opens is
    /// given to the receiver.
    pub(crate) fn new(
        readings: impl Into<VecDeque<Reading>>,
    ) -> (Arc<Self>, mpsc::Receiver<DcoEnd>) {
        Self::serving(image(), readings)
    }

    pub(crate) fn serving(
        image: Bytes,
        readings: impl Into<VecDeque<Reading>>,
    ) -> (Arc<Self>, mpsc::Receiver<DcoEnd>) {
        let (ends, opened) = mpsc::channel(16);
        let dco = Self {
            ends,
            refusals: Mutex::default(),
            readings: Mutex::new(readings.into()),
            read_from: Mutex::default(),
            image,
            connects: Arc::new(Semaphore::new(1)),
        };
        (Arc::new(dco), opened)
    }

    /// Lets tries to connect wait until what this gives is dropped.
    pub(crate) async fn hold_connects(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.connects).acquire_owned().await.unwrap()
    }

    /// The next try to connect is refused so.
    pub(crate) fn refuse(&self, refusal: ClientError) {
        self.refusals.lock().unwrap().push_back(refusal);
    }
}

impl Dco for TestDco {
    fn connect(&self, hello: Hello) -> BoxFuture<'static, Result<Session, ClientError>> {
        if let Some(refusal) = self.refusals.lock().unwrap().pop_front() {
            return async { Err(refusal) }.boxed();
        }
        let (sender, said) = mpsc::channel(4);
        let (tell, heard) = mpsc::channel(4);
        let ends = self.ends.clone();
        let connects = Arc::clone(&self.connects);
        async move {
            let _permit = connects.acquire().await.unwrap();
            ends.send(DcoEnd { hello, said, tell })
                .await
                .map_err(|_| broken())?;
            let listener = stream::unfold(heard, |mut heard| async {
                Some((heard.recv().await?, heard))
            });
            Ok(Session {
                speaker: Box::new(sender),
                listener: listener.boxed(),
            })
        }
        .boxed()
    }

    fn read_blocks(
        &self,
        _: &Manifest,
        first_index: u32,
    ) -> BoxFuture<'static, Result<BlockStream, ClientError>> {
        self.read_from.lock().unwrap().push(first_index);
        let reading = self
            .readings
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Reading::Whole);
        let blocks = split(&self.image, 1024).skip(first_index as usize);
        let stream = match reading {
            Reading::Whole => stream::iter(blocks.map(Ok)).boxed(),
            Reading::EndsAfter(count) => stream::iter(blocks.take(count).map(Ok)).boxed(),
            Reading::BreaksAfter(count) => {
                let before = stream::iter(blocks.take(count).map(Ok));
                before.chain(stream::once(async { Err(broken()) })).boxed()
            }
            Reading::Damages(index) => {
                let damaged = blocks.map(move |mut block| {
                    block.crc32 ^= u32::from(block.index == index);
                    Ok(block)
                });
                stream::iter(damaged).boxed()
            }
            Reading::LeavesOut(index) => {
                stream::iter(blocks.filter(move |block| block.index != index).map(Ok)).boxed()
            }
            Reading::Refused(code) => return async move { Err(refused(code)) }.boxed(),
        };
        async { Ok(stream) }.boxed()
    }
}

impl Speak for mpsc::Sender<GatewayMessage> {
    fn send(&mut self, message: GatewayMessage) -> BoxFuture<'_, Result<(), ClientError>> {
        async { Self::send(self, message).await.map_err(|_| broken()) }.boxed()
    }
}

impl DcoEnd {
    /// What the gateway says next; none when it is gone.
    pub(crate) async fn heard(&mut self) -> Option<GatewayMessage> {
        self.said.recv().await
    }

    /// The next outcome, whatever is said before.
    pub(crate) async fn outcome(&mut self) -> AttemptOutcome {
        loop {
            match self.heard().await {
                Some(GatewayMessage::Outcome(outcome)) => return outcome,
                Some(_) => {}
                None => panic!("the gateway is gone"),
            }
        }
    }

    pub(crate) async fn tell(&self, message: DcoMessage) {
        self.tell.send(Ok(message)).await.unwrap();
    }

    pub(crate) async fn welcome(&self) {
        self.tell(DcoMessage::Welcome { now_us: 0 }).await;
    }
}
