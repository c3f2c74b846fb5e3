//! What each service day has, what the Service Desk can offer, and what would happen.

use dco_block::Eui64;

use super::{DayUnits, Micros, ScheduleName, ScheduleRequest};

/// Three ways to meet a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fits {
    /// The earliest end, with others moved where that is needed.
    pub earliest_end: Result<Fit, NoFit>,
    /// The lowest peak by the latest day of the request, with nobody moved.
    pub flattest: Result<Fit, NoFit>,
    /// The earliest end with nobody moved.
    pub moves_nobody: Result<Fit, NoFit>,
}

/// One way to meet a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    pub days: Vec<FitDay>,
    /// Whom to move first.
    pub replan: Replan,
    /// Whether it ends after the latest day of the request.
    pub ends_late: bool,
}

/// One day of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitDay {
    pub service_date: String,
    pub units: u32,
    pub free_before: u64,
    pub free_after: u64,
    /// When the batch of that day is due.
    pub due_us: Option<Micros>,
    /// Large images that may be under way on that day over all Users.
    pub in_flight: u64,
    pub in_flight_ok: bool,
}

/// There is not enough room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoFit {
    pub wanted: u32,
    pub room: u64,
    pub first_date: String,
    pub last_date: String,
    /// One sentence for a person.
    pub message: String,
}

/// A plan: what to propose to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replan {
    pub amendments: Vec<ReplanAmendment>,
    /// What cannot be met by moving.
    pub left: Vec<DayUnits>,
    /// Where a plan for all days was asked for: schedules whose windows cannot take what is agreed with them.
    pub crowded_windows: Vec<CrowdedWindow>,
}

/// A schedule whose window cannot take what is agreed with it on a service day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrowdedWindow {
    pub schedule: ScheduleName,
    pub service_date: String,
    /// The first local hour, and the one before which it ends.
    pub window: (u32, u32),
    /// Units that fit in these hours beside what others have agreed in them.
    pub fits: u32,
    /// Units agreed; of today's those that have not left.
    pub agreed: u32,
}

/// What a setting of capacity or hour profile leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacityEffect {
    /// Service days that it makes OVER_AGREED or more so, and by how many units each is then.
    pub over_agreed: Vec<DayUnits>,
    /// Schedules whose windows cannot take what is agreed with them by it.
    pub crowded_windows: Vec<CrowdedWindow>,
    /// Days in its span that keep what was set for them alone.
    pub kept_dates: Vec<String>,
}

/// A change of one schedule that the Service Desk can propose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplanAmendment {
    pub schedule: ScheduleName,
    /// The etag that the plan was made for.
    pub etag: String,
    pub taken: Vec<DayUnits>,
    pub given: Vec<DayUnits>,
    /// Its quota with both.
    pub quota: Vec<DayUnits>,
}

/// A request that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedRequest {
    pub user: Eui64,
    pub request: ScheduleRequest,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// For each request its quota, or why there is none.
    pub quotas: Vec<Result<Vec<DayUnits>, NoFit>>,
    pub days: Vec<SimulatedDay>,
    pub users: Vec<SimulatedUser>,
}

/// One service day of it, in units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedDay {
    pub service_date: String,
    /// What may be released.
    pub available: u64,
    /// What can still be agreed beside what is tried.
    pub free: u64,
    /// What each User is served.
    pub released: Vec<(Eui64, u64)>,
    /// What waits for a later day.
    pub carried: u64,
}

/// What one User would see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedUser {
    pub user: Eui64,
    pub units: u64,
    /// The day on which the last unit leaves, where it is within the days looked at.
    pub finish_date: Option<String>,
    pub at_risk: Vec<BatchAtRisk>,
}

/// A batch whose Target Response Time is at risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchAtRisk {
    pub service_date: String,
    pub due_date: String,
    pub release_date: Option<String>,
}

/// One service day, in units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacityDay {
    pub service_date: String,
    /// What may be released on it, over all Users.
    pub capacity: u32,
    pub reserved_allowance: u32,
    pub reserved_security: u32,
    pub reserved_retry: u32,
    /// What is agreed, over all Users.
    pub agreed: u64,
    /// What can still be agreed.
    pub free: u64,
    /// By how much what is agreed is too much.
    pub over_agreed: u64,
    /// What was released on it, over all Users.
    pub used: u32,
    /// What of that went to work of later days.
    pub lent: u32,
    /// What of `used` left through the security lane.
    pub used_security: u32,
    /// What is agreed with the User it is read for.
    pub own_agreed: Option<u64>,
    /// What is agreed with all others together.
    pub others_agreed: Option<u64>,
    /// What was released for the User it is read for.
    pub own_used: Option<u32>,
}
