//! What is taken over while the service runs, and what is not.

use std::fs::File;
use std::io::Write;

use dco_client::{Link, RetryPolicy, UserClient};
use dco_tests::{
    Child, Image, Metrics, Scene, dco, dco_command, open_transfer, read, read_text, within, write,
};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::io::Errno;

const REFUSED: &str = "dco_reload_refused{what=\"registrations\"}";

#[tokio::test]
async fn who_is_registered_follows_the_configuration_and_a_bad_one_changes_nothing() {
    let scene = Scene::start(|settings| settings).await;
    let devices = scene.install(0, 1, "user1", "gateway1").await;
    let first = scene.user("user1").await;
    let opened = first
        .open_transfer(open_transfer(&Image::small(2), &devices))
        .await;
    let name = opened.unwrap().name.unwrap();
    let once = RetryPolicy {
        tries_max: 0,
        ..RetryPolicy::default()
    };
    let mut watch = first.watch_transfer(name, once);
    within("what is known already", watch.next()).await.unwrap();

    // A configuration that is none is not taken over, and that can be seen.
    let good = read_text(&scene.site.config());
    let user = scene.site.eui64("user1").to_string();
    write(&scene.site.config(), good.replace("\"user\"", "\"king\""));
    scene.service().hang_up();
    let series = "dco_reloads_total{what=\"registrations\",outcome=\"refused\"}";
    let both = |it: &Metrics| it.reaches(REFUSED, 1) && it.reaches(series, 1);
    Metrics::until(scene.service(), both).await;
    first.transfers(&Default::default()).await.unwrap();
    let told = async {
        let is_told = |line: &String| line.contains("registrations");
        while !scene.service().errors().iter().any(is_told) {
            tokio::task::yield_now().await;
        }
    };
    within("the log to say so", told).await;

    // The User's registration goes: its open calls end, and it may nothing any more.
    let stranger = "90-B3-D5-1F-30-7F-00-01";
    let text = good.replace(
        &format!("eui64 = \"{user}\""),
        &format!("eui64 = \"{stranger}\""),
    );
    assert_ne!(text, good);
    write(&scene.site.config(), &text);
    scene.service().hang_up();
    within("the watch to end", watch.next()).await.unwrap_err();
    let refused = scene
        .user("user1")
        .await
        .transfers(&Default::default())
        .await;
    assert_eq!(refused.unwrap_err().reason(), Some("CALLER_NOT_PERMITTED"));

    // It comes back with all that is its own, and can send.
    write(&scene.site.config(), &good);
    scene.service().hang_up();
    let back = async {
        loop {
            let user = scene.user("user1").await;
            if user.transfer(name).await.is_ok() {
                return user;
            }
        }
    };
    let user = within("the registration to be taken over", back).await;
    dco_tests::send(&user, name, &Image::small(2)).await;
    let metrics = Metrics::of(scene.service()).await;
    assert!(!metrics.reaches(REFUSED, 1), "{}", metrics.text());
}

#[tokio::test]
async fn a_bad_authority_is_not_taken_over() {
    let scene = Scene::start(|settings| settings).await;
    let file = scene.site.path("pki/ca.pem");
    let good = read(&file);
    write(&file, &good[..good.len() / 2]);
    scene.service().hang_up();
    let refused = "dco_reload_refused{what=\"certificates\"}";
    Metrics::until(scene.service(), |it| it.reaches(refused, 1)).await;
    write(&file, &good);
    scene
        .user("user1")
        .await
        .transfers(&Default::default())
        .await
        .unwrap();
    scene.service().hang_up();
    Metrics::until(scene.service(), |it| it.value(refused) < 0.5).await;
}

#[tokio::test]
async fn whose_certificate_is_revoked_is_hung_up_on_and_comes_in_no_more() {
    let scene = Scene::start(|settings| settings).await;
    let (first, second) = (scene.user("user1").await, scene.user("user2").await);
    second.transfers(&Default::default()).await.unwrap();
    let pki = scene.site.path("pki");
    let revoke = [
        "pki".as_ref(),
        pki.as_os_str(),
        "--revoke".as_ref(),
        "user2".as_ref(),
    ];
    dco(revoke).await.expect_code(0);
    scene.service().hang_up();
    let hung_up = async { while second.transfers(&Default::default()).await.is_ok() {} };
    within("the certificate to count no more", hung_up).await;
    let (endpoint, identity) = (scene.endpoint(), scene.site.identity("user2"));
    let again = async {
        let link = Link::connect(&endpoint, &identity).await?;
        UserClient::new(&link, scene.site.eui64("user2"))
            .transfers(&Default::default())
            .await
    };
    let refused = within("the refusal", again).await.unwrap_err();
    // The handshake fails: there is no answer that could tell anything.
    assert_eq!(refused.code(), None, "{refused}");
    first.transfers(&Default::default()).await.unwrap();
    let metrics = Metrics::of(scene.service()).await;
    assert!(metrics.value("dco_revocation_list_due_timestamp_seconds") > 1.7e9);
    scene.no_faults();
}

#[tokio::test]
async fn a_service_that_is_told_to_look_while_it_starts_goes_on_starting() {
    let mut scene = Scene::start(|settings| settings).await;
    scene.stop_service().await;
    // A start that waits for the last of its files.
    let file = scene.site.party("log.key");
    let key = read(&file);
    std::fs::remove_file(&file).unwrap();
    mknodat(CWD, &file, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let mut command = dco_command(["serve", "--json", "--log-format", "json", "--config"]);
    command.arg(scene.site.config());
    let mut service = Child::spawn("dco serve", command);
    let asked = async {
        loop {
            // Without waiting in it: nobody could end that if the start never asks.
            match rustix::fs::open(&file, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
                Ok(asked) => return File::from(asked),
                Err(error) => assert_eq!(error, Errno::NXIO, "nobody reads it yet"),
            }
            tokio::task::yield_now().await;
        }
    };
    let mut asked = within("the start to ask", asked).await;
    service.hang_up();
    asked.write_all(&key).unwrap();
    drop(asked);
    service.says(|line| line.contains("\"ready\"")).await;
    service.stop().await.expect_code(0);
}
