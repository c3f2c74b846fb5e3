//! Every call, by every role, about its own, about another's and about what is absent, held to the service's table.

mod asks;

use std::time::{Duration, Instant};

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

/// Calls of each kind that are measured, one of the one kind after one of the other.
const MEASURED: usize = 10_000;

#[tokio::test]
#[ignore = "measures; run it on a machine that does nothing else"]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement, run by hand"
)]
async fn what_is_foreign_and_what_is_absent_take_the_same_time() {
    let estate = Estate::new().await;
    let channel = estate.scene.channel("user1").await;
    let calls = [
        Rpc::UpdateFirmwareGetTransfer,
        Rpc::ActivateFirmwareGetActivation,
        Rpc::DeliverySchedulesGetSchedule,
    ];
    for rpc in calls {
        let abouts = [estate.foreign, estate.absent(estate.foreign)];
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..MEASURED {
            for (about, took) in abouts.iter().zip(&mut took) {
                let start = Instant::now();
                let answer = estate.ask(&channel, rpc, *about).await;
                took.push(start.elapsed());
                assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
            }
        }
        let [foreign, absent] = took.map(median);
        let apart = foreign.as_secs_f64() / absent.as_secs_f64() - 1.0;
        println!(
            "{rpc:?}: foreign {foreign:?}, absent {absent:?}, apart {:.2} %",
            apart * 100.0
        );
        assert!(apart.abs() <= 0.05, "{rpc:?}: {foreign:?} and {absent:?}");
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
