//! What the demonstration showed, asked of the service at its end.

use dco_client::{FairnessDay, ReportQuery, ReportsClient, ServiceDay, SuccessRow, TrtRow};
use serde_json::{Value, json};

use super::world::World;
use crate::exit::{Answer, Failure};
use crate::output::Output;
use crate::show::reports::{fairness_json, fairness_text};
use crate::show::{capacity_text, day_json, success_json, success_text, trt_json, trt_text};
use crate::table::{counted, grouped};

/// What the service answered on the way.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) image_bytes: u32,
    pub(super) blocks: u32,
    pub(super) transfers_stored: u32,
    pub(super) devices: u32,
    /// Devices in accepted batches.
    pub(super) activations: u64,
    /// Batches that were refused for the allowance.
    pub(super) refused_over_allowance: u32,
    /// First releases of either User while both had Devices waiting.
    pub(super) shared: Option<[usize; 2]>,
}

/// What the service's reports say at the end.
struct Reports {
    days: Vec<ServiceDay>,
    fairness: Vec<FairnessDay>,
    trt: Vec<TrtRow>,
    success: Vec<SuccessRow>,
}

/// Asks for the reports as the Service Desk and puts everything together.
pub(super) async fn answer(world: &World, facts: Facts, output: Output) -> Result<Answer, Failure> {
    let client = ReportsClient::new(&world.link("desk1").await?);
    let reports = Reports {
        days: client.capacity(None, None).await?,
        fairness: client.fairness(&ReportQuery::default()).await?.days,
        trt: client.trt(None).await?,
        success: client.success(None).await?,
    };
    output.say("\nReport");
    let delivered: u64 = world
        .gateway_stats()
        .iter()
        .map(|stats| stats.blocks_delivered)
        .sum();
    let text = reports.text(&facts, delivered);
    Ok(Answer::new(text, reports.json(&facts, delivered)))
}

impl Reports {
    fn text(&self, facts: &Facts, delivered: u64) -> String {
        let mut parts = vec![
            format!(
                "{} of {} activated, {} failed; {} were given to meters; {} over the allowance",
                grouped(self.activated()),
                counted(facts.activations, "Device"),
                grouped(self.failed()),
                counted(delivered, "block"),
                counted(facts.refused_over_allowance, "refusal"),
            ),
            format!("Large images by service day\n{}", capacity_text(&self.days)),
            format!("Fairness\n{}", fairness_text(&self.fairness)),
            format!("Target Response Time (5 days)\n{}", trt_text(&self.trt)),
            format!("Success\n{}", success_text(&self.success)),
        ];
        if let Some(shares) = facts.shared {
            parts.insert(1, shared(shares));
        }
        indented(&parts.join("\n\n"))
    }

    fn json(&self, facts: &Facts, delivered: u64) -> Value {
        let of_days =
            |number: fn(&ServiceDay) -> u32| -> Vec<u32> { self.days.iter().map(number).collect() };
        json!({
            "image_bytes": facts.image_bytes,
            "blocks": facts.blocks,
            "transfers_stored": facts.transfers_stored,
            "devices": facts.devices,
            "activations": facts.activations,
            "activated": self.activated(),
            "failed": self.failed(),
            "blocks_delivered": delivered,
            "releases_while_both_waited": facts.shared,
            "refused_over_allowance": facts.refused_over_allowance,
            "service_days": self.days.len(),
            "released_per_service_day": of_days(|day| day.released),
            "capacity_per_service_day": self.days.iter().map(|day| day.capacity).max(),
            "days": self.days.iter().map(day_json).collect::<Vec<_>>(),
            "fairness": self.fairness.iter().map(fairness_json).collect::<Vec<_>>(),
            "trt": self.trt.iter().map(trt_json).collect::<Vec<_>>(),
            "success": self.success.iter().map(success_json).collect::<Vec<_>>(),
        })
    }

    fn activated(&self) -> u64 {
        self.success.iter().map(|row| row.succeeded).sum()
    }

    fn failed(&self) -> u64 {
        self.success.iter().map(|row| row.failed).sum()
    }
}

fn shared([first, second]: [usize; 2]) -> String {
    format!(
        "While both Users had Devices waiting, {first} releases were for user1 and {second} for \
         user2"
    )
}

fn indented(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
