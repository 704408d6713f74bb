//! A volume of a task definition, as ECS is told it and as it tells it.

use aws_sdk_ecs::types::Volume as Description;
use deployer_core::Opaque;
use deployer_engine::Result;
use deployer_kinds::Volume;

/// A volume as ECS wants it: with no host's folder it is the task's own.
pub(super) fn write((name, volume): (&String, &Opaque<Volume>)) -> Result<Description> {
    match volume.wanted()? {
        Volume::Empty => Ok(Description::builder().name(name).build()),
    }
}

/// A volume by its name, unread where it is of another sort. Each has a name (`Volume` in the ECS
/// API reference).
pub(super) fn read(volume: &Description) -> Option<(String, Opaque<Volume>)> {
    Some((volume.name()?.to_owned(), is_empty(volume).then_some(Volume::Empty).into()))
}

/// Whether a volume is the task's own. ECS shows the `host` of such a one as empty.
pub(super) fn is_empty(volume: &Description) -> bool {
    volume.host().is_none_or(|host| host.source_path().is_none())
        && volume.docker_volume_configuration().is_none()
        && volume.efs_volume_configuration().is_none()
        && volume.s3files_volume_configuration().is_none()
        && volume.fsx_windows_file_server_volume_configuration().is_none()
        && volume.configured_at_launch() != Some(true)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{EfsVolumeConfiguration, HostVolumeProperties};

    use super::*;

    #[test]
    fn the_tasks_own_reads_back_as_it_was_and_others_are_unread() {
        let name = "work".to_owned();
        let written = write((&name, &Volume::Empty.into())).unwrap();
        let mut shown = written.clone();
        shown.host = Some(HostVolumeProperties::builder().build());
        for volume in [&written, &shown] {
            assert_eq!(read(volume), Some((name.clone(), Volume::Empty.into())));
        }
        let efs = EfsVolumeConfiguration::builder().file_system_id("fs-1").build().unwrap();
        let folder = HostVolumeProperties::builder().source_path("/srv").build();
        let efs = Description::builder().name("work").efs_volume_configuration(efs).build();
        let folder = Description::builder().name("work").host(folder).build();
        for volume in [efs, folder] {
            assert_eq!(read(&volume), Some((name.clone(), Opaque::Unread)));
        }
    }
}
