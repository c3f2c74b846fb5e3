//! The decision log is complete and chained: what was done for a request or by a gateway has its line, every record
//! reads as one, and the chain over them is the journal's own.

use std::collections::BTreeSet;

use dco_block::Eui64;
use dco_engine::record::{Change, Record};
use dco_engine::{
    ActivationName, AttemptRef, Decision, Reply, Request, RequestId, ScheduleRequest,
};
use dco_store::{Head, Seq};

use super::{Breach, Checker};
use crate::happened::Happened;

/// The log as somebody keeps it who reads every record once.
#[derive(Debug, Default)]
pub(super) struct DecisionLog {
    /// The chain after each record.
    chain: Vec<[u8; 32]>,
    /// Request ids that a line names.
    requests: BTreeSet<String>,
    /// Batches, by User and number, that a line cancels.
    cancelled: BTreeSet<(u64, u64)>,
    released: BTreeSet<AttemptRef>,
}

impl DecisionLog {
    fn read(&mut self, bytes: &[u8], record: &Record) -> Result<(), Breach> {
        let before = Head {
            seq: u64::try_from(self.chain.len()).unwrap_or(u64::MAX),
            chain: self.chain.last().copied().unwrap_or_default(),
        };
        self.chain.push(before.after(bytes).chain);
        let line = Decision::of(record).map_err(|error| error.to_string())?;
        if line.what.is_empty() {
            return Err(format!("nothing is said of {record:?}"));
        }
        self.requests.insert(line.request_id.replace('-', ""));
        if let Some(Change::BatchCancelled(it)) = &record.change {
            self.cancelled.insert((it.user, it.number));
        }
        if let Some(Change::Released(it)) = &record.change
            && let (Some(id), Ok(attempt)) = (&it.id, u16::try_from(it.attempt))
        {
            let activation = ActivationName {
                user: Eui64::from_bits(id.user),
                batch: id.batch,
                device: Eui64::from_bits(id.device),
            };
            self.released.insert(AttemptRef {
                activation,
                attempt,
            });
        }
        Ok(())
    }

    fn compare(&self, seq: Seq, chain: [u8; 32]) -> Result<(), Breach> {
        let at = usize::try_from(seq).unwrap_or(usize::MAX);
        let own = at.checked_sub(1).map(|at| self.chain.get(at).copied());
        if own.unwrap_or(Some([0; 32])) == Some(chain) {
            return Ok(());
        }
        Err(format!(
            "the journal's chain after record {seq} is not that over its records"
        ))
    }

    fn answered(&self, request: &Request, reply: &Reply) -> Result<(), Breach> {
        if self.is_left_alone(request, reply) {
            return Ok(());
        }
        match id_of(request).map(words) {
            Some(id) if !self.requests.contains(&id) => Err(format!(
                "{request:?} was done, and no line of the log says so"
            )),
            _ => Ok(()),
        }
    }

    /// To cancel a batch again, or one that is over, changes nothing.
    fn is_left_alone(&self, request: &Request, reply: &Reply) -> bool {
        let (Request::CancelBatch(asked), Reply::Batch(batch)) = (request, reply) else {
            return false;
        };
        let is_cancelled = self.cancelled.contains(&(asked.user.bits(), asked.number));
        is_cancelled || batch.counts.open() == 0
    }
}

impl Checker for DecisionLog {
    fn promise(&self) -> &'static str {
        "the decision log is complete and chained"
    }

    fn see(&mut self, happened: &Happened<'_>) -> Result<(), Breach> {
        match happened {
            Happened::Recorded { bytes, record, .. } => self.read(bytes, record),
            Happened::Chained { seq, chain } => self.compare(*seq, *chain),
            Happened::Answered {
                request,
                reply: Ok(reply),
            } if !matches!(reply, Reply::Noted) => self.answered(request, reply),
            Happened::AttemptStarted { attempt, .. } if !self.released.contains(attempt) => Err(
                format!("{attempt:?} is started, and no line of the log releases it"),
            ),
            _ => Ok(()),
        }
    }
}

/// The id of a request that changes something.
fn id_of(request: &Request) -> Option<RequestId> {
    let (id, validate_only) = match request {
        Request::OpenTransfer(it) => (it.id, it.validate_only),
        Request::SubmitBatch(it) => (it.id, it.validate_only),
        Request::CancelTransfer(it) | Request::CancelBatch(it) => (it.id, it.validate_only),
        Request::ImportDevices(it) => (it.id, it.validate_only),
        Request::Pause(it) | Request::Resume(it) => (it.id, it.validate_only),
        Request::Schedules(ScheduleRequest::Act(it)) => (it.id, it.validate_only),
        Request::Schedules(ScheduleRequest::SetCapacity(it)) => (it.id, it.validate_only),
        Request::Schedules(ScheduleRequest::Approve(it) | ScheduleRequest::Decline(it)) => {
            (it.id, it.validate_only)
        }
        _ => return None,
    };
    (!validate_only).then_some(id)
}

fn words(id: RequestId) -> String {
    id.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use dco_block::Eui64;
    use dco_engine::record::{BatchCancelled, Change, Record, RequestKey};
    use dco_engine::{ActivationCounts, Cancel, Refusal, Reply, Request, RequestId};
    use prost::Message;

    use super::DecisionLog;
    use crate::checkers::history::{self, USER, attempt, broken, kept};
    use crate::happened::Happened;

    fn cancelled(id: u8) -> Record {
        history::record(Change::BatchCancelled(BatchCancelled {
            user: USER,
            number: 1,
            request: Some(RequestKey {
                id: Bytes::copy_from_slice(&[id; 16]),
                digest: Bytes::new(),
            }),
            given_back: 0,
        }))
    }

    fn with(records: &[Record]) -> DecisionLog {
        let mut checker = DecisionLog::default();
        for (record, seq) in records.iter().zip(1..) {
            let bytes = &record.encode_to_vec();
            kept(&mut checker, &Happened::Recorded { seq, bytes, record });
        }
        checker
    }

    fn cancel(id: u8) -> (Request, Result<Reply, Refusal>) {
        let request = Request::CancelBatch(Cancel {
            user: Eui64::from_bits(USER),
            number: 1,
            id: RequestId([id; 16]),
            validate_only: false,
        });
        (request, Ok(Reply::Imported(0)))
    }

    #[test]
    fn what_was_done_and_is_not_in_the_log_is_seen() {
        let (request, reply) = &cancel(1);
        let answered = Happened::Answered { request, reply };
        kept(&mut with(&[cancelled(1)]), &answered);
        broken(&mut with(&[cancelled(2)]), &answered);
    }

    #[test]
    fn what_is_cancelled_already_needs_no_other_line() {
        let (request, _) = &cancel(2);
        let left = |released| ActivationCounts {
            released,
            ..ActivationCounts::default()
        };
        let replies = [0, 1].map(|released| Ok(Reply::Batch(history::batch_view(left(released)))));
        let [over, open] = replies
            .each_ref()
            .map(|reply| Happened::Answered { request, reply });
        kept(&mut with(&[cancelled(1)]), &open);
        kept(&mut DecisionLog::default(), &over);
        broken(&mut DecisionLog::default(), &open);
    }

    #[test]
    fn an_attempt_that_nobody_released_is_seen() {
        let started = Happened::AttemptStarted {
            gateway: Eui64::from_bits(5),
            attempt: attempt(0, 1),
        };
        broken(&mut with(&[cancelled(1)]), &started);
    }

    #[test]
    fn a_record_that_was_changed_or_left_out_breaks_the_chain() {
        let whole = with(&[cancelled(1), cancelled(2)]);
        let chain = *whole.chain.last().expect("two records");
        let told = Happened::Chained { seq: 2, chain };
        kept(&mut with(&[cancelled(1), cancelled(2)]), &told);
        broken(&mut with(&[cancelled(1), cancelled(3)]), &told);
        broken(&mut with(&[cancelled(2)]), &told);
    }

    #[test]
    fn a_record_that_says_nothing_is_seen() {
        broken(&mut DecisionLog::default(), &history::recorded(1, &[]));
    }
}
