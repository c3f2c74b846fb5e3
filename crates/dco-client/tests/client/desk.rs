use std::sync::{Arc, Mutex};

use dco_block::{Eui64, FirmwareVersion, HardwareVersions, ManufacturerImageHash};
use dco_client::{
    ChangePause, ClientError, Code, DecisionKind, DecisionLogQuery, DeviceEntry, MoveCause,
    OperationsClient, PageRequest, PauseScope, ProductEntry, ProductStatus, ReportQuery,
    ReportsClient, RequestId, SetCapacity, Signing,
};
use dco_proto::v1 as pb;
use futures::stream;
use pb::backup_response::Kind;
use pb::operations_server::{Operations, OperationsServer};
use pb::reports_server::{Reports, ReportsServer};
use prost::Message;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tonic_types::{ErrorDetails, StatusExt};

use crate::peer::{Links, serve};

const USER: Eui64 = Eui64::from_bits(0x90B3_D51F_3001_0000);

/// Operations and Reports of a small system.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    imported: Arc<Mutex<Vec<pb::ImportDevicesRequest>>>,
    products: Arc<Mutex<Vec<pb::ImportProductsRequest>>>,
}

#[async_trait]
impl Operations for Desk {
    async fn import_devices(
        &self,
        request: Request<Streaming<pb::ImportDevicesRequest>>,
    ) -> Result<Response<pb::ImportDevicesResponse>, Status> {
        let mut messages = request.into_inner();
        let mut device_count = 0;
        while let Some(message) = messages.message().await? {
            if let Some(wrong) = message
                .devices
                .iter()
                .position(|entry| entry.model == "wrong")
            {
                let mut details = ErrorDetails::new();
                details.add_bad_request_violation(format!("devices[{wrong}].model"), "is wrong");
                details.set_error_info(
                    "DEVICE_INVALID",
                    "dco",
                    [("line".to_owned(), "2".to_owned())],
                );
                return Err(Status::with_error_details(
                    Code::InvalidArgument,
                    "line 2",
                    details,
                ));
            }
            device_count += u32::try_from(message.devices.len()).unwrap();
            self.imported.lock().unwrap().push(message);
        }
        Ok(Response::new(pb::ImportDevicesResponse { device_count }))
    }

    async fn import_products(
        &self,
        request: Request<Streaming<pb::ImportProductsRequest>>,
    ) -> Result<Response<pb::ImportProductsResponse>, Status> {
        let mut messages = request.into_inner();
        let mut product_count = 0;
        while let Some(message) = messages.message().await? {
            product_count += u32::try_from(message.products.len()).unwrap();
            self.products.lock().unwrap().push(message);
        }
        Ok(Response::new(pb::ImportProductsResponse { product_count }))
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Result<Response<pb::ListProductsResponse>, Status> {
        let page = request.into_inner();
        let messages = self.products.lock().unwrap();
        let all = messages.iter().flat_map(|message| &message.products);
        let skip = page.page_token.parse().unwrap_or(0);
        let products = all
            .skip(skip)
            .take(usize::try_from(page.page_size).unwrap());
        Ok(Response::new(pb::ListProductsResponse {
            products: products.cloned().collect(),
            next_page_token: (skip + 1).to_string(),
        }))
    }

    async fn list_gateways(
        &self,
        request: Request<pb::ListGatewaysRequest>,
    ) -> Result<Response<pb::ListGatewaysResponse>, Status> {
        let last = request.into_inner().page_token == "more";
        let name = if last {
            "gateways/90-B3-D5-1F-30-04-00-00"
        } else {
            "gateways/90-B3-D5-1F-30-03-00-00"
        };
        let gateways = vec![pb::GatewayStatus {
            name: name.to_owned(),
            connected: true,
            change_time: Some(prost_types::Timestamp {
                seconds: 5,
                nanos: 7_000,
            }),
            attempt_count: 3,
            concurrency: 100,
            failure_count: 21,
            probe_time: None,
        }];
        Ok(Response::new(pb::ListGatewaysResponse {
            gateways,
            next_page_token: if last {
                String::new()
            } else {
                "more".to_owned()
            },
        }))
    }

    type GetDecisionLogStream =
        stream::Iter<std::vec::IntoIter<Result<pb::GetDecisionLogResponse, Status>>>;

    async fn get_decision_log(
        &self,
        request: Request<pb::GetDecisionLogRequest>,
    ) -> Result<Response<Self::GetDecisionLogStream>, Status> {
        let all = log_of(&request.into_inner());
        Ok(Response::new(stream::iter(all)))
    }

    type BackupStream = stream::Iter<std::vec::IntoIter<Result<pb::BackupResponse, Status>>>;

    async fn backup(
        &self,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let all = Self::backup_of(&request.into_inner());
        Ok(Response::new(stream::iter(all)))
    }

    async fn pause(
        &self,
        request: Request<pb::PauseRequest>,
    ) -> Result<Response<pb::PauseResponse>, Status> {
        let asked = request.into_inner();
        let pause = pb::PauseInForce {
            scope: asked.scope,
            stop: Some(pb::StopFigures {
                attempts: 50,
                failed: 11,
            }),
            since_time: None,
            by: USER.to_string(),
            ticket: asked.ticket,
            reason: asked.reason,
        };
        let pause = (!asked.validate_only).then_some(pause);
        Ok(Response::new(pb::PauseResponse { pause }))
    }

    async fn list_pauses(
        &self,
        _request: Request<pb::ListPausesRequest>,
    ) -> Result<Response<pb::ListPausesResponse>, Status> {
        let pauses = vec![pb::PauseInForce::default()];
        Ok(Response::new(pb::ListPausesResponse { pauses }))
    }

    async fn resume(
        &self,
        request: Request<pb::ResumeRequest>,
    ) -> Result<Response<pb::ResumeResponse>, Status> {
        let by = match request.into_inner().ticket.as_str() {
            "odd" => "nobody".to_owned(),
            _ => String::new(),
        };
        let pause = pb::PauseInForce {
            by,
            ..Default::default()
        };
        let pause = Some(pause);
        Ok(Response::new(pb::ResumeResponse { pause }))
    }

    async fn list_service_days(
        &self,
        request: Request<pb::ListServiceDaysRequest>,
    ) -> Result<Response<pb::ListServiceDaysResponse>, Status> {
        let last = !request.into_inner().page_token.is_empty();
        let next_page_token = if last {
            String::new()
        } else {
            "more".to_owned()
        };
        let service_days = vec![service_day(if last { "2026-03-28" } else { "2026-03-29" })];
        Ok(Response::new(pb::ListServiceDaysResponse {
            service_days,
            next_page_token,
        }))
    }

    async fn set_capacity(
        &self,
        request: Request<pb::SetCapacityRequest>,
    ) -> Result<Response<pb::SetCapacityResponse>, Status> {
        let request = request.into_inner();
        let over = pb::DayUnits {
            service_date: request.first_date,
            units: 12_000 - request.capacity.unwrap(),
        };
        let crowded = pb::CrowdedWindow {
            schedule: "users/90-B3-D5-1F-30-01-00-00/schedules/3".to_owned(),
            service_date: over.service_date.clone(),
            window: Some(pb::HourWindow {
                from_hour: 20,
                to_hour: 24,
            }),
            fits: 300,
            agreed: 400,
        };
        Ok(Response::new(pb::SetCapacityResponse {
            over_agreed: vec![over],
            crowded_windows: vec![crowded],
            kept_dates: vec!["2026-12-25".to_owned()],
        }))
    }

    async fn list_pending_actions(
        &self,
        _: Request<pb::ListPendingActionsRequest>,
    ) -> Result<Response<pb::ListPendingActionsResponse>, Status> {
        let waiting = action("actions/7", pb::pending_action::State::Waiting);
        Ok(Response::new(pb::ListPendingActionsResponse {
            actions: vec![waiting],
            next_page_token: String::new(),
        }))
    }

    async fn approve_action(
        &self,
        request: Request<pb::ApproveActionRequest>,
    ) -> Result<Response<pb::Schedule>, Status> {
        assert_eq!(request.into_inner().ticket, "INC-2");
        Ok(Response::new(pb::Schedule {
            name: schedule(),
            etag: "5".to_owned(),
            state: pb::schedule::State::Amended.into(),
            request: Some(pb::ScheduleRequest::default()),
            ..Default::default()
        }))
    }

    async fn decline_action(
        &self,
        request: Request<pb::DeclineActionRequest>,
    ) -> Result<Response<pb::PendingAction>, Status> {
        let name = request.into_inner().name;
        let declined = action(&name, pb::pending_action::State::Declined);
        Ok(Response::new(declined))
    }
}

fn schedule() -> String {
    format!("users/{USER}/schedules/3")
}

fn action(name: &str, state: pb::pending_action::State) -> pb::PendingAction {
    pb::PendingAction {
        name: name.to_owned(),
        state: state.into(),
        schedule: schedule(),
        step: Some(pb::ScheduleStep {
            act: pb::ScheduleAct::Impose.into(),
            signature: Some(pb::ScheduleSignature {
                by: pb::ScheduleParty::ServiceDesk.into(),
                ..Default::default()
            }),
            cause: pb::MoveCause::OverAgreed.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

impl Desk {
    fn backup_of(request: &pb::BackupRequest) -> Vec<Result<pb::BackupResponse, Status>> {
        let said = |kind| Ok(pb::BackupResponse { kind: Some(kind) });
        let file = |name: &str, bytes| pb::BackupFile {
            name: name.to_owned(),
            bytes,
        };
        let piece = |file_index, offset_bytes, data: &'static [u8]| {
            Kind::Piece(pb::BackupPiece {
                file_index,
                offset_bytes,
                data: data.into(),
            })
        };
        let mut all = vec![
            said(Kind::Plan(pb::BackupPlan {
                files: vec![file("journal-1.seg", 3), file("blocks-1.seg", 2)],
                head_seq: 7,
                head_chain: vec![9; 32].into(),
                backup_time: Some(prost_types::Timestamp {
                    seconds: 5,
                    nanos: 0,
                }),
                program_version: "0.1.0".to_owned(),
            })),
            said(piece(0, 0, b"ab")),
            said(piece(0, 2, b"c")),
        ];
        match request.bytes_per_second {
            // Two that go wrong.
            1 => all.push(said(Kind::End(pb::BackupEnd {}))),
            2 => {}
            _ => all.extend([said(piece(1, 0, b"de")), said(Kind::End(pb::BackupEnd {}))]),
        }
        all
    }
}

#[async_trait]
impl Reports for Desk {
    async fn get_capacity_report(
        &self,
        request: Request<pb::GetCapacityReportRequest>,
    ) -> Result<Response<pb::CapacityReport>, Status> {
        let request = request.into_inner();
        assert_eq!(request.last_service_date, "");
        let service_days = vec![service_day(&request.first_service_date)];
        Ok(Response::new(pb::CapacityReport {
            service_days,
            ..Default::default()
        }))
    }

    async fn get_fairness_report(
        &self,
        request: Request<pb::GetFairnessReportRequest>,
    ) -> Result<Response<pb::FairnessReport>, Status> {
        let request = request.into_inner();
        let of = |user: &str, ratio_ppm| pb::FairnessRow {
            user: user.to_owned(),
            ratio_ppm,
            ..Default::default()
        };
        let day = pb::FairnessDay {
            service_date: request.first_service_date,
            users: vec![of("", Some(9)), of(&request.parent, None)],
            ..Default::default()
        };
        Ok(Response::new(pb::FairnessReport {
            days: vec![day],
            earlier_days_left_out: true,
        }))
    }

    async fn get_trt_report(
        &self,
        request: Request<pb::GetTrtReportRequest>,
    ) -> Result<Response<pb::TrtReport>, Status> {
        let user = request.into_inner().parent;
        let row = pb::TrtRow {
            user,
            activation_count: 9,
            ended_within_trt: 8,
            ..Default::default()
        };
        Ok(Response::new(pb::TrtReport { rows: vec![row] }))
    }

    async fn get_success_report(
        &self,
        _: Request<pb::GetSuccessReportRequest>,
    ) -> Result<Response<pb::SuccessReport>, Status> {
        let row = pb::SuccessRow {
            user: "nobody".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(pb::SuccessReport { rows: vec![row] }))
    }
}

fn service_day(date: &str) -> pb::ServiceDay {
    pb::ServiceDay {
        name: format!("serviceDays/{date}"),
        service_date: date.to_owned(),
        capacity: 12_000,
        released: 11_999,
        ..Default::default()
    }
}

fn router(desk: Desk) -> impl FnOnce(Links) -> Router {
    move |_| {
        Server::builder()
            .add_service(OperationsServer::new(desk.clone()))
            .add_service(ReportsServer::new(desk))
    }
}

fn entry(number: u32, model: &str) -> DeviceEntry {
    DeviceEntry {
        device: Eui64::from_bits(u64::from(number)),
        user: USER,
        gateway: Eui64::from_bits(0x90B3_D51F_3003_0000),
        manufacturer: "Maker".to_owned(),
        model: model.to_owned(),
        hardware_version: 0x00AB,
        firmware_version: FirmwareVersion::new(0x0102_0304),
    }
}

#[tokio::test]
async fn an_inventory_goes_in_messages_below_one_mebibyte() {
    let desk = Desk::default();
    let (_peer, link) = serve(router(desk.clone())).await;
    let id = RequestId::fresh();
    let entries = (0..20_000).map(|number| entry(number, "Model of some length, thirty c."));
    let count = OperationsClient::new(&link)
        .import_devices(id, true, entries)
        .await
        .unwrap();
    assert_eq!(count, 20_000);

    let messages = desk.imported.lock().unwrap();
    assert_eq!(messages[0].request_id, id.to_string());
    assert!(messages[0].validate_only);
    assert!(messages.len() > 2);
    assert!(
        messages
            .iter()
            .all(|message| message.encoded_len() < 1024 * 1024)
    );
    let first = &messages[1].devices[0];
    assert_eq!(first.device, "00-00-00-00-00-00-00-00");
    assert_eq!(
        (
            first.hardware_version.as_str(),
            first.firmware_version.as_str()
        ),
        ("00AB", "01020304")
    );
}

fn product(number: u32) -> ProductEntry {
    ProductEntry {
        manufacturer: "Maker".to_owned(),
        model: "Model of some length, thirty c".to_owned(),
        hardware_versions: HardwareVersions { min: 1, max: 0xAB },
        firmware_version: FirmwareVersion::new(number),
        manufacturer_image_hash: ManufacturerImageHash::new([7; 32]),
        status: ProductStatus::Withdrawn,
        upgrade_from: vec![FirmwareVersion::new(0x0102_0304); 64],
        status_us: None,
    }
}

#[tokio::test]
async fn products_go_in_messages_below_one_mebibyte_and_come_back_as_they_went() {
    let desk = Desk::default();
    let (_peer, link) = serve(router(desk.clone())).await;
    let operations = OperationsClient::new(&link);
    let id = RequestId::fresh();
    let count = operations
        .import_products(id, true, (0..2_500).map(product))
        .await
        .unwrap();
    assert_eq!(count, 2_500);
    let messages = desk.products.lock().unwrap().clone();
    assert_eq!(messages[0].request_id, id.to_string());
    assert!(messages[0].validate_only);
    assert_eq!(messages.len(), 4);
    let lens = messages.iter().map(Message::encoded_len);
    assert!(lens.max() < Some(1024 * 1024));
    let wanted = PageRequest {
        size: 1,
        token: Some("7".to_owned()),
    };
    let page = operations.products(&wanted).await.unwrap();
    assert_eq!(page.items, [product(7)]);
    assert_eq!(page.next.as_deref(), Some("8"));
}

#[tokio::test]
async fn an_empty_inventory_is_one_message() {
    let desk = Desk::default();
    let (_peer, link) = serve(router(desk.clone())).await;
    let none = Vec::new();
    let count = OperationsClient::new(&link)
        .import_devices(RequestId::fresh(), false, none)
        .await;
    assert_eq!(count.unwrap(), 0);
    assert_eq!(desk.imported.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_arrives_with_its_details() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let entries = vec![entry(1, "right"), entry(2, "wrong")];
    let refused = OperationsClient::new(&link)
        .import_devices(RequestId::fresh(), false, entries)
        .await;
    let error = refused.unwrap_err();
    assert_eq!(
        (error.code(), error.reason()),
        (Some(Code::InvalidArgument), Some("DEVICE_INVALID"))
    );
    assert_eq!(
        error.refusal().unwrap().violations[0].subject,
        "devices[1].model"
    );
    assert_eq!(
        error.to_string(),
        "line 2 [INVALID_ARGUMENT DEVICE_INVALID; line 2; devices[1].model: is wrong]"
    );
}

#[tokio::test]
async fn gateways_and_service_days_are_listed_page_by_page() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let operations = OperationsClient::new(&link);
    let first = operations.gateways(&PageRequest::default()).await.unwrap();
    let gateway = &first.items[0];
    assert_eq!(gateway.gateway.to_string(), "90-B3-D5-1F-30-03-00-00");
    assert_eq!(gateway.change_us, Some(5_000_007));
    let wanted = PageRequest {
        size: 1,
        token: first.next,
    };
    let second = operations.gateways(&wanted).await.unwrap();
    assert_eq!(
        second.items[0].gateway.to_string(),
        "90-B3-D5-1F-30-04-00-00"
    );
    assert_eq!(second.next, None);

    let first = operations
        .service_days(&PageRequest::default())
        .await
        .unwrap();
    assert_eq!(first.items[0].service_date, "2026-03-29");
    let wanted = PageRequest {
        size: 1,
        token: first.next,
    };
    let second = operations.service_days(&wanted).await.unwrap();
    assert_eq!(second.items[0].service_date, "2026-03-28");
    assert_eq!(second.next, None);
}

fn signing() -> Signing {
    Signing {
        request_id: RequestId::fresh(),
        validate_only: false,
        reason: "a link is down".to_owned(),
        ticket: "INC-2".to_owned(),
    }
}

#[tokio::test]
async fn officers_set_capacity_and_answer_what_waits_for_a_second_one() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let operations = OperationsClient::new(&link);
    let set = SetCapacity {
        signing: signing(),
        first_date: "2026-03-29".to_owned(),
        one_day: true,
        capacity: Some(9_000),
        hour_profile: Vec::new(),
        clear: false,
    };
    let effect = operations.set_capacity(set).await.unwrap();
    let over = effect.over_agreed;
    assert_eq!(
        (over[0].service_date.as_str(), over[0].units),
        ("2026-03-29", 3_000)
    );
    let crowded = &effect.crowded_windows[0];
    assert_eq!((crowded.schedule.number, crowded.window), (3, (20, 24)));
    assert_eq!((crowded.fits, crowded.agreed), (300, 400));
    assert_eq!(effect.kept_dates, ["2026-12-25"]);

    let waiting = operations
        .pending_actions(false, &PageRequest::default())
        .await;
    let waiting = waiting.unwrap().items.remove(0);
    assert_eq!(
        (waiting.number, waiting.state.as_str()),
        (Some(7), "WAITING")
    );
    assert_eq!(waiting.step.act, "IMPOSE");
    assert_eq!(waiting.step.cause, Some(MoveCause::OverAgreed));

    let amended = operations.approve_action(7, signing()).await.unwrap();
    assert_eq!(
        (amended.etag.as_str(), amended.state.as_str()),
        ("5", "AMENDED")
    );
    let declined = operations.decline_action(7, signing()).await.unwrap();
    assert_eq!(
        (declined.number, declined.state.as_str()),
        (Some(7), "DECLINED")
    );
}

#[tokio::test]
async fn reports_are_read_and_nonsense_in_them_is_named() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let reports = ReportsClient::new(&link);
    let days = reports.capacity(Some("2026-03-29"), None).await.unwrap();
    assert_eq!((days[0].capacity, days[0].released), (12_000, 11_999));
    let rows = reports.trt(Some(USER)).await.unwrap();
    assert_eq!((rows[0].user, rows[0].ended_within_trt), (USER, 8));
    let query = ReportQuery {
        user: Some(USER),
        first: Some("2026-03-29".to_owned()),
        last: None,
    };
    let shared = reports.fairness(&query).await.unwrap();
    assert!(shared.earlier_days_left_out);
    let rows: Vec<_> = shared.days[0].users.iter().map(|it| it.user).collect();
    assert_eq!(rows, [None, Some(USER)]);
    let error = reports.success(None).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::BadAnswer(bad) if bad.field == "row.user"),
        "{error}"
    );
}

#[tokio::test]
async fn a_backup_comes_with_its_plan_and_every_byte() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let operations = OperationsClient::new(&link);
    let (plan, mut stream) = operations.backup(0).await.unwrap();
    assert_eq!((plan.head_seq, plan.head_chain), (7, [9; 32]));
    assert_eq!(plan.backup_us, Some(5_000_000));
    let mut files = vec![Vec::new(); plan.files.len()];
    while let Some(piece) = stream.next().await.unwrap() {
        files[piece.file_index].extend_from_slice(&piece.data);
    }
    assert_eq!(files, [b"abc".to_vec(), b"de".to_vec()]);
}

#[tokio::test]
async fn a_backup_that_lacks_something_is_not_taken_for_a_whole_one() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let operations = OperationsClient::new(&link);
    for bytes_per_second in [1, 2] {
        let (_, mut stream) = operations.backup(bytes_per_second).await.unwrap();
        for _ in 0..2 {
            stream.next().await.unwrap().unwrap();
        }
        assert!(stream.next().await.is_err(), "case {bytes_per_second}");
    }
}

#[tokio::test]
async fn a_pause_and_what_is_left_of_it_are_told() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let operations = OperationsClient::new(&link);
    let change = |ticket: &str, validate_only| ChangePause {
        request_id: RequestId::fresh(),
        validate_only,
        scope: PauseScope::Gateway(USER),
        ticket: ticket.to_owned(),
        reason: "as agreed".to_owned(),
    };
    let paused = operations.pause(change("INC-1", false)).await.unwrap();
    let paused = paused.expect("it is in force");
    assert_eq!((paused.by, paused.ticket.as_str()), (Some(USER), "INC-1"));
    assert_eq!(paused.scope, PauseScope::Gateway(USER));
    assert_eq!(
        paused.stop.map(|it| (it.attempts, it.failed)),
        Some((50, 11))
    );
    let pauses = operations.pauses().await.unwrap();
    assert_eq!(pauses[0].scope, PauseScope::All);
    assert_eq!(paused.reason, "as agreed");
    let validated = operations.pause(change("INC-1", true)).await.unwrap();
    assert_eq!(validated, None);
    let left = operations.resume(change("INC-1", true)).await.unwrap();
    assert_eq!(
        left.expect("it is still in force").by,
        None,
        "from a backup"
    );
    let error = operations.resume(change("odd", false)).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::BadAnswer(bad) if bad.field == "pause.by"),
        "{error}"
    );
}

/// Two decisions; where records are asked for, the second in two pieces.
fn log_of(asked: &pb::GetDecisionLogRequest) -> Vec<Result<pb::GetDecisionLogResponse, Status>> {
    use pb::get_decision_log_response::Kind;
    let chain = bytes::Bytes::from(vec![7; 32]);
    let mut kinds = vec![Kind::Start(pb::DecisionLogStart {
        oldest_seq: 1,
        first_seq: 1,
        chain_before: chain.clone(),
        ..Default::default()
    })];
    for seq in asked.first_seq.max(1)..=2 {
        kinds.push(Kind::Decision(pb::Decision {
            seq,
            kind: pb::decision::Kind::Pause.into(),
            by: USER.to_string(),
            chain: chain.clone(),
            ..Default::default()
        }));
        let pieces = [("a", seq == 2), ("b", false)];
        let pieces = pieces.into_iter().take(usize::try_from(seq).unwrap());
        let pieces = pieces.filter(|_| asked.with_records);
        kinds.extend(pieces.map(|(data, more)| {
            let data = data.into();
            Kind::Record(pb::RecordPiece { data, more })
        }));
    }
    if asked.newest != 999 {
        kinds.push(Kind::End(pb::DecisionLogEnd {
            chain,
            ..Default::default()
        }));
    }
    let all = kinds.into_iter().map(|kind| {
        let kind = Some(kind);
        Ok(pb::GetDecisionLogResponse { kind })
    });
    all.collect()
}

#[tokio::test]
async fn decisions_come_with_their_records_whole_and_a_log_without_end_is_broken() {
    let (_peer, link) = serve(router(Desk::default())).await;
    let client = OperationsClient::new(&link);
    let query = DecisionLogQuery {
        with_records: true,
        ..DecisionLogQuery::default()
    };
    let (_, mut stream) = client.decision_log(query).await.unwrap();
    let mut records = Vec::new();
    while let Some(decision) = stream.next().await.unwrap() {
        assert_eq!(decision.kind, DecisionKind::Pause);
        records.push(decision.record);
    }
    assert_eq!(records, ["a", "ab"]);
    assert!(stream.end().is_some());
    assert_eq!(stream.next().await.unwrap(), None);

    let cut = DecisionLogQuery {
        newest: 999,
        ..DecisionLogQuery::default()
    };
    let (_, mut stream) = client.decision_log(cut).await.unwrap();
    stream.next().await.unwrap();
    stream.next().await.unwrap();
    assert!(stream.next().await.is_err());
}
