//! The opening of a service day, and what it rests on.

use super::{CrowdedWindow, ProposedMove, Quota};

/// A service day, computed once and kept.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DayOpened {
    /// The civil date.
    #[prost(int32, tag = "1")]
    pub date: i32,
    /// Its first instant.
    #[prost(int64, tag = "2")]
    pub start_us: i64,
    /// The first instant of the next.
    #[prost(int64, tag = "3")]
    pub end_us: i64,
    /// Large images that may be released.
    #[prost(uint32, tag = "4")]
    pub capacity: u32,
    /// Where each local hour starts.
    #[prost(int64, repeated, tag = "5")]
    pub hour_start_us: Vec<i64>,
    /// Its share, parallel to `hour_start_us`.
    #[prost(uint32, repeated, tag = "6")]
    pub hour_weight: Vec<u32>,
    /// The profile that the shares follow: 24 weights.
    #[prost(uint32, repeated, tag = "7")]
    pub profile: Vec<u32>,
    /// Units by which more is agreed than the day has room for.
    #[prost(uint32, tag = "8")]
    pub over_agreed: u32,
    /// What the configuration says of capacity; absent in records from before it was kept.
    #[prost(message, optional, tag = "94")]
    pub configured: Option<Configured>,
    /// Where that is not what it said before: days on which it leaves less than is agreed, and by how much.
    #[prost(message, optional, tag = "95")]
    pub over: Option<Quota>,
    /// What a re-plan proposes for these days.
    #[prost(message, repeated, tag = "96")]
    pub moves: Vec<ProposedMove>,
    /// Whom the security lane displaced on the day that was open before.
    #[prost(message, repeated, tag = "110")]
    pub repaid: Vec<Repaid>,
    /// Days on which windows have more agreed in them than their hours carry, and by how much: this one, where it begins, and those on
    /// which the configuration made it so.
    #[prost(message, optional, tag = "130")]
    pub crowded: Option<Quota>,
    /// The schedules whose windows these are.
    #[prost(message, repeated, tag = "131")]
    pub crowded_windows: Vec<CrowdedWindow>,
    /// Users with something agreed on days in `over` are told; they were not before this was said.
    #[prost(bool, tag = "150")]
    pub over_told_to_users: bool,
}

/// Units by which the security lane displaced a User, and by which its share of the next service day is larger.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Repaid {
    /// Whom.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// The service day on which it was displaced.
    #[prost(int32, tag = "2")]
    pub date: i32,
    /// How many.
    #[prost(uint32, tag = "3")]
    pub units: u32,
}

/// What the configuration says of capacity.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Configured {
    /// Large images a day, where nothing else is set.
    #[prost(uint32, tag = "1")]
    pub capacity: u32,
    /// Kept free of agreements for what is sent without a schedule.
    #[prost(uint32, tag = "2")]
    pub allowance: u32,
    /// For the security lane.
    #[prost(uint32, tag = "3")]
    pub security: u32,
    /// For retries, in thousandths of the capacity.
    #[prost(uint32, tag = "4")]
    pub retry_permille: u32,
    /// The 24 weights of the hour profile, where nothing else is set; none in records from before it was kept.
    #[prost(uint32, repeated, tag = "130")]
    pub profile: Vec<u32>,
}
