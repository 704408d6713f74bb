//! Makes an image of one static binary.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use crate::image::Layer;
use crate::layer::LayerWriter;
use crate::scratch::Scratch;
use crate::{BuildError, Digest, Image, Platform, Settings, base, elf};

/// Packs `binary` as `/<its file name>`; it becomes the entry point.
pub(crate) fn pack(
    binary: &Path,
    platform: Platform,
    settings: &Settings,
) -> Result<Image, BuildError> {
    check(binary, platform)?;
    let not_binary = || BuildError::NotBinary { path: binary.to_owned() };
    let name = binary.file_name().and_then(|name| name.to_str()).ok_or_else(not_binary)?;

    let directory = Scratch::new()?;
    let base = base_layer(directory.path(), settings.user)?;
    let program = program_layer(directory.path(), binary, name)?;

    let config = config(name, platform, settings, [&base.1, &program.1]);
    Ok(Image::from_layers(config, vec![base.0, program.0], directory))
}

/// Refuses what would not start in an empty root on the platform.
fn check(binary: &Path, platform: Platform) -> Result<(), BuildError> {
    let elf = elf::read(binary).map_err(BuildError::file("read", binary))?;
    let path = binary.to_owned();
    match elf {
        None => Err(BuildError::NotBinary { path }),
        Some(elf) if elf.machine != platform.elf_machine() => {
            let found = match elf.machine {
                62 => "linux/amd64".to_owned(),
                183 => "linux/arm64".to_owned(),
                other => format!("ELF machine {other}"),
            };
            Err(BuildError::WrongPlatform { path, found, wanted: platform })
        }
        Some(elf) if elf.needs_loader => Err(BuildError::NotStatic { path }),
        Some(_) => Ok(()),
    }
}

fn base_layer(directory: &Path, user: u32) -> Result<(Layer, Digest), BuildError> {
    let (mut layer, range) = LayerWriter::create(directory, "base.tar.gz")?;
    base::write(&mut layer, user).map_err(BuildError::file("write", &range.path))?;
    layer.finish(range)
}

fn program_layer(
    directory: &Path,
    binary: &Path,
    name: &str,
) -> Result<(Layer, Digest), BuildError> {
    let (mut layer, range) = LayerWriter::create(directory, "program.tar.gz")?;
    let file = File::open(binary).map_err(BuildError::file("open", binary))?;
    let size = file.metadata().map_err(BuildError::file("read", binary))?.len();
    layer.file(name, 0o755, size, file).map_err(BuildError::file("pack", binary))?;
    layer.finish(range)
}

/// The configuration, with a fixed time so that the same binary gives the same image.
fn config(name: &str, platform: Platform, settings: &Settings, diff_ids: [&Digest; 2]) -> Vec<u8> {
    const EPOCH: &str = "1970-01-01T00:00:00Z";
    let test = |command: &Vec<String>| {
        ["CMD".to_owned()].into_iter().chain(command.iter().cloned()).collect()
    };
    let config = Configuration {
        created: EPOCH,
        architecture: platform.architecture(),
        os: "linux",
        config: Execution {
            user: format!("{0}:{0}", settings.user),
            exposed_ports: settings
                .ports
                .iter()
                .map(|port| (format!("{port}/tcp"), Empty {}))
                .collect(),
            env: settings.environment.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            entrypoint: [format!("/{name}")],
            cmd: &settings.arguments,
            working_dir: "/",
            healthcheck: settings.healthcheck.as_ref().map(|c| Healthcheck { test: test(c) }),
        },
        rootfs: RootFs { kind: "layers", diff_ids },
        history: ["certificates and users", "program"].map(|comment| History {
            created: EPOCH,
            created_by: "deployer",
            comment,
        }),
    };
    serde_json::to_vec(&config).expect("a struct of strings and numbers is JSON")
}

/// An OCI image configuration.
#[derive(Serialize)]
struct Configuration<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    config: Execution<'a>,
    rootfs: RootFs<'a>,
    history: [History<'a>; 2],
}

/// How a container of the image runs, in OCI's words and one of Docker's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Execution<'a> {
    user: String,
    #[expect(clippy::zero_sized_map_values, reason = "OCI writes a set as a map to nothing")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exposed_ports: BTreeMap<String, Empty>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    entrypoint: [String; 1],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cmd: &'a [String],
    working_dir: &'a str,
    /// Docker's extension, which OCI readers pass over.
    #[serde(skip_serializing_if = "Option::is_none")]
    healthcheck: Option<Healthcheck>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Healthcheck {
    test: Vec<String>,
}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    diff_ids: [&'a Digest; 2],
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    created_by: &'a str,
    comment: &'a str,
}
