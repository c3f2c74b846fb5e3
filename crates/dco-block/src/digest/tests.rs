use proptest::prelude::*;

use super::*;

/// The SHA-256 of "abc", from FIPS 180-4.
const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn the_digest_is_sha_256() {
    assert_eq!(ImageId::of(b"abc").to_string(), OF_ABC);
    assert_eq!(ManufacturerImageHash::of(b"abc").to_string(), OF_ABC);
    assert_eq!(
        format!("{:?}", ImageId::of(b"abc")),
        format!("ImageId({OF_ABC})")
    );
}

#[test]
fn what_is_no_digest_is_refused() {
    let octets = [0; 33];
    assert_eq!(
        ImageId::try_from(&octets[..31]),
        Err(InvalidDigest::Octets { actual: 31 })
    );
    assert_eq!(
        ManufacturerImageHash::try_from(&octets[..]),
        Err(InvalidDigest::Octets { actual: 33 })
    );
    assert_eq!(
        OF_ABC[1..].parse::<ImageId>(),
        Err(InvalidDigest::Length { actual: 63 })
    );
    let wrong = OF_ABC.replace("ad", "ag");
    assert_eq!(
        wrong.parse::<ImageId>(),
        Err(InvalidDigest::Character { position: 64 })
    );
    let signed = OF_ABC.replacen("ba", "+a", 1);
    assert_eq!(
        signed.parse::<ImageId>(),
        Err(InvalidDigest::Character { position: 1 })
    );
}

proptest! {
    #[test]
    fn octets_and_text_go_both_ways(octets: [u8; 32]) {
        let id = ImageId::new(octets);
        prop_assert_eq!(ImageId::try_from(&octets[..]), Ok(id));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        prop_assert_eq!(id.as_bytes(), &octets);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{60,68}") {
        if let Ok(id) = text.parse::<ImageId>() {
            prop_assert_eq!(id.to_string(), text.to_lowercase());
        }
    }
}
