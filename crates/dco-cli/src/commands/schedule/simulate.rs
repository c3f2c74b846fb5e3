//! `dco schedule simulate`: what if?

use std::path::{Path, PathBuf};

use clap::Args;
use dco_client::{ScheduleRequest, SimulatedRequest};

use crate::chart;
use crate::connect::Connection;
use crate::exit::{Answer, Failure};
use crate::show::{simulation_json, simulation_text};
use crate::{files, paging, when};

/// Try requests out: how days fill, and when each User finishes
#[derive(Debug, Args)]
#[command(long_about = "\
Try requests out on top of what is agreed and sent: how days fill, when each User finishes, and
where a Target Response Time is at risk. Nothing is changed. For the Service Desk, operators and
auditors.

A request is USER,DEVICES,EARLIEST..LATEST[,PER_DAY_MAX]; a file has the columns
  user,device_count,earliest_date,latest_date,per_day_max
The first comes first.

Example:
  dco schedule simulate --svg plan.svg --request \\
    90-B3-D5-1F-30-01-00-01,400000,2026-12-01..2027-01-31,8000 --as pki/desk1")]
pub(super) struct Simulate {
    /// A request to try; may be given several times
    #[arg(long = "request", value_name = "REQUEST", value_parser = parse)]
    requests: Vec<SimulatedRequest>,
    /// Requests to try, from a CSV file
    #[arg(long, value_name = "FILE")]
    requests_file: Option<PathBuf>,
    /// Draw it into this SVG file
    #[arg(long, value_name = "FILE.svg", value_parser = chart::svg_file)]
    svg: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

const FILE_BYTES_MAX: u64 = 1024 * 1024;
const COLUMNS: &str = "user,device_count,earliest_date,latest_date,per_day_max";

impl Simulate {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let mut requests = self.requests;
        if let Some(path) = &self.requests_file {
            requests.extend(read(path)?);
        }
        let client = super::client(&self.connection).await?;
        let simulation = client.simulate(requests.clone()).await?;
        let mut text = simulation_text(&requests, &simulation);
        if let Some(path) = &self.svg {
            files::write(path, &chart::svg(&simulation))?;
            text = format!("{text}\n\ndrawn into {}", path.display());
        }
        Ok(Answer::new(text, simulation_json(&requests, &simulation)))
    }
}

fn parse(text: &str) -> Result<SimulatedRequest, String> {
    let wrong =
        || "write it like 90-B3-D5-1F-30-01-00-01,40000,2026-12-01..2026-12-31,2000".to_owned();
    let parts: Vec<_> = text.split(',').collect();
    let (user, devices, days, per_day_max) = match parts[..] {
        [user, devices, days] => (user, devices, days, ""),
        [user, devices, days, per_day_max] => (user, devices, days, per_day_max),
        _ => return Err(wrong()),
    };
    let (earliest, latest) = days.split_once("..").ok_or_else(wrong)?;
    request(&[user, devices, earliest, latest, per_day_max])
}

fn request(parts: &[&str; 5]) -> Result<SimulatedRequest, String> {
    let [user, devices, earliest, latest, per_day_max] = parts.map(str::trim);
    let number = |text: &str| {
        let number = text.parse();
        number.map_err(|_| format!("`{text}` is no whole number"))
    };
    Ok(SimulatedRequest {
        user: super::eui64(user)?,
        request: ScheduleRequest {
            manufacturer_image_hash: None,
            device_count: number(devices)?,
            earliest_date: when::parse_date(earliest)?.to_string(),
            latest_date: when::parse_date(latest)?.to_string(),
            // 0 on the wire is no limit.
            per_day_max: match per_day_max {
                "" => 0,
                text => paging::at_least_one(text).map_err(|why| format!("PER_DAY_MAX: {why}"))?,
            },
        },
    })
}

fn read(path: &Path) -> Result<Vec<SimulatedRequest>, Failure> {
    let text = files::read_text(path, FILE_BYTES_MAX)?;
    let mut requests = Vec::new();
    for (index, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (index == 0 && line == COLUMNS) {
            continue;
        }
        let wrong =
            |why: String| Failure::data(format!("{} line {}: {why}", path.display(), index + 1));
        let parts: Vec<_> = line.split(',').collect();
        let parts: &[&str; 5] = parts
            .as_slice()
            .try_into()
            .map_err(|_| wrong(format!("{} columns; expected {COLUMNS}", parts.len())))?;
        requests.push(request(parts).map_err(wrong)?);
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "90-B3-D5-1F-30-01-00-01";

    #[test]
    fn a_request_is_read_with_and_without_a_daily_maximum() {
        let read = parse(&format!("{USER},400,2026-12-01..2026-12-31")).unwrap();
        assert_eq!(
            (read.request.device_count, read.request.per_day_max),
            (400, 0)
        );
        let read = parse(&format!("{USER},400,2026-12-01..2026-12-31,9")).unwrap();
        assert_eq!(read.request.per_day_max, 9);
        assert_eq!(read.user.to_string(), USER);
        for wrong in ["", "x,1,2026-12-01..2026-12-31", "a,b,c,d,e"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_of_requests_names_its_bad_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("requests.csv");
        let good = format!("{COLUMNS}\n{USER},400,2026-12-01,2026-12-31,\n");
        files::write(&path, &good).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        files::write(&path, &format!("{good}{USER},400\n")).unwrap();
        let why = read(&path).unwrap_err().message;
        assert!(why.contains("line 3: 2 columns"), "{why}");
    }
}
