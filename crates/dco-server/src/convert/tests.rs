use super::*;

#[test]
fn instants_before_1970_and_fractions_are_right() {
    assert_eq!(instant(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    assert_eq!(instant(1_500_000).to_string(), "1970-01-01T00:00:01.500Z");
}

#[test]
fn a_request_id_is_a_uuid() {
    let text = "3e4c8a52-8f1b-4a7e-9d55-0c9d6f1f2a10";
    assert_eq!(request_id(text), request_id(&text.to_uppercase()));
    for wrong in ["", "1", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(
            request_id(wrong).unwrap_err().reason(),
            "REQUEST_ID_INVALID"
        );
    }
}

#[test]
fn too_many_devices_are_refused_before_any_is_read() {
    let fault = devices(&vec![String::new(); 50_001]).unwrap_err();
    assert_eq!(fault.reason(), "TOO_MANY_DEVICES");
    let fault = devices(&["90-B3-D5-1F-30-01-00-00".to_owned(), "x".to_owned()]).unwrap_err();
    assert_eq!(fault.reason(), "EUI64_INVALID");
    assert!(fault.message().starts_with("devices[1]: "), "{fault}");
}

#[test]
fn a_service_date_may_be_left_out_but_not_be_wrong() {
    assert_eq!(service_date("", "service_date"), Ok(None));
    let fault = service_date("2026-02-30", "service_date").unwrap_err();
    assert_eq!(fault.reason(), "SERVICE_DATE_INVALID");
}
