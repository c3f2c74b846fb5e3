//! `dco send`: SRV 11.1, from a file to the 11.1 Response.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use dco_block::{Manifest, limits};
use dco_client::{
    ClientError, OpenTransfer, RequestId, RetryPolicy, SendOptions, Transfer, TransferName,
    TransferState, UserClient,
};
use indicatif::ProgressBar;

use crate::connect::AsUser;
use crate::device_list::{DEVICES_HELP, DeviceList};
use crate::exit::{Answer, Failure};
use crate::image::{self, Wrapping};
use crate::output::{Output, Unit};
use crate::show::{transfer_json, transfer_text};
use crate::{files, names};

/// Send an image in blocks (SRV 11.1) and wait for the 11.1 Response
#[derive(Debug, Args)]
#[command(long_about = "\
Send an image in blocks (SRV 11.1) and wait for the 11.1 Response.

A file that already is an OTA Upgrade Image is sent as it is. Any other file is made one with
--wrap: an OTA header is put before it and a signature after it. A block that the service has
acknowledged is on its disk. When the link breaks, sending goes on at the missing blocks; when
this program was stopped, start it again with --resume, or with the same --request-id.

Examples:
  dco send image.ota --devices devices.csv --as pki/user1
  dco send u-boot.bin --wrap pki/signer.key --firmware-version 0102000A \\
      --devices 00-DB-12-34-00-00-00-01,00-DB-12-34-00-00-00-02 --as pki/user1
  dco send image.ota --resume transfers/4 --as pki/user1

Exit code 1 when the image was not stored.")]
pub(crate) struct Send {
    /// The image
    file: PathBuf,
    #[arg(long, value_name = "FILE|EUI,EUI", required_unless_present = "resume", help = DEVICES_HELP)]
    devices: Option<DeviceList>,
    /// Length of every block but the last: 1024 to 1048576
    #[arg(long, value_name = "N", default_value_t = limits::BLOCK_BYTES_DEFAULT,
        value_parser = clap::value_parser!(u32)
            .range(i64::from(limits::BLOCK_BYTES_MIN)..=i64::from(limits::BLOCK_BYTES_MAX)))]
    block_bytes: u32,
    /// Streams side by side
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    streams: u8,
    /// The same id gives the same transfer; a new one when not given
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    /// Your own signed Service Request, kept with the transfer as it is
    #[arg(long, value_name = "FILE")]
    signed_request: Option<PathBuf>,
    /// The originator counter in its RequestID: above every one that was given before
    #[arg(long, value_name = "N")]
    originator_counter: Option<u64>,
    /// Go on with a transfer that was opened before
    #[arg(long, value_name = "TRANSFER", conflicts_with_all = ["devices", "request_id", "signed_request", "originator_counter", "validate_only"])]
    resume: Option<String>,
    /// Have everything checked and change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    wrapping: Wrapping,
    #[command(flatten)]
    caller: AsUser,
}

/// More than the service keeps of a signed request, so that it is the service that says so.
pub(crate) const SIGNED_REQUEST_BYTES_MAX: u64 = 3 * 1024 * 1024;

impl Send {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        let loaded = image::load(&self.file, &self.wrapping)?;
        if self.wrapping.wrap.is_some() && !loaded.wrapped {
            output.note("the file is an OTA Upgrade Image already; it is sent as it is");
        }
        let name = self.file.display().to_string();
        let manifest = image::manifest(&loaded.image, self.block_bytes, &name)?;
        // What is given is read before anybody is asked anything.
        let opening = self.open(manifest.clone())?;
        let client = self.caller.client().await?;
        let transfer = match &self.resume {
            Some(resume) => self.resumed(resume, &client, &manifest).await?,
            None => client.open_transfer(opening).await?,
        };
        let Some(name) = transfer.name else {
            return Ok(answer(&transfer));
        };
        if transfer.state == TransferState::Receiving {
            output.note(format!("{name}: sending {}", self.file.display()));
            let options = SendOptions {
                streams: self.streams.into(),
                ..SendOptions::default()
            };
            send(&client, name, &loaded.image, &options, output).await?;
        }
        let settled = client
            .watch_transfer(name, RetryPolicy::default())
            .settled()
            .await?;
        let stored = settled.state == TransferState::Stored;
        Ok(answer(&settled).failed_if(!stored))
    }

    /// The transfer to go on with; it must be of this very image, whatever its state.
    async fn resumed(
        &self,
        name: &str,
        client: &UserClient,
        manifest: &Manifest,
    ) -> Result<Transfer, Failure> {
        let transfer = client.transfer(names::parse(name, client.user())?).await?;
        let (given, expected) = (manifest.image_id(), transfer.manifest.image_id());
        if given != expected {
            return Err(ClientError::WrongImage { given, expected }.into());
        }
        Ok(transfer)
    }

    fn open(&self, manifest: Manifest) -> Result<OpenTransfer, Failure> {
        let devices = self
            .devices
            .as_ref()
            .map_or_else(|| Ok(Vec::new()), DeviceList::load)?;
        Ok(OpenTransfer {
            request_id: self.request_id.unwrap_or_else(RequestId::fresh),
            manifest,
            devices,
            signed_request: signed_request(self.signed_request.as_ref())?,
            originator_counter: self.originator_counter,
            validate_only: self.validate_only,
        })
    }
}

/// The octets of `--signed-request`; none when it is not given.
pub(crate) fn signed_request(path: Option<&PathBuf>) -> Result<Bytes, Failure> {
    path.map_or_else(
        || Ok(Bytes::new()),
        |path| files::read(path, SIGNED_REQUEST_BYTES_MAX),
    )
}

/// Sends the blocks that are missing, under a bar that counts durable bytes.
pub(crate) async fn send(
    client: &UserClient,
    name: TransferName,
    image: &Bytes,
    options: &SendOptions,
    output: Output,
) -> Result<Transfer, Failure> {
    let total = image.len() as u64;
    let bar = output.bar("stored", total, Unit::Bytes);
    let sent = client
        .send_image(name, image, options, &mut |progress| {
            let held = total * u64::from(progress.blocks_held);
            bar.set_position(held / u64::from(progress.block_count.max(1)));
            if progress.waits_for_room {
                output.note("the service's disk is full; waiting for room");
            }
        })
        .await;
    ProgressBar::finish_and_clear(&bar);
    Ok(sent?)
}

fn answer(transfer: &Transfer) -> Answer {
    Answer::new(transfer_text(transfer), transfer_json(transfer))
}
