//! An engine that only ever takes in what a journal says.

use dco_engine::{Engine, Terms};
use dco_store::{Replay, ReplayError, Second, Seq};

/// What a journal amounts to. At a start it becomes the engine that decides; beside a running one it makes
/// snapshots.
#[derive(Debug)]
pub(crate) struct Replayed {
    terms: Terms,
    engine: Engine,
}

impl Replayed {
    /// Nothing, so far.
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            engine: Engine::new(terms.clone()),
            terms,
        }
    }

    /// The engine as the journal has it so far.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, where the journal has left it.
    pub(crate) fn into_engine(self) -> Engine {
        self.engine
    }
}

impl Replay for Replayed {
    fn load(&mut self, seq: Seq, snapshot: &[u8]) -> Result<(), ReplayError> {
        self.engine = Engine::from_snapshot(self.terms.clone(), seq, snapshot)?;
        Ok(())
    }

    fn replay(&mut self, seq: Seq, record: &[u8]) -> Result<(), ReplayError> {
        Ok(self.engine.replay(seq, record)?)
    }
}

impl Second for Replayed {
    fn snapshot(&self) -> Vec<u8> {
        self.engine.snapshot()
    }

    fn agrees_with(&self, snapshot: &[u8]) -> bool {
        self.engine.agrees_with(snapshot)
    }
}
