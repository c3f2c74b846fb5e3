//! What happens in the demonstration, act by act. All numbers in it come from the service's answers.

use bytes::Bytes;
use dco_block::Eui64;
use dco_client::{
    ActivationName, Batch, BatchName, ClientError, OpenTransfer, OperationsClient, RequestId,
    RetryPolicy, SendOptions, SubmitBatch, Transfer, TransferState, UserClient,
};
use dco_schedule::ServiceDate;

use super::inventory::devices_of;
use super::report::{self, Facts};
use super::world::World;
use crate::commands::send::send;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::{counted, grouped};
use crate::when;

/// Why the service refuses what is over the allowance.
const OVER_ALLOWANCE: &str = "UNSCHEDULED_DAILY_ALLOWANCE_USED";
/// Devices in one batch of the first User.
const BATCH_DEVICES: usize = 250;
/// What the first User may send on a service day, as the story goes; the service decides.
const FIRST_DAY_DEVICES: usize = 500;

/// The one who tells it.
#[derive(Debug)]
pub(super) struct Story<'a> {
    world: &'a World,
    output: Output,
    facts: Facts,
    batches: Vec<BatchName>,
}

/// What a User did with a batch.
enum Submitted {
    Accepted(Batch),
    OverAllowance,
}

impl<'a> Story<'a> {
    pub(super) fn new(world: &'a World, output: Output) -> Self {
        Self {
            world,
            output,
            facts: Facts::default(),
            batches: Vec::new(),
        }
    }

    /// Plays it from the import to the report.
    pub(super) async fn tell(mut self) -> Result<Answer, Failure> {
        let world = self.world;
        let first = UserClient::new(&world.link("user1").await?, world.users[0]);
        let second = UserClient::new(&world.link("user2").await?, world.users[1]);
        self.import().await?;
        world.gateways_connected().await?;
        self.transfers(&first, &second).await?;
        let rest = self.first_day(&first, &second).await?;
        self.later_days(&first, &rest).await?;
        self.wait_until_settled(&first, &second).await?;
        report::answer(world, self.facts, self.output).await
    }

    async fn import(&mut self) -> Result<(), Failure> {
        let operations = OperationsClient::new(&self.world.link("operator1").await?);
        let entries = self.world.entries.clone();
        let count = operations
            .import_devices(RequestId::fresh(), false, entries)
            .await?;
        self.facts.devices = count;
        self.title("The inventory");
        self.say(format!(
            "operator1 has imported {}: {} of user1 and {} of user2, behind two gateways",
            counted(count, "Device"),
            self.devices(0).len(),
            self.devices(1).len()
        ));
        Ok(())
    }

    async fn transfers(&mut self, first: &UserClient, second: &UserClient) -> Result<(), Failure> {
        let manifest = &self.world.image.manifest;
        self.title("SRV 11.1 Update Firmware");
        self.say(format!(
            "The image is {}: {} bytes, version {}, {}",
            self.world.image.origin,
            grouped(manifest.image_bytes()),
            manifest.firmware_version(),
            if manifest.is_large() {
                "large"
            } else {
                "not large"
            }
        ));
        for (name, client, index) in [("user1", first, 0), ("user2", second, 1)] {
            let transfer = self.transfer(client, self.devices(index)).await?;
            self.tell_transfer(name, &transfer)?;
        }
        Ok(())
    }

    async fn transfer(
        &self,
        client: &UserClient,
        devices: Vec<Eui64>,
    ) -> Result<Transfer, Failure> {
        let image = &self.world.image;
        let open = OpenTransfer {
            request_id: RequestId::fresh(),
            manifest: image.manifest.clone(),
            devices,
            signed_request: Bytes::new(),
            validate_only: false,
        };
        let opened = client.open_transfer(open).await?;
        let name = opened.name.ok_or_else(|| unnamed("transfer"))?;
        send(
            client,
            name,
            &image.image,
            &SendOptions::default(),
            self.output,
        )
        .await?;
        Ok(client
            .watch_transfer(name, RetryPolicy::default())
            .settled()
            .await?)
    }

    fn tell_transfer(&mut self, user: &str, transfer: &Transfer) -> Result<(), Failure> {
        let response = transfer.response.as_ref().ok_or_else(|| {
            Failure::failed(format!("the transfer of {user} is {}", transfer.state))
        })?;
        if transfer.state != TransferState::Stored {
            return Err(Failure::failed(format!(
                "the image was not stored: {}",
                response.message
            )));
        }
        self.facts.image_bytes = transfer.manifest.image_bytes();
        self.facts.blocks = transfer.block_count;
        self.facts.transfers_stored += 1;
        self.say(format!(
            "{user} has sent {} of {} bytes for {}; each was on disk before it was acknowledged",
            counted(transfer.block_count, "block"),
            grouped(transfer.manifest.block_bytes()),
            counted(transfer.device_count, "Device"),
        ));
        self.say(format!(
            "   11.1 Response: {} {}",
            response.response_code, response.message
        ));
        Ok(())
    }

    /// Both Users send on the same day. Gives the Devices that are left for the days after.
    async fn first_day(
        &mut self,
        first: &UserClient,
        second: &UserClient,
    ) -> Result<Vec<Eui64>, Failure> {
        self.title(&format!("SRV 11.3 Activate Firmware, {}", self.today()));
        let (now, later) = self.devices_of_first_day();
        for (index, devices) in now.chunks(BATCH_DEVICES).enumerate() {
            self.accepted("user1", first, devices, None).await?;
            if index == 0 {
                self.accepted("user2", second, &self.devices(1), None)
                    .await?;
            }
        }
        let rest = self.next_device(first, &later).await?;
        self.explain_last(first, now.last()).await?;
        Ok(rest)
    }

    /// The 501st: refused when the image is large.
    async fn next_device(
        &mut self,
        client: &UserClient,
        later: &[Eui64],
    ) -> Result<Vec<Eui64>, Failure> {
        let Some((next, rest)) = later.split_first() else {
            return Ok(Vec::new());
        };
        match self
            .submit(client, std::slice::from_ref(next), None)
            .await?
        {
            Submitted::OverAllowance => Ok(later.to_vec()),
            Submitted::Accepted(batch) => {
                self.tell_batch("user1", &batch)?;
                self.say(
                    "   The image is not large, so the allowance does not apply to it: \
                     the 501st is not refused",
                );
                Ok(rest.to_vec())
            }
        }
    }

    /// Half of the rest is sent ahead, the other half on its day.
    async fn later_days(&mut self, client: &UserClient, rest: &[Eui64]) -> Result<(), Failure> {
        let tomorrow = self
            .world
            .calendar
            .day_at(self.world.clock.now_us())
            .date
            .next();
        let (next_day, day_after) = rest.split_at(rest.len() / 2);
        self.accepted("user1", client, day_after, Some(tomorrow.next()))
            .await?;
        let day = self.world.calendar.day(tomorrow);
        self.world.clock.sleep_until(day.start_us).await;
        let hours = (day.end_us - day.start_us) / 3_600_000_000;
        self.title(&format!(
            "The next service day, {} ({hours} hours)",
            self.today()
        ));
        self.accepted("user1", client, next_day, None).await
    }

    async fn wait_until_settled(
        &mut self,
        first: &UserClient,
        second: &UserClient,
    ) -> Result<(), Failure> {
        let total = self.facts.activations;
        let bar = self.output.bar("ended", total, Unit::Devices);
        let mut ended = 0;
        for name in std::mem::take(&mut self.batches) {
            let client = if name.user == first.user() {
                first
            } else {
                second
            };
            let mut watch = client.watch_batch(name, 0, RetryPolicy::default());
            let mut last = None;
            while let Some(change) = watch.next().await? {
                last = change.batch.or(last);
                let done = last
                    .as_ref()
                    .map_or(0, |it| it.counts.total() - it.counts.open());
                bar.set_position(ended + done);
            }
            ended += last.map_or(0, |batch| batch.counts.total());
        }
        bar.finish_and_clear();
        self.say(format!(
            "{}: every batch is settled",
            when::local(self.world.clock.now_us())
        ));
        Ok(())
    }

    /// Sends a batch that the story needs accepted.
    async fn accepted(
        &mut self,
        user: &str,
        client: &UserClient,
        devices: &[Eui64],
        date: Option<ServiceDate>,
    ) -> Result<(), Failure> {
        match self.submit(client, devices, date).await? {
            Submitted::Accepted(batch) => self.tell_batch(user, &batch),
            Submitted::OverAllowance => Err(Failure::failed(format!(
                "{user} may not send {}; the demonstration expected that it may",
                counted(devices.len() as u64, "Device")
            ))),
        }
    }

    async fn submit(
        &mut self,
        client: &UserClient,
        devices: &[Eui64],
        date: Option<ServiceDate>,
    ) -> Result<Submitted, Failure> {
        let submit = SubmitBatch {
            request_id: RequestId::fresh(),
            manufacturer_image_hash: self.world.image.manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
            service_date: date.map(|date| date.to_string()),
            signed_request: Bytes::new(),
            validate_only: false,
        };
        match client.submit_batch(submit).await {
            Ok(batch) => {
                self.batches
                    .push(batch.name.ok_or_else(|| unnamed("batch"))?);
                self.facts.activations += batch.counts.total();
                Ok(Submitted::Accepted(batch))
            }
            Err(error) if error.reason() == Some(OVER_ALLOWANCE) => {
                self.tell_refusal(devices.len(), &error);
                Ok(Submitted::OverAllowance)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn tell_batch(&self, user: &str, batch: &Batch) -> Result<(), Failure> {
        let name = batch.name.ok_or_else(|| unnamed("batch"))?;
        self.say(format!(
            "{user} sends {} for {}: accepted as batches/{}, last release predicted for {}",
            counted(batch.counts.total(), "Device"),
            batch.service_date,
            name.number,
            when::local_or(batch.predicted_release_us, "a time not known yet"),
        ));
        Ok(())
    }

    fn tell_refusal(&mut self, devices: usize, error: &ClientError) {
        self.facts.refused_over_allowance += 1;
        self.say(format!(
            "user1 sends {} more: refused",
            counted(devices as u64, "Device")
        ));
        self.say(format!("   {error}"));
    }

    async fn explain_last(
        &self,
        client: &UserClient,
        device: Option<&Eui64>,
    ) -> Result<(), Failure> {
        let own = self.batches.iter().rfind(|name| name.user == client.user());
        let (Some(batch), Some(device)) = (own, device) else {
            return Ok(());
        };
        let batch = if self.facts.refused_over_allowance == 0 {
            BatchName {
                number: batch.number.saturating_sub(1),
                ..*batch
            }
        } else {
            *batch
        };
        let name = ActivationName {
            batch,
            device: *device,
        };
        let explanation = client.explain(name).await?;
        self.say(format!(
            "Why is Device {device} waiting? {}",
            explanation.summary
        ));
        Ok(())
    }

    fn devices(&self, user: usize) -> Vec<Eui64> {
        devices_of(&self.world.entries, self.world.users[user])
    }

    fn devices_of_first_day(&self) -> (Vec<Eui64>, Vec<Eui64>) {
        let mut now = self.devices(0);
        let later = now.split_off(FIRST_DAY_DEVICES.min(now.len()));
        (now, later)
    }

    fn today(&self) -> ServiceDate {
        self.world.calendar.day_at(self.world.clock.now_us()).date
    }

    fn title(&self, title: &str) {
        self.output.say(format!("\n{title}"));
    }

    fn say(&self, line: impl AsRef<str>) {
        self.output.say(format!("  {}", line.as_ref()));
    }
}

fn unnamed(kind: &str) -> Failure {
    Failure::internal(format!("the service gave a {kind} without a name"))
}
