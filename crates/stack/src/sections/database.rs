//! The `databases` section.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Part, Ref, Text};
use deployer_kinds::{
    self as kinds, Characters, DbInstance, DbInstanceSpec, DbParameterGroup, DbParameterGroupSpec,
    DbSubnetGroup, DbSubnetGroupSpec, Ingress, ParameterGroup, Password, Peer, Ports, Protocol,
    Secret, SecretSpec, SecurityGroup, SecurityGroupSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service;
use crate::draft::{Draft, Origin, owned};
use crate::later::NotYet;
use crate::node::Node;
use crate::quantities::{DaysOrNone, Gibibytes};
use crate::section::{Offer, Output, Section, Sections, yes};

/// A relational database (RDS) in the data subnets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys are the words of users")]
pub(crate) struct Database {
    /// The engine: `postgres`, `mysql`, `mariadb`, `aurora-postgresql` or `aurora-mysql`.
    pub(crate) engine: Engine,
    /// The version, as exactly as you care for: `16`, `16.4`.
    pub(crate) version: String,
    /// The size of the machine, such as `db.t4g.micro`.
    #[serde(default = "class")]
    pub(crate) class: String,
    /// How much it can hold: `20 GiB`. It can grow but never shrink.
    #[serde(default = "storage")]
    pub(crate) storage: Gibibytes,
    /// How far RDS may grow the storage by itself; not at all when left out.
    pub(crate) max_storage: Option<Gibibytes>,
    /// Whether a standby in another zone takes over when it fails (Multi-AZ).
    #[serde(default)]
    pub(crate) standby: bool,
    /// How long daily backups are kept: `7 days`, 35 at most, or `none`.
    #[serde(default = "backup_retention")]
    pub(crate) backup_retention: DaysOrNone,
    /// Whether AWS upgrades minor versions by itself.
    #[serde(default = "yes")]
    pub(crate) minor_upgrades: bool,
    /// The database that is there from the beginning; named after the section's entry when left
    /// out.
    pub(crate) database: Option<String>,
    /// The master user.
    #[serde(default = "user")]
    pub(crate) user: String,
    /// The port; the engine's own when left out.
    pub(crate) port: Option<u16>,
    /// Whether AWS and `destroy` refuse to delete it.
    #[serde(default = "yes")]
    pub(crate) protect: bool,
    /// Whether deleting it leaves a snapshot.
    #[serde(default = "yes")]
    pub(crate) final_snapshot: bool,
    /// The capacity that a serverless Aurora scales between.
    pub(crate) capacity: Option<NotYet>,
    /// How many read replicas there are.
    pub(crate) replicas: Option<NotYet>,
    /// Settings of the engine, as RDS calls its parameters: `{ log_min_duration_statement: 250 }`.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// Whether clients must encrypt their connections: `required` or `optional`.
    #[serde(default)]
    pub(crate) tls: Tls,
    /// Who keeps the password: the stack, in a secret that changes only when you say so (`kept`),
    /// or RDS, which changes it every seven days (`managed`).
    #[serde(default)]
    pub(crate) password: Keeper,
    /// The key that encrypts it, from `keys`.
    pub(crate) key: Option<NotYet>,
    /// What it is restored from when it is made.
    pub(crate) restore: Option<NotYet>,
    /// One that exists already.
    pub(crate) existing: Option<NotYet>,
}

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// Aurora that speaks PostgreSQL.
    #[schemars(extend("x-not-yet" = true))]
    AuroraPostgresql,
    /// Aurora that speaks MySQL.
    #[schemars(extend("x-not-yet" = true))]
    AuroraMysql,
}

/// Whether clients must encrypt their connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tls {
    /// They must.
    #[default]
    Required,
    /// They may.
    Optional,
}

/// Who keeps the password of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Keeper {
    /// The stack, in a secret of its own.
    #[default]
    Kept,
    /// RDS, in one of its own.
    Managed,
}

impl Engine {
    /// What speaks the same on one instance.
    fn instance(self) -> kinds::Engine {
        match self {
            Self::Postgres | Self::AuroraPostgresql => kinds::Engine::Postgres,
            Self::Mysql | Self::AuroraMysql => kinds::Engine::Mysql,
            Self::Mariadb => kinds::Engine::Mariadb,
        }
    }

    /// What a client calls it.
    fn client(self) -> &'static str {
        match self.instance() {
            kinds::Engine::Postgres => "postgres",
            kinds::Engine::Mysql => "mysql",
            kinds::Engine::Mariadb => "mariadb",
        }
    }
}

/// From which version on RDS wants TLS of PostgreSQL's clients unless a parameter says otherwise
/// (RDS user guide, "Requiring an SSL connection to a PostgreSQL DB instance").
const TLS_BY_ITSELF: u32 = 15;

impl Database {
    /// The parameter that says whether clients must encrypt.
    fn tls_parameter(&self) -> &'static str {
        match self.engine.instance() {
            kinds::Engine::Postgres => "rds.force_ssl",
            kinds::Engine::Mysql | kinds::Engine::Mariadb => "require_secure_transport",
        }
    }

    /// The parameters that are not RDS's own.
    fn parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = self.parameters.clone();
        let major = self.version.split('.').next().and_then(|major| major.parse().ok());
        let is_postgres = self.engine.instance() == kinds::Engine::Postgres;
        let by_itself = is_postgres && major.is_some_and(|major: u32| major >= TLS_BY_ITSELF);
        if by_itself != (self.tls == Tls::Required) {
            let value = if self.tls == Tls::Required { "1" } else { "0" };
            parameters.insert(self.tls_parameter().to_owned(), value.to_owned());
        }
        parameters
    }

    /// Makes the group with the parameters that are not RDS's own, where there are any.
    fn make_parameters(&self, name: &str, draft: &mut Draft) -> ParameterGroup {
        let path = [Self::KEY, name];
        let said = self.tls_parameter();
        if self.parameters.contains_key(said) {
            let place = draft.place(&owned(&[Self::KEY, name, "parameters", said]));
            let mistake = format!("`{said}` is what `tls` says");
            draft.mistakes.push(
                Diagnostic::error(Code::BadValue, mistake)
                    .at(place, "here")
                    .help("write `tls: required` or `tls: optional` for the database"),
            );
        }
        let parameters = self.parameters();
        if parameters.is_empty() {
            return ParameterGroup::Default;
        }
        let Some(family) = self.engine.instance().family(&self.version) else {
            let place = draft.place(&owned(&[Self::KEY, name, "version"]));
            let title = format!("version {} does not say which parameters there are", self.version);
            draft.mistakes.push(
                Diagnostic::error(Code::BadValue, title)
                    .at(place, "too short")
                    .help("write a major version in whole, such as `8.0` or `8.4`"),
            );
            return ParameterGroup::Default;
        };
        let description = format!("database {name}");
        let group = DbParameterGroupSpec { family, description, parameters };
        let fields = &[("parameters", "parameters"), ("family", "version")];
        draft.make::<DbParameterGroup>(name, &group, Origin::new(&path, fields));
        ParameterGroup::Own(Ref::named(name))
    }

    /// The port it listens on.
    fn port(&self) -> u16 {
        self.port.unwrap_or(self.engine.instance().port())
    }

    /// The secret that keeps its password, which is gone with it unless a snapshot is left: who
    /// restores that needs the password it had.
    fn secret(&self, name: &str) -> SecretSpec {
        SecretSpec {
            description: format!("database {name}"),
            // RDS takes 41 characters for MySQL (`CreateDBInstance` in the RDS API reference).
            length: 40.into(),
            characters: Characters::Alphanumeric.into(),
            key: Some("password".to_owned()),
            recovery_days: if self.final_snapshot { 30 } else { 0 }.into(),
        }
    }

    /// The database that is there from the beginning.
    fn database_name(&self, name: &str) -> String {
        self.database.clone().unwrap_or_else(|| name.replace('-', "_"))
    }
}

/// Fields of the instance and the keys they are written as.
const FIELDS: &[(&str, &str)] = &[
    ("engine", "engine"),
    ("version", "version"),
    ("class", "class"),
    ("storage", "storage"),
    ("max-storage", "max-storage"),
    ("database", "database"),
    ("user", "user"),
    ("backup-days", "backup-retention"),
    ("parameter-group", "parameters"),
];

impl Section for Database {
    const KEY: &'static str = "databases";
    const ABOUT: &'static str = "Relational databases, by name.";
    const EXAMPLE: &'static str = "{ engine: postgres, version: 16 }";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft) {
        let path = [Self::KEY, name];
        draft.must_have_network(&path);
        draft.must_have_two_zones("RDS", "data", &path);
        let rule = |user: service::Owner<'_>| Ingress {
            from: Peer::SecurityGroup(user.group()),
            port: Ports::Range(self.port(), self.port()),
            protocol: Protocol::Tcp,
            description: String::new(),
        };
        let group = SecurityGroupSpec {
            vpc: Ref::named("main"),
            description: format!("database {name}"),
            ingress: service::users(all, Self::KEY, name).map(rule).collect(),
            egress: BTreeSet::new(),
        };
        draft.make::<SecurityGroup>(&group_name(name), &group, Origin::new(&path, &[]));

        let subnets = DbSubnetGroupSpec {
            subnets: draft.subnets("data"),
            description: format!("database {name}"),
        };
        draft.make::<DbSubnetGroup>(name, &subnets, Origin::new(&path, &[]));

        let password = match self.password {
            Keeper::Managed => Password::Managed,
            Keeper::Kept => {
                draft.make::<Secret>(
                    &secret_name(name),
                    &self.secret(name),
                    Origin::new(&path, &[]),
                );
                Password::Kept(Ref::named(secret_name(name)))
            }
        };
        let parameter_group = self.make_parameters(name, draft);
        let instance = DbInstanceSpec {
            engine: self.engine.instance().into(),
            version: self.version.clone(),
            class: self.class.clone(),
            storage: self.storage.0,
            max_storage: self.max_storage.map_or(0, |storage| storage.0),
            storage_type: "gp3".to_owned(),
            iops: None,
            database: self.database_name(name).into(),
            user: self.user.clone(),
            password: password.into(),
            // Left out, it is reset to the engine's own.
            port: Some(self.port()),
            parameter_group,
            subnet_group: Ref::named(name),
            security_groups: [Ref::named(group_name(name))].into(),
            public_address: false,
            standby: self.standby,
            backup_days: self.backup_retention.0,
            backup_window: None,
            maintenance_window: None,
            minor_upgrades: self.minor_upgrades,
            encrypted: true,
            deletion_protection: self.protect,
            final_snapshot: self.final_snapshot.into(),
        };
        draft.make::<DbInstance>(name, &instance, Origin::new(&path, FIELDS));
    }

    fn offer(&self, name: &str, _all: &Sections) -> Option<Offer> {
        let instance = Address::new("db-instance", name);
        let output = |field: &str| Text::output(instance.clone(), field);
        Some(Offer {
            environment: vec![
                ("HOST", output("host")),
                ("PORT", output("port")),
                // RDS does not show what somebody has made in it since.
                ("NAME", Text::from(self.database_name(name).as_str())),
                ("USER", output("user")),
                ("ENGINE", Text::from(self.engine.client())),
            ],
            named: Vec::new(),
            packed: match self.tls {
                Tls::Required => vec![
                    ("TLS", Text::from("verify-full")),
                    ("CA", Text::from("/etc/ssl/certs/rds-global-bundle.pem")),
                ],
                Tls::Optional => Vec::new(),
            },
            secrets: vec![("PASSWORD", in_secret(name, "password"))],
            on_request: match self.password {
                Keeper::Kept => vec![("URL", in_secret(name, "url"))],
                Keeper::Managed => Vec::new(),
            },
            stored: None,
            readable: vec![output("secret").into()],
            permits: Vec::new(),
            ports: vec![self.port()],
            udp_ports: Vec::new(),
            is_outside: false,
        })
    }

    fn outputs(name: &str, _body: &Node) -> Vec<Output> {
        let output = |field| Output::of(field, "db-instance", name, field);
        vec![
            output("host").printed(),
            output("port"),
            output("database"),
            output("user"),
            output("secret"),
        ]
    }
}

/// The security group of a database.
fn group_name(name: &str) -> String {
    format!("database-{name}")
}

/// The secret of a database whose password the stack keeps.
fn secret_name(name: &str) -> String {
    format!("database-{name}")
}

/// One value in the JSON secret of a database, in the form ECS reads one key of it.
fn in_secret(name: &str, key: &str) -> Text {
    let secret =
        Part::Output { address: Address::new("db-instance", name), field: "secret".to_owned() };
    Text::from_parts([secret, Part::Literal(format!(":{key}::"))])
}

fn class() -> String {
    "db.t4g.micro".to_owned()
}

fn storage() -> Gibibytes {
    Gibibytes(20)
}

fn backup_retention() -> DaysOrNone {
    DaysOrNone(7)
}

fn user() -> String {
    "deployer".to_owned()
}
