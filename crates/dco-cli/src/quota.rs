//! Quotas as people write them: days and units, on the command line or in a file.

use std::path::{Path, PathBuf};

use clap::Args;
use dco_client::DayUnits;
use dco_schedule::{Quota, ServiceDate};

use crate::exit::Failure;
use crate::{files, when};

/// The days of a quota.
#[derive(Debug, Clone, Args)]
pub(crate) struct QuotaArgs {
    /// Units for each of these service days; may be given several times
    #[arg(long = "quota", value_name = "DAY[..DAY]=UNITS", value_parser = Days::parse)]
    days: Vec<Days>,
    /// The same from a CSV file whose first line is `service_date,units`
    #[arg(long, value_name = "FILE")]
    quota_file: Option<PathBuf>,
}

/// The same units for each of some service days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    first: ServiceDate,
    last: ServiceDate,
    units: u32,
}

/// A quota of ten years has well below this.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// No quota is longer: as many days as a service can be configured to plan ahead.
pub(crate) const DAYS_MAX: i32 = 3_660;

impl QuotaArgs {
    /// Each day once, earliest first.
    pub(crate) fn load(&self) -> Result<Vec<DayUnits>, Failure> {
        let mut all = self.days.clone();
        if let Some(path) = &self.quota_file {
            all.extend(read(path)?);
        }
        if all.is_empty() {
            return Err(Failure::usage(
                "no quota is given; give --quota 2026-12-01..2026-12-05=2000 or --quota-file FILE",
            ));
        }
        let quota = sum(&all)?;
        Ok(units(&quota))
    }
}

impl Days {
    /// Reads `2026-12-01..2026-12-05=2000`, or one day alone.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "write it like 2026-12-01..2026-12-05=2000 or 2026-12-01=2000".to_owned();
        let (days, units) = text.split_once('=').ok_or_else(wrong)?;
        let (first, last) = days.split_once("..").unwrap_or((days, days));
        let (first, last) = (when::parse_date(first)?, when::parse_date(last)?);
        if last < first {
            return Err(format!(
                "{last} is before {first}; write the first day first"
            ));
        }
        if last.days() - first.days() >= DAYS_MAX {
            return Err(format!("{first} to {last} are more than {DAYS_MAX} days"));
        }
        let is_number = !units.is_empty() && units.bytes().all(|it| it.is_ascii_digit());
        let units = units.parse().map_err(|_| match is_number {
            true => format!(
                "{units} units are too many; give at most {} for a day",
                u32::MAX
            ),
            false => wrong(),
        })?;
        Ok(Self { first, last, units })
    }

    fn dates(&self) -> impl Iterator<Item = ServiceDate> + use<> {
        (self.first.days()..=self.last.days()).map(ServiceDate::from_days)
    }
}

/// One value for each day: a day that is given twice is a mistake.
fn sum(all: &[Days]) -> Result<Quota, Failure> {
    let mut seen = std::collections::BTreeMap::new();
    for days in all {
        for date in days.dates() {
            if seen.insert(date, days.units).is_some() {
                return Err(Failure::data(format!(
                    "the quota of {date} is given twice; give each service day once"
                )));
            }
        }
    }
    Ok(seen.into_iter().collect())
}

fn units(quota: &Quota) -> Vec<DayUnits> {
    let day = |(date, units): (ServiceDate, u32)| DayUnits {
        service_date: date.to_string(),
        units,
    };
    quota.days().map(day).collect()
}

fn read(path: &Path) -> Result<Vec<Days>, Failure> {
    let text = files::read_text(path, FILE_BYTES_MAX)?;
    let mut days = Vec::new();
    for (index, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (index == 0 && line == "service_date,units")
        {
            continue;
        }
        let wrong = |why: String| {
            let (path, line) = (path.display(), index + 1);
            Failure::data(format!("{path} line {line}: {why}"))
        };
        let (date, units) = line
            .split_once(',')
            .ok_or_else(|| wrong("expected a service day, a comma and units".to_owned()))?;
        let one = Days::parse(&format!("{}={}", date.trim(), units.trim()));
        days.push(one.map_err(wrong)?);
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(days: &[&str], file: Option<&str>) -> Result<Vec<(String, u32)>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quota.csv");
        files::write(&path, file.unwrap_or_default()).unwrap();
        let args = QuotaArgs {
            days: days.iter().map(|it| Days::parse(it).unwrap()).collect(),
            quota_file: file.map(|_| path),
        };
        let loaded = args.load().map_err(|failure| failure.message)?;
        Ok(loaded
            .into_iter()
            .map(|day| (day.service_date, day.units))
            .collect())
    }

    #[test]
    fn days_and_ranges_are_put_together() {
        let expected = [("2026-12-01", 9), ("2026-12-02", 9), ("2026-12-04", 5)];
        let expected = expected.map(|(date, units)| (date.to_owned(), units));
        let range = ["2026-12-04=5", "2026-12-01..2026-12-02=9"];
        assert_eq!(load(&range, None).unwrap(), expected);
        let file = "service_date,units\n2026-12-01, 9\n# weekend\n\n2026-12-02,9\n";
        assert_eq!(load(&range[..1], Some(file)).unwrap(), expected);
    }

    #[test]
    fn a_day_given_twice_and_no_day_are_refused() {
        let twice = load(&["2026-12-01..2026-12-03=5", "2026-12-02=5"], None);
        assert!(twice.unwrap_err().contains("2026-12-02 is given twice"));
        assert!(load(&[], None).unwrap_err().contains("no quota is given"));
    }

    #[test]
    fn what_is_no_quota_is_named_with_its_line() {
        for wrong in [
            "",
            "2026-12-01",
            "2026-12-01=x",
            "=5",
            "2026-12-02..2026-12-01=5",
            "2026-01-01..2040-01-01=5",
        ] {
            assert!(Days::parse(wrong).is_err(), "{wrong}");
        }
        let wrong = load(&[], Some("service_date,units\n2026-12-01\n")).unwrap_err();
        assert!(wrong.contains("line 2: expected a service day"), "{wrong}");
    }
}
