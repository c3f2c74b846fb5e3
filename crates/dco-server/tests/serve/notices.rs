//! What a User is told, as it is read and watched, and what it may send.

use dco_block::Eui64;
use dco_proto::v1 as pb;
use pb::notice::Subject;

use crate::world::{
    GATEWAY, OPERATOR, OTHER_USER, USER, World, carrying, image, naming, open_request, reason,
    request_id,
};

fn devices(count: u64) -> Vec<Eui64> {
    let first = 0x00DB_0000_0000_0001;
    (first..first + count).map(Eui64::from_bits).collect()
}

/// Stores a large image for 401 Devices and sends it to 400 of them: four fifths of the allowance.
async fn four_fifths(world: &World) -> pb::SubmitBatchRequest {
    let devices = devices(401);
    world.import(&devices).await;
    let (manifest, blocks) = image(9, 800_000);
    let names: Vec<String> = devices.iter().map(ToString::to_string).collect();
    let mut update = world.update(USER).await;
    let opened = update
        .open_transfer(pb::OpenTransferRequest {
            devices: names.clone(),
            ..open_request(1, &manifest)
        })
        .await
        .unwrap();
    let name = opened.into_inner().name;
    let mut sent = vec![naming(&name)];
    sent.extend(blocks.iter().map(carrying));
    let said = update.send_blocks(tokio_stream::iter(sent)).await.unwrap();
    let mut said = said.into_inner();
    while said.message().await.unwrap().is_some() {}
    let watching = pb::WatchTransferRequest { name };
    let mut watched = update.watch_transfer(watching).await.unwrap().into_inner();
    while watched.message().await.unwrap().is_some() {}
    let hash = manifest.manufacturer_image_hash().as_bytes().to_vec();
    let request = pb::SubmitBatchRequest {
        parent: format!("users/{USER}"),
        request_id: request_id(2),
        manufacturer_image_hash: hash.into(),
        devices: names[..400].to_vec(),
        ..pb::SubmitBatchRequest::default()
    };
    let mut activate = world.activate(USER).await;
    activate.submit_batch(request.clone()).await.unwrap();
    pb::SubmitBatchRequest {
        request_id: request_id(3),
        devices: names[400..].to_vec(),
        ..request
    }
}

fn of(parent: &str, position: u64) -> pb::ListNoticesRequest {
    pb::ListNoticesRequest {
        parent: parent.to_owned(),
        position,
        page_size: 0,
    }
}

#[tokio::test]
async fn a_user_that_watches_is_told_what_it_reads_again_after_a_restart() {
    let mut world = World::new().await;
    let own = format!("users/{USER}");
    let mut notices = world.notices(USER).await;
    let watched = notices.watch_notices(of(&own, 0)).await.unwrap();
    let mut watched = watched.into_inner();
    four_fifths(&world).await;
    let told = watched.message().await.unwrap().unwrap();
    assert_eq!((told.position, told.complete), (1, true));
    let notice = &told.notices[0];
    assert_eq!(notice.number, 1);
    assert!(
        notice.message.starts_with("400 of 500 large activations"),
        "{}",
        notice.message
    );
    let Some(Subject::NearlyUsed(near)) = &notice.subject else {
        panic!("{notice:?}");
    };
    assert_eq!(
        (near.limit, near.sent, near.schedule.as_str()),
        (500, 400, "")
    );
    drop(watched);
    world.stop().await.unwrap();
    world.start().await;
    let mut notices = world.notices(USER).await;
    let again = notices.list_notices(of(&own, 0)).await.unwrap();
    assert_eq!(again.into_inner(), told);
    let after = notices
        .list_notices(of(&own, 1))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (after.notices.len(), after.position, after.complete),
        (0, 1, true)
    );
}

#[tokio::test]
async fn limits_say_what_is_used_and_when_it_resets() {
    let world = World::new().await;
    let mut next = four_fifths(&world).await;
    let mut notices = world.notices(USER).await;
    let parent = format!("users/{USER}");
    let asked = pb::GetLimitsRequest { parent };
    let limits = notices
        .get_limits(asked.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((limits.allowance, limits.allowance_sent), (500, 400));
    assert!(limits.reset_time.is_some());
    assert_eq!(limits.quotas, []);
    next.validate_only = true;
    let mut activate = world.activate(USER).await;
    activate.submit_batch(next).await.unwrap();
    let after = notices.get_limits(asked).await.unwrap().into_inner();
    assert_eq!(after, limits, "what only validates uses nothing");
}

#[tokio::test]
async fn notices_of_others_are_refused_as_those_of_nobody() {
    let world = World::new().await;
    let mut refused = Vec::new();
    for (caller, parent) in [
        (USER, format!("users/{OTHER_USER}")),
        (USER, "users/90-B3-D5-1F-30-0F-00-00".to_owned()),
        (USER, "serviceDesk".to_owned()),
        (USER, "operators".to_owned()),
        (GATEWAY, format!("users/{USER}")),
    ] {
        let mut notices = world.notices(caller).await;
        refused.push(notices.list_notices(of(&parent, 0)).await.unwrap_err());
        refused.push(notices.watch_notices(of(&parent, 0)).await.unwrap_err());
        if parent.starts_with("users/") {
            let asked = pb::GetLimitsRequest { parent };
            refused.push(notices.get_limits(asked).await.unwrap_err());
        }
    }
    for one in &refused {
        assert_eq!(reason(one), "CALLER_NOT_PERMITTED");
        assert_eq!(
            (one.code(), one.message()),
            (refused[0].code(), refused[0].message())
        );
    }
    let mut notices = world.notices(OPERATOR).await;
    for parent in ["serviceDesk", "operators", &format!("users/{USER}")] {
        let told = notices.list_notices(of(parent, 0)).await.unwrap();
        assert!(told.into_inner().complete, "{parent}");
    }
    let unnamed = notices.list_notices(of("desk", 0)).await.unwrap_err();
    assert_eq!(reason(&unnamed), "NAME_INVALID");
}
