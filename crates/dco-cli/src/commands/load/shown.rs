//! What a load found, for people; and how it stands beside the machine's limits.

use dco_load::{ActivationsLoad, IntakeLoad, LatencyFigures, Limits, MixedLoad, SoakLoad};
use serde_json::{Value, json};

use super::driven::Measured;
use crate::table::{grouped, properties, table};

/// How intake stands beside the limits, each as a ratio.
pub(super) fn intake_ratios(load: &IntakeLoad, limits: &Limits) -> Value {
    json!({
        "of_store": load.mb_s / limits.store_mb_s,
        "of_disk": load.mb_s / limits.disk_mb_s,
        "of_tls": load.mb_s / limits.tls_mb_s,
        "of_sha256": load.mb_s / limits.sha256_mb_s,
    })
}

/// How activations stand beside the limits. A release and an outcome are two records of the journal.
pub(super) fn activation_ratios(load: &ActivationsLoad, limits: &Limits) -> Value {
    json!({
        "records_of_journal": 2.0 * load.activations_per_s / limits.journal_records_per_s,
        "noted_p50_by_sync": number(load.noted.p50_us) / limits.sync_us,
    })
}

pub(super) fn intake(load: &IntakeLoad, measured: &Measured) -> String {
    let ratios = measured.limits.as_ref().map(|it| intake_ratios(load, it));
    parts([
        intake_rate(load),
        latencies(
            &[
                ("all blocks durable", &load.durable),
                ("11.1 Response", &load.response),
            ],
            load.open_loop,
        ),
        beside(measured, &ratios.into_iter().collect::<Vec<_>>()),
    ])
}

pub(super) fn activations(load: &ActivationsLoad, measured: &Measured) -> String {
    let ratios = measured.limits.as_ref();
    let ratios = ratios.map(|it| activation_ratios(load, it));
    parts([
        activation_rate(load),
        latencies(&activation_latencies(load), load.open_loop),
        beside(measured, &ratios.into_iter().collect::<Vec<_>>()),
    ])
}

pub(super) fn mixed(load: &MixedLoad, measured: &Measured) -> String {
    let mut rows = vec![
        ("all blocks durable", &load.intake.durable),
        ("11.1 Response", &load.intake.response),
    ];
    rows.extend(activation_latencies(&load.activations));
    let ratios = measured.limits.as_ref().map(|it| {
        vec![
            intake_ratios(&load.intake, it),
            activation_ratios(&load.activations, it),
        ]
    });
    parts([
        intake_rate(&load.intake),
        activation_rate(&load.activations),
        latencies(&rows, load.intake.open_loop && load.activations.open_loop),
        beside(measured, &ratios.unwrap_or_default()),
    ])
}

pub(super) fn limits(limits: &Limits) -> String {
    properties(&[
        ("disk", format!("{:.0} MB/s", limits.disk_mb_s)),
        (
            "write and sync of 4 KiB",
            format!("{:.0} us", limits.sync_us),
        ),
        (
            "block log, 16 senders",
            format!("{:.0} MB/s", limits.store_mb_s),
        ),
        (
            "journal, 1000 records in a commit",
            format!("{:.0} records/s", limits.journal_records_per_s),
        ),
        ("TLS on loopback", format!("{:.0} MB/s", limits.tls_mb_s)),
        ("SHA-256", format!("{:.0} MB/s", limits.sha256_mb_s)),
    ])
}

pub(super) fn soak(load: &SoakLoad) -> String {
    let told = load.told;
    let mut text = properties(&[
        ("time", format!("{:.0} s", load.seconds)),
        ("the service was killed", times(load.kills)),
        ("all connections were cut", times(load.cuts)),
        ("a gateway went and came back", times(load.gateways_gone)),
        ("transfers opened", grouped(told.transfers)),
        ("blocks acknowledged", grouped(told.blocks)),
        ("11.1 Responses", grouped(told.responses)),
        ("batches accepted", grouped(told.batches)),
        ("activations succeeded", grouped(told.activations)),
        ("outcomes noted", grouped(told.noted)),
        (
            "memory, first and last lives",
            format!(
                "{} and {} MB",
                megabytes(load.memory_first_bytes),
                megabytes(load.memory_last_bytes)
            ),
        ),
        (
            "acknowledged and not as it must be",
            grouped(load.violations.len() as u64),
        ),
    ]);
    for violation in &load.violations {
        text.push('\n');
        text.push_str(violation);
    }
    text
}

fn times(count: u64) -> String {
    format!("{} times", grouped(count))
}

fn intake_rate(load: &IntakeLoad) -> String {
    format!(
        "{} images of {} octets durable in {:.1} s: {:.1} images/s, {:.0} MB/s",
        grouped(load.images),
        grouped(load.bytes / load.images.max(1)),
        load.seconds,
        load.images_per_s,
        load.mb_s
    )
}

fn activation_rate(load: &ActivationsLoad) -> String {
    let mut text = format!(
        "{} activations in {} batches, outcome durable, in {:.1} s: {:.0} activations/s",
        grouped(load.activations),
        grouped(load.batches),
        load.seconds,
        load.activations_per_s
    );
    let gateways = load.gateways as u64;
    if let Some(bytes) = load.gateway_bytes {
        text += &format!(
            "\n{} gateways connected, {:.1} KiB of the service's memory each",
            grouped(gateways),
            bytes / 1024.0
        );
    }
    text
}

fn activation_latencies(load: &ActivationsLoad) -> [(&'static str, &LatencyFigures); 3] {
    [
        ("offer to noted", &load.noted),
        ("batch accepted", &load.accepted),
        ("batch settled", &load.settled),
    ]
}

fn latencies(rows: &[(&str, &LatencyFigures)], open_loop: bool) -> String {
    let head = [
        "LATENCY",
        ">COUNT",
        ">P50 MS",
        ">P90 MS",
        ">P99 MS",
        ">P99.9 MS",
        ">MAX MS",
    ];
    let rows = rows.iter().map(|(name, it)| {
        let ms = |us: u64| format!("{:.1}", number(us) / 1e3);
        vec![
            (*name).to_owned(),
            grouped(it.count),
            ms(it.p50_us),
            ms(it.p90_us),
            ms(it.p99_us),
            ms(it.p999_us),
            ms(it.max_us),
        ]
    });
    let loop_kind = if open_loop {
        "open loop: latency counts from the moment at which the work should have begun"
    } else {
        "closed loop: work began when somebody was free for it, so a slow service was asked less"
    };
    format!("{}\n{loop_kind}", table(&head, rows))
}

fn beside(measured: &Measured, ratios: &[Value]) -> String {
    let mut text = String::new();
    if let Some(memory) = measured.memory {
        text += &format!(
            "memory of the service: {} MB at the beginning, {} at most, {} at the end\n",
            megabytes(memory.begin_bytes),
            megabytes(memory.peak_bytes),
            megabytes(memory.end_bytes)
        );
        text += &format!(
            "processor time: {:.2} s of the service, {:.2} s of the program that loads it\n",
            memory.cpu_s, memory.client_cpu_s
        );
    }
    if let Some(found) = &measured.limits {
        text += "\nthe machine's own, measured before and after:\n";
        text += &limits(found);
    }
    let ratios = ratios.iter().filter_map(Value::as_object).flatten();
    for (name, ratio) in ratios {
        let ratio = ratio.as_f64().unwrap_or(0.0);
        text += &format!("\n{}: {ratio:.2}", name.replace('_', " "));
    }
    text
}

fn parts<const N: usize>(parts: [String; N]) -> String {
    let parts: Vec<_> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join("\n\n")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", number(bytes) / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "what is shown has a few digits")]
fn number(count: u64) -> f64 {
    count as f64
}
