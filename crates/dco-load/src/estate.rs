//! The Devices of a load, and how they come into the service.

use dco_block::{Eui64, FirmwareVersion, Manifest};
use dco_client::{
    DeviceEntry, OpenTransfer, RequestId, RetryPolicy, SendOptions, Transfer, TransferName,
    TransferState, UserClient,
};

use crate::series::Made;
use crate::{LoadError, Target};

/// Where the Devices of a load begin: a range that no manufacturer has.
const DEVICES: u64 = 0x00DB_10AD_0000_0000;
/// What all of them run at first; images are of a later version.
const VERSION: FirmwareVersion = FirmwareVersion::new(0x0101_0000);

/// So many Devices for each User, behind all gateways in turn; of any gateway where none is to be connected.
///
/// The first index is the User's.
pub(crate) async fn install(target: &Target, per_user: u32) -> Result<Vec<Vec<Eui64>>, LoadError> {
    let mut devices = Vec::new();
    let mut entries = Vec::new();
    let gateways: Vec<Eui64> = target.gateways.iter().map(|it| it.eui64).collect();
    for (user, number) in target.users.iter().zip(0_u64..) {
        let first = DEVICES + number * u64::from(per_user);
        let own = first..first + u64::from(per_user);
        let own: Vec<Eui64> = own.map(Eui64::from_bits).collect();
        for (at, &device) in own.iter().enumerate() {
            let gateway = gateways.get(at % gateways.len().max(1));
            entries.push(DeviceEntry {
                device,
                user: user.eui64,
                gateway: gateway.copied().unwrap_or(target.operator.eui64),
                manufacturer: "Load".to_owned(),
                model: "L-1".to_owned(),
                hardware_version: 0x0100,
                firmware_version: VERSION,
            });
        }
        devices.push(own);
    }
    let operator = target.operator().await?;
    operator
        .import_devices(RequestId::fresh(), false, entries)
        .await?;
    Ok(devices)
}

/// What opens a transfer of an image for these Devices.
pub(crate) fn opening(manifest: &Manifest, devices: Vec<Eui64>) -> OpenTransfer {
    OpenTransfer {
        request_id: RequestId::fresh(),
        manifest: manifest.clone(),
        devices,
        signed_request: bytes::Bytes::new(),
        originator_counter: None,
        validate_only: false,
    }
}

/// The name of what has just been opened.
pub(crate) fn name_of(transfer: &Transfer) -> Result<TransferName, LoadError> {
    transfer
        .name
        .ok_or_else(|| LoadError::wrong("a transfer was opened and has no name"))
}

/// Demands the 11.1 Response that stores the image.
pub(crate) fn expect_stored(transfer: &Transfer) -> Result<(), LoadError> {
    if transfer.state == TransferState::Stored {
        return Ok(());
    }
    let response = transfer.response.as_ref();
    let why = response.map_or("no 11.1 Response", |it| it.message.as_str());
    Err(LoadError::wrong(format!(
        "an image ended as {} instead of STORED: {why}",
        transfer.state
    )))
}

/// Has a User's image stored for Devices.
pub(crate) async fn store(
    user: &UserClient,
    made: &Made,
    devices: Vec<Eui64>,
) -> Result<(), LoadError> {
    let opened = user.open_transfer(opening(&made.manifest, devices)).await?;
    let name = name_of(&opened)?;
    user.send_cut_image(name, &made.cut, &SendOptions::default(), &mut |_| ())
        .await?;
    let settled = user.watch_transfer(name, RetryPolicy::default()).settled();
    expect_stored(&settled.await?)
}
