//! What deciding costs, with records made and effects taken as the service does.

use std::sync::Arc;

use bytes::Bytes;
use dco_block::{
    Eui64, FirmwareVersion, HardwareVersions, Manifest, ManufacturerImageHash, OtaHeader, wrap,
};
use dco_engine::{
    AttemptEnd, DeviceEntry, Effect, Engine, Event, Hello, ImportDevices, ImportProducts,
    OpenTransfer, Outcome, ProductEntry, ProductStatus, ReplyTo, Report, Request, RequestId,
    Session, SubmitBatch, Terms, ToGateway, TrustTerms, Verdict,
};
use divan::Bencher;
use divan::counter::ItemsCount;

const USER: Eui64 = Eui64::from_bits(1);
const GATEWAY: Eui64 = Eui64::from_bits(2);
/// 2026-06-01T12:00Z.
const NOON_US: i64 = 1_780_315_200_000_000;
const SECOND_US: i64 = 1_000_000;

fn devices(count: u64) -> Vec<Eui64> {
    (0..count).map(|it| Eui64::from_bits(1_000 + it)).collect()
}

/// Everything at once: these benches measure rules, not waiting.
fn terms() -> Terms {
    let mut terms = Terms {
        capacity_per_day: 1_000_000,
        allowance_per_day: 1_000_000,
        burst: 1_000_000,
        ..Terms::default()
    };
    terms.attempt.per_gateway_max = 1_000_000;
    terms
}

fn large_image() -> Arc<Manifest> {
    let header = OtaHeader {
        manufacturer_code: 1,
        image_type: 1,
        file_version: FirmwareVersion::new(2),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: 0,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let image = wrap(header, &[0; 800_000], &[0; 64]);
    Arc::new(Manifest::of_image(&image, 1_048_576).expect("the image is right"))
}

/// Takes records and effects; answers the offers among them.
fn take(engine: &mut Engine) -> Vec<Event> {
    while let Some((seq, record)) = engine.poll_record() {
        divan::black_box(record);
        engine.on_durable(seq);
    }
    let mut reports = Vec::new();
    while let Some(effect) = engine.poll_effect() {
        let Effect::Tell { session, message } = effect else {
            continue;
        };
        if let ToGateway::Offer(offer) = message {
            let report = Report::Ended(AttemptEnd {
                outcome: Outcome::Success,
                nothing_sent: false,
                running_version: Some(FirmwareVersion::new(2)),
                device_image_hash: Some(ManufacturerImageHash::new([0; 32])),
                message: String::new(),
            });
            let attempt = offer.attempt;
            reports.push(Event::GatewayReport {
                session,
                attempt,
                report,
            });
        }
    }
    reports
}

fn ask(engine: &mut Engine, request: Request) {
    let reply_to = ReplyTo(1);
    engine.handle(Event::Request { reply_to, request }, NOON_US);
    take(engine);
}

/// So many Devices, and the image stored for all of them.
fn with_devices(count: u64) -> Engine {
    filled(Engine::new(terms()), count)
}

/// Likewise, with every check against the Central Products List, which has the image.
fn with_listed_devices(count: u64) -> Engine {
    let trust = TrustTerms {
        products_list: true,
        upgrade_pathway: true,
    };
    let mut engine = Engine::new(Terms { trust, ..terms() });
    ask(&mut engine, import_products(ProductStatus::Active));
    filled(engine, count)
}

fn import_products(status: ProductStatus) -> Request {
    let manifest = large_image();
    let entry = |number: u32| ProductEntry {
        manufacturer: "Acme".to_owned(),
        model: format!("E{number}"),
        hardware_versions: HardwareVersions { min: 0, max: 9 },
        firmware_version: manifest.firmware_version(),
        manufacturer_image_hash: manifest.manufacturer_image_hash(),
        status,
        upgrade_from: vec![FirmwareVersion::new(1)],
    };
    Request::ImportProducts(ImportProducts {
        by: USER,
        id: RequestId([10 + status as u8; 16]),
        validate_only: false,
        why: dco_engine::SaidWhy::default(),
        products: (460..480).map(entry).collect(),
    })
}

fn filled(mut engine: Engine, count: u64) -> Engine {
    let manifest = large_image();
    let entries = devices(count).into_iter().map(|device| DeviceEntry {
        device,
        user: USER,
        gateway: GATEWAY,
        manufacturer: "Acme".to_owned(),
        model: "E470".to_owned(),
        hardware_version: 1,
        firmware_version: FirmwareVersion::new(1),
    });
    let import = ImportDevices {
        by: USER,
        id: RequestId([1; 16]),
        validate_only: false,
        why: dco_engine::SaidWhy::default(),
        devices: entries.collect(),
    };
    ask(&mut engine, Request::ImportDevices(import));
    let opening = OpenTransfer {
        user: USER,
        id: RequestId([2; 16]),
        validate_only: false,
        manifest,
        devices: devices(count),
        signed_request: Bytes::new(),
        originator_counter: None,
    };
    ask(&mut engine, Request::OpenTransfer(opening));
    let owner = engine.last_seq();
    let verdict = Verdict::Good;
    engine.handle(Event::BlockHeld { owner, index: 0 }, NOON_US);
    engine.handle(Event::Verified { owner, verdict }, NOON_US);
    take(&mut engine);
    engine
}

fn batch(count: u64) -> Request {
    Request::SubmitBatch(SubmitBatch {
        user: USER,
        id: RequestId([3; 16]),
        validate_only: false,
        manufacturer_image_hash: large_image().manufacturer_image_hash(),
        devices: devices(count),
        execute_us: None,
        canary: None,
        service_date: None,
        signed_request: Bytes::new(),
        originator_counter: None,
    })
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn submit_batch_of_50_000(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(50_000_u32))
        .with_inputs(|| (with_devices(50_000), batch(50_000)))
        .bench_local_values(|(mut engine, request)| {
            ask(&mut engine, request);
            assert_eq!(engine.stats().activations_queued_large, 50_000);
            engine
        });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn submit_batch_of_50_000_that_the_list_allows(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(50_000_u32))
        .with_inputs(|| (with_listed_devices(50_000), batch(50_000)))
        .bench_local_values(|(mut engine, request)| {
            ask(&mut engine, request);
            assert_eq!(engine.stats().activations_queued_large, 50_000);
            engine
        });
}

/// An image is withdrawn: all that is queued for it is held at once.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn hold_50_000(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(50_000_u32))
        .with_inputs(|| {
            let mut engine = with_listed_devices(50_000);
            ask(&mut engine, batch(50_000));
            (engine, import_products(ProductStatus::Withdrawn))
        })
        .bench_local_values(|(mut engine, request)| {
            ask(&mut engine, request);
            assert_eq!(engine.stats().activations_held, 50_000);
            engine
        });
}

/// One gateway with 100 places: each outcome lets the next one go.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn release_and_outcome_of_10_000(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(10_000_u32))
        .with_inputs(|| {
            let mut engine = with_devices(10_000);
            ask(&mut engine, batch(10_000));
            engine
        })
        .bench_local_values(|mut engine| {
            let hello = Hello {
                memory_id: "first".to_owned(),
                attempts: Vec::new(),
                outcomes: Vec::new(),
                concurrency: 100,
            };
            let mut now_us = NOON_US;
            let mut events = vec![Event::GatewayHello {
                gateway: GATEWAY,
                session: Session(1),
                hello,
            }];
            while let Some(event) = events.pop() {
                now_us += SECOND_US / 100;
                engine.handle(event, now_us);
                events.extend(take(&mut engine));
            }
            assert_eq!(engine.stats().activations_succeeded, 10_000);
            engine
        });
}

fn main() {
    divan::main();
}
