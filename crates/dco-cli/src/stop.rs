//! When a command that runs for ever ends.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// Resolves when the process is asked to stop: Ctrl-C or SIGTERM.
///
/// The handlers are in place when this returns, so a signal that comes early is not lost.
pub(crate) fn asked() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
