//! An export, as it is written.

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dco_client::{DecisionLogEnd, DecisionLogStart};
use dco_engine::{Decision, NoRecord, READING};

use super::{End, FORMAT, Header, Line, hex};
use crate::when;

/// Writes the lines.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    to: W,
    count: u64,
}

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("record {seq}: {error}; use the `dco` of the service's version")]
    Record { seq: u64, error: NoRecord },
}

impl<W: Write> Writer<W> {
    pub(crate) fn begin(mut to: W, start: &DecisionLogStart) -> io::Result<Self> {
        let header = Header {
            dco_decision_log: FORMAT,
            reading: READING,
            oldest_seq: start.oldest_seq,
            first_seq: start.first_seq,
            chain_before: hex(&start.chain_before),
            exported: start.at_us.map(when::rfc3339).unwrap_or_default(),
            program_version: start.program_version.clone(),
        };
        put(&mut to, &header)?;
        Ok(Self { to, count: 0 })
    }

    /// One record, in words made of its own bytes.
    pub(crate) fn record(
        &mut self,
        seq: u64,
        record: &[u8],
        chain: &[u8; 32],
    ) -> Result<(), WriteError> {
        let decision = Decision::read(record).map_err(|error| WriteError::Record { seq, error })?;
        let line = Line {
            seq,
            words: decision.into(),
            chain: hex(chain),
            record: BASE64_STANDARD.encode(record),
        };
        self.count += 1;
        Ok(put(&mut self.to, &line)?)
    }

    /// The last line; gives how many records there are.
    pub(crate) fn end(mut self, end: &DecisionLogEnd) -> io::Result<u64> {
        let line = End {
            end: self.count,
            last_seq: end.last_seq,
            chain: hex(&end.chain),
            time_us: end.at_us.unwrap_or_default(),
            signature: BASE64_STANDARD.encode(&end.signature),
            public_key: BASE64_STANDARD.encode(&end.public_key),
        };
        put(&mut self.to, &line)?;
        self.to.flush()?;
        Ok(self.count)
    }
}

fn put(to: &mut impl Write, line: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
