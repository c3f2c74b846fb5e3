use super::*;

const HEADER: &str = "manufacturer,model,hardware_version_min,hardware_version_max,firmware_version,\
                      manufacturer_image_hash,status,upgrade_from";

fn hash() -> String {
    "0a".repeat(32)
}

fn line(model: &str, status: &str, upgrade_from: &str) -> String {
    format!(
        "Meters & Co,{model},0100,01FF,0102000A,{},{status},{upgrade_from}",
        hash()
    )
}

fn csv(lines: &[String]) -> String {
    format!("{HEADER}\n{}\n", lines.join("\n"))
}

fn object(change: &str) -> String {
    let good = format!(
        r#"{{"manufacturer": "Meters & Co", "model": "M-1", "hardware_version_min": "0100",
        "hardware_version_max": "01FF", "firmware_version": "0102000A", "manufacturer_image_hash": "{}",
        "status": "active", "upgrade_from": ["01020008", "01020009"]}}"#,
        hash()
    );
    change
        .split_once(" => ")
        .map_or_else(|| good.clone(), |(from, to)| good.replacen(from, to, 1))
}

fn refusal(text: &str) -> String {
    parse_products(text).unwrap_err().to_string()
}

#[test]
fn csv_and_json_say_the_same() {
    let of_csv = parse_products(&csv(&[line("M-1", "Active", "01020008 01020009")])).unwrap();
    let of_json = parse_products(&format!("\u{FEFF} [{}]", object(""))).unwrap();
    assert_eq!(of_csv, of_json);
    let entry = &of_csv[0];
    assert_eq!(entry.status, ProductStatus::Active);
    assert_eq!(
        (entry.hardware_versions.min, entry.hardware_versions.max),
        (0x100, 0x1FF)
    );
    assert_eq!(entry.upgrade_from.len(), 2);
}

#[test]
fn no_pathway_is_written_as_nothing() {
    let entries = parse_products(&csv(&[line("M-1", "withdrawn", "")])).unwrap();
    assert!(entries[0].upgrade_from.is_empty());
    assert_eq!(entries[0].status, ProductStatus::Withdrawn);
    let without = object(r#", "upgrade_from": ["01020008", "01020009"] => "#);
    assert!(
        parse_products(&format!("[{without}]")).unwrap()[0]
            .upgrade_from
            .is_empty()
    );
}

#[test]
fn all_bad_lines_of_a_csv_file_are_named() {
    let told = refusal(&csv(&[
        line("M-1", "Active", ""),
        line("M-2", "Retired", ""),
        line("", "Active", ""),
        line("M-3", "Active", "7"),
        line("M-1", "Expired", ""),
        line("M-4", "Active", "") + ",more",
        line("M-5", "Active", "").replace("0100", "0200"),
        line("M-6", "Active", "").replace("01FF", "1FF"),
        line("M-7", "Active", "").replace("0a0a", "0a"),
    ]));
    for expected in [
        "8 bad lines in the Central Products List",
        "line 3: status `Retired` is not known",
        "line 4: model is empty",
        "line 5: upgrade_from `7`: ",
        "line 6: line 2 is for the same manufacturer",
        "line 7: it has 9 columns",
        "line 8: hardware_version_min 0200 is above",
        "line 9: hardware_version_max: ",
        "line 10: manufacturer_image_hash",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[test]
fn a_bad_entry_of_a_json_file_is_named_by_its_number() {
    for (change, expected) in [
        ("0102000A => 7", "object 2: firmware_version `7`"),
        ("\"status\" => \"state\"", "object 2: unknown field `state`"),
        (
            "\"status\": \"active\", => ",
            "object 2: missing field `status`",
        ),
        ("\"M-1\" => 7", "object 2: invalid type"),
    ] {
        let told = refusal(&format!("[{}, {}]", object("M-1 => M-9"), object(change)));
        assert!(told.contains(expected), "{expected} in {told}");
        assert!(told.contains("1 bad object"), "{told}");
    }
    assert!(refusal("[{").contains("it is no JSON array"));
}

#[test]
fn a_file_with_another_header_or_without_products_is_refused() {
    assert!(refusal("model\n").starts_with("line 1: the header must be"));
    assert!(refusal(&csv(&[])).contains("there is no product in it"));
    assert!(refusal("[]").contains("there is no product in it"));
}
