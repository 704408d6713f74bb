//! Style, script and icon, inside the binary, each under an address that changes with its content.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::{Path, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

use crate::app::App;

/// A file that pages refer to.
pub(super) struct Asset {
    /// Its address.
    pub(super) path: String,
    name: String,
    kind: &'static str,
    content: &'static str,
}

const FOREVER: &str = "public, max-age=31536000, immutable";

macro_rules! asset {
    ($stem:literal, $ending:literal, $kind:literal) => {
        LazyLock::new(|| {
            let file = include_str!(concat!("../../assets/", $stem, ".", $ending));
            Asset::new($stem, $ending, $kind, file)
        })
    };
}

pub(super) static STYLE: LazyLock<Asset> = asset!("notes", "css", "text/css; charset=utf-8");
pub(super) static SCRIPT: LazyLock<Asset> = asset!("notes", "js", "text/javascript; charset=utf-8");
pub(super) static ICON: LazyLock<Asset> = asset!("icon", "svg", "image/svg+xml");

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let hash = Sha256::digest(content);
        let hash = u64::from_be_bytes(hash[..8].try_into().expect("a SHA-256 has 32 bytes"));
        let name = format!("{stem}.{hash:016x}.{ending}");
        Self { path: format!("/assets/{name}"), name, kind, content }
    }
}

/// Serves the files.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(name: Result<Path<String>, PathRejection>) -> Response {
    let assets = [&*STYLE, &*SCRIPT, &*ICON];
    let asked = |asset: &&Asset| name.as_ref().is_ok_and(|name| asset.name == **name);
    assets.into_iter().find(asked).map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |asset| {
            let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, FOREVER)];
            (headers, asset.content).into_response()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_changes_with_the_content() {
        let one = Asset::new("a", "css", "text/css", "a {}");
        let two = Asset::new("a", "css", "text/css", "b {}");
        assert_ne!(one.path, two.path);
        assert!(one.path.starts_with("/assets/a."));
    }
}
