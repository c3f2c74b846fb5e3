//! A gateway that a test plays itself, message by message.

use dco_client::{DcoMessage, GatewayMessage, GatewayReceiver, GatewaySender, Hello, Offer};

use crate::{Scene, within};

/// The gateway's end of one stream.
#[derive(Debug)]
pub struct Player {
    speaks: GatewaySender,
    listens: GatewayReceiver,
}

impl Player {
    /// Says hello with nothing in hand and waits for the welcome.
    pub async fn connect(scene: &Scene, gateway: &str, memory_id: &str) -> Self {
        let hello = Hello {
            memory_id: memory_id.to_owned(),
            attempts: Vec::new(),
            outcomes: Vec::new(),
            concurrency: 10,
        };
        let link = scene.gateway_link(gateway).await;
        let connected = within("a stream for the gateway", link.connect(hello)).await;
        let (speaks, listens) = connected.expect("the service takes its gateways");
        let mut player = Self { speaks, listens };
        let welcome = player.hear().await;
        assert!(matches!(welcome, DcoMessage::Welcome { .. }), "{welcome:?}");
        player
    }

    /// The next message.
    pub async fn hear(&mut self) -> DcoMessage {
        let message = within("a message for the gateway", self.listens.recv()).await;
        message
            .expect("the stream stands")
            .expect("the service does not end the stream")
    }

    /// The next offer. Before it the service may withdraw what it does not know to be forgotten here.
    pub async fn offer(&mut self) -> Offer {
        loop {
            match self.hear().await {
                DcoMessage::Offer(offer) => return *offer,
                DcoMessage::Withdrawn(_) => {}
                other => panic!("{other:?} instead of an offer"),
            }
        }
    }

    /// Says something.
    pub async fn say(&self, message: GatewayMessage) {
        self.speaks.send(message).await.expect("the stream stands");
    }
}
