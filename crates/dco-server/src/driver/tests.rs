use std::sync::atomic::{AtomicI64, Ordering};

use dco_block::Eui64;
use dco_engine::{Cancel, DeviceEntry, Hello, ImportDevices, Request, RequestId, Terms, Topic};
use dco_store::{MemDisk, Options};

use futures::FutureExt;

use super::*;

const USER: Eui64 = Eui64::from_bits(1);

/// Segments as small as a disk in memory likes them.
fn options() -> Options {
    Options {
        block_segment_bytes: 64 * 1024,
        journal_segment_bytes: 64 * 1024,
        ..Options::default()
    }
}

fn service(disk: &MemDisk) -> (Running, CancellationToken) {
    service_at(disk, Clock::scaled(1_700_000_000_000_000, 1))
}

fn service_at(disk: &MemDisk, clock: Clock) -> (Running, CancellationToken) {
    let disk = Arc::new(disk.clone());
    let recovered = recover(disk, Terms::default(), options(), clock.now_us()).unwrap();
    let stop = CancellationToken::new();
    let draining = CancellationToken::new();
    let started = start(
        recovered,
        Surroundings {
            clock,
            clock_jump_max_us: 3_600_000_000,
            metrics: Metrics::new(),
            service_desk_url: "mailto:desk".into(),
            signers: Signers::unasked(),
            log_key: None,
            gateway_rate: watch::channel(None).1,
            journal_kept_us: Micros::MAX,
            draining,
            stop: stop.clone(),
        },
    );
    (started.unwrap(), stop)
}

fn import(id: u8) -> Request {
    let version = "00000001".parse().unwrap();
    Request::ImportDevices(ImportDevices {
        by: USER,
        id: RequestId([id; 16]),
        validate_only: false,
        why: dco_engine::SaidWhy::default(),
        devices: vec![DeviceEntry {
            device: Eui64::from_bits(id.into()),
            user: USER,
            gateway: Eui64::from_bits(3),
            manufacturer: String::new(),
            model: String::new(),
            hardware_version: 1,
            firmware_version: version,
        }],
    })
}

#[tokio::test]
async fn an_answer_is_given_when_its_record_is_on_disk_and_the_next_start_knows_it() {
    let disk = MemDisk::new();
    let (running, stop) = service(&disk);
    let answer = running.engine.ask(USER, import(1)).await.unwrap();
    assert!(matches!(answer, Reply::Imported(1)));
    // As if the power had gone with the answer.
    let found = disk.crash(|_| dco_store::Fate::Lost);
    let (again, stop_again) = service(&found);
    assert_eq!(again.engine.stats().await.unwrap().devices, 1);
    for (running, stop) in [(running, stop), (again, stop_again)] {
        stop.cancel();
        running.ended.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn when_the_disk_fails_nothing_is_promised_and_the_driver_ends() {
    let disk = MemDisk::new();
    let (running, _stop) = service(&disk);
    running.engine.ask(USER, import(1)).await.unwrap();
    disk.power_off_after(0);
    let fault = running.engine.ask(USER, import(2)).await.unwrap_err();
    assert_eq!(fault.reason(), "STORE_CLOSED");
    let ended = running.ended.await.unwrap();
    assert!(matches!(ended, Err(DriverError::Store(_))), "{ended:?}");
    let fault = running.engine.ask(USER, import(3)).await.unwrap_err();
    assert_eq!(fault.reason(), "STORE_CLOSED");
    assert!(running.engine.stats().await.is_none());
}

#[tokio::test]
async fn a_stop_keeps_what_was_asked_before_it() {
    let disk = MemDisk::new();
    let (running, stop) = service(&disk);
    let asked: Vec<_> = (1..=50)
        .map(|id| {
            let engine = running.engine.clone();
            tokio::spawn(async move { engine.ask(USER, import(id)).await })
        })
        .collect();
    let mut done = 0;
    for one in asked {
        done += u64::from(one.await.unwrap().is_ok());
    }
    stop.cancel();
    running.ended.await.unwrap().unwrap();
    let (again, _stop) = service(&disk.crash(|_| dco_store::Fate::Lost));
    assert_eq!(again.engine.stats().await.unwrap().devices, done);
}

#[tokio::test]
async fn a_refusal_is_answered_and_a_watch_is_woken_by_changes_only() {
    let (running, _stop) = service(&MemDisk::new());
    let cancel = Request::CancelTransfer(Cancel {
        user: USER,
        number: 1,
        id: RequestId([1; 16]),
        validate_only: false,
    });
    let fault = running.engine.ask(USER, cancel).await.unwrap_err();
    assert_eq!(fault.reason(), "RESOURCE_NOT_FOUND");
    let topic = Topic::Transfer {
        user: USER,
        number: 1,
    };
    let watched = running.engine.watch(topic).await.unwrap();
    assert!(!watched.has_changed().unwrap());
}

/// Whether the only gateway is connected, once all that was told before is done.
async fn is_connected(running: &Running) -> bool {
    let listed = running.engine.ask(USER, Request::ListGateways).await;
    let Ok(Reply::Gateways(gateways)) = listed else {
        panic!("gateways are listed: {listed:?}");
    };
    gateways[0].connected
}

#[tokio::test]
async fn a_gateway_whose_call_ends_during_its_hello_is_not_connected() {
    let (running, _stop) = service(&MemDisk::new());
    let hello = Hello {
        memory_id: "m1".to_owned(),
        attempts: Vec::new(),
        outcomes: Vec::new(),
        concurrency: 1,
    };
    let (line, said, _ended) = Line::new();
    drop(said);
    let saying = running.engine.hello(Eui64::from_bits(3), hello, line);
    // Said, and not waited for.
    assert!(saying.now_or_never().is_none());
    // The first answer waits for the hello's record, as the welcome does that nobody hears.
    is_connected(&running).await;
    assert!(!is_connected(&running).await);
}

#[tokio::test]
async fn dropping_every_handle_ends_the_driver() {
    let (running, _stop) = service(&MemDisk::new());
    let Running { engine, ended, .. } = running;
    drop(engine);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_jump_of_the_clock_pauses_releases_before_anything_else_is_decided() {
    const HOUR_US: Micros = 3_600_000_000;
    let now_us: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(1_700_000_000_000_000)));
    let (running, stop) = service_at(&MemDisk::new(), Clock::set_by(now_us));
    let paused = async || match running.engine.ask(USER, Request::ListPauses).await {
        Ok(Reply::Pauses(pauses)) => pauses.len(),
        other => panic!("no list of pauses: {other:?}"),
    };
    now_us.fetch_add(HOUR_US, Ordering::Relaxed);
    assert_eq!(paused().await, 0, "an hour is allowed");
    now_us.fetch_add(-3 * HOUR_US, Ordering::Relaxed);
    assert_eq!(paused().await, 0);
    now_us.fetch_add(3 * HOUR_US, Ordering::Relaxed);
    assert_eq!(paused().await, 0, "it has only come back");
    now_us.fetch_add(2 * HOUR_US, Ordering::Relaxed);
    assert_eq!(paused().await, 1);
    stop.cancel();
    running.ended.await.unwrap().unwrap();
}
