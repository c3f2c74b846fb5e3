//! Every upper bound of images, blocks and lists, related to each other at compile time.

/// The smallest block size a transfer may choose, in bytes.
pub const BLOCK_BYTES_MIN: u32 = 1024;
/// The largest block size a transfer may choose, in bytes. It holds a whole part of a sender that
/// cuts its large image into parts of up to 750 kB.
pub const BLOCK_BYTES_MAX: u32 = 1024 * 1024;
/// The block size where the sender does not choose one, in bytes.
pub const BLOCK_BYTES_DEFAULT: u32 = 64 * 1024;

/// The longest image, header and signature included, in bytes.
pub const IMAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// The shortest image: the shortest header and one byte of Manufacturer Image.
pub const IMAGE_BYTES_MIN: u32 = OTA_HEADER_BYTES_MIN + 1;
/// The most blocks an image can have.
pub const IMAGE_BLOCKS_MAX: u32 = IMAGE_BYTES_MAX.div_ceil(BLOCK_BYTES_MIN);
/// An image of strictly more bytes than this is large.
pub const LARGE_IMAGE_BYTES_OVER: u32 = 750_000;
/// The longest `FirmwareImage` that the DUIS schema allows in one SRV 11.1, in bytes.
pub const DUIS_IMAGE_BYTES_MAX: u32 = 10_240_000;

/// The most Devices in one transfer or one batch, as in the DUIS `DeviceIDList`.
pub const DEVICES_MAX: u32 = 50_000;

/// A Zigbee OTA header without any optional field, in bytes.
pub const OTA_HEADER_BYTES_MIN: u32 = 56;
/// A Zigbee OTA header with all optional fields: credential version, destination, hardware
/// versions.
pub const OTA_HEADER_BYTES_MAX: u32 = OTA_HEADER_BYTES_MIN + 1 + 8 + 4;
/// A raw P-256 signature, r then s, in bytes.
pub const SIGNATURE_BYTES: u32 = 64;
/// What a signed image has after its Manufacturer Image: the octets 00 40 and the signature.
pub const SIGNATURE_PART_BYTES: u32 = 2 + SIGNATURE_BYTES;

const _: () = assert!(BLOCK_BYTES_MIN <= BLOCK_BYTES_DEFAULT);
const _: () = assert!(BLOCK_BYTES_DEFAULT <= BLOCK_BYTES_MAX);
// Blocks of another cut then lie in it whole, or it in them.
const _: () = assert!(BLOCK_BYTES_DEFAULT.is_power_of_two());
const _: () = assert!(BLOCK_BYTES_MAX <= IMAGE_BYTES_MAX);
// A part of up to 750 kB travels as one block.
const _: () = assert!(LARGE_IMAGE_BYTES_OVER <= BLOCK_BYTES_MAX);
// What fits into the User's own Service Request fits here.
const _: () = assert!(DUIS_IMAGE_BYTES_MAX <= IMAGE_BYTES_MAX);
// The header is in the first block, whatever the block size.
const _: () = assert!(OTA_HEADER_BYTES_MAX <= BLOCK_BYTES_MIN);
// The set of blocks held stays small: at most 2 KiB of bits for an image.
const _: () = assert!(IMAGE_BLOCKS_MAX / 8 <= 2048);
// Lengths and indices are `u32`; they are used as `usize` without loss.
const _: () = assert!(usize::BITS >= u32::BITS);
