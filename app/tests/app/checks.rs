//! Every route of a deployment, HTTP and gRPC, seen from outside.

mod api;
mod grpc;
mod pages;

use reqwest::Client;

use crate::process::{Process, client_trusting};

/// Where a deployment is.
pub(crate) struct Deployment {
    /// Its pages and its API.
    pub(crate) http: String,
    /// Its gRPC, when it can be reached.
    pub(crate) grpc: Option<String>,
    /// Who vouches for its name, besides those the system trusts, as PEM.
    pub(crate) authority: Option<Vec<u8>>,
}

impl Deployment {
    /// A process on this machine is the smallest deployment.
    pub(crate) fn of(process: &Process) -> Self {
        let (http, grpc) = (process.http.clone(), Some(process.grpc.clone()));
        Self { http, grpc, authority: None }
    }

    /// Asks everything once. Only notebooks made here are written to.
    pub(crate) async fn check(&self) {
        let client = self.client();
        self.operations(&client).await;
        pages::check(self, &client).await;
        api::check(self, &client).await;
        if let Some(address) = &self.grpc {
            grpc::check(address, self.authority.as_deref()).await;
        }
    }

    /// Makes a visitor who has not been there yet.
    fn client(&self) -> Client {
        client_trusting(self.authority.as_deref())
    }

    /// Tells the address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.http.trim_end_matches('/'))
    }

    async fn operations(&self, client: &Client) {
        for (path, holds) in [("/healthz", "alive"), ("/readyz", "ready"), ("/visitors", "")] {
            let answer = client.get(self.at(path)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.headers().contains_key("x-request-id"), "{path}");
            assert!(answer.text().await.unwrap().contains(holds), "{path}");
        }
        let metrics = client.get(self.at("/metrics")).send().await.unwrap();
        assert_eq!(metrics.status(), 404, "metrics are not for everybody");
        for (id, kept) in
            [("Root=1-67891233-abcdef", true), ("<script>", false), (&*"x".repeat(999), false)]
        {
            let request = client.get(self.at("/healthz")).header("x-request-id", id);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["x-request-id"] == id, kept, "{id}");
        }
    }
}
