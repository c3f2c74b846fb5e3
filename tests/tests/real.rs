//! Real firmware and a client in another language. These need packages that a development machine may not have, so they are
//! ignored there; `.ci/run` installs the packages and runs them.

use std::path::{Path, PathBuf};

use dco_block::OtaImage;
use dco_tests::{Child, Scene, read, read_text, within, write};
use serde_json::Value;
use tokio::process::Command;

use crate::activation::{quick, released_in_all};

/// An image is large when more than this is sent, header and signature included.
const LARGE_BYTES_OVER: usize = 750_000;
/// The version that is put into the header.
const VERSION: &str = "0102000A";

fn from_env(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    value
        .unwrap_or_else(|| panic!("{name} is not set; .ci/run shows what it must name"))
        .into()
}

/// What the program `sha256sum` says of a file.
async fn sha256sum(file: &Path) -> String {
    let output = Command::new("sha256sum")
        .arg("--")
        .arg(file)
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    let line = String::from_utf8(output.stdout).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

/// Sends a file with `dco send --wrap` and checks that it was taken for what it is.
async fn stored(scene: &Scene, file: &Path, list: &str, is_large: bool) {
    let signer = scene.site.path("pki/signer.key");
    let (file, signer) = (file.to_str().unwrap(), signer.to_str().unwrap());
    let version = ["--firmware-version", VERSION, "--devices", list];
    let args = [["send", file, "--wrap", signer], version].concat();
    let sent = scene.dco("user1", &args).await.expect_code(0).json();
    assert_eq!(sent["state"], "STORED", "{sent}");
    assert_eq!(
        sent["large"], is_large,
        "{file} has {} bytes",
        sent["image_bytes"]
    );
}

/// Activates the image with this hash and gives what each meter reports in the end.
async fn activated(scene: &Scene, hash: &str, list: &str) -> Value {
    let report = scene.site.path("meters.json");
    let gateway = scene
        .gateway("gateway1", &["--report", report.to_str().unwrap()])
        .await;
    let args = ["activate", "--image", hash, "--devices", list, "--watch"];
    scene.dco("user1", &args).await.expect_code(0);
    gateway.stop().await.expect_code(0);
    let report: Value = serde_json::from_str(&read_text(&report)).unwrap();
    report["devices"].clone()
}

/// Takes a file all the way to simulated meters and compares what each reports with `sha256sum`.
async fn every_meter_runs(file: &Path, is_large: bool) {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 4, "user1", "gateway1").await;
    let list = scene.site.path("devices.txt");
    write(
        &list,
        devices
            .iter()
            .map(|device| format!("{device}\n"))
            .collect::<String>(),
    );
    let list = list.to_str().unwrap();

    stored(&scene, file, list, is_large).await;
    let expected = sha256sum(file).await;
    let meters = activated(&scene, &expected, list).await;
    let running = serde_json::json!({
        "manufacturer_image_hash": expected,
        "running_version": VERSION,
    });
    for device in &devices {
        assert_eq!(
            meters[device.to_string()],
            running,
            "{device} of {}",
            file.display()
        );
    }
    assert_eq!(released_in_all(&scene).await, if is_large { 4 } else { 0 });
    scene.no_faults();
}

#[tokio::test]
#[ignore = "needs Debian's u-boot-qemu; .ci/run installs it and sets DCO_UBOOT_DIR"]
async fn u_boot_under_and_over_the_limit_arrives_as_it_was() {
    let folder = from_env("DCO_UBOOT_DIR");
    for (name, is_large) in [
        ("maltael/u-boot.bin", false),
        ("qemu-riscv64/u-boot.bin", false),
        ("qemu_arm/u-boot.bin", true),
        ("qemu_arm64/u-boot.bin", true),
    ] {
        let file = folder.join(name);
        assert_eq!(
            read(&file).len() > LARGE_BYTES_OVER,
            is_large,
            "{name} has another size now"
        );
        every_meter_runs(&file, is_large).await;
    }
}

#[tokio::test]
#[ignore = "needs Debian's ovmf; .ci/run installs it and sets DCO_OVMF_DIR"]
async fn ovmf_of_two_to_four_megabytes_arrives_as_it_was() {
    let folder = from_env("DCO_OVMF_DIR");
    for name in ["OVMF_CODE.fd", "OVMF_CODE_4M.fd"] {
        every_meter_runs(&folder.join(name), true).await;
    }
}

#[tokio::test]
#[ignore = "needs Debian's u-boot-qemu; .ci/run installs it and sets DCO_UBOOT_DIR"]
async fn the_demonstration_takes_real_firmware() {
    let file = from_env("DCO_UBOOT_DIR").join("qemu_arm64/u-boot.bin");
    let ended = dco_tests::dco(["demo", "--json", "--image", file.to_str().unwrap()]).await;
    let report = ended.expect_code(0).json();
    assert!(
        report["image_bytes"].as_u64() > u64::try_from(read(&file).len()).ok(),
        "{report}"
    );
    assert!(
        report["refused_over_allowance"].as_u64() >= Some(1),
        "{report}"
    );
}

/// The image in the DCC's template of SRV 11.1, and the certificate of the supplier that signed it.
async fn of_the_dcc(scene: &Scene) -> (Vec<u8>, PathBuf) {
    let folder = from_env("DCO_DCC_DIR");
    let template = read_text(&folder.join("11.1_UPDATE_FIRMWARE_REQUEST_DUIS.XML"));
    let (_, rest) = template.split_once("FirmwareImage>").expect("its image");
    let (base64, _) = rest.split_once("</").expect("the end of its image");
    let encoded = scene.site.path("dcc.base64");
    write(&encoded, base64);
    let decoded = Command::new("base64")
        .arg("-d")
        .arg(&encoded)
        .output()
        .await
        .unwrap();
    assert!(decoded.status.success());
    (decoded.stdout, folder.join("Z1-supplier-ds.pem"))
}

/// Puts a Device that the image is for into the inventory, and the image for it onto the Central Products List.
async fn import_for(scene: &Scene, ota: &OtaImage, device: &str) {
    let range = ota.header().hardware_versions.unwrap();
    let (version, hash) = (ota.header().file_version, ota.manufacturer_image_hash());
    let entry = format!(
        "{},{}",
        scene.site.eui64("user1"),
        scene.site.eui64("gateway1")
    );
    let inventory = scene.site.path("devices.csv");
    let header = "device,user,gateway,manufacturer,model,hardware_version,firmware_version";
    let line = format!("{device},{entry},Maker,E470,{:04X},00000001", range.min);
    write(&inventory, format!("{header}\n{line}\n"));
    let list = scene.site.path("cpl.csv");
    let header = "manufacturer,model,hardware_version_min,hardware_version_max,firmware_version,\
                  manufacturer_image_hash,status,upgrade_from";
    let line = format!(
        "Maker,E470,{:04X},{:04X},{version},{hash},Active,",
        range.min, range.max
    );
    write(&list, format!("{header}\n{line}\n"));
    for import in [
        ["devices", "import", inventory.to_str().unwrap()],
        ["products", "import", list.to_str().unwrap()],
    ] {
        scene.dco("operator1", &import).await.expect_code(0);
    }
}

/// With every check: the signature of a real supplier, and an entry of the Central Products List.
#[tokio::test]
#[ignore = "needs the DCC's npm packages; .ci/run fetches them and sets DCO_DCC_DIR"]
async fn the_signed_sample_of_the_dcc_is_taken_and_nothing_else_in_its_place() {
    let mut scene = Scene::start(|settings| {
        quick(settings)
            .with("trust.image_signature", true)
            .with("trust.products_list", true)
            .with("trust.upgrade_pathway", true)
    })
    .await;
    let (image, certificate) = of_the_dcc(&scene).await;
    let ota = OtaImage::parse(&image.clone().into()).unwrap();
    let range = ota.header().hardware_versions.unwrap();
    let hash = ota.manufacturer_image_hash();
    let file = scene.site.path("dcc.ota");
    write(&file, &image);
    let device = dco_tests::devices(0, 1)[0].to_string();
    let send = ["send", file.to_str().unwrap(), "--devices", &device];

    import_for(&scene, &ota, &device).await;

    // Nobody whose certificate is registered has signed it.
    let sent = scene.dco("user1", &send).await.expect_code(1).json();
    assert_eq!(
        sent["response"]["reason"], "IMAGE_SIGNATURE_INVALID",
        "{sent}"
    );
    scene.stop_service().await;
    let signer = toml::Table::from_iter([
        (
            "user".to_owned(),
            scene.site.eui64("user1").to_string().into(),
        ),
        ("file".to_owned(), certificate.to_str().unwrap().into()),
    ]);
    let signers = toml::Value::Array(vec![signer.into()]);
    scene
        .site
        .set(|settings| settings.with("trust.signer", signers));
    scene.start_service().await;
    let sent = scene.dco("user1", &send).await.expect_code(0).json();
    assert_eq!(sent["state"], "STORED", "{sent}");
    let (hash, devices) = (hash.to_string(), ["--devices", &device, "--watch"]);
    let hardware = format!("{:04X}", range.min);
    let meters = ["--meter-hardware", hardware.as_str()];
    let _gateway = scene.gateway("gateway1", &meters).await;
    let activate = [&["activate", "--image", &hash], &devices[..]].concat();
    scene.dco("user1", &activate).await.expect_code(0);

    // One bit of the Manufacturer Image, or of the signature, and it is another image that nobody has signed.
    for at in [60, image.len() - 1] {
        let mut spoilt = image.clone();
        spoilt[at] ^= 1;
        write(&file, &spoilt);
        let sent = scene.dco("user1", &send).await.expect_code(1).json();
        assert_eq!(
            sent["response"]["reason"], "IMAGE_SIGNATURE_INVALID",
            "{sent}"
        );
    }
    scene.no_faults();
}

#[tokio::test]
#[ignore = "needs a Python with grpcio and grpcio-tools; .ci/run makes one and sets DCO_PYTHON"]
async fn a_client_in_python_sends_an_image_and_a_batch() {
    let scene = Scene::start(quick).await;
    let devices = scene.install(0, 3, "user1", "gateway1").await;
    let _gateway = scene.gateway("gateway1", &[]).await;
    let image = dco_tests::Image::large(5);
    let file = scene.site.path("image.ota");
    write(&file, &image.bytes);

    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(from_env("DCO_PYTHON"));
    command.arg(tests.join("python/client.py"));
    command.arg("--proto").arg(tests.join("../proto"));
    command.args(["--server", &scene.line.address().to_string()]);
    command.arg("--as").arg(scene.site.party("user1"));
    command.args(["--user", &scene.site.eui64("user1").to_string()]);
    command.arg("--image").arg(&file);
    command.args(devices.iter().map(ToString::to_string));
    let ended = within("Python", Child::spawn("client.py", command).ended())
        .await
        .expect_code(0);
    let told = ended.json();

    assert_eq!(told["transfer"]["state"], "STORED", "{told}");
    assert_eq!(told["transfer"]["response_code"], "I99");
    assert_eq!(
        told["transfer"]["acknowledged"],
        image.manifest.block_count()
    );
    assert_eq!(told["refused_block"]["reason"], "BLOCK_DIGEST_MISMATCH");
    assert_eq!(told["batch"]["counts"]["succeeded"], 3);
    assert_eq!(
        told["batch"]["device_image_hashes"],
        serde_json::json!([image.hash().to_string()])
    );
    assert_eq!(told["refusal"]["code"], "NOT_FOUND");
    assert_eq!(told["refusal"]["reason"], "IMAGE_NOT_FOUND");
    assert_eq!(told["refusal"]["domain"], "dco");
    assert_eq!(released_in_all(&scene).await, 3);
    scene.no_faults();
}
