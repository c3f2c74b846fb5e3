use proptest::prelude::*;

use super::*;

#[test]
fn eight_hex_digits_and_nothing_else() {
    assert_eq!("0102000a".parse(), Ok(FirmwareVersion::new(0x0102_000A)));
    assert_eq!(FirmwareVersion::new(0xA).to_string(), "0000000A");
    assert_eq!(
        format!("{:?}", FirmwareVersion::new(0xA)),
        "FirmwareVersion(0000000A)"
    );
    for text in [
        "",
        "A",
        "0102000",
        "0102000A0",
        "+102000A",
        "0x02000A",
        "0102000G",
        "éééé",
    ] {
        assert_eq!(
            text.parse::<FirmwareVersion>(),
            Err(InvalidFirmwareVersion),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(number: u32) {
        let version = FirmwareVersion::new(number);
        prop_assert_eq!(version.to_string().parse(), Ok(version));
        prop_assert_eq!(version.get(), number);
    }
}
