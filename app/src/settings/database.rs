//! Where the data is: one URL, or the parts a stack's `uses:` hands over, or SQLite.

use std::{
    fs::File,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use url::Url;

use super::reader::Reader;
use crate::secret::Secret;

/// Where the data is and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseSettings {
    /// A database server.
    Server(Server),
    /// A file on this machine.
    Sqlite {
        /// The file, made when it is not there.
        file: PathBuf,
        /// Nothing was configured, so the file is a temporary one.
        temporary: bool,
    },
}

/// A database server and who we are to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What it speaks.
    pub engine: Engine,
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database on it.
    pub name: String,
    /// The user we log in as.
    pub user: String,
    /// The password of the user, if it has one.
    pub password: Option<Secret>,
    /// What holds for every connection to it.
    pub connections: Connections,
}

/// What holds for every connection to a database server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// How they are protected: `DATABASE_TLS`.
    pub tls: Tls,
    /// A file of certificates to trust besides the system's: `DATABASE_CA`.
    pub authorities: Option<PathBuf>,
    /// How many of them this process may hold: `DATABASE_POOL`.
    pub pool: NonZeroU32,
}

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL and what speaks like it.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite, inside this process.
    Sqlite,
}

/// How a connection to a server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted when the server can.
    Prefer,
    /// Encrypted or not at all.
    Require,
    /// Encrypted, and the server must prove its name.
    Verify,
    /// In the clear.
    Disable,
}

const ENGINES: [(&str, Engine); 4] = [
    ("postgres", Engine::Postgres),
    ("postgresql", Engine::Postgres),
    ("mysql", Engine::MySql),
    ("mariadb", Engine::MySql),
];

impl Engine {
    fn from_word(word: &str) -> Option<Self> {
        ENGINES.iter().find(|(name, _)| *name == word).map(|(_, engine)| *engine)
    }

    fn port(self) -> u16 {
        match self {
            Self::MySql => 3306,
            Self::Postgres | Self::Sqlite => 5432,
        }
    }

    /// Names the engine the way settings do.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }
}

impl DatabaseSettings {
    /// Names the engine behind these settings.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Server(server) => server.engine,
            Self::Sqlite { .. } => Engine::Sqlite,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let connections = Connections::read(reader);
        let prefix = reader.text("DATABASE_PREFIX").unwrap_or("MAIN");
        let host = format!("{prefix}_HOST");
        if let Some(url) = reader.text("DATABASE_URL") {
            return from_url(url, connections).unwrap_or_else(|problem| {
                reader.mistake("DATABASE_URL", problem);
                temporary(reader)
            });
        }
        if reader.text(&host).is_some() {
            return Self::Server(from_parts(reader, prefix, connections));
        }
        temporary(reader)
    }
}

impl Connections {
    fn read(reader: &mut Reader<'_>) -> Self {
        let words = [
            ("prefer", Tls::Prefer),
            ("require", Tls::Require),
            ("verify", Tls::Verify),
            ("disable", Tls::Disable),
        ];
        Self {
            tls: reader.one_of("DATABASE_TLS", &words),
            authorities: authorities(reader),
            pool: reader.parsed("DATABASE_POOL", "10", "a number of connections, 1 or more"),
        }
    }
}

/// Reads which file of authorities to trust. One that cannot be read is told now: later it would
/// look like a database that is away.
fn authorities(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let file = PathBuf::from(reader.text("DATABASE_CA")?);
    if let Err(error) = File::open(&file) {
        reader.mistake("DATABASE_CA", format!("`{}` cannot be read: {error}", file.display()));
    }
    Some(file)
}

fn temporary(reader: &Reader<'_>) -> DatabaseSettings {
    let folder = reader.text("TMPDIR").unwrap_or("/tmp");
    DatabaseSettings::Sqlite { file: Path::new(folder).join("notes.db"), temporary: true }
}

fn from_parts(reader: &mut Reader<'_>, prefix: &str, connections: Connections) -> Server {
    let part = |part: &str| format!("{prefix}_{part}");
    let host = part("HOST");
    let engine = engine(reader, &part("ENGINE"), &host);
    let usual = engine.port().to_string();
    Server {
        engine,
        port: reader.parsed(&part("PORT"), &usual, "a port between 0 and 65535"),
        name: reader.needed(&part("NAME"), &host),
        user: reader.needed(&part("USER"), &host),
        password: reader.text(&part("PASSWORD")).map(Secret::new),
        host: reader.needed(&host, "the database"),
        connections,
    }
}

fn engine(reader: &mut Reader<'_>, variable: &str, host: &str) -> Engine {
    let problem = match reader.text(variable) {
        Some(word) => match Engine::from_word(word) {
            Some(engine) => return engine,
            None => format!("must be `postgres` or `mysql`, not `{word}`"),
        },
        None => format!("is missing; {host} needs it: `postgres` or `mysql`"),
    };
    reader.mistake(variable, problem);
    Engine::Postgres
}

/// Reads a URL, or says what is wrong with it without repeating it: a password may be inside.
fn from_url(text: &str, connections: Connections) -> Result<DatabaseSettings, &'static str> {
    const SHAPE: &str = "must look like `postgres://user:password@host:port/name`, \
                         `mysql://user:password@host:port/name` or `sqlite:///path/to/file`; in a \
                         password `/` is written `%2F`, `@` `%40` and `#` `%23`";
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file == ":memory:" || file.contains('?') {
            return Err("must name a file, as in `sqlite:///path/to/file`, and nothing else");
        }
        let file = PathBuf::from(file);
        return Ok(DatabaseSettings::Sqlite { file, temporary: false });
    }
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if url.query().is_some() {
        return Err("takes no `?` part; DATABASE_TLS, DATABASE_CA and DATABASE_POOL say the rest");
    }
    server(&url, connections).map(DatabaseSettings::Server).ok_or(SHAPE)
}

fn server(url: &Url, connections: Connections) -> Option<Server> {
    let engine = Engine::from_word(url.scheme())?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(Server {
        engine,
        host: host.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(engine.port()),
        name: decoded(url.path().trim_start_matches('/'))?,
        user: decoded(url.username())?,
        password: url.password().and_then(decoded).map(Secret::new),
        connections,
    })
}

/// Undoes the percent signs of a part of a URL; nothing left counts as nothing there.
fn decoded(part: &str) -> Option<String> {
    let text = percent_decode_str(part).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn read(variables: &[(&str, &str)]) -> Result<DatabaseSettings, Vec<String>> {
        let environment: Environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut reader = Reader::new(&environment);
        let settings = DatabaseSettings::read(&mut reader);
        reader.finish(settings).map_err(|all| all.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_url_and_the_parts_say_the_same() {
        let url = read(&[("DATABASE_URL", "postgres://ann:p%40ss%2Fword@db.example/notes")]);
        let parts = read(&[
            ("MAIN_ENGINE", "postgres"),
            ("MAIN_HOST", "db.example"),
            ("MAIN_PORT", "5432"),
            ("MAIN_NAME", "notes"),
            ("MAIN_USER", "ann"),
            ("MAIN_PASSWORD", "p@ss/word"),
        ]);
        assert!(url.is_ok());
        assert_eq!(url, parts);
    }

    #[test]
    fn the_prefix_of_the_parts_can_be_chosen() {
        let settings = read(&[
            ("DATABASE_PREFIX", "STORE"),
            ("STORE_ENGINE", "mysql"),
            ("STORE_HOST", "db"),
            ("STORE_NAME", "notes"),
            ("STORE_USER", "ann"),
        ]);
        let Ok(DatabaseSettings::Server(server)) = settings else { panic!("{settings:?}") };
        assert_eq!((server.engine, server.port), (Engine::MySql, 3306));
    }

    #[test]
    fn nothing_configured_means_a_temporary_file() {
        let file = PathBuf::from("/elsewhere/notes.db");
        let settings = read(&[("TMPDIR", "/elsewhere")]);
        assert_eq!(settings, Ok(DatabaseSettings::Sqlite { file, temporary: true }));
    }

    #[test]
    fn a_sqlite_url_names_a_file() {
        let file = PathBuf::from("/data/notes.db");
        let settings = read(&[("DATABASE_URL", "sqlite:///data/notes.db")]);
        assert_eq!(settings, Ok(DatabaseSettings::Sqlite { file, temporary: false }));
    }

    #[test]
    fn a_sqlite_url_without_a_file_of_its_own_is_refused() {
        for url in ["sqlite:", "sqlite::memory:", "sqlite:///data/notes.db?mode=ro"] {
            let mistakes = read(&[("DATABASE_URL", url)]).expect_err(url);
            assert!(mistakes[0].contains("must name a file"), "{mistakes:?}");
        }
    }

    #[test]
    fn a_pool_without_connections_and_authorities_that_are_not_there_are_refused() {
        let mistakes = read(&[("DATABASE_POOL", "0"), ("DATABASE_CA", "/nowhere/ca.pem")]);
        let told = mistakes.expect_err("refused").join("\n");
        assert!(
            told.contains("DATABASE_POOL: must be a number of connections, 1 or more"),
            "{told}"
        );
        assert!(told.contains("DATABASE_CA: `/nowhere/ca.pem` cannot be read"), "{told}");
    }

    #[test]
    fn a_url_that_does_not_say_where_is_refused() {
        for url in ["postgres://ann@/notes", "postgres://db/notes", "oracle://ann@db/notes", "db"] {
            let mistakes = read(&[("DATABASE_URL", url)]).expect_err(url);
            assert!(mistakes[0].starts_with("DATABASE_URL: must look like"), "{mistakes:?}");
        }
        let mistakes = read(&[("DATABASE_URL", "postgres://ann@db/notes?sslmode=require")]);
        assert!(mistakes.expect_err("refused")[0].contains("DATABASE_TLS"));
    }
}
