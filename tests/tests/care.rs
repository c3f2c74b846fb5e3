//! What is kept is cared for: backup and restore, fsck, scrub, a full disk, snapshots, older folders.

mod backup;
mod fsck;
mod full_disk;
mod scrub;
mod starts;

use std::path::Path;

use dco_tests::{Ended, Scene, Settings, dco};

use crate::activation::quick;

/// The smallest segments that there are, so that some are sealed soon.
pub(crate) const SEGMENT_BYTES: i64 = 1024 * 1024;

/// As quick, with small segments.
pub(crate) fn small(settings: Settings) -> Settings {
    quick(settings)
        .with("store.block_segment_bytes", SEGMENT_BYTES)
        .with("store.journal_segment_bytes", SEGMENT_BYTES)
}

/// A command on this machine, which speaks with no service.
pub(crate) async fn here(args: &[&str], path: &Path) -> Ended {
    let path = path.to_str().expect("paths of tests are text");
    dco(args.iter().copied().chain([path, "--json"])).await
}

/// Takes a backup into a new folder of the site.
pub(crate) async fn back_up(scene: &Scene, name: &str) -> Ended {
    let folder = scene.site.path(name).display().to_string();
    scene.dco("operator1", &["backup", &folder]).await
}

/// Makes a data folder of a backup and lets the next service run on it.
pub(crate) async fn restore(scene: &mut Scene, backup: &str, data: &str) -> Ended {
    let [from, to] = [backup, data].map(|name| scene.site.path(name));
    let args = ["restore", from.to_str().expect("text")];
    let ended = here(&args, &to).await;
    let data_dir = to.display().to_string();
    scene
        .site
        .set(|settings| settings.with("data_dir", data_dir));
    ended
}
