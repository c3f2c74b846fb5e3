//! One file for each service: permission, reading the message, asking the engine, writing the answer.

mod about;
mod activate_firmware;
mod backup;
mod decision_log;
mod delivery_schedules;
mod gateway;
mod notices;
mod operations;
mod reports;
mod update_firmware;

use std::sync::Arc;

use dco_store::BlockReader;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

pub(crate) use about::About;
pub(crate) use activate_firmware::ActivateFirmware;
pub(crate) use delivery_schedules::DeliverySchedules;
pub(crate) use gateway::Gateway;
pub(crate) use notices::Notices;
pub(crate) use operations::Operations;
pub(crate) use reports::Reports;
pub(crate) use update_firmware::UpdateFirmware;

use crate::backup::Backups;
use crate::decision_log::DecisionLog;
use crate::driver::{EngineHandle, Found};
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::permit::{Caller, Register};
use crate::refusals::Refusals;
use crate::status::Fault;

/// What every service needs.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub register: Register,
    pub engine: EngineHandle,
    pub intake: Intake,
    pub reader: BlockReader,
    pub backups: Backups,
    pub decision_log: DecisionLog,
    pub refusals: Refusals,
    pub found: Found,
    pub metrics: Arc<Metrics>,
    pub stopping: Stopping,
}

/// The two steps of stopping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopping {
    /// Calls that would never end by themselves end now; all others may finish.
    pub draining: CancellationToken,
    /// Whatever is still going on ends now.
    pub cut: CancellationToken,
}

type Answers<T> = BoxStream<'static, Result<T, Status>>;

impl Context {
    /// Who calls, and the message. Who is not registered gets no further.
    fn admit<T>(&self, request: Request<T>) -> Result<(Caller, T), Fault> {
        let caller = self.register.caller(request.extensions())?;
        Ok((caller, request.into_inner()))
    }

    /// Waits for the next change of what is watched.
    async fn changed(&self, changes: &mut watch::Receiver<()>) -> Result<(), Fault> {
        tokio::select! {
            changed = changes.changed() => changed.map_err(|_| self.stopped()),
            () = self.stopping.draining.cancelled() => Err(Fault::draining()),
        }
    }

    /// Why nothing is answered any more.
    fn stopped(&self) -> Fault {
        if self.stopping.draining.is_cancelled() {
            Fault::draining()
        } else {
            Fault::store_closed()
        }
    }
}

/// A stream of answers from a source that is asked for one after the other. A fault is its last word.
fn answers<S, T, F, Fut>(source: S, next: F) -> Answers<T>
where
    S: Send + 'static,
    T: Send + 'static,
    F: FnMut(S) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Option<(T, S)>, Fault>> + Send + 'static,
{
    with_status(stream::try_unfold(source, next)).boxed()
}

fn with_status<T>(
    stream: impl Stream<Item = Result<T, Fault>>,
) -> impl Stream<Item = Result<T, Status>> {
    stream.map(|item| item.map_err(Status::from))
}
