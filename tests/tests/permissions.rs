//! Every call, by every role, about its own, about another's and about what is absent, held to the service's table.

mod asks;

use std::time::Instant;

use dco_block::Eui64;
use dco_proto::Rpc;
use dco_server::{Role, Whose, may};
use dco_tests::{Image, Scene, Snapshot, call, refused, submit_batch};
use tonic::Code;
use tonic::transport::Channel;

use asks::{About, Definitions};

/// Every role and a party that has it alone.
const PARTIES: [(&str, Role); 5] = [
    ("user1", Role::User),
    ("desk1", Role::ServiceDesk),
    ("operator1", Role::Operator),
    ("auditor1", Role::Auditor),
    ("gateway1", Role::Gateway),
];

/// A service with a transfer, a batch and a schedule of each of two Users, all numbered 1.
struct Estate {
    scene: Scene,
    wire: Definitions,
    own: About,
    foreign: About,
}

impl Estate {
    async fn new() -> Self {
        let scene = Scene::start(|settings| settings).await;
        let mut of = Vec::new();
        for (user, from) in [("user1", 0), ("user2", 10)] {
            let devices = scene.install(from, 2, user, "gateway1").await;
            let (client, image) = (scene.user(user).await, Image::small(2));
            scene.store(&client, &image, &devices).await;
            let batch = client
                .submit_batch(submit_batch(&image, &devices[..1]))
                .await;
            let name = batch.expect("admitted").name.expect("it has one");
            assert_eq!(name.number, 1);
            request_schedule(&scene, user).await;
            of.push(About {
                user: scene.site.eui64(user),
                number: 1,
                device: devices[0],
            });
        }
        Self {
            scene,
            wire: Definitions::read(),
            own: of[0],
            foreign: of[1],
        }
    }

    /// What stands for things that are not there, in a User's name.
    fn absent(&self, of: About) -> About {
        About { number: 99, ..of }
    }

    /// What is permitted fails for something else, if at all; what can be absent says so.
    fn permitted(&self, rpc: Rpc, answer: Result<(), tonic::Status>, is_there: bool, asked: &str) {
        let code = answer.err().map_or(Code::Ok, |status| status.code());
        assert_ne!(code, Code::PermissionDenied, "{asked}");
        if self.wire.reads_one(rpc) {
            let expected = if is_there { Code::Ok } else { Code::NotFound };
            assert_eq!(code, expected, "{asked}");
        }
    }

    async fn ask(&self, channel: &Channel, rpc: Rpc, about: About) -> Result<(), tonic::Status> {
        call(channel, rpc.path(), self.wire.message(rpc, about)).await
    }
}

async fn request_schedule(scene: &Scene, user: &str) {
    let limits = scene.dco(user, &["limits"]).await.expect_code(0).json();
    let today = limits["service_date"]
        .as_str()
        .expect("limits are of a day");
    let request =
        format!("schedule request --devices 9 --earliest {today} --latest {today} --reason ours");
    let request: Vec<_> = request.split(' ').collect();
    let asked = scene.dco(user, &request).await.expect_code(0).json();
    assert_eq!(asked["schedule"]["state"], "REQUESTED", "{asked}");
}

#[tokio::test]
async fn every_call_by_every_role_is_permitted_or_refused_as_the_table_says() {
    let estate = Estate::new().await;
    let before = Snapshot::of(&estate.scene).await;
    let mut refusals = Vec::new();
    let nobody = About {
        user: Eui64::from_bits(1),
        ..estate.foreign
    };
    for (party, role) in PARTIES {
        let channel = estate.scene.channel(party).await;
        let cases = [
            ("own", Whose::Own, estate.own),
            ("own, absent", Whose::Own, estate.absent(estate.own)),
            ("foreign", Whose::Foreign, estate.foreign),
            (
                "foreign, absent",
                Whose::Foreign,
                estate.absent(estate.foreign),
            ),
            ("of nobody", Whose::Foreign, nobody),
        ];
        for rpc in Rpc::ALL.iter().copied() {
            for (case, whose, about) in cases {
                // To staff and gateways every User is another.
                let whose = if role == Role::User {
                    whose
                } else {
                    Whose::Foreign
                };
                let whose = if estate.wire.names_a_users(rpc) {
                    whose
                } else {
                    Whose::Own
                };
                let answer = estate.ask(&channel, rpc, about).await;
                let asked = format!("{rpc:?} by {party}, {case}: {answer:?}");
                if !may(rpc, role, whose) {
                    let code = answer.as_ref().err().map(tonic::Status::code);
                    assert_eq!(code, Some(Code::PermissionDenied), "{asked}");
                    let refusal = refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
                    refusals.push((asked, refusal.octets()));
                    continue;
                }
                let is_there = matches!(case, "own" | "foreign");
                estate.permitted(rpc, answer, is_there, &asked);
            }
        }
    }
    // Status, message, details and metadata, of whatever call by whomever about whatever.
    let first = refusals[0].1.clone();
    for (asked, octets) in &refusals {
        assert_eq!(*octets, first, "{asked}");
    }
    assert_eq!(Snapshot::of(&estate.scene).await, before);
    estate.scene.no_faults();
}

#[tokio::test]
async fn who_is_not_registered_is_refused_every_call_in_the_same_way() {
    let mut estate = Estate::new().await;
    estate.scene.stop_service().await;
    let text = dco_tests::read_text(&estate.scene.site.config());
    let gone = estate.scene.site.eui64("user3").to_string();
    let text = text.replace(&gone, "90-B3-D5-1F-30-7F-00-01");
    dco_tests::write(&estate.scene.site.config(), text);
    estate.scene.start_service().await;
    let stranger = estate.scene.channel("user3").await;
    let user = estate.scene.channel("user1").await;
    let known = estate
        .ask(&user, Rpc::ActivateFirmwareGetBatch, estate.foreign)
        .await;
    let known = refused(known, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
    for rpc in Rpc::ALL.iter().copied() {
        let answer = estate.ask(&stranger, rpc, estate.foreign).await;
        let refusal = refused(answer, Code::PermissionDenied, "CALLER_NOT_PERMITTED");
        assert_eq!(refusal.octets(), known.octets(), "{rpc:?}");
    }
    estate.scene.no_faults();
}

/// Calls about each thing, one after the other in turn: as many as are promised, and at the most where there is less time.
const MEASURED: usize = 10_000;
const MEASURED_FEW: usize = 3_000;
/// After so many more of each it is asked whether they are enough.
const MEASURED_AT_ONCE: usize = 500;
/// How far medians may be apart, as a part of the one that is compared with.
const APART_MAX: f64 = 0.05;
/// Standard deviations to either side of a median: outside lies one sample in a thousand.
const SURE: f64 = 3.3;

#[tokio::test]
#[ignore = "measures; run it on a machine that does nothing else"]
async fn what_is_foreign_and_what_is_absent_take_the_same_time() {
    same_time(MEASURED_FEW, Took::is_sure).await;
}

#[tokio::test]
#[ignore = "measures for many minutes; run it on a machine that does nothing else"]
async fn what_is_foreign_and_what_is_absent_take_the_same_time_over_ten_thousand_calls() {
    same_time(MEASURED, |_| false).await;
}

/// Of every call by whose name a User can ask for what is another's.
async fn same_time(count_max: usize, is_enough: impl Fn(&Took) -> bool) {
    let estate = Estate::new().await;
    let nobody = About {
        user: Eui64::from_bits(1),
        ..estate.foreign
    };
    let abouts = [estate.foreign, estate.absent(estate.foreign), nobody];
    let channel = estate.scene.channel("user1").await;
    let asked: Vec<_> = Rpc::ALL
        .iter()
        .copied()
        .filter(|rpc| estate.wire.names_a_users(*rpc))
        .filter(|rpc| may(*rpc, Role::User, Whose::Own) && !may(*rpc, Role::User, Whose::Foreign))
        .collect();
    assert!(asked.len() > 20, "{asked:?}");
    for rpc in asked {
        let mut took = Took::default();
        while took.count() < count_max && !is_enough(&took) {
            for round in 0..MEASURED_AT_ONCE {
                // Whatever comes first in a round comes last in another.
                for at in (0..abouts.len()).map(|at| (at + round) % abouts.len()) {
                    took.0[at].push(estate.time(&channel, rpc, abouts[at]).await);
                }
            }
            took.sort();
        }
        took.hold_to_the_bound(rpc);
    }
}

/// How long calls about what is there, is absent, or is of nobody took, in order of length.
#[derive(Default)]
struct Took([Vec<f64>; 3]);

impl Took {
    fn count(&self) -> usize {
        self.0[0].len()
    }

    fn sort(&mut self) {
        for took in &mut self.0 {
            took.sort_unstable_by(f64::total_cmp);
        }
    }

    fn median(&self, of: usize) -> f64 {
        self.0[of][self.count() / 2]
    }

    /// Between which the median of all calls that could be made lies, by the order of those that were.
    fn median_between(&self, of: usize) -> (f64, f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few thousand at the most"
        )]
        let aside = (SURE * (self.count() as f64).sqrt() / 2.0).ceil() as usize;
        let (middle, last) = (self.count() / 2, self.count() - 1);
        let at = |at: usize| self.0[of][at.min(last)];
        (at(middle.saturating_sub(aside)), at(middle + aside))
    }

    /// Whether more calls would change nothing: the medians are within the bound wherever they truly lie.
    fn is_sure(&self) -> bool {
        if self.count() == 0 {
            return false;
        }
        let (there_low, there_high) = self.median_between(0);
        (1..self.0.len()).all(|other| {
            let (low, high) = self.median_between(other);
            low / there_high >= 1.0 - APART_MAX && high / there_low <= 1.0 + APART_MAX
        })
    }

    #[expect(clippy::print_stdout, reason = "a measurement is read by people")]
    fn hold_to_the_bound(&self, rpc: Rpc) {
        for (other, what) in [(1, "absent"), (2, "nobody's")] {
            let apart = self.median(other) / self.median(0) - 1.0;
            let said = format!(
                "{rpc:?}: {what} is {:.2} % from foreign, {:.0} us, in {} calls of each",
                apart * 100.0,
                self.median(0) * 1e6,
                self.count()
            );
            println!("{said}");
            assert!(apart.abs() <= APART_MAX, "{said}");
        }
    }
}

impl Estate {
    #[expect(clippy::disallowed_methods, reason = "a measurement, run by hand")]
    async fn time(&self, channel: &Channel, rpc: Rpc, about: About) -> f64 {
        let start = Instant::now();
        let answer = self.ask(channel, rpc, about).await;
        let took = start.elapsed();
        let code = answer.expect_err("it is refused").code();
        assert_eq!(code, Code::PermissionDenied);
        took.as_secs_f64()
    }
}

#[test]
fn medians_are_sure_only_when_enough_calls_were_measured() {
    let calls = |count: u32, factor: f64| {
        // As of a machine with other things to do: half as long again now and then.
        let each = (0..count).map(|at| f64::from(100 + at % 17 + at % 5 * 10) * factor);
        each.collect::<Vec<_>>()
    };
    let took = |count, factor| {
        let mut took = Took([calls(count, 1.0), calls(count, 1.0), calls(count, factor)]);
        took.sort();
        took
    };
    assert!(!Took::default().is_sure());
    assert!(!took(50, 1.0).is_sure());
    assert!(took(5_000, 1.0).is_sure());
    assert!(took(5_000, 1.01).is_sure());
    assert!(!took(5_000, 1.06).is_sure());
    assert!(!took(5_000, 0.94).is_sure());
}
