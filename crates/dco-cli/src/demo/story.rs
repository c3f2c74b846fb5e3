//! What happens in the demonstration, act by act. All numbers in it come from the service's answers.

use bytes::Bytes;
use dco_block::Eui64;
use dco_client::{
    ActivationName, Batch, BatchName, OpenTransfer, OperationsClient, RequestId, RetryPolicy,
    SendOptions, SubmitBatch, Transfer, TransferState, UserClient,
};
use dco_schedule::{Micros, ServiceDate};

use super::fairness::Releases;
use super::inventory::{devices_of, product};
use super::report::{self, Facts};
use super::telling;
use super::world::World;
use crate::commands::send::send;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::counted;
use crate::when;

/// Why the service refuses what is over the allowance.
const OVER_ALLOWANCE: &str = "UNSCHEDULED_DAILY_ALLOWANCE_USED";
/// Devices in one batch of the first User.
const BATCH_DEVICES: usize = 250;
/// What the first User may send on a service day, as the story goes; the service decides.
const FIRST_DAY_DEVICES: usize = 500;
/// What must be left of the first day, so that all of its batches are sent on it.
const LEFT_OF_DAY_US: Micros = 12 * 3_600 * 1_000_000;

/// The one who tells it.
#[derive(Debug)]
pub(super) struct Story<'a> {
    world: &'a World,
    output: Output,
    facts: Facts,
    batches: Vec<BatchName>,
}

/// A User and its way to the service.
#[derive(Debug)]
struct Person {
    name: &'static str,
    client: UserClient,
    devices: Vec<Eui64>,
}

/// What became of a batch.
#[derive(Debug)]
enum Submitted {
    Accepted(BatchName),
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
        let first = self.person("user1", 0).await?;
        let second = self.person("user2", 1).await?;
        self.import().await?;
        self.world.gateways_connected().await?;
        self.transfers([&first, &second]).await?;
        let rest = self.first_day(&first, &second).await?;
        self.later_days(&first, &rest).await?;
        self.wait_until_settled([&first, &second]).await?;
        report::answer(self.world, self.facts, self.output).await
    }

    async fn person(&self, name: &'static str, index: usize) -> Result<Person, Failure> {
        let user = self.world.users[index];
        Ok(Person {
            name,
            client: UserClient::new(&self.world.link(name).await?, user),
            devices: devices_of(&self.world.entries, user),
        })
    }

    async fn import(&mut self) -> Result<(), Failure> {
        let operations = OperationsClient::new(&self.world.link("operator1").await?);
        let entries = self.world.entries.clone();
        self.facts.devices = operations
            .import_devices(RequestId::fresh(), false, entries)
            .await?;
        let products = vec![product(&self.world.image.manifest, &self.world.entries[0])];
        operations
            .import_products(RequestId::fresh(), false, products)
            .await?;
        self.title("The inventory and the Central Products List");
        self.say(format!(
            "operator1 imports {} of two Users behind two gateways",
            counted(self.facts.devices, "Device"),
        ));
        self.say("and the list's entry of the image: Active, for these Devices and the version that they run");
        Ok(())
    }

    async fn transfers(&mut self, people: [&Person; 2]) -> Result<(), Failure> {
        self.title("SRV 11.1 Update Firmware");
        self.say(telling::image(
            &self.world.image.origin,
            &self.world.image.manifest,
        ));
        for person in people {
            let transfer = self.transfer(person).await?;
            for line in telling::transfer(person.name, &transfer) {
                self.say(line);
            }
            if transfer.state != TransferState::Stored {
                return Err(Failure::failed(format!(
                    "the transfer is {}",
                    transfer.state
                )));
            }
            self.facts.image_bytes = transfer.manifest.image_bytes();
            self.facts.blocks = transfer.block_count;
            self.facts.transfers_stored += 1;
        }
        Ok(())
    }

    async fn transfer(&self, person: &Person) -> Result<Transfer, Failure> {
        let image = &self.world.image;
        let open = OpenTransfer {
            request_id: RequestId::fresh(),
            manifest: image.manifest.clone(),
            devices: person.devices.clone(),
            signed_request: Bytes::new(),
            originator_counter: None,
            validate_only: false,
        };
        let client = &person.client;
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

    /// Both Users send on the same day. Gives the Devices that are left for the days after.
    async fn first_day(&mut self, first: &Person, second: &Person) -> Result<Vec<Eui64>, Failure> {
        self.early_in_a_day().await;
        self.title(&format!("SRV 11.3 Activate Firmware, {}", self.today()));
        let (now, later) = first
            .devices
            .split_at(FIRST_DAY_DEVICES.min(first.devices.len()));
        let (one, other) = now.split_at(BATCH_DEVICES.min(now.len()));
        self.accepted(first, one, None).await?;
        self.accepted(second, &second.devices, None).await?;
        let last = self.accepted(first, other, None).await?;
        let rest = self.next_device(first, later).await?;
        if let Some(device) = other.last() {
            self.explain(
                first,
                ActivationName {
                    batch: last,
                    device: *device,
                },
            )
            .await?;
        }
        Ok(rest.to_vec())
    }

    /// The 501st: refused when the image is large. Gives the Devices that were not sent.
    async fn next_device<'d>(
        &mut self,
        person: &Person,
        later: &'d [Eui64],
    ) -> Result<&'d [Eui64], Failure> {
        let Some((next, rest)) = later.split_first() else {
            return Ok(later);
        };
        match self
            .submit(person, std::slice::from_ref(next), None)
            .await?
        {
            Submitted::OverAllowance => Ok(later),
            Submitted::Accepted(_) => {
                self.say(
                    "  The 501st is not refused: the allowance is for large images, and this one \
                     is not large",
                );
                Ok(rest)
            }
        }
    }

    async fn explain(&self, person: &Person, name: ActivationName) -> Result<(), Failure> {
        let explanation = person.client.explain(name).await?;
        self.say(format!(
            "{} asks why it waits: {}",
            person.name, explanation.summary
        ));
        Ok(())
    }

    /// Half of the rest is sent ahead, the other half on its day.
    async fn later_days(&mut self, person: &Person, rest: &[Eui64]) -> Result<(), Failure> {
        let tomorrow = self.today().next();
        let (next_day, day_after) = rest.split_at(rest.len() / 2);
        self.accepted(person, day_after, Some(tomorrow.next()))
            .await?;
        let day = self.world.calendar.day(tomorrow);
        self.say(format!(
            "Now until midnight, {} s",
            self.world.seconds_until(day.start_us)
        ));
        self.world.clock.sleep_until(day.start_us).await;
        let hours = (day.end_us - day.start_us) / 3_600_000_000;
        self.title(&format!(
            "The next service day, {tomorrow}, has {hours} hours"
        ));
        self.accepted(person, next_day, None).await?;
        Ok(())
    }

    async fn wait_until_settled(&mut self, people: [&Person; 2]) -> Result<(), Failure> {
        let mut releases = Releases::default();
        let mut ended = 0;
        let bar = self
            .output
            .bar("ended", self.facts.activations, Unit::Devices);
        for name in &self.batches {
            let person = people
                .iter()
                .find(|person| person.client.user() == name.user);
            let person = person.ok_or_else(|| unnamed("batch"))?;
            let mut watch = person.client.watch_batch(*name, 0, RetryPolicy::default());
            let mut last: Option<Batch> = None;
            while let Some(change) = watch.next().await? {
                releases.take(&change.activations);
                last = change.batch.or(last);
                let counts = last.as_ref().map(|batch| batch.counts).unwrap_or_default();
                bar.set_position(ended + counts.total() - counts.open());
            }
            ended += last.map_or(0, |batch| batch.counts.total());
        }
        bar.finish_and_clear();
        self.say(format!(
            "Every batch is settled at {}",
            when::local(self.world.clock.now_us())
        ));
        // What is not large leaves at once, so nobody waits and nothing is shared out.
        if self.world.image.manifest.is_large() {
            self.facts.shared = releases.while_both_waited(self.world.users);
        }
        Ok(())
    }

    /// Sends a batch that the story needs accepted.
    async fn accepted(
        &mut self,
        person: &Person,
        devices: &[Eui64],
        date: Option<ServiceDate>,
    ) -> Result<BatchName, Failure> {
        match self.submit(person, devices, date).await? {
            Submitted::Accepted(name) => Ok(name),
            Submitted::OverAllowance => Err(Failure::failed(format!(
                "{} may not send {}; the demonstration expected that it may",
                person.name,
                counted(devices.len() as u64, "Device")
            ))),
        }
    }

    async fn submit(
        &mut self,
        person: &Person,
        devices: &[Eui64],
        date: Option<ServiceDate>,
    ) -> Result<Submitted, Failure> {
        let submit = SubmitBatch {
            request_id: RequestId::fresh(),
            manufacturer_image_hash: self.world.image.manifest.manufacturer_image_hash(),
            devices: devices.to_vec(),
            execute_us: None,
            canary: 0,
            service_date: date.map(|date| date.to_string()),
            signed_request: Bytes::new(),
            originator_counter: None,
            validate_only: false,
        };
        match person.client.submit_batch(submit).await {
            Ok(batch) => {
                self.say(telling::batch(person.name, &batch));
                self.facts.activations += batch.counts.total();
                let name = batch.name.ok_or_else(|| unnamed("batch"))?;
                self.batches.push(name);
                Ok(Submitted::Accepted(name))
            }
            Err(error) if error.reason() == Some(OVER_ALLOWANCE) => {
                self.facts.refused_over_allowance += 1;
                for line in telling::refusal(person.name, devices.len() as u64, &error) {
                    self.say(line);
                }
                Ok(Submitted::OverAllowance)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A slow machine may have needed most of the day to get here.
    async fn early_in_a_day(&self) {
        let now_us = self.world.clock.now_us();
        let day = self.world.calendar.day_at(now_us);
        if day.end_us - now_us < LEFT_OF_DAY_US {
            self.world.clock.sleep_until(day.end_us).await;
        }
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
