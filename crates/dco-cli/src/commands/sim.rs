//! `dco sim`: does it keep its promises when everything fails?

mod campaign;

use std::path::PathBuf;

use clap::Args;
use dco_sim::{Options, Outcome, run, run_twice};
use serde_json::{Value, json};

use crate::chart::svg_file;
use crate::exit::{Answer, Failure};
use crate::output::{Output, Unit};
use crate::table::counted;

/// Run the service in a simulated world in which everything fails, and watch its promises
#[derive(Debug, Args)]
#[command(long_about = "\
Run the real engine on the real store in a simulated world: the disk loses power, the network
loses and repeats, gateways forget, Devices stay silent, the service stops after any step. The
seed decides everything, so a seed that breaks a promise breaks it again. Exit code 1 when one
does.

With --campaign nothing fails but Devices: 670,000 of them, five Users, delivery schedules agreed
with the Service Desk, 12,000 releases a day. It shows the calendar that comes of it.

Examples:
  dco sim --seed 1 --seeds 200
  dco sim --campaign --svg calendar.svg")]
pub(crate) struct Sim {
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds, counted up from the first
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Run each seed twice and compare the two runs
    #[arg(long)]
    twice: bool,
    /// Steps in which things go wrong; after them everything must come to its end
    #[arg(long, value_name = "N", default_value_t = Options::default().faulty_steps)]
    steps: u32,
    /// Run the campaign of the whole estate instead, and show its calendar
    #[arg(long, conflicts_with_all = ["seeds", "twice", "steps"])]
    campaign: bool,
    /// Draw the campaign's calendar into this SVG file
    #[arg(long, value_name = "FILE.svg", requires = "campaign", value_parser = svg_file)]
    svg: Option<PathBuf>,
}

impl Sim {
    /// Takes the thread until it is done: nothing else is going on in this program.
    pub(crate) fn run(self, output: Output) -> Result<Answer, Failure> {
        if self.campaign {
            return campaign::run(self.seed, self.svg.as_deref());
        }
        let options = Options {
            faulty_steps: self.steps,
            ..Options::default()
        };
        let run_one = if self.twice { run_twice } else { run };
        let bar = output.bar("simulating", self.seeds, Unit::Seeds);
        let seeds = (0..self.seeds).map(|number| self.seed.wrapping_add(number));
        let outcomes: Vec<Outcome> = seeds
            .map(|seed| {
                let outcome = run_one(seed, &options);
                bar.inc(1);
                outcome
            })
            .collect();
        bar.finish_and_clear();
        Ok(answer(&outcomes))
    }
}

fn answer(outcomes: &[Outcome]) -> Answer {
    let broken: Vec<&Outcome> = outcomes.iter().filter(|it| it.failure.is_some()).collect();
    let text = match (outcomes, broken.as_slice()) {
        ([one], _) => one.to_string(),
        (all, []) => {
            let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
            format!("{}: all promises kept", counted(count, "seed"))
        }
        (_, broken) => {
            let told: Vec<String> = broken.iter().map(ToString::to_string).collect();
            told.join("\n\n")
        }
    };
    let json = json!({
        "seeds": outcomes.len(),
        "broken": broken.len(),
        "outcomes": outcomes.iter().map(to_json).collect::<Vec<_>>(),
    });
    Answer::new(text, json).failed_if(!broken.is_empty())
}

fn to_json(outcome: &Outcome) -> Value {
    let figures = &outcome.figures;
    json!({
        "seed": outcome.seed,
        "trace_hash": format!("{:016x}", outcome.trace_hash),
        "steps": figures.steps,
        "days": figures.days,
        "starts": figures.starts,
        "records": figures.records,
        "answers": figures.answers,
        "blocks_acknowledged": figures.blocks_acknowledged,
        "attempts_started": figures.attempts_started,
        "activated": figures.activated,
        "agreed": figures.agreed,
        "imposed": figures.imposed,
        "lent": figures.lent,
        "paused": figures.paused,
        "stopped": figures.stopped,
        "breakers_opened": figures.breakers_opened,
        "capacities_set": figures.capacities_set,
        "broken_promise": outcome.failure.as_ref().map(|failure| failure.promise),
        "what": outcome.failure.as_ref().map(|failure| &failure.what),
    })
}
