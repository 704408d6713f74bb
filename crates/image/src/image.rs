//! An image: a manifest and a configuration in memory, layers in files.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Digest;
use crate::attest::Made;
use crate::bill::Package;
use crate::scratch::Scratch;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image, ready to be pushed. Its files live as long as it does.
#[derive(Debug)]
pub struct Image {
    manifest: Vec<u8>,
    media_type: String,
    digest: Digest,
    config: Vec<u8>,
    config_digest: Digest,
    layers: Vec<Layer>,
    packages: Vec<Package>,
    made: Made,
    /// Where its files were written, if they were; removed with the image.
    directories: Vec<Scratch>,
}

/// A layer of an image: a range of a file on disk.
#[derive(Debug)]
pub struct Layer {
    /// Its media type.
    pub media_type: String,
    /// Its address.
    pub digest: Digest,
    /// Its bytes, as pushed.
    pub size: u64,
    pub(crate) range: FileRange,
}

/// A range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRange {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

impl FileRange {
    pub(crate) fn open(&self) -> io::Result<Take<File>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file.take(self.size))
    }
}

impl Layer {
    /// Opens the layer's bytes for reading.
    pub fn open(&self) -> io::Result<Take<File>> {
        self.range.open()
    }
}

/// What points to a blob in a manifest or an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing)]
    pub(crate) platform: Option<DescribedPlatform>,
}

impl Descriptor {
    /// What points to something that is for no platform in particular.
    pub(crate) fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, platform: None }
    }
}

/// The platform of a manifest in an index.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DescribedPlatform {
    pub(crate) os: String,
    pub(crate) architecture: String,
}

/// A manifest, as much of it as pushing needs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default = "oci_manifest")]
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// The image that another was built on, as the builder found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What the Dockerfile calls it.
    pub name: String,
    /// What that named when it was built.
    pub digest: Digest,
}

impl Base {
    /// The base that a manifest names ("Pre-Defined Annotation Keys" in the OCI image
    /// specification). Buildah and Podman write it there, Docker does not.
    pub(crate) fn of(manifest: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Annotated {
            annotations: Annotations,
        }
        #[derive(Deserialize)]
        struct Annotations {
            #[serde(rename = "org.opencontainers.image.base.name")]
            name: String,
            #[serde(rename = "org.opencontainers.image.base.digest")]
            digest: Digest,
        }
        let Annotated { annotations } = serde_json::from_slice(manifest).ok()?;
        let Annotations { name, digest } = annotations;
        (!name.is_empty()).then_some(Self { name, digest })
    }
}

/// OCI lets a manifest leave its own media type out.
fn oci_manifest() -> String {
    MANIFEST.to_owned()
}

impl Image {
    /// An image that brings its own manifest.
    pub(crate) fn from_parts(
        manifest: Vec<u8>,
        media_type: String,
        config: Vec<u8>,
        layers: Vec<Layer>,
    ) -> Self {
        Self {
            digest: Digest::of(&manifest),
            config_digest: Digest::of(&config),
            manifest,
            media_type,
            config,
            layers,
            packages: Vec::new(),
            made: Made { way: "archive", commit: None },
            directories: Vec::new(),
        }
    }

    /// An image whose manifest is written here; `directory` holds the layers.
    pub(crate) fn from_layers(config: Vec<u8>, layers: Vec<Layer>, directory: Scratch) -> Self {
        let manifest = Manifest {
            schema_version: 2,
            media_type: oci_manifest(),
            config: Descriptor::new(CONFIG, Digest::of(&config), config.len() as u64),
            layers: layers
                .iter()
                .map(|layer| Descriptor::new(&layer.media_type, layer.digest.clone(), layer.size))
                .collect(),
        };
        let manifest =
            serde_json::to_vec(&manifest).expect("a struct of strings and numbers is JSON");
        Self::from_parts(manifest, oci_manifest(), config, layers).holding(directory)
    }

    /// Ties a directory of layers to the image's life.
    pub(crate) fn holding(mut self, directory: Scratch) -> Self {
        self.directories.push(directory);
        self
    }

    /// Says what is in it and how it came about.
    pub(crate) fn of(self, packages: Vec<Package>, made: Made) -> Self {
        Self { packages, made, ..self }
    }

    /// What is in it, as far as that is known.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// How it came about.
    pub(crate) fn made(&self) -> &Made {
        &self.made
    }

    /// What it was built on; none where nobody says.
    pub fn base(&self) -> Option<Base> {
        Base::of(&self.manifest)
    }

    /// The image's address: what a task definition should name.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The manifest's bytes, exactly as pushed.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The manifest's media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The configuration's bytes, exactly as pushed.
    pub fn config(&self) -> &[u8] {
        &self.config
    }

    /// The configuration's address.
    pub fn config_digest(&self) -> &Digest {
        &self.config_digest
    }

    /// The layers, lowest first: what changes rarely comes before what changes often.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Bytes a registry stores for it: configuration and layers.
    pub fn size(&self) -> u64 {
        self.config.len() as u64 + self.layers.iter().map(|layer| layer.size).sum::<u64>()
    }
}
