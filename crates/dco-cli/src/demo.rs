//! `dco demo`: the whole way, in one process and under a minute.

mod image;
mod inventory;
mod report;
mod story;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dco_block::limits;

use self::story::Story;
use self::world::World;
use crate::exit::{Answer, Failure};
use crate::files;
use crate::output::Output;

/// Show the whole way in under a minute, without any preparation
#[derive(Debug, Args)]
#[command(long_about = "\
Show the whole way in under a minute, without any preparation.

Starts the service on loopback with mutual TLS, its data in a temporary folder, and lets time run \
faster. Two Users import Devices, send a large image in blocks and get the 11.1 Response. The \
first sends batches up to its allowance of 500 and is refused at the 501st; the second competes. \
Two simulated gateways take the image to simulated meters, block by block; some of these fail. \
The days after, the first User sends the rest. At the end stands a report.

Examples:
  dco demo
  dco demo --image u-boot.bin
  dco demo --json | tail -1")]
pub(crate) struct Demo {
    /// Any file: an OTA Upgrade Image is taken as it is, any other is wrapped and signed
    ///
    /// An image of 1.5 MB is generated when not given.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Keep everything (certificates, configuration, journal and blocks) in this new folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A demonstration that has not come to its end by then does not come to it any more.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);

impl Demo {
    pub(crate) async fn run(self, output: Output) -> Result<Answer, Failure> {
        match tokio::time::timeout(GIVE_UP_AFTER, self.show(output)).await {
            Ok(shown) => shown,
            Err(_) => Err(Failure::internal(format!(
                "the demonstration did not end within {} s; this machine is too slow, \
                 or something is wrong: run it with RUST_LOG=info",
                GIVE_UP_AFTER.as_secs()
            ))),
        }
    }

    async fn show(self, output: Output) -> Result<Answer, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::internal)?;
        let folder_path = match &self.keep {
            Some(keep) => new_folder(keep)?,
            None => folder.path().to_owned(),
        };
        let file = self
            .image
            .as_ref()
            .map(|path| self.read(path))
            .transpose()?;
        let world = World::start(&folder_path, file, output).await?;
        let told = Story::new(&world, output).tell().await;
        let stopped = world.stop().await;
        let answer = told?;
        stopped?;
        if self.keep.is_some() {
            output.note(format!("everything is kept in {}", folder_path.display()));
        }
        Ok(answer)
    }

    fn read(&self, path: &std::path::Path) -> Result<image::Source, Failure> {
        let bytes = files::read(path, u64::from(limits::IMAGE_BYTES_MAX))?;
        Ok(image::Source {
            name: path.display().to_string(),
            bytes,
        })
    }
}

fn new_folder(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir(path).map_err(|error| {
        Failure::data(format!(
            "cannot make the folder {}: {error}; name a new one",
            path.display()
        ))
    })?;
    std::path::absolute(path).map_err(Failure::data)
}
