//! What the checkers are shown: only what somebody outside of the engine could see.

use dco_block::{Eui64, ImageId, ManufacturerImageHash};
use dco_engine::record::Record;
use dco_engine::{AttemptRef, Hello, Refusal, Reply, Request, ToGateway};
use dco_store::Seq;

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happened<'a> {
    /// The service starts with this capacity for a service day.
    Started { capacity: u32 },
    /// A record is durable. Each is shown once, in order; those that a crash kept although nobody had
    /// been told are shown at the next start.
    Recorded {
        seq: Seq,
        bytes: &'a [u8],
        record: &'a Record,
    },
    /// The journal's chain up to a record, as the journal has it.
    Chained { seq: Seq, chain: [u8; 32] },
    /// The journal was read back at a start, up to this record.
    ReadBack { records: &'a [(Seq, Vec<u8>)] },
    /// A request reached the service.
    Asked(&'a Request),
    /// An answer left the service.
    Answered {
        request: &'a Request,
        reply: &'a Result<Reply, Refusal>,
    },
    /// A User was told that a block of its transfer is held.
    BlockAcknowledged {
        user: Eui64,
        number: u64,
        index: u32,
        crc32: u32,
    },
    /// The blocks of a transfer that is not given up: for each the CRC-32 over what was read, and the one it has
    /// in the image.
    BlocksFound {
        user: Eui64,
        number: u64,
        found: &'a [Option<u32>],
        image: &'a [u32],
    },
    /// Something was said to a gateway.
    Told {
        gateway: Eui64,
        message: &'a ToGateway,
    },
    /// A gateway has read all blocks of an image for an attempt: the image that they make, or none.
    ImageRead {
        gateway: Eui64,
        attempt: AttemptRef,
        image_id: Option<ImageId>,
    },
    /// A gateway's hello reached the service.
    SaidHello { gateway: Eui64, hello: &'a Hello },
    /// A gateway's word that an attempt is over reached the service.
    ReportedEnd {
        attempt: AttemptRef,
        nothing_sent: bool,
    },
    /// A gateway begins to work on an attempt.
    AttemptStarted { gateway: Eui64, attempt: AttemptRef },
    /// It has ended it, left it, or forgotten it.
    AttemptLeft { gateway: Eui64, attempt: AttemptRef },
    /// A Device runs another image now.
    Activated {
        device: Eui64,
        hash: ManufacturerImageHash,
    },
}
