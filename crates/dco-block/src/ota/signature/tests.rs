use bytes::Bytes;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;
use proptest::prelude::*;

use super::*;
use crate::samples::header;
use crate::{OtaHeader, wrap};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("small enough, and not zero")
}

fn signer(seed: u8) -> SignerKey {
    let public = *key(seed).verifying_key();
    let der = public.to_public_key_der().expect("a key has a form");
    SignerKey::from_public_key_der(der.as_bytes()).expect("a key on P-256")
}

fn signed(seed: u8, manufacturer_image: &[u8]) -> Bytes {
    let signature: Signature = key(seed).sign(manufacturer_image);
    wrap(header(), manufacturer_image, &signature.to_bytes().into())
}

fn verify(image: &Bytes, signers: &[SignerKey]) -> Result<(), RejectSignature> {
    let image = OtaImage::parse(image).expect("the image is well formed");
    image.verify_signature(signers)
}

#[test]
fn an_image_is_taken_of_any_of_its_signers_and_of_nobody_else() {
    let image = signed(1, b"firmware");
    assert_eq!(verify(&image, &[signer(1)]), Ok(()));
    assert_eq!(verify(&image, &[signer(2), signer(1)]), Ok(()));
    for others in [vec![], vec![signer(2)], vec![signer(2), signer(3)]] {
        let signer_count = others.len();
        let refused = Err(RejectSignature::Invalid { signer_count });
        assert_eq!(verify(&image, &others), refused);
    }
}

#[test]
fn an_image_without_a_signature_is_told_so() {
    let image = signed(1, b"firmware");
    let bare = image.slice(..image.len() - 66);
    let total_image_bytes = u32::try_from(bare.len()).unwrap();
    let mut octets = bare.to_vec();
    octets[52..56].copy_from_slice(&total_image_bytes.to_le_bytes());
    let refused = Err(RejectSignature::Missing);
    assert_eq!(verify(&octets.into(), &[signer(1)]), refused);
}

#[test]
fn a_signature_whose_numbers_are_out_of_range_was_made_by_nobody() {
    for octets in [[0; 64], [0xFF; 64]] {
        let image = wrap(header(), b"firmware", &octets);
        let refused = Err(RejectSignature::Invalid { signer_count: 1 });
        assert_eq!(verify(&image, &[signer(1)]), refused);
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    for der in [&[][..], &[0x30, 0x00], b"no key at all"] {
        let refused = SignerKey::from_public_key_der(der).unwrap_err();
        assert!(refused.to_string().contains("P-256"), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_bit_of_manufacturer_image_or_signature_can_change(
        manufacturer_image in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let image = signed(1, &manufacturer_image);
        prop_assert_eq!(verify(&image, &[signer(1)]), Ok(()));
        let header_bytes = header().encode().len();
        let mut octets = image.to_vec();
        let at = header_bytes + at.index(octets.len() - header_bytes);
        octets[at] ^= 1_u8 << bit;
        prop_assert!(verify(&octets.into(), &[signer(1)]).is_err());
    }

    /// The signature is over the Manufacturer Image alone.
    #[test]
    fn the_header_is_not_signed(manufacturer_code in any::<u16>(), header_string in any::<[u8; 32]>()) {
        let signature: Signature = key(1).sign(b"firmware");
        let header = OtaHeader { manufacturer_code, header_string, ..header() };
        let image = wrap(header, b"firmware", &signature.to_bytes().into());
        prop_assert_eq!(verify(&image, &[signer(1)]), Ok(()));
    }
}
