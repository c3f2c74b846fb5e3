use dco_block::OtaImage;

use super::*;
use crate::exit::Exit;

const KEY_PEM: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
";

fn wrapping(key: Option<PathBuf>) -> Wrapping {
    Wrapping {
        firmware_version: key.is_some().then_some(FirmwareVersion::new(0x0102_000A)),
        wrap: key,
        hardware: HardwareVersions {
            min: 0x0100,
            max: 0x01FF,
        },
        manufacturer_code: 0x1234,
        image_type: 7,
    }
}

fn folder(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    files::write_new(&path, content).unwrap();
    (dir, path)
}

#[test]
fn a_plain_file_is_wrapped_and_signed() {
    let (dir, path) = folder(
        "u-boot-image-with-a-name-over-32-characters.bin",
        &[7; 5_000],
    );
    let key = dir.path().join("signer.key");
    files::write_new(&key, KEY_PEM.as_bytes()).unwrap();
    let loaded = load(&path, &wrapping(Some(key))).unwrap();
    assert!(loaded.wrapped);
    let ota = OtaImage::parse(&loaded.image).unwrap();
    assert_eq!(ota.manufacturer_image(), vec![7; 5_000]);
    assert!(ota.signature().is_some());
    let header = ota.header();
    assert_eq!((header.manufacturer_code, header.image_type), (0x1234, 7));
    assert_eq!(header.file_version, FirmwareVersion::new(0x0102_000A));
    assert_eq!(header.hardware_versions.unwrap().max, 0x01FF);
    assert_eq!(&header.header_string, b"u-boot-image-with-a-name-over-32");

    let (_dir, again) = folder("image.ota", &loaded.image);
    let taken = load(&again, &wrapping(None)).unwrap();
    assert!(!taken.wrapped);
    assert_eq!(taken.image, loaded.image);
}

#[test]
fn a_file_that_nobody_gave_a_version_has_one_of_its_own() {
    let versions = [&b"abc"[..], b"abd"].map(|content| {
        let (dir, path) = folder("plain.bin", content);
        let key = dir.path().join("signer.key");
        files::write_new(&key, KEY_PEM.as_bytes()).unwrap();
        let unversioned = Wrapping {
            firmware_version: None,
            ..wrapping(Some(key))
        };
        let loaded = load(&path, &unversioned).unwrap();
        OtaImage::parse(&loaded.image)
            .unwrap()
            .header()
            .file_version
    });
    // SHA-256 of "abc" begins with ba7816bf.
    assert_eq!(versions[0], FirmwareVersion::new(0xBA78_16BF));
    assert_ne!(versions[1], versions[0]);
}

#[test]
fn a_plain_file_without_a_key_is_refused_with_what_to_do() {
    let (_dir, path) = folder("plain", b"text");
    let failure = load(&path, &wrapping(None)).unwrap_err();
    assert_eq!(failure.exit, Exit::Data);
    assert!(failure.message.contains("give --wrap KEY.pem"));
}

#[test]
fn a_file_that_is_no_key_is_named() {
    let (dir, path) = folder("plain", b"text");
    let failure = load(&path, &wrapping(Some(dir.path().join("plain")))).unwrap_err();
    assert_eq!(failure.exit, Exit::Data);
    assert!(failure.message.contains("plain: "), "{}", failure.message);
}

#[test]
fn an_image_that_is_cut_short_is_refused_when_it_is_cut_into_blocks() {
    let image = Bytes::from_static(&[0x1E, 0xF1, 0xEE, 0x0B, 0, 1]);
    assert!(is_ota(&image));
    let failure = manifest(&image, limits::BLOCK_BYTES_DEFAULT, "short.ota").unwrap_err();
    assert_eq!(failure.exit, Exit::Data);
    assert!(
        failure.message.starts_with("short.ota cannot be sent: "),
        "{}",
        failure.message
    );
}

#[test]
fn a_hardware_range_is_read_or_refused() {
    assert_eq!(
        hardware("0001-00ff"),
        Ok(HardwareVersions { min: 1, max: 255 })
    );
    for bad in ["", "0001", "0002-0001", "1-2", "0001-0002-0003"] {
        assert!(hardware(bad).is_err(), "{bad}");
    }
    assert!(four_hex("12").unwrap_err().contains("four hex digits"));
}
