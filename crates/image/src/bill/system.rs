//! The packages of the system that an image brings: Debian's and Alpine's, and what is built on them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::package::Package;
use crate::contents::LARGEST;
use crate::image::Layer;

/// Where dpkg, distroless images and apk keep what is installed, and the system its name.
const DPKG: &str = "var/lib/dpkg/status";
const DISTROLESS: &str = "var/lib/dpkg/status.d/";
const APK: &str = "lib/apk/db/installed";
const RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// The longest of these files that is read; that of a whole desktop has a few MiB.
const LONGEST: u64 = 32 << 20;

/// The packages that the layers say are installed; a later layer's files replace those of an earlier
/// one. What is compressed in a way that this program does not know says nothing.
pub(crate) fn of_layers(layers: &[Layer]) -> io::Result<Vec<Package>> {
    let mut files = BTreeMap::new();
    for layer in layers {
        let bytes = layer.open()?;
        if layer.media_type.ends_with("gzip") {
            collect(MultiGzDecoder::new(bytes).take(LARGEST), &mut files)?;
        } else if layer.media_type.ends_with("tar") {
            collect(bytes, &mut files)?;
        }
    }
    let release = RELEASE.iter().find_map(|name| files.get(*name));
    let system = release.and_then(|text| id(text)).unwrap_or("linux").to_owned();
    let mut packages = Vec::new();
    for (name, text) in &files {
        match name.as_str() {
            APK => packages.extend(text.split("\n\n").filter_map(|it| of_apk(it, &system))),
            name if name == DPKG || name.starts_with(DISTROLESS) => {
                packages.extend(text.split("\n\n").filter_map(|it| of_dpkg(it, &system)));
            }
            _ => {}
        }
    }
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// The files of a layer that say what is installed.
fn collect(tar: impl Read, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = entry.path()?;
        let name = path.strip_prefix(Path::new("./")).unwrap_or(&path).display().to_string();
        let is_list = name == DPKG || name == APK || RELEASE.contains(&name.as_str());
        // Distroless images have the sums of a package's files beside it.
        let is_part = name.starts_with(DISTROLESS) && !name.ends_with(".md5sums");
        if (is_list || is_part) && entry.header().entry_type().is_file() {
            let mut text = Vec::new();
            entry.by_ref().take(LONGEST).read_to_end(&mut text)?;
            files.insert(name, String::from_utf8_lossy(&text).into_owned());
        }
    }
    Ok(())
}

/// The system's identifier (os-release(5)).
fn id(release: &str) -> Option<&str> {
    release.lines().find_map(|line| line.strip_prefix("ID=")).map(|id| id.trim_matches(['"', '\'']))
}

/// One installed package of dpkg (deb-control(5)).
fn of_dpkg(paragraph: &str, system: &str) -> Option<Package> {
    let field = |key: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
    };
    let is_installed = field("Status").is_none_or(|status| status.ends_with(" installed"));
    let (name, version) = (field("Package")?, field("Version")?);
    is_installed.then(|| package("deb", system, name, version, None))
}

/// One package of apk ("Apk spec" in Alpine's wiki).
fn of_apk(paragraph: &str, system: &str) -> Option<Package> {
    let field = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
    Some(package("apk", system, field("P:")?, field("V:")?, field("L:")))
}

fn package(kind: &str, system: &str, name: &str, version: &str, license: Option<&str>) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        license: license.map(str::to_owned),
        // `+` stands for a space in a URL.
        url: format!("pkg:{kind}/{system}/{name}@{}", version.replace('+', "%2B")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::LayerWriter;

    fn layer(folder: &Path, name: &str, files: &[(&str, &str)]) -> Layer {
        let (mut layer, range) = LayerWriter::create(folder, name).expect("a layer");
        for (path, text) in files {
            layer.file(path, 0o644, text.len() as u64, text.as_bytes()).expect("a file");
        }
        layer.finish(range).expect("a layer").0
    }

    #[test]
    fn installed_packages_are_found_and_a_later_layer_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let dpkg = "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9+deb12u1\n\n\
                    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let layers = [
            layer(
                folder.path(),
                "a",
                &[("etc/os-release", "ID=\"debian\"\n"), (DPKG, "Package: old\nVersion: 1\n")],
            ),
            layer(folder.path(), "b", &[(DPKG, dpkg)]),
        ];
        let urls: Vec<String> =
            of_layers(&layers).expect("readable").into_iter().map(|it| it.url).collect();
        assert_eq!(urls, ["pkg:deb/debian/libc6@2.36-9%2Bdeb12u1"]);

        let apk = "P:musl\nV:1.2.5-r0\nL:MIT\n\nP:busybox\nV:1.36.1-r15\nL:GPL-2.0-only\n";
        let alpine = layer(folder.path(), "c", &[("etc/os-release", "ID=alpine\n"), (APK, apk)]);
        let packages = of_layers(&[alpine]).expect("readable");
        assert_eq!(packages[1].url, "pkg:apk/alpine/musl@1.2.5-r0");
        assert_eq!(packages[1].license.as_deref(), Some("MIT"));
    }

    #[test]
    fn distroless_images_keep_a_file_for_each_package() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            ("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0\n"),
            ("var/lib/dpkg/status.d/tzdata.md5sums", "0  usr/share/zoneinfo\n"),
        ];
        let packages = of_layers(&[layer(folder.path(), "a", &files)]).expect("readable");
        assert_eq!(packages.len(), 1);
        assert_eq!(packages[0].url, "pkg:deb/linux/tzdata@2024a-0");
    }
}
