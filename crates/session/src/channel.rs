//! The two streams of a session, without a connection: each in order, each message acknowledged, and
//! what is not acknowledged sent again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

use crate::content::{
    Acknowledge, ChannelClosed, HandshakeComplete, HandshakeRequest, HandshakeResponse, Size,
};
use crate::message::{Id, Kind, Malformed, Message, PayloadKind};

/// The most bytes of a message to the task: as many as AWS's own client reads at a time.
const CHUNK: usize = 1024;

/// How many messages may be under way that are not acknowledged. Its own client has a buffer of
/// 10,000, and forgets the oldest when that is full; here nothing more is read instead.
const WINDOW: usize = 64;

/// How many messages are kept that came before their predecessors: as many as its own client keeps.
const EARLY: usize = 10_000;

/// How long an acknowledgement is waited for, at first, at least, and at most.
const FIRST: Duration = Duration::from_millis(200);
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(1);

/// How long a message is sent again and again before the other side counts as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// The flags of a message that stands alone: the first and the last of its stream.
const ALONE: u64 = 3;

/// The flag that ends a session, as a number of four bytes.
const TERMINATE: [u8; 4] = 2_u32.to_be_bytes();

/// What the client can do of what is asked for before a session.
const ABLE: [&str; 1] = ["SessionType"];

/// What it cannot: encrypt with a key of KMS.
const KMS: &str = "KMSEncryption";

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The account wants its sessions to be encrypted with a key of KMS.
    #[error("the account encrypts its sessions with a key of KMS")]
    Encrypted,
    /// Something that was sent is not acknowledged.
    #[error("the other side has acknowledged nothing for a minute")]
    Lost,
    /// Bytes are no message.
    #[error("the other side sent what is no message: {0}")]
    Malformed(#[from] Malformed),
    /// A message has not the content that it is to have.
    #[error("the other side sent a message with strange content: {0}")]
    Strange(#[from] serde_json::Error),
}

/// What there is to know of a message that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Something to be shown.
    Shown(Vec<u8>),
    /// The session has ended, with what the other side says of that.
    Closed(String),
}

/// A message that is not acknowledged yet.
struct Sent {
    sequence: i64,
    bytes: Vec<u8>,
    first: Duration,
    last: Duration,
}

/// The two streams. `now` is always the time since they were made.
pub(crate) struct Channel {
    /// When they were made, in milliseconds since the beginning of 1970.
    epoch: u64,
    /// The number of the next message from the task.
    expected: i64,
    /// Messages that came before their predecessors.
    early: BTreeMap<i64, Message>,
    /// The number of the next message to the task.
    next: i64,
    unacknowledged: VecDeque<Sent>,
    outgoing: VecDeque<Vec<u8>>,
    /// The mean of how long acknowledgements took, and how far they are from it.
    round_trip: Option<(Duration, Duration)>,
    is_ready: bool,
    is_paused: bool,
}

impl Channel {
    pub(crate) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            expected: 0,
            early: BTreeMap::new(),
            next: 0,
            unacknowledged: VecDeque::new(),
            outgoing: VecDeque::new(),
            round_trip: None,
            is_ready: false,
            is_paused: false,
        }
    }

    /// Whether there is room for more that is typed.
    pub(crate) fn takes_input(&self) -> bool {
        self.is_ready && !self.is_paused && self.unacknowledged.len() < WINDOW
    }

    /// Sends what was typed.
    pub(crate) fn input(&mut self, bytes: &[u8], now: Duration) {
        for chunk in bytes.chunks(CHUNK) {
            self.send(PayloadKind::OUTPUT, chunk.to_vec(), now);
        }
    }

    /// Tells how large the terminal is.
    pub(crate) fn size(&mut self, columns: u16, rows: u16, now: Duration) {
        self.send(PayloadKind::SIZE, json(&Size { cols: columns, rows }), now);
    }

    /// Asks for the session's end.
    pub(crate) fn terminate(&mut self, now: Duration) {
        self.send(PayloadKind::FLAG, TERMINATE.to_vec(), now);
    }

    /// The next message to be sent, if there is one.
    pub(crate) fn outgoing(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// When something is to be sent again, if nothing comes before.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.unacknowledged.front().map(|sent| sent.last + self.timeout())
    }

    /// Sends again what is due. As in AWS's own client that is the oldest message: the other side
    /// keeps those that came after it.
    pub(crate) fn resend(&mut self, now: Duration) -> Result<(), ChannelError> {
        let timeout = self.timeout();
        let Some(oldest) = self.unacknowledged.front_mut() else { return Ok(()) };
        if now < oldest.last + timeout {
            return Ok(());
        }
        if now >= oldest.first + PATIENCE {
            return Err(ChannelError::Lost);
        }
        oldest.last = now;
        self.outgoing.push_back(oldest.bytes.clone());
        Ok(())
    }

    /// Takes a message.
    ///
    /// # Errors
    /// When it is none, or the session cannot go on.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        now: Duration,
    ) -> Result<Vec<Heard>, ChannelError> {
        let message = Message::decode(bytes)?;
        match message.kind {
            Kind::Output => self.output(message, now),
            Kind::Acknowledge => {
                let Acknowledge { sequence, .. } = serde_json::from_slice(&message.payload)?;
                self.acknowledged(sequence, now);
                Ok(Vec::new())
            }
            Kind::ChannelClosed => {
                let closed: ChannelClosed =
                    serde_json::from_slice(&message.payload).unwrap_or_default();
                Ok(vec![Heard::Closed(closed.output)])
            }
            Kind::PausePublication | Kind::StartPublication => {
                self.is_paused = message.kind == Kind::PausePublication;
                Ok(Vec::new())
            }
            Kind::Input | Kind::Other(_) => Ok(Vec::new()),
        }
    }

    /// Takes a message of the task: in its turn, or kept until that comes. One that was there is
    /// acknowledged again, since the other side sends it again until it is.
    fn output(&mut self, message: Message, now: Duration) -> Result<Vec<Heard>, ChannelError> {
        if message.sequence > self.expected && self.early.len() >= EARLY {
            return Ok(Vec::new());
        }
        self.acknowledge(&message, now);
        if message.sequence >= self.expected {
            self.early.insert(message.sequence, message);
        }
        let mut heard = Vec::new();
        while let Some(message) = self.early.remove(&self.expected) {
            self.expected += 1;
            heard.extend(self.take(message, now)?);
        }
        Ok(heard)
    }

    /// What a message says whose turn it is.
    fn take(&mut self, message: Message, now: Duration) -> Result<Option<Heard>, ChannelError> {
        match message.payload_kind {
            PayloadKind::HANDSHAKE_REQUEST => {
                let request: HandshakeRequest = serde_json::from_slice(&message.payload)?;
                let response = HandshakeResponse::to(&request, &ABLE);
                self.send(PayloadKind::HANDSHAKE_RESPONSE, json(&response), now);
                let is_kms = |action: &crate::content::Action| action.action_type == KMS;
                if request.requested_client_actions.iter().any(is_kms) {
                    return Err(ChannelError::Encrypted);
                }
                Ok(None)
            }
            PayloadKind::CHALLENGE => Err(ChannelError::Encrypted),
            PayloadKind::HANDSHAKE_COMPLETE => {
                self.is_ready = true;
                let complete: HandshakeComplete =
                    serde_json::from_slice(&message.payload).unwrap_or_default();
                let words = complete.customer_message.filter(|words| !words.is_empty());
                Ok(words.map(|words| Heard::Shown(format!("{words}\r\n").into_bytes())))
            }
            PayloadKind::OUTPUT | PayloadKind::ERRORS => {
                // An agent that shows something wants no handshake.
                self.is_ready = true;
                Ok(Some(Heard::Shown(message.payload)))
            }
            _ => Ok(None),
        }
    }

    fn acknowledge(&mut self, message: &Message, now: Duration) {
        let (content, flags) = (json(&Acknowledge::of(message)), ALONE);
        let message = Message {
            flags,
            ..self.message(Kind::Acknowledge, 0, PayloadKind::NONE, content, now)
        };
        self.outgoing.push_back(message.encode());
    }

    /// Forgets what is acknowledged, and learns how long that takes (RFC 6298).
    fn acknowledged(&mut self, sequence: i64, now: Duration) {
        let place = self.unacknowledged.iter().position(|sent| sent.sequence == sequence);
        let Some(sent) = place.and_then(|place| self.unacknowledged.remove(place)) else { return };
        // Of one that was sent twice nobody knows which is acknowledged.
        if sent.first != sent.last {
            return;
        }
        let took = now.saturating_sub(sent.last);
        self.round_trip = Some(match self.round_trip {
            None => (took, took / 2),
            Some((mean, spread)) => ((mean * 7 + took) / 8, (spread * 3 + mean.abs_diff(took)) / 4),
        });
    }

    fn timeout(&self) -> Duration {
        let learned = self.round_trip.map(|(mean, spread)| mean + spread * 4);
        learned.map_or(FIRST, |it| it.clamp(SHORTEST, LONGEST))
    }

    fn send(&mut self, kind: PayloadKind, payload: Vec<u8>, now: Duration) {
        let bytes = self.message(Kind::Input, self.next, kind, payload, now).encode();
        let sent = Sent { sequence: self.next, bytes: bytes.clone(), first: now, last: now };
        self.next += 1;
        self.unacknowledged.push_back(sent);
        self.outgoing.push_back(bytes);
    }

    fn message(
        &self,
        kind: Kind,
        sequence: i64,
        payload_kind: PayloadKind,
        payload: Vec<u8>,
        now: Duration,
    ) -> Message {
        let since = u64::try_from(now.as_millis()).unwrap_or_default();
        let created = self.epoch.saturating_add(since);
        Message { kind, created, sequence, flags: 0, id: Id::random(), payload_kind, payload }
    }
}

fn json(content: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(content).expect("numbers, texts and lists have a JSON form")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    fn from_task(sequence: i64, kind: PayloadKind, payload: &[u8]) -> Vec<u8> {
        let agent = Channel::new(0);
        agent.message(Kind::Output, sequence, kind, payload.to_vec(), NOW).encode()
    }

    fn shown(sequence: i64, text: &str) -> Vec<u8> {
        from_task(sequence, PayloadKind::OUTPUT, text.as_bytes())
    }

    fn acknowledging(sequence: i64) -> Vec<u8> {
        let content = json!({
            "AcknowledgedMessageType": "input_stream_data", "AcknowledgedMessageId": "1",
            "AcknowledgedMessageSequenceNumber": sequence, "IsSequentialMessage": true,
        });
        let payload = content.to_string().into_bytes();
        Channel::new(0).message(Kind::Acknowledge, 0, PayloadKind::NONE, payload, NOW).encode()
    }

    /// What it sends, decoded.
    fn sent(channel: &mut Channel) -> Vec<Message> {
        std::iter::from_fn(|| channel.outgoing()).map(|it| Message::decode(&it).unwrap()).collect()
    }

    /// One that is ready, with nothing on its way.
    fn ready() -> Channel {
        let mut channel = Channel::new(0);
        channel.is_ready = true;
        channel
    }

    fn texts(heard: Vec<Heard>) -> String {
        let texts = heard.into_iter().map(|heard| match heard {
            Heard::Shown(bytes) => String::from_utf8(bytes).unwrap(),
            Heard::Closed(words) => format!("[{words}]"),
        });
        texts.collect()
    }

    #[test]
    fn a_session_begins_with_a_handshake() {
        let mut channel = Channel::new(0);
        assert!(!channel.takes_input());
        let request = json!({
            "AgentVersion": "3.1.0.0",
            "RequestedClientActions": [{
                "ActionType": "SessionType",
                "ActionParameters": { "SessionType": "InteractiveCommands", "Properties": null },
            }],
        });
        let request = from_task(0, PayloadKind::HANDSHAKE_REQUEST, request.to_string().as_bytes());
        assert_eq!(channel.receive(&request, NOW).unwrap(), []);
        let [acknowledge, response] = &sent(&mut channel)[..] else { panic!("two messages") };
        assert_eq!((&acknowledge.kind, acknowledge.flags), (&Kind::Acknowledge, 3));
        assert_eq!(
            (response.sequence, response.payload_kind),
            (0, PayloadKind::HANDSHAKE_RESPONSE)
        );
        let response: Value = serde_json::from_slice(&response.payload).unwrap();
        assert_eq!(response["ProcessedClientActions"][0]["ActionType"], "SessionType");
        assert_eq!(response["ProcessedClientActions"][0]["ActionStatus"], 1);
        assert!(!channel.takes_input(), "the other side has not said that it is done");
        let complete = json!({ "HandshakeTimeToComplete": 1, "CustomerMessage": "Mind the gap" });
        let complete = complete.to_string();
        let complete = from_task(1, PayloadKind::HANDSHAKE_COMPLETE, complete.as_bytes());
        assert_eq!(texts(channel.receive(&complete, NOW).unwrap()), "Mind the gap\r\n");
        assert!(channel.takes_input());
    }

    #[test]
    fn a_session_that_is_encrypted_is_refused() {
        let mut channel = Channel::new(0);
        let request = json!({ "RequestedClientActions": [{ "ActionType": "KMSEncryption" }] });
        let request = from_task(0, PayloadKind::HANDSHAKE_REQUEST, request.to_string().as_bytes());
        assert!(matches!(channel.receive(&request, NOW), Err(ChannelError::Encrypted)));
        let response: Value = serde_json::from_slice(&sent(&mut channel)[1].payload).unwrap();
        assert_eq!(response["ProcessedClientActions"][0]["ActionStatus"], 3, "the agent is told");
    }

    #[test]
    fn what_comes_out_of_order_or_twice_is_shown_once_and_in_order() {
        let mut channel = ready();
        let mut all = String::new();
        for (sequence, text) in [(1, "b"), (0, "a"), (0, "a"), (3, "d"), (1, "b"), (2, "c")] {
            all += &texts(channel.receive(&shown(sequence, text), NOW).unwrap());
        }
        assert_eq!(all, "abcd");
        assert_eq!(sent(&mut channel).len(), 6, "each is acknowledged, as often as it comes");
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_until_the_other_side_counts_as_lost() {
        let mut channel = ready();
        channel.input(b"ls", NOW);
        channel.input(b"\r", NOW);
        assert_eq!(sent(&mut channel).len(), 2);
        channel.resend(NOW + FIRST / 2).unwrap();
        assert_eq!(sent(&mut channel), [], "it is not due yet");
        assert_eq!(channel.due(), Some(NOW + FIRST));
        channel.resend(NOW + FIRST).unwrap();
        let [again] = &sent(&mut channel)[..] else { panic!("one is sent again") };
        assert_eq!((again.sequence, &again.payload[..]), (0, &b"ls"[..]));
        channel.receive(&acknowledging(0), NOW).unwrap();
        channel.resend(NOW + FIRST).unwrap();
        assert_eq!(sent(&mut channel)[0].sequence, 1);
        let end = channel.resend(NOW + PATIENCE);
        assert!(matches!(end, Err(ChannelError::Lost)));
        channel.receive(&acknowledging(1), NOW).unwrap();
        assert_eq!(channel.due(), None);
        channel.receive(&acknowledging(1), NOW).unwrap();
    }

    #[test]
    fn no_more_is_read_than_the_other_side_takes() {
        let mut channel = ready();
        channel.input(&vec![b'x'; CHUNK * WINDOW], NOW);
        assert!(!channel.takes_input());
        channel.receive(&acknowledging(0), NOW).unwrap();
        assert!(channel.takes_input());
        let pause = channel.message(Kind::PausePublication, 0, PayloadKind::NONE, vec![], NOW);
        channel.receive(&pause.encode(), NOW).unwrap();
        assert!(!channel.takes_input());
    }

    #[test]
    fn the_end_says_why() {
        let mut channel = ready();
        let content = json!({ "Output": "Session ended by the idle timeout." });
        let content = content.to_string().into_bytes();
        let closed = channel.message(Kind::ChannelClosed, 0, PayloadKind::NONE, content, NOW);
        let heard = channel.receive(&closed.encode(), NOW).unwrap();
        assert_eq!(texts(heard), "[Session ended by the idle timeout.]");
    }

    proptest! {
        #[test]
        fn in_whatever_order_messages_come_they_are_shown_in_theirs(
            order in Just((0..20_i64).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let mut channel = ready();
            let mut all = String::new();
            for sequence in order {
                let message = shown(sequence, &format!("{sequence},"));
                all += &texts(channel.receive(&message, NOW).unwrap());
            }
            let shown: Vec<i64> = all.split_terminator(',').map(|it| it.parse().unwrap()).collect();
            prop_assert_eq!(shown, (0..20).collect::<Vec<i64>>());
        }

        #[test]
        fn no_message_makes_it_panic(kind in 0_u32..14, sequence: i64, payload: Vec<u8>) {
            let mut channel = Channel::new(0);
            let _ = channel.receive(&from_task(sequence, PayloadKind(kind), &payload), NOW);
            let _ = channel.receive(&payload, NOW);
        }
    }
}
