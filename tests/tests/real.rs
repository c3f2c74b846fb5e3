//! Real firmware and a client in another language. These need packages that a development machine may not have, so they are
//! ignored there; `.ci/run` installs the packages and runs them.

use std::path::{Path, PathBuf};

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
