//! What follows from a step at once: the engine's effects are carried out, commits and alarms are planned.

use dco_engine::{Effect, SECOND_US};
use dco_schedule::Micros;

use super::{Item, World};
use crate::service::Service;

/// A commit gathers what comes within this long.
const COMMIT_WITHIN_US: Micros = 20_000;

impl World {
    /// Until the service has nothing more to do now.
    pub(super) fn settle(&mut self) {
        while let Some(effect) = self.service.as_mut().and_then(Service::poll_effect) {
            self.carry_out(effect);
        }
        self.plan_commits();
        self.set_alarm();
    }

    fn plan_commits(&mut self) {
        let Some(service) = &mut self.service else {
            return;
        };
        let life = service.life;
        let journal = service.take_records() && !service.journal_commit_planned;
        let blocks = service.has_block_work() && !service.block_commit_planned;
        service.journal_commit_planned |= journal;
        service.block_commit_planned |= blocks;
        if journal {
            let wait_us = self.dice.between(0..=COMMIT_WITHIN_US);
            self.after(wait_us, Item::CommitJournal { life });
        }
        if blocks {
            let wait_us = self.dice.between(0..=COMMIT_WITHIN_US);
            self.after(wait_us, Item::CommitBlocks { life });
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let Some(service) = &mut self.service else {
            return;
        };
        match effect {
            Effect::Reply { to, reply } => match service.calls.remove(&to) {
                Some((caller, request)) => self.answer(caller, &request, reply),
                None => self.fail(
                    "every request is answered once",
                    format!("an answer to {to:?}, which nobody asked or which was answered"),
                ),
            },
            Effect::Verify {
                owner, manifest, ..
            } => {
                let life = service.life;
                let wait_us = self.dice.between(1_000..=60 * SECOND_US);
                let item = Item::ReadBack {
                    life,
                    owner,
                    manifest,
                };
                self.after(wait_us, item);
            }
            Effect::FreeBlocks { owner } => service.free_blocks(owner),
            // A sender in the simulated world looks at its transfer before it sends more.
            Effect::StopBlocks { .. } | Effect::Changed(_) => {}
            // No terms of the simulated world ask for it.
            Effect::Checkpoint { .. } => {}
            Effect::Tell { session, message } => self.say_to_gateway(session, message),
            Effect::CloseSession { session } => self.break_stream(session),
        }
    }
}
