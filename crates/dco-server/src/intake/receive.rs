//! The reading half of one stream of blocks.

use std::future::Future;

use dco_block::RawBlock;
use dco_engine::BlockSource;
use tokio_util::sync::CancellationToken;

use super::{Intake, Place, Progress};
use crate::status::Fault;

/// Where blocks come from, and what is asked when their transfer may have ended.
pub(crate) trait Receiving: Send {
    /// The next block; nothing when the sender has no more.
    fn next(&mut self) -> impl Future<Output = Result<Option<RawBlock>, Fault>> + Send;
    /// Where blocks of the transfer go now.
    fn attach(&self) -> impl Future<Output = Result<BlockSource, Fault>> + Send;
}

/// Reads blocks until there are no more, checks each and hands it to the disk. A block that is wrong is
/// refused and the stream goes on; what is wrong with the stream or the transfer ends it. `cut` ends it
/// when the service cannot wait any longer.
pub(crate) async fn receive(
    intake: Intake,
    place: Place,
    mut from: impl Receiving,
    progress: Progress,
    cut: CancellationToken,
) {
    let all = async {
        let how = read_all(&intake, &place, &mut from, &progress).await;
        progress.end(how);
    };
    tokio::select! {
        () = all => {}
        () = cut.cancelled() => progress.end(Err(Fault::draining())),
        () = progress.unread() => {}
    }
}

async fn read_all(
    intake: &Intake,
    place: &Place,
    from: &mut impl Receiving,
    progress: &Progress,
) -> Result<(), Fault> {
    let mut source = from.attach().await?;
    while let Some(raw) = intake.wait_for(from.next()).await? {
        intake.unless_unread(progress.attention()).await?;
        if progress.has_ended() {
            return Ok(());
        }
        if intake.is_over(source.owner) {
            source = from.attach().await?;
        }
        let index = raw.index;
        match raw.verify(&source.manifest) {
            Ok(block) => intake.put(place, &source, block, progress).await,
            Err(reject) => {
                let fault = Fault::block(&reject);
                intake.refused(&fault);
                progress.refuse(index, fault);
            }
        }
    }
    Ok(())
}
