//! Any bytes as a peer's certificate, and as the text of an EUI-64: nothing panics, and a party is only read where its octets
//! stand as an x500UniqueIdentifier.

use dco_block::Eui64;
use dco_server::{eui64_in_san, eui64_of};

/// OBJECT IDENTIFIER 2.5.4.45.
const X500_UNIQUE_IDENTIFIER: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x2D];

/// One input.
pub fn run(bytes: &[u8]) {
    if let Some(party) = eui64_of(bytes) {
        assert!(has(bytes, &X500_UNIQUE_IDENTIFIER));
        let octets = [&[0x00][..], &party.bits().to_be_bytes()].concat();
        assert!(has(bytes, &octets), "no bit is unused, and all are its own");
    }
    if let Some(party) = eui64_in_san(bytes) {
        let octets = has(bytes, &party.bits().to_be_bytes());
        let digits = format!("{:016x}", party.bits());
        assert!(octets || has(&bytes.to_ascii_lowercase(), digits.as_bytes()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(read) = text.parse::<Eui64>() {
        assert_eq!(read.to_string(), text.to_uppercase());
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}
