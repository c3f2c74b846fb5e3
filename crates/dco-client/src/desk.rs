//! What operators, the Service Desk and auditors ask for.

use dco_proto::v1 as pb;
use dco_proto::v1::operations_client::OperationsClient as WireOperations;
use futures::{Stream, stream};
use tonic::transport::Channel;

use crate::convert::{all, page, page_parts};
use crate::types::{
    CapacityEffect, ChangePause, DeviceEntry, GatewayStatus, Page, PageRequest, Pause,
    PendingAction, ProductEntry, SaidWhy, Schedule, ServiceDay, SetCapacity, Signing,
};
use crate::{ClientError, Link, RequestId};

/// Octets of inventory that go into one message; far below the 4 MiB that a server takes.
const IMPORT_MESSAGE_BYTES: usize = 512 * 1024;

/// Octets that an entry takes on the wire besides its texts of free length: three EUI-64s, two versions, tags and lengths.
const IMPORT_ENTRY_BYTES: usize = 128;

/// An operator's way to the DCO. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OperationsClient {
    client: WireOperations<Channel>,
}

impl OperationsClient {
    /// An operator who speaks over this link.
    pub fn new(link: &Link) -> Self {
        Self {
            client: WireOperations::new(link.channel()),
        }
    }

    pub(crate) fn wire(&self) -> WireOperations<Channel> {
        self.client.clone()
    }

    /// Replaces the inventory entries of the Devices named and gives how many there are; all or nothing. The entries are drawn as
    /// they are sent. With `validate_only` all is checked and nothing changed.
    pub async fn import_devices(
        &self,
        request_id: RequestId,
        validate_only: bool,
        entries: impl IntoIterator<Item = DeviceEntry, IntoIter: Send + 'static>,
    ) -> Result<u32, ClientError> {
        self.import_devices_because(request_id, validate_only, SaidWhy::default(), entries)
            .await
    }

    /// The same, with a ticket and a reason for the decision log.
    pub async fn import_devices_because(
        &self,
        request_id: RequestId,
        validate_only: bool,
        why: SaidWhy,
        entries: impl IntoIterator<Item = DeviceEntry, IntoIter: Send + 'static>,
    ) -> Result<u32, ClientError> {
        let first = pb::ImportDevicesRequest {
            request_id: request_id.to_string(),
            validate_only,
            devices: Vec::new(),
            ticket: why.ticket,
            reason: why.reason,
        };
        let requests = import_requests(first, entries.into_iter());
        let answer = self.client.clone().import_devices(requests).await?;
        Ok(answer.into_inner().device_count)
    }

    /// Replaces what the Central Products List says of each manufacturer, model and firmware version named and gives how many
    /// entries there were; all or nothing. With `validate_only` all is checked and nothing changed.
    pub async fn import_products(
        &self,
        request_id: RequestId,
        validate_only: bool,
        entries: impl IntoIterator<Item = ProductEntry, IntoIter: Send + 'static>,
    ) -> Result<u32, ClientError> {
        self.import_products_because(request_id, validate_only, SaidWhy::default(), entries)
            .await
    }

    /// The same, with a ticket and a reason for the decision log.
    pub async fn import_products_because(
        &self,
        request_id: RequestId,
        validate_only: bool,
        why: SaidWhy,
        entries: impl IntoIterator<Item = ProductEntry, IntoIter: Send + 'static>,
    ) -> Result<u32, ClientError> {
        let first = pb::ImportProductsRequest {
            request_id: request_id.to_string(),
            validate_only,
            products: Vec::new(),
            ticket: why.ticket,
            reason: why.reason,
        };
        let requests = product_requests(first, entries.into_iter());
        let answer = self.client.clone().import_products(requests).await?;
        Ok(answer.into_inner().product_count)
    }

    /// The Central Products List as it is now, by manufacturer, model, firmware version and hardware version.
    pub async fn products(&self, wanted: &PageRequest) -> Result<Page<ProductEntry>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListProductsRequest {
            page_size,
            page_token,
        };
        let answer = self.client.clone().list_products(request).await?;
        let answer = answer.into_inner();
        Ok(page(answer.products, answer.next_page_token)?)
    }

    /// Every gateway that has been seen, by EUI-64. One that is registered and has never connected is not among them.
    pub async fn gateways(&self, wanted: &PageRequest) -> Result<Page<GatewayStatus>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListGatewaysRequest {
            page_size,
            page_token,
        };
        let answer = self
            .client
            .clone()
            .list_gateways(request)
            .await?
            .into_inner();
        Ok(page(answer.gateways, answer.next_page_token)?)
    }

    /// Every pause in force, of all releases first.
    pub async fn pauses(&self) -> Result<Vec<Pause>, ClientError> {
        let request = pb::ListPausesRequest {};
        let answer = self.client.clone().list_pauses(request).await?;
        Ok(all(answer.into_inner().pauses)?)
    }

    /// Releases nothing of a scope any more, from now on; gives the pause in force, none when it only validates.
    pub async fn pause(&self, change: ChangePause) -> Result<Option<Pause>, ClientError> {
        let request = pb::PauseRequest {
            request_id: change.request_id.to_string(),
            validate_only: change.validate_only,
            scope: Some(change.scope.into()),
            ticket: change.ticket,
            reason: change.reason,
        };
        let answer = self.client.clone().pause(request).await?.into_inner();
        Ok(answer.pause.map(Pause::try_from).transpose()?)
    }

    /// Releases again; gives the pause that is still in force, when it only validates.
    pub async fn resume(&self, change: ChangePause) -> Result<Option<Pause>, ClientError> {
        let request = pb::ResumeRequest {
            request_id: change.request_id.to_string(),
            validate_only: change.validate_only,
            scope: Some(change.scope.into()),
            ticket: change.ticket,
            reason: change.reason,
        };
        let answer = self.client.clone().resume(request).await?.into_inner();
        Ok(answer.pause.map(Pause::try_from).transpose()?)
    }

    /// Service days with capacity and use, newest first.
    pub async fn service_days(
        &self,
        wanted: &PageRequest,
    ) -> Result<Page<ServiceDay>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListServiceDaysRequest {
            page_size,
            page_token,
        };
        let answer = self
            .client
            .clone()
            .list_service_days(request)
            .await?
            .into_inner();
        Ok(page(answer.service_days, answer.next_page_token)?)
    }
}

/// For officers of the Service Desk.
impl OperationsClient {
    /// Sets capacity, hour profile or both; gives what that leaves with too much agreed: service days, and windows of schedules.
    pub async fn set_capacity(&self, set: SetCapacity) -> Result<CapacityEffect, ClientError> {
        let request = pb::SetCapacityRequest {
            request_id: set.signing.request_id.to_string(),
            validate_only: set.signing.validate_only,
            ticket: set.signing.ticket,
            reason: set.signing.reason,
            first_date: set.first_date,
            one_day: set.one_day,
            capacity: set.capacity,
            hour_profile: set.hour_profile,
            clear: set.clear,
        };
        let answer = self.client.clone().set_capacity(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// Acts that wait for a second officer, oldest first; with `settled` those as well that do not wait any more.
    pub async fn pending_actions(
        &self,
        settled: bool,
        wanted: &PageRequest,
    ) -> Result<Page<PendingAction>, ClientError> {
        let (page_size, page_token) = page_parts(wanted);
        let request = pb::ListPendingActionsRequest {
            page_size,
            page_token,
            settled,
        };
        let answer = self.client.clone().list_pending_actions(request).await?;
        let answer = answer.into_inner();
        Ok(page(answer.actions, answer.next_page_token)?)
    }

    /// Another officer than the one who asked approves; gives the schedule as it is then.
    pub async fn approve_action(
        &self,
        action: u64,
        signing: Signing,
    ) -> Result<Schedule, ClientError> {
        let request = pb::ApproveActionRequest {
            name: format!("actions/{action}"),
            request_id: signing.request_id.to_string(),
            validate_only: signing.validate_only,
            ticket: signing.ticket,
            reason: signing.reason,
        };
        let answer = self.client.clone().approve_action(request).await?;
        Ok(answer.into_inner().try_into()?)
    }

    /// An officer says no.
    pub async fn decline_action(
        &self,
        action: u64,
        signing: Signing,
    ) -> Result<PendingAction, ClientError> {
        let request = pb::DeclineActionRequest {
            name: format!("actions/{action}"),
            request_id: signing.request_id.to_string(),
            validate_only: signing.validate_only,
            ticket: signing.ticket,
            reason: signing.reason,
        };
        let answer = self.client.clone().decline_action(request).await?;
        Ok(answer.into_inner().try_into()?)
    }
}

/// Entries of the Central Products List in one message: with the longest pathways below 1 MiB.
const PRODUCTS_IN_MESSAGE: usize = 1_000;

/// The request id at once, then the entries in messages of bounded size.
fn product_requests(
    first: pb::ImportProductsRequest,
    entries: impl Iterator<Item = ProductEntry> + Send + 'static,
) -> impl Stream<Item = pb::ImportProductsRequest> + Send + 'static {
    let mut entries = entries.map(pb::ProductEntry::from);
    let rest = std::iter::from_fn(move || {
        let products: Vec<_> = entries.by_ref().take(PRODUCTS_IN_MESSAGE).collect();
        (!products.is_empty()).then(|| pb::ImportProductsRequest {
            products,
            ..Default::default()
        })
    });
    stream::iter(std::iter::once(first).chain(rest))
}

/// The request id at once, then the entries in messages of bounded size.
fn import_requests(
    first: pb::ImportDevicesRequest,
    entries: impl Iterator<Item = DeviceEntry> + Send + 'static,
) -> impl Stream<Item = pb::ImportDevicesRequest> + Send + 'static {
    let mut entries = entries.peekable();
    let rest = std::iter::from_fn(move || {
        entries.peek()?;
        let mut devices = Vec::new();
        let mut message_bytes = 0;
        while message_bytes < IMPORT_MESSAGE_BYTES
            && let Some(entry) = entries.next()
        {
            message_bytes += IMPORT_ENTRY_BYTES + entry.manufacturer.len() + entry.model.len();
            devices.push(entry.into());
        }
        Some(pb::ImportDevicesRequest {
            devices,
            ..Default::default()
        })
    });
    stream::iter(std::iter::once(first).chain(rest))
}
