//! What the decision log needs besides what is decided anyway: checkpoints, and refusals.

use bytes::Bytes;

use crate::effect::{Effect, Reply};
use crate::engine::Engine;
use crate::event::{RefusedCalls, SignedCheckpoint};
use crate::record::{Change, CheckpointMade, Refused, RefusedCall};

impl Engine {
    /// Asks once for the signature of each service day that is over; of several that passed unseen, of the last.
    pub(crate) fn ask_for_checkpoint(&mut self) {
        let today = self.days.today.as_ref().filter(|_| self.terms.checkpoints);
        let Some(over) = today.map(|today| today.day.date.previous()) else {
            return;
        };
        if self.checkpoints.signed.max(self.checkpoints.asked) < Some(over) {
            self.checkpoints.asked = Some(over);
            self.out.push_effect(Effect::Checkpoint { date: over });
        }
    }

    /// A signature that comes for a day that has one changes nothing.
    pub(crate) fn checkpoint_signed(&mut self, signed: SignedCheckpoint) {
        if self.checkpoints.signed >= Some(signed.date) || signed.seq > self.last_seq() {
            return;
        }
        self.record(Change::CheckpointMade(CheckpointMade {
            date: signed.date.days(),
            seq: signed.seq,
            chain: Bytes::copy_from_slice(&signed.chain),
            signature: signed.signature,
            public_key: signed.public_key,
        }));
    }

    /// Puts on record what callers were refused. The answer is given when it is durable.
    pub(crate) fn note_refusals(&mut self, refused: Vec<RefusedCalls>) -> Reply {
        for one in refused.into_iter().filter(|it| !it.calls.is_empty()) {
            let calls = one.calls.into_iter().map(|it| RefusedCall {
                call: it.call,
                reason: it.reason,
                count: it.count,
                message: it.message,
            });
            self.record(Change::Refused(Refused {
                by: one.by.bits(),
                minute_us: one.minute_us,
                calls: calls.collect(),
            }));
        }
        Reply::Noted
    }
}
