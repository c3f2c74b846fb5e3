//! No word before it is true.

use dco_engine::{Effect, Event, Refusal, Reply, ReplyTo, Request, SubmitBatch};

use crate::sample::{ANN, LARGE, NORTH, capacity, device, devices, manifest};
use crate::world::World;

fn ready() -> World {
    let mut world = World::new(capacity(100));
    world.register(&devices(0..10), ANN, NORTH);
    world
}

#[test]
fn a_reply_waits_for_its_record() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.syncs = false;
    let asked = world.opening(ANN, &image, &devices(0..3));
    let to = world.send(Request::OpenTransfer(asked));
    assert!(world.reply(to).is_none());
    world.sync();
    world.pump();
    assert!(world.reply(to).is_some_and(|reply| reply.is_ok()));
}

#[test]
fn refusals_and_reads_wait_for_what_they_tell() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.syncs = false;
    let asked = world.opening(ANN, &image, &devices(0..3));
    let opened = world.send(Request::OpenTransfer(asked));
    let read = world.send(Request::GetTransfer {
        user: ANN,
        number: 1,
    });
    let asked = SubmitBatch {
        devices: vec![device(0)],
        ..world.batch_of(ANN, &image, &[])
    };
    let refused = world.send(Request::SubmitBatch(asked));
    assert!(world.reply(read).is_none() && world.reply(refused).is_none());
    world.sync();
    world.pump();
    assert!(world.reply(opened).is_some());
    assert!(matches!(
        world.reply(read),
        Some(Ok(Reply::Transfer(view))) if view.number == Some(1)
    ));
    assert!(matches!(
        world.reply(refused),
        Some(Err(Refusal::ImageIncomplete { transfer: 1 }))
    ));
}

#[test]
fn an_offer_waits_for_its_release() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.store(ANN, &image, &devices(0..3));
    world.submit(ANN, &image, &[device(0)]).expect("admitted");
    world.syncs = false;
    world.connect(NORTH);
    assert!(world.offers().is_empty());
    world.sync();
    world.pump();
    assert_eq!(world.offer().attempt.activation.device, device(0));
}

#[test]
fn what_rests_on_nothing_new_goes_at_once() {
    let mut world = ready();
    world.handle(Event::Tick);
    world.syncs = false;
    let to = world.send(Request::GetTransfer {
        user: ANN,
        number: 1,
    });
    assert!(matches!(
        world.reply(to),
        Some(Err(Refusal::NotFound { kind: "transfer" }))
    ));
}

#[test]
fn effects_keep_their_order() {
    let mut world = ready();
    world.syncs = false;
    for number in [1, 2, 3] {
        world.engine.handle(
            Event::Request {
                reply_to: ReplyTo(1_000 + number),
                request: Request::GetTransfer { user: ANN, number },
            },
            world.now_us,
        );
    }
    let order = std::iter::from_fn(|| world.engine.poll_effect()).map(|effect| match effect {
        Effect::Reply { to, .. } => to.0,
        other => panic!("{other:?}"),
    });
    assert_eq!(order.collect::<Vec<_>>(), [1_001, 1_002, 1_003]);
}

#[test]
fn what_was_not_durable_never_was() {
    let mut world = ready();
    let image = manifest(2, LARGE);
    world.syncs = false;
    let asked = world.opening(ANN, &image, &devices(0..3));
    world.send(Request::OpenTransfer(asked.clone()));
    world.syncs = true;
    world.crash();
    let absent = world.ask(Request::GetTransfer {
        user: ANN,
        number: 1,
    });
    assert!(matches!(absent, Err(Refusal::NotFound { .. })));
    assert!(world.ask(Request::OpenTransfer(asked)).is_ok());
}

#[test]
#[should_panic(expected = "never made")]
fn durability_is_only_of_what_was_made() {
    World::new(capacity(1)).engine.on_durable(1);
}
