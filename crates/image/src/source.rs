//! What an image is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where an image comes from. Paths are taken as they are: the caller resolves relative ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A cargo package, built to a static binary.
    Cargo(CargoSource),
    /// A Dockerfile, built by buildah, podman or docker, whichever the machine has first.
    Dockerfile(DockerfileSource),
    /// An existing image: an OCI layout (a directory or a tar file) or what `docker save` writes,
    /// either of them gzipped or not.
    Archive(PathBuf),
    /// A static binary that something else has built.
    Binary(PathBuf),
}

/// A cargo package to build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CargoSource {
    /// The directory of the package's or workspace's `Cargo.toml`.
    pub dir: PathBuf,
    /// The binary to take. Needed only where the build makes several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    /// Features to switch on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<String>,
    /// The target triple, where the choice between musl and gnu is not to be made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A Dockerfile to build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DockerfileSource {
    /// The build context.
    pub dir: PathBuf,
    /// The Dockerfile, relative to `dir` unless it is absolute; the tool's own default when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The stage to build; the last one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Build arguments. They are part of the image, so never a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// A repository to take layers of earlier builds from and to keep those of this one in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
}

/// How the container of a packed binary starts.
///
/// Applies to [`Source::Cargo`] and [`Source::Binary`]; the other sources bring their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Arguments to the binary, which is itself the entry point.
    pub arguments: Vec<String>,
    /// The command that checks whether the container is healthy, run without a shell. Docker reads
    /// it; ECS wants the same in its task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Vec<String>>,
    /// The numeric user and group the container runs as. 65532 is what distroless calls `nonroot`.
    pub user: u32,
    /// TCP ports the container listens on.
    pub ports: BTreeSet<u16>,
    /// Environment variables. They are part of the image, so never a secret.
    pub environment: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            healthcheck: None,
            user: 65532,
            ports: BTreeSet::new(),
            environment: BTreeMap::new(),
        }
    }
}
