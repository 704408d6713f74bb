//! A wire between the app and a server, which can go dead without either of them noticing, as when
//! a machine loses its power.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::sync::CancellationToken;

/// A port that leads to another one.
pub(crate) struct Wire {
    /// Where the wire begins.
    pub(crate) port: u16,
    dead: Arc<Mutex<CancellationToken>>,
}

impl Wire {
    /// Lays a wire to a port of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self { port: listener.local_addr().unwrap().port(), dead: Arc::default() };
        let dead = wire.dead.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) =
                    (near.into_split(), far.into_split());
                let dead = dead.lock().unwrap().clone();
                tokio::spawn(carry(near_in, far_out, dead.clone()));
                tokio::spawn(carry(far_in, near_out, dead));
            }
        });
        wire
    }

    /// Connections that are open now stay open and carry nothing ever again; nor do new ones, for
    /// now.
    pub(crate) fn cut(&self) {
        self.dead.lock().unwrap().cancel();
    }

    /// New connections are carried again.
    pub(crate) fn mend(&self) {
        *self.dead.lock().unwrap() = CancellationToken::new();
    }
}

/// Carries what comes in until the wire is dead; from then on keeps both ends open.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, dead: CancellationToken) {
    let mut bytes = [0; 4096];
    loop {
        tokio::select! {
            biased;
            () = dead.cancelled() => std::future::pending().await,
            read = from.read(&mut bytes) => match read {
                Ok(count @ 1..) if to.write_all(&bytes[..count]).await.is_ok() => {}
                _ => return,
            },
        }
    }
}
