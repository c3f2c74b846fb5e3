//! `dco activate`: SRV 11.3.

use std::path::PathBuf;

use clap::Args;
use dco_block::{ManufacturerImageHash, OtaImage, limits};
use dco_client::{RequestId, SubmitBatch};
use dco_schedule::{Micros, ServiceDate};

use crate::commands::send::signed_request;
use crate::commands::watch;
use crate::connect::AsUser;
use crate::device_list::{DEVICES_HELP, DeviceList};
use crate::exit::{Answer, Failure};
use crate::output::Output;
use crate::show::{batch_json, batch_text};
use crate::{files, image, when};

/// Send a batch of Devices that shall activate an image (SRV 11.3)
#[derive(Debug, Args)]
#[command(long_about = "\
Send a batch of Devices that shall activate an image (SRV 11.3).

The image must be stored for these Devices before. It is named by its Manufacturer Image Hash,
or by the file it was made of. The batch is taken as a whole or not at all; the answer says when
its last release and its completion are expected. Without a delivery schedule a User may send
500 large images for one service day. With --at the image is delivered ahead and each Device
activates it at that time; until then `dco cancel` can call it back. With --canary the first Devices
must succeed before the others follow; when one of them is given up the batch is paused until the
Service Desk resumes it or you cancel it. With both, the first activate it at that time; the others
are released when these have succeeded, and activate it at once. When that will be is in no prediction.

Examples:
  dco activate --image image.ota --devices devices.csv --as pki/user1
  dco activate --image image.ota --devices more.csv --date 2026-03-29 --watch --as pki/user1
  dco activate --image image.ota --devices d.csv --at 2026-03-30T02:00:00Z --as pki/user1
  dco activate --image image.ota --devices d.csv --canary 5 --as pki/user1

With --watch, exit code 1 when an activation failed or was cancelled.")]
pub(crate) struct Activate {
    /// The image: its Manufacturer Image Hash (64 hex digits), or the file that was sent
    #[arg(long, value_name = "HASH|FILE")]
    image: String,
    #[arg(long, value_name = "FILE|EUI,EUI", help = DEVICES_HELP)]
    devices: DeviceList,
    /// The service day it is sent for; the day it is accepted when not given
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = when::parse_date)]
    date: Option<ServiceDate>,
    /// When Devices are to activate it (RFC 3339, or a service day's start); the image is delivered ahead
    #[arg(long, value_name = "TIME", value_parser = when::parse_instant)]
    at: Option<Micros>,
    /// So many of the Devices, the first of the list, must succeed before the others are released
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    canary: u32,
    /// Stay until every activation has reached its end
    #[arg(long, conflicts_with = "validate_only")]
    watch: bool,
    /// The same id gives the same batch; a new one when not given
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    /// Your own signed Service Request, kept with the batch as it is
    #[arg(long, value_name = "FILE")]
    signed_request: Option<PathBuf>,
    /// The originator counter in its RequestID: above every one that was given before
    #[arg(long, value_name = "N")]
    originator_counter: Option<u64>,
    /// Have everything checked and change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    caller: AsUser,
}

impl Activate {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let submit = SubmitBatch {
            request_id: self.request_id.unwrap_or_else(RequestId::fresh),
            manufacturer_image_hash: image_hash(&self.image)?,
            devices: self.devices.load()?,
            service_date: self.date.map(|date| date.to_string()),
            execute_us: self.at,
            canary: self.canary,
            signed_request: signed_request(self.signed_request.as_ref())?,
            originator_counter: self.originator_counter,
            validate_only: self.validate_only,
        };
        let client = self.caller.client().await?;
        let batch = client.submit_batch(submit).await?;
        match batch.name {
            Some(name) if self.watch => {
                output.note(batch_text(&batch));
                watch::batch(&client, name, 0, output).await
            }
            _ => Ok(Answer::new(batch_text(&batch), batch_json(&batch))),
        }
    }
}

/// The hash itself, or that of a file: of the Manufacturer Image in it, or of all of it where it
/// is no OTA Upgrade Image, because `dco send --wrap` makes the whole file the Manufacturer Image.
pub(crate) fn image_hash(image: &str) -> Result<ManufacturerImageHash, Failure> {
    if let Ok(hash) = image.parse() {
        return Ok(hash);
    }
    let file = files::read(image.as_ref(), u64::from(limits::IMAGE_BYTES_MAX))?;
    if !image::is_ota(&file) {
        return Ok(ManufacturerImageHash::of(&file));
    }
    let ota = OtaImage::parse(&file).map_err(|why| Failure::data(format!("{image}: {why}")))?;
    Ok(ota.manufacturer_image_hash())
}

#[cfg(test)]
mod tests {
    use dco_block::FirmwareVersion;

    use super::*;

    #[test]
    fn an_image_is_named_by_its_hash_its_file_or_the_file_it_was_made_of() {
        let expected = ManufacturerImageHash::of(b"firmware");
        assert_eq!(image_hash(&expected.to_string()).unwrap(), expected);
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("firmware.bin");
        files::write_new(&plain, b"firmware").unwrap();
        assert_eq!(image_hash(plain.to_str().unwrap()).unwrap(), expected);
        let header = image::header(FirmwareVersion::new(1), "firmware", image::ANY_HARDWARE);
        let ota = dir.path().join("firmware.ota");
        files::write_new(&ota, &dco_block::wrap(header, b"firmware", &[7; 64])).unwrap();
        assert_eq!(image_hash(ota.to_str().unwrap()).unwrap(), expected);
    }

    #[test]
    fn an_image_cut_short_and_an_absent_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let short = dir.path().join("short.ota");
        files::write_new(&short, &[0x1E, 0xF1, 0xEE, 0x0B]).unwrap();
        assert!(
            image_hash(short.to_str().unwrap())
                .unwrap_err()
                .message
                .contains("short.ota: ")
        );
        assert!(
            image_hash("abc123")
                .unwrap_err()
                .message
                .contains("no such file")
        );
    }
}
