//! Everything the environment can set, read once and checked as a whole.
//!
//! A wrong environment is told completely: all mistakes at once, each with the variable it is in,
//! so that a failed task needs one fix and not five. No message repeats the value of a secret.

mod cache;
mod database;
mod limits;
mod reader;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use thiserror::Error;

pub use self::cache::CacheSettings;
pub use self::database::{Connections, DatabaseSettings, Engine, Server, Tls};
pub use self::limits::LimitSettings;
use self::reader::Reader;
use crate::secret::Secret;

/// The variables of a process.
pub type Environment = BTreeMap<String, String>;

/// What one process was asked to be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pages and API listen: `BIND` and `PORT`.
    pub address: SocketAddr,
    /// Where the data is: `DATABASE_URL`, or `MAIN_HOST` and its companions, or SQLite.
    pub database: DatabaseSettings,
    /// Where sessions, counter and jobs are: `CACHE_URL`, or `CACHE_HOST` and its companions;
    /// none means the database.
    pub cache: Option<CacheSettings>,
    /// Where gRPC listens: `BIND` and `GRPC_PORT`.
    pub grpc_address: SocketAddr,
    /// Where the metrics are asked for: `BIND` and `METRICS_PORT`.
    pub metrics_address: SocketAddr,
    /// How much clients may take.
    pub limits: LimitSettings,
    /// Whether `notes serve` does the work of `notes worker` too: `INLINE_WORKER`. Any number of
    /// processes may; it is turned off where workers of their own keep the load away.
    pub inline_worker: bool,
    /// How many days notes are kept after their last edit: `KEEP_DAYS`; 0 means for ever.
    pub keep: Duration,
    /// The digest of the image, for the pages: `IMAGE_DIGEST`.
    pub image: Option<String>,
    /// Where ECS tells a container what it is: `ECS_CONTAINER_METADATA_URI_V4`.
    pub container_metadata: Option<String>,
    /// What session cookies are signed with: `SESSION_KEY`; none means one made at start.
    pub session_key: Option<Secret>,
    /// How long after SIGTERM new connections are still welcome: `DRAIN_SECONDS`.
    pub drain: Duration,
    /// How long the database may stay away at start before the process gives up:
    /// `STARTUP_SECONDS`.
    pub startup: Duration,
    /// Which events are logged, in the words of `tracing`: `RUST_LOG`.
    pub log: LogSettings,
}

/// How the process logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The filter, such as `info` or `notes=debug,info`.
    pub filter: String,
    /// Lines for people instead of JSON: `LOG_FORMAT=text`.
    pub text: bool,
}

/// One thing wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {problem}")]
pub struct Mistake {
    /// The variable to change.
    pub variable: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

const SHORTEST_KEY: usize = 32;

impl Settings {
    /// Reads all settings, or lists every mistake in them.
    pub fn from_environment(environment: &Environment) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader::new(environment);
        let host: IpAddr = reader.parsed("BIND", "0.0.0.0", "an IP address");
        let what = "a port between 0 and 65535";
        let port: u16 = reader.parsed("PORT", "8080", what);
        let grpc_port: u16 = reader.parsed("GRPC_PORT", "9090", what);
        // The one that the Prometheus exporters of OpenTelemetry are asked on.
        let metrics_port: u16 = reader.parsed("METRICS_PORT", "9464", what);
        differ(
            &mut reader,
            &[("PORT", port), ("GRPC_PORT", grpc_port), ("METRICS_PORT", metrics_port)],
        );
        let database = DatabaseSettings::read(&mut reader);
        let settings = Self {
            address: SocketAddr::new(host, port),
            grpc_address: SocketAddr::new(host, grpc_port),
            metrics_address: SocketAddr::new(host, metrics_port),
            limits: LimitSettings::read(&mut reader),
            cache: CacheSettings::read(&mut reader),
            inline_worker: reader.one_of("INLINE_WORKER", &[("true", true), ("false", false)]),
            database,
            keep: days(&mut reader),
            image: reader.text("IMAGE_DIGEST").map(ToOwned::to_owned),
            container_metadata: reader.text("ECS_CONTAINER_METADATA_URI_V4").map(ToOwned::to_owned),
            session_key: session_key(&mut reader),
            drain: reader.seconds("DRAIN_SECONDS", 5),
            startup: reader.seconds("STARTUP_SECONDS", 60),
            log: log(&mut reader),
        };
        reader.finish(settings)
    }
}

/// Checks that no two listeners want one port; 0 is a free one for each.
fn differ(reader: &mut Reader<'_>, ports: &[(&str, u16)]) {
    for (index, (variable, port)) in ports.iter().enumerate() {
        let before = ports[..index].iter().find(|(_, other)| other == port && *port != 0);
        if let Some((other, _)) = before {
            reader.mistake(variable, format!("must differ from {other}, which is {port} too"));
        }
    }
}

fn session_key(reader: &mut Reader<'_>) -> Option<Secret> {
    let key = reader.text("SESSION_KEY")?;
    if key.len() < SHORTEST_KEY {
        reader.mistake(
            "SESSION_KEY",
            format!("must have at least {SHORTEST_KEY} bytes; `openssl rand -hex 32` makes one"),
        );
    }
    Some(Secret::new(key))
}

fn days(reader: &mut Reader<'_>) -> Duration {
    let days: u32 = reader.parsed("KEEP_DAYS", "0", "a whole number of days");
    Duration::from_hours(u64::from(days) * 24)
}

fn log(reader: &mut Reader<'_>) -> LogSettings {
    let filter = reader.text("RUST_LOG").unwrap_or("info").to_owned();
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
        reader.mistake("RUST_LOG", format!("is not a log filter ({error}); try `info`"));
    }
    let text = reader.one_of("LOG_FORMAT", &[("json", false), ("text", true)]);
    LogSettings { filter, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
        let mistakes = Settings::from_environment(&environment(variables)).expect_err("mistakes");
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_environment_is_a_valid_one() {
        let settings = Settings::from_environment(&Environment::new()).expect("defaults");
        assert_eq!(settings.address.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.database.engine(), Engine::Sqlite);
        assert_eq!(settings.session_key, None);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let told = mistakes(&[
            ("BIND", "everywhere"),
            ("PORT", "eighty"),
            ("SESSION_KEY", "short"),
            ("DRAIN_SECONDS", "-1"),
            ("LOG_FORMAT", "xml"),
            ("MAIN_HOST", "db"),
        ]);
        assert_eq!(
            told,
            [
                "BIND: must be an IP address, not `everywhere`",
                "PORT: must be a port between 0 and 65535, not `eighty`",
                "MAIN_ENGINE: is missing; MAIN_HOST needs it: `postgres` or `mysql`",
                "MAIN_NAME: is missing; MAIN_HOST needs it",
                "MAIN_USER: is missing; MAIN_HOST needs it",
                "SESSION_KEY: must have at least 32 bytes; `openssl rand -hex 32` makes one",
                "DRAIN_SECONDS: must be a whole number of seconds, not `-1`",
                "LOG_FORMAT: must be `json` or `text`, not `xml`",
            ]
        );
    }

    #[test]
    fn one_port_cannot_serve_two_things() {
        let told = mistakes(&[("PORT", "9090")]);
        assert_eq!(told, ["GRPC_PORT: must differ from PORT, which is 9090 too"]);
        let told = mistakes(&[("PORT", "9464")]);
        assert_eq!(told, ["METRICS_PORT: must differ from PORT, which is 9464 too"]);
        let told = mistakes(&[("METRICS_PORT", "9090")]);
        assert_eq!(told, ["METRICS_PORT: must differ from GRPC_PORT, which is 9090 too"]);
        let free = environment(&[("PORT", "0"), ("GRPC_PORT", "0"), ("METRICS_PORT", "0")]);
        assert!(Settings::from_environment(&free).is_ok());
    }

    #[test]
    fn zero_turns_a_limit_off_and_a_word_is_a_mistake() {
        let limits = |variables: &[(&str, &str)]| {
            Settings::from_environment(&environment(variables)).expect("valid settings").limits
        };
        let usual = limits(&[]);
        assert_eq!(usual.rate.map(Into::into), Some(200_u32));
        assert_eq!(usual.requests.map(Into::into), Some(256_usize));
        assert_eq!(usual.connections.map(Into::into), Some(512_usize));
        assert_eq!(usual.proxies, 0, "a header is believed only where that was asked for");
        let off = limits(&[("RATE_LIMIT", "0"), ("MAX_REQUESTS", "0"), ("MAX_CONNECTIONS", "0")]);
        assert_eq!((off.rate, off.requests, off.connections), (None, None, None));
        let told = mistakes(&[("RATE_LIMIT", "many"), ("TRUSTED_PROXIES", "true")]);
        assert_eq!(
            told,
            [
                "RATE_LIMIT: must be a number of requests a second, or 0, not `many`",
                "TRUSTED_PROXIES: must be a number of proxies, such as 1, not `true`",
            ]
        );
    }

    #[test]
    fn neither_a_mistake_nor_the_settings_show_a_secret() {
        let secrets = [
            ("SESSION_KEY", "hunter2"),
            ("DATABASE_URL", "postgres://user:hunter2@/"),
            ("MAIN_PASSWORD", "hunter2"),
        ];
        assert!(!mistakes(&secrets).join("\n").contains("hunter2"));
        let fine = environment(&[
            ("SESSION_KEY", "hunter2hunter2hunter2hunter2hunter2"),
            ("DATABASE_URL", "postgres://user:hunter2@db/notes"),
        ]);
        let settings = Settings::from_environment(&fine).expect("valid settings");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
