use super::*;

const HEADER: &str = "device,user,gateway,manufacturer,model,hardware_version,firmware_version";

fn told(text: &str) -> String {
    parse_inventory(text).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_stands_line_by_line() {
    assert!(told("device").starts_with("line 1: the header must be `device,user,"));
    assert_eq!(
        told(HEADER),
        "there is no Device in it; nothing was imported"
    );
    let expected = "2 bad lines in the inventory; correct the file, nothing was imported\n  \
                    line 2: it has 1 column and 7 were expected\n  \
                    line 3: it has 2 columns and 7 were expected";
    assert_eq!(told(&format!("{HEADER}\na\nb,c\n")), expected);
}

#[test]
fn every_line_end_counts() {
    for end in ["\n", "\r\n", "\r"] {
        let told = told(&[HEADER, "", "a"].join(end));
        assert!(told.contains("\n  line 3: it has 1 column"), "{told}");
    }
}

#[test]
fn objects_are_counted() {
    let told = parse_products("[{}, 1]").unwrap_err();
    let InvalidImport::Entries { what, bad, .. } = told else {
        panic!("{told:?}");
    };
    assert_eq!(what, "object");
    assert_eq!(bad.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
}
