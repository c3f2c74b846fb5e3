use proptest::prelude::*;

use super::*;

#[test]
fn text_sorts_as_the_number() {
    let low = Eui64::from_bits(0x0F);
    let high = Eui64::from_bits(0xF000_0000_0000_0000);
    assert_eq!(low.to_string(), "00-00-00-00-00-00-00-0F");
    assert!(low < high && low.to_string() < high.to_string());
    assert_eq!(format!("{low:?}"), "Eui64(00-00-00-00-00-00-00-0F)");
}

#[test]
fn wrong_lengths_are_refused() {
    let cases = [
        "",
        "90B3D51F30010000",
        "90-B3-D5-1F-30-01-00-0",
        "90-B3-D5-1F-30-01-00-00-",
    ];
    for text in cases {
        assert_eq!(
            text.parse::<Eui64>(),
            Err(InvalidEui64::Length { actual: text.len() })
        );
    }
    // Characters, not bytes, are what a person counts.
    let accented = "é".repeat(22);
    assert_eq!(
        accented.parse::<Eui64>(),
        Err(InvalidEui64::Length { actual: 22 })
    );
}

#[test]
fn wrong_characters_are_named_by_their_place() {
    let cases = [
        ("G0-B3-D5-1F-30-01-00-00", 1),
        ("90:B3-D5-1F-30-01-00-00", 3),
        ("90-B3-D5-1F-30-01-00-0 ", 23),
        ("90-B3-D5-1F-30-01-00--0", 22),
        ("+0-B3-D5-1F-30-01-00-00", 1),
    ];
    for (text, position) in cases {
        assert_eq!(
            text.parse::<Eui64>(),
            Err(InvalidEui64::Character { position }),
            "{text}"
        );
    }
    let message = "90:B3-D5-1F-30-01-00-00"
        .parse::<Eui64>()
        .unwrap_err()
        .to_string();
    assert!(message.contains("character 3"), "{message}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_in_any_case(bits: u64) {
        let name = Eui64::from_bits(bits);
        prop_assert_eq!(name.to_string().parse(), Ok(name));
        prop_assert_eq!(name.to_string().to_lowercase().parse(), Ok(name));
        prop_assert_eq!(name.bits(), bits);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,30}") {
        if let Ok(name) = text.parse::<Eui64>() {
            prop_assert_eq!(name.to_string(), text.to_uppercase());
        }
    }
}
