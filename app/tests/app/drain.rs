//! SIGTERM, alone and in a rolling restart under load.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use notes::grpc::v1::{AddNoteRequest, ListNotesRequest, notes_client::NotesClient};
use reqwest::{Client, RequestBuilder};
use tokio::time::sleep;
use tonic::transport::Channel;

use crate::{
    process::{Process, Variables, client, until},
    servers::{MARIADB, POSTGRES, REDIS, Server},
};

#[tokio::test]
async fn a_process_that_is_asked_to_stop_says_so_serves_on_and_ends() {
    let variables = Variables::from([("DRAIN_SECONDS", "2".into())]);
    let mut process = Process::serve(&variables).await;
    let client = client();
    process.terminate();
    until("it wants no new requests", async || {
        let ready = client.get(process.at("/readyz")).send().await.unwrap();
        (ready.status() == 503).then_some(())
    })
    .await;
    let page = client.get(process.at("/")).send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["connection"]),
        (200, &"close".parse().unwrap())
    );
    assert!(process.end().await.success());
}

#[tokio::test]
async fn asked_twice_a_process_does_not_wait() {
    let variables = Variables::from([("DRAIN_SECONDS", "3600".into())]);
    let mut process = Process::serve(&variables).await;
    process.terminate();
    until("it drains", async || process.log().contains("draining").then_some(())).await;
    process.terminate();
    assert!(process.end().await.success());
}

/// Sends each request to the next instance that said it was ready, as a load balancer does.
struct Balancer {
    client: Client,
    instances: RwLock<Vec<Instance>>,
    next: AtomicUsize,
    done: AtomicBool,
    served: AtomicUsize,
}

/// An instance, with the one gRPC connection that the balancer keeps to it.
#[derive(Clone)]
struct Instance {
    http: String,
    grpc: NotesClient<Channel>,
}

impl Instance {
    async fn of(process: &Process) -> Self {
        let channel = Channel::from_shared(process.grpc.clone()).unwrap().connect().await.unwrap();
        Self { http: process.http.clone(), grpc: NotesClient::new(channel) }
    }
}

impl Balancer {
    /// Sends requests, reading and writing, until told to stop; any failure is a panic.
    async fn load(&self) {
        while !self.done.load(Ordering::Relaxed) {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let mut instance = {
                let instances = self.instances.read().unwrap();
                instances[turn % instances.len()].clone()
            };
            let http = instance.http;
            match turn % 4 {
                0 => {
                    let add = AddNoteRequest {
                        notebook: "home".into(),
                        body: "over gRPC".into(),
                        idempotency_key: String::new(),
                    };
                    instance.grpc.add_note(add).await.expect("no call fails");
                }
                1 => {
                    let list =
                        ListNotesRequest { notebook: "home".into(), ..ListNotesRequest::default() };
                    instance.grpc.list_notes(list).await.expect("no call fails");
                }
                2 => {
                    let notes = format!("{http}/api/v1/notebooks/home/notes");
                    let note = serde_json::json!({ "body": "under load" });
                    succeeds(self.client.post(notes).json(&note)).await;
                }
                _ => succeeds(self.client.get(format!("{http}/"))).await,
            }
            self.served.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn succeeds(request: RequestBuilder) {
    let answer = request.send().await.expect("no request fails");
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.bytes().await.expect("no answer breaks off");
}

async fn a_rolling_restart_fails_nothing(mut variables: Variables) {
    variables.insert("DRAIN_SECONDS", "1".into());
    // The load comes from one client, and as fast as it can.
    variables.insert("RATE_LIMIT", "0".into());
    let mut old = [Process::serve(&variables).await, Process::serve(&variables).await];
    let mut instances = vec![Instance::of(&old[0]).await, Instance::of(&old[1]).await];
    let balancer = Arc::new(Balancer {
        client: client(),
        instances: RwLock::new(instances.clone()),
        next: AtomicUsize::new(0),
        done: AtomicBool::new(false),
        served: AtomicUsize::new(0),
    });
    let load: Vec<_> = (0..8)
        .map(|_| {
            let balancer = balancer.clone();
            tokio::spawn(async move { balancer.load().await })
        })
        .collect();
    let mut new = Vec::new();
    for process in &mut old {
        new.push(Process::serve(&variables).await);
        instances.push(Instance::of(new.last().unwrap()).await);
        balancer.instances.write().unwrap().clone_from(&instances);
        process.terminate();
        // A load balancer needs a moment to notice; until then it still sends requests.
        sleep(Duration::from_millis(300)).await;
        instances.retain(|instance| instance.http != process.http);
        balancer.instances.write().unwrap().clone_from(&instances);
        assert!(process.end().await.success(), "{}", process.log());
    }
    balancer.done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let served = balancer.served.load(Ordering::Relaxed);
    assert!(served > 100, "only {served} requests: that was no load");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_on_postgres_with_redis_fails_no_request_and_no_call() {
    let (postgres, redis) = (Server::start(&POSTGRES), Server::start(&REDIS));
    let mut variables = postgres.url();
    variables.extend(redis.url());
    a_rolling_restart_fails_nothing(variables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_on_mariadb_fails_no_request_and_no_call() {
    let mariadb = Server::start(&MARIADB);
    a_rolling_restart_fails_nothing(mariadb.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_on_one_sqlite_file_fails_no_request_and_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("notes.db").display());
    a_rolling_restart_fails_nothing(Variables::from([("DATABASE_URL", url)])).await;
}
