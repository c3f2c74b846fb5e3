//! Everything that can be read of an engine, as text.

use std::collections::BTreeSet;
use std::fmt::Write;

use dco_block::Eui64;
use dco_engine::{
    ActivationName, ActivationState, ActivationView, DayCounts, Effect, Engine, Event, Grouping,
    ListSchedules, NoticeParty, Page, Reader, Refusal, Reply, ReplyTo, ReportKind, ReportRequest,
    Request, ScheduleRequest, Stage,
};
use dco_schedule::Micros;

use crate::sample::{ANN, BOB, NORTH, SOUTH};

/// What both a living engine and one recovered from its journal must say, the same.
///
/// Left out is what a start forgets and learns again: which gateways are there, and how far attempts have come.
pub(crate) fn dump(engine: &mut Engine, now_us: Micros) -> String {
    let mut text = String::new();
    for user in [ANN, BOB] {
        dump_transfers(engine, now_us, user, &mut text);
        dump_batches(engine, now_us, user, &mut text);
    }
    for user in [None, Some(ANN), Some(BOB)] {
        let by = BTreeSet::from([Grouping::User, Grouping::Image]);
        dump_days(engine, now_us, user, &mut text);
        for kind in [ReportKind::Trt, ReportKind::Success(by)] {
            let report = Request::Report(ReportRequest::of(kind, user));
            line(&mut text, ask(engine, now_us, report));
        }
    }
    dump_schedules(engine, now_us, &mut text);
    let (before, limit) = (None, 2);
    line(
        &mut text,
        ask(engine, now_us, Request::ListServiceDays { before, limit }),
    );
    text
}

/// What each service day was used for, but for what the oldest snapshots did not count yet.
fn dump_days(engine: &mut Engine, now_us: Micros, user: Option<Eui64>, text: &mut String) {
    let asked = Request::Report(ReportRequest::of(ReportKind::Capacity, user));
    let Ok(Reply::CapacityReport(report)) = ask(engine, now_us, asked) else {
        panic!("no report");
    };
    let counted = |counts: &DayCounts| DayCounts {
        refunded: None,
        retries: None,
        ..*counts
    };
    for day in report.days {
        let users = day.users.iter();
        let users = users.map(|(user, counts)| (*user, counted(counts)));
        let users: Vec<_> = users
            .filter(|(_, it)| *it != DayCounts::default())
            .collect();
        line(text, (day.day, day.capacity, counted(&day.all), users));
    }
}

/// One request and its answer, outside any world.
pub(crate) fn ask(engine: &mut Engine, now_us: Micros, request: Request) -> Result<Reply, Refusal> {
    let reply_to = ReplyTo(u64::MAX);
    engine.handle(Event::Request { reply_to, request }, now_us);
    let last = engine.last_seq();
    engine.on_durable(last);
    while let Some(effect) = engine.poll_effect() {
        if let Effect::Reply { to, reply } = effect
            && to == reply_to
        {
            return reply;
        }
    }
    panic!("no answer")
}

/// Every schedule, act that waits, day, notice and limit.
fn dump_schedules(engine: &mut Engine, now_us: Micros, text: &mut String) {
    let limit = u32::MAX;
    let mut asked = vec![
        ScheduleRequest::List(ListSchedules {
            user: None,
            after: None,
            open_only: false,
            limit,
            reader: Reader::Desk,
        }),
        ScheduleRequest::ListPendingActions {
            after: 0,
            limit,
            settled: true,
        },
        ScheduleRequest::ProposeReplan,
    ];
    for user in [None, Some(ANN), Some(BOB)] {
        let (first, last) = (None, None);
        asked.push(ScheduleRequest::GetCapacity { user, first, last });
    }
    for user in [ANN, BOB] {
        asked.push(ScheduleRequest::GetLimits { user });
    }
    let users = [ANN, BOB].map(NoticeParty::User);
    for party in users
        .into_iter()
        .chain([NoticeParty::Desk, NoticeParty::Operators])
    {
        asked.push(ScheduleRequest::ReadNotices {
            party,
            position: 0,
            limit,
        });
    }
    for request in asked {
        line(text, ask(engine, now_us, Request::Schedules(request)));
    }
}

fn page(user: Eui64) -> Page {
    let (before, limit) = (None, u32::MAX);
    Page {
        user,
        before,
        limit,
    }
}

fn dump_transfers(engine: &mut Engine, now_us: Micros, user: Eui64, text: &mut String) {
    let rows = ask(engine, now_us, Request::ListTransfers(page(user)));
    let Ok(Reply::Transfers(rows)) = rows else {
        panic!("{rows:?}");
    };
    for row in rows {
        let number = row.number.expect("it is open");
        line(
            text,
            ask(engine, now_us, Request::GetTransfer { user, number }),
        );
        line(
            text,
            ask(engine, now_us, Request::AttachTransfer { user, number }),
        );
        for gateway in [NORTH, SOUTH] {
            let image_id = row.manifest.image_id();
            line(
                text,
                ask(
                    engine,
                    now_us,
                    Request::OpenImage {
                        gateway,
                        image_id,
                        block_bytes: row.manifest.block_bytes(),
                    },
                ),
            );
        }
    }
}

fn dump_batches(engine: &mut Engine, now_us: Micros, user: Eui64, text: &mut String) {
    let rows = ask(engine, now_us, Request::ListBatches(page(user)));
    let Ok(Reply::Batches(rows)) = rows else {
        panic!("{rows:?}");
    };
    for row in rows {
        let number = row.number.expect("it is accepted");
        line(
            text,
            ask(engine, now_us, Request::GetBatch { user, number }),
        );
        let (position, limit) = (0, u32::MAX);
        let changes = Request::ReadChanges {
            user,
            number,
            position,
            limit,
        };
        match ask(engine, now_us, changes) {
            Ok(Reply::Changes(changes)) => {
                line(text, (changes.position, changes.batch));
                for view in changes.activations {
                    dump_activation(engine, now_us, view, text);
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn dump_activation(engine: &mut Engine, now_us: Micros, view: ActivationView, text: &mut String) {
    let name = ActivationName {
        user: view.user,
        batch: view.batch,
        device: view.device,
    };
    let state = match view.state {
        ActivationState::Released(_) => ActivationState::Released(Stage::Unknown),
        state => state,
    };
    line(text, ActivationView { state, ..view });
    match ask(engine, now_us, Request::ExplainActivation(name)) {
        Ok(Reply::Explanation(it)) => line(text, (it.ahead_count, it.due_us)),
        other => panic!("{other:?}"),
    }
}

fn line(text: &mut String, value: impl std::fmt::Debug) {
    writeln!(text, "{value:?}").expect("text takes everything");
}
