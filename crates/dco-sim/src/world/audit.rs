//! Somebody looks at everything that was ever named, and an image is read back.

use std::collections::BTreeSet;

use dco_block::Manifest;
use dco_engine::{
    Event, Grouping, HOUR_US, ListSchedules, Reader, Refusal, Reply, ReportKind, ReportRequest,
    Request, ScheduleRequest, Verdict,
};

use super::{Item, Named, World};
use crate::call::Caller;
use crate::happened::Happened;

impl World {
    /// Looks now, and again later.
    pub(super) fn audit(&mut self) {
        self.audit_now();
        let wait_us = self.dice.between(4 * HOUR_US..=24 * HOUR_US) * self.pace.min(7);
        self.after(wait_us, Item::Audit);
    }

    /// Asks for all that an answer has ever named; the checkers hear the answers.
    pub(super) fn audit_now(&mut self) {
        for request in lists() {
            self.request_arrives(Caller::Auditor, request);
        }
        for named in self.named.clone() {
            let requests = match named {
                Named::Transfer(user, number) => [
                    Request::GetTransfer { user, number },
                    Request::AttachTransfer { user, number },
                ],
                Named::Batch(user, number) => [
                    Request::GetBatch { user, number },
                    Request::ListActivations {
                        user,
                        number,
                        skip: 0,
                        limit: u32::MAX,
                    },
                ],
            };
            for request in requests {
                self.request_arrives(Caller::Auditor, request);
            }
        }
    }

    /// Asks for the reports when all is settled, and waits for the answers.
    pub(super) fn ask_for_reports(&mut self) {
        let by = BTreeSet::from([Grouping::User, Grouping::Image]);
        for kind in [ReportKind::Capacity, ReportKind::Success(by)] {
            let report = Request::Report(ReportRequest::of(kind, None));
            self.request_arrives(Caller::Auditor, report);
        }
        self.settle();
        while self.service.as_ref().is_some_and(|it| !it.calls.is_empty()) && self.step() {}
    }

    /// The auditor's answer: where it names blocks, they are read.
    pub(super) fn audited(&mut self, request: &Request, reply: &Result<Reply, Refusal>) {
        let (Request::AttachTransfer { user, number }, Ok(Reply::Blocks(source))) =
            (request, reply)
        else {
            return;
        };
        let image_id = source.manifest.image_id();
        let images = &self.estate.images;
        let image = images.iter().find(|it| it.manifest.image_id() == image_id);
        if let (Some(service), Some(image)) = (&self.service, image) {
            self.watch.show(&Happened::BlocksFound {
                user: *user,
                number: *number,
                found: &service.crcs(source),
                image: &image.crcs,
            });
        }
    }

    /// The answer to the engine's wish for a read-back.
    pub(super) fn read_back(&mut self, life: u32, owner: u64, manifest: &Manifest) {
        let unread = self.dice.chance(self.faults.unread);
        let Some(service) = self.service.as_ref().filter(|it| it.life == life) else {
            return;
        };
        let verdict = if unread {
            Verdict::Unread
        } else {
            service.verify(owner, manifest)
        };
        self.watch
            .note(format_args!("read back of {owner}: {verdict:?}"));
        self.tell(Event::Verified { owner, verdict });
    }
}

/// What officers look at.
fn lists() -> [Request; 3] {
    let schedules = ScheduleRequest::List(ListSchedules {
        user: None,
        after: None,
        open_only: false,
        limit: u32::MAX,
        reader: Reader::Desk,
    });
    let actions = ScheduleRequest::ListPendingActions {
        settled: false,
        after: 0,
        limit: u32::MAX,
    };
    [
        Request::Schedules(schedules),
        Request::Schedules(actions),
        Request::ListPauses,
    ]
}
