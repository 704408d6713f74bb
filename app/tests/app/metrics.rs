//! What Prometheus is told, on a port of its own.

use std::net::TcpListener;

use crate::process::{Process, Variables, client, run};

#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_and_nothing_else_is_there() {
    let process = Process::serve(&Variables::new()).await;
    let client = client();
    let status = async |address: String| client.get(address).send().await.unwrap().status();
    assert_eq!(status(process.at("/")).await, 200);
    assert_eq!(status(process.at("/metrics")).await, 404);
    let metrics = client.get(format!("{}/metrics", process.metrics)).send().await.unwrap();
    assert_eq!(metrics.status(), 200);
    let text = metrics.text().await.unwrap();
    let counted = "http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1";
    assert!(text.contains(counted), "{text}");
    for path in ["/", "/healthz", "/api/v1/notebooks/home", "/notes.v1.Notes/GetNotebook"] {
        assert_eq!(status(format!("{}{path}", process.metrics)).await, 404, "{path}");
    }
}

#[test]
fn a_port_that_is_taken_ends_the_process_with_the_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for port in ["PORT", "GRPC_PORT", "METRICS_PORT"] {
        let mut variables = Variables::from([
            ("BIND", "127.0.0.1".into()),
            ("PORT", "0".into()),
            ("GRPC_PORT", "0".into()),
            ("METRICS_PORT", "0".into()),
        ]);
        variables.insert(port, address.port().to_string());
        let ended = run(&["serve"], &variables);
        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{port}: {said}");
        assert!(said.contains(&format!("could not listen on {address}: ")), "{port}: {said}");
    }
}
