//! What the Service Desk can offer, whom it could move, and what would happen. Nothing of it changes anything.

use dco_block::Eui64;
use dco_schedule::{FitTerms, HourWindow, Need, Quota, Request, ScheduleId, Span, WhatIf};

use crate::effect::Reply;
use crate::engine::Engine;
use crate::event::SIMULATED_REQUESTS_MAX;
use crate::refusal::Refusal;
use crate::terms::HOUR_US;

impl Engine {
    pub(super) fn propose_fit(
        &self,
        user: Eui64,
        request: &Request,
        window: Option<HourWindow>,
    ) -> Result<Reply, Refusal> {
        self.schedules.book.check_asked(request, self.at().today)?;
        let (terms, at) = (self.fit_terms(window), self.at());
        let fits = self.schedules.book.fits(user, request, &terms, &at);
        Ok(Reply::Fits(Box::new(fits)))
    }

    pub(super) fn propose_more(
        &self,
        id: ScheduleId<Eui64>,
        window: Option<HourWindow>,
    ) -> Result<Reply, Refusal> {
        let (terms, at) = (self.fit_terms(window), self.at());
        let fits = self.schedules.book.fits_more(id, &terms, &at)?;
        Ok(Reply::Fits(Box::new(fits)))
    }

    fn fit_terms(&self, window: Option<HourWindow>) -> FitTerms {
        FitTerms {
            window,
            trt_us: self.terms.trt_us,
            in_flight_days: self.trt_days(),
            in_flight_max: self.terms.schedules.in_flight_max.into(),
        }
    }

    pub(super) fn propose_replan(&self) -> Reply {
        let at = self.at();
        let need = Need {
            units: self.schedules.book.over_agreed(at.today),
            held: Quota::new(),
            held_in: None,
            newcomer: None,
        };
        Reply::Replan {
            replan: self.schedules.book.replan(&need, &at),
            crowded: self.crowded_in(Span::From(at.today)),
        }
    }

    pub(super) fn simulate(&self, requests: &[(Eui64, Request)]) -> Result<Reply, Refusal> {
        if requests.len() > SIMULATED_REQUESTS_MAX {
            return Err(Refusal::TooManyRequests {
                given: requests.len(),
                limit: SIMULATED_REQUESTS_MAX,
            });
        }
        for (_, request) in requests {
            self.schedules.book.check_asked(request, self.at().today)?;
        }
        let what_if = WhatIf {
            requests: requests.to_vec(),
            waiting: self.waiting(),
            pacing: self.pacing(),
            trt_days: self.trt_days(),
        };
        let simulation = self.schedules.book.simulate(&what_if, &self.at());
        Ok(Reply::Simulation(Box::new(simulation)))
    }

    /// The Target Response Time in service days, a begun one as a whole one.
    fn trt_days(&self) -> u16 {
        let days = self.terms.trt_us.max(0).unsigned_abs();
        let day_us = (24 * HOUR_US).unsigned_abs();
        u16::try_from(days.div_ceil(day_us)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Terms;

    #[test]
    fn a_begun_service_day_of_the_trt_is_a_whole_one() {
        let days = |hours| {
            let trt_us = hours * HOUR_US;
            Engine::new(Terms {
                trt_us,
                ..Terms::default()
            })
            .trt_days()
        };
        assert_eq!([0, 1, 24, 120, 121].map(days), [0, 1, 1, 5, 6]);
    }
}
