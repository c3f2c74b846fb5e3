//! Before the first release: gateways connect, Devices are imported, images sent, schedules agreed.

use std::num::NonZeroU32;

use bytes::Bytes;
use dco_block::Eui64;
use dco_engine::{
    ActOnSchedule, Event, HOUR_US, Hello, ImportDevices, OpenTransfer, Reply, Request, SaidWhy,
    ScheduleRequest, ScheduleView, Session, TransferState,
};
use dco_schedule::{Act, Asker, Covers, Deal, Quota, ScheduleId, ServiceDate, Terms, Text};

use super::CampaignFailed;
use super::desk::{Desk, unexpected};
use super::parties;

const OFFICER: Eui64 = Eui64::from_bits(0x0F00);
const OPERATOR: Eui64 = Eui64::from_bits(0x0FFF);
/// Service days in which a User wants to be done; what does not fit is offered later.
const WITHIN_DAYS: i32 = 120;

impl Desk {
    /// Gateways, inventory, images.
    pub(super) fn prepare(&mut self) -> Result<(), CampaignFailed> {
        for (gateway, nth) in parties::gateways().zip(1..) {
            let hello = Hello {
                memory_id: format!("{gateway}-1"),
                attempts: Vec::new(),
                outcomes: Vec::new(),
                concurrency: 10_000,
            };
            self.tell(Event::GatewayHello {
                gateway,
                session: Session(nth),
                hello,
            })?;
        }
        let id = self.fresh_id();
        let devices = parties::inventory(&self.parties);
        self.ask(Request::ImportDevices(ImportDevices {
            by: OPERATOR,
            id,
            validate_only: false,
            why: SaidWhy::default(),
            devices,
        }))?;
        for party in 0..self.parties.len() {
            self.send_image(party)?;
        }
        Ok(())
    }

    /// SRV 11.1, for as many Devices at a time as one may name.
    fn send_image(&mut self, party: usize) -> Result<(), CampaignFailed> {
        let (user, image) = {
            let it = &self.parties[party];
            (it.user, it.image.clone())
        };
        let most = usize::try_from(dco_block::limits::DEVICES_MAX).unwrap_or(usize::MAX);
        let parts: Vec<_> = self.parties[party]
            .devices
            .chunks(most)
            .map(<[_]>::to_vec)
            .collect();
        for devices in parts {
            let id = self.fresh_id();
            let opened = self.ask(Request::OpenTransfer(OpenTransfer {
                user,
                id,
                validate_only: false,
                manifest: image.manifest.clone(),
                devices,
                signed_request: Bytes::new(),
                originator_counter: None,
            }))?;
            let Reply::Transfer(view) = opened else {
                return Err(unexpected(&opened));
            };
            let number = view.number.unwrap_or(0);
            if view.state == TransferState::Receiving {
                self.send_blocks(user, number)?;
            }
            self.expect_stored(user, number)?;
        }
        Ok(())
    }

    fn send_blocks(&mut self, user: Eui64, number: u64) -> Result<(), CampaignFailed> {
        let source = match self.ask(Request::AttachTransfer { user, number })? {
            Reply::Blocks(source) => source,
            other => return Err(unexpected(&other)),
        };
        for index in 0..source.manifest.block_count() {
            let owner = source.owner;
            self.tell(Event::BlockHeld { owner, index })?;
        }
        Ok(())
    }

    fn expect_stored(&mut self, user: Eui64, number: u64) -> Result<(), CampaignFailed> {
        match self.ask(Request::GetTransfer { user, number })? {
            Reply::Transfer(view) if view.state == TransferState::Stored => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Each User that needs one agrees a schedule: it asks, the Service Desk offers what fits, the User accepts.
    pub(super) fn agree(&mut self) -> Result<(), CampaignFailed> {
        let agreeing: u32 = self.device_counts().sum();
        let room = self.room_on(self.first_day())?;
        for party in 0..self.parties.len() {
            if !self.parties[party].agrees {
                continue;
            }
            let devices = u32::try_from(self.parties[party].devices.len()).unwrap_or(u32::MAX);
            // So that the largest does not take the first weeks alone.
            let share = u64::from(devices) * room / u64::from(agreeing.max(1));
            let per_day_max = u32::try_from(share).unwrap_or(u32::MAX);
            self.quotas[party] = self.agree_with(party, (devices, per_day_max))?;
        }
        Ok(())
    }

    fn device_counts(&self) -> impl Iterator<Item = u32> + '_ {
        let agreeing = self.parties.iter().filter(|party| party.agrees);
        agreeing.map(|party| u32::try_from(party.devices.len()).unwrap_or(u32::MAX))
    }

    fn room_on(&mut self, date: ServiceDate) -> Result<u64, CampaignFailed> {
        let asked = ScheduleRequest::GetCapacity {
            user: None,
            first: Some(date),
            last: Some(date),
        };
        match self.ask(Request::Schedules(asked))? {
            Reply::Capacity(days) => Ok(days.first().map_or(0, |day| day.free)),
            other => Err(unexpected(&other)),
        }
    }

    fn agree_with(
        &mut self,
        party: usize,
        (devices, per_day_max): (u32, u32),
    ) -> Result<Quota, CampaignFailed> {
        let it = &self.parties[party];
        let user = it.user;
        let hash = it.image.manifest.manufacturer_image_hash();
        let earliest = self.first_day();
        let request = dco_schedule::Request {
            covers: Covers::Image(*hash.as_bytes()),
            devices: at_least_one(devices),
            earliest,
            latest: ServiceDate::from_days(earliest.days() + WITHIN_DAYS),
            per_day_max: at_least_one(per_day_max),
        };
        let first = ScheduleId { user, number: 1 };
        let asked = self.act(Asker::User, (first, 0), Act::Request(request))?;
        let deal = Deal {
            quota: self.fit(user, request)?,
            terms: Terms {
                run_ahead: true,
                ..Terms::default()
            },
        };
        let desk = Asker::Officer {
            officer: OFFICER,
            ticket: text("CHG-1"),
        };
        let answer_by_us = self.now_us + 48 * HOUR_US;
        let offer = Act::Offer { deal, answer_by_us };
        let offered = self.act(desk, (asked.id, asked.revision), offer)?;
        let by_user = (offered.id, offered.revision);
        let agreed = self.act(Asker::User, by_user, Act::Accept)?;
        Ok(agreed.schedule.quota().cloned().unwrap_or_default())
    }

    /// What the Service Desk can offer without moving anybody.
    fn fit(
        &mut self,
        user: Eui64,
        request: dco_schedule::Request,
    ) -> Result<Quota, CampaignFailed> {
        let asked = ScheduleRequest::ProposeFit {
            user,
            request,
            window: None,
        };
        match self.ask(Request::Schedules(asked))? {
            Reply::Fits(fits) => match fits.moves_nobody {
                Ok(fit) => Ok(fit.quota),
                Err(no_fit) => Err(CampaignFailed(no_fit.to_string())),
            },
            other => Err(unexpected(&other)),
        }
    }

    fn act(
        &mut self,
        by: Asker<Eui64>,
        (schedule, revision): (ScheduleId<Eui64>, u32),
        act: Act<Eui64>,
    ) -> Result<ScheduleView, CampaignFailed> {
        let id = self.fresh_id();
        let asked = ScheduleRequest::Act(ActOnSchedule {
            schedule,
            id,
            validate_only: false,
            by,
            reason: text("the firmware campaign"),
            revision,
            // What does not fit in the days that are asked for is offered later.
            beyond_request: matches!(act, Act::Offer { .. }),
            act,
        });
        match self.ask(Request::Schedules(asked))? {
            Reply::Schedule(view) => Ok(*view),
            other => Err(unexpected(&other)),
        }
    }
}

fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn text(text: &str) -> Text {
    Text::new(text).expect("one line")
}
