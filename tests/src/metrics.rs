//! The service's metrics of one moment.

use std::collections::BTreeMap;

use crate::{Service, get, within};

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

    /// Asks until they are as wanted.
    pub async fn until(service: &Service, wanted: impl Fn(&Self) -> bool) -> Self {
        let asking = async {
            loop {
                let metrics = Self::of(service).await;
                if wanted(&metrics) {
                    return metrics;
                }
                tokio::task::yield_now().await;
            }
        };
        within("metrics to be as wanted", asking).await
    }

    /// Whether a series is there and at least as high.
    pub fn reaches(&self, series: &str, value: u32) -> bool {
        let found = self.series.get(series);
        found.is_some_and(|found| *found >= f64::from(value))
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
