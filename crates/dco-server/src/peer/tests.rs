use super::*;

const EUI64: [u8; 8] = [0x90, 0xB3, 0xD5, 0x1F, 0x30, 0x01, 0x00, 0x00];

/// One DER value: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => value.push(short),
        _ => value.extend([
            0x82,
            u8::try_from(length >> 8).unwrap(),
            u8::try_from(length & 0xFF).unwrap(),
        ]),
    }
    value.extend(content);
    value
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// An attribute of a name: `2.5.4.n` with a value.
fn attribute(n: u8, value: Vec<u8>) -> Vec<u8> {
    let oid = der(0x06, &[0x55, 0x04, n]);
    der(0x31, &sequence(&[oid, value]))
}

fn bit_string(unused_bits: u8, octets: &[u8]) -> Vec<u8> {
    der(0x03, &[&[unused_bits], octets].concat())
}

/// A certificate with this subject; nobody has signed it, which is for the handshake to find out.
fn certificate(subject: &[Vec<u8>]) -> Vec<u8> {
    let algorithm = sequence(&[der(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])]);
    let instant = der(0x17, b"260101000000Z");
    let key = sequence(&[algorithm.clone(), bit_string(0, &[4; 65])]);
    let certificate = sequence(&[
        der(0xA0, &der(0x02, &[2])),
        der(0x02, &[1]),
        algorithm.clone(),
        sequence(&[attribute(3, der(0x0C, b"authority"))]),
        sequence(&[instant.clone(), instant]),
        sequence(subject),
        key,
    ]);
    sequence(&[certificate, algorithm, bit_string(0, &[0; 8])])
}

fn read(subject: &[Vec<u8>]) -> Option<String> {
    eui64_of(&certificate(subject)).map(|eui64| eui64.to_string())
}

fn common_name() -> Vec<u8> {
    attribute(3, der(0x0C, b"Supplier One"))
}

#[test]
fn the_name_is_the_64_bits_of_the_unique_identifier() {
    let subject = [common_name(), attribute(45, bit_string(0, &EUI64))];
    assert_eq!(read(&subject).as_deref(), Some("90-B3-D5-1F-30-01-00-00"));
}

#[test]
fn a_subject_without_exactly_one_identifier_of_64_bits_names_nobody() {
    let good = attribute(45, bit_string(0, &EUI64));
    for subject in [
        vec![common_name()],
        vec![good.clone(), good],
        vec![attribute(45, bit_string(0, &EUI64[..7]))],
        vec![attribute(
            45,
            bit_string(0, &[EUI64.as_slice(), &[0]].concat()),
        )],
        vec![attribute(45, bit_string(1, &EUI64))],
        vec![attribute(45, der(0x04, &EUI64))],
        vec![attribute(45, der(0x0C, b"90-B3-D5-1F-30-01-00-00"))],
    ] {
        assert_eq!(read(&subject), None, "{subject:02x?}");
    }
}

#[test]
fn bytes_that_are_no_certificate_name_nobody() {
    let whole = certificate(&[attribute(45, bit_string(0, &EUI64))]);
    for length in 0..whole.len() {
        assert_eq!(eui64_of(&whole[..length]), None);
    }
}
