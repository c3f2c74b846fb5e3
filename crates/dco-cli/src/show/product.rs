//! The Central Products List.

use dco_client::ProductEntry;
use serde_json::{Value, json};

use super::time;
use crate::table::table;
use crate::when;

pub(crate) fn product_json(product: &ProductEntry) -> Value {
    let range = product.hardware_versions;
    let versions = product.upgrade_from.iter().map(ToString::to_string);
    json!({
        "manufacturer": product.manufacturer,
        "model": product.model,
        "hardware_version_min": format!("{:04X}", range.min),
        "hardware_version_max": format!("{:04X}", range.max),
        "firmware_version": product.firmware_version.to_string(),
        "manufacturer_image_hash": product.manufacturer_image_hash.to_string(),
        "status": product.status.to_string(),
        "upgrade_from": versions.collect::<Vec<_>>(),
        "status_time": time(product.status_us),
    })
}

pub(crate) fn products_text(products: &[ProductEntry]) -> String {
    if products.is_empty() {
        return "the Central Products List is empty; import it with `dco products import`"
            .to_owned();
    }
    let row = |product: &ProductEntry| {
        let range = product.hardware_versions;
        let versions: Vec<_> = product
            .upgrade_from
            .iter()
            .map(ToString::to_string)
            .collect();
        vec![
            product.manufacturer.clone(),
            product.model.clone(),
            format!("{:04X}-{:04X}", range.min, range.max),
            product.firmware_version.to_string(),
            product.status.to_string(),
            when::local_or(product.status_us, "-"),
            if versions.is_empty() {
                "any".to_owned()
            } else {
                versions.join(" ")
            },
            product.manufacturer_image_hash.to_string(),
        ]
    };
    let head = [
        "MANUFACTURER",
        "MODEL",
        "HARDWARE",
        "FIRMWARE",
        "STATUS",
        "SINCE",
        "FROM",
        "MANUFACTURER IMAGE HASH",
    ];
    table(&head, products.iter().map(row))
}

#[cfg(test)]
mod tests {
    use dco_block::{FirmwareVersion, HardwareVersions, ManufacturerImageHash};
    use dco_client::ProductStatus;

    use super::*;

    #[test]
    fn an_entry_is_shown_as_it_would_be_written() {
        let product = ProductEntry {
            manufacturer: "Meters & Co".to_owned(),
            model: "M-1".to_owned(),
            hardware_versions: HardwareVersions { min: 1, max: 0x1FF },
            firmware_version: FirmwareVersion::new(0x0102_000A),
            manufacturer_image_hash: ManufacturerImageHash::new([10; 32]),
            status: ProductStatus::Withdrawn,
            upgrade_from: vec![FirmwareVersion::new(8), FirmwareVersion::new(9)],
            status_us: Some(0),
        };
        let mut shown = product_json(&product);
        shown.as_object_mut().unwrap().remove("status_time");
        let again = dco_client::parse_products(&format!("[{shown}]")).unwrap();
        let expected = ProductEntry {
            status_us: None,
            ..product.clone()
        };
        assert_eq!(again, [expected]);
        let text = products_text(&[product]);
        assert!(text.contains("0001-01FF"), "{text}");
        assert!(text.contains("00000008 00000009"), "{text}");
        assert!(products_text(&[]).contains("dco products import"));
    }
}
