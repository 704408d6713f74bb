//! The queue of jobs, asked directly, on every store.

use std::time::Duration;

use notes::{
    data::{self, RedisShared, Repository, Session, Shared},
    settings::{Environment, Settings},
};

use crate::{
    process::Variables,
    servers::{MARIADB, POSTGRES, REDIS, Server},
};

/// Longer than the test.
const LEASE: Duration = Duration::from_hours(1);

fn settings(variables: &Variables) -> Settings {
    let environment: Environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Settings::from_environment(&environment).unwrap()
}

async fn database(variables: &Variables) -> impl Shared + use<> {
    let repository = data::connect(&settings(variables).database);
    repository.migrate().await.unwrap();
    repository
}

async fn keeps_its_promises(queue: &impl Shared) {
    assert_eq!(queue.claim(LEASE).await.unwrap(), None);
    for _ in 0..3 {
        queue.push("digest:home").await.unwrap();
    }
    assert_eq!(queue.jobs().await.unwrap(), 1, "asked for three times, it is one job");
    let (one, two) = tokio::join!(queue.claim(LEASE), queue.claim(LEASE));
    let claims: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    let [first] = claims.as_slice() else { panic!("one of two workers gets it: {claims:?}") };
    assert_eq!((first.name.as_str(), first.attempts), ("digest:home", 1));

    queue.push("digest:home").await.unwrap();
    queue.finish(first).await.unwrap();
    let again = queue.claim(LEASE).await.unwrap().expect("asked for again, it is done again");
    assert_eq!(again.attempts, 1);
    queue.finish(&again).await.unwrap();
    assert_eq!(queue.jobs().await.unwrap(), 0);

    queue.push("clean").await.unwrap();
    let lost = queue.claim(Duration::ZERO).await.unwrap().unwrap();
    let taken = queue.claim(LEASE).await.unwrap().expect("a lease that is over is lost");
    assert_eq!((lost.attempts, taken.attempts), (1, 2));
    assert_eq!(queue.claim(LEASE).await.unwrap(), None);
}

async fn remembers(store: &impl Shared) {
    let session = |notebook: &str| Session { notebooks: vec![notebook.to_owned()] };
    assert_eq!(store.session("ann").await.unwrap(), None);
    for notebook in ["one", "two"] {
        store.save_session("ann", &session(notebook)).await.unwrap();
        assert_eq!(store.session("ann").await.unwrap(), Some(session(notebook)));
    }
    assert_eq!(store.forget_sessions().await.unwrap(), 0, "its time is not over");
    assert_eq!(store.add_visitors(2).await.unwrap(), 2);
    assert_eq!(store.add_visitors(3).await.unwrap(), 5);
}

#[tokio::test]
async fn sqlite_keeps_jobs_and_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    let store = database(&Variables::from([("DATABASE_URL", url)])).await;
    keeps_its_promises(&store).await;
    remembers(&store).await;
}

#[tokio::test]
async fn postgres_keeps_jobs_and_sessions() {
    let postgres = Server::start(&POSTGRES);
    let store = database(&postgres.url()).await;
    keeps_its_promises(&store).await;
    remembers(&store).await;
}

#[tokio::test]
async fn mariadb_keeps_jobs_and_sessions() {
    let mariadb = Server::start(&MARIADB);
    let store = database(&mariadb.url()).await;
    keeps_its_promises(&store).await;
    remembers(&store).await;
}

#[tokio::test]
async fn redis_keeps_jobs_and_sessions() {
    let redis = Server::start(&REDIS);
    let store = RedisShared::new(&settings(&redis.parts()).cache.unwrap()).unwrap();
    keeps_its_promises(&store).await;
    remembers(&store).await;
}
