//! `dco demo`: the whole way, in one process and under a minute.

mod fairness;
mod image;
mod inventory;
mod report;
mod story;
mod telling;
mod world;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use dco_block::limits;

use self::story::Story;
use self::world::World;
use crate::exit::{Answer, Failure};
use crate::output::Output;
use crate::{files, stop};

/// Show the whole way in under a minute, without any preparation
#[derive(Debug, Args)]
#[command(long_about = "\
Show the whole way in under a minute, without any preparation.

Starts the service on loopback with mutual TLS, its data in a temporary folder, and lets time run
faster. Two Users import Devices, send a large image in blocks and get the 11.1 Response. The
first sends batches up to its allowance of 500 and is refused at the 501st; the second competes.
Two simulated gateways take the image to simulated meters, block by block; some of these fail.
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
        let asked_to_stop = stop::asked()?;
        tokio::select! {
            shown = self.show(output) => shown,
            () = asked_to_stop => Err(Failure::failed("stopped before its end")),
            () = tokio::time::sleep(GIVE_UP_AFTER) => Err(Failure::internal(format!(
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
        // What ended the service says more than what its end did to its callers.
        world.stop().await?;
        let mut answer = told?;
        if self.keep.is_some() {
            write!(
                answer.text,
                "\n\nEverything is kept in {}",
                folder_path.display()
            )
            .expect("a String takes all that is written to it");
        }
        Ok(answer)
    }

    fn read(&self, path: &Path) -> Result<image::Source, Failure> {
        let bytes = files::read(path, u64::from(limits::IMAGE_BYTES_MAX))?;
        Ok(image::Source {
            name: path.display().to_string(),
            bytes,
        })
    }
}

fn new_folder(path: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir(path).map_err(|error| {
        Failure::data(format!(
            "cannot make the folder {}: {error}; name a new one",
            path.display()
        ))
    })?;
    std::path::absolute(path).map_err(Failure::data)
}
