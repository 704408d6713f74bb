//! Migrations, from many processes at once.

use std::process::{Child, Stdio};

use crate::{
    checks::Deployment,
    process::{Process, Variables, command},
    servers::{MARIADB, POSTGRES, Server},
};

/// Eight processes bring one empty database up; a migration that ran twice would fail, because it
/// makes a table.
async fn eight_at_once_on(variables: &Variables) {
    let start = |_| command(&["migrate"], variables).stdout(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = (0..8).map(start).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let process = Process::serve(variables).await;
    Deployment::of(&process).check().await;
}

#[tokio::test]
async fn eight_instances_migrate_sqlite_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    eight_at_once_on(&Variables::from([("DATABASE_URL", url)])).await;
}

#[tokio::test]
async fn eight_instances_migrate_postgres_once() {
    let postgres = Server::start(&POSTGRES);
    eight_at_once_on(&postgres.url()).await;
}

#[tokio::test]
async fn eight_instances_migrate_mariadb_once() {
    let mariadb = Server::start(&MARIADB);
    eight_at_once_on(&mariadb.url()).await;
}
