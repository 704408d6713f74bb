//! Where sessions, the counter and the jobs are, when they are not in the database.

use percent_encoding::percent_decode_str;
use url::Url;

use super::reader::Reader;
use crate::secret::Secret;

/// A Redis or Valkey server and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user we log in as; none means the default one.
    pub user: Option<String>,
    /// The password, if one is needed.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted, and the server must prove its name.
    pub tls: bool,
}

const PORT: u16 = 6379;

impl CacheSettings {
    /// Reads `CACHE_URL`, or `CACHE_HOST` and its companions under the prefix `CACHE_PREFIX`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let prefix = reader.text("CACHE_PREFIX").unwrap_or("CACHE");
        let part = |part: &str| format!("{prefix}_{part}");
        if let Some(url) = reader.text("CACHE_URL") {
            let read = from_url(url);
            if read.is_none() {
                reader.mistake(
                    "CACHE_URL",
                    "must look like `redis://user:password@host:port`, or `rediss://…` for TLS",
                );
            }
            return read;
        }
        Some(Self {
            host: reader.text(&part("HOST"))?.to_owned(),
            port: reader.parsed(&part("PORT"), &PORT.to_string(), "a port between 0 and 65535"),
            user: reader.text(&part("USER")).map(ToOwned::to_owned),
            password: reader.text(&part("PASSWORD")).map(Secret::new),
            tls: reader.one_of(&part("TLS"), &[("false", false), ("true", true)]),
        })
    }
}

fn from_url(text: &str) -> Option<CacheSettings> {
    let url = Url::parse(text).ok()?;
    let tls = match url.scheme() {
        "redis" => false,
        "rediss" => true,
        _ => return None,
    };
    // There is one database; a number for another one would be ignored.
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return None;
    }
    let decoded = |part: &str| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    Some(CacheSettings {
        host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(PORT),
        user: Some(url.username()).filter(|user| !user.is_empty()).and_then(decoded),
        password: url.password().and_then(decoded).map(Secret::new),
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn read(variables: &[(&str, &str)]) -> (Option<CacheSettings>, usize) {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut reader = Reader::new(&environment);
        let settings = CacheSettings::read(&mut reader);
        let mistakes = reader.finish(()).map_or_else(|mistakes| mistakes.len(), |()| 0);
        (settings, mistakes)
    }

    #[test]
    fn the_url_and_the_parts_say_the_same() {
        let url = read(&[("CACHE_URL", "rediss://:p%40ss@cache.example:6380")]);
        let parts = read(&[
            ("CACHE_HOST", "cache.example"),
            ("CACHE_PORT", "6380"),
            ("CACHE_PASSWORD", "p@ss"),
            ("CACHE_TLS", "true"),
        ]);
        assert!(url.0.is_some());
        assert_eq!(url, parts);
    }

    #[test]
    fn no_cache_is_fine_and_a_strange_one_is_a_mistake() {
        assert_eq!(read(&[]), (None, 0));
        for url in ["memcached://cache", "redis://cache/1", "redis://cache?db=1"] {
            assert_eq!(read(&[("CACHE_URL", url)]), (None, 1), "{url}");
        }
    }
}
