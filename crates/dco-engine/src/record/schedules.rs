//! What the journal keeps of delivery schedules and capacity: the changes of `dco-schedule`'s book, and the
//! requests that made them. When something was signed is the record's own time.

mod read;
mod written;

use super::{CrowdedWindow, RequestKey};
pub(crate) use read::{profile_of, window_of};

/// A step of a schedule.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ScheduleStepped {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Counted per User.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// What was done.
    #[prost(message, optional, tag = "3")]
    pub act: Option<ScheduleAct>,
    /// By whom and why.
    #[prost(message, optional, tag = "4")]
    pub signature: Option<Signature>,
    /// The request, unless it was time.
    #[prost(message, optional, tag = "5")]
    pub request: Option<RequestKey>,
    /// What waited for this approval, where it did.
    #[prost(uint64, optional, tag = "6")]
    pub action: Option<u64>,
    /// When the period began in which it counts against thresholds, where a User made it.
    #[prost(int64, optional, tag = "160")]
    pub period_start_us: Option<i64>,
}

/// An act of one officer waits for another one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ActionPended {
    /// The schedule's User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// The schedule.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// The revision that the officer had seen.
    #[prost(uint32, tag = "3")]
    pub revision: u32,
    /// What is to be done.
    #[prost(message, optional, tag = "4")]
    pub act: Option<ScheduleAct>,
    /// Who asked for it and why.
    #[prost(message, optional, tag = "5")]
    pub signature: Option<Signature>,
    /// Until when it may be approved.
    #[prost(int64, tag = "6")]
    pub expires_us: i64,
    /// The request.
    #[prost(message, optional, tag = "7")]
    pub request: Option<RequestKey>,
}

/// What waited for a second officer does not happen.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ActionClosed {
    /// Which.
    #[prost(uint64, tag = "1")]
    pub action: u64,
    /// Who declined it, or time.
    #[prost(message, optional, tag = "2")]
    pub signature: Option<Signature>,
    /// The request, unless it was time.
    #[prost(message, optional, tag = "3")]
    pub request: Option<RequestKey>,
}

/// Capacity, hour profile or both were set, or what was set for a day alone was taken back.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CapacitySet {
    /// The first service day it is for.
    #[prost(int32, tag = "1")]
    pub first: i32,
    /// For that day alone; otherwise for all after it as well.
    #[prost(bool, tag = "2")]
    pub one_day: bool,
    /// Large images that may be released on a day.
    #[prost(uint32, optional, tag = "3")]
    pub capacity: Option<u32>,
    /// The 24 weights, or none.
    #[prost(uint32, repeated, tag = "4")]
    pub profile: Vec<u32>,
    /// Who and why.
    #[prost(message, optional, tag = "5")]
    pub signature: Option<Signature>,
    /// The request.
    #[prost(message, optional, tag = "6")]
    pub request: Option<RequestKey>,
    /// Days on which it leaves less than is agreed, and by how much.
    #[prost(message, optional, tag = "7")]
    pub over: Option<Quota>,
    /// What a re-plan proposes for these days.
    #[prost(message, repeated, tag = "8")]
    pub moves: Vec<ProposedMove>,
    /// Days on which windows have more agreed in them than their hours carry by it, and by how much.
    #[prost(message, optional, tag = "45")]
    pub crowded: Option<Quota>,
    /// The schedules whose windows these are; none in records from before they were kept.
    #[prost(message, repeated, tag = "130")]
    pub crowded_windows: Vec<CrowdedWindow>,
    /// What was set for that day alone is taken back.
    #[prost(bool, tag = "170")]
    pub clear: bool,
    /// Large images that may be released on the day then, where it was taken back: told, and not set.
    #[prost(uint32, optional, tag = "171")]
    pub follows: Option<u32>,
}

/// Notices that are not kept any more.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NoticesForgotten {
    /// Party by party.
    #[prost(message, repeated, tag = "1")]
    pub parties: Vec<ForgottenNotices>,
}

/// One party's.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ForgottenNotices {
    /// Whose.
    #[prost(enumeration = "NoticeKind", tag = "1")]
    pub kind: i32,
    /// Which User, for one.
    #[prost(fixed64, tag = "2")]
    pub user: u64,
    /// Those up to this number.
    #[prost(uint64, tag = "3")]
    pub through: u64,
}

/// Who notices are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum NoticeKind {
    /// Not said: the record is not ours.
    Unspecified = 0,
    /// One User.
    User = 1,
    /// The Service Desk.
    Desk = 2,
    /// The operators.
    Operators = 3,
}

/// One schedule that a re-plan would move.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProposedMove {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Its number.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// Units that would go to other days.
    #[prost(uint64, tag = "3")]
    pub units: u64,
}

/// Who signed. Both officers where two did.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Signature {
    /// Whose side.
    #[prost(enumeration = "Signatory", tag = "1")]
    pub by: i32,
    /// The officer, if it was the Service Desk.
    #[prost(fixed64, tag = "2")]
    pub officer: u64,
    /// The officer's ticket.
    #[prost(string, tag = "3")]
    pub ticket: String,
    /// Who approved it.
    #[prost(fixed64, optional, tag = "4")]
    pub second: Option<u64>,
    /// Why.
    #[prost(string, tag = "5")]
    pub reason: String,
    /// The second officer's own ticket; empty in journals from before it was kept.
    #[prost(string, tag = "94")]
    pub second_ticket: String,
    /// Why the second officer approved it; empty where the ticket is.
    #[prost(string, tag = "95")]
    pub second_reason: String,
}

/// Whose signature it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Signatory {
    /// Not said: the record is not ours.
    Unspecified = 0,
    /// The User whose schedule it is.
    User = 1,
    /// The Service Desk.
    Desk = 2,
    /// Nobody: a period ran out.
    Time = 3,
}

/// One thing done to a schedule, with what its kind needs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ScheduleAct {
    /// Which kind.
    #[prost(enumeration = "ActKind", tag = "1")]
    pub kind: i32,
    /// What is asked for.
    #[prost(message, optional, tag = "2")]
    pub asked: Option<Asked>,
    /// What is put forward.
    #[prost(message, optional, tag = "3")]
    pub deal: Option<Deal>,
    /// Until when it may be answered.
    #[prost(int64, optional, tag = "4")]
    pub answer_by_us: Option<i64>,
    /// Why the User is moved.
    #[prost(message, optional, tag = "5")]
    pub cause: Option<MoveCause>,
    /// The first day without the agreement.
    #[prost(int32, optional, tag = "6")]
    pub end_date: Option<i32>,
    /// The Service Desk meant to go beyond the days and the daily maximum that the User asked for.
    #[prost(bool, tag = "7")]
    pub beyond_request: bool,
}

/// Kinds of acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ActKind {
    /// Not said: the record is not ours.
    Unspecified = 0,
    /// The User asks for a schedule.
    Request = 1,
    /// The Service Desk offers.
    Offer = 2,
    /// The side that has to answer answers with something else.
    Counter = 3,
    /// It agrees.
    Accept = 4,
    /// It says no.
    Decline = 5,
    /// The side that asked takes it back.
    Withdraw = 6,
    /// One side proposes to change what is agreed.
    Amend = 7,
    /// Two officers change what is agreed.
    Impose = 8,
    /// The agreement ends.
    End = 9,
    /// Nobody answered in time.
    Lapse = 10,
}

/// What a User asks for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Asked {
    /// Manufacturer Image Hash, 32 octets; empty for every large image of the User.
    #[prost(bytes = "vec", tag = "1")]
    pub image: Vec<u8>,
    /// Devices that are to get it.
    #[prost(uint32, tag = "2")]
    pub devices: u32,
    /// The first service day.
    #[prost(int32, tag = "3")]
    pub earliest: i32,
    /// The service day by which it is to be done.
    #[prost(int32, tag = "4")]
    pub latest: i32,
    /// The most on one day.
    #[prost(uint32, tag = "5")]
    pub per_day_max: u32,
}

/// Quota and terms.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Deal {
    /// Units for each service day.
    #[prost(message, optional, tag = "1")]
    pub quota: Option<Quota>,
    /// First local hour of the window, where there is one.
    #[prost(uint32, optional, tag = "2")]
    pub window_from: Option<u32>,
    /// The hour before which it ends.
    #[prost(uint32, optional, tag = "3")]
    pub window_to: Option<u32>,
    /// Devices that go first; 0 for none.
    #[prost(uint32, tag = "4")]
    pub canary: u32,
    /// Whether later days may run ahead.
    #[prost(bool, tag = "5")]
    pub run_ahead: bool,
    /// Whether it goes in the security lane.
    #[prost(bool, tag = "6")]
    pub security: bool,
}

/// Units by service day.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Quota {
    /// The days.
    #[prost(int32, repeated, tag = "1")]
    pub dates: Vec<i32>,
    /// The units of each, parallel to `dates`.
    #[prost(uint32, repeated, tag = "2")]
    pub units: Vec<u32>,
}

/// Why a User is moved: for another schedule, named or not, or else because capacity dropped.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MoveCause {
    /// The other schedule's User.
    #[prost(fixed64, optional, tag = "1")]
    pub user: Option<u64>,
    /// Its number.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// For another schedule that is not named.
    #[prost(bool, tag = "3")]
    pub unnamed: bool,
}
