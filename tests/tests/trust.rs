//! Trusted images: what nobody has signed, what the Central Products List does not allow, what is far from usual.

mod products;
mod signatures;
mod thresholds;

use dco_block::ManufacturerImageHash;
use dco_tests::{Device, Scene, Settings, write};
use serde_json::Value;

use crate::activation::quick;

/// The version that images of these tests have.
const VERSION: &str = "0102000A";

/// Every check is made.
fn strict(settings: Settings) -> Settings {
    quick(settings)
        .with("trust.image_signature", true)
        .with("trust.products_list", true)
        .with("trust.upgrade_pathway", true)
}

/// A scene with a file of firmware, and four Devices of the first User that run 00000001.
struct Prepared {
    scene: Scene,
    file: String,
    hash: String,
    list: String,
    devices: Vec<Device>,
}

impl Prepared {
    async fn new(edit: impl FnOnce(Settings) -> Settings) -> Self {
        let scene = Scene::start(edit).await;
        let devices = scene.install(0, 4, "user1", "gateway1").await;
        let file = scene.site.path("firmware.bin");
        let firmware: Vec<u8> = (0..=u8::MAX).cycle().take(900_000).collect();
        write(&file, &firmware);
        let list = scene.site.path("devices.txt");
        let lines = devices.iter().map(|device| format!("{device}\n"));
        write(&list, lines.collect::<String>());
        Self {
            file: file.to_str().unwrap().to_owned(),
            hash: ManufacturerImageHash::of(&firmware).to_string(),
            list: list.to_str().unwrap().to_owned(),
            scene,
            devices,
        }
    }

    /// Makes an image of the firmware with a key of the development PKI, sends it, and gives the transfer in the end.
    async fn send_signed(&self, key: &str) -> Value {
        let key = self.scene.site.path(key);
        let key = key.to_str().unwrap();
        let of = ["--firmware-version", VERSION, "--devices", &self.list];
        let args = [["send", &self.file, "--wrap", key], of].concat();
        self.scene.dco("user1", &args).await.json()
    }

    /// The list's entry of the image, as a line of a CSV file.
    fn entry(&self, status: &str, upgrade_from: &str) -> String {
        let hash = &self.hash;
        format!("Maker,E470,0100,01FF,{VERSION},{hash},{status},{upgrade_from}\n")
    }

    /// Imports lines as the operator.
    async fn import(&self, lines: &str) -> dco_tests::Ended {
        const HEADER: &str = "manufacturer,model,hardware_version_min,hardware_version_max,firmware_version,\
                              manufacturer_image_hash,status,upgrade_from\n";
        let file = self.scene.site.path("cpl.csv");
        write(&file, format!("{HEADER}{lines}"));
        let args = ["products", "import", file.to_str().unwrap()];
        self.scene.dco("operator1", &args).await
    }

    async fn list_as(&self, status: &str, upgrade_from: &str) {
        let imported = self.import(&self.entry(status, upgrade_from)).await;
        assert_eq!(imported.expect_code(0).json()["product_count"], 1);
    }

    /// Sends all Devices for the image.
    async fn activate(&self, more: &[&str]) -> dco_tests::Ended {
        let of = ["--image", &self.hash, "--devices", &self.list];
        let args = [&["activate"], &of[..], more].concat();
        self.scene.dco("user1", &args).await
    }
}
