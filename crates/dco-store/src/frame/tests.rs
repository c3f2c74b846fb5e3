use proptest::prelude::*;

use super::{FRAME_HEADER_BYTES, Frame, Kind, Spot};

fn frame() -> impl Strategy<Value = Frame> {
    let kind = prop::sample::select(vec![
        Kind::Records,
        Kind::Block,
        Kind::Mark,
        Kind::Seal,
        Kind::Index,
    ]);
    (kind, any::<(u64, u64, u32, u32, u32)>()).prop_map(
        |(kind, (synced, key, item, body_bytes, body_crc32))| Frame {
            kind,
            synced,
            key,
            item,
            body_bytes,
            body_crc32,
        },
    )
}

fn spot() -> impl Strategy<Value = Spot> {
    any::<(u64, u64, u64)>().prop_map(|(salt, segment, offset)| Spot {
        salt,
        segment,
        offset,
    })
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written(frame in frame(), spot in spot()) {
        prop_assert_eq!(Frame::decode(&frame.encode(&spot), &spot), Some(frame));
    }

    #[test]
    fn it_is_a_frame_nowhere_else(frame in frame(), spot in spot(), other in spot()) {
        let bytes = frame.encode(&spot);
        let elsewhere = [
            Spot { salt: other.salt, ..spot },
            Spot { segment: other.segment, ..spot },
            Spot { offset: other.offset, ..spot },
        ];
        for place in elsewhere.iter().filter(|place| **place != spot) {
            prop_assert_eq!(Frame::decode(&bytes, place), None);
        }
    }

    #[test]
    fn one_flipped_bit_is_noticed(
        frame in frame(),
        spot in spot(),
        byte in 0..FRAME_HEADER_BYTES,
        bit in 0..8_u8,
    ) {
        let mut bytes = frame.encode(&spot);
        bytes[byte] ^= 1_u8 << bit;
        prop_assert_eq!(Frame::decode(&bytes, &spot), None);
    }
}

#[test]
fn the_layout_is_as_documented() {
    let frame = Frame {
        kind: Kind::Block,
        synced: 3,
        key: 4,
        item: 5,
        body_bytes: 6,
        body_crc32: 7,
    };
    let bytes = frame.encode(&Spot {
        salt: 9,
        segment: 1,
        offset: 2,
    });
    let mut expected = b"dcoF\x02\0\0\0".to_vec();
    expected.extend(
        [1_u64, 2, 3, 4]
            .iter()
            .flat_map(|field| field.to_le_bytes()),
    );
    expected.extend(
        [5_u32, 6, 7, 0, 0]
            .iter()
            .flat_map(|field| field.to_le_bytes()),
    );
    assert_eq!(bytes[..60], expected);
}
