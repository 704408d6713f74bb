//! SIGTERM, alone and in a rolling restart under load.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Client;
use tokio::time::sleep;

use crate::{
    process::{Process, Variables, client, until},
    servers::{POSTGRES, Server},
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
    instances: RwLock<Vec<String>>,
    next: AtomicUsize,
    done: AtomicBool,
    served: AtomicUsize,
}

impl Balancer {
    /// Sends requests, reading and writing, until told to stop; any failure is a panic.
    async fn load(&self) {
        while !self.done.load(Ordering::Relaxed) {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let instance = {
                let instances = self.instances.read().unwrap();
                instances[turn % instances.len()].clone()
            };
            let request = if turn.is_multiple_of(3) {
                let notes = format!("{instance}/api/v1/notebooks/home/notes");
                self.client.post(notes).json(&serde_json::json!({ "body": "under load" }))
            } else {
                self.client.get(format!("{instance}/"))
            };
            let answer = request.send().await.expect("no request fails");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("no answer breaks off");
            self.served.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request() {
    let postgres = Server::start(&POSTGRES);
    let mut variables = postgres.url();
    variables.insert("DRAIN_SECONDS", "1".into());
    let mut old = [Process::serve(&variables).await, Process::serve(&variables).await];
    let balancer = Arc::new(Balancer {
        client: client(),
        instances: RwLock::new(old.iter().map(|process| process.http.clone()).collect()),
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
        let mut instances = balancer.instances.read().unwrap().clone();
        instances.push(new.last().unwrap().http.clone());
        *balancer.instances.write().unwrap() = instances.clone();
        process.terminate();
        // A load balancer needs a moment to notice; until then it still sends requests.
        sleep(Duration::from_millis(300)).await;
        instances.retain(|instance| *instance != process.http);
        *balancer.instances.write().unwrap() = instances;
        assert!(process.end().await.success(), "{}", process.log());
    }
    balancer.done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let served = balancer.served.load(Ordering::Relaxed);
    assert!(served > 100, "only {served} requests: that was no load");
}
