//! When a command that runs for ever ends.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// What the shell is told of a process that was asked to stop twice.
const HURRIED: i32 = 130;

/// Resolves when the process is asked to stop: Ctrl-C or SIGTERM. Whoever asks a second time does not want to wait: then the process
/// ends at once. Nothing that was acknowledged is lost by that.
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
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(HURRIED);
        });
    })
}
