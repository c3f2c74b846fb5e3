//! A service with its parties, ready for a test.

use std::time::Duration;

use dco_client::{
    Endpoint, GatewayLink, Link, OperationsClient, ReportsClient, RequestId, RetryPolicy, Transfer,
    TransferState, UserClient,
};
use dco_schedule::Micros;
use tonic::transport::Channel;

use crate::inventory::entries;
use crate::{
    Child, Device, Ended, Image, Line, Service, Settings, Site, Wire, channel, dco, dco_command,
    devices, open_transfer, send, within,
};

/// A site, the service on it and the line to it.
#[derive(Debug)]
pub struct Scene {
    /// Certificates and configuration.
    pub site: Site,
    /// The way to the service; it stays the same when the service starts anew.
    pub line: Line,
    service: Option<Service>,
}

impl Scene {
    /// A service in a process of its own.
    pub async fn start(edit: impl FnOnce(Settings) -> Settings) -> Self {
        let mut scene = Self::without_service(edit).await;
        scene.start_service().await;
        scene
    }

    /// As [`start`](Self::start), with a log of this level.
    pub async fn start_logging(level: &str, edit: impl FnOnce(Settings) -> Settings) -> Self {
        let mut scene = Self::without_service(edit).await;
        let service = Service::start_logging(&scene.site, level).await;
        scene.runs(service);
        scene
    }

    /// A service inside the test, whose clock shows `start_us` first and runs `factor` times as fast.
    pub async fn start_inside(
        start_us: Micros,
        factor: u32,
        edit: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        let mut scene = Self::without_service(edit).await;
        let service = Service::start_inside(&scene.site, start_us, factor).await;
        scene.runs(service);
        scene
    }

    async fn without_service(edit: impl FnOnce(Settings) -> Settings) -> Self {
        Self {
            site: Site::new(edit).await,
            line: Line::new().await,
            service: None,
        }
    }

    /// Starts the service on what is on disk, and leads the line to it.
    pub async fn start_service(&mut self) {
        let service = Service::start(&self.site).await;
        self.runs(service);
    }

    /// Starts the service anew, inside the test, on what is on disk, by another clock. What must not hurry on a slow machine is done
    /// before, while the clock runs as any other.
    pub async fn go_on_inside(&mut self, start_us: Micros, factor: u32) {
        self.stop_service().await;
        let service = Service::start_inside(&self.site, start_us, factor).await;
        self.runs(service);
    }

    fn runs(&mut self, service: Service) {
        self.line.lead_to(Some(service.grpc()));
        self.service = Some(service);
    }

    /// SIGKILL for the service; nobody is reached over the line until it is started again.
    pub async fn kill_service(&mut self) -> Ended {
        // First the kill: a line that is cut before would let the service see its callers go.
        let ended = self.service.take().expect("a service runs").kill().await;
        self.line.lead_to(None);
        ended
    }

    /// Starts the service and kills it after `patience`, whether it is ready by then or not.
    pub async fn kill_starting_service(&self, patience: Duration) -> Ended {
        Service::kill_starting(&self.site, patience).await
    }

    /// Stops the service in order; it must end without a fault.
    pub async fn stop_service(&mut self) {
        self.service.take().expect("a service runs").stop().await;
        self.line.lead_to(None);
    }

    /// Waits until the service, which was told to end, has ended.
    pub async fn service_ended(&mut self) -> Ended {
        let ended = self.service.take().expect("a service runs").ended().await;
        self.line.lead_to(None);
        ended
    }

    /// Ends a scene whose service runs inside the test: there is no log to look at, so it must end without a fault.
    pub async fn stop_in_order(mut self) {
        self.stop_service().await;
    }

    /// The running service.
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("a service runs")
    }

    /// A connection over the line, as a party such as `user1`.
    pub async fn link(&self, party: &str) -> Link {
        let (endpoint, identity) = (self.endpoint(), self.site.identity(party));
        let link = within("a connection", Link::connect(&endpoint, &identity)).await;
        link.expect("the service takes its parties")
    }

    /// A User's client.
    pub async fn user(&self, user: &str) -> UserClient {
        self.user_as(user, user).await
    }

    /// A client for what `user` owns, with the certificate of `party`.
    pub async fn user_as(&self, party: &str, user: &str) -> UserClient {
        UserClient::new(&self.link(party).await, self.site.eui64(user))
    }

    /// The operator's client.
    pub async fn operator(&self) -> OperationsClient {
        OperationsClient::new(&self.link("operator1").await)
    }

    /// The reports, as a party sees them.
    pub async fn reports(&self, party: &str) -> ReportsClient {
        ReportsClient::new(&self.link(party).await)
    }

    /// A gateway's side of the southbound interface, for tests that play the gateway themselves.
    pub async fn gateway_link(&self, gateway: &str) -> GatewayLink {
        GatewayLink::new(&self.link(gateway).await)
    }

    /// The wire itself, as a party.
    pub async fn wire(&self, party: &str) -> Wire {
        Wire::new(self.channel(party).await)
    }

    /// A connection under the generated clients, as a party.
    pub async fn channel(&self, party: &str) -> Channel {
        let identity = self.site.identity(party);
        let channel = channel(self.line.address(), &identity, Some(&identity));
        let channel = within("a connection", channel).await;
        channel.expect("the service takes its parties")
    }

    /// Where the line begins.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.line.address().to_string(), "localhost")
    }

    /// Puts so many Devices into the inventory, numbered from `from` on: of this User, behind this gateway.
    pub async fn install(&self, from: u32, count: u32, user: &str, gateway: &str) -> Vec<Device> {
        let devices = devices(from, count);
        let (user, gateway) = (self.site.eui64(user), self.site.eui64(gateway));
        let operator = self.operator().await;
        let imported = operator
            .import_devices(RequestId::fresh(), false, entries(&devices, user, gateway))
            .await;
        assert_eq!(imported.expect("the operator may import"), count);
        devices
    }

    /// Sends an image for Devices of a User and waits until it is STORED.
    pub async fn store(&self, user: &UserClient, image: &Image, devices: &[Device]) -> Transfer {
        let opened = user.open_transfer(open_transfer(image, devices)).await;
        let transfer = opened.expect("the transfer can be opened");
        let name = transfer.name.expect("an opened transfer has a name");
        send(user, name, image).await;
        let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
        let settled = within("the 11.1 Response", settled)
            .await
            .expect("the watch ends in order");
        assert_eq!(
            settled.state,
            TransferState::Stored,
            "{:?}",
            settled.response
        );
        settled
    }

    /// A simulated gateway in a process of its own, connected over the line; `args` go to `dco gateway`.
    pub async fn gateway(&self, gateway: &str, args: &[&str]) -> Child {
        let mut command = dco_command(["gateway", "--json"]);
        let party = self.site.party(gateway);
        command
            .args(self.to_service())
            .arg("--as")
            .arg(party)
            .args(args);
        let mut child = Child::spawn(format!("dco gateway {gateway}"), command);
        child.notes(|line| line.contains("is connected")).await;
        child
    }

    /// A command of `dco` as a party, over the line, with `--json`.
    pub async fn dco(&self, party: &str, args: &[&str]) -> Ended {
        let server = self.to_service();
        let path = self.site.party(party).display().to_string();
        let args = args.iter().map(ToString::to_string).chain(server);
        dco(args.chain(["--as".to_owned(), path, "--json".to_owned()])).await
    }

    fn to_service(&self) -> [String; 4] {
        let address = self.line.address().to_string();
        [
            "--server".to_owned(),
            address,
            "--server-name".to_owned(),
            "localhost".to_owned(),
        ]
    }

    /// Demands that the service has logged no fault of its own.
    pub fn no_faults(&self) {
        let errors = self.service().errors();
        assert!(
            errors.is_empty(),
            "logged as faults of the service: {errors:#?}"
        );
    }
}
