//! The world around the service: time, everybody in it, and one loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dco_block::{Eui64, Manifest, RawBlock};
use dco_engine::{
    AttemptRef, Event, HOUR_US, Hello, ImportDevices, Refusal, Reply, Report, Request, Session,
    ToGateway,
};
use dco_schedule::Micros;
use dco_store::{MemDisk, Seq};

use crate::agenda::Agenda;
use crate::call::Caller;
use crate::dice::Dice;
use crate::estate::Estate;
use crate::faults::Faults;
use crate::gateway::{Gateway, Stage};
use crate::meter::Meter;
use crate::outcome::{Options, Outcome};
use crate::service::Service;
use crate::user::Errand;
use crate::watch::Watch;

mod agreeing;
mod attempts;
mod audit;
mod blocks;
mod calls;
mod clock;
mod effects;
mod mistakes;
mod pausing;
mod plan;
mod power;
mod registry;
mod streams;

use pausing::Known;
use streams::Stream;

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    dice: Dice,
    faults: Faults,
    /// Nothing goes wrong any more.
    is_healed: bool,
    estate: Estate,
    now_us: Micros,
    agenda: Agenda<Item>,
    watch: Watch,
    disk: MemDisk,
    service: Option<Service>,
    lives: u32,
    /// The newest record that the checkers have seen.
    recorded: Seq,
    /// How far the service's clock was set ahead.
    clock_ahead_us: Micros,
    /// By how many times less often everybody does something than in the busiest world.
    pace: i64,
    /// Alarms in a row without time passing.
    alarms_in_a_row: u32,
    errands: Vec<Errand>,
    /// What the operator imports, until that is answered.
    import: Option<ImportDevices>,
    gateways: Vec<Gateway>,
    meters: BTreeMap<Eui64, Meter>,
    streams: BTreeMap<Session, Stream>,
    /// Transfers and batches that an answer has named.
    named: BTreeSet<Named>,
    /// What the parties know of schedules, pauses and what waits for them.
    known: Known,
}

/// A transfer or a batch, by its User and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Transfer(Eui64, u64),
    Batch(Eui64, u64),
}

/// Something that will happen.
#[derive(Debug)]
enum Item {
    OperatorImports,
    RegistryIsLookedAt,
    PartiesAct,
    UserWantsMore {
        user: Eui64,
    },
    ErrandGoesOn {
        errand: usize,
        call: u64,
    },
    RequestArrives {
        caller: Caller,
        request: Request,
    },
    ReplyArrives {
        errand: usize,
        call: u64,
        reply: Result<Reply, Refusal>,
    },
    BlockArrives {
        transfer: (Eui64, u64),
        raw: RawBlock,
    },
    CommitJournal {
        life: u32,
    },
    CommitBlocks {
        life: u32,
    },
    ReadBack {
        life: u32,
        owner: u64,
        manifest: Arc<Manifest>,
    },
    Alarm {
        life: u32,
        at_us: Micros,
    },
    ServiceStarts,
    ClockIsLookedAt,
    Audit,
    GatewayConnects {
        gateway: usize,
    },
    ToService {
        session: Session,
        said: Said,
    },
    ToGateway {
        session: Session,
        message: ToGateway,
    },
    ServiceSeesEnd {
        session: Session,
    },
    GatewaySeesEnd {
        session: Session,
    },
    AttemptGoesOn {
        gateway: usize,
        memory: u64,
        attempt: AttemptRef,
        stage: Stage,
    },
}

/// What a gateway says on its stream.
#[derive(Debug)]
enum Said {
    Hello(Hello),
    Report(AttemptRef, Report),
}

/// Time that everything has to end in, once nothing goes wrong any more.
const TIME_TO_END_US: Micros = 90 * 24 * HOUR_US;

impl World {
    /// What a seed draws.
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let faults = Faults::draw(&mut dice);
        let estate = Estate::draw(&mut dice);
        let gateways = estate
            .gateways
            .iter()
            .map(|gateway| Gateway::new(*gateway, dice.small(1..=8)))
            .collect();
        let meters = estate.devices.iter().map(|it| (it.device, Meter::new()));
        let mut world = Self {
            seed,
            faults,
            is_healed: false,
            now_us: estate.start_us,
            agenda: Agenda::new(),
            watch: Watch::new(estate.terms.allowance_per_day),
            disk: MemDisk::new(),
            service: None,
            lives: 0,
            recorded: 0,
            clock_ahead_us: 0,
            alarms_in_a_row: 0,
            errands: Vec::new(),
            import: None,
            gateways,
            meters: meters.collect(),
            streams: BTreeMap::new(),
            named: BTreeSet::new(),
            known: Known::default(),
            pace: if dice.chance(700) {
                1
            } else {
                dice.between(2..=150)
            },
            estate,
            dice,
        };
        world.plan();
        world
    }

    /// Lets things go wrong, then everything come to its end.
    pub(crate) fn run(&mut self, options: &Options) {
        for _ in 0..options.faulty_steps {
            if !self.step() {
                return;
            }
        }
        self.heal();
        let until_us = self.now_us.saturating_add(TIME_TO_END_US);
        for _ in 0..options.steps_to_end {
            if self.is_settled() {
                return self.ask_for_reports();
            }
            if !self.step() {
                return;
            }
            if self.now_us > until_us {
                break;
            }
        }
        let what = self.unsettled();
        self.watch.fail("everything comes to its end", what);
    }

    /// What the run has come to.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut figures = self.watch.figures;
        let days = (self.now_us - self.estate.start_us) / (24 * HOUR_US);
        figures.days = u64::try_from(days).unwrap_or(0);
        Outcome {
            seed: self.seed,
            trace_hash: self.watch.trace.hash(),
            figures,
            failure: self.watch.failure.clone(),
        }
    }

    /// A promise is broken in a way that no checker sees.
    pub(crate) fn fail(&mut self, promise: &'static str, what: String) {
        self.watch.fail(promise, what);
    }

    /// One thing happens, and what follows from it at once. Whether the run goes on.
    fn step(&mut self) -> bool {
        let Some((at_us, item)) = self.agenda.next() else {
            self.fail(
                "everything comes to its end",
                "nothing will ever happen again".to_owned(),
            );
            return false;
        };
        self.now_us = self.now_us.max(at_us);
        self.watch.now_us = self.now_us;
        self.watch.figures.steps += 1;
        self.happen(item);
        self.settle();
        if self.service.is_some() && self.dice.chance(self.faults.crash) {
            let power = self.dice.chance(500);
            self.crash(power);
        }
        self.watch.failure.is_none()
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::OperatorImports => self.import_devices(),
            Item::RegistryIsLookedAt => self.look_at_registry(),
            Item::PartiesAct => self.parties_act(),
            Item::UserWantsMore { user } => self.user_wants_more(user),
            Item::ErrandGoesOn { errand, call } => self.errand_goes_on(errand, call),
            Item::RequestArrives { caller, request } => self.request_arrives(caller, request),
            Item::ReplyArrives {
                errand,
                call,
                reply,
            } => self.reply_arrives(errand, call, &reply),
            Item::BlockArrives { transfer, raw } => self.block_arrives(transfer, raw),
            Item::CommitJournal { life } => self.commit_journal(life),
            Item::CommitBlocks { life } => self.commit_blocks(life),
            Item::ReadBack {
                life,
                owner,
                manifest,
            } => self.read_back(life, owner, &manifest),
            Item::Alarm { life, at_us } => self.alarm(life, at_us),
            Item::ServiceStarts => self.start_service(),
            Item::ClockIsLookedAt => self.look_at_clock(),
            Item::Audit => self.audit(),
            Item::GatewayConnects { gateway } => self.connect(gateway),
            Item::ToService { session, said } => self.hear_gateway(session, said),
            Item::ToGateway { session, message } => self.hear_service(session, message),
            Item::ServiceSeesEnd { session } => self.service_sees_end(session),
            Item::GatewaySeesEnd { session } => self.gateway_sees_end(session),
            Item::AttemptGoesOn {
                gateway,
                memory,
                attempt,
                stage,
            } => self.attempt_goes_on(gateway, memory, attempt, stage),
        }
    }

    /// Tells the engine that something happened, if the service is up.
    fn tell(&mut self, event: Event) {
        let now_us = self.service_now_us();
        if let Some(service) = &mut self.service {
            service.engine.handle(event, now_us);
        }
    }

    /// Puts something on the agenda, after so long.
    fn after(&mut self, wait_us: Micros, item: Item) {
        self.agenda.put(self.now_us.saturating_add(wait_us), item);
    }

    /// How long a message is on its way.
    fn delay_us(&mut self) -> Micros {
        const SHORTEST_US: Micros = 500;
        let longest_us = self.faults.delay_max_us.max(20 * SHORTEST_US);
        if self.dice.chance(900) {
            return self.dice.between(SHORTEST_US..=20 * SHORTEST_US);
        }
        self.dice.between(SHORTEST_US..=longest_us)
    }

    /// Whether everything has come to its end.
    fn is_settled(&self) -> bool {
        let gateways = &self.gateways;
        self.import.is_none()
            && self.errands.iter().all(|it| it.is_done)
            && gateways
                .iter()
                .all(|it| it.in_hand.is_empty() && it.outcomes.is_empty())
            && self.watch.open_activations() == 0
            && self
                .service
                .as_ref()
                .is_some_and(Service::has_no_open_transfer)
    }

    /// What has not come to its end, for a person.
    fn unsettled(&self) -> String {
        let errands: Vec<_> = self.errands.iter().filter(|it| !it.is_done).collect();
        let stats = self.service.as_ref().map(|it| it.engine.stats());
        let gateways = &self.gateways;
        let open = self.watch.open_activations();
        format!(
            "{open} activations; service: {stats:?}; gateways: {gateways:?}; errands: {errands:?}"
        )
    }
}
