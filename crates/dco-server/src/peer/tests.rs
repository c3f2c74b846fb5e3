use super::*;

const EUI64: [u8; 8] = [0x90, 0xB3, 0xD5, 0x1F, 0x30, 0x01, 0x00, 0x00];

/// One DER value: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => value.push(short),
        Ok(octet) => value.extend([0x81, octet]),
        Err(_) => value.extend([
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
    certificate_with(subject, &[])
}

/// The same with names in its subjectAltName.
fn certificate_with(subject: &[Vec<u8>], names: &[Vec<u8>]) -> Vec<u8> {
    let algorithm = sequence(&[der(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])]);
    let instant = der(0x17, b"260101000000Z");
    let key = sequence(&[algorithm.clone(), bit_string(0, &[4; 65])]);
    let san = [der(0x06, &[0x55, 0x1D, 0x11]), der(0x04, &sequence(names))];
    let extensions = der(0xA3, &sequence(&[sequence(&san)]));
    let certificate = sequence(&[
        der(0xA0, &der(0x02, &[2])),
        der(0x02, &[1]),
        algorithm.clone(),
        sequence(&[attribute(3, der(0x0C, b"authority"))]),
        sequence(&[instant.clone(), instant]),
        sequence(subject),
        key,
        if names.is_empty() {
            Vec::new()
        } else {
            extensions
        },
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
fn a_certificate_that_is_not_der_to_the_letter_names_nobody() {
    let value = bit_string(0, &EUI64);
    let typed = |oid: Vec<u8>| vec![der(0x31, &sequence(&[oid, value.clone()]))];
    assert!(read(&typed(der(0x06, &[0x55, 0x04, 45]))).is_some());
    // The type as an OCTET STRING; the length of the type in two octets where one will do.
    assert_eq!(read(&typed(der(0x04, &[0x55, 0x04, 45]))), None);
    assert_eq!(read(&typed(vec![0x06, 0x81, 3, 0x55, 0x04, 45])), None);

    let followed = [certificate(&[attribute(45, value)]), vec![0]].concat();
    assert_eq!(eui64_of(&followed), None);
    assert_eq!(eui64_in_san(&followed), None);
}

#[test]
fn bytes_that_are_no_certificate_name_nobody() {
    let whole = certificate(&[attribute(45, bit_string(0, &EUI64))]);
    for length in 0..whole.len() {
        assert_eq!(eui64_of(&whole[..length]), None);
    }
}

/// An otherName of this type with a hardware type and a serial number.
fn other_name(last: u8, serial_number: Vec<u8>) -> Vec<u8> {
    let kind = der(0x06, &[0x2B, 6, 1, 5, 5, 7, 8, last]);
    let value = sequence(&[der(0x06, &[0x2A, 3]), serial_number]);
    der(0xA0, &[kind, der(0xA0, &value)].concat())
}

#[test]
fn the_san_names_a_party_by_a_hardware_module_name_or_a_urn_and_once_only() {
    let hardware = |octets: &[u8]| other_name(4, der(0x04, octets));
    let uri = |text: &str| der(0x86, text.as_bytes());
    let dns = der(0x82, b"90b3d51f30010000");
    let urn = uri("URN:dev:mac:90b3d51f30010000");
    let good: [&[Vec<u8>]; 4] = [
        &[hardware(&EUI64)],
        &[dns.clone(), hardware(&EUI64)],
        std::slice::from_ref(&urn),
        &[uri("https://example.org/"), urn.clone(), dns.clone()],
    ];
    let bad: [&[Vec<u8>]; 8] = [
        &[],
        &[dns],
        &[hardware(&EUI64[..7])],
        &[other_name(4, der(0x0C, &EUI64))],
        &[other_name(5, der(0x04, &EUI64))],
        &[hardware(&EUI64), urn.clone()],
        &[uri("urn:dev:mac:+0b3d51f30010000")],
        &[uri("urn:dev:mac:90b3d51f3001000")],
    ];
    // What stands in the subject is not looked at then, nor the other way round.
    let subject = [attribute(45, bit_string(0, &[7; 8]))];
    for names in good {
        let certificate = certificate_with(&subject, names);
        let san = Peer::of(&certificate.as_slice().into(), Eui64From::San);
        assert_eq!(
            san.eui64,
            Some(Eui64::from_bits(bits_of(EUI64))),
            "{names:02x?}"
        );
        let subject = Peer::of(&certificate.as_slice().into(), Eui64From::Subject);
        assert_eq!(subject.eui64, Some(Eui64::from_bits(bits_of([7; 8]))));
    }
    for names in bad {
        assert_eq!(
            eui64_in_san(&certificate_with(&subject, names)),
            None,
            "{names:02x?}"
        );
    }
}
