//! Certificates in DER that name a party, or nearly. Nobody has signed them: that is not looked at here.

use super::Seed;
use crate::samples::USERS;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BIT_STRING: u8 = 0x03;
const UTF8_STRING: u8 = 0x0C;
const UNIQUE_IDENTIFIER: [u8; 3] = [0x55, 0x04, 0x2D];
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

pub(super) fn all() -> Vec<Seed> {
    let octets = USERS[0].bits().to_be_bytes();
    let whole = [&[0][..], &octets].concat();
    let party = attribute(UNIQUE_IDENTIFIER, BIT_STRING, &whole);
    let person = attribute(COMMON_NAME, UTF8_STRING, b"somebody");
    let short = attribute(UNIQUE_IDENTIFIER, BIT_STRING, &whole[..8]);
    let unused = [&[4][..], &octets].concat();
    let unused = attribute(UNIQUE_IDENTIFIER, BIT_STRING, &unused);
    let seeds: [(&str, Vec<u8>); 5] = [
        ("one_party", [person.clone(), party.clone()].concat()),
        ("no_party", person),
        ("two_parties", [party.clone(), party].concat()),
        ("56_bits", short),
        ("60_bits", unused),
    ];
    let mut seeds: Vec<_> = seeds
        .into_iter()
        .map(|(name, subject)| Seed::new("certificate", name, certificate(&subject)))
        .collect();
    seeds.push(Seed::new("certificate", "text", USERS[0].to_string()));
    seeds
}

fn certificate(subject: &[u8]) -> Vec<u8> {
    // ecdsa-with-SHA256; a key on prime256v1.
    let algorithm = der(SEQUENCE, &hex(b"06082A8648CE3D040302"));
    let key_kind = der(SEQUENCE, &hex(b"06072A8648CE3D020106082A8648CE3D030107"));
    let key = der(BIT_STRING, &[&[0, 4][..], &[7; 64]].concat());
    let validity = [der(0x17, b"260101000000Z"), der(0x17, b"360101000000Z")].concat();
    let inside = [
        der(0xA0, &[0x02, 0x01, 0x02]),
        der(0x02, &[1]),
        algorithm.clone(),
        der(SEQUENCE, &attribute(COMMON_NAME, UTF8_STRING, b"authority")),
        der(SEQUENCE, &validity),
        der(SEQUENCE, subject),
        der(SEQUENCE, &[key_kind, key].concat()),
    ];
    let signature = der(
        BIT_STRING,
        &[0, 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
    );
    der(
        SEQUENCE,
        &[der(SEQUENCE, &inside.concat()), algorithm, signature].concat(),
    )
}

fn attribute(kind: [u8; 3], string: u8, value: &[u8]) -> Vec<u8> {
    let pair = [der(0x06, &kind), der(string, value)].concat();
    der(SET, &der(SEQUENCE, &pair))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len());
    let head = match length {
        Ok(length @ ..0x80) => vec![tag, length],
        Ok(length) => vec![tag, 0x81, length],
        Err(_) => {
            let length = u16::try_from(content.len()).expect("short").to_be_bytes();
            vec![tag, 0x82, length[0], length[1]]
        }
    };
    [&head, content].concat()
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let digit = |it: u8| match it {
        b'0'..=b'9' => it - b'0',
        _ => it - b'A' + 10,
    };
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs
        .map(|[high, low]| digit(*high) << 4 | digit(*low))
        .collect()
}
