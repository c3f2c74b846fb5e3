//! The decision log, as it comes.

use bytes::{Bytes, BytesMut};
use dco_proto::v1 as pb;
use pb::get_decision_log_response::Kind;
use tonic::Streaming;

use crate::types::{Decision, DecisionLogEnd, DecisionLogQuery, DecisionLogStart};
use crate::{BadAnswer, ClientError, OperationsClient};

/// No record of a journal is larger.
const RECORD_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Decisions, in the order in which they were made.
#[derive(Debug)]
pub struct DecisionStream {
    answers: Streaming<pb::GetDecisionLogResponse>,
    with_records: bool,
    end: Option<DecisionLogEnd>,
}

impl OperationsClient {
    /// What was decided: what of the log is looked at, and the stream of what is wanted of it. Whoever stops reading is cut off by
    /// the service after a while.
    pub async fn decision_log(
        &self,
        query: DecisionLogQuery,
    ) -> Result<(DecisionLogStart, DecisionStream), ClientError> {
        let with_records = query.with_records;
        let request: pb::GetDecisionLogRequest = query.into();
        let answers = self.wire().get_decision_log(request).await?;
        let mut stream = DecisionStream {
            answers: answers.into_inner(),
            with_records,
            end: None,
        };
        match stream.message().await? {
            Kind::Start(start) => Ok((start.try_into()?, stream)),
            _ => Err(BadAnswer::new("decision log", "does not begin with its start").into()),
        }
    }
}

impl DecisionStream {
    /// The next decision; `None` once all has come.
    pub async fn next(&mut self) -> Result<Option<Decision>, ClientError> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.message().await? {
            Kind::Decision(decision) => {
                let mut decision = Decision::try_from(decision)?;
                if self.with_records {
                    decision.record = self.record().await?;
                }
                Ok(Some(decision))
            }
            Kind::End(end) => {
                self.end = Some(end.try_into()?);
                Ok(None)
            }
            Kind::Start(_) | Kind::Record(_) => {
                Err(BadAnswer::new("decision log", "has a message out of turn").into())
            }
        }
    }

    /// What was looked at, once all has come.
    pub fn end(&self) -> Option<&DecisionLogEnd> {
        self.end.as_ref()
    }

    async fn record(&mut self) -> Result<Bytes, ClientError> {
        let mut record = BytesMut::new();
        loop {
            let Kind::Record(piece) = self.message().await? else {
                return Err(BadAnswer::new("decision log", "lacks a record").into());
            };
            if record.len() + piece.data.len() > RECORD_BYTES_MAX {
                return Err(BadAnswer::new("decision log", "has too long a record").into());
            }
            if record.is_empty() && !piece.more {
                return Ok(piece.data);
            }
            record.extend_from_slice(&piece.data);
            if !piece.more {
                return Ok(record.freeze());
            }
        }
    }

    async fn message(&mut self) -> Result<Kind, ClientError> {
        let message = self.answers.message().await?;
        let message = message.ok_or_else(|| ClientError::broken("the log ended before its end"))?;
        let kind = message.kind;
        Ok(kind.ok_or_else(|| BadAnswer::new("decision log", "has an empty message"))?)
    }
}
