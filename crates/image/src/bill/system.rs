//! The packages of the system that an image brings: Debian's and Alpine's, and what is built on them.

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::package::{Package, url};
use crate::contents::LARGEST;
use crate::image::Layer;

/// Where dpkg, distroless images and apk keep what is installed, and the system its name.
const DPKG: &str = "var/lib/dpkg/status";
const DISTROLESS: &str = "var/lib/dpkg/status.d/";
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
const RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// The most bytes of these files together that are read; a whole desktop has a few MiB of them.
const LONGEST: u64 = 64 << 20;

/// The most of these files; a distroless image has one for each of its few packages.
const MOST: usize = 10_000;

/// How the name of a file begins that takes away what an earlier layer has, and what takes away all
/// of a folder (OCI's image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The packages that the layers say are installed; a later layer's files replace those of an earlier
/// one. What is compressed in a way that this program does not know says nothing.
pub(crate) fn of_layers(layers: &[Layer]) -> io::Result<Vec<Package>> {
    let mut files = Files::default();
    for layer in layers {
        let bytes = layer.open()?;
        if layer.media_type.ends_with("gzip") {
            files.collect(MultiGzDecoder::new(bytes).take(LARGEST))?;
        } else if layer.media_type.ends_with("tar") {
            files.collect(bytes)?;
        }
    }
    let Files { texts, .. } = files;
    let release = RELEASE.iter().find_map(|name| texts.get(*name)).map_or("", String::as_str);
    let said = |key: &str| field(release, key).map(|it| it.trim_matches(['"', '\'']));
    let system = System {
        id: said("ID=").unwrap_or("linux"),
        version: said("VERSION_ID=").unwrap_or_default(),
    };
    let mut packages = Vec::new();
    for (name, text) in &texts {
        let paragraphs = text.split("\n\n");
        if APK.contains(&name.as_str()) {
            packages.extend(paragraphs.filter_map(|it| system.of_apk(it)));
        } else if name == DPKG || name.starts_with(DISTROLESS) {
            packages.extend(paragraphs.filter_map(|it| system.of_dpkg(it)));
        }
    }
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// The files that say what is installed, by their paths.
#[derive(Default)]
struct Files {
    texts: BTreeMap<String, String>,
    read: u64,
}

impl Files {
    /// Takes those of a layer. Entries are taken as they are: a name that stands in an entry of its
    /// own is longer than all of these, and is not read.
    fn collect(&mut self, tar: impl Read) -> io::Result<()> {
        for entry in tar::Archive::new(tar).entries()?.raw(true) {
            let mut entry = entry?;
            let path = entry.path()?.display().to_string();
            let name = path.trim_start_matches("./").trim_start_matches('/').to_owned();
            self.take_away(&name);
            let is_list = name == DPKG || [APK, RELEASE].concat().contains(&name.as_str());
            // Distroless images have the sums of a package's files beside it.
            let is_part = name.starts_with(DISTROLESS) && !name.ends_with(".md5sums");
            if !(is_list || is_part) || !entry.header().entry_type().is_file() {
                continue;
            }
            self.read += entry.size();
            if self.read > LONGEST || self.texts.len() >= MOST {
                return Err(io::Error::other("it lists more packages than any image has"));
            }
            let mut text = Vec::new();
            entry.read_to_end(&mut text)?;
            self.texts.insert(name, String::from_utf8_lossy(&text).into_owned());
        }
        Ok(())
    }

    /// Forgets what a whiteout takes away.
    fn take_away(&mut self, name: &str) {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        if file == OPAQUE {
            self.texts.retain(|path, _| !path.starts_with(&format!("{folder}/")));
        } else if let Some(gone) = file.strip_prefix(WHITEOUT) {
            let gone = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
            self.texts.retain(|path, _| *path != gone && !path.starts_with(&format!("{gone}/")));
        }
    }
}

/// What a line of a file says behind its key.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

/// The system, by its own words (os-release(5)).
struct System<'a> {
    id: &'a str,
    version: &'a str,
}

impl System<'_> {
    /// One installed package of dpkg (deb-control(5)).
    fn of_dpkg(&self, paragraph: &str) -> Option<Package> {
        let status = field(paragraph, "Status:");
        let is_installed = status.is_none_or(|status| status.ends_with(" installed"));
        let named = (field(paragraph, "Package:")?, field(paragraph, "Version:")?);
        let architecture = field(paragraph, "Architecture:");
        is_installed.then(|| self.package("deb", named, architecture))
    }

    /// One package of apk ("Apk spec" in Alpine's wiki).
    fn of_apk(&self, paragraph: &str) -> Option<Package> {
        let named = (field(paragraph, "P:")?, field(paragraph, "V:")?);
        Some(self.package("apk", named, field(paragraph, "A:")))
    }

    fn package(&self, kind: &str, named: (&str, &str), architecture: Option<&str>) -> Package {
        let distribution = format!("{}-{}", self.id, self.version);
        let mut qualifiers = Vec::new();
        qualifiers.extend(architecture.map(|it| ("arch", it)));
        if !self.version.is_empty() {
            qualifiers.push(("distro", &*distribution));
        }
        Package {
            name: named.0.to_owned(),
            version: named.1.to_owned(),
            license: None,
            url: url(kind, Some(self.id), named, &qualifiers),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::layer::LayerWriter;

    fn layer(folder: &Path, name: &str, files: &[(&str, &str)]) -> Layer {
        let (mut layer, range) = LayerWriter::create(folder, name).expect("a layer");
        for (path, text) in files {
            layer.file(path, 0o644, text.len() as u64, text.as_bytes()).expect("a file");
        }
        layer.finish(range).expect("a layer").0
    }

    fn urls(layers: &[Layer]) -> Vec<String> {
        of_layers(layers).expect("readable").into_iter().map(|it| it.url).collect()
    }

    #[test]
    fn installed_packages_are_found_and_a_later_layer_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let release = "ID=\"debian\"\nVERSION_ID=\"12\"\n";
        let old = [("etc/os-release", release), (DPKG, "Package: old\nVersion: 1\n")];
        let dpkg = "Package: libstdc++6\nStatus: install ok installed\nArchitecture: amd64\n\
                    Version: 12.2.0-14+deb12u1\n\n\
                    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let layers = [layer(folder.path(), "a", &old), layer(folder.path(), "b", &[(DPKG, dpkg)])];
        let expected =
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12";
        assert_eq!(urls(&layers), [expected]);

        let apk = "P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:busybox\nV:1.36.1-r15\n";
        let files = [("etc/os-release", "ID=alpine\n"), (APK[0], apk)];
        let expected =
            ["pkg:apk/alpine/busybox@1.36.1-r15", "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64"];
        assert_eq!(urls(&[layer(folder.path(), "c", &files)]), expected);
    }

    #[test]
    fn distroless_images_keep_a_file_for_each_package() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            ("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0\n"),
            ("var/lib/dpkg/status.d/tzdata.md5sums", "0  usr/share/zoneinfo\n"),
        ];
        let first = || layer(folder.path(), "a", &files);
        assert_eq!(urls(&[first()]), ["pkg:deb/linux/tzdata@2024a-0"]);
        let gone = ["var/lib/dpkg/status.d/.wh.tzdata", "var/lib/dpkg/.wh..wh..opq", "var/.wh.lib"];
        for gone in gone {
            let second = layer(folder.path(), "b", &[(gone, "")]);
            assert!(urls(&[first(), second]).is_empty(), "{gone}");
        }
    }

    #[test]
    fn lists_without_end_are_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut bomb, range) = LayerWriter::create(folder.path(), "a").expect("a layer");
        bomb.file(DPKG, 0o644, LONGEST + 1, io::repeat(b' ').take(LONGEST + 1)).expect("a file");
        let bomb = bomb.finish(range).expect("a layer").0;
        let error = of_layers(&[bomb]).expect_err("it is refused").to_string();
        assert_eq!(error, "it lists more packages than any image has");
    }
}
