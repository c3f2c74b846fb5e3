//! `dco watch`: a transfer or a batch until its end.

use std::collections::BTreeMap;

use clap::Args;
use dco_block::Eui64;
use dco_client::{
    Activation, ActivationState, Batch, BatchName, RetryPolicy, TransferName, TransferState,
    UserClient,
};
use indicatif::ProgressBar;
use serde_json::json;

use crate::connect::AsUser;
use crate::exit::{Answer, Failure};
use crate::names::Name;
use crate::output::{Output, Unit};
use crate::show::{batch_json, batch_progress, batch_text, transfer_json, transfer_text};
use crate::table::{grouped, table};

/// Follow a transfer or a batch until its end
#[derive(Debug, Args)]
#[command(long_about = "\
Follow a transfer until its 11.1 Response, or a batch until every activation has reached its end.

Short names are of your own things. Goes on after a broken link where it was.

Examples:
  dco watch transfers/4 --as pki/user1
  dco watch users/90-B3-D5-1F-30-01-00-01/batches/7 --as pki/desk1

Exit code 1 when the image was not stored, or an activation failed or was cancelled.")]
pub(crate) struct Watch {
    /// transfers/N or batches/N, or the full name
    name: String,
    /// For a batch: tell only what changed after this position of an earlier watch
    #[arg(long, value_name = "N", default_value_t = 0)]
    position: u64,
    #[command(flatten)]
    caller: AsUser,
}

impl Watch {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let name = Name::parse(&self.name, self.caller.user()?)?;
        let link = self.caller.connection.link().await?;
        let client = UserClient::new(&link, name.user());
        match name {
            Name::Transfer(name) => transfer(&client, name, output).await,
            Name::Batch(name) => batch(&client, name, self.position, output).await,
            Name::Activation(name) => Err(Failure::usage(format!(
                "one activation cannot be watched; watch its batch {}, or ask `dco explain`",
                name.batch
            ))),
        }
    }
}

async fn transfer(
    client: &UserClient,
    name: TransferName,
    output: Output,
) -> Result<Answer, Failure> {
    let mut watch = client.watch_transfer(name, RetryPolicy::default());
    let mut last = None;
    let bar = output.bar("stored", 0, Unit::Bytes);
    while let Some(transfer) = watch.next().await? {
        let bytes = u64::from(transfer.manifest.image_bytes());
        bar.set_length(bytes);
        bar.set_position(
            bytes * u64::from(transfer.blocks_held) / u64::from(transfer.block_count.max(1)),
        );
        last = Some(transfer);
    }
    bar.finish_and_clear();
    let transfer = last.ok_or_else(nothing)?;
    let stored = transfer.state == TransferState::Stored;
    Ok(Answer::new(transfer_text(&transfer), transfer_json(&transfer)).failed_if(!stored))
}

/// Follows a batch under a bar that counts ended activations.
pub(crate) async fn batch(
    client: &UserClient,
    name: BatchName,
    position: u64,
    output: Output,
) -> Result<Answer, Failure> {
    let mut watch = client.watch_batch(name, position, RetryPolicy::default());
    let mut followed = Followed::default();
    let bar = output.bar("ended", 0, Unit::Devices);
    while let Some(change) = watch.next().await? {
        followed.take(change.activations, change.batch);
        followed.show(&bar);
    }
    bar.finish_and_clear();
    followed.answer(watch.position())
}

/// What a watch has told so far.
#[derive(Debug, Default)]
struct Followed {
    activations: BTreeMap<Eui64, Activation>,
    batch: Option<Batch>,
}

impl Followed {
    fn take(&mut self, activations: Vec<Activation>, batch: Option<Batch>) {
        let changed = activations
            .into_iter()
            .map(|activation| (activation.device, activation));
        self.activations.extend(changed);
        self.batch = batch.or_else(|| self.batch.take());
    }

    fn show(&self, bar: &ProgressBar) {
        if let Some(batch) = &self.batch {
            bar.set_length(batch.counts.total());
            bar.set_position(batch.counts.total() - batch.counts.open());
            bar.set_message(batch_progress(batch));
        }
    }

    fn answer(self, position: u64) -> Result<Answer, Failure> {
        let batch = self.batch.as_ref().ok_or_else(nothing)?;
        let outcomes = self.outcomes();
        let mut text = batch_text(batch);
        if !outcomes.is_empty() {
            let rows = outcomes.iter().map(|((state, outcome), count)| {
                vec![state.to_string(), outcome.clone(), grouped(*count)]
            });
            text = format!(
                "{text}\n\n{}",
                table(&["STATE", "LAST OUTCOME", ">DEVICES"], rows)
            );
        }
        let mut json = batch_json(batch);
        json["position"] = position.into();
        json["outcomes"] = json!(self.by_outcome());
        let unsuccessful = batch.counts.failed + batch.counts.cancelled > 0;
        Ok(Answer::new(text, json).failed_if(unsuccessful))
    }

    /// Devices told of, by state and last outcome.
    fn outcomes(&self) -> BTreeMap<(ActivationState, String), u64> {
        let mut outcomes = BTreeMap::new();
        for activation in self.activations.values() {
            let outcome = activation.outcome.clone().unwrap_or_else(|| "-".to_owned());
            *outcomes.entry((activation.state, outcome)).or_insert(0) += 1;
        }
        outcomes
    }

    fn by_outcome(&self) -> BTreeMap<String, u64> {
        let mut outcomes = BTreeMap::new();
        for ((_, outcome), count) in self.outcomes() {
            *outcomes.entry(outcome).or_insert(0) += count;
        }
        outcomes
    }
}

fn nothing() -> Failure {
    Failure::internal("the service ended the watch without a word; report this as a fault")
}
