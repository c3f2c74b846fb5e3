use super::*;
use crate::backoff::Backoff;
use crate::behaviour::Rates;
use crate::clock::DcoClock;
use crate::meter::Defect;
use crate::samples::{NEW, OLD, Reading, TestDco, attempt, device, manifest, offer};

/// Makes attempts at one meter after another plan and tells what came of each.
struct Check {
    tools: Arc<Tools>,
}

fn check(behaviour: Behaviour) -> Check {
    check_reading(behaviour, Fleet::of_any(1, OLD), Vec::new())
}

fn check_reading(behaviour: Behaviour, fleet: Fleet, readings: Vec<Reading>) -> Check {
    let (dco, _) = TestDco::new(readings);
    let counts = Arc::<BlockCounts>::default();
    let latency = Latency::NONE;
    let backoff = Backoff::new(latency.reconnect_min, latency.reconnect_max);
    let images = Images::new(dco, Arc::clone(&counts), backoff);
    Check {
        tools: Arc::new(Tools {
            fleet,
            images,
            behaviour,
            latency,
            counts,
            clock: DcoClock::default(),
        }),
    }
}

impl Check {
    async fn events(&self, number: u32) -> Vec<AttemptEvent> {
        let (tell, mut events) = mpsc::channel(64);
        let never = CancellationToken::new();
        make(*offer(1, number), Arc::clone(&self.tools), tell, never).await;
        let mut seen = Vec::new();
        while let Some(event) = events.recv().await {
            seen.push(event);
        }
        seen
    }

    async fn outcome(&self, number: u32) -> AttemptOutcome {
        match self.events(number).await.pop() {
            Some(AttemptEvent::Ended(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn delivered(&self) -> u64 {
        self.tools.counts.delivered.get()
    }
}

fn first_fails(fault: Fault) -> Behaviour {
    Behaviour::faultless().until(device(1), Some(fault), 1)
}

#[tokio::test(start_paused = true)]
async fn a_good_attempt_tells_progress_by_eighths_then_delivered_then_success() {
    let check = check(Behaviour::faultless());
    let mut events = check.events(1).await;
    let Some(AttemptEvent::Ended(outcome)) = events.pop() else {
        panic!("{events:?}")
    };
    assert_eq!(outcome.result, AttemptResult::Success);
    assert!(!outcome.nothing_sent);
    assert_eq!(outcome.running_version, Some(NEW));
    assert_eq!(
        outcome.device_image_hash,
        Some(manifest().manufacturer_image_hash())
    );
    assert_eq!(events.pop(), Some(AttemptEvent::Delivered(attempt(1, 1))));
    let told: Vec<u32> = events
        .into_iter()
        .map(|event| match event {
            AttemptEvent::Progress { blocks_done, .. } => blocks_done,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [2, 3, 4, 5, 7, 8, 9, 10]);
    assert_eq!(check.delivered(), 10);
}

#[tokio::test(start_paused = true)]
async fn each_fault_has_its_outcome_and_the_next_attempt_mends_it() {
    let defect = |defect| Fault::Meter(defect);
    for (fault, result, nothing_sent, runs) in [
        (Fault::NoAnswer, AttemptResult::NoAnswer, false, None),
        (
            Fault::NotReachable,
            AttemptResult::DeviceNotReachable,
            true,
            None,
        ),
        (
            Fault::FileTransferFailure,
            AttemptResult::FileTransferFailure,
            false,
            Some(OLD),
        ),
        (
            defect(Defect::OtherHardware),
            AttemptResult::HardwareVersionMismatch,
            true,
            Some(OLD),
        ),
        (
            defect(Defect::DamagesHeader),
            AttemptResult::FirmwareImageDiscarded,
            false,
            Some(OLD),
        ),
        (
            defect(Defect::DamagesImage),
            AttemptResult::HashMismatch,
            false,
            Some(OLD),
        ),
        (
            defect(Defect::ForgetsImage),
            AttemptResult::NoImageHeld,
            false,
            Some(OLD),
        ),
        (
            defect(Defect::FailsActivation),
            AttemptResult::ActivationFailure,
            false,
            Some(OLD),
        ),
    ] {
        let check = check(first_fails(fault));
        let outcome = check.outcome(1).await;
        assert_eq!(outcome.result, result, "{fault:?}");
        assert_eq!(outcome.nothing_sent, nothing_sent, "{fault:?}");
        assert_eq!(outcome.running_version, runs, "{fault:?}");
        assert!(!outcome.message.is_empty(), "{fault:?}");
        assert_eq!(
            check.outcome(2).await.result,
            AttemptResult::Success,
            "{fault:?}"
        );
        assert_eq!(
            check.outcome(3).await.result,
            AttemptResult::AlreadyAtVersion,
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_is_at_its_version_is_sent_nothing() {
    let check = check(Behaviour::faultless().always(device(1), Some(Fault::AlreadyAtVersion)));
    let outcome = check.outcome(1).await;
    assert_eq!(outcome.result, AttemptResult::AlreadyAtVersion);
    assert!(outcome.nothing_sent);
    assert_eq!(outcome.running_version, Some(NEW));
    assert_eq!(
        outcome.device_image_hash, None,
        "it never had the bytes to hash"
    );
    assert_eq!(check.delivered(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_was_activated_is_never_sent_again() {
    let check = check(Behaviour::faultless().until(device(1), None, 1));
    let hash = check.outcome(1).await.device_image_hash;
    let again = check.outcome(2).await;
    assert_eq!(again.result, AttemptResult::AlreadyAtVersion);
    assert_eq!(again.device_image_hash, hash);
    assert_eq!(check.delivered(), 10);
}

#[tokio::test(start_paused = true)]
async fn after_a_broken_link_the_meter_gets_only_what_it_is_missing() {
    let check = check(first_fails(Fault::FileTransferFailure));
    check.outcome(1).await;
    let before = check.delivered();
    assert!((1..10).contains(&before));
    assert_eq!(check.outcome(2).await.result, AttemptResult::Success);
    assert_eq!(check.delivered(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_had_was_not_sent() {
    let readings = vec![Reading::EndsAfter(0); 20];
    let check = check_reading(Behaviour::faultless(), Fleet::of_any(1, OLD), readings);
    let outcome = check.outcome(1).await;
    assert_eq!(outcome.result, AttemptResult::FileTransferFailure);
    assert!(outcome.nothing_sent);
    assert_eq!(outcome.running_version, Some(OLD));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_the_gateway_does_not_know_is_not_reachable() {
    let check = check_reading(Behaviour::faultless(), Fleet::of_none(), Vec::new());
    let outcome = check.outcome(1).await;
    assert_eq!(outcome.result, AttemptResult::DeviceNotReachable);
    assert!(outcome.nothing_sent);
}

#[tokio::test(start_paused = true)]
async fn time_is_taken_for_each_block_even_where_a_timer_is_too_coarse() {
    let mut check = check(Behaviour::faultless());
    let tools = Arc::get_mut(&mut check.tools).unwrap();
    tools.latency.block = Duration::from_micros(300);
    tools.latency.activation = Duration::from_secs(60);
    let start = tokio::time::Instant::now();
    assert_eq!(check.outcome(1).await.result, AttemptResult::Success);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(60) && took < Duration::from_secs(61),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_can_wait_for_a_silent_meter_until_the_dco_gives_up() {
    let mut check = check(first_fails(Fault::NoAnswer));
    Arc::get_mut(&mut check.tools)
        .unwrap()
        .latency
        .no_answer_after = None;
    let waited = tokio::time::timeout(Duration::from_secs(1_000_000), check.outcome(1)).await;
    assert!(waited.is_err());
    assert_eq!(check.outcome(2).await.result, AttemptResult::Success);
}

#[tokio::test(start_paused = true)]
async fn with_rates_every_attempt_still_has_one_end() {
    let rates = Rates {
        file_transfer_failure: 500,
        hash_mismatch: 300,
        ..Rates::default()
    };
    let check = check(Behaviour::new(3, rates).unwrap());
    let mut results = Vec::new();
    for number in 1..=200 {
        results.push(check.outcome(number).await.result);
    }
    let first_success = results
        .iter()
        .position(|result| *result == AttemptResult::Success);
    let after = &results[first_success.unwrap() + 1..];
    assert!(
        after
            .iter()
            .all(|result| *result == AttemptResult::AlreadyAtVersion)
    );
}

/// Attempt 1, to be activated ten days after it begins.
fn dated(check: &Check, call_back: &CancellationToken) -> mpsc::Receiver<AttemptEvent> {
    let (tell, events) = mpsc::channel(64);
    check.tools.clock.told(1_000_000);
    let offer = Offer {
        execute_us: Some(1_000_000 + 10 * DAY_US),
        ..*offer(1, 1)
    };
    let tools = Arc::clone(&check.tools);
    tokio::spawn(make(offer, tools, tell, call_back.clone()));
    events
}

const DAY_US: i64 = 86_400_000_000;

async fn until_scheduled(events: &mut mpsc::Receiver<AttemptEvent>) {
    while let Some(event) = events.recv().await {
        if event == AttemptEvent::Scheduled(attempt(1, 1)) {
            return;
        }
    }
    panic!("it was never scheduled");
}

#[tokio::test(start_paused = true)]
async fn a_dated_image_is_delivered_ahead_and_activated_at_its_time() {
    let check = check(Behaviour::faultless());
    let start = tokio::time::Instant::now();
    let mut events = dated(&check, &CancellationToken::new());
    until_scheduled(&mut events).await;
    assert!(start.elapsed() < Duration::from_secs(3_600), "ahead");
    let Some(AttemptEvent::Ended(outcome)) = events.recv().await else {
        panic!("the end follows");
    };
    assert_eq!(outcome.result, AttemptResult::Success);
    assert!(start.elapsed() >= Duration::from_secs(10 * 86_400));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_back_before_its_time_is_not_activated() {
    let check = check(Behaviour::faultless());
    let call_back = CancellationToken::new();
    let mut events = dated(&check, &call_back);
    until_scheduled(&mut events).await;
    call_back.cancel();
    let Some(AttemptEvent::Ended(outcome)) = events.recv().await else {
        panic!("the end follows");
    };
    assert_eq!(
        (outcome.result, outcome.nothing_sent),
        (AttemptResult::Cancelled, false)
    );
    assert_ne!(outcome.running_version, Some(NEW));

    let before = CancellationToken::new();
    before.cancel();
    let mut events = dated(&check, &before);
    let Some(AttemptEvent::Ended(outcome)) = events.recv().await else {
        panic!("it ends at once");
    };
    assert_eq!(
        (outcome.result, outcome.nothing_sent),
        (AttemptResult::Cancelled, true)
    );
}
