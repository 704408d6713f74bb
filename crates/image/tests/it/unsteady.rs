//! A door before a registry that misbehaves as asked, one connection after the other.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a connection.
#[derive(Clone, Copy)]
pub(crate) enum Mishap {
    /// It is answered with 503.
    Unavailable,
    /// It is closed without an answer.
    Closed,
    /// It is closed after so many bytes have gone to the registry.
    CutAfter(u64),
}

/// Opens the door; after the mishaps, all connections reach the registry. Gives its URL.
pub(crate) async fn open(registry: String, mishaps: Vec<Mishap>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut mishaps = mishaps.into_iter();
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(pass(connection, registry.clone(), mishaps.next()));
        }
    });
    format!("http://{address}")
}

/// An answer of a registry: its status, the digest it names, and what it says.
pub(crate) fn answer(status: &str, digest: &str, body: &str) -> String {
    let digest = match digest {
        "" => String::new(),
        digest => format!("docker-content-digest: {digest}\r\n"),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{digest}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Opens a door behind which are these answers, one for each connection, and then everything, each
/// manifest that is asked for by its digest with it. Gives its URL.
pub(crate) async fn scripted(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        for answer in answers {
            let (mut client, _) = listener.accept().await.expect("a connection");
            drop(client.read(&mut [0; 16384]).await);
            drop(client.write_all(answer.as_bytes()).await);
        }
        while let Ok((mut client, _)) = listener.accept().await {
            let mut asked = [0; 16384];
            let length = client.read(&mut asked).await.unwrap_or_default();
            let asked = String::from_utf8_lossy(&asked[..length]);
            let digest = asked.split_whitespace().nth(1).and_then(|path| path.rsplit('/').next());
            let digest = digest.filter(|it| it.starts_with("sha256:"));
            let there = answer("200 OK", digest.unwrap_or_default(), "");
            drop(client.write_all(there.as_bytes()).await);
        }
    });
    format!("http://{address}")
}

async fn pass(mut client: TcpStream, registry: String, mishap: Option<Mishap>) {
    const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
        content-length: 0\r\nconnection: close\r\n\r\n";
    let connect = || async { TcpStream::connect(&registry).await.expect("the registry listens") };
    // Errors on the way are what a closed connection looks like from here.
    match mishap {
        None => drop(copy_bidirectional(&mut client, &mut connect().await).await),
        Some(Mishap::Unavailable) => {
            drop(client.read(&mut [0; 4096]).await);
            drop(client.write_all(UNAVAILABLE).await);
        }
        Some(Mishap::Closed) => {}
        Some(Mishap::CutAfter(bytes)) => {
            let (up, down) = (client.split(), connect().await.into_split());
            let (mut from_client, mut to_client) = up;
            let (mut from_registry, mut to_registry) = down;
            let mut limited = (&mut from_client).take(bytes);
            tokio::select! {
                _ = copy(&mut limited, &mut to_registry) => {}
                _ = copy(&mut from_registry, &mut to_client) => {}
            }
        }
    }
}
