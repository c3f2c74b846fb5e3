use dco_block::{Eui64, FirmwareVersion};

use super::*;
use crate::exit::Exit;

const HEADER: &str = "device,user,gateway,manufacturer,model,hardware_version,firmware_version";
const USER: &str = "90-B3-D5-1F-30-01-00-01";
const GATEWAY: &str = "90-B3-D5-1F-30-02-00-01";

fn file(lines: &[String]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

fn line(device: u64) -> String {
    let device = Eui64::from_bits(device);
    format!("{device},{USER},{GATEWAY},Meters & Co,M-1,0102,0000000A")
}

fn refusal(text: &str) -> String {
    let failure = parse(text).unwrap_err();
    assert_eq!(failure.exit, Exit::Data);
    failure.message
}

#[test]
fn a_good_file_is_read_in_its_order() {
    let entries = parse(&file(&[line(2), line(1).to_lowercase()])).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].device, Eui64::from_bits(2));
    assert_eq!(entries[1].user, USER.parse().unwrap());
    assert_eq!(entries[0].gateway, GATEWAY.parse().unwrap());
    assert_eq!(entries[0].manufacturer, "Meters & Co");
    assert_eq!(entries[0].model, "M-1");
    assert_eq!(entries[0].hardware_version, 0x0102);
    assert_eq!(entries[0].firmware_version, FirmwareVersion::new(10));
}

#[test]
fn byte_order_mark_line_ends_of_windows_and_quotes_are_taken() {
    let text = format!(
        "\u{FEFF}{}",
        file(&[line(1).replace("M-1", "\"M,1\"")]).replace('\n', "\r\n")
    );
    assert_eq!(parse(&text).unwrap()[0].model, "M,1");
}

#[test]
fn a_missing_or_different_header_is_refused() {
    assert!(refusal("").contains(&format!("the header must be `{HEADER}` and is ``")));
    assert!(refusal(&line(1)).starts_with("line 1: the header must be"));
    assert!(refusal("device;user").contains("is `device;user`"));
}

#[test]
fn a_file_without_devices_is_refused() {
    assert!(refusal(&format!("{HEADER}\n")).contains("no Device in it"));
}

#[test]
fn every_bad_line_is_named_with_its_number_and_the_reason() {
    let message = refusal(&file(&[
        line(1),
        line(2).replace("0102", "12"),
        line(3).replace(USER, "nobody"),
        line(4).replace("0000000A", "10"),
        line(5).replace("M-1", ""),
        line(6).replace("M-1", &"m".repeat(31)),
        "only,three,columns".to_owned(),
        line(9).replace("M-1", "M\u{7}1"),
    ]));
    assert!(message.contains("line 9: model has a character that cannot be printed"));
    assert!(
        message.starts_with("7 bad lines in the inventory"),
        "{message}"
    );
    assert!(
        message.contains("line 3: hardware_version: `12` is no hardware version"),
        "{message}"
    );
    assert!(
        message.contains("line 4: user `nobody`: an EUI-64 has 23 characters"),
        "{message}"
    );
    assert!(
        message.contains("line 5: firmware_version `10`: a firmware version is"),
        "{message}"
    );
    assert!(message.contains("line 6: model is empty"), "{message}");
    assert!(
        message.contains("line 7: model has 31 characters"),
        "{message}"
    );
    assert!(
        message.contains("line 8: it has 3 columns and 7 were expected"),
        "{message}"
    );
    assert!(!message.contains("line 2:"), "{message}");
}

#[test]
fn line_numbers_are_right_after_empty_lines_and_with_every_line_end() {
    let text = file(&[
        line(1),
        String::new(),
        "bad".to_owned(),
        line(2),
        "bad".to_owned(),
    ]);
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let message = refusal(&text);
        assert!(
            message.contains("line 4: it has 1 column and 7"),
            "{message}"
        );
        assert!(
            message.contains("line 6: it has 1 column and 7"),
            "{message}"
        );
        assert!(message.starts_with("2 bad lines"), "{message}");
    }
}

#[test]
fn a_device_that_stands_twice_is_a_bad_line() {
    let message = refusal(&file(&[line(1), line(2), line(1)]));
    assert!(
        message.contains("line 4: Device 00-00-00-00-00-00-00-01 stands on line 2"),
        "{message}"
    );
}

#[test]
fn however_many_bad_lines_there_are_each_is_named_for_people_and_programs() {
    let lines: Vec<_> = (0..25).map(|_| "bad".to_owned()).collect();
    let failure = parse(&file(&lines)).unwrap_err();
    for line in 2..=26 {
        let named = format!("\n  line {line}: ");
        assert!(failure.message.contains(&named), "{}", failure.message);
    }
    assert_eq!(failure.details["bad_lines"].as_array().unwrap().len(), 25);
}

#[test]
fn a_hardware_version_has_four_hex_digits() {
    assert_eq!(hardware_version("00ff"), Ok(0xFF));
    assert_eq!(hardware_version("FFFF"), Ok(0xFFFF));
    for bad in ["", "1", "00001", "+123", "00G0"] {
        assert!(hardware_version(bad).is_err(), "{bad}");
    }
}
