//! A port and the connections to it: so many at once, and none that is silent for ever.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_io_timeout::TimeoutStream;
use tonic::transport::server::Connected;

/// How long to wait when the system has no room for one more connection.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// How long a client may send nothing while something is expected of it. Longer than the 60 s after
/// which a load balancer lets go of a connection that it does not use: the balancer must be the one
/// who closes, or a request meets a closed connection.
pub const SILENCE: Duration = Duration::from_secs(75);
/// How long a client may take nothing of what is sent to it.
const STALL: Duration = Duration::from_secs(30);
/// How many connections are taken beyond the limit, only to be told so: a load balancer must not
/// take a busy process for a dead one.
const RESERVE: usize = 32;
/// How long such a connection lives.
const CROWDED: Duration = Duration::from_secs(5);

/// A port that is listened on.
pub struct Listener {
    socket: TcpListener,
    places: Option<Arc<Semaphore>>,
    reserve: Arc<Semaphore>,
    lifetime: Option<Duration>,
}

/// A connection in its place, with an end to every wait for its client.
pub struct Connection {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    end: Option<Pin<Box<Sleep>>>,
    peer: Peer,
    _place: Option<OwnedSemaphorePermit>,
}

/// The other end of a connection; every request that comes over it has this as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether there were too many connections when it came: it is served nothing but health.
    pub crowded: bool,
}

impl Peer {
    /// Somebody who came over no connection, as in a test.
    pub const UNKNOWN: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), crowded: false };
}

impl Listener {
    /// Listens on an address.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            socket,
            places: None,
            reserve: Arc::new(Semaphore::new(RESERVE)),
            lifetime: None,
        })
    }

    /// Limits how many connections are served at once; none means no limit.
    #[must_use]
    pub fn with_places(self, places: Option<usize>) -> Self {
        Self { places: places.map(|places| Arc::new(Semaphore::new(places))), ..self }
    }

    /// Limits how long a connection lives, whatever is going on over it.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }

    /// Tells where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for the next connection. One for which there is no place at all is closed at once.
    pub async fn next(&self) -> Connection {
        loop {
            let (stream, address) = match self.socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "could not take a connection");
                    sleep(BETWEEN_TRIES).await;
                    continue;
                }
            };
            let Some((place, crowded)) = self.place() else { continue };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "could not set up a connection");
            }
            let peer = Peer { address: address.ip(), crowded };
            let lifetime = if crowded { Some(CROWDED) } else { self.lifetime };
            return Connection::new(stream, peer, place, lifetime);
        }
    }

    /// Turns the port into its connections, which have no end.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        stream::unfold(self, |listener| async move {
            let connection = listener.next().await;
            Some((Ok(connection), listener))
        })
    }

    /// Finds a place, and tells whether it is one of the reserve.
    fn place(&self) -> Option<(Option<OwnedSemaphorePermit>, bool)> {
        let Some(places) = &self.places else { return Some((None, false)) };
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Some((Some(place), false));
        }
        let place = self.reserve.clone().try_acquire_owned().ok()?;
        Some((Some(place), true))
    }
}

impl Connection {
    fn new(
        stream: TcpStream,
        peer: Peer,
        place: Option<OwnedSemaphorePermit>,
        lifetime: Option<Duration>,
    ) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(SILENCE));
        stream.set_write_timeout(Some(STALL));
        let end = lifetime.map(|lifetime| Box::pin(sleep(lifetime)));
        Self { stream: Box::pin(stream), end, peer, _place: place }
    }

    /// Tells who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// Fails once the connection has lived long enough.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(end) = &mut self.end else { return Ok(()) };
        if end.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        self.stream.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        self.stream.as_mut().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        self.stream.as_mut().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::Instant,
    };

    use super::*;

    async fn connected(listener: &Listener) -> (TcpStream, Connection) {
        let address = listener.address().expect("an address");
        let client = TcpStream::connect(address).await.expect("a connection");
        (client, listener.next().await)
    }

    async fn anywhere() -> Listener {
        Listener::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a free port")
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, mut connection) = connected(&anywhere().await).await;
        let start = Instant::now();
        let error = loop {
            if let Err(error) = connection.write_all(&[0; 4096]).await {
                break error;
            }
        };
        assert_eq!((error.kind(), start.elapsed()), (io::ErrorKind::TimedOut, STALL));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_nothing_is_given_up() {
        let (_client, mut connection) = connected(&anywhere().await).await;
        let start = Instant::now();
        let error = connection.read_u8().await.expect_err("silence");
        assert_eq!((error.kind(), start.elapsed()), (io::ErrorKind::TimedOut, SILENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_a_lifetime_ends_with_it() {
        let listener = anywhere().await.with_lifetime(Duration::from_secs(7));
        let (_client, mut connection) = connected(&listener).await;
        let start = Instant::now();
        let error = connection.read_u8().await.expect_err("the end");
        assert_eq!((error.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 7));
    }

    #[tokio::test]
    async fn beyond_its_places_a_port_takes_some_to_tell_them_so_and_hangs_up_on_the_rest() {
        let listener = anywhere().await.with_places(Some(2));
        let mut all = Vec::new();
        for number in 0..2 + RESERVE {
            let (client, connection) = connected(&listener).await;
            assert_eq!(connection.peer().crowded, number >= 2, "{number}");
            all.push((client, connection));
        }
        let address = listener.address().expect("an address");
        let mut refused = TcpStream::connect(address).await.expect("a connection");
        let waiting = tokio::spawn(async move { listener.next().await.peer() });
        assert_eq!(refused.read(&mut [0]).await.expect("the end"), 0);
        all.remove(0);
        let _client = TcpStream::connect(address).await.expect("a connection");
        assert!(!waiting.await.expect("a connection").crowded, "its place is free again");
    }
}
