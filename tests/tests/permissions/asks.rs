//! A message for each call, made from the wire definitions: what it names is given and nothing else, so that a call that would change
//! something is refused for what it lacks once it is permitted.

use bytes::Bytes;
use dco_block::Eui64;
use dco_proto::{FILE_DESCRIPTOR_SET, Rpc};
use prost::Message;
use prost::encoding::{message, string};
use prost_types::{DescriptorProto, FileDescriptorSet};

/// What a call is made about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub user: Eui64,
    pub number: u64,
    pub device: Eui64,
}

/// The wire definitions.
pub(super) struct Definitions(FileDescriptorSet);

impl Definitions {
    pub(super) fn read() -> Self {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET);
        Self(set.expect("a build made it"))
    }

    /// The message of a call, as it stands on the wire.
    pub(super) fn message(&self, rpc: Rpc, about: About) -> Bytes {
        let mut octets = Vec::new();
        for field in &self.input(rpc).field {
            let tag = u32::try_from(field.number()).expect("tags are positive");
            match field.name() {
                "name" | "transfer" => string::encode(tag, &about.named_by(rpc), &mut octets),
                "parent" => string::encode(tag, &about.parent_of(rpc), &mut octets),
                "head" => {
                    let head = dco_proto::v1::ScheduleActHead {
                        name: about.named_by(rpc),
                        ..Default::default()
                    };
                    message::encode(tag, &head, &mut octets);
                }
                _ => {}
            }
        }
        octets.into()
    }

    /// Whether a call names something that belongs to a User.
    pub(super) fn names_a_users(&self, rpc: Rpc) -> bool {
        let fields = &self.input(rpc).field;
        let named = fields
            .iter()
            .any(|it| ["name", "parent", "transfer", "head"].contains(&it.name()));
        named && !rpc.path().starts_with("/dco.v1.Operations/")
    }

    /// Whether a call reads one thing with a number, which may not be there.
    pub(super) fn reads_one(&self, rpc: Rpc) -> bool {
        let (_, method) = split(rpc);
        let reads = ["Get", "Watch", "Explain"]
            .iter()
            .any(|it| method.starts_with(it));
        let fields = &self.input(rpc).field;
        method == "ListActivations" || reads && fields.iter().any(|it| it.name() == "name")
    }

    fn input(&self, rpc: Rpc) -> &DescriptorProto {
        let (service, method) = split(rpc);
        let services = self.0.file.iter().flat_map(|file| &file.service);
        let methods = services
            .filter(|it| it.name() == service)
            .flat_map(|it| &it.method);
        let mut inputs = methods
            .filter(|it| it.name() == method)
            .map(|it| it.input_type());
        let input = inputs.next().expect("every call is defined");
        let name = input.rsplit('.').next().expect("split gives a part");
        let mut messages = self.0.file.iter().flat_map(|file| &file.message_type);
        let found = messages.find(|it| it.name() == name);
        found.unwrap_or_else(|| panic!("{input} is not defined"))
    }
}

impl About {
    fn parent_of(self, rpc: Rpc) -> String {
        if rpc == Rpc::ActivateFirmwareListActivations {
            self.named_by(Rpc::ActivateFirmwareGetBatch)
        } else {
            format!("users/{}", self.user)
        }
    }

    fn named_by(self, rpc: Rpc) -> String {
        let Self {
            user,
            number,
            device,
        } = self;
        let (service, method) = split(rpc);
        match service {
            "UpdateFirmware" => format!("users/{user}/transfers/{number}"),
            "ActivateFirmware" if method.ends_with("Activation") => {
                format!("users/{user}/batches/{number}/activations/{device}")
            }
            "ActivateFirmware" => format!("users/{user}/batches/{number}"),
            "DeliverySchedules" => format!("users/{user}/schedules/{number}"),
            _ => format!("actions/{number}"),
        }
    }
}

/// Service, without the package, and method.
fn split(rpc: Rpc) -> (&'static str, &'static str) {
    let path = rpc.path().strip_prefix("/dco.v1.");
    let parts = path.and_then(|path| path.split_once('/'));
    parts.expect("the path of a call names service and method")
}
