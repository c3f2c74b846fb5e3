//! What the disk itself can do with the same bytes: one writer, large writes, few syncs.

use std::io;
use std::time::Duration;

use dco_store::Disk;

use crate::stopwatch::Stopwatch;

const WRITE_BYTES: usize = 1024 * 1024;
const SYNC_EVERY_BYTES: usize = 8 * WRITE_BYTES;

/// Writes `bytes` to a preallocated file, 1 MiB at a time, with a sync every 8 MiB; answers how long that took.
pub(crate) fn write_bare(disk: &dyn Disk, name: &str, bytes: u64) -> io::Result<Duration> {
    disk.create(name, bytes)?;
    disk.sync_folder()?;
    let buffer = vec![0x5A; WRITE_BYTES];
    let stopwatch = Stopwatch::start();
    let mut offset = 0;
    let mut unsynced = 0;
    while offset < bytes {
        let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
        let part = &buffer[..left.min(WRITE_BYTES)];
        disk.write_at(name, offset, &[part])?;
        offset += u64::try_from(part.len()).unwrap_or(u64::MAX);
        unsynced += part.len();
        if unsynced >= SYNC_EVERY_BYTES {
            disk.sync_data(name)?;
            unsynced = 0;
        }
    }
    disk.sync_data(name)?;
    let took = stopwatch.elapsed();
    disk.remove(name)?;
    Ok(took)
}

/// The median time of a bare sync after so many bytes, over `rounds`.
pub(crate) fn sync_times(
    disk: &dyn Disk,
    name: &str,
    group_bytes: usize,
    rounds: u32,
) -> io::Result<Vec<f64>> {
    let buffer = vec![0xA5; group_bytes];
    disk.create(name, u64::try_from(group_bytes).unwrap_or(u64::MAX))?;
    disk.sync_folder()?;
    let mut times_us = Vec::new();
    for _ in 0..rounds {
        let stopwatch = Stopwatch::start();
        disk.write_at(name, 0, &[&buffer])?;
        disk.sync_data(name)?;
        times_us.push(stopwatch.elapsed().as_secs_f64() * 1e6);
    }
    disk.remove(name)?;
    Ok(times_us)
}
