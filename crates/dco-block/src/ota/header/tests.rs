use proptest::prelude::*;

use super::*;
use crate::samples;

/// A header written by hand from the layout, with all optional fields.
fn by_hand() -> Vec<u8> {
    let mut bytes = vec![0x1E, 0xF1, 0xEE, 0x0B]; // identifier
    bytes.extend([0x00, 0x01]); // header version
    bytes.extend([69, 0]); // header length
    bytes.extend([0x07, 0x00]); // field control
    bytes.extend([0x9C, 0x10]); // manufacturer code
    bytes.extend([0x21, 0x00]); // image type
    bytes.extend([0x0A, 0x00, 0x02, 0x01]); // file version
    bytes.extend([0x02, 0x00]); // stack version
    bytes.extend(*b"A single phase electricity meter");
    bytes.extend([0x40, 0xE2, 0x01, 0x00]); // total image size
    bytes.extend([0x03]); // security credential version
    bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]); // upgrade file destination
    bytes.extend([0x01, 0x00, 0x04, 0x00]); // hardware versions
    bytes
}

fn with(at: usize, octets: &[u8]) -> Result<(OtaHeader, usize), RejectOta> {
    let mut bytes = by_hand();
    bytes[at..at + octets.len()].copy_from_slice(octets);
    OtaHeader::parse(&bytes)
}

#[test]
fn every_field_is_where_the_layout_says() {
    let header = OtaHeader {
        total_image_bytes: 123_456,
        security_credential_version: Some(3),
        upgrade_file_destination: Some([1, 2, 3, 4, 5, 6, 7, 8]),
        ..samples::header()
    };
    assert_eq!(OtaHeader::parse(&by_hand()), Ok((header, 69)));
    assert_eq!(header.encode(), by_hand());
}

#[test]
fn another_kind_of_file_is_refused() {
    let elf = b"\x7FELF";
    assert_eq!(
        OtaHeader::parse(elf),
        Err(RejectOta::Identifier { found: 0x464C_457F })
    );
    assert_eq!(
        with(0, &[0x0B]),
        Err(RejectOta::Identifier { found: 0x0BEE_F10B })
    );
}

#[test]
fn another_header_version_is_refused() {
    assert_eq!(
        with(4, &[0x01]),
        Err(RejectOta::HeaderVersion { found: 0x0101 })
    );
}

#[test]
fn unknown_field_control_bits_are_refused() {
    assert_eq!(
        with(8, &[0x0F]),
        Err(RejectOta::FieldControl { found: 0x000F })
    );
    assert_eq!(
        with(8, &[0x07, 0x80]),
        Err(RejectOta::FieldControl { found: 0x8007 })
    );
}

#[test]
fn a_length_that_disagrees_with_the_field_control_is_refused() {
    let cases = [
        (0b000, 56),
        (0b001, 57),
        (0b010, 64),
        (0b100, 60),
        (0b101, 61),
        (0b111, 69),
    ];
    for (field_control, expected_bytes) in cases {
        for declared_bytes in [0, 10, 55, expected_bytes - 1, expected_bytes + 1, u16::MAX] {
            let [low, high] = declared_bytes.to_le_bytes();
            let refused = RejectOta::HeaderLength {
                declared_bytes,
                expected_bytes,
            };
            assert_eq!(with(6, &[low, high, field_control]), Err(refused));
        }
        let length = usize::from(expected_bytes);
        let (_, parsed) = with(6, &[expected_bytes.to_le_bytes()[0], 0, field_control]).unwrap();
        assert_eq!(parsed, length);
    }
}

#[test]
fn a_header_cut_at_any_byte_is_refused() {
    let bytes = by_hand();
    for actual_bytes in 0..bytes.len() {
        let needed_bytes = match actual_bytes {
            0..4 => 4,
            4..56 => 56,
            _ => 69,
        };
        let refused = RejectOta::TooShort {
            needed_bytes,
            actual_bytes,
        };
        assert_eq!(OtaHeader::parse(&bytes[..actual_bytes]), Err(refused));
    }
}

#[test]
fn what_follows_the_header_is_ignored() {
    let bytes = [by_hand(), vec![0xFF; 100]].concat();
    assert_eq!(OtaHeader::parse(&bytes), OtaHeader::parse(&by_hand()));
}

proptest! {
    #[test]
    fn what_is_written_is_read(header in samples::any_header()) {
        let bytes = header.encode();
        prop_assert_eq!(OtaHeader::parse(&bytes), Ok((header, bytes.len())));
    }

    #[test]
    fn cut_anywhere_it_is_refused(header in samples::any_header()) {
        let bytes = header.encode();
        for end in 0..bytes.len() {
            let refused = OtaHeader::parse(&bytes[..end]);
            let told = matches!(refused, Err(RejectOta::TooShort { .. }));
            prop_assert!(told);
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_or_is_another_header(
        header in samples::any_header(),
        at in 0..56_usize,
        bit in 0..8,
    ) {
        let mut bytes = header.encode();
        bytes[at] ^= 1_u8 << bit;
        match OtaHeader::parse(&bytes) {
            // All ten octets up to the field control are fixed by the rest.
            Ok((read, length)) => {
                prop_assert!(at >= AFTER_FIELD_CONTROL);
                prop_assert_ne!(read, header);
                prop_assert_eq!(read.encode(), &bytes[..length]);
            }
            Err(_) => prop_assert!(at < AFTER_FIELD_CONTROL),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..100), marked: bool) {
        if marked && bytes.len() >= AFTER_FIELD_CONTROL {
            bytes[..6].copy_from_slice(&by_hand()[..6]);
        }
        if let Ok((header, length)) = OtaHeader::parse(&bytes) {
            prop_assert_eq!(header.encode(), &bytes[..length]);
        }
    }
}
