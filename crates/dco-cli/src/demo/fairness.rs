//! How the releases of the first day were shared.

use std::collections::BTreeMap;

use dco_block::Eui64;
use dco_client::Activation;
use dco_schedule::Micros;

/// When each Device's first attempt was released.
#[derive(Debug, Default)]
pub(super) struct Releases {
    first: BTreeMap<(Eui64, Eui64), Micros>,
}

impl Releases {
    /// Takes what a watch tells. Releases of later attempts are retries, which are left out.
    pub(super) fn take(&mut self, activations: &[Activation]) {
        let first = activations
            .iter()
            .filter(|activation| activation.attempt == 1);
        self.first.extend(first.filter_map(|activation| {
            let key = (activation.name.batch.user, activation.device);
            activation.release_us.map(|at_us| (key, at_us))
        }));
    }

    /// Releases of each of the two while both had Devices waiting: from the first release of the
    /// one that came later to the last release of the one that was done first.
    pub(super) fn while_both_waited(&self, users: [Eui64; 2]) -> Option<[usize; 2]> {
        let [one, other] = users.map(|user| self.of(user));
        let from = (*one.first()?).max(*other.first()?);
        let until = (*one.last()?).min(*other.last()?);
        Some([one, other].map(|of| of.iter().filter(|at| (from..=until).contains(*at)).count()))
    }

    fn of(&self, user: Eui64) -> Vec<Micros> {
        let mut of: Vec<_> = self
            .first
            .iter()
            .filter(|((owner, _), _)| *owner == user)
            .map(|(_, at)| *at)
            .collect();
        of.sort_unstable();
        of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Eui64 = Eui64::from_bits(1);
    const OTHER: Eui64 = Eui64::from_bits(2);

    fn releases(of: &[(Eui64, Micros)]) -> Releases {
        let first = of.iter().zip(100_u64..);
        let first = first.map(|((user, at), device)| ((*user, Eui64::from_bits(device)), *at));
        Releases {
            first: first.collect(),
        }
    }

    #[test]
    fn only_the_time_in_which_both_waited_counts() {
        let releases = releases(&[
            (ONE, 1),
            (ONE, 2),
            (OTHER, 3),
            (ONE, 4),
            (ONE, 5),
            (OTHER, 6),
            (ONE, 7),
        ]);
        assert_eq!(releases.while_both_waited([ONE, OTHER]), Some([2, 2]));
        assert_eq!(releases.while_both_waited([OTHER, ONE]), Some([2, 2]));
    }

    #[test]
    fn with_one_user_alone_there_is_nothing_to_share() {
        assert_eq!(releases(&[(ONE, 1)]).while_both_waited([ONE, OTHER]), None);
    }
}
