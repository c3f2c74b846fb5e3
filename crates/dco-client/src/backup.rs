//! A copy of all that the service holds, as it comes.

use dco_proto::v1 as pb;
use tonic::Streaming;

use crate::convert::backup::{Answer, answer};
use crate::types::{BackupPiece, BackupPlan};
use crate::{BadAnswer, ClientError, OperationsClient};

/// The pieces of a backup, in order.
#[derive(Debug)]
pub struct BackupStream {
    answers: Streaming<pb::BackupResponse>,
    course: Course,
}

/// What has come, held against what was announced: no byte is missing, none comes twice.
#[derive(Debug)]
pub(crate) struct Course {
    bytes: Vec<u64>,
    file_index: usize,
    offset_bytes: u64,
}

impl OperationsClient {
    /// Begins a backup: what is in it, and the stream of its pieces. `bytes_per_second` is how fast it may be read; 0 for as fast
    /// as can be. Whoever stops reading is cut off by the service after a while.
    pub async fn backup(
        &self,
        bytes_per_second: u64,
    ) -> Result<(BackupPlan, BackupStream), ClientError> {
        let request = pb::BackupRequest { bytes_per_second };
        let mut answers = self.wire().backup(request).await?.into_inner();
        let first = answers.message().await?;
        let Some(Answer::Plan(plan)) = first.map(answer).transpose()? else {
            return Err(BadAnswer::new("backup", "does not begin with a plan").into());
        };
        let course = Course::new(&plan);
        Ok((plan, BackupStream { answers, course }))
    }
}

impl BackupStream {
    /// The next piece; `None` once all that was announced has come. Safe to drop while it waits.
    pub async fn next(&mut self) -> Result<Option<BackupPiece>, ClientError> {
        let Some(message) = self.answers.message().await? else {
            return Err(ClientError::broken("the backup ended before its end"));
        };
        match answer(message)? {
            Answer::Piece(piece) => {
                self.course.follow(&piece)?;
                Ok(Some(piece))
            }
            Answer::End => {
                self.course.end()?;
                Ok(None)
            }
            Answer::Plan(_) => Err(BadAnswer::new("backup", "has a second plan").into()),
        }
    }
}

impl Course {
    pub(crate) fn new(plan: &BackupPlan) -> Self {
        let mut course = Self {
            bytes: plan.files.iter().map(|file| file.bytes).collect(),
            file_index: 0,
            offset_bytes: 0,
        };
        course.skip_done();
        course
    }

    pub(crate) fn follow(&mut self, piece: &BackupPiece) -> Result<(), BadAnswer> {
        let left = self.bytes.get(self.file_index).copied().unwrap_or(0) - self.offset_bytes;
        let bytes = piece.data.len() as u64;
        let follows =
            (piece.file_index, piece.offset_bytes) == (self.file_index, self.offset_bytes);
        if !follows || bytes == 0 || bytes > left {
            let problem = format!(
                "has {bytes} bytes of file {} from {} on, where file {} was to go on from {}",
                piece.file_index, piece.offset_bytes, self.file_index, self.offset_bytes
            );
            return Err(BadAnswer::new("backup.piece", problem));
        }
        self.offset_bytes += bytes;
        self.skip_done();
        Ok(())
    }

    pub(crate) fn end(&self) -> Result<(), BadAnswer> {
        if self.file_index == self.bytes.len() {
            return Ok(());
        }
        let problem = format!(
            "came in file {} at {}, before all was sent",
            self.file_index, self.offset_bytes
        );
        Err(BadAnswer::new("backup.end", problem))
    }

    /// Goes on to the next file that misses bytes.
    fn skip_done(&mut self) {
        while self.bytes.get(self.file_index) == Some(&self.offset_bytes) {
            self.file_index += 1;
            self.offset_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::BackupFile;

    fn course() -> Course {
        let file = |name: &str, bytes| BackupFile {
            name: name.to_owned(),
            bytes,
        };
        Course::new(&BackupPlan {
            files: vec![
                file("empty", 0),
                file("a", 5),
                file("none", 0),
                file("b", 2),
            ],
            head_seq: 1,
            head_chain: [0; 32],
            backup_us: None,
            program_version: String::new(),
        })
    }

    fn piece(file_index: usize, offset_bytes: u64, bytes: usize) -> BackupPiece {
        BackupPiece {
            file_index,
            offset_bytes,
            data: vec![7; bytes].into(),
        }
    }

    #[test]
    fn a_backup_is_whole_when_every_byte_came_in_order() {
        let mut course = course();
        for next in [piece(1, 0, 3), piece(1, 3, 2), piece(3, 0, 2)] {
            assert!(course.end().is_err());
            course.follow(&next).unwrap();
        }
        course.end().unwrap();
        assert!(course.follow(&piece(4, 0, 1)).is_err());
    }

    #[test]
    fn a_gap_a_repetition_and_a_byte_too_many_are_noticed() {
        for wrong in [
            piece(0, 0, 1),
            piece(1, 1, 1),
            piece(1, 0, 6),
            piece(1, 0, 0),
            piece(3, 0, 2),
        ] {
            assert!(course().follow(&wrong).is_err(), "{wrong:?}");
        }
        let mut course = course();
        course.follow(&piece(1, 0, 3)).unwrap();
        assert!(course.follow(&piece(1, 0, 3)).is_err());
    }
}
