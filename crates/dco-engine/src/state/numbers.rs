//! The numbers of a User's transfers and batches.

/// Numbers are counted from 1; no User comes near this many.
const NUMBER_MAX: u64 = 1 << 62;

/// A transfer's or batch's number, as a record or a snapshot has it.
pub(crate) fn checked_number(number: u64) -> Result<(), &'static str> {
    if (1..=NUMBER_MAX).contains(&number) {
        Ok(())
    } else {
        Err("a number is none that is counted")
    }
}
