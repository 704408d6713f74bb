//! Every route of a deployment somewhere else: `app/tests/remote ADDRESS` runs this.

use crate::checks::Deployment;

#[tokio::test]
#[ignore = "needs the address of a deployment in NOTES_URL, and of its gRPC in NOTES_GRPC_URL"]
#[expect(clippy::disallowed_methods, reason = "the test has no arguments of its own")]
async fn a_deployment_serves_every_route() {
    let http = std::env::var("NOTES_URL").expect("NOTES_URL is the address of a deployment");
    let grpc = std::env::var("NOTES_GRPC_URL").ok();
    Deployment { http, grpc }.check().await;
}
