//! What each call asks of its caller: a line for each. A call without a line does not build, because nothing
//! here matches calls that are not named.

use std::fmt::Write;

use dco_block::Eui64;
use dco_engine::NoticeParty;
use dco_proto::Rpc;

use super::{
    Caller, Gateway, NoticeReader, Officer, Operator, Pauser, Reader, ScheduleParty, Staff, User,
};
use crate::config::Role;

/// Whose the thing is that a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The caller's own, or the call names nothing that belongs to anybody.
    Own,
    /// Another User's, whether it is there or not.
    Foreign,
}

/// A right, by name.
#[derive(Debug, Clone, Copy)]
enum Needs {
    User,
    Reader,
    ScheduleParty,
    Officer,
    NoticeReader,
    Gateway,
    Operator,
    Pauser,
    Staff,
}

/// The table.
#[rustfmt::skip]
const fn needs(rpc: Rpc) -> Needs {
    match rpc {
        Rpc::UpdateFirmwareOpenTransfer
        | Rpc::UpdateFirmwareSendBlocks
        | Rpc::UpdateFirmwareCancelTransfer
        | Rpc::ActivateFirmwareSubmitBatch
        | Rpc::ActivateFirmwareCancelBatch
        | Rpc::DeliverySchedulesRequestSchedule => Needs::User,

        Rpc::UpdateFirmwareGetTransfer
        | Rpc::UpdateFirmwareListTransfers
        | Rpc::UpdateFirmwareWatchTransfer
        | Rpc::ActivateFirmwareGetBatch
        | Rpc::ActivateFirmwareListBatches
        | Rpc::ActivateFirmwareGetActivation
        | Rpc::ActivateFirmwareListActivations
        | Rpc::ActivateFirmwareExplainActivation
        | Rpc::ActivateFirmwareWatchBatch
        | Rpc::DeliverySchedulesGetSchedule
        | Rpc::DeliverySchedulesListSchedules
        | Rpc::DeliverySchedulesGetCapacity
        | Rpc::NoticesGetLimits
        | Rpc::ReportsGetCapacityReport
        | Rpc::ReportsGetFairnessReport
        | Rpc::ReportsGetTrtReport
        | Rpc::ReportsGetSuccessReport => Needs::Reader,

        Rpc::DeliverySchedulesCounterSchedule
        | Rpc::DeliverySchedulesAcceptSchedule
        | Rpc::DeliverySchedulesDeclineSchedule
        | Rpc::DeliverySchedulesAmendSchedule
        | Rpc::DeliverySchedulesWithdrawSchedule
        | Rpc::DeliverySchedulesEndSchedule => Needs::ScheduleParty,

        Rpc::DeliverySchedulesOfferSchedule
        | Rpc::OperationsSetCapacity
        | Rpc::OperationsApproveAction
        | Rpc::OperationsDeclineAction => Needs::Officer,

        Rpc::NoticesListNotices | Rpc::NoticesWatchNotices => Needs::NoticeReader,

        Rpc::GatewayConnect | Rpc::GatewayReadBlocks => Needs::Gateway,

        Rpc::OperationsImportDevices
        | Rpc::OperationsImportProducts
        | Rpc::OperationsBackup => Needs::Operator,

        Rpc::OperationsPause | Rpc::OperationsResume => Needs::Pauser,

        Rpc::OperationsListProducts
        | Rpc::OperationsGetDecisionLog
        | Rpc::OperationsListPauses
        | Rpc::OperationsListGateways
        | Rpc::OperationsListServiceDays
        | Rpc::OperationsListPendingActions
        | Rpc::DeliverySchedulesFitSchedule
        | Rpc::DeliverySchedulesProposeReplan
        | Rpc::DeliverySchedulesSimulateSchedule => Needs::Staff,
    }
}

/// Whether a party of one role may make a call about its own or another User's. The tests hold every call of a running service to it.
pub fn may(rpc: Rpc, role: Role, whose: Whose) -> bool {
    let caller = Caller {
        eui64: Eui64::from_bits(1),
        roles: vec![role],
    };
    caller.may(rpc, whose)
}

impl Caller {
    /// Whether there is anything at all for which it may make this call.
    pub(crate) fn may_call(&self, rpc: Rpc) -> bool {
        self.may(rpc, Whose::Own) || self.may(rpc, Whose::Foreign)
    }

    fn may(&self, rpc: Rpc, whose: Whose) -> bool {
        let other = Eui64::from_bits(!self.eui64.bits());
        let (user, party) = match whose {
            Whose::Own => (self.eui64, None),
            Whose::Foreign => (other, Some(NoticeParty::User(other))),
        };
        match needs(rpc) {
            Needs::User => self.permit::<User>(user).is_ok(),
            Needs::Reader => self.permit::<Reader>(user).is_ok(),
            Needs::ScheduleParty => self.permit::<ScheduleParty>(user).is_ok(),
            Needs::Officer => self.permit::<Officer>(()).is_ok(),
            Needs::NoticeReader => self.permit::<NoticeReader>(party).is_ok(),
            Needs::Gateway => self.permit::<Gateway>(()).is_ok(),
            Needs::Operator => self.permit::<Operator>(()).is_ok(),
            Needs::Pauser => self.permit::<Pauser>(()).is_ok(),
            Needs::Staff => self.permit::<Staff>(()).is_ok(),
        }
    }
}

/// The table for people, in Markdown: a row for each call, a column for each role.
pub fn permissions() -> String {
    let roles = [
        ("user", Role::User),
        ("service_desk", Role::ServiceDesk),
        ("operator", Role::Operator),
        ("auditor", Role::Auditor),
        ("gateway", Role::Gateway),
    ];
    let mut text = "| call |".to_owned();
    for (name, _) in roles {
        text += &format!(" {name} |");
    }
    text += "\n|---|---|---|---|---|---|\n";
    for rpc in Rpc::ALL {
        let call = rpc.path().trim_start_matches("/dco.v1.");
        write!(text, "| {call} |").expect("a String takes all that is written to it");
        for (_, role) in roles {
            let cell = match (may(*rpc, role, Whose::Own), may(*rpc, role, Whose::Foreign)) {
                (_, true) => "yes",
                (true, false) => "its own",
                (false, false) => "-",
            };
            text += &format!(" {cell} |");
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_guide_is_this_one() {
        let guide = include_str!("../../../../docs/permissions.md");
        let table = permissions();
        assert!(
            guide.contains(&table),
            "docs/permissions.md must have\n{table}"
        );
    }

    #[test]
    fn nobody_but_a_gateway_speaks_for_gateways_and_an_auditor_changes_nothing() {
        for rpc in Rpc::ALL {
            for whose in [Whose::Own, Whose::Foreign] {
                let is_southbound = rpc.path().starts_with("/dco.v1.Gateway/");
                assert_eq!(may(*rpc, Role::Gateway, whose), is_southbound, "{rpc:?}");
                let reads = [
                    "Get", "List", "Watch", "Explain", "Fit", "Propose", "Simulate",
                ];
                let reads = reads
                    .iter()
                    .any(|verb| rpc.path().contains(&format!("/{verb}")));
                assert!(reads || !may(*rpc, Role::Auditor, whose), "{rpc:?}");
            }
        }
    }
}
