//! Which image this process runs from.

use serde::Deserialize;
use url::Url;

use crate::{probe, settings::Settings};

#[derive(Deserialize)]
struct Container {
    #[serde(rename = "ImageID")]
    image_id: String,
}

/// Finds the digest of the image: as the settings say, or as ECS tells each of its containers.
pub(super) async fn digest(settings: &Settings) -> Option<String> {
    if settings.image.is_some() {
        return settings.image.clone();
    }
    let url = Url::parse(settings.container_metadata.as_deref()?).ok()?;
    let authority = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    match probe::fetch(&authority, url.path()).await {
        Ok(body) => serde_json::from_slice(&body).ok().map(|found: Container| found.image_id),
        Err(error) => {
            tracing::warn!(%error, "could not find out the digest of the image");
            None
        }
    }
}
