//! Bad input: each gets its code, its reason and its details, changes nothing, and is no fault of the service.

mod allowance;
mod batches;
mod blocks;
mod callers;
mod transfers;

use dco_proto::v1 as pb;
use dco_tests::{Device, Image, Refused, Scene, Snapshot, Wire, refused};
use tonic::{Code, Status};

/// A scene in which user1 has a stored image for five Devices, and user2 one Device of its own.
struct Prepared {
    scene: Scene,
    wire: Wire,
    image: Image,
    own: Vec<Device>,
    of_another: Vec<Device>,
    before: Snapshot,
}

impl Prepared {
    async fn new() -> Self {
        let scene = Scene::start(|settings| settings).await;
        let own = scene.install(0, 5, "user1", "gateway1").await;
        let of_another = scene.install(100, 1, "user2", "gateway1").await;
        let image = Image::small(2);
        let user = scene.user("user1").await;
        scene.store(&user, &image, &own).await;
        Self {
            wire: scene.wire("user1").await,
            before: Snapshot::of(&scene).await,
            scene,
            image,
            own,
            of_another,
        }
    }

    fn submit(&self, devices: &[Device]) -> pb::SubmitBatchRequest {
        dco_tests::wire_submit(self.scene.site.eui64("user1"), &self.image, devices)
    }

    fn open(&self, devices: &[Device]) -> pb::OpenTransferRequest {
        dco_tests::wire_open(self.scene.site.eui64("user1"), &Image::small(3), devices)
    }

    /// SubmitBatch must be refused in this way.
    async fn batch_refused(
        &mut self,
        asked: pb::SubmitBatchRequest,
        code: Code,
        reason: &str,
    ) -> Refused {
        let answer = self.wire.batches.submit_batch(asked).await;
        self.unchanged_and(answer.map(drop), code, reason).await
    }

    /// OpenTransfer must be refused in this way.
    async fn transfer_refused(
        &mut self,
        asked: pb::OpenTransferRequest,
        code: Code,
        reason: &str,
    ) -> Refused {
        let answer = self.wire.transfers.open_transfer(asked).await;
        self.unchanged_and(answer.map(drop), code, reason).await
    }

    /// A refusal with this code and reason that changed nothing and is logged as no fault.
    async fn unchanged_and(&self, answer: Result<(), Status>, code: Code, reason: &str) -> Refused {
        let refused = refused(answer, code, reason);
        self.unchanged().await;
        refused
    }

    async fn unchanged(&self) {
        assert_eq!(
            Snapshot::of(&self.scene).await,
            self.before,
            "a refusal changes nothing"
        );
        self.scene.no_faults();
    }
}
