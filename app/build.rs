//! Generates the gRPC code; the compiler for it is a library, so no `protoc` is needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["notes/v1/notes.proto"], ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("notes.v1.descriptors"), files.encode_to_vec())?;
    // The app is a server only; the client, which tests use, brings its own transport.
    tonic_prost_build::configure().build_transport(false).compile_fds(files)?;
    Ok(())
}
