//! What containers of a service mount: volumes that they share, and file systems in memory.

use std::collections::BTreeMap;

use deployer_core::{Code, Opaque};
use deployer_kinds as kinds;

use super::body::Service;
use super::containers::{Mount, Volume};
use super::owner::Owner;
use crate::draft::{Draft, Origin, owned};
use crate::quantities::Memory;

/// The section of volumes that outlive tasks.
const VOLUMES: &str = "volumes";

/// Volumes of a task definition.
pub(super) type Volumes = BTreeMap<String, Opaque<kinds::Volume>>;

/// The volumes that the containers of a service have.
pub(super) fn volumes(draft: &mut Draft, owner: Owner<'_>, body: &Service) -> Volumes {
    let own = (owner.path(&["mounts"]), &body.mounts);
    let of_sidecars = body
        .sidecars
        .iter()
        .map(|(name, sidecar)| (owner.path(&["sidecars", name, "mounts"]), &sidecar.mounts));
    let all: Vec<(Vec<&str>, &BTreeMap<String, Mount>)> =
        [own].into_iter().chain(of_sidecars).collect();
    let mounts = || all.iter().flat_map(|(path, mounts)| mounts.iter().map(move |it| (path, it)));
    let empty = mounts().filter(|(_, (_, mount))| mount.volume == Some(Volume::Empty));
    let empty: Volumes =
        empty.map(|(_, (name, _))| (name.clone(), kinds::Volume::Empty.into())).collect();
    for (path, (name, _)) in mounts().filter(|(_, (name, _))| !empty.contains_key(*name)) {
        let path = [&path[..], &[name]].concat();
        if draft.root.field(VOLUMES).is_some_and(|all| all.field(name).is_some()) {
            draft.not_yet(&format!("{VOLUMES}/{name}"), &path);
        } else {
            draft.key_error(
                Code::UnknownReference,
                format!("nothing says what the volume `{name}` is"),
                &path,
                "a volume that outlives tasks would stand in `volumes`",
                "write `volume: empty` beside `path` for one that each task has to itself",
            );
        }
    }
    empty
}

/// Mounts as a task definition has them: those of volumes that are there.
pub(super) fn points(
    mounts: &BTreeMap<String, Mount>,
    volumes: &Volumes,
) -> BTreeMap<String, kinds::Mount> {
    let point =
        |mount: &Mount| kinds::Mount { path: mount.path.clone(), read_only: mount.read_only };
    let known = mounts.iter().filter(|(volume, _)| volumes.contains_key(*volume));
    known.map(|(volume, mount)| (volume.clone(), point(mount))).collect()
}

/// File systems in memory, in MiB.
pub(super) fn sizes(tmpfs: &BTreeMap<String, Memory>) -> BTreeMap<String, u32> {
    tmpfs.iter().map(|(path, size)| (path.clone(), size.0)).collect()
}

/// Adds which fields of a container come from which keys below `at`.
pub(super) fn trace(
    origin: &mut Origin,
    container: &str,
    at: &[&str],
    mounts: &BTreeMap<String, Mount>,
    tmpfs: &BTreeMap<String, Memory>,
    ulimits: &BTreeMap<String, u32>,
) {
    let mut comes = |field: String, place: &[&str]| {
        let field = format!("containers.{container}.{field}");
        origin.fields.push((field, owned(&[at, place].concat())));
    };
    for volume in mounts.keys() {
        comes(format!("mounts.{volume}"), &["mounts", volume]);
        comes(format!("mounts.{volume}.path"), &["mounts", volume, "path"]);
    }
    for path in tmpfs.keys() {
        comes(format!("tmpfs.{path}"), &["tmpfs", path]);
    }
    for limit in ulimits.keys() {
        comes(format!("ulimits.{limit}"), &["ulimits", limit]);
    }
}
