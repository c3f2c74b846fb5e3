//! The service's metrics of one moment.

use std::collections::BTreeMap;

use crate::{Service, get};

/// Every series of `GET /metrics` with its value.
#[derive(Clone, Debug)]
pub struct Metrics {
    text: String,
    series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Asks for them.
    pub async fn of(service: &Service) -> Self {
        let answer = get(service.http(), "/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let series = answer.body.lines().filter(|line| !line.starts_with('#'));
        let series = series.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self {
            series: series.collect(),
            text: answer.body,
        }
    }

    /// The value of a series such as `dco_activations_queued{size="large"}`.
    pub fn value(&self, series: &str) -> f64 {
        let value = self.series.get(series);
        *value.unwrap_or_else(|| panic!("{series} is not in\n{}", self.text))
    }

    /// As Prometheus reads them.
    pub fn text(&self) -> &str {
        &self.text
    }
}
