//! Every route of a deployment somewhere else: `app/tests/remote ADDRESS` runs this.

use std::{env, process::Command};

use crate::{
    checks::Deployment,
    edge::Edge,
    process::{Process, Variables},
    servers::Certificate,
};

const HTTP: &str = "NOTES_URL";
const GRPC: &str = "NOTES_GRPC_URL";
const AUTHORITY: &str = "NOTES_CA";

#[tokio::test]
#[ignore = "needs the address of a deployment in NOTES_URL; NOTES_GRPC_URL and NOTES_CA are optional"]
#[expect(clippy::disallowed_methods, reason = "the test has no arguments of its own")]
async fn a_deployment_serves_every_route() {
    let http = env::var(HTTP).expect("NOTES_URL is the address of a deployment");
    let authority = env::var(AUTHORITY).ok();
    let authority = authority.map(|file| std::fs::read(file).expect("NOTES_CA is a file"));
    Deployment { http, grpc: env::var(GRPC).ok(), authority }.check().await;
}

/// Runs the test above as `app/tests/remote` does.
async fn validate(variables: Vec<(&'static str, String)>) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "deployment::a_deployment_serves_every_route"]);
    command.envs(variables);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn the_validation_finds_every_route_of_a_process() {
    let process = Process::serve(&Variables::new()).await;
    validate(vec![(HTTP, process.http.clone()), (GRPC, process.grpc.clone())]).await;
}

#[tokio::test]
async fn the_validation_finds_every_route_behind_a_certificate_of_ones_own() {
    let process = Process::serve(&Variables::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::in_folder(folder.path());
    let http = Edge::before(&process.http, &certificate, b"http/1.1").await;
    let grpc = Edge::before(&process.grpc, &certificate, b"h2").await;
    let authority = certificate.certificate.display().to_string();
    validate(vec![(HTTP, http.address), (GRPC, grpc.address), (AUTHORITY, authority)]).await;
}
