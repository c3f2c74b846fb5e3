//! Images and batches at one time.

use serde::Serialize;

use crate::activations::{ActivationsLoad, ActivationsPlan};
use crate::estate::install;
use crate::intake::{IntakeLoad, IntakePlan};
use crate::stopwatch::Stopwatch;
use crate::{LoadError, Target, activations, intake};

/// What came in and what was activated, at one time.
#[derive(Debug, Clone, Serialize)]
pub struct MixedLoad {
    /// What came in.
    pub intake: IntakeLoad,
    /// What was activated.
    pub activations: ActivationsLoad,
}

/// Sends images and batches until the bounds of both plans are reached; `told` is called with how many activations are durable.
///
/// # Errors
/// As [`load_intake`](crate::load_intake) and [`load_activations`](crate::load_activations).
pub async fn load_mixed(
    target: &Target,
    (images, batches): (IntakePlan, ActivationsPlan),
    told: impl Fn(u64) + Send + Sync + 'static,
) -> Result<MixedLoad, LoadError> {
    let devices = install(target, activations::devices_per_user(&batches)?).await?;
    let ready = intake::prepare(target, images, &devices).await?;
    let lanes = activations::prepare(target, batches, &devices).await?;
    let begin = Stopwatch::start();
    let (intake, activations) = tokio::try_join!(
        intake::send(ready, images, begin, |_| ()),
        activations::send(lanes, batches, begin, told)
    )?;
    Ok(MixedLoad {
        intake,
        activations,
    })
}
