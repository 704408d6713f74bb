//! The least that axum can serve: what `tests/bench` measures the app against.

use axum::{Router, routing::get};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".into());
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().route("/", get(|| async { "hello\n" }))).await
}
