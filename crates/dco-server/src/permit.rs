//! Who may do what? A right is a value that only a peer's certificate and its registration can make;
//! a handler that needs one has it in its signature.

mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use dco_block::Eui64;
use dco_engine::{NoticeParty, Reader as ReadsAs};
use tokio::sync::watch;
use tonic::Extensions;

use crate::config::{Party, Role};
use crate::convert::name::OfUser;
use crate::peer::Peer;
use crate::status::Fault;

pub use table::{Whose, may, permissions};

/// Who is registered, by EUI-64.
pub(crate) type Parties = Arc<BTreeMap<Eui64, Party>>;

/// Everybody who is registered at the moment.
#[derive(Debug, Clone)]
pub(crate) struct Register(watch::Receiver<Parties>);

/// A registered party that has called.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    eui64: Eui64,
    roles: Vec<Role>,
}

/// Proof that the caller has the right `R`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit<R>(R);

/// A right, and what it is a right over.
pub(crate) trait Right: Sized {
    /// Over what it is asked for.
    type Over;
    /// The right, if this caller has it.
    fn of(caller: &Caller, over: Self::Over) -> Option<Self>;
}

/// To send images and batches as a User, and to cancel them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    user: Eui64,
}

/// To read what belongs to a User: for that User itself and for staff.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    user: Eui64,
    staff: bool,
}

/// To act for one side of a User's delivery schedules: that User itself, or an officer of the Service Desk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScheduleParty {
    user: Eui64,
    officer: Option<Eui64>,
}

/// To act as an officer of the Service Desk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Officer {
    officer: Eui64,
}

/// To read the notices of a party: each its own, and staff all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoticeReader {
    party: NoticeParty,
}

/// To take images to Devices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway {
    gateway: Eui64,
}

/// To change how the service runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator {
    operator: Eui64,
}

/// To pause and resume releases: the Service Desk and operators.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauser {
    pauser: Eui64,
}

/// To read everything: the Service Desk, operators and auditors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Staff;

/// To read reports: staff about everyone, a User about itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportReader {
    about: Option<Eui64>,
}

impl Register {
    /// Whoever is published here.
    pub(crate) fn new(parties: watch::Receiver<Parties>) -> Self {
        Self(parties)
    }

    /// What the party at the other end of a connection may be; nothing for who is not registered.
    pub(crate) fn roles(&self, peer: Peer) -> Option<Vec<Role>> {
        let parties = self.0.borrow();
        Some(parties.get(&peer.eui64?)?.roles.clone())
    }

    /// Whether somebody of this EUI-64 is registered as a User.
    pub(crate) fn has_user(&self, user: Eui64) -> bool {
        let parties = self.0.borrow();
        let party = parties.get(&user);
        party.is_some_and(|party| party.roles.contains(&Role::User))
    }

    /// Waits for the next change. Nothing when there will be none.
    pub(crate) async fn changed(&mut self) -> Option<()> {
        self.0.changed().await.ok()
    }

    /// The caller of a request, from what its connection says.
    pub(crate) fn caller(&self, request: &Extensions) -> Result<Caller, Fault> {
        self.caller_at(request.get().copied())
    }

    /// The caller at the other end of a connection.
    pub(crate) fn caller_at(&self, peer: Option<Peer>) -> Result<Caller, Fault> {
        peer.and_then(|peer| {
            let (eui64, roles) = (peer.eui64?, self.roles(peer)?);
            Some(Caller { eui64, roles })
        })
        .ok_or_else(Fault::caller_not_permitted)
    }
}

impl Caller {
    /// One that may do everything, for messages that nobody sent.
    pub(crate) fn with_all_roles(eui64: Eui64) -> Self {
        let roles = vec![
            Role::User,
            Role::ServiceDesk,
            Role::Operator,
            Role::Auditor,
            Role::Gateway,
        ];
        Self { eui64, roles }
    }

    /// Its certificate's EUI-64.
    pub(crate) fn eui64(&self) -> Eui64 {
        self.eui64
    }

    /// A right over something that needs no name to be known.
    pub(crate) fn permit<R: Right>(&self, over: R::Over) -> Result<Permit<R>, Fault> {
        R::of(self, over)
            .map(Permit)
            .ok_or_else(Fault::caller_not_permitted)
    }

    /// A right over the caller's own.
    pub(crate) fn permit_own<R: Right<Over = Eui64>>(&self) -> Result<Permit<R>, Fault> {
        self.permit(self.eui64)
    }

    /// A right over the User that the name in `field` begins with. The rest of the name is not looked
    /// at before. Whoever has that right over nobody learns nothing about the name either.
    pub(crate) fn permit_named<'a, R: Right<Over = Eui64>>(
        &self,
        name: &'a str,
        field: &'static str,
    ) -> Result<(Permit<R>, OfUser<'a>), Fault> {
        let read = OfUser::read(name, field);
        let over = read.as_ref().map_or(self.eui64, |name| name.user);
        let permit = self.permit(over)?;
        Ok((permit, read?))
    }

    fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the caller is this User.
    pub(crate) fn is_user(&self, user: Eui64) -> bool {
        self.is(Role::User) && self.eui64 == user
    }

    /// As what the caller is told of things; auditors are told nothing, they read what others are told.
    fn notice_party(&self) -> Option<NoticeParty> {
        if self.is(Role::User) {
            Some(NoticeParty::User(self.eui64))
        } else if self.is(Role::ServiceDesk) {
            Some(NoticeParty::Desk)
        } else {
            self.is(Role::Operator).then_some(NoticeParty::Operators)
        }
    }

    fn is_staff(&self) -> bool {
        [Role::ServiceDesk, Role::Operator, Role::Auditor]
            .into_iter()
            .any(|role| self.is(role))
    }
}

impl Right for User {
    type Over = Eui64;
    fn of(caller: &Caller, user: Eui64) -> Option<Self> {
        caller.is_user(user).then_some(Self { user })
    }
}

impl Right for Reader {
    type Over = Eui64;
    fn of(caller: &Caller, user: Eui64) -> Option<Self> {
        let staff = caller.is_staff();
        (staff || caller.is_user(user)).then_some(Self { user, staff })
    }
}

impl Right for ScheduleParty {
    type Over = Eui64;
    fn of(caller: &Caller, user: Eui64) -> Option<Self> {
        let officer = Officer::of(caller, ()).map(|by| by.officer);
        // Nobody agrees with itself: an officer who is the User as well acts as the User.
        let officer = officer.filter(|_| !caller.is_user(user));
        (officer.is_some() || caller.is_user(user)).then_some(Self { user, officer })
    }
}

impl Right for Officer {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        let officer = caller.eui64;
        caller.is(Role::ServiceDesk).then_some(Self { officer })
    }
}

impl Right for NoticeReader {
    /// `None` for the caller's own.
    type Over = Option<NoticeParty>;
    fn of(caller: &Caller, party: Option<NoticeParty>) -> Option<Self> {
        let own = caller.notice_party();
        let party = party.or(own)?;
        (caller.is_staff() || own == Some(party)).then_some(Self { party })
    }
}

impl Right for Gateway {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        let gateway = caller.eui64;
        caller.is(Role::Gateway).then_some(Self { gateway })
    }
}

impl Right for Operator {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        let operator = caller.eui64;
        caller.is(Role::Operator).then_some(Self { operator })
    }
}

impl Right for Pauser {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        let pauser = caller.eui64;
        let may = caller.is(Role::ServiceDesk) || caller.is(Role::Operator);
        may.then_some(Self { pauser })
    }
}

impl Right for Staff {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        caller.is_staff().then_some(Self)
    }
}

impl Right for ReportReader {
    type Over = ();
    fn of(caller: &Caller, (): ()) -> Option<Self> {
        let about = if caller.is_staff() {
            None
        } else if caller.is(Role::User) {
            Some(caller.eui64)
        } else {
            return None;
        };
        Some(Self { about })
    }
}

impl Permit<User> {
    /// The User it was given to.
    pub(crate) fn user(&self) -> Eui64 {
        self.0.user
    }
}

impl Permit<Reader> {
    /// The User whose resources may be read.
    pub(crate) fn user(&self) -> Eui64 {
        self.0.user
    }
}

impl Permit<Reader> {
    /// What of others may be read besides.
    pub(crate) fn reads_as(&self) -> ReadsAs {
        reads_as(self.0.staff)
    }
}

impl Permit<ScheduleParty> {
    /// The User whose schedules they are.
    pub(crate) fn user(&self) -> Eui64 {
        self.0.user
    }

    /// The officer who acts; `None` when it is the User.
    pub(crate) fn officer(&self) -> Option<Eui64> {
        self.0.officer
    }
}

impl Permit<Officer> {
    /// The officer it was given to.
    pub(crate) fn officer(&self) -> Eui64 {
        self.0.officer
    }
}

impl Permit<NoticeReader> {
    /// Whose notices may be read.
    pub(crate) fn party(&self) -> NoticeParty {
        self.0.party
    }
}

impl Permit<Gateway> {
    /// The gateway it was given to.
    pub(crate) fn gateway(&self) -> Eui64 {
        self.0.gateway
    }
}

impl Permit<Operator> {
    /// The operator it was given to.
    pub(crate) fn operator(&self) -> Eui64 {
        self.0.operator
    }
}

impl Permit<Pauser> {
    /// Who it was given to.
    pub(crate) fn pauser(&self) -> Eui64 {
        self.0.pauser
    }
}

impl Permit<ReportReader> {
    /// The only User that the report may be about; `None` for everyone.
    pub(crate) fn about(&self) -> Option<Eui64> {
        self.0.about
    }

    /// What of others may be read besides.
    pub(crate) fn reads_as(&self) -> ReadsAs {
        reads_as(self.0.about.is_none())
    }
}

fn reads_as(staff: bool) -> ReadsAs {
    if staff { ReadsAs::Desk } else { ReadsAs::User }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "90-B3-D5-1F-30-01-00-00";
    const OTHER: &str = "90-B3-D5-1F-30-02-00-00";

    fn caller(roles: &[Role]) -> Caller {
        Caller {
            eui64: FIRST.parse().unwrap(),
            roles: roles.to_vec(),
        }
    }

    fn rights(roles: &[Role]) -> String {
        let caller = caller(roles);
        let other: Eui64 = OTHER.parse().unwrap();
        let all = [
            ("user", caller.permit::<User>(caller.eui64).is_ok()),
            ("user of another", caller.permit::<User>(other).is_ok()),
            ("reader", caller.permit::<Reader>(caller.eui64).is_ok()),
            ("reader of another", caller.permit::<Reader>(other).is_ok()),
            ("gateway", caller.permit::<Gateway>(()).is_ok()),
            ("operator", caller.permit::<Operator>(()).is_ok()),
            ("officer", caller.permit::<Officer>(()).is_ok()),
            ("pauser", caller.permit::<Pauser>(()).is_ok()),
            (
                "schedules",
                caller.permit::<ScheduleParty>(caller.eui64).is_ok(),
            ),
            (
                "schedules of another",
                caller.permit::<ScheduleParty>(other).is_ok(),
            ),
            ("notices", caller.permit::<NoticeReader>(None).is_ok()),
            (
                "notices of another",
                caller
                    .permit::<NoticeReader>(Some(NoticeParty::User(other)))
                    .is_ok(),
            ),
            ("staff", caller.permit::<Staff>(()).is_ok()),
            ("reports", caller.permit::<ReportReader>(()).is_ok()),
        ];
        let held = all.iter().filter(|(_, held)| *held).map(|(name, _)| *name);
        held.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn each_role_has_its_rights_and_no_other() {
        assert_eq!(rights(&[]), "");
        assert_eq!(
            rights(&[Role::User]),
            "user, reader, schedules, notices, reports"
        );
        assert_eq!(rights(&[Role::Gateway]), "gateway");
        assert_eq!(
            rights(&[Role::ServiceDesk]),
            "reader, reader of another, officer, pauser, schedules, schedules of another, notices, \
             notices of another, staff, reports"
        );
        assert_eq!(
            rights(&[Role::Auditor]),
            "reader, reader of another, notices of another, staff, reports"
        );
        assert_eq!(
            rights(&[Role::Operator]),
            "reader, reader of another, operator, pauser, notices, notices of another, staff, reports"
        );
    }

    #[test]
    fn a_user_reads_reports_about_itself_only_and_staff_about_all() {
        let about = |role| {
            caller(&[role])
                .permit::<ReportReader>(())
                .map(|permit| permit.about())
        };
        assert_eq!(about(Role::User), Ok(Some(FIRST.parse().unwrap())));
        assert_eq!(about(Role::Auditor), Ok(None));
    }

    #[test]
    fn an_officer_signs_for_the_desk_and_a_user_for_itself_whatever_else_it_is() {
        let officer = |roles: &[Role], over: &str| {
            let over = over.parse().unwrap();
            let permit = caller(roles).permit::<ScheduleParty>(over);
            permit.map(|permit| permit.officer())
        };
        let first = Some(FIRST.parse().unwrap());
        assert_eq!(officer(&[Role::User], FIRST), Ok(None));
        assert_eq!(officer(&[Role::ServiceDesk], OTHER), Ok(first));
        let both = [Role::User, Role::ServiceDesk];
        assert_eq!(officer(&both, FIRST), Ok(None));
        assert_eq!(officer(&both, OTHER), Ok(first));
    }

    #[test]
    fn who_is_not_registered_or_has_no_eui64_may_nothing() {
        let party = Party {
            name: "a".to_owned(),
            roles: vec![Role::User],
        };
        let parties = Arc::new([(FIRST.parse().unwrap(), party)].into());
        let register = Register::new(watch::channel(parties).1);
        let caller = |peer: Option<Peer>| {
            let mut extensions = Extensions::new();
            if let Some(peer) = peer {
                extensions.insert(peer);
            }
            register.caller(&extensions).map(|caller| caller.eui64)
        };
        let peer = |text: &str| Peer {
            eui64: Some(text.parse().unwrap()),
        };
        assert_eq!(caller(Some(peer(FIRST))), Ok(FIRST.parse().unwrap()));
        let denied = Err(Fault::caller_not_permitted());
        assert_eq!(caller(Some(peer(OTHER))), denied);
        assert_eq!(caller(Some(Peer { eui64: None })), denied);
        assert_eq!(caller(None), denied);
    }

    #[test]
    fn permission_is_asked_before_the_rest_of_the_name_is_read() {
        let named = |role, name: &str| {
            let permitted = caller(&[role]).permit_named::<User>(name, "name");
            permitted.map(|_| ()).map_err(|fault| fault.reason())
        };
        let own = format!("users/{FIRST}/what/ever");
        let foreign = format!("users/{OTHER}/what/ever");
        assert_eq!(named(Role::User, &own), Ok(()));
        assert_eq!(named(Role::User, &foreign), Err("CALLER_NOT_PERMITTED"));
        assert_eq!(named(Role::User, "users/x"), Err("EUI64_INVALID"));
        assert_eq!(named(Role::Gateway, "users/x"), Err("CALLER_NOT_PERMITTED"));
    }
}
