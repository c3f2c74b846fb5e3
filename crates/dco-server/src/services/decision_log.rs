//! The stream of the decision log.

use std::collections::VecDeque;

use dco_proto::v1 as pb;
use pb::get_decision_log_response::Kind;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Answers, Context, answers};
use crate::checkpoint::LogKey;
use crate::convert::decision_log as convert;
use crate::decision_log::Said;
use crate::permit::{Permit, Staff};
use crate::status::Fault;

/// What is said of the log, in its order.
struct Telling {
    said: mpsc::Receiver<Said>,
    draining: CancellationToken,
    /// Of a decision that was said with its record.
    next: VecDeque<Kind>,
    is_whole: bool,
    key: Option<LogKey>,
}

pub(super) async fn decision_log(
    context: &Context,
    _by: Permit<Staff>,
    message: pb::GetDecisionLogRequest,
) -> Result<Answers<pb::GetDecisionLogResponse>, Fault> {
    let wanted = convert::wanted(&message)?;
    let place = context.decision_log.place()?;
    context.refusals.flush(&context.engine).await?;
    let history = context.engine.history().await?;
    let telling = Telling {
        said: context.decision_log.read(history, wanted, place),
        draining: context.stopping.draining.clone(),
        next: VecDeque::new(),
        is_whole: false,
        key: context.decision_log.key(),
    };
    Ok(answers(telling, Telling::step))
}

impl Telling {
    async fn step(mut self) -> Result<Option<(pb::GetDecisionLogResponse, Self)>, Fault> {
        if let Some(kind) = self.next.pop_front() {
            return Ok(Some((response(kind), self)));
        }
        let said = tokio::select! {
            said = self.said.recv() => said,
            () = self.draining.cancelled() => return Err(Fault::draining()),
        };
        let kind = match said {
            Some(Said::Start(span)) => Kind::Start(convert::start(&span)),
            Some(Said::Told(told)) => {
                let pieces = told.record.iter().flat_map(convert::pieces);
                self.next.extend(pieces.map(Kind::Record));
                Kind::Decision(convert::decision(&told))
            }
            Some(Said::End { span, count }) => {
                self.is_whole = true;
                Kind::End(convert::end(&span, count, self.key.as_ref()))
            }
            Some(Said::Fault(fault)) => return Err(fault),
            None if self.is_whole => return Ok(None),
            None => return Err(Fault::log_unread()),
        };
        Ok(Some((response(kind), self)))
    }
}

fn response(kind: Kind) -> pb::GetDecisionLogResponse {
    pb::GetDecisionLogResponse { kind: Some(kind) }
}
