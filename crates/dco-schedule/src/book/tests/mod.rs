mod anything;
mod batches;
mod causes;
mod four_eyes;
mod refusals;
mod stories;
mod views;
mod windows;

use super::*;
use crate::testing::{
    ANSWER_BY_US, CAPACITY, Desk, NEWCOMER, OFFICER, TERMS, amend, approval, by_desk, counter,
    date, deal, impose, offer, one_officer, quota, reason, request, secure,
};
use crate::{Act, CapacitySet, Cause, Covers, Deal, Request, Setting, Source, Span, Text};
