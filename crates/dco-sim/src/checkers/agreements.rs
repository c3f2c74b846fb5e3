//! What the journal says of delivery schedules, read as an auditor reads it: who put forward what, and what is agreed.

use std::collections::BTreeMap;

use dco_engine::record::{ActKind, Change, Deal, Record, ScheduleStepped, Signatory, Signature};

use super::Breach;

/// One schedule.
#[derive(Debug, Clone, Default)]
pub(super) struct Agreement {
    /// Manufacturer Image Hash, or empty for a portfolio.
    image: Vec<u8>,
    /// What waits for an answer, and whose it is.
    proposal: Option<(Signatory, Deal)>,
    /// What is agreed, after each step.
    agreed: Vec<Option<Deal>>,
    is_over: bool,
}

impl Agreement {
    /// Units agreed for a day.
    pub(super) fn quota_on(&self, date: i32) -> u32 {
        self.agreed().map_or(0, |deal| units_on(deal, date))
    }

    /// What was agreed after so many steps.
    pub(super) fn agreed_after(&self, steps: u32) -> Option<&Deal> {
        let at = usize::try_from(steps)
            .unwrap_or(usize::MAX)
            .checked_sub(1)?;
        self.agreed.get(at)?.as_ref()
    }

    /// Steps so far.
    pub(super) fn revision(&self) -> u32 {
        u32::try_from(self.agreed.len()).unwrap_or(u32::MAX)
    }

    /// Whether it is for this image.
    pub(super) fn covers(&self, image: &[u8]) -> bool {
        self.image.is_empty() || self.image == image
    }

    fn agreed(&self) -> Option<&Deal> {
        self.agreed.last()?.as_ref()
    }

    /// What is agreed after a step; a breach when that changes it without the other side's word or two officers'.
    fn step(&mut self, step: &ScheduleStepped) -> Result<(), Breach> {
        let signature = step.signature.clone().unwrap_or_default();
        let act = step.act.clone().unwrap_or_default();
        let mut agreed = self.agreed().cloned();
        match act.kind() {
            ActKind::Request => self.image = act.asked.unwrap_or_default().image,
            ActKind::Offer | ActKind::Counter | ActKind::Amend => {
                self.proposal = act.deal.map(|deal| (signature.by(), deal));
            }
            ActKind::Accept => agreed = Some(self.accepted(&signature)?),
            ActKind::Decline | ActKind::Withdraw | ActKind::Lapse => self.proposal = None,
            ActKind::Impose => {
                two_officers(&signature)?;
                self.proposal = None;
                agreed = act.deal;
            }
            ActKind::End => {
                let end = act.end_date.unwrap_or(i32::MIN);
                let after = agreed.clone().map(|deal| before(deal, end));
                match signature.by() {
                    Signatory::User => {}
                    // Its days are over.
                    Signatory::Time if units(after.as_ref()) == units(agreed.as_ref()) => {}
                    _ => two_officers(&signature)?,
                }
                agreed = after;
                // What is left before its end is agreed as any other, and time ends it.
                self.is_over = signature.by() == Signatory::Time || units(agreed.as_ref()) == 0;
            }
            ActKind::Unspecified => return Err("a step that says nothing".to_owned()),
        }
        self.agreed.push(agreed);
        Ok(())
    }

    fn accepted(&mut self, signature: &Signature) -> Result<Deal, Breach> {
        match self.proposal.take() {
            Some((by, deal)) if by != signature.by() && signature.by() != Signatory::Time => {
                Ok(deal)
            }
            Some((by, _)) => Err(format!(
                "what {by:?} put forward is accepted by {:?}",
                signature.by()
            )),
            None => Err("something is accepted that nobody put forward".to_owned()),
        }
    }
}

/// All schedules, by User and number.
#[derive(Debug, Default)]
pub(super) struct Agreements {
    schedules: BTreeMap<(u64, u32), Agreement>,
}

impl Agreements {
    /// The schedule of that name.
    pub(super) fn get(&self, user: u64, number: u32) -> Option<&Agreement> {
        self.schedules.get(&(user, number))
    }

    /// A User's schedules, with their numbers.
    pub(super) fn of_user(&self, user: u64) -> impl Iterator<Item = (u32, &Agreement)> {
        let own = self.schedules.range((user, 0)..=(user, u32::MAX));
        own.map(|((_, number), schedule)| (*number, schedule))
    }

    /// Takes in what a record says.
    pub(super) fn learn(&mut self, record: &Record) -> Result<(), Breach> {
        let Some(Change::ScheduleStepped(step)) = &record.change else {
            return Ok(());
        };
        let schedule = self.schedules.entry((step.user, step.number)).or_default();
        if schedule.is_over {
            return Err(format!("schedule {} has ended and goes on", step.number));
        }
        schedule.step(step)
    }
}

fn two_officers(signature: &Signature) -> Result<(), Breach> {
    let second = signature
        .second
        .filter(|second| *second != signature.officer);
    let is_recorded = !signature.ticket.is_empty() && !signature.reason.is_empty();
    if signature.by() == Signatory::Desk && second.is_some() && is_recorded {
        return Ok(());
    }
    Err(format!(
        "what is agreed is changed without the User by {signature:?}, which are not two officers with a ticket and a reason"
    ))
}

/// Units of all days.
fn units(deal: Option<&Deal>) -> u64 {
    let quota = deal.and_then(|deal| deal.quota.as_ref());
    let units = quota.into_iter().flat_map(|quota| &quota.units);
    units.copied().map(u64::from).sum()
}

fn units_on(deal: &Deal, date: i32) -> u32 {
    let quota = deal.quota.iter();
    let mut days = quota.flat_map(|quota| quota.dates.iter().zip(&quota.units));
    days.find(|(day, _)| **day == date)
        .map_or(0, |(_, units)| *units)
}

fn before(mut deal: Deal, end: i32) -> Deal {
    if let Some(quota) = &mut deal.quota {
        let days = quota.dates.iter().zip(&quota.units);
        let (dates, units) = days.filter(|(date, _)| **date < end).unzip();
        (quota.dates, quota.units) = (dates, units);
    }
    deal
}
