//! Rows of the reports.

use dco_engine::{SuccessRow, TrtRow};
use dco_proto::v1 as pb;
use dco_schedule::ServiceDate;

use super::service_date;
use crate::status::Fault;

/// The service days that a report is about, from the first to the last, where they are given.
pub(crate) fn days(
    request: &pb::GetCapacityReportRequest,
) -> Result<(Option<ServiceDate>, Option<ServiceDate>), Fault> {
    Ok((
        service_date(&request.first_service_date, "first_service_date")?,
        service_date(&request.last_service_date, "last_service_date")?,
    ))
}

/// One row of the TRT report.
pub(crate) fn trt(row: &TrtRow) -> pb::TrtRow {
    pb::TrtRow {
        user: row.user.to_string(),
        activation_count: row.activations,
        ended_within_trt: row.ended_within_trt,
        ended_late: row.ended_late,
        open_within_trt: row.open_within_trt,
        open_late: row.open_late,
        month: row.month.clone(),
        succeeded: row.succeeded,
        failed: row.failed,
        cancelled: row.cancelled,
    }
}

/// One row of the success report.
pub(crate) fn success(row: &SuccessRow) -> pb::SuccessRow {
    pb::SuccessRow {
        user: row.user.to_string(),
        manufacturer_image_hash: row.manufacturer_image_hash.as_bytes().to_vec().into(),
        succeeded: row.succeeded,
        failed: row.failed,
        cancelled: row.cancelled,
        open: row.open,
        attempt_count: row.attempts,
    }
}
