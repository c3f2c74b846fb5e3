//! Which services there are.

use dco_proto::v1 as pb;
use pb::activate_firmware_server::ActivateFirmwareServer;
use pb::delivery_schedules_server::DeliverySchedulesServer;
use pb::gateway_server::GatewayServer;
use pb::notices_server::NoticesServer;
use pb::operations_server::OperationsServer;
use pb::reports_server::ReportsServer;
use pb::update_firmware_server::UpdateFirmwareServer;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::MESSAGE_BYTES_MAX;
use crate::memories::Memories;
use crate::services::{
    ActivateFirmware, Context, DeliverySchedules, Gateway, Notices, Operations, Reports,
    UpdateFirmware,
};

/// All services, and what says of them whether they serve.
pub(crate) async fn routes(context: &Context) -> (Health, Routes) {
    let update = UpdateFirmwareServer::new(UpdateFirmware(context.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let activate = ActivateFirmwareServer::new(ActivateFirmware(context.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let gateway = GatewayServer::new(Gateway(context.clone(), Memories::default()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let schedules = DeliverySchedulesServer::new(DeliverySchedules(context.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let notices =
        NoticesServer::new(Notices(context.clone())).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let operations = OperationsServer::new(Operations(context.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let reports =
        ReportsServer::new(Reports(context.clone())).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let names = [
        "",
        name_of(&update),
        name_of(&activate),
        name_of(&schedules),
        name_of(&gateway),
        name_of(&notices),
        name_of(&operations),
        name_of(&reports),
    ];
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(dco_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .expect("both sets were made by a build and name each file once");
    let register = context.register.clone();
    // What can be called is told to those who may call something.
    let reflection = InterceptedService::new(reflection, move |request: Request<()>| {
        register
            .caller(request.extensions())
            .map_err(Status::from)?;
        Ok(request)
    });
    let routes = Routes::new(update)
        .add_service(activate)
        .add_service(schedules)
        .add_service(gateway)
        .add_service(notices)
        .add_service(operations)
        .add_service(reports)
        .add_service(health)
        .add_service(reflection);
    let health = Health { reporter, names };
    health.set(ServingStatus::Serving).await;
    (health, routes)
}

/// What `grpc.health.v1` says of each service, and of all of them under the empty name.
pub(crate) struct Health {
    reporter: HealthReporter,
    names: [&'static str; 8],
}

impl Health {
    pub(crate) async fn set(&self, status: ServingStatus) {
        for name in self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }
}

fn name_of<S: NamedService>(_service: &S) -> &'static str {
    S::NAME
}
