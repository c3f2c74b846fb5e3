//! Which images are trusted, and what is too much of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dco_block::Eui64;
use dco_engine::{REQUEST_BYTES_MAX, Threshold, ThresholdTerms, TrustTerms};

use super::{MINUTES_MAX, invalid, minutes, within};
use crate::config::file::{SignerSection, ThresholdsSection, TrustSection};
use crate::config::{ConfigError, Signing};

/// TOML has no larger numbers.
const TOML_MAX: u64 = i64::MAX as u64;

impl TrustSection {
    pub(super) fn terms(&self) -> Result<TrustTerms, ConfigError> {
        if self.upgrade_pathway && !self.products_list {
            return Err(invalid(
                "trust.upgrade_pathway",
                true,
                "pathways stand on the Central Products List: set trust.products_list as well",
            ));
        }
        Ok(TrustTerms {
            products_list: self.products_list,
            upgrade_pathway: self.upgrade_pathway,
        })
    }

    pub(super) fn signing(self, base_dir: &Path) -> Result<Signing, ConfigError> {
        let mut signers: BTreeMap<Eui64, Vec<PathBuf>> = BTreeMap::new();
        for (at, SignerSection { user, file }) in self.signer.into_iter().enumerate() {
            // People count from one.
            let field = format!("trust.signer {}: user", at + 1);
            let user = user
                .parse()
                .map_err(|error| invalid(&field, format!("{user:?}"), &format!("{error}")))?;
            signers.entry(user).or_default().push(base_dir.join(file));
        }
        Ok(Signing {
            required: self.image_signature,
            signers,
        })
    }
}

impl ThresholdsSection {
    pub(super) fn check(&self) -> Result<ThresholdTerms, ConfigError> {
        let threshold = |counted: &str, (least, per_user, total): (u32, u32, u32)| {
            Ok(Threshold {
                total_max: within(
                    &format!("thresholds.{counted}_total_max"),
                    total,
                    least..=u32::MAX,
                )?,
                per_user_max: within(
                    &format!("thresholds.{counted}_per_user_max"),
                    per_user,
                    least..=total,
                )?,
            })
        };
        let transfers = (1, self.transfers_per_user_max, self.transfers_total_max);
        let activations = (1, self.activations_per_user_max, self.activations_total_max);
        let request_bytes = (
            // Otherwise the largest request would never be taken.
            REQUEST_BYTES_MAX,
            self.request_bytes_per_user_max,
            self.request_bytes_total_max,
        );
        let steps = (
            1,
            self.schedule_steps_per_user_max,
            self.schedule_steps_total_max,
        );
        Ok(ThresholdTerms {
            period_us: minutes(
                "thresholds.period_minutes",
                self.period_minutes,
                1..=MINUTES_MAX,
            )?,
            transfers: threshold("transfers", transfers)?,
            activations: threshold("activations", activations)?,
            request_bytes: threshold("request_bytes", request_bytes)?,
            schedule_steps: threshold("schedule_steps", steps)?,
            warnings: Threshold {
                per_user_max: within(
                    "thresholds.warnings_per_user_max",
                    self.warnings_per_user_max,
                    1..=u32::MAX,
                )?,
                ..Threshold::NONE
            },
            originator_counter_leap_max: within(
                "thresholds.originator_counter_leap_max",
                self.originator_counter_leap_max,
                1..=TOML_MAX,
            )?,
        })
    }
}
