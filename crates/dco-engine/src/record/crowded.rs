//! Windows that cannot take what is agreed in them.

use dco_block::Eui64;
use dco_schedule::{HourWindow, ScheduleId, ServiceDate};

/// A schedule whose window cannot take what is agreed with it on a service day.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct CrowdedWindow {
    /// Its User.
    #[prost(fixed64, tag = "1")]
    pub user: u64,
    /// Its number.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// The civil date.
    #[prost(int32, tag = "3")]
    pub date: i32,
    /// The first local hour.
    #[prost(uint32, tag = "4")]
    pub from_hour: u32,
    /// The local hour before which it ends.
    #[prost(uint32, tag = "5")]
    pub to_hour: u32,
    /// Units that fit beside what others have agreed in these hours.
    #[prost(uint32, tag = "6")]
    pub fits: u32,
    /// Units agreed.
    #[prost(uint32, tag = "7")]
    pub agreed: u32,
}

impl CrowdedWindow {
    pub(crate) fn of(window: &dco_schedule::CrowdedWindow<Eui64>) -> Self {
        let (from_hour, to_hour) = window.window.hours();
        Self {
            user: window.id.user.bits(),
            number: window.id.number,
            date: window.date.days(),
            from_hour: from_hour.into(),
            to_hour: to_hour.into(),
            fits: window.fits,
            agreed: window.agreed,
        }
    }

    /// `None` if its hours are no window.
    pub(crate) fn read(&self) -> Option<dco_schedule::CrowdedWindow<Eui64>> {
        let from = u8::try_from(self.from_hour).ok()?;
        let to = u8::try_from(self.to_hour).ok()?;
        Some(dco_schedule::CrowdedWindow {
            id: ScheduleId {
                user: Eui64::from_bits(self.user),
                number: self.number,
            },
            date: ServiceDate::from_days(self.date),
            window: HourWindow::new(from, to).ok()?,
            fits: self.fits,
            agreed: self.agreed,
        })
    }
}
