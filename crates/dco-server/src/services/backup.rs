//! The stream of a backup.

use dco_proto::v1 as pb;
use pb::backup_response::Kind;
use tokio::sync::mpsc;

use super::{Answers, Context, answers};
use crate::backup::{Backup, Piece, Said};
use crate::convert::instant;
use crate::permit::{Operator, Permit};
use crate::status::Fault;

/// What is said of a backup, in its order.
struct Telling {
    plan: Option<pb::BackupPlan>,
    said: mpsc::Receiver<Said>,
    is_whole: bool,
}

pub(super) async fn backup(
    context: &Context,
    _by: Permit<Operator>,
    message: &pb::BackupRequest,
) -> Result<Answers<pb::BackupResponse>, Fault> {
    let backup = context.backups.begin(&context.engine).await?;
    let plan = plan(&backup);
    tracing::info!(
        record = backup.head.seq,
        files = backup.files.len(),
        "a backup begins"
    );
    let cut = context.stopping.draining.clone();
    let telling = Telling {
        plan: Some(plan),
        said: context.backups.send(backup, message.bytes_per_second, cut),
        is_whole: false,
    };
    Ok(answers(telling, Telling::step))
}

impl Telling {
    async fn step(mut self) -> Result<Option<(pb::BackupResponse, Self)>, Fault> {
        if let Some(plan) = self.plan.take() {
            return Ok(Some((response(Kind::Plan(plan)), self)));
        }
        match self.said.recv().await {
            Some(Said::Piece(it)) => Ok(Some((response(Kind::Piece(piece(it))), self))),
            Some(Said::End) => {
                self.is_whole = true;
                Ok(Some((response(Kind::End(pb::BackupEnd {})), self)))
            }
            Some(Said::Fault(fault)) => Err(fault),
            None if self.is_whole => Ok(None),
            None => Err(Fault::backup_unread()),
        }
    }
}

fn response(kind: Kind) -> pb::BackupResponse {
    pb::BackupResponse { kind: Some(kind) }
}

fn plan(backup: &Backup) -> pb::BackupPlan {
    let file = |(name, bytes): &(String, u64)| pb::BackupFile {
        name: name.clone(),
        bytes: *bytes,
    };
    pb::BackupPlan {
        files: backup.files.iter().map(file).collect(),
        head_seq: backup.head.seq,
        head_chain: backup.head.chain.to_vec().into(),
        backup_time: Some(instant(backup.begun_us)),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn piece(piece: Piece) -> pb::BackupPiece {
    pb::BackupPiece {
        file_index: u32::try_from(piece.file_index).unwrap_or(u32::MAX),
        offset_bytes: piece.offset_bytes,
        data: piece.data,
    }
}
