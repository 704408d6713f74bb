//! Every route of a deployment, HTTP and gRPC, seen from outside.

mod api;
mod grpc;
mod pages;

use crate::process::client;

/// Where a deployment is.
pub(crate) struct Deployment {
    /// Its pages and its API.
    pub(crate) http: String,
    /// Its gRPC, when it can be reached.
    pub(crate) grpc: Option<String>,
}

impl Deployment {
    /// Asks everything once. Only notebooks made here are written to.
    pub(crate) async fn check(&self) {
        let client = client();
        self.operations(&client).await;
        pages::check(self, &client).await;
        api::check(self, &client).await;
        if let Some(address) = &self.grpc {
            grpc::check(address).await;
        }
    }

    /// Tells the address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.http.trim_end_matches('/'))
    }

    async fn operations(&self, client: &reqwest::Client) {
        for (path, holds) in [
            ("/healthz", "alive"),
            ("/readyz", "ready"),
            ("/metrics", "http_requests_total"),
            ("/visitors", ""),
        ] {
            let answer = client.get(self.at(path)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.headers().contains_key("x-request-id"), "{path}");
            assert!(answer.text().await.unwrap().contains(holds), "{path}");
        }
    }
}
