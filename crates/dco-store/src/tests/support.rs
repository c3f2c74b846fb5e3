use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use dco_block::{
    Block, FirmwareVersion, ImageId, Manifest, ManifestParts, ManufacturerImageHash, OtaHeader,
    RawBlock,
};

use crate::{
    BlockLog, Disk, Fate, MemDisk, Opened, Options, StoreError, Unsynced, open, records_only,
};

/// Segments so small that every test crosses their borders.
pub(super) const SMALL: Options = Options {
    block_segment_bytes: 4096,
    journal_segment_bytes: 700,
    reserve_bytes: 0,
    commit_bytes_max: 4096,
    queue_bytes_max: 16 * 1024,
    compaction_pause: Duration::from_millis(20),
    record_format: 0,
    salt: 0x00C0_FFEE,
};

/// Opens a disk and collects what is replayed.
pub(super) fn open_small(disk: &MemDisk) -> Result<(Opened, Vec<Vec<u8>>), StoreError> {
    open_with(Arc::new(disk.clone()), SMALL)
}

pub(super) fn open_with(
    disk: Arc<dyn Disk>,
    options: Options,
) -> Result<(Opened, Vec<Vec<u8>>), StoreError> {
    let mut replayed = Vec::new();
    let mut replay = records_only(|seq, record| {
        replayed.push(record.to_vec());
        assert_eq!(seq, replayed.len() as u64, "numbers are without gaps");
        Ok(())
    });
    let opened = open(disk, options, &mut replay)?;
    drop(replay);
    Ok((opened, replayed))
}

/// A checked block with these bytes. Its manifest is that of an image in which it is the last
/// block, or any one if it has the full kibibyte.
pub(super) fn block(index: u32, data: impl Into<Bytes>) -> Block {
    let data = data.into();
    let bytes = u32::try_from(data.len()).unwrap();
    let image_bytes = (index * 1024 + bytes).max(100);
    let header = OtaHeader {
        manufacturer_code: 0,
        image_type: 0,
        file_version: FirmwareVersion::new(1),
        stack_version: 2,
        header_string: [0; 32],
        total_image_bytes: image_bytes,
        security_credential_version: None,
        upgrade_file_destination: None,
        hardware_versions: None,
    };
    let manifest = Manifest::new(ManifestParts {
        image_id: ImageId::new([0; 32]),
        image_bytes,
        block_bytes: 1024,
        manufacturer_image_hash: ManufacturerImageHash::new([0; 32]),
        firmware_version: header.file_version,
        ota_header: header.encode().into(),
    });
    RawBlock::new(index, data)
        .verify(&manifest.unwrap())
        .unwrap()
}

/// Bytes that differ with each argument.
pub(super) fn pattern(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..bytes).map(|_| random.next().to_le_bytes()[3]).collect()
}

/// Everything a block log says it holds, read back.
pub(super) fn contents(log: &BlockLog) -> Result<BTreeMap<(u64, u32), Bytes>, StoreError> {
    let reader = log.reader();
    log.held()
        .map(|held| {
            let bytes = reader.read(held.owner, held.index)?;
            assert_eq!(crc32fast::hash(&bytes), held.crc32);
            Ok(((held.owner, held.index), bytes))
        })
        .collect()
}

/// A small generator of numbers, the same on every run (xorshift).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Ways in which a crash treats what was not synced: lost, kept, torn at several lengths, kept
/// out of order, by chance, and still in the memory of a machine that runs on.
pub(super) fn crashes(disk: &MemDisk) -> Vec<MemDisk> {
    let mut survivors = vec![disk.crash(|_| Fate::Lost), disk.crash(|_| Fate::Kept)];
    for torn in [1, 7, 60, 64, 65, 128, 300, 511] {
        survivors.push(disk.crash(torn_once(torn)));
    }
    for parity in 0..2 {
        let mut count = 0;
        survivors.push(disk.crash(|_| {
            count += 1;
            if count % 2 == parity {
                Fate::Kept
            } else {
                Fate::Lost
            }
        }));
    }
    survivors.extend((1..6).map(|seed| disk.crash(by_chance(seed))));
    // Only the process ended: all that was written can be read, durable or not.
    survivors.push(disk.restart());
    survivors
}

/// Keeps names, lengths and the first `torn` bytes of the first write; loses the rest.
fn torn_once(torn: usize) -> impl FnMut(&Unsynced<'_>) -> Fate {
    let mut left = torn;
    move |unsynced| match unsynced {
        Unsynced::Sector { bytes, .. } => {
            let kept = left.min(*bytes);
            left -= kept;
            Fate::Torn { bytes: kept }
        }
        _ => Fate::Kept,
    }
}

pub(super) fn by_chance(seed: u64) -> impl FnMut(&Unsynced<'_>) -> Fate {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    move |_| match random.next() % 5 {
        0 | 1 => Fate::Lost,
        2 | 3 => Fate::Kept,
        _ => Fate::Torn {
            bytes: usize::try_from(random.next() % 512).unwrap(),
        },
    }
}
