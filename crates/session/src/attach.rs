//! A session over a connection, from its beginning to its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use deployer_engine::{Ends, Session, Typed};
use futures_sink::Sink;
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout};
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};

use crate::channel::{Channel, ChannelError, Heard};
use crate::content::{OpenDataChannel, VERSION};
use crate::error::SessionError;
use crate::message::Id;

/// How long a connection is silent before it is asked whether it still stands: gateways forget one
/// that is silent for some minutes. AWS's own client asks every five.
const SILENCE: Duration = Duration::from_mins(1);

/// How long the end of a session is waited for that was asked for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Joins a session over this connection, and passes on what is typed and what the task shows until it
/// ends; gives what the other side says of the end. `epoch` is the time, in milliseconds since the
/// beginning of 1970.
///
/// What is typed is taken once the other side is ready, and no faster than it acknowledges it. When
/// nobody types any more (the channel is closed), the session goes on until the task ends it.
///
/// # Errors
/// When the connection breaks, or the other side speaks otherwise.
pub async fn attach<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    session: &Session,
    epoch: u64,
    mut ends: Ends,
) -> Result<String, SessionError> {
    let address = session.url.parse();
    let address = address.map_err(|_| SessionError::Address(session.url.clone()))?;
    let (mut socket, _) = ClientBuilder::from_uri(address).connect_on(stream).await?;
    send(&mut socket, Message::text(opening(session.token.reveal()))).await?;
    let began = Instant::now();
    let mut channel = Channel::new(epoch);
    // By when it is over that was asked to end.
    let mut farewell: Option<Instant> = None;
    let mut is_typing = true;
    loop {
        while let Some(bytes) = channel.outgoing() {
            send(&mut socket, Message::binary(bytes)).await?;
        }
        if farewell.is_some_and(|until| Instant::now() >= until) {
            return Ok(String::new());
        }
        let wait = channel.due().map_or(SILENCE, |due| due.saturating_sub(began.elapsed()));
        let wait = farewell.map_or(wait, |until| wait.min(until - Instant::now()));
        let takes = is_typing && farewell.is_none() && channel.takes_input();
        let (may_end, typed) = (farewell.is_none(), &mut ends.typed);
        let happens = async {
            tokio::select! {
                message = socket.next() => Happening::Came(message),
                () = ends.ended.cancelled(), if may_end => Happening::Ended,
                typed = typed.recv(), if takes => Happening::Typed(typed),
            }
        };
        let happening = timeout(wait, happens).await;
        let now = began.elapsed();
        match happening {
            Ok(Happening::Came(Some(message))) => {
                let message = message?;
                if !message.is_binary() {
                    continue;
                }
                match taken(&mut channel, message.as_payload(), now, &ends.shown).await {
                    Ok(None) => {}
                    Ok(Some(words)) => return Ok(words),
                    Err(error) => {
                        // The other side hears what it was refused.
                        while let Some(bytes) = channel.outgoing() {
                            send(&mut socket, Message::binary(bytes)).await?;
                        }
                        return Err(error.into());
                    }
                }
            }
            Ok(Happening::Came(None)) => {
                return if farewell.is_some() {
                    Ok(String::new())
                } else {
                    Err(SessionError::Ended)
                };
            }
            Ok(Happening::Typed(Some(Typed::Bytes(bytes)))) => channel.input(&bytes, now),
            Ok(Happening::Typed(Some(Typed::Size { columns, rows }))) => {
                channel.size(columns, rows, now);
            }
            Ok(Happening::Ended) => {
                channel.terminate(now);
                farewell = Some(Instant::now() + FAREWELL);
            }
            Ok(Happening::Typed(None)) => is_typing = false,
            Err(_) if channel.due().is_some_and(|due| now >= due) => channel.resend(now)?,
            Err(_) if farewell.is_none() => send(&mut socket, Message::ping("")).await?,
            Err(_) => {}
        }
    }
}

/// What happens next.
enum Happening {
    Came(Option<Result<Message, tokio_websockets::Error>>),
    Typed(Option<Typed>),
    Ended,
}

/// Takes what came, and hands on what is to be shown; what the other side says of the end, if that was
/// it.
async fn taken(
    channel: &mut Channel,
    bytes: &[u8],
    now: Duration,
    shown: &Sender<Vec<u8>>,
) -> Result<Option<String>, ChannelError> {
    for heard in channel.receive(bytes, now)? {
        match heard {
            // Whoever watches no more has ended it as well.
            Heard::Shown(bytes) => drop(shown.send(bytes).await),
            Heard::Closed(words) => return Ok(Some(words)),
        }
    }
    Ok(None)
}

/// The text that opens the connection.
fn opening(token: &str) -> String {
    let opening = OpenDataChannel {
        message_schema_version: "1.0",
        request_id: Id::random().to_string(),
        token_value: token,
        client_id: Id::random().to_string(),
        client_version: VERSION,
    };
    serde_json::to_string(&opening).expect("texts have a JSON form")
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> Result<(), tokio_websockets::Error> {
    poll_fn(|cx| Pin::new(&mut *socket).poll_ready(cx)).await?;
    Pin::new(&mut *socket).start_send(message)?;
    poll_fn(|cx| Pin::new(&mut *socket).poll_flush(cx)).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use deployer_engine::Token;
    use serde_json::{Value, json};
    use tokio::io::DuplexStream;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    use tokio_websockets::ServerBuilder;

    use super::*;
    use crate::message::{Kind, Message as Frame, PayloadKind};

    /// The other side: says back what it hears, and drops each first message.
    struct Agent {
        socket: WebSocketStream<DuplexStream>,
        sequence: i64,
        /// The number of the next message that it takes, and those that it has dropped once.
        next: i64,
        dropped: BTreeSet<i64>,
        size: Value,
    }

    impl Agent {
        async fn meet(stream: DuplexStream) -> Self {
            let (_, socket) = ServerBuilder::new().accept(stream).await.unwrap();
            let mut agent =
                Self { socket, sequence: 0, next: 0, dropped: BTreeSet::new(), size: Value::Null };
            let opening = agent.socket.next().await.unwrap().unwrap();
            let opening: Value = serde_json::from_str(opening.as_text().unwrap()).unwrap();
            assert_eq!(
                (&opening["TokenValue"], &opening["MessageSchemaVersion"]),
                (&json!("s3cr3t"), &json!("1.0"))
            );
            let request = json!({ "RequestedClientActions": [{ "ActionType": "SessionType" }] });
            agent.say(PayloadKind::HANDSHAKE_REQUEST, request.to_string().as_bytes()).await;
            let response = agent.hear().await.unwrap();
            assert_eq!(response.payload_kind, PayloadKind::HANDSHAKE_RESPONSE);
            agent.say(PayloadKind::HANDSHAKE_COMPLETE, b"{}").await;
            agent
        }

        async fn say(&mut self, kind: PayloadKind, payload: &[u8]) {
            self.tell(Kind::Output, kind, payload).await;
            self.sequence += 1;
        }

        async fn tell(&mut self, kind: Kind, payload_kind: PayloadKind, payload: &[u8]) {
            let (sequence, payload) = (self.sequence, payload.to_vec());
            let (created, flags, id) = (0, 0, Id::random());
            let frame = Frame { kind, created, sequence, flags, id, payload_kind, payload };
            send(&mut self.socket, Message::binary(frame.encode())).await.unwrap();
        }

        /// The next message of what is typed, at its second try at the earliest; none where the client
        /// has gone.
        async fn hear(&mut self) -> Option<Frame> {
            loop {
                let message = self.socket.next().await?.ok()?;
                if !message.is_binary() {
                    continue;
                }
                let frame = Frame::decode(message.as_payload()).unwrap();
                let is_next = frame.kind == Kind::Input && frame.sequence == self.next;
                if !is_next || self.dropped.insert(frame.sequence) {
                    continue;
                }
                self.next += 1;
                let content = json!({
                    "AcknowledgedMessageType": "input_stream_data",
                    "AcknowledgedMessageId": frame.id.to_string(),
                    "AcknowledgedMessageSequenceNumber": frame.sequence,
                    "IsSequentialMessage": true,
                });
                let content = content.to_string();
                self.tell(Kind::Acknowledge, PayloadKind::NONE, content.as_bytes()).await;
                return Some(frame);
            }
        }

        /// Says back what is typed until that is `exit`, or until it is to end.
        async fn echo(mut self) -> Self {
            while let Some(frame) = self.hear().await {
                match frame.payload_kind {
                    PayloadKind::SIZE => {
                        self.size = serde_json::from_slice(&frame.payload).unwrap();
                    }
                    PayloadKind::FLAG => break,
                    _ if frame.payload == b"exit" => break,
                    _ => self.say(PayloadKind::OUTPUT, &frame.payload).await,
                }
            }
            let content = br#"{"Output":"over"}"#;
            self.tell(Kind::ChannelClosed, PayloadKind::NONE, content).await;
            self
        }
    }

    /// A session, with what a person has of it.
    fn begun() -> (Session, Ends, mpsc::Sender<Typed>, mpsc::Receiver<Vec<u8>>, CancellationToken) {
        let session = Session {
            id: "1".to_owned(),
            url: "ws://localhost/v1/data-channel/1?role=publish_subscribe".to_owned(),
            token: Token::new("s3cr3t"),
            target: "ecs:a_b_c".to_owned(),
        };
        let (keys, typed) = mpsc::channel(8);
        let (shown, screen) = mpsc::channel(64);
        let end = CancellationToken::new();
        (session, Ends { typed, shown, ended: end.clone() }, keys, screen, end)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_typed_comes_back_whatever_gets_lost() {
        let (session, ends, keys, mut screen, _end) = begun();
        let (here, there) = tokio::io::duplex(4096);
        let person = async {
            keys.send(Typed::Size { columns: 80, rows: 24 }).await.unwrap();
            for word in ["ls", "\r", "exit"] {
                keys.send(Typed::Bytes(word.as_bytes().to_vec())).await.unwrap();
            }
        };
        let other = async { Agent::meet(there).await.echo().await };
        let (ended, (), agent) = tokio::join!(attach(here, &session, 0, ends), person, other);
        assert_eq!(ended.unwrap(), "over");
        assert_eq!(agent.size, json!({ "cols": 80, "rows": 24 }));
        let mut all = Vec::new();
        while let Ok(bytes) = screen.try_recv() {
            all.extend(bytes);
        }
        assert_eq!(all, b"ls\r");
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_ends_the_session() {
        let (session, ends, _keys, _screen, end) = begun();
        let (here, there) = tokio::io::duplex(4096);
        let other = async {
            let agent = Agent::meet(there).await;
            end.cancel();
            agent.echo().await
        };
        let (ended, _) = tokio::join!(attach(here, &session, 0, ends), other);
        assert_eq!(ended.unwrap(), "over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_breaks_is_no_end() {
        let (session, ends, _keys, _screen, _end) = begun();
        let (here, there) = tokio::io::duplex(4096);
        let other = async { drop(Agent::meet(there).await) };
        let (ended, ()) = tokio::join!(attach(here, &session, 0, ends), other);
        assert!(ended.is_err(), "{ended:?}");
    }
}
