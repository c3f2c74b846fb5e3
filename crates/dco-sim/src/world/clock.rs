//! The service's own clock, which is not always right, and its alarms.

use dco_engine::{Event, HOUR_US, Scope};
use dco_schedule::Micros;

use super::{Item, World};

/// Alarms at one instant, one after the other, that are still no sign of a fault.
const ALARMS_IN_A_ROW_MAX: u32 = 200;

impl World {
    /// What the service's clock shows.
    pub(super) fn service_now_us(&self) -> Micros {
        self.now_us.saturating_add(self.ahead_us())
    }

    /// How far the service's clock is ahead: as it was set, and as it has drifted since the world began.
    fn ahead_us(&self) -> Micros {
        let drift_us = (self.now_us - self.estate.start_us) / 1_000_000 * self.faults.drift_ppm;
        self.clock_ahead_us.saturating_add(drift_us)
    }

    /// Now and then the service's clock is set, and was wrong, or will be.
    pub(super) fn look_at_clock(&mut self) {
        self.resume_all();
        if self.dice.chance(self.faults.clock_jumps) {
            let ahead_us = match self.dice.below(3) {
                0 => self.dice.between(-6 * HOUR_US..=0),
                1 => self.dice.between(0..=HOUR_US),
                _ => self.dice.between(0..=60 * HOUR_US),
            };
            self.set_clock(ahead_us);
        }
        let wait_us = self.dice.between(HOUR_US..=8 * HOUR_US) * self.pace;
        self.after(wait_us, Item::ClockIsLookedAt);
    }

    /// Sets the service's clock; alarms go by the new time.
    pub(super) fn set_clock(&mut self, ahead_us: Micros) {
        self.watch
            .note(format_args!("the clock is ahead by {ahead_us} us"));
        let jumped_us = ahead_us - self.clock_ahead_us;
        self.clock_ahead_us = ahead_us;
        if let Some(service) = &mut self.service {
            service.alarm_us = None;
        }
        if jumped_us > HOUR_US {
            self.tell(Event::ClockJumped {
                ahead_us: jumped_us,
            });
            self.known.pauses.push(Scope::All);
        }
    }

    /// Puts the engine's wish to be woken on the agenda.
    pub(super) fn set_alarm(&mut self) {
        let Some(service) = &mut self.service else {
            return;
        };
        let wanted = service.engine.next_wakeup();
        if wanted == service.alarm_us {
            return;
        }
        service.alarm_us = wanted;
        let life = service.life;
        if let Some(at_us) = wanted {
            let here_us = at_us.saturating_sub(self.ahead_us()).max(self.now_us);
            self.agenda.put(here_us, Item::Alarm { life, at_us });
        }
    }

    /// Wakes the engine, if it still wants to be woken now.
    pub(super) fn alarm(&mut self, life: u32, at_us: Micros) {
        let Some(service) = self.service.as_mut().filter(|it| it.life == life) else {
            return;
        };
        if service.alarm_us != Some(at_us) {
            return;
        }
        service.alarm_us = None;
        self.tell(Event::Tick);
        let next = self.service.as_ref().and_then(|it| it.engine.next_wakeup());
        if next.is_some_and(|next_us| next_us <= self.service_now_us()) {
            self.alarms_in_a_row += 1;
        } else {
            self.alarms_in_a_row = 0;
        }
        if self.alarms_in_a_row > ALARMS_IN_A_ROW_MAX {
            self.fail(
                "the engine waits for time to pass",
                format!("it wants to be woken at {next:?} again and again"),
            );
        }
    }
}
