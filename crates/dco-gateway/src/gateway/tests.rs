use std::path::Path;
use std::time::Duration;

use dco_block::Eui64;
use dco_client::{AttemptResult, Code, DcoMessage, GatewayMessage};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::behaviour::Fault;
use crate::samples::{
    DcoEnd, NEW, OLD, Reading, TestDco, aborted, attempt, broken, device, manifest, offer, refused,
};

/// A gateway that runs against a DCO in the hands of the test.
struct Check {
    dco: Arc<TestDco>,
    opened: mpsc::Receiver<DcoEnd>,
    monitor: Monitor,
    stop: CancellationToken,
    running: JoinHandle<Result<Stats, GatewayError>>,
}

fn config() -> GatewayConfig {
    GatewayConfig {
        endpoint: Endpoint::new("localhost:1", "localhost"),
        identity: Identity {
            ca_pem: vec![],
            certificate_pem: vec![],
            key_pem: vec![],
        },
        concurrency: 4,
        behaviour: Behaviour::faultless(),
        latency: Latency::NONE,
        fleet: Fleet::of_any(1, OLD),
        keeping: Keeping::InMemory,
    }
}

fn start(config: GatewayConfig) -> Check {
    let (dco, opened) = TestDco::new([]);
    start_with(config, dco, opened)
}

fn start_with(config: GatewayConfig, dco: Arc<TestDco>, opened: mpsc::Receiver<DcoEnd>) -> Check {
    let gateway = Gateway::new(config).unwrap();
    let monitor = gateway.monitor();
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run_over(Arc::clone(&dco) as Arc<dyn Dco>, stop.clone()));
    Check {
        dco,
        opened,
        monitor,
        stop,
        running,
    }
}

impl Check {
    async fn opened(&mut self) -> DcoEnd {
        let end = self.opened.recv().await.expect("the gateway connects");
        end.welcome().await;
        end
    }

    async fn stop(self) -> Stats {
        self.stop.cancel();
        self.running.await.unwrap().unwrap()
    }

    async fn failed(self) -> GatewayError {
        self.running.await.unwrap().unwrap_err()
    }
}

async fn give(end: &DcoEnd, device: u64, number: u32) {
    end.tell(DcoMessage::Offer(offer(device, number))).await;
}

/// A meter that answers nothing, so that its attempt stays in hand.
fn silent(device: Eui64, config: GatewayConfig) -> GatewayConfig {
    let behaviour = Behaviour::faultless().always(device, Some(Fault::NoAnswer));
    let latency = Latency {
        no_answer_after: None,
        ..Latency::NONE
    };
    GatewayConfig {
        behaviour,
        latency,
        ..config
    }
}

#[tokio::test(start_paused = true)]
async fn images_go_to_meters_and_outcomes_to_the_dco() {
    let mut check = start(config());
    let mut end = check.opened().await;
    assert_eq!((end.hello.attempts.len(), end.hello.concurrency), (0, 4));
    give(&end, 1, 1).await;
    assert_eq!(
        end.heard().await,
        Some(GatewayMessage::Accept(attempt(1, 1)))
    );
    let outcome = end.outcome().await;
    assert_eq!(outcome.result, AttemptResult::Success);
    end.tell(DcoMessage::Noted(attempt(1, 1))).await;
    assert!(
        check
            .monitor
            .wait_until(|shown| shown.stats.noted == 1)
            .await
    );
    let running = check.monitor.devices()[&device(1)];
    assert_eq!(running.firmware_version, NEW);
    assert_eq!(
        running.manufacturer_image_hash,
        Some(manifest().manufacturer_image_hash())
    );
    let stats = check.stop().await;
    assert_eq!(
        (stats.successes(), stats.failures(), stats.started),
        (1, 0, 1)
    );
    assert_eq!(
        (
            stats.blocks_read,
            stats.blocks_delivered,
            stats.blocks_reread
        ),
        (10, 10, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn one_image_for_many_meters_is_read_once() {
    let mut check = start(config());
    let mut end = check.opened().await;
    for number in 1..=4 {
        give(&end, number, 1).await;
    }
    for _ in 1..=4 {
        assert_eq!(end.outcome().await.result, AttemptResult::Success);
    }
    let stats = check.stop().await;
    assert_eq!((stats.blocks_read, stats.blocks_delivered), (10, 40));
}

#[tokio::test(start_paused = true)]
async fn a_new_stream_is_told_what_is_in_hand_and_what_is_not_noted() {
    let mut check = start(silent(device(1), config()));
    let mut end = check.opened().await;
    give(&end, 1, 1).await;
    give(&end, 2, 1).await;
    let outcome = end.outcome().await;
    let memory_id = end.hello.memory_id.clone();
    end.tell.send(Err(broken())).await.unwrap();
    let mut end = check.opened().await;
    assert_eq!(end.hello.memory_id, memory_id);
    assert_eq!(end.hello.attempts, [attempt(1, 1)]);
    assert_eq!(end.hello.outcomes, [outcome]);
    end.tell(DcoMessage::Noted(attempt(2, 1))).await;
    give(&end, 1, 1).await;
    assert_eq!(
        end.heard().await,
        Some(GatewayMessage::Accept(attempt(1, 1)))
    );
    drop(end);
    let end = check.opened().await;
    assert_eq!(end.hello.outcomes, []);
    let stats = check.stop().await;
    assert_eq!((stats.connections, stats.started), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn what_ends_while_there_is_no_stream_is_told_on_the_next() {
    let latency = Latency {
        activation: Duration::from_secs(1),
        ..Latency::NONE
    };
    let mut check = start(GatewayConfig {
        latency,
        ..config()
    });
    let end = check.opened().await;
    give(&end, 1, 1).await;
    assert!(check.monitor.wait_until(|shown| shown.in_hand == 1).await);
    for _ in 0..30 {
        check.dco.refuse(broken());
    }
    drop(end);
    assert!(
        check
            .monitor
            .wait_until(|shown| shown.stats.successes() == 1)
            .await
    );
    let end = check.opened().await;
    let told = end.hello.outcomes.len();
    assert_eq!((end.hello.attempts.len(), told), (0, 1));
    check.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_after_the_hello_was_written_is_told_after_it() {
    let latency = Latency {
        activation: Duration::from_secs(1),
        ..Latency::NONE
    };
    let mut check = start(GatewayConfig {
        latency,
        ..config()
    });
    let end = check.opened().await;
    give(&end, 1, 1).await;
    assert!(check.monitor.wait_until(|shown| shown.in_hand == 1).await);
    let held = check.dco.hold_connects().await;
    drop(end);
    assert!(
        check
            .monitor
            .wait_until(|shown| shown.stats.successes() == 1)
            .await
    );
    drop(held);
    let mut end = check.opened().await;
    assert_eq!(end.hello.attempts, [attempt(1, 1)]);
    assert_eq!(end.outcome().await.attempt, attempt(1, 1));
    check.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_attempt_is_stopped_and_the_meter_is_free_for_the_next() {
    let behaviour = Behaviour::faultless().until(device(1), Some(Fault::NoAnswer), 1);
    let latency = Latency {
        no_answer_after: None,
        ..Latency::NONE
    };
    let mut check = start(GatewayConfig {
        behaviour,
        latency,
        ..config()
    });
    let mut end = check.opened().await;
    give(&end, 1, 1).await;
    end.tell(DcoMessage::Withdrawn(attempt(1, 1))).await;
    give(&end, 1, 2).await;
    let outcome = end.outcome().await;
    assert_eq!(
        (outcome.attempt, outcome.result),
        (attempt(1, 2), AttemptResult::Success)
    );
    assert_eq!(check.stop().await.stopped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_newer_attempt_takes_the_place_of_one_in_hand() {
    let latency = Latency {
        block: Duration::from_secs(10),
        ..Latency::NONE
    };
    let mut check = start(GatewayConfig {
        latency,
        ..config()
    });
    let mut end = check.opened().await;
    give(&end, 1, 1).await;
    let heard = loop {
        match end.heard().await.unwrap() {
            GatewayMessage::Progress { blocks_done, .. } => break blocks_done,
            _ => continue,
        }
    };
    assert_eq!(heard, 2);
    give(&end, 1, 2).await;
    assert_eq!(end.outcome().await.attempt, attempt(1, 2));
    let stats = check.stop().await;
    assert_eq!((stats.started, stats.stopped, stats.successes()), (2, 1, 1));
    assert_eq!(
        stats.blocks_delivered, 10,
        "the second goes on where the first was stopped"
    );
}

#[tokio::test(start_paused = true)]
async fn with_a_file_attempts_and_outcomes_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |config| kept_in(folder.path(), config);
    let mut check = start(keep(silent(device(1), config())));
    let mut end = check.opened().await;
    let memory_id = end.hello.memory_id.clone();
    give(&end, 1, 1).await;
    give(&end, 2, 1).await;
    let outcome = end.outcome().await;
    check.stop().await;

    let mut check = start(keep(config()));
    let mut end = check.opened().await;
    assert_eq!(end.hello.memory_id, memory_id);
    assert_eq!(end.hello.attempts, [attempt(1, 1)]);
    assert_eq!(end.hello.outcomes, [outcome]);
    let resumed = end.outcome().await;
    assert_eq!(
        (resumed.attempt, resumed.result),
        (attempt(1, 1), AttemptResult::Success)
    );
    give(&end, 2, 2).await;
    let again = end.outcome().await;
    assert_eq!(
        again.result,
        AttemptResult::AlreadyAtVersion,
        "meters keep what they run"
    );
    assert_eq!(
        again.device_image_hash,
        Some(manifest().manufacturer_image_hash())
    );
    check.stop().await;
}

fn kept_in(folder: &Path, config: GatewayConfig) -> GatewayConfig {
    GatewayConfig {
        keeping: Keeping::InFile(folder.join("memory")),
        ..config
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_file_each_start_is_a_loss_of_memory_but_meters_stay() {
    let fleet = Fleet::of_any(1, OLD);
    let config = || GatewayConfig {
        fleet: fleet.clone(),
        ..config()
    };
    let mut check = start(config());
    let mut end = check.opened().await;
    give(&end, 1, 1).await;
    end.outcome().await;
    let memory_id = end.hello.memory_id.clone();
    check.stop().await;

    let mut check = start(config());
    let mut end = check.opened().await;
    assert_ne!(end.hello.memory_id, memory_id);
    assert_eq!(end.hello.outcomes, []);
    give(&end, 1, 2).await;
    assert_eq!(end.outcome().await.result, AttemptResult::AlreadyAtVersion);
    check.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_block_reaches_no_meter() {
    let (dco, opened) = TestDco::new([Reading::Damages(0), Reading::Damages(5)]);
    let mut check = start_with(config(), dco, opened);
    let mut end = check.opened().await;
    give(&end, 1, 1).await;
    assert_eq!(end.outcome().await.result, AttemptResult::Success);
    let stats = check.stop().await;
    assert_eq!((stats.blocks_reread, stats.blocks_delivered), (2, 10));
}

#[tokio::test(start_paused = true)]
async fn a_dco_that_is_away_is_asked_again_and_one_that_refuses_is_not() {
    let (dco, opened) = TestDco::new([]);
    for _ in 0..20 {
        dco.refuse(refused(Code::Unavailable));
    }
    let mut check = start_with(config(), Arc::clone(&dco), opened);
    drop(check.opened().await);
    check.opened().await;
    dco.refuse(refused(Code::PermissionDenied));
    assert!(matches!(check.failed().await, GatewayError::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn two_programs_do_not_fight_over_one_certificate() {
    let mut check = start(config());
    let end = check.opened().await;
    let superseded = aborted("SESSION_SUPERSEDED");
    end.tell.send(Err(superseded)).await.unwrap();
    let fault = check.failed().await;
    assert!(matches!(fault, GatewayError::Replaced));
    assert!(
        fault
            .to_string()
            .contains("another program has connected as this gateway")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_not_read_in_time_is_opened_anew() {
    let mut check = start(config());
    let end = check.opened().await;
    let overrun = aborted("SESSION_OVERRUN");
    end.tell.send(Err(overrun)).await.unwrap();
    drop(end);
    check.opened().await;
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_an_end_is_heard_even_by_a_gateway_that_speaks() {
    let mut check = start(config());
    let DcoEnd { said, tell, .. } = check.opened().await;
    drop(said);
    tell.send(Ok(DcoMessage::Offer(offer(1, 1)))).await.unwrap();
    let superseded = aborted("SESSION_SUPERSEDED");
    tell.send(Err(superseded)).await.unwrap();
    assert!(matches!(check.failed().await, GatewayError::Replaced));
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_the_start() {
    for concurrency in [0, 10_001] {
        let refused = Gateway::new(GatewayConfig {
            concurrency,
            ..config()
        })
        .unwrap_err();
        assert!(
            refused.to_string().contains("1 to 10000 attempts"),
            "{refused}"
        );
    }
    let nowhere = kept_in(Path::new("/does/not/exist"), config());
    assert!(matches!(
        Gateway::new(nowhere),
        Err(GatewayError::Memory(_))
    ));
    let gateway = Gateway::new(config()).unwrap();
    let ended = gateway.run(CancellationToken::new()).await;
    assert!(
        matches!(ended, Err(GatewayError::Link(_))),
        "an empty identity is none"
    );
}

#[tokio::test(start_paused = true)]
async fn offers_in_a_flood_are_all_answered() {
    let mut check = start(GatewayConfig {
        concurrency: 10_000,
        ..config()
    });
    let DcoEnd { mut said, tell, .. } = check.opened().await;
    let offering = tokio::spawn(async move {
        for number in 0..2_000 {
            tell.send(Ok(DcoMessage::Offer(offer(number, 1))))
                .await
                .unwrap();
        }
        tell
    });
    let mut outcomes = 0;
    while outcomes < 2_000 {
        outcomes += u32::from(matches!(
            said.recv().await,
            Some(GatewayMessage::Outcome(_))
        ));
    }
    drop(offering.await.unwrap());
    let stats = check.stop().await;
    assert_eq!(
        (stats.started, stats.declined, stats.successes()),
        (2_000, 0, 2_000)
    );
}
