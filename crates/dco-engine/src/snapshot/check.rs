//! What the parts of a snapshot say of each other.

use std::collections::BTreeMap;

use super::Why;
use crate::engine::Engine;
use crate::state::lines::Line;

impl Engine {
    /// Counts that are kept, held to what they count: each can be added to and taken from as records do.
    pub(super) fn check_counts(&self) -> Result<(), Why> {
        let attempts = self
            .batches
            .activations
            .iter()
            .map(|it| u64::from(it.attempt));
        let attempts: u64 = attempts.sum();
        let activations = u64::from(self.batches.next_activation());
        if self.delivered.0 > activations {
            return Err("more attempts succeeded than there are activations");
        }
        // A User's share of a day: what it sent, what it carried over, what is repaid, what came back.
        let share_max = (3 * activations).saturating_add(attempts).max(1);
        let turns = [self.large.turns(), self.small.turns()];
        let weights = turns.iter().flat_map(|turns| &turns.users);
        let today = self
            .days
            .today
            .iter()
            .flat_map(|today| today.weights.values());
        let mut shares = weights.map(|user| user.weight).chain(today.copied());
        if shares.any(|share| u64::from(share) > share_max) {
            return Err("a User's share is more than all that there is");
        }
        self.check_sent()?;
        self.check_charged()
    }

    /// No more was sent for a day than there is in its batches.
    fn check_sent(&self) -> Result<(), Why> {
        let mut in_batches = BTreeMap::new();
        for batch in self.batches.iter() {
            if let Some(source) = batch.source {
                let name = (batch.service_date, batch.user, source);
                *in_batches.entry(name).or_insert(0_u32) += batch.len;
            }
        }
        for day in self.days.ledger.kept() {
            let sent = day.users.iter().flat_map(|used| {
                let sent = used.sent.iter();
                sent.map(|(source, sent)| ((day.date, used.user, *source), *sent))
            });
            for (name, sent) in sent {
                if sent > in_batches.get(&name).copied().unwrap_or(0) {
                    return Err("more was sent for a service day than its batches have");
                }
            }
        }
        Ok(())
    }

    /// What attempts under way were charged may be given back, each as what it was.
    fn check_charged(&self) -> Result<(), Why> {
        let mut charged = BTreeMap::new();
        for attempt in self.gateways.attempts.values() {
            if let Some(date) = attempt.charged {
                let of_user = charged.entry((attempt.image.0, date));
                let (all, lent, security) = of_user.or_insert((0, 0, 0));
                *all += 1;
                *lent += u32::from(attempt.line == Line::Ahead);
                *security += u32::from(attempt.line == Line::Security);
            }
        }
        let ledger = &self.days.ledger;
        for ((user, date), (all, lent, security)) in charged {
            let released_by = ledger.released_by(user, date);
            let (lent_to, security_of) =
                (ledger.lent_to(user, date), ledger.security_of(user, date));
            if all > released_by {
                return Err("more was charged than released");
            }
            // Each kind is given back from its own: of none may there be more than the ledger has.
            if lent > lent_to || security > security_of {
                return Err("other units are lent, or of the security lane, than the ledger has");
            }
            if all - lent - security > released_by - lent_to - security_of {
                return Err("other units are lent, or of the security lane, than the ledger has");
            }
        }
        Ok(())
    }
}
