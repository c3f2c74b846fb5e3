//! What do we say to each other?
//!
//! The messages and services of package `dco.v1`, generated at build time from `proto/dco/v1/*.proto`. The wire definitions and
//! their comments are the source; this crate adds nothing to them. `bytes` fields are [`bytes::Bytes`], so a block that arrives is
//! a slice of the buffer it arrived in.
//!
//! Only the edges (`dco-server`, `dco-client`) may name these types. Deliberately absent: any meaning. Checks and conversions live
//! where the message comes in or goes out.

/// Package `dco.v1`: messages, and for each service a client and a server module.
#[expect(
    clippy::large_enum_variant,
    reason = "what a gateway is told most is the largest, and the code is generated"
)]
pub mod v1 {
    tonic::include_proto!("dco.v1");
}

include!(concat!(env!("OUT_DIR"), "/rpc.rs"));

/// All files of the package and what they import, as an encoded `google.protobuf.FileDescriptorSet`: what the reflection service
/// serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("dco.v1");

#[cfg(test)]
mod tests {
    use super::{FILE_DESCRIPTOR_SET, Rpc};
    use prost::Message;
    use prost_types::FileDescriptorSet;

    #[test]
    fn the_descriptor_set_names_every_service_and_the_files_it_imports() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let services: Vec<&str> = set
            .file
            .iter()
            .flat_map(|file| file.service.iter().map(|service| service.name()))
            .collect();
        for expected in [
            "UpdateFirmware",
            "ActivateFirmware",
            "DeliverySchedules",
            "Gateway",
            "Notices",
            "Operations",
            "Reports",
        ] {
            assert!(
                services.contains(&expected),
                "{expected} is missing in {services:?}"
            );
        }
        assert!(
            set.file
                .iter()
                .any(|file| file.name() == "google/protobuf/timestamp.proto")
        );
    }

    #[test]
    fn every_method_of_every_service_is_a_call_with_its_path() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let files = set.file.iter().filter(|file| file.package() == "dco.v1");
        let paths: Vec<_> = files
            .flat_map(|file| &file.service)
            .flat_map(|service| {
                let of = service.name();
                let methods = service.method.iter();
                methods.map(move |method| format!("/dco.v1.{of}/{}", method.name()))
            })
            .collect();
        let known: Vec<_> = Rpc::ALL.iter().map(|rpc| rpc.path()).collect();
        assert_eq!(known, paths);
        for rpc in Rpc::ALL {
            assert_eq!(Rpc::of_path(rpc.path()), Some(*rpc));
        }
        assert_eq!(Rpc::of_path("/dco.v1.Gateway/Explode"), None);
    }
}
