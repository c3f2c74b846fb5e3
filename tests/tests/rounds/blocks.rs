//! One `SendBlocks` stream, and the record of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use dco_block::RawBlock;
use dco_client::{ClientError, TransferName};
use dco_proto::v1 as pb;
use dco_proto::v1::send_blocks_request::Kind;
use dco_tests::Wire;

use super::tally::Tally;

/// What a stream sends, and when its sender hangs up.
pub(super) struct Sending {
    pub(super) name: TransferName,
    pub(super) blocks: Vec<RawBlock>,
    /// A block that is damaged on the way: it must be refused.
    pub(super) damaged: Option<RawBlock>,
    /// These are all blocks that are missing, so that the image is complete with them.
    pub(super) completes: bool,
    /// The sender hangs up after so many acknowledgements.
    pub(super) hangs_up_after: usize,
}

/// What came of a stream.
pub(super) struct Told {
    sent: BTreeSet<u32>,
    pub(super) acknowledged: BTreeSet<u32>,
    /// Why the stream did not go on, where the service or its end was the reason.
    pub(super) fault: Option<ClientError>,
}

impl Sending {
    /// Sends and listens until all is acknowledged, the sender hangs up, or the stream ends.
    pub(super) async fn run(self, mut wire: Wire, tally: Tally) -> Told {
        let mut told = Told {
            sent: self.blocks.iter().map(|block| block.index).collect(),
            acknowledged: BTreeSet::new(),
            fault: None,
        };
        let damaged = self.damaged.as_ref().map(|block| block.index);
        let first = Kind::Transfer(self.name.to_string());
        let blocks = self.damaged.into_iter().map(damage).chain(self.blocks);
        let requests: Vec<_> = [first]
            .into_iter()
            .chain(blocks.map(block))
            .map(|kind| pb::SendBlocksRequest { kind: Some(kind) })
            .collect();
        let answers = wire.transfers.send_blocks(tokio_stream::iter(requests));
        let mut answers = match answers.await {
            Ok(answers) => answers.into_inner(),
            Err(status) => {
                told.fault = Some(status.into());
                return told;
            }
        };
        while told.acknowledged.len() < self.hangs_up_after {
            match answers.message().await {
                Ok(Some(answer)) => {
                    told.hear(answer, damaged, &tally);
                    if self.completes && told.acknowledged == told.sent {
                        tally.complete();
                    }
                }
                Ok(None) => {
                    assert_eq!(told.acknowledged, told.sent, "the stream ended in order");
                    return told;
                }
                Err(status) => {
                    told.fault = Some(status.into());
                    return told;
                }
            }
        }
        told
    }
}

impl Told {
    fn hear(&mut self, answer: pb::SendBlocksResponse, damaged: Option<u32>, tally: &Tally) {
        for refused in answer.refused {
            assert_eq!(Some(refused.index), damaged, "{refused:?}");
        }
        let before = self.acknowledged.len();
        let ranges = answer.acknowledged.into_iter();
        self.acknowledged
            .extend(ranges.flat_map(|range| range.first..=range.last));
        assert!(self.acknowledged.is_subset(&self.sent));
        tally.acknowledged(self.acknowledged.len() - before);
    }
}

/// One bit is another than its CRC-32 says.
fn damage(block: RawBlock) -> RawBlock {
    let mut data = block.data.to_vec();
    data[0] ^= 1;
    RawBlock {
        data: Bytes::from(data),
        ..block
    }
}

fn block(raw: RawBlock) -> Kind {
    Kind::Block(pb::Block {
        index: raw.index,
        crc32: raw.crc32,
        data: raw.data,
    })
}
