//! What is sent: an image that is cut here, or one that was cut before.

use bytes::Bytes;
use dco_block::{ImageId, Manifest, RawBlock, split};

use crate::ClientError;

/// An image that was hashed and cut before it is sent: for whoever has it in parts, or sends many that are alike in most of their
/// bytes and need not be hashed anew for each transfer.
#[derive(Clone, Debug)]
pub struct CutImage {
    image_id: ImageId,
    block_bytes: u32,
    blocks: Vec<RawBlock>,
}

impl CutImage {
    /// The blocks of the image that a manifest describes, all of them and in order. They are not hashed: the server does that.
    pub fn new(manifest: &Manifest, blocks: Vec<RawBlock>) -> Self {
        Self {
            image_id: manifest.image_id(),
            block_bytes: manifest.block_bytes(),
            blocks,
        }
    }

    /// Its blocks, in order.
    pub fn blocks(&self) -> &[RawBlock] {
        &self.blocks
    }
}

/// Where the blocks of a transfer come from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Whole(&'a Bytes),
    Cut(&'a CutImage),
}

impl Source<'_> {
    /// The blocks as the transfer wants them; an error if this is another image, or cut in another way.
    pub(super) fn blocks(self, manifest: &Manifest) -> Result<Vec<RawBlock>, ClientError> {
        let expected = manifest.image_id();
        let given = match self {
            Self::Whole(image) => ImageId::of(image),
            Self::Cut(image) => image.image_id,
        };
        if given != expected {
            return Err(ClientError::WrongImage { given, expected });
        }
        match self {
            Self::Whole(image) => Ok(split(image, manifest.block_bytes()).collect()),
            Self::Cut(image) if image.block_bytes == manifest.block_bytes() => {
                Ok(image.blocks.clone())
            }
            Self::Cut(image) => Err(ClientError::WrongBlocks {
                given_bytes: image.block_bytes,
                expected_bytes: manifest.block_bytes(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use dco_block::{FirmwareVersion, OtaHeader, wrap};

    use super::*;

    fn image(version: u32) -> Bytes {
        let header = OtaHeader {
            manufacturer_code: 1,
            image_type: 1,
            file_version: FirmwareVersion::new(version),
            stack_version: 2,
            header_string: [0; 32],
            total_image_bytes: 0,
            security_credential_version: None,
            upgrade_file_destination: None,
            hardware_versions: None,
        };
        wrap(header, &[5; 3_000], &[0; 64])
    }

    fn manifest(version: u32, block_bytes: u32) -> Manifest {
        Manifest::of_image(&image(version), block_bytes).unwrap()
    }

    #[test]
    fn a_cut_image_gives_the_blocks_of_the_whole_one() {
        let (whole, manifest) = (image(1), manifest(1, 1_024));
        let cut = CutImage::new(&manifest, split(&whole, 1_024).collect());
        let blocks = Source::Cut(&cut).blocks(&manifest).unwrap();
        assert_eq!(blocks, Source::Whole(&whole).blocks(&manifest).unwrap());
        assert_eq!(blocks, cut.blocks());
    }

    #[test]
    fn another_image_and_another_cut_are_refused() {
        let (whole, ours) = (image(1), manifest(1, 1_024));
        let cut = CutImage::new(&ours, split(&whole, 1_024).collect());
        for source in [Source::Whole(&whole), Source::Cut(&cut)] {
            let refused = source.blocks(&manifest(2, 1_024)).unwrap_err();
            assert!(
                matches!(refused, ClientError::WrongImage { .. }),
                "{refused}"
            );
        }
        let refused = Source::Cut(&cut).blocks(&manifest(1, 2_048)).unwrap_err();
        assert!(refused.to_string().contains("1024 bytes"), "{refused}");
    }
}
