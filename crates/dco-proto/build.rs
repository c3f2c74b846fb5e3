//! Generates the code of `proto/dco/v1` with protox, so that a build needs no `protoc`.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

use prost_types::FileDescriptorSet;

const PACKAGE: &str = "dco.v1";

/// The folder of the wire definitions, seen from this crate.
const PROTO_ROOT: &str = "../../proto";

/// One file for each audience, and what they share.
const PROTO_FILES: &[&str] = &[
    "dco/v1/common.proto",
    "dco/v1/update_firmware.proto",
    "dco/v1/activate_firmware.proto",
    "dco/v1/delivery_schedules.proto",
    "dco/v1/gateway.proto",
    "dco/v1/decision_log.proto",
    "dco/v1/operations.proto",
    "dco/v1/reports.proto",
    "dco/v1/notices.proto",
];

#[expect(
    clippy::disallowed_methods,
    reason = "a build script hands its result over as a file in OUT_DIR"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTO_ROOT}");

    let mut compiler = protox::Compiler::new([PROTO_ROOT])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(PROTO_FILES)?;

    // Kept with its imports, because a client of the reflection service asks for them too.
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("dco.v1.bin");
    std::fs::write(descriptors, compiler.encode_file_descriptor_set())?;

    let rpcs = PathBuf::from(env::var("OUT_DIR")?).join("rpc.rs");
    std::fs::write(rpcs, rpc_code(&compiler.file_descriptor_set())?)?;

    tonic_prost_build::configure()
        // `Bytes` fields are slices of the receive buffer: a block is not copied on its way in.
        .bytes(".")
        // Maps in the same order on every run.
        .btree_map(".")
        // Both ends bring their own TLS connection; nobody dials through generated code.
        .build_transport(false)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// The enum of all calls: what matches on it without a wildcard stops to build when a call is added.
fn rpc_code(files: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let (mut variants, mut all) = (String::new(), String::new());
    let (mut paths, mut of_paths) = (String::new(), String::new());
    for file in files.file.iter().filter(|file| file.package() == PACKAGE) {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{PACKAGE}.{}/{}", service.name(), method.name());
                let variant = format!("{}{}", service.name(), method.name());
                writeln!(variants, "/// `{path}`\n{variant},")?;
                writeln!(all, "Self::{variant},")?;
                writeln!(paths, "Self::{variant} => {path:?},")?;
                writeln!(of_paths, "{path:?} => Some(Self::{variant}),")?;
            }
        }
    }
    Ok(format!(
        "/// Every call of package `{PACKAGE}`.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]\n\
         pub enum Rpc {{ {variants} }}\n\
         impl Rpc {{\n\
         /// All of them, in the order of the wire definitions.\n\
         pub const ALL: &'static [Self] = &[{all}];\n\
         /// Where it is served.\n\
         pub const fn path(self) -> &'static str {{ match self {{ {paths} }} }}\n\
         /// The call that is served at a path.\n\
         pub fn of_path(path: &str) -> Option<Self> {{ match path {{ {of_paths} _ => None }} }}\n\
         }}\n"
    ))
}
