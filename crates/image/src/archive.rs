//! Reads images that other tools have made: OCI layouts and what `docker save` writes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::contents::{Contents, LARGEST, document, is_gzip};
use crate::image::{DOCKER_INDEX, Descriptor, FileRange, INDEX, Layer, Manifest};
use crate::scratch::Scratch;
use crate::{BuildError, Digest, Image, Platform, layer};

/// Indexes point to indexes; no real archive goes deeper.
const DEPTH: u32 = 4;

/// Reads the image for `platform` and checks every digest. Layers stay where they are, except
/// those of a docker archive, which are compressed into files of their own.
pub(crate) fn read(path: &Path, platform: Platform) -> Result<Image, BuildError> {
    let scratch = Scratch::new()?;
    let contents =
        Contents::open(path, scratch.path()).map_err(BuildError::file("read the archive", path))?;
    let archive = Archive { path, contents, platform };
    let image = if let Some(index) = archive.contents.find("index.json") {
        archive.oci(&index)
    } else if let Some(manifest) = archive.contents.find("manifest.json") {
        archive.docker(&manifest, scratch.path())
    } else {
        Err(archive.neither())
    };
    Ok(image?.holding(scratch))
}

/// Whether an archive has an image for `platform`, as far as its index says; layers are not read.
pub(crate) fn look(path: &Path, platform: Platform) -> Result<(), BuildError> {
    let scratch = Scratch::new()?;
    let contents =
        Contents::open(path, scratch.path()).map_err(BuildError::file("read the archive", path))?;
    let archive = Archive { path, contents, platform };
    if let Some(index) = archive.contents.find("index.json") {
        return archive.fitting(&index).map(|_| ());
    }
    match archive.contents.find("manifest.json") {
        Some(manifest) => archive.described(&manifest).map(|_| ()),
        None => Err(archive.neither()),
    }
}

struct Archive<'a> {
    path: &'a Path,
    contents: Contents,
    platform: Platform,
}

/// OCI's `index.json`.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

/// One image in docker's `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    layers: Vec<String>,
}

/// A configuration, as much of it as says where the image runs and what its layers hold.
#[derive(Deserialize)]
struct Config {
    os: String,
    architecture: String,
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Deserialize, Default)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

/// What an index leads to.
#[derive(Default)]
struct Candidates {
    fitting: BTreeMap<Digest, Descriptor>,
    others: BTreeSet<String>,
}

impl Archive<'_> {
    /// The one image of an index that is for the platform.
    fn fitting(&self, index: &FileRange) -> Result<Descriptor, BuildError> {
        let index: Index = self.parse("index.json", &self.bytes("index.json", index)?)?;
        let mut candidates = Candidates::default();
        self.sort(index.manifests, &mut candidates, DEPTH)?;
        let count = candidates.fitting.len();
        let Some((_, descriptor)) = candidates.fitting.pop_first() else {
            return Err(self.wrong_platform(candidates.others));
        };
        if count > 1 {
            let platform = self.platform;
            return Err(self.broken(format!("it has {count} for {platform}; save only one")));
        }
        Ok(descriptor)
    }

    fn oci(&self, index: &FileRange) -> Result<Image, BuildError> {
        let descriptor = self.fitting(index)?;
        let bytes = self.blob_bytes(&descriptor)?;
        let manifest: Manifest = self.parse("its manifest", &bytes)?;
        let config = self.blob_bytes(&manifest.config)?;
        let layers = manifest.layers.into_iter().map(|layer| self.layer(layer));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Image::from_parts(bytes, manifest.media_type, config, layers))
    }

    /// Sorts manifests by whether they are for the platform, following nested indexes.
    fn sort(
        &self,
        descriptors: Vec<Descriptor>,
        candidates: &mut Candidates,
        depth: u32,
    ) -> Result<(), BuildError> {
        for descriptor in descriptors {
            if [INDEX, DOCKER_INDEX].contains(&descriptor.media_type.as_str()) {
                if depth == 0 {
                    return Err(self.broken("its indexes are nested too deep"));
                }
                let index: Index = self.parse("its index", &self.blob_bytes(&descriptor)?)?;
                self.sort(index.manifests, candidates, depth - 1)?;
                continue;
            }
            let (os, architecture) = self.platform_of(&descriptor)?;
            if self.platform.is_called(&os, &architecture) {
                candidates.fitting.insert(descriptor.digest.clone(), descriptor);
            } else if os != "unknown" {
                // What is for an unknown system is an attestation, not an image.
                candidates.others.insert(format!("{os}/{architecture}"));
            }
        }
        Ok(())
    }

    /// The platform an index gives a manifest, or else the one in the configuration.
    fn platform_of(&self, descriptor: &Descriptor) -> Result<(String, String), BuildError> {
        if let Some(platform) = &descriptor.platform {
            return Ok((platform.os.clone(), platform.architecture.clone()));
        }
        let manifest: Manifest = self.parse("its manifest", &self.blob_bytes(descriptor)?)?;
        let config = self.blob_bytes(&manifest.config)?;
        let config: Config = self.parse("its configuration", &config)?;
        Ok((config.os, config.architecture))
    }

    /// The one image of a docker archive, which is for the platform, and its configuration.
    fn described(
        &self,
        manifest: &FileRange,
    ) -> Result<(DockerManifest, Vec<u8>, Config), BuildError> {
        let bytes = self.bytes("manifest.json", manifest)?;
        let mut manifests: Vec<DockerManifest> = self.parse("manifest.json", &bytes)?;
        let (Some(manifest), true) = (manifests.pop(), manifests.is_empty()) else {
            let count = manifests.len() + 1;
            return Err(self.broken(format!("it has {count} of them; save only one")));
        };
        let config = self.bytes(&manifest.config, &self.find(&manifest.config)?)?;
        let parsed: Config = self.parse("its configuration", &config)?;
        if !self.platform.is_called(&parsed.os, &parsed.architecture) {
            return Err(self.wrong_platform([format!("{}/{}", parsed.os, parsed.architecture)]));
        }
        Ok((manifest, config, parsed))
    }

    fn docker(&self, manifest: &FileRange, scratch: &Path) -> Result<Image, BuildError> {
        let (manifest, config, parsed) = self.described(manifest)?;
        if parsed.rootfs.diff_ids.len() != manifest.layers.len() {
            return Err(self.broken("its configuration and manifest differ in layers"));
        }
        let directory = Scratch::within(scratch)?;
        let mut layers = Vec::new();
        for (name, expected) in manifest.layers.iter().zip(&parsed.rootfs.diff_ids) {
            let target = directory.path().join(format!("{}.tar.gz", layers.len()));
            let (layer, diff_id) = self
                .find(name)
                .and_then(|range| compress(&range, &target).map_err(self.unreadable()))?;
            if diff_id != *expected {
                return Err(self.broken(format!("its layer {name} is damaged")));
            }
            layers.push(layer);
        }
        Ok(Image::from_layers(config, layers, directory))
    }

    fn layer(&self, descriptor: Descriptor) -> Result<Layer, BuildError> {
        let range = self.blob(&descriptor)?;
        let digest = range.open().and_then(Digest::of_reader).map_err(self.unreadable())?;
        if digest != descriptor.digest {
            return Err(self.broken(format!("its blob {} is damaged", descriptor.digest)));
        }
        let Descriptor { media_type, digest, size, .. } = descriptor;
        Ok(Layer { media_type, digest, size, range })
    }

    fn blob_bytes(&self, descriptor: &Descriptor) -> Result<Vec<u8>, BuildError> {
        let bytes = self.bytes(descriptor.digest.as_str(), &self.blob(descriptor)?)?;
        if Digest::of(&bytes) != descriptor.digest {
            return Err(self.broken(format!("its blob {} is damaged", descriptor.digest)));
        }
        Ok(bytes)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<FileRange, BuildError> {
        let range = self.find(&format!("blobs/sha256/{}", descriptor.digest.hex()))?;
        if range.size != descriptor.size {
            return Err(self.broken(format!("its blob {} is damaged", descriptor.digest)));
        }
        Ok(range)
    }

    fn find(&self, name: &str) -> Result<FileRange, BuildError> {
        self.contents.find(name).ok_or_else(|| self.broken(format!("it lacks {name}")))
    }

    fn bytes(&self, name: &str, range: &FileRange) -> Result<Vec<u8>, BuildError> {
        document(range).map_err(|error| self.broken(format!("{name}: {error}")))
    }

    fn parse<T: DeserializeOwned>(&self, what: &str, bytes: &[u8]) -> Result<T, BuildError> {
        serde_json::from_slice(bytes).map_err(|error| self.broken(format!("{what}: {error}")))
    }

    fn neither(&self) -> BuildError {
        self.broken("it has neither an index.json (OCI) nor a manifest.json (docker save)")
    }

    fn broken(&self, reason: impl Into<String>) -> BuildError {
        BuildError::Archive { path: self.path.to_owned(), reason: reason.into() }
    }

    fn unreadable(&self) -> impl FnOnce(io::Error) -> BuildError {
        BuildError::file("read the archive", self.path)
    }

    fn wrong_platform(&self, found: impl IntoIterator<Item = String>) -> BuildError {
        let found: Vec<_> = found.into_iter().collect();
        let found = if found.is_empty() { "no platform".to_owned() } else { found.join(", ") };
        BuildError::WrongPlatform { path: self.path.to_owned(), found, wanted: self.platform }
    }
}

/// Compresses a docker archive's layer, which some tools have compressed already.
fn compress(range: &FileRange, target: &Path) -> io::Result<(Layer, Digest)> {
    let tar: Box<dyn Read> = if is_gzip(range.open()?)? {
        Box::new(MultiGzDecoder::new(range.open()?).take(LARGEST))
    } else {
        Box::new(range.open()?)
    };
    layer::compress(tar, target)
}
