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
    /// Encrypted, and an authority that is trusted must vouch for the server.
    VerifyCa,
    /// Encrypted, and an authority that is trusted must vouch for the server and its name.
    VerifyFull,
    /// In the clear.
    Disable,
}

const ENGINES: [(&str, Engine); 4] = [
    ("postgres", Engine::Postgres),
    ("postgresql", Engine::Postgres),
    ("mysql", Engine::MySql),
    ("mariadb", Engine::MySql),
];

/// How a connection is protected, in the words of libpq, which the settings take too, and in those
/// of MySQL's tools.
const PROTECTIONS: [(&str, &str, Tls); 5] = [
    ("prefer", "preferred", Tls::Prefer),
    ("require", "required", Tls::Require),
    ("verify-ca", "verify_ca", Tls::VerifyCa),
    ("verify-full", "verify_identity", Tls::VerifyFull),
    ("disable", "disabled", Tls::Disable),
];

impl Tls {
    /// Reads the word that a URL for the engine has for it.
    fn from_url(word: &str, engine: Engine) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let named = PROTECTIONS.iter().find(|(postgres, mysql, _)| match engine {
            Engine::MySql => *mysql == word,
            Engine::Postgres | Engine::Sqlite => *postgres == word,
        });
        named.map(|(_, _, tls)| *tls)
    }
}

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
        let prefix = reader.text("DATABASE_PREFIX").unwrap_or("MAIN");
        if let Some(url) = reader.text("DATABASE_URL") {
            let connections = Connections::read(reader, None);
            return from_url(url, connections).unwrap_or_else(|problem| {
                reader.mistake("DATABASE_URL", problem);
                temporary(reader)
            });
        }
        if reader.text(&format!("{prefix}_HOST")).is_some() {
            let connections = Connections::read(reader, Some(prefix));
            return Self::Server(from_parts(reader, prefix, connections));
        }
        Connections::read(reader, None);
        temporary(reader)
    }
}

impl Connections {
    /// Reads what was set for whichever database it is, or else what came with the parts.
    fn read(reader: &mut Reader<'_>, prefix: Option<&str>) -> Self {
        let variable = |reader: &Reader<'_>, part: &str| {
            let own = format!("DATABASE_{part}");
            match prefix {
                Some(prefix) if reader.text(&own).is_none() => format!("{prefix}_{part}"),
                _ => own,
            }
        };
        let (tls, authority) = (variable(reader, "TLS"), variable(reader, "CA"));
        Self {
            tls: reader.one_of(&tls, &PROTECTIONS.map(|(word, _, tls)| (word, tls))),
            authorities: authorities(reader, &authority),
            pool: reader.parsed("DATABASE_POOL", "10", "a number of connections, 1 or more"),
        }
    }
}

/// Reads which file of authorities to trust. One that cannot be read is told now: later it would
/// look like a database that is away.
fn authorities(reader: &mut Reader<'_>, variable: &str) -> Option<PathBuf> {
    let file = PathBuf::from(reader.text(variable)?);
    if let Err(error) = File::open(&file) {
        reader.mistake(variable, format!("`{}` cannot be read: {error}", file.display()));
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
    let mut server = server(&url, connections).ok_or(SHAPE)?;
    for (option, value) in url.query_pairs() {
        protect(&mut server, &option, &value)?;
    }
    Ok(DatabaseSettings::Server(server))
}

/// Takes an option from the `?` part of a URL, in the words of the driver. It is about this database
/// and the settings are about any, so it wins.
fn protect(server: &mut Server, option: &str, value: &str) -> Result<(), &'static str> {
    match (server.engine, option) {
        (engine, "sslmode" | "ssl-mode") => {
            server.connections.tls = Tls::from_url(value, engine).ok_or(
                "must have an `sslmode` of `disable`, `prefer`, `require`, `verify-ca` or \
                 `verify-full` for PostgreSQL, an `ssl-mode` of `DISABLED`, `PREFERRED`, \
                 `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY` for MySQL",
            )?;
        }
        (Engine::Postgres, "sslrootcert" | "ssl-root-cert" | "ssl-ca")
        | (Engine::MySql, "sslca" | "ssl-ca") => {
            let file = PathBuf::from(value);
            File::open(&file).map_err(|_| "names a file of authorities that cannot be read")?;
            server.connections.authorities = Some(file);
        }
        _ => {
            return Err("takes only `sslmode` and `sslrootcert` after `?` for PostgreSQL, only \
                        `ssl-mode` and `ssl-ca` for MySQL; DATABASE_POOL says how many connections");
        }
    }
    Ok(())
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
    }

    fn server(variables: &[(&str, &str)]) -> Server {
        match read(variables) {
            Ok(DatabaseSettings::Server(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    /// A file that is there: cargo runs tests in the package's folder.
    const FILE: &str = "Cargo.toml";

    #[test]
    fn a_url_says_in_the_words_of_its_driver_how_connections_are_protected() {
        let postgres = format!("postgres://ann@db/notes?sslmode=verify-full&sslrootcert={FILE}");
        let mysql = format!("mysql://ann@db/notes?ssl-mode=VERIFY_IDENTITY&ssl-ca={FILE}");
        for url in [postgres, mysql] {
            let read = server(&[("DATABASE_URL", &url), ("DATABASE_TLS", "disable")]).connections;
            assert_eq!((read.tls, read.authorities), (Tls::VerifyFull, Some(FILE.into())), "{url}");
        }
        for (url, tls) in [
            ("postgres://ann@db/notes?sslmode=require", Tls::Require),
            ("postgres://ann@db/notes?ssl-mode=verify-ca", Tls::VerifyCa),
            ("mysql://ann@db/notes?ssl-mode=DISABLED", Tls::Disable),
            ("mysql://ann@db/notes?sslmode=required", Tls::Require),
            ("mysql://ann@db/notes", Tls::Prefer),
        ] {
            assert_eq!(server(&[("DATABASE_URL", url)]).connections.tls, tls, "{url}");
        }
    }

    #[test]
    fn what_a_url_says_beyond_that_is_refused_and_not_repeated() {
        for (rest, told) in [
            ("postgres://ann@db/notes?sslmode=hunter2", "must have an `sslmode`"),
            ("postgres://ann@db/notes?sslmode=VERIFY_IDENTITY", "must have an `sslmode`"),
            ("mysql://ann@db/notes?ssl-mode=verify-full", "must have an `sslmode`"),
            ("postgres://ann@db/notes?sslrootcert=/hunter2", "cannot be read"),
            ("mysql://ann@db/notes?sslrootcert=/hunter2", "takes only"),
            ("postgres://ann@db/notes?password=hunter2", "takes only"),
        ] {
            let mistakes = read(&[("DATABASE_URL", rest)]).expect_err(rest);
            assert!(mistakes[0].contains(told), "{mistakes:?}");
            assert!(!mistakes[0].contains("hunter2"), "{mistakes:?}");
        }
    }

    #[test]
    fn parts_bring_their_own_protection_unless_something_else_was_set() {
        let parts = [
            ("DATABASE_PREFIX", "STORE"),
            ("STORE_ENGINE", "postgres"),
            ("STORE_HOST", "db"),
            ("STORE_NAME", "notes"),
            ("STORE_USER", "ann"),
            ("STORE_TLS", "verify-full"),
            ("STORE_CA", FILE),
        ];
        let read = server(&parts).connections;
        assert_eq!((read.tls, read.authorities), (Tls::VerifyFull, Some(FILE.into())));
        let read = server(&[&parts[..], &[("DATABASE_TLS", "require")]].concat()).connections;
        assert_eq!((read.tls, read.authorities), (Tls::Require, Some(FILE.into())));
        let url = ("DATABASE_URL", "postgres://ann@db/notes");
        let read = server(&[&parts[..], &[url]].concat()).connections;
        assert_eq!((read.tls, read.authorities), (Tls::Prefer, None), "that is another database");
    }

    #[test]
    fn a_mistake_in_the_protection_names_the_variable_it_is_in() {
        let words = "must be `prefer`, `require`, `verify-ca`, `verify-full` or `disable`";
        let parts = [
            ("MAIN_ENGINE", "postgres"),
            ("MAIN_HOST", "db"),
            ("MAIN_NAME", "notes"),
            ("MAIN_USER", "ann"),
            ("MAIN_TLS", "verify"),
            ("MAIN_CA", "/nowhere/ca.pem"),
        ];
        let told = read(&parts).expect_err("refused");
        assert_eq!(told[0], format!("MAIN_TLS: {words}, not `verify`"));
        assert!(told[1].starts_with("MAIN_CA: `/nowhere/ca.pem` cannot be read"), "{told:?}");
        let told = read(&[("DATABASE_TLS", "verify")]).expect_err("refused");
        assert_eq!(told, [format!("DATABASE_TLS: {words}, not `verify`")]);
    }
}
