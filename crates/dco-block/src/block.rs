use bytes::Bytes;

use crate::Manifest;

/// A block as it arrived: nothing about it has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBlock {
    /// Where it stands in the image, counted from 0.
    pub index: u32,
    /// What its sender says its CRC-32 is.
    pub crc32: u32,
    /// Its bytes.
    pub data: Bytes,
}

/// A block that belongs to its image: the index exists, the length is right for it and the bytes
/// have their CRC-32. Only [`RawBlock::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    index: u32,
    crc32: u32,
    data: Bytes,
}

/// Why a block was refused. The faults are looked for in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectBlock {
    #[error(
        "block {index} is past the end of the image, which has {block_count} blocks counted from 0"
    )]
    OutOfRange { index: u32, block_count: u32 },
    #[error(
        "block {index} must have {expected_bytes} bytes and has {actual_bytes}; \
         all blocks but the last have the transfer's block size, and none is padded"
    )]
    LengthInvalid {
        index: u32,
        expected_bytes: u32,
        actual_bytes: usize,
    },
    #[error(
        "block {index} was declared with CRC-32 {declared_crc32:08x} \
         and its bytes have {computed_crc32:08x}; send it again"
    )]
    DigestMismatch {
        index: u32,
        declared_crc32: u32,
        computed_crc32: u32,
    },
}

impl RawBlock {
    /// The block at `index` with these bytes and their CRC-32, as a sender makes it.
    pub fn new(index: u32, data: Bytes) -> Self {
        Self {
            index,
            crc32: crc32(&data),
            data,
        }
    }

    /// Checks index, length and CRC-32 against the image it is said to belong to, in this order.
    pub fn verify(self, manifest: &Manifest) -> Result<Block, RejectBlock> {
        let Self {
            index,
            crc32: declared_crc32,
            data,
        } = self;
        let block_count = manifest.block_count();
        let expected_bytes = manifest
            .block_len(index)
            .ok_or(RejectBlock::OutOfRange { index, block_count })?;
        let actual_bytes = data.len();
        if actual_bytes != expected_bytes as usize {
            return Err(RejectBlock::LengthInvalid {
                index,
                expected_bytes,
                actual_bytes,
            });
        }
        let computed_crc32 = crc32(&data);
        if computed_crc32 != declared_crc32 {
            return Err(RejectBlock::DigestMismatch {
                index,
                declared_crc32,
                computed_crc32,
            });
        }
        Ok(Block {
            index,
            crc32: computed_crc32,
            data,
        })
    }
}

impl Block {
    /// Where it stands in the image, counted from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The CRC-32 of its bytes.
    pub fn crc32(&self) -> u32 {
        self.crc32
    }

    /// Its bytes, never empty.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Gives up the block for its bytes.
    pub fn into_data(self) -> Bytes {
        self.data
    }
}

/// Cuts an image into blocks of `block_bytes`, in index order; the last may be shorter. No byte is
/// copied: each block is a slice of `image`. An empty image has no blocks.
///
/// # Panics
///
/// If `block_bytes` is 0, or if the image has more than `u32::MAX` blocks; a size within
/// [`limits`](crate::limits) has neither.
pub fn split(image: &Bytes, block_bytes: u32) -> impl ExactSizeIterator<Item = RawBlock> + use<> {
    let image = image.clone();
    let step = block_bytes as usize;
    let blocks = u32::try_from(image.len().div_ceil(step)).expect("an index is a u32");
    (0..blocks).map(move |index| {
        let start = index as usize * step;
        let end = image.len().min(start + step);
        RawBlock::new(index, image.slice(start..end))
    })
}

/// The CRC-32 of blocks: the IEEE polynomial, as in Ethernet and zip.
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests;
