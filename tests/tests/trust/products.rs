//! The Central Products List.

use dco_client::{Code, RequestId};
use dco_proto::v1 as pb;
use dco_tests::refused;
use serde_json::{Value, json};

use super::{Prepared, VERSION, strict};

/// An import of one entry that is right.
fn wire_import(hash: &[u8]) -> pb::ImportProductsRequest {
    pb::ImportProductsRequest {
        request_id: RequestId::fresh().to_string(),
        validate_only: false,
        products: vec![pb::ProductEntry {
            manufacturer: "Maker".to_owned(),
            model: "E470".to_owned(),
            hardware_version_min: "0100".to_owned(),
            hardware_version_max: "01FF".to_owned(),
            firmware_version: VERSION.to_owned(),
            manufacturer_image_hash: hash.to_vec().into(),
            status: pb::product_entry::Status::Active.into(),
            upgrade_from: Vec::new(),
            status_time: None,
        }],
        ..Default::default()
    }
}

fn holds(explanation: &Value) -> Vec<&str> {
    let holds = explanation["holds"].as_array().unwrap();
    holds
        .iter()
        .filter_map(|hold| hold["reason"].as_str())
        .collect()
}

#[tokio::test]
async fn what_is_listed_and_signed_goes_all_the_way_and_stops_while_it_is_withdrawn() {
    let prepared = Prepared::new(strict).await;
    let unlisted = prepared.send_signed("pki/signer.key").await;
    assert_eq!(unlisted["response"]["reason"], "IMAGE_NOT_LISTED");
    prepared.list_as("Withdrawn", "").await;
    let withdrawn = prepared.send_signed("pki/signer.key").await;
    assert_eq!(withdrawn["response"]["reason"], "IMAGE_NOT_ACTIVE");
    prepared.list_as("Active", "00000001").await;
    let stored = prepared.send_signed("pki/signer.key").await;
    assert_eq!(stored["state"], "STORED", "{stored}");
    let batch = prepared.activate(&[]).await.expect_code(0).json();

    prepared.list_as("Withdrawn", "00000001").await;
    let gateway = prepared.scene.gateway("gateway1", &[]).await;
    let activation = format!(
        "{}/activations/{}",
        batch["name"].as_str().unwrap(),
        prepared.devices[0]
    );
    let explain = ["explain", &activation];
    let held = prepared
        .scene
        .dco("user1", &explain)
        .await
        .expect_code(0)
        .json();
    assert_eq!(holds(&held)[0], "IMAGE_NOT_ACTIVE", "{held}");
    let told = held["summary"].as_str().unwrap();
    assert!(
        told.contains("the image is Withdrawn on the Central Products List"),
        "{told}"
    );
    for party in ["user1", "desk1"] {
        let told = prepared
            .scene
            .dco(party, &["notices"])
            .await
            .expect_code(0)
            .json();
        let last = told["notices"].as_array().unwrap().last().unwrap();
        assert_eq!(last["subject"]["products_hold"]["held"], 4, "{last}");
    }

    prepared.list_as("Active", "00000001").await;
    let watch = ["watch", batch["name"].as_str().unwrap()];
    let settled = prepared
        .scene
        .dco("user1", &watch)
        .await
        .expect_code(0)
        .json();
    assert_eq!(settled["counts"]["succeeded"], 4, "{settled}");
    gateway.stop().await.expect_code(0);
    prepared.scene.no_faults();
}

#[tokio::test]
async fn a_batch_over_a_closed_pathway_is_refused_with_devices_and_versions() {
    let prepared = Prepared::new(strict).await;
    prepared.list_as("Active", "00000007 00000008").await;
    prepared.send_signed("pki/signer.key").await;
    let refused = prepared.activate(&[]).await;
    let error = refused.error().to_owned();
    for expected in [
        "UPGRADE_PATHWAY_CLOSED",
        "FAILED_PRECONDITION",
        "allowedVersions 00000007,00000008",
        "runningVersion 00000001",
        "deviceCount 4",
        &prepared.devices[3].to_string(),
    ] {
        assert!(error.contains(expected), "{expected} is not in {error}");
    }
    prepared.scene.no_faults();
}

#[tokio::test]
async fn the_list_is_shown_as_it_was_imported_after_a_restart_as_well() {
    let mut prepared = Prepared::new(strict).await;
    prepared.list_as("Expired", "00000007 00000008").await;
    prepared.scene.kill_service().await;
    prepared.scene.start_service().await;
    for party in ["operator1", "desk1", "auditor1"] {
        let listed = prepared.scene.dco(party, &["products", "list"]).await;
        let listed = listed.expect_code(0).json();
        let entry = &listed["products"][0];
        assert_eq!(entry["manufacturer_image_hash"], prepared.hash);
        assert_eq!(entry["status"], "Expired");
        assert_eq!(entry["upgrade_from"], json!(["00000007", "00000008"]));
    }
    prepared.scene.no_faults();
}

#[tokio::test]
async fn a_bad_line_is_named_and_nothing_is_imported() {
    let prepared = Prepared::new(strict).await;
    let good = prepared.entry("Active", "");
    let bad = prepared.entry("Retired", "");
    let imported = prepared.import(&format!("{good}{bad}")).await;
    let bad = imported.expect_code(65).json()["error"]["details"]["bad_lines"].clone();
    assert_eq!(bad[0]["line"], 3, "{bad}");
    let why = bad[0]["why"].as_str().unwrap();
    assert!(why.starts_with("status `Retired`"), "{why}");

    // Whoever speaks the wire itself is told the place of the entry.
    let mut wire = prepared.scene.wire("operator1").await;
    let mut import = wire_import(&[7; 32]);
    import.products.push(pb::ProductEntry {
        manufacturer_image_hash: vec![7; 31].into(),
        ..import.products[0].clone()
    });
    let answer = wire
        .operations
        .import_products(tokio_stream::iter([import]));
    let told = refused(
        answer.await.map(drop),
        Code::InvalidArgument,
        "PRODUCT_ENTRY_INVALID",
    );
    assert_eq!(told.field("products").metadata("index"), "1");
    let mut import = wire_import(&[7; 32]);
    import.products.push(import.products[0].clone());
    let answer = wire
        .operations
        .import_products(tokio_stream::iter([import]));
    refused(
        answer.await.map(drop),
        Code::InvalidArgument,
        "PRODUCT_ENTRY_INVALID",
    );
    let import = pb::ImportProductsRequest {
        products: Vec::new(),
        ..wire_import(&[7; 32])
    };
    let answer = wire
        .operations
        .import_products(tokio_stream::iter([import]));
    refused(
        answer.await.map(drop),
        Code::InvalidArgument,
        "PRODUCTS_EMPTY",
    );
    let listed = prepared.scene.dco("operator1", &["products", "list"]).await;
    assert_eq!(listed.expect_code(0).json()["products"], json!([]));
    prepared.scene.no_faults();
}

#[tokio::test]
async fn only_an_operator_imports_the_list_and_only_staff_reads_it() {
    let prepared = Prepared::new(strict).await;
    for party in ["user1", "gateway1", "desk1", "auditor1"] {
        let mut wire = prepared.scene.wire(party).await;
        let import = tokio_stream::iter([wire_import(&[7; 32])]);
        let answer = wire.operations.import_products(import).await;
        refused(
            answer.map(drop),
            Code::PermissionDenied,
            "CALLER_NOT_PERMITTED",
        );
    }
    for party in ["user1", "gateway1"] {
        let mut wire = prepared.scene.wire(party).await;
        let list = pb::ListProductsRequest::default();
        let answer = wire.operations.list_products(list).await;
        refused(
            answer.map(drop),
            Code::PermissionDenied,
            "CALLER_NOT_PERMITTED",
        );
    }
    prepared.scene.no_faults();
}
